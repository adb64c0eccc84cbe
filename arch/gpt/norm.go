package gpt

import (
	"strconv"

	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A norm normalises rows.
type norm struct {
	size int
	kind normKind

	x *kernels.Exec
	p kernels.Norm
}

func newNorm(x *kernels.Exec, size int, kind normKind) *norm {
	return &norm{size: size, kind: kind, x: x}
}

// Params implements [loader.Module].
func (n *norm) Params(s *loader.Scope) {
	w := s.Need("weight", n.size)
	var b *loader.View
	if n.kind.Bias {
		b = s.Need("bias", n.size)
	}
	s.Then(func() {
		n.p = kernels.Norm{Gamma: w.Float32(), Eps: n.kind.Eps, RMS: n.kind.RMS, OnePlus: n.kind.OnePlus}
		if b != nil {
			n.p.Beta = b.Float32()
		}
	})
}

// of returns the rows of src, normalised; src itself if n is nil.
func (n *norm) of(ws *tensor.Workspace, src tensor.Tensor) tensor.Tensor {
	if n == nil {
		return src
	}
	dst := ws.Tensor(src.NumRows(), n.size)
	n.x.Normalize(dst.Data, src.Data, src.NumRows(), &n.p)
	return dst
}

// ofSum adds r to h, and returns the rows of that, normalised; h itself if n is nil.
func (n *norm) ofSum(ws *tensor.Workspace, h, r tensor.Tensor, x *kernels.Exec) tensor.Tensor {
	if n == nil {
		x.Add(h.Data, h.Data, r.Data)
		return h
	}
	dst := ws.Tensor(h.NumRows(), n.size)
	x.AddNormalize(dst.Data, h.Data, r.Data, h.NumRows(), &n.p)
	return dst
}

// inPlace normalises the rows of t, if n is not nil.
func (n *norm) inPlace(t tensor.Tensor) {
	if n != nil {
		n.x.Normalize(t.Data, t.Data, t.NumRows(), &n.p)
	}
}

// A headNorm normalises the heads of queries or keys.
type headNorm struct {
	name  string
	mode  qkNorm
	heads int
	dim   int
	kind  normKind

	x     *kernels.Exec
	p     kernels.Norm // of a head, or of all for whole
	gamma []float32    // [heads·dim] for ownHead and headList
}

// Params implements [loader.Module].
func (n *headNorm) Params(s *loader.Scope) {
	size := n.dim
	if n.mode == whole {
		size *= n.heads
	}
	var views []*loader.View
	var b *loader.View
	switch n.mode {
	case ownHead:
		views = append(views, s.Need(n.name+"_norm.weight", n.heads, n.dim))
	case headList:
		for i := range n.heads {
			views = append(views, s.Need(n.name+"_layernorm.norms."+strconv.Itoa(i)+".weight", n.dim))
		}
	default:
		views = append(views, s.Need(n.name+"_norm.weight", size))
		if n.kind.Bias {
			b = s.Need(n.name+"_norm.bias", size)
		}
	}
	s.Then(func() {
		n.p = kernels.Norm{Eps: n.kind.Eps, RMS: n.kind.RMS, OnePlus: n.kind.OnePlus}
		var gamma []float32
		for _, v := range views {
			gamma = append(gamma, v.Float32()...)
		}
		if n.mode == ownHead || n.mode == headList {
			n.gamma, gamma = gamma, make([]float32, n.dim)
			for i := range gamma {
				gamma[i] = 1
			}
		}
		n.p.Gamma = gamma
		if b != nil {
			n.p.Beta = b.Float32()
		}
	})
}

// inPlace normalises the heads·dim columns at a of rows with stride ld, if n is not nil.
func (n *headNorm) inPlace(a []float32, ld, rows int) {
	if n == nil {
		return
	}
	size := n.heads * n.dim
	for i := range rows {
		row := a[i*ld:][:size]
		n.x.Normalize(row, row, size/len(n.p.Gamma), &n.p)
		if n.gamma != nil {
			n.x.Mul(row, row, n.gamma)
		}
	}
}
