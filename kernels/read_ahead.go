package kernels

import "sync/atomic"

// # How waiting threads read ahead
//
// Products of one row, as those of a token, are bound by memory, and between two of them memory has little to do: one thread waits
// for the others, and then they wait for the one that does what is between. What comes next is known, since a model's products
// follow one another in the same order for every token. So a thread that waits asks for the beginning of what it will read of the
// next product's weights, a few lines at a time, until there is work again:
//
//	thread 0   product │ norm │ product        ░ lines of the next product's weights, into its second-level cache
//	thread 1   product ░░░░░░░│ product

const (
	// aheadBytes is how much a thread reads ahead at most: a part of any second-level cache.
	aheadBytes = 256 << 10
	// aheadLines is how many lines of each stream it asks for before it looks for work again.
	aheadLines = 4
)

// A readAhead is what waiting threads read ahead. They have it and not the Exec, which would stay in memory with them.
type readAhead struct {
	set *Set
	now atomic.Pointer[beginnings] // or nil
}

// beginnings are what threads read of weights first, each its own.
type beginnings []stretch

// A stretch is lines of 64 bytes of some streams. It has addresses and no pointers, so that it does not hold the weights.
type stretch struct {
	at, stride     uintptr
	streams, lines int
}

// Precede tells that a product of one row with next will follow those with w: threads that wait meanwhile read next ahead. Nothing
// is computed with it. It must not be called while w is used.
func (x *Exec) Precede(w, next *Weights) {
	tiles, threads := x.set.streamTile[next.storage].of(1), x.Threads()
	if tiles == nil || x.set.prefetch == nil || threads == 1 || next.K == 0 {
		return
	}
	a := make(beginnings, min(threads, next.units()))
	panel := next.address(0, 1) - next.address(0, 0) // of the first block of k
	for part := range a {
		p0, p1 := next.part(part, len(a))
		streams := tiles[0].streams
		if p1-p0 < streams {
			continue
		}
		groups, wider := divide(tiles, p1-p0)
		if groups == 0 {
			streams, groups = streams+2, wider
		}
		lines := min(uintptr(groups)*panel, uintptr(aheadBytes/streams)) / 64
		a[part] = stretch{next.address(0, p0), uintptr(groups) * panel, streams, int(lines)}
	}
	w.ahead = &a
}

// turn is what a thread does while it waits; see [parallel.Pool].
func (r *readAhead) turn(thread, turn int) bool {
	a := r.now.Load()
	if a == nil || thread >= len(*a) {
		return false
	}
	s, line := &(*a)[thread], turn*aheadLines
	if line >= s.lines {
		return false
	}
	r.set.prefetch(s.at+uintptr(line)*64, s.stride, s.streams, min(aheadLines, s.lines-line))
	return true
}

// follow tells what waiting threads read ahead: what follows a product of m rows with b.
func (x *Exec) follow(b *Weights, m int) {
	switch {
	case m == 1:
		x.ahead.now.Store(b.ahead)
	case x.ahead.now.Load() != nil:
		x.ahead.now.Store(nil)
	}
}
