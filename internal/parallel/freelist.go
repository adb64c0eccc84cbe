package parallel

import (
	"runtime"
	"sync"
)

// A FreeList keeps the memory that calls work in for the calls that follow. Unlike sync.Pool it is not emptied by the
// garbage collector, so that calls in steady state allocate nothing; what a moment of many calls at once leaves beyond Most
// is the collector's. It is safe for concurrent use, and the zero value is ready.
type FreeList[T any] struct {
	// Most is how many are kept, 0: twice the number of processors. It is set before the first use.
	Most int

	mu   sync.Mutex
	free []*T
}

// Get returns the one that was put back last, or a new one.
func (l *FreeList[T]) Get() *T {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.free)
	if n == 0 {
		return new(T)
	}
	v := l.free[n-1]
	l.free[n-1] = nil
	l.free = l.free[:n-1]
	return v
}

// Put gives one back.
func (l *FreeList[T]) Put(v *T) {
	most := l.Most
	if most == 0 {
		most = 2 * runtime.NumCPU()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.free) < most {
		l.free = append(l.free, v)
	}
}
