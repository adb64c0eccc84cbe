package bench

import (
	"fmt"
	"testing"

	"github.com/godwit-ml/godwit/kernels"
)

// An attention is that of an encoder: 12 heads, one sequence.
type attention struct {
	length, headDim int
	q, k, v, out    []float32
	starts          []int32

	// The same products as plain ones: for each head the packed keys and values, and room for its scores.
	keys, values []*kernels.Weights
	scores       []float32
}

const heads = 12

func newAttention(x *kernels.Exec, length, headDim int) *attention {
	width := heads * headDim
	n := length * width
	a := &attention{length: length, headDim: headDim, q: noise(n), k: noise(n), v: noise(n), out: make([]float32, n),
		starts: []int32{0, int32(length)}, scores: make([]float32, length*length)}
	for h := range heads {
		k, v := a.k[h*headDim:], a.v[h*headDim:]
		a.keys = append(a.keys, x.Pack(headDim, length, func(j int, dst []float32) { copy(dst, k[j*width:]) }))
		a.values = append(a.values, x.Pack(length, headDim, func(j int, dst []float32) { column(dst, v, j, width) }))
	}
	return a
}

// flops counts the two products.
func (a *attention) flops() float64 {
	return 4 * float64(a.length) * float64(a.length) * float64(heads*a.headDim)
}

func (a *attention) run(x *kernels.Exec) {
	width := heads * a.headDim
	p := kernels.Attn{Heads: heads, KVHeads: heads, HeadDim: a.headDim, Scale: 0.17677669}
	x.Attention(a.out, width, a.q, width, a.k, a.v, width, a.starts, &p)
}

// products computes Q·Kᵀ and S·V of all heads, and no softmax, from keys and values that are packed already.
func (a *attention) products(x *kernels.Exec) {
	width := heads * a.headDim
	for h := range heads {
		x.Gemm(a.scores, a.length, a.q[h*a.headDim:], width, a.length, a.keys[h], kernels.Epilogue{})
		x.Gemm(a.out[h*a.headDim:], width, a.scores, a.length, a.length, a.values[h], kernels.Epilogue{})
	}
}

// BenchmarkAttention measures fused attention; flops are those of its two products.
func BenchmarkAttention(b *testing.B) {
	for _, d := range []int{32, 64} {
		for _, s := range []int{128, 512, 2048} {
			onSets(b, fmt.Sprintf("s=%d/d=%d", s, d), func(b *testing.B, x *kernels.Exec) {
				a := newAttention(x, s, d)
				rate(b, a.flops(), "GFLOP/s", func() { a.run(x) }, fmaPeak(x))
			})
		}
	}
}
