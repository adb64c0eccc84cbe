package bench

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/godwit-ml/godwit/kernels"
)

// gemmShapes are [m, k, n] of the products in transformer encoders of hidden size 384 (MiniLM), 768 (base) and 1024
// (large), for one token, a short text and a long one.
var gemmShapes = [][3]int{
	{1, 384, 1536}, {1, 768, 3072},
	{16, 384, 384}, {16, 384, 1536}, {16, 768, 3072},
	{128, 384, 384}, {128, 384, 1536}, {128, 1536, 384},
	{128, 768, 768}, {128, 768, 3072}, {128, 3072, 768}, {128, 1024, 4096},
	{512, 384, 1536}, {512, 768, 3072},
}

// A product is C = A·B with operands that every implementation gets.
type product struct {
	m, k, n int
	a, b, c []float32
	packed  *kernels.Weights
}

func newProduct(x *kernels.Exec, m, k, n int) *product {
	p := &product{m: m, k: k, n: n, a: noise(m * k), b: noise(k * n), c: make([]float32, m*n)}
	p.packed = x.Pack(k, n, func(j int, dst []float32) {
		for i := range dst {
			dst[i] = p.b[i*n+j]
		}
	})
	return p
}

// flops counts the floating-point operations: a multiplication and an addition for each of m·k·n.
func (p *product) flops() float64 { return 2 * float64(p.m) * float64(p.k) * float64(p.n) }

func (p *product) godwit(x *kernels.Exec) {
	x.Gemm(p.c, p.n, p.a, p.k, p.m, p.packed, kernels.Epilogue{})
}

func (p *product) gonum() {
	gonum.Implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, p.m, p.n, p.k, 1, p.a, p.k, p.b, p.n, 0, p.c, p.n)
}

// noise returns n numbers in [-1, 1) without a pattern, the same ones every time.
func noise(n int) []float32 {
	v := make([]float32, n)
	state := uint32(1)
	for i := range v {
		state = state*1664525 + 1013904223
		v[i] = float32(int32(state)) / (1 << 31)
	}
	return v
}

// BenchmarkGemm measures products of one thread: each instruction set of this machine, then gonum.
func BenchmarkGemm(b *testing.B) {
	for _, s := range gemmShapes {
		size := fmt.Sprintf("m=%d/n=%d/k=%d", s[0], s[2], s[1])
		for _, set := range kernels.Sets() {
			if set.Name() == "generic" && s[0]*s[1]*s[2] > 1<<23 {
				continue // exact fused multiply-adds in Go: seconds
			}
			b.Run("impl="+set.Name()+"/"+size, func(b *testing.B) {
				x := kernels.New(set, 1)
				defer x.Close()
				p := newProduct(x, s[0], s[1], s[2])
				rate(b, set, p.flops(), func() { p.godwit(x) })
			})
		}
		b.Run("impl=gonum/"+size, func(b *testing.B) {
			x := kernels.New(nil, 1)
			defer x.Close()
			p := newProduct(x, s[0], s[1], s[2])
			rate(b, x.Set(), p.flops(), p.gonum)
		})
	}
}

// TestGemmBesideGonum compares each instruction set with gonum's float64 product.
func TestGemmBesideGonum(t *testing.T) {
	const m, k, n = 7, 300, 37
	for _, set := range kernels.Sets() {
		x := kernels.New(set, 1)
		defer x.Close()
		p := newProduct(x, m, k, n)
		p.godwit(x)
		want, size := make([]float64, m*n), make([]float64, m*n)
		a, b := wide(p.a, identity), wide(p.b, identity)
		gonum.Implementation{}.Dgemm(blas.NoTrans, blas.NoTrans, m, n, k, 1, a, k, b, n, 0, want, n)
		a, b = wide(p.a, math.Abs), wide(p.b, math.Abs)
		gonum.Implementation{}.Dgemm(blas.NoTrans, blas.NoTrans, m, n, k, 1, a, k, b, n, 0, size, n)
		for i := range want {
			// A sum of k products rounds k times, each time by at most u = 2^-24 of a partial sum, which is no larger than
			// the sum of the products' sizes.
			if d := math.Abs(float64(p.c[i]) - want[i]); d > k*size[i]/(1<<24) {
				t.Fatalf("%s: element %d is %v, float64 gives %v: %g apart", set.Name(), i, p.c[i], want[i], d)
			}
		}
	}
}

func identity(x float64) float64 { return x }

// wide returns f of each element.
func wide(v []float32, f func(float64) float64) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = f(float64(x))
	}
	return w
}
