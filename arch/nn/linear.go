package nn

import (
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A Linear computes act(x·Wᵀ + b). Its tensors are weight [Out, In] and bias [Out].
type Linear struct {
	In, Out int
	Act     kernels.Activation // Identity, unless set before it is used
	// Precise makes Forward sum in float64: for heads, which work on one row a text.
	Precise bool

	x *kernels.Exec
	w *kernels.Weights
	b []float32
}

// NewLinear returns a Linear to be bound.
func NewLinear(x *kernels.Exec, in, out int) Linear { return Linear{In: in, Out: out, x: x} }

// Params implements [loader.Module].
func (l *Linear) Params(s *loader.Scope) {
	w, b := s.Need("weight", l.Out, l.In), s.Need("bias", l.Out)
	s.Then(func() {
		l.w = l.x.Pack(l.In, l.Out, w.Row)
		l.b = b.Float32()
	})
}

// Forward returns act(src·Wᵀ + b) for src [rows, In]: [rows, Out] in the Workspace.
func (l *Linear) Forward(ws *tensor.Workspace, src tensor.Tensor) tensor.Tensor {
	dst := ws.Tensor(src.NumRows(), l.Out)
	if l.Precise {
		l.x.GemmPrecise(dst.Data, l.Out, src.Data, l.In, src.NumRows(), l.w, l.b, l.Act)
	} else {
		l.x.Gemm(dst.Data, l.Out, src.Data, l.In, src.NumRows(), l.w, kernels.Epilogue{Bias: l.b, Act: l.Act})
	}
	return dst
}

// AddTo adds act(src·Wᵀ + b) to dst [rows, Out], which must not overlap src [rows, In].
func (l *Linear) AddTo(dst, src tensor.Tensor) {
	l.x.Gemm(dst.Data, l.Out, src.Data, l.In, src.NumRows(), l.w,
		kernels.Epilogue{Bias: l.b, Act: l.Act, Residual: dst.Data, ResidualStride: l.Out})
}

// A Fused is several Linears of the same input as one product: the query, key and value of attention. Its tensors are
// NAME.weight [Out, In] and NAME.bias [Out] for each of the Names; its output has their columns side by side.
type Fused struct {
	In, Out int // Out is that of each
	Names   []string

	x *kernels.Exec
	w *kernels.Weights
	b []float32
}

// NewFused returns a Fused to be bound.
func NewFused(x *kernels.Exec, in, out int, names ...string) Fused {
	return Fused{In: in, Out: out, Names: names, x: x}
}

// Params implements [loader.Module].
func (l *Fused) Params(s *loader.Scope) {
	var w, b []*loader.View
	for _, name := range l.Names {
		w = append(w, s.Need(name+".weight", l.Out, l.In))
		b = append(b, s.Need(name+".bias", l.Out))
	}
	s.Then(func() {
		l.w = l.x.Pack(l.In, len(w)*l.Out, func(j int, dst []float32) { w[j/l.Out].Row(j%l.Out, dst) })
		for _, v := range b {
			l.b = append(l.b, v.Float32()...)
		}
	})
}

// Forward returns src·Wᵀ + b of all parts for src [rows, In]: [rows, len(Names)·Out] in the Workspace.
func (l *Fused) Forward(ws *tensor.Workspace, src tensor.Tensor) tensor.Tensor {
	n := len(l.Names) * l.Out
	dst := ws.Tensor(src.NumRows(), n)
	l.x.Gemm(dst.Data, n, src.Data, l.In, src.NumRows(), l.w, kernels.Epilogue{Bias: l.b})
	return dst
}
