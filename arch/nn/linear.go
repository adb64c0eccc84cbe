package nn

import (
	"slices"

	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A Linear computes act(x·Wᵀ + b). Its tensors are weight [Out, In] and bias [Out]. The weight stays in the type that it has in
// the file, if that is one to compute with (see [Matrix]). What is not the default is set before it is bound.
type Linear struct {
	In, Out int
	Act     kernels.Activation
	// Transposed tells that the weight is [In, Out] in the file.
	Transposed bool
	// Precise makes Forward sum in float64: for heads, which work on one row a text or an image.
	Precise bool
	// NoBias tells that there is no bias.
	NoBias bool
	// Scaled tells that there is a tensor scale [Out], which multiplies what x·Wᵀ + b gives (layer scale: Touvron et al.,
	// arXiv:2103.17239). It is multiplied into the weight, which is not Transposed, and the bias as they are packed.
	Scaled bool

	x *kernels.Exec
	w *kernels.Weights
	b []float32
}

// NewLinear returns a Linear to be bound.
func NewLinear(x *kernels.Exec, in, out int) Linear { return Linear{In: in, Out: out, x: x} }

// Params implements [loader.Module].
func (l *Linear) Params(s *loader.Scope) {
	shape := []int{l.Out, l.In}
	if l.Transposed {
		shape = []int{l.In, l.Out}
	}
	w := s.Need("weight", shape...)
	var b, scale *loader.View
	if !l.NoBias {
		b = s.Need("bias", l.Out)
	}
	if l.Scaled {
		scale = s.Need("scale", l.Out)
	}
	s.Then(func() {
		if b != nil {
			l.b = b.Float32()
		}
		if scale == nil {
			l.w = Matrix{K: l.In, N: l.Out, Parts: []*loader.View{w}, Transposed: l.Transposed}.Pack(l.x)
			return
		}
		factors := scale.Float32()
		l.w = l.x.Pack(l.In, l.Out, func(j int, dst []float32) {
			w.Row(j, dst)
			l.x.Scale(dst, dst, factors[j])
		})
		if b != nil {
			l.x.Mul(l.b, l.b, factors)
		}
	})
}

// Weights returns the packed weight, nil before it is bound.
func (l *Linear) Weights() *kernels.Weights { return l.w }

// Forward returns act(src·Wᵀ + b) for src [rows, In]: [rows, Out] in the Workspace.
func (l *Linear) Forward(ws *tensor.Workspace, src tensor.Tensor) tensor.Tensor {
	dst := ws.Tensor(src.NumRows(), l.Out)
	if l.Precise {
		l.x.GemmPrecise(dst.Data, l.Out, src.Data, l.In, src.NumRows(), l.w, l.b, l.Act)
	} else {
		l.Into(dst, src, kernels.Epilogue{})
	}
	return dst
}

// AddTo adds act(src·Wᵀ + b) to dst [rows, Out], which must not overlap src [rows, In].
func (l *Linear) AddTo(dst, src tensor.Tensor) {
	l.Into(dst, src, kernels.Epilogue{Residual: dst.Data, ResidualStride: l.Out})
}

// Into sets dst [rows, Out], which must not overlap src [rows, In], to src·Wᵀ + b and what the rest of the epilogue says; its
// Bias and Act are the Linear's.
func (l *Linear) Into(dst, src tensor.Tensor, e kernels.Epilogue) {
	e.Bias, e.Act = l.b, l.Act
	l.x.Gemm(dst.Data, l.Out, src.Data, l.In, src.NumRows(), l.w, e)
}

// Strided is a matrix in a Workspace, Rows rows at a distance of Stride elements with which a product reads them fastest (see
// [kernels.Stride]): what is between the two products of an MLP.
type Strided struct {
	Data         []float32
	Rows, Stride int
}

// NewStrided returns one [rows, cols] of unspecified content in the Workspace.
func NewStrided(ws *tensor.Workspace, rows, cols int) Strided {
	stride := kernels.Stride(cols)
	return Strided{Data: ws.Float32(rows * stride), Rows: rows, Stride: stride}
}

// ToStrided is [Linear.Forward], never precise, to a Strided [rows, Out] in the Workspace.
func (l *Linear) ToStrided(ws *tensor.Workspace, src tensor.Tensor) Strided {
	dst := NewStrided(ws, src.NumRows(), l.Out)
	l.x.Gemm(dst.Data, dst.Stride, src.Data, l.In, dst.Rows, l.w, kernels.Epilogue{Bias: l.b, Act: l.Act})
	return dst
}

// FromStrided is [Linear.Into] for a Strided src [rows, In].
func (l *Linear) FromStrided(dst tensor.Tensor, src Strided, e kernels.Epilogue) {
	e.Bias, e.Act = l.b, l.Act
	l.x.Gemm(dst.Data, l.Out, src.Data, src.Stride, src.Rows, l.w, e)
}

// AddFromStrided is [Linear.AddTo] for a Strided src [rows, In].
func (l *Linear) AddFromStrided(dst tensor.Tensor, src Strided) {
	l.FromStrided(dst, src, kernels.Epilogue{Residual: dst.Data, ResidualStride: l.Out})
}

// A Fused is several Linears of the same input as one product: the query, key and value of attention. Its tensors are
// NAME.weight [Out, In] and NAME.bias [Out] for each of the Names; its output has their columns side by side.
type Fused struct {
	In, Out int // Out is that of each
	Names   []string
	NoBias  []string // those of the Names that have no bias

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
		if slices.Contains(l.NoBias, name) {
			b = append(b, nil)
		} else {
			b = append(b, s.Need(name+".bias", l.Out))
		}
	}
	s.Then(func() {
		l.w = Matrix{K: l.In, N: len(w) * l.Out, Parts: w}.Pack(l.x)
		if len(l.NoBias) == len(l.Names) {
			return
		}
		l.b = make([]float32, len(w)*l.Out)
		for i, v := range b {
			if v != nil {
				copy(l.b[i*l.Out:], v.Float32())
			}
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
