package tensor

import "github.com/godwit-ml/godwit/internal/parallel"

// A Workspace is the arena that a forward pass takes its intermediate results from: memory is handed out by moving an
// offset and given back all at once, so that a pass of a size seen before allocates nothing.
//
// A Workspace serves one call at a time; take one from a [Pool] for each call.
type Workspace struct {
	floats arena[float32]
	dims   arena[int]
	ints   arena[int32]
}

// Float32 returns n float32 of unspecified content, valid until Release of an earlier Mark, or Reset.
func (w *Workspace) Float32(n int) []float32 { return w.floats.take(n) }

// Int32 returns n int32 of unspecified content, valid until Release of an earlier Mark, or Reset.
func (w *Workspace) Int32(n int) []int32 { return w.ints.take(n) }

// Tensor returns an F32 tensor [rows, cols] of unspecified content, valid until Release of an earlier Mark, or Reset.
func (w *Workspace) Tensor(rows, cols int) Tensor {
	shape := w.dims.take(2)
	shape[0], shape[1] = rows, cols
	return Tensor{DType: F32, Shape: shape, Data: w.floats.take(rows * cols)}
}

// Rows returns n rows of t [rows, cols], which it shares the memory of, valid as what Tensor returns.
func (w *Workspace) Rows(t Tensor, from, n int) Tensor {
	shape := w.dims.take(2)
	shape[0], shape[1] = n, t.Cols()
	return Tensor{DType: F32, Shape: shape, Data: t.Data[from*t.Cols() : (from+n)*t.Cols()]}
}

// A Mark is a state of a Workspace to return to.
type Mark struct{ floats, dims, ints mark }

// Mark returns the present state: everything taken after it is given back by Release.
func (w *Workspace) Mark() Mark { return Mark{w.floats.at, w.dims.at, w.ints.at} }

// Release gives back all that was taken since the Mark. Marks are released in reverse order.
func (w *Workspace) Release(m Mark) { w.floats.at, w.dims.at, w.ints.at = m.floats, m.dims, m.ints }

// Reset gives back everything. If the last pass outgrew the arena, it is replaced by one piece of the size that the pass needed.
func (w *Workspace) Reset() {
	w.floats.reset()
	w.dims.reset()
	w.ints.reset()
}

// arena hands out pieces of chunks. Normally there is one chunk; a pass that outgrows it adds more.
type arena[T any] struct {
	chunks [][]T
	at     mark
	peak   int // the most elements in use since the last reset
}

// mark is a place in an arena: a chunk and an offset into it.
type mark struct{ chunk, offset, used int }

// quantum keeps what is handed out aligned to a cache line when the chunk is: 16 float32.
const quantum = 16

func (a *arena[T]) take(n int) []T {
	need := (n + quantum - 1) / quantum * quantum
	for a.at.chunk < len(a.chunks) && len(a.chunks[a.at.chunk])-a.at.offset < need {
		a.at.chunk++
		a.at.offset = 0
	}
	if a.at.chunk == len(a.chunks) {
		a.chunks = append(a.chunks, make([]T, max(need, 4096)))
	}
	c := a.chunks[a.at.chunk]
	s := c[a.at.offset : a.at.offset+n : a.at.offset+n]
	a.at.offset += need
	a.at.used += need
	a.peak = max(a.peak, a.at.used)
	return s
}

func (a *arena[T]) reset() {
	if len(a.chunks) > 1 {
		a.chunks = append(a.chunks[:0:0], make([]T, a.peak))
	}
	a.at = mark{}
	a.peak = 0
}

// A Pool keeps Workspaces for reuse, as many as calls had at once, up to twice the number of processors. It is safe for
// concurrent use; the zero value is ready.
type Pool struct{ free parallel.FreeList[Workspace] }

// Get returns an empty Workspace.
func (p *Pool) Get() *Workspace { return p.free.Get() }

// Put gives a Workspace back; nothing taken from it may be used any more.
func (p *Pool) Put(w *Workspace) {
	w.Reset()
	p.free.Put(w)
}
