package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRowsThreads compares the methods on rows with the same on one thread in pure Go, for every Set and several threads.
func TestRowsThreads(t *testing.T) {
	const rows, n = 101, 384 // enough to be shared
	rng := rand.New(rand.NewPCG(5, 6))
	src, gamma, beta := values(rng, rows*n, 0), values(rng, n, 0), values(rng, n, 0)
	sum := make([]float32, rows*n)
	methods := []struct {
		name string
		f    func(x *Exec, dst, src []float32)
	}{
		{"LayerNorm", func(x *Exec, dst, src []float32) { x.LayerNorm(dst, src, rows, n, gamma, beta, 1e-12) }},
		{"Normalize", func(x *Exec, dst, src []float32) {
			x.Normalize(dst, src, rows, &Norm{Gamma: gamma, Eps: 1e-6, RMS: true, OnePlus: true})
		}},
		{"AddNormalize", func(x *Exec, dst, src []float32) {
			copy(sum, gamma)
			x.AddNormalize(dst, sum, src, rows, &Norm{Gamma: gamma, Beta: beta, Eps: 1e-12})
			clear(sum)
		}},
		{"AddNormalize in the sum", func(x *Exec, dst, src []float32) {
			copy(sum, gamma)
			x.AddNormalize(sum, sum, src, rows, &Norm{Gamma: gamma, Beta: beta, Eps: 1e-6, RMS: true})
			copy(dst, sum)
			clear(sum)
		}},
		{"Softmax", func(x *Exec, dst, src []float32) { x.Softmax(dst, src, rows, n) }},
		{"L2Normalize", func(x *Exec, dst, src []float32) { x.L2Normalize(dst, src, rows, n, 1e-12) }},
		{"Activate", func(x *Exec, dst, src []float32) { x.Activate(dst, src, GELU) }},
	}
	oracle := New(generic, 1)
	want, got := make([]float32, len(src)), make([]float32, len(src))
	for _, m := range methods {
		m.f(oracle, want, src)
		for _, x := range execs(t) {
			m.f(x, got, src)
			equal(t, x.set.name+" "+m.name, got, want)
			copy(got, src)
			m.f(x, got, got)
			equal(t, x.set.name+" "+m.name+" in place", got, want)
			if x.set != generic {
				if a := testing.AllocsPerRun(5, func() { m.f(x, got, src) }); a != 0 {
					t.Errorf("%s %s: %v allocations on %d threads", x.set.name, m.name, a, x.Threads())
				}
			}
		}
	}
}

// TestRowsAgainstFloat64 compares the methods with their formulas in float64. The bounds follow from the number of
// roundings: each contributes 2^-24 of the size of what is rounded.
func TestRowsAgainstFloat64(t *testing.T) {
	const n = 1000
	const eps = 0x1p-24
	rng := rand.New(rand.NewPCG(7, 8))
	src, gamma, beta, dst := values(rng, n, 0), values(rng, n, 0), values(rng, n, 0), make([]float32, n)
	x := New(nil, 1)
	var sum, squares, expSum, variance float64
	most := math.Inf(-1)
	for _, v := range src {
		sum += float64(v)
		squares += float64(v) * float64(v)
		most = max(most, float64(v))
	}
	for _, v := range src {
		expSum += math.Exp(float64(v) - most)
		variance += (float64(v) - sum/n) * (float64(v) - sum/n) / n
	}
	near := func(routine string, i int, got float32, want, bound float64) {
		t.Helper()
		if e := math.Abs(float64(got) - want); !(e <= bound) {
			t.Fatalf("%s[%d] = %g, want %g ± %.2g: off by %.2g", routine, i, got, want, bound, e)
		}
	}
	x.LayerNorm(dst, src, 1, n, gamma, beta, 1e-12)
	for i, v := range src {
		// the sums have 63 + 4 roundings (n/16 terms a lane and the tree), of the mean and of the variance
		d := (float64(v) - sum/n) / math.Sqrt(variance) * float64(gamma[i])
		near("LayerNorm", i, dst[i], d+float64(beta[i]), eps*(70*math.Abs(d)+70*math.Abs(float64(gamma[i]))+
			math.Abs(float64(beta[i]))))
	}
	x.Normalize(dst, src, 1, &Norm{Gamma: gamma, Beta: beta, Eps: 1e-6, RMS: true, OnePlus: true})
	for i, v := range src { // 63 + 4 roundings of the squares, all positive, and halved by the root
		d := float64(v) / math.Sqrt(squares/n+1e-6) * (1 + float64(gamma[i]))
		near("RMS", i, dst[i], d+float64(beta[i]), eps*(40*math.Abs(d)+math.Abs(float64(beta[i]))))
	}
	x.Softmax(dst, src, 1, n)
	for i, v := range src {
		want := math.Exp(float64(v)-most) / expSum
		near("Softmax", i, dst[i], want, eps*want*(70+math.Abs(float64(v)-most)))
	}
	x.L2Normalize(dst, src, 1, n, 1e-12)
	for i, v := range src {
		want := float64(v) / math.Sqrt(squares)
		near("L2Normalize", i, dst[i], want, eps*math.Abs(want)*40)
	}
	near("Dot", 0, x.Dot(src, src), squares, eps*squares*70)
	x.L2Normalize(dst, make([]float32, n), 1, n, 1e-12) // 0/eps
	for i := range dst {
		near("L2Normalize of zeros", i, dst[i], 0, 0)
	}
}

// TestRowsEnds states what becomes of NaN and infinities in a row.
func TestRowsEnds(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, s := range Sets() {
		x := New(s, 1)
		dst := make([]float32, 3)
		for _, c := range []struct{ src, want []float32 }{
			{[]float32{0, 0, -inf}, []float32{0.5, 0.5, 0}},
			{[]float32{-200, 0, -87.4}, []float32{0, 1, 0}},
			{[]float32{-inf, -inf, -inf}, []float32{nan, nan, nan}},
			{[]float32{1, nan, 2}, []float32{nan, nan, nan}},
			{[]float32{1, inf, 2}, []float32{nan, nan, nan}},
		} {
			x.Softmax(dst, c.src, 1, 3)
			equal(t, s.name+" Softmax", dst, c.want)
		}
		x.L2Normalize(dst, []float32{1, nan, 2}, 1, 3, 1e-12)
		equal(t, s.name+" L2Normalize", dst, []float32{nan, nan, nan})
		x.LayerNorm(dst, []float32{5, 5, 5}, 1, 3, []float32{1, 1, 1}, []float32{1, 2, 3}, 1e-12)
		equal(t, s.name+" LayerNorm", dst, []float32{1, 2, 3})
	}
}
