package nn

import (
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// An Embedding is a table of vectors. Its tensor is weight [Rows, Size]. A table of 8-bit integers with one scale a row
// stays as it is, and is converted as it is looked up; every other type becomes float32.
type Embedding struct {
	Rows, Size int

	x     *kernels.Exec
	table []float32
	q     []int8    // with scale, in place of table
	scale []float32 // [Rows]
}

// NewEmbedding returns an Embedding to be bound.
func NewEmbedding(x *kernels.Exec, rows, size int) Embedding {
	return Embedding{Rows: rows, Size: size, x: x}
}

// Params implements [loader.Module].
func (e *Embedding) Params(s *loader.Scope) {
	w := s.Need("weight", e.Rows, e.Size)
	s.Then(func() {
		if q, scale, ok := w.Int8(); ok && len(scale) == e.Rows {
			e.q, e.scale = q, scale
		} else {
			e.table = w.Float32()
		}
	})
}

// Lookup returns the vectors of the ids, all of which must be in [0, Rows): [len(ids), Size] in the Workspace.
func (e *Embedding) Lookup(ws *tensor.Workspace, ids []int32) tensor.Tensor {
	dst := ws.Tensor(len(ids), e.Size)
	for i, id := range ids {
		at := int(id) * e.Size
		if e.q != nil {
			e.x.Dequantize(dst.Row(i), e.q[at:at+e.Size], e.scale[id])
		} else {
			copy(dst.Row(i), e.table[at:at+e.Size])
		}
	}
	return dst
}

// AddTo adds the vectors of the ids, all of which must be in [0, Rows), to the rows of dst [len(ids), Size].
func (e *Embedding) AddTo(ws *tensor.Workspace, dst tensor.Tensor, ids []int32) {
	mark := ws.Mark()
	var row []float32
	if e.q != nil {
		row = ws.Float32(e.Size)
	}
	for i, id := range ids {
		at := int(id) * e.Size
		if e.q != nil {
			e.x.Dequantize(row, e.q[at:at+e.Size], e.scale[id])
		} else {
			row = e.table[at : at+e.Size]
		}
		e.x.Add(dst.Row(i), dst.Row(i), row)
	}
	ws.Release(mark)
}
