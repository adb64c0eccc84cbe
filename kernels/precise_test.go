package kernels

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestGemmPrecise compares with exact sums, rounded once: a float64 sum of k products is off by at most k·2^-53 of the sum of
// their sizes, which can move a result by one unit in the last place where it lies near the middle of two floats.
func TestGemmPrecise(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, c := range [][3]int{{1, 384, 384}, {3, 36, 1}, {2, 1, 17}, {5, 0, 3}, {4, 100, 33}, {1, 1000, 16}} {
		m, k, n := c[0], c[1], c[2]
		a, b, bias := make([]float32, m*k), make([]float32, n*k), make([]float32, n)
		random(r, a)
		random(r, b)
		random(r, bias)
		exact, bound := make([]float64, m*n), make([]float64, m*n)
		for i := range exact {
			sum := new(big.Float).SetPrec(400).SetFloat64(float64(bias[i%n]))
			size := math.Abs(float64(bias[i%n]))
			for l := range k {
				p := float64(a[i/n*k+l]) * float64(b[i%n*k+l]) // exact
				sum.Add(sum, big.NewFloat(p))
				size += math.Abs(p)
			}
			exact[i], _ = sum.Float64()
			bound[i] = math.Abs(exact[i])/(1<<24) + float64(k+1)*size/(1<<53) // half a unit, or more, and what the sum is off by
		}
		for _, x := range execs(t) {
			w := x.Pack(k, n, func(j int, dst []float32) { copy(dst, b[j*k:]) })
			got, check := guarded(m*n, 3)
			x.GemmPrecise(got, n, a, k, m, w, bias, Identity)
			name := fmt.Sprintf("%s, %d threads, %v", x.Set().Name(), x.Threads(), c)
			if err := check(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for i := range got {
				if d := math.Abs(float64(got[i]) - exact[i]); d > bound[i] {
					t.Fatalf("%s: element %d is %v, exactly %v", name, i, got[i], exact[i])
				}
			}
		}
	}
}

// TestGemmPreciseActs applies the activation to the rounded sum, and has the same bits everywhere.
func TestGemmPreciseActs(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	const m, k, n = 3, 70, 50
	a, b := make([]float32, m*k), make([]float32, n*k)
	random(r, a)
	random(r, b)
	var first []float32
	for _, x := range execs(t) {
		w := x.Pack(k, n, func(j int, dst []float32) { copy(dst, b[j*k:]) })
		plain, got := make([]float32, m*n), make([]float32, m*n)
		x.GemmPrecise(plain, n, a, k, m, w, nil, Identity)
		x.GemmPrecise(got, n, a, k, m, w, nil, Tanh)
		for i := range plain {
			plain[i] = tanh(plain[i])
		}
		equal(t, x.Set().Name()+": tanh of the sums", got, plain)
		if first == nil {
			first = got
		}
		equal(t, x.Set().Name()+": against the first Set", got, first)
	}
}

// TestGemmPrecise16 has the bits of weights that were widened before.
func TestGemmPrecise16(t *testing.T) {
	const m, k, n = 3, 300, 37
	b, a := values(rand.New(rand.NewPCG(7, 7)), k*n, 0), values(rand.New(rand.NewPCG(8, 8)), m*k, 0)
	for storage := BFloat16; storage <= Float16; storage++ {
		b16 := narrowed(b, storage)
		for _, x := range execs(t) {
			want, got := make([]float32, m*n), make([]float32, m*n)
			x.GemmPrecise(want, n, a, k, m, packed(x, k, n, Float32, false, b, nil), nil, Tanh)
			x.GemmPrecise(got, n, a, k, m, packed(x, k, n, storage, false, b, b16), nil, Tanh)
			equal(t, x.Set().Name(), got, want)
		}
	}
}

func TestGemmPreciseAllocatesNothing(t *testing.T) {
	x := New(nil, 2)
	defer x.Close()
	w := x.Pack(384, 64, func(_ int, dst []float32) { clear(dst) })
	a, c := make([]float32, 4*384), make([]float32, 4*64)
	if n := testing.AllocsPerRun(20, func() { x.GemmPrecise(c, 64, a, 384, 4, w, nil, Tanh) }); n != 0 {
		t.Errorf("%v allocations a call, want 0", n)
	}
}

// BenchmarkGemmPrecise is a layer of a head, for one text.
func BenchmarkGemmPrecise(b *testing.B) {
	x := New(nil, 1)
	defer x.Close()
	w := x.Pack(768, 768, func(_ int, dst []float32) { clear(dst) })
	a, c := make([]float32, 768), make([]float32, 768)
	for b.Loop() {
		x.GemmPrecise(c, 768, a, 768, 1, w, nil, Tanh)
	}
}
