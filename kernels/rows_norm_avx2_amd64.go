//go:build !purego

package kernels

import "math"

// normPiece is how many elements of each of four rows a call of assembly takes at most. A multiple of 16.
const normPiece = piece / 4

// A norm4 is what the routines of rows_norm_avx2_amd64.s take: a piece of four rows, and what is known of these.
type norm4 struct {
	x, r, y     *float32   // of the first row
	offset      [3]uintptr // of the others, in bytes
	gamma, beta *float32
	betaStep    uintptr // in bytes, from 16 of beta to the next
	ahead       uintptr // in bytes, from x to the rows that normalizeAVX2 prefetches; 0: none
	n           int     // elements in the piece
	begins      bool
	ends        bool
	length      float32 // of a row
	eps         float32
	base        float32    // added to gamma
	minusMean   [4]float32 // of each row
	scale       [4]float32 //nolint:unused // in assembly alone, as the lanes
	lanes       [4]lanes   //nolint:unused
}

// Where twelve rows of at most normAhead elements stay in the first-level cache, four are normalised while the results of the
// next four's first pass are on their way, and the four after those are prefetched.
const normAhead = 512

// minusZeros stand for a mean or a beta that is missing.
var minusZeros = func() (z lanes) {
	for i := range z {
		z[i] = float32(math.Copysign(0, -1))
	}
	return z
}()

// normAVX2 is [rows.norm]. Where fewer than four rows are left, the last one takes the place of the others, too.
func normAVX2(dst, x, r []float32, p *Norm) {
	n := len(p.Gamma)
	var two [2]norm4
	for i := range two {
		t := &two[i]
		t.length, t.eps, t.base, t.beta = float32(n), p.Eps, minusZeros[0], &minusZeros[0]
		t.minusMean = [4]float32(minusZeros[:])
		t.offset = [3]uintptr{uintptr(4 * n), uintptr(8 * n), uintptr(12 * n)}
		if p.OnePlus {
			t.base = 1
		}
		if n <= normAhead {
			t.ahead = uintptr(8 * 4 * n)
		}
	}
	t, before, waits := &two[0], &two[1], false // before waits to be normalised
	for i := 0; i < len(x); i += 4 * n {
		left := len(x) - i
		for k := range t.offset {
			t.offset[k] = min(t.offset[k], uintptr(4*(left-n)))
		}
		for j := 0; j < n; j += normPiece {
			t.piece(i, j, n, x)
			switch {
			case r == nil && p.RMS:
				normSquaresAVX2(t)
			case r == nil:
				normSumAVX2(t)
			case p.RMS:
				t.r = &r[i+j]
				normAddSquaresAVX2(t)
			default:
				t.r = &r[i+j]
				normAddSumAVX2(t)
			}
		}
		if waits {
			before.normalize(i-4*n, dst, x, p)
		}
		for j := 0; j < n && !p.RMS; j += normPiece {
			t.piece(i, j, n, x)
			normSquaresAVX2(t)
		}
		if waits = n <= normAhead && left > 4*n; waits {
			t, before = before, t
		} else {
			t.normalize(i, dst, x, p)
		}
	}
}

// piece sets the piece from element j on of the rows of n that begin at x[i].
func (t *norm4) piece(i, j, n int, x []float32) {
	t.x, t.n, t.begins, t.ends = &x[i+j], min(normPiece, n-j), j == 0, n-j <= normPiece
}

// normalize normalises the rows that begin at x[i].
func (t *norm4) normalize(i int, dst, x []float32, p *Norm) {
	n := len(p.Gamma)
	for j := 0; j < n; j += normPiece {
		t.piece(i, j, n, x)
		t.y, t.gamma = &dst[i+j], &p.Gamma[j]
		if p.Beta != nil {
			t.beta, t.betaStep = &p.Beta[j], 64
		}
		normalizeAVX2(t)
	}
}

//go:noescape
func normSumAVX2(t *norm4)

//go:noescape
func normSquaresAVX2(t *norm4)

//go:noescape
func normAddSumAVX2(t *norm4)

//go:noescape
func normAddSquaresAVX2(t *norm4)

//go:noescape
func normalizeAVX2(t *norm4)
