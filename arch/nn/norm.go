package nn

import (
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A LayerNorm normalises each row to mean 0 and variance 1, then scales and shifts it (Ba et al., arXiv:1607.06450). Its
// tensors are weight and bias, both [Size].
type LayerNorm struct {
	Size int
	Eps  float32

	x           *kernels.Exec
	gamma, beta []float32
}

// NewLayerNorm returns a LayerNorm to be bound.
func NewLayerNorm(x *kernels.Exec, size int, eps float32) LayerNorm {
	return LayerNorm{Size: size, Eps: eps, x: x}
}

// Params implements [loader.Module].
func (n *LayerNorm) Params(s *loader.Scope) {
	w, b := s.Need("weight", n.Size), s.Need("bias", n.Size)
	s.Then(func() { n.gamma, n.beta = w.Float32(), b.Float32() })
}

// InPlace normalises the rows of t [rows, Size].
func (n *LayerNorm) InPlace(t tensor.Tensor) {
	n.x.LayerNorm(t.Data, t.Data, t.NumRows(), n.Size, n.gamma, n.beta, n.Eps)
}

// Forward returns the rows of src [rows, Size], normalised, in the Workspace.
func (n *LayerNorm) Forward(ws *tensor.Workspace, src tensor.Tensor) tensor.Tensor {
	dst := ws.Tensor(src.NumRows(), n.Size)
	n.x.LayerNorm(dst.Data, src.Data, src.NumRows(), n.Size, n.gamma, n.beta, n.Eps)
	return dst
}
