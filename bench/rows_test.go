package bench

import (
	"slices"
	"testing"

	"github.com/godwit-ml/godwit/kernels"
)

// A rowKernel is a routine over rows [m, n].
type rowKernel struct {
	name  string
	bytes float64 // read and written by a call
	run   func(x *kernels.Exec)
}

// rowKernels returns the routines of encoders that are no products, on matrices that lie in the second-level cache together.
// They do not work in place: repeated, an activation would soon meet nothing but subnormal numbers.
func rowKernels() []rowKernel {
	const m, n = 64, 384
	dst, src, more, gamma, beta := make([]float32, m*n), noise(m*n), noise(m*n), noise(n), noise(n)
	rms := &kernels.Norm{Gamma: gamma, Eps: 1e-6, RMS: true}
	const headDim = 32
	rope := &kernels.RoPE{Cos: slices.Repeat([]float32{0.6}, m*headDim/2), Sin: slices.Repeat([]float32{0.8}, m*headDim/2), Dim: headDim}
	positions := make([]int32, m)
	for i := range positions {
		positions[i] = int32(i)
	}
	return []rowKernel{
		{"LayerNorm", 8 * m * n, func(x *kernels.Exec) { x.LayerNorm(dst, src, m, n, gamma, beta, 1e-12) }},
		{"RMSNorm", 8 * m * n, func(x *kernels.Exec) { x.Normalize(dst, src, m, rms) }},
		{"Softmax", 8 * m * n, func(x *kernels.Exec) { x.Softmax(dst, src, m, n) }},
		{"GELU", 8 * m * n, func(x *kernels.Exec) { x.Activate(dst, src, kernels.GELU) }},
		{"RoPE", 8 * m * n, func(x *kernels.Exec) { x.Rotate(src, n, n/headDim, headDim, positions, rope) }},
		{"Add", 12 * m * n, func(x *kernels.Exec) { x.Add(dst, src, more) }},
	}
}

// l2Read is the bandwidth of reading from the second-level cache, in bytes a second: from as many bytes as rowKernels touch.
func l2Read(x *kernels.Exec) limit {
	buf := noise(2 * 64 * 384)
	return limit{"%L2", func() float64 { return x.ReadBandwidth(buf) }}
}

// BenchmarkRows measures what is done to rows, in bytes read and written.
func BenchmarkRows(b *testing.B) {
	for _, k := range rowKernels() {
		onSets(b, "routine="+k.name+"/m=64/n=384", func(b *testing.B, x *kernels.Exec) {
			rate(b, k.bytes, "GB/s", func() { k.run(x) }, l2Read(x))
		})
	}
}
