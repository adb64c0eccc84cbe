package kernels

import (
	"sync"
	"unsafe"
)

// aligned returns n zeros at an address that is a multiple of 64 bytes.
func aligned(n int) []float32 {
	b := make([]float32, n+15)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b)))%64) / 4
	return b[skip : skip+n : skip+n]
}

// Buffer returns n zeros at an address that is a multiple of 64 bytes, in huge pages if they fill some and the system has them:
// memory that is read from front to back again and again. A processor then looks up fewer addresses, and its prefetchers, which
// stop at the border of a page, stop less often.
func Buffer(n int) []float32 {
	b := aligned(n)
	hugePages(b)
	return b
}

// An arena gives memory to the weights of a model. They lie in pieces of their own on the heap, so that small matrices fill huge
// pages, too; a piece is free when all that lies in it is. It is safe for concurrent use, and the zero value is ready.
type arena struct {
	mu    sync.Mutex
	free  []float32
	given int // elements
}

// The least and the greatest size of a piece of an arena, in elements: what has been given so far is the measure.
const leastPiece, mostPiece = 1 << 20, 8 << 20

// floats returns n zeros, 64-byte aligned.
func (a *arena) floats(n int) []float32 {
	const line = 16
	a.mu.Lock()
	defer a.mu.Unlock()
	a.given += n
	if n > len(a.free) {
		piece := min(max(a.given, leastPiece), mostPiece)
		if n > piece/2 {
			return Buffer(n)
		}
		a.free = Buffer(piece)
	}
	b := a.free[:n:n]
	a.free = a.free[min((n+line-1)/line*line, len(a.free)):]
	return b
}

// narrow is floats for numbers of 16 bits.
func (a *arena) narrow(n int) []uint16 { return as16(a.floats((n+1)/2), n) }

// as16 returns memory of float32 as that of n numbers of 16 bits.
func as16(b []float32, n int) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(b))), n)
}
