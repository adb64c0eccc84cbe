package kernels

import "math"

// ALiBi is the [Bias] of Press et al., Train Short, Test Long (arXiv:2108.12409): each head subtracts its slope times the
// distance of the key from the query, rounded, from the score. It holds the slopes of the heads.
type ALiBi []float32

// NewALiBi returns the slopes that the paper gives for that many heads: 2^(-8i/n), i = 1..n, where n is a power of two;
// otherwise those of the greatest power of two below it, then every second one of twice as many.
func NewALiBi(heads int) ALiBi {
	n := 1
	for 2*n <= heads {
		n *= 2
	}
	a := make(ALiBi, 0, heads)
	for i := 1; i <= min(n, heads); i++ {
		a = append(a, alibiSlope(i, n))
	}
	for i := 1; len(a) < heads; i += 2 {
		a = append(a, alibiSlope(i, 2*n))
	}
	return a
}

// alibiSlope returns 2^(-8i/n) for a power of two n, from square roots and products in float64, which are the same everywhere.
func alibiSlope(i, n int) float32 {
	root := 1.0 / 256
	for ; n > 1; n /= 2 {
		root = math.Sqrt(root)
	}
	slope := 1.0
	for range i {
		slope *= root
	}
	return float32(slope)
}

// AddBias implements [Bias].
func (a ALiBi) AddBias(row []float32, _, head, q, k0 int) {
	slope := a[head]
	for i := range row {
		distance := q - k0 - i
		row[i] -= float32(slope * float32(max(distance, -distance)))
	}
}
