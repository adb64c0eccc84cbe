package nn

import (
	"fmt"

	"github.com/godwit-ml/godwit/internal/parallel"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// An Embedding is a table of vectors. Its tensor is weight [Rows, Size]. A table of 8-bit integers with one scale a row, of
// float16 or of bfloat16 stays as it is, and is converted as it is looked up; every other type becomes float32. A table that
// is also the matrix of a Linear is held by that one alone: see [Embedding.Tie].
type Embedding struct {
	Rows, Size int

	x       *kernels.Exec
	table   []float32
	narrow  []uint16 // in place of table
	storage kernels.Storage
	q       []int8    // with scale, in place of table
	scale   []float32 // [Rows]
	tied    *Linear   // holds the table, or nil
}

// NewEmbedding returns an Embedding to be bound.
func NewEmbedding(x *kernels.Exec, rows, size int) Embedding {
	return Embedding{Rows: rows, Size: size, x: x}
}

// Tie tells, before the Embedding is bound, that its table is the weight [Rows, Size] of l, which is bound to the same tensor:
// the vectors are then looked up in the packed weight.
func (e *Embedding) Tie(l *Linear) {
	if l.Out != e.Rows || l.In != e.Size {
		panic(fmt.Sprintf("nn: an embedding [%d, %d] tied to a linear [%d, %d]", e.Rows, e.Size, l.Out, l.In))
	}
	e.tied = l
}

// Params implements [loader.Module].
func (e *Embedding) Params(s *loader.Scope) {
	w := s.Need("weight", e.Rows, e.Size)
	if e.tied != nil {
		return
	}
	s.Then(func() {
		e.storage = storage(w.DType)
		if q, scale, ok := w.Int8(); ok && len(scale) == e.Rows {
			e.q, e.scale = q, scale
		} else if e.storage != kernels.Float32 {
			e.narrow = rows(w, (*loader.View).Row16)
		} else {
			e.table = w.Float32()
		}
	})
}

// row writes the vector of id to dst.
func (e *Embedding) row(dst []float32, id int32) {
	at := int(id) * e.Size
	switch {
	case e.tied != nil:
		e.tied.w.Column(int(id), dst)
	case e.q != nil:
		e.x.Dequantize(dst, e.q[at:at+e.Size], e.scale[id])
	case e.storage == kernels.BFloat16:
		e.x.WidenBFloat16(dst, e.narrow[at:at+e.Size])
	case e.storage == kernels.Float16:
		e.x.WidenFloat16(dst, e.narrow[at:at+e.Size])
	default:
		copy(dst, e.table[at:at+e.Size])
	}
}

// A lookup is a call of Lookup, or of AddTo with a table of float32; threads share its rows.
type lookup struct {
	e   *Embedding
	ids []int32
	dst []float32
	add bool
}

// Run implements parallel.Task.
func (l *lookup) Run(part, parts int) {
	e, n := l.e, len(l.ids)
	for i := n * part / parts; i < n*(part+1)/parts; i++ {
		dst := l.dst[i*e.Size:][:e.Size]
		if l.add {
			e.x.Add(dst, dst, e.table[int(l.ids[i])*e.Size:][:e.Size])
		} else {
			e.row(dst, l.ids[i])
		}
	}
}

// share runs a lookup.
func (e *Embedding) share(l lookup) {
	t := lookups.Get()
	*t = l
	e.x.Share(len(l.ids), e.Size, t)
	*t = lookup{}
	lookups.Put(t)
}

// lookups keeps the memory of lookups.
var lookups parallel.FreeList[lookup]

// Lookup returns the vectors of the ids, all of which must be in [0, Rows): [len(ids), Size] in the Workspace.
func (e *Embedding) Lookup(ws *tensor.Workspace, ids []int32) tensor.Tensor {
	dst := ws.Tensor(len(ids), e.Size)
	e.share(lookup{e: e, ids: ids, dst: dst.Data})
	return dst
}

// AddTo adds the vectors of the ids, all of which must be in [0, Rows), to the rows of dst [len(ids), Size].
func (e *Embedding) AddTo(ws *tensor.Workspace, dst tensor.Tensor, ids []int32) {
	if e.table != nil {
		e.share(lookup{e: e, ids: ids, dst: dst.Data, add: true})
		return
	}
	mark := ws.Mark()
	e.x.Add(dst.Data, dst.Data, e.Lookup(ws, ids).Data)
	ws.Release(mark)
}
