package bench

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/godwit-ml/godwit/kernels"
)

// gemmShapes are [m, k, n] of the products in transformer encoders of hidden size 384 (MiniLM), 768 (base) and 1024
// (large): of a text and a long one, then of few rows.
var gemmShapes = func() (shapes [][3]int) {
	for _, m := range []int{128, 512} {
		for _, s := range [][2]int{{384, 384}, {384, 1536}, {1536, 384}, {768, 768}, {768, 3072}, {3072, 768}, {1024, 4096}} {
			shapes = append(shapes, [3]int{m, s[0], s[1]})
		}
	}
	for _, s := range [][2]int{{384, 1536}, {768, 3072}} {
		for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 12, 16} {
			shapes = append(shapes, [3]int{m, s[0], s[1]})
		}
	}
	return shapes
}()

// fewRows is up to how many rows a product may be bound by the reading of its weights.
const fewRows = 16

// A product is C = A·B with operands that every implementation gets.
type product struct {
	m, k, n int
	a, b, c []float32
	packed  *kernels.Weights
}

func newProduct(x *kernels.Exec, m, k, n int) *product {
	p := &product{m: m, k: k, n: n, a: noise(m * k), b: noise(k * n), c: make([]float32, m*n)}
	p.packed = x.Pack(k, n, func(j int, dst []float32) { column(dst, p.b, j, n) })
	return p
}

// gonumAlone is gonum on one thread: it would use them all.
func (p *product) gonumAlone() {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	p.gonum()
}

// column copies column j of b, which has n, to dst.
func column(dst, b []float32, j, n int) {
	for i := range dst {
		dst[i] = b[i*n+j]
	}
}

// flops counts the floating-point operations: a multiplication and an addition for each of m·k·n.
func (p *product) flops() float64 { return 2 * float64(p.m) * float64(p.k) * float64(p.n) }

func (p *product) godwit(x *kernels.Exec) {
	x.Gemm(p.c, p.n, p.a, p.k, p.m, p.packed, kernels.Epilogue{})
}

func (p *product) gonum() {
	gonum.Implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, p.m, p.n, p.k, 1, p.a, p.k, p.b, p.n, 0, p.c, p.n)
}

// BenchmarkGemm measures products: each instruction set of this machine, and gonum for some. Products of few rows are measured
// against the roof of peak and cache.
func BenchmarkGemm(b *testing.B) {
	for _, s := range gemmShapes {
		m, k, n := s[0], s[1], s[2]
		size := fmt.Sprintf("m=%d/n=%d/k=%d", m, n, k)
		onSets(b, size, func(b *testing.B, x *kernels.Exec) {
			p := newProduct(x, m, k, n)
			of := fmaPeak(x)
			if m <= fewRows {
				of = roof(x, p.b, 4*float64(k*n)/p.flops())
			}
			rate(b, p.flops(), "GFLOP/s", func() { p.godwit(x) }, of)
		})
		if m == 1 || m == fewRows || m == 128 {
			b.Run("impl=gonum/threads=1/"+size, func(b *testing.B) {
				x := kernels.New(nil, 1)
				defer x.Close()
				p := newProduct(x, m, k, n)
				rate(b, p.flops(), "GFLOP/s", p.gonumAlone, fmaPeak(x))
			})
		}
	}
}

// BenchmarkGemv measures products of one row with weights that no cache holds, against the bandwidth of memory.
func BenchmarkGemv(b *testing.B) {
	const k, n = 4096, 14336
	size := fmt.Sprintf("m=1/n=%d/k=%d", n, k)
	buf := noise(k * n)
	memory := func(x *kernels.Exec) limit {
		return limit{"%DRAM", func() float64 { return x.ReadBandwidth(buf) }}
	}
	onSets(b, "weights=f32/"+size, func(b *testing.B, x *kernels.Exec) {
		p := newProduct(x, 1, k, n)
		rate(b, 4*k*n, "GB/s", func() { p.godwit(x) }, memory(x))
	})
	b.Run("impl=gonum/threads=1/weights=f32/"+size, func(b *testing.B) {
		x := kernels.New(nil, 1)
		defer x.Close()
		a, y := noise(k), make([]float32, n)
		rate(b, 4*k*n, "GB/s", func() {
			gonum.Implementation{}.Sgemv(blas.Trans, k, n, 1, buf, n, a, 1, 0, y, 1)
		}, memory(x))
	})
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
