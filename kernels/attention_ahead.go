package kernels

import "unsafe"

// An ahead is what the grids of a block prefetch for the one that comes next: rows of keys, values and queries.
type ahead struct {
	at     [3]uintptr // where the rows begin
	step   [3]uintptr
	rows   int // of each
	bytes  uintptr
	which  int     // the one that is being prefetched
	next   uintptr // where it goes on
	column uintptr // which 256 bytes of a row
	left   int
}

// aheadPiece is how many bytes of a row are prefetched at a time.
const aheadPiece = 256

// lookAhead finds what comes after the keys up to hi of the block k0: the next block, or the first of the next key head.
func (u *attnUnit) lookAhead(k0, hi int) {
	t, d := u.t, u.t.p.HeadDim
	first, rows, head, queries := u.first, u.keys, u.kvHead, 0
	if hi == min(u.keys, k0+keyBlock) && hi < u.keys {
		first, rows = u.first+k0+keyBlock, min(keyBlock, u.keys-k0-keyBlock)
	} else {
		if head++; head == t.p.KVHeads {
			if u.seq+2 >= len(t.starts) {
				return
			}
			next := t.sequence(u.seq + 1)
			head, first, rows = 0, next.first, next.keys
		}
		rows = min(rows, keyBlock)
		queries = rows
	}
	if rows == 0 {
		return
	}
	u.ahead = ahead{rows: rows, bytes: uintptr(d) * 4, left: rows}
	a := &u.ahead
	a.at[0], a.step[0] = uintptr(unsafe.Pointer(&t.k[first*t.ldkv+head*d])), uintptr(t.ldkv)*4
	a.at[1], a.step[1] = uintptr(unsafe.Pointer(&t.v[first*t.ldkv+head*d])), uintptr(t.ldkv)*4
	if queries > 0 {
		a.at[2], a.step[2] = uintptr(unsafe.Pointer(&t.q[first*t.ldq+head*t.group()*d])), uintptr(t.ldq)*4
	}
	a.next = a.at[0]
}

// grid computes a grid, which prefetches some of what is ahead.
func (u *attnUnit) grid() {
	q, a := &u.s.grid, &u.ahead
	if a.left > 0 {
		q.next, q.step, q.pieces = a.next, a.step[a.which], a.left
	}
	u.t.x.set.runGrid(&u.s.tile, q)
	if a.left == 0 {
		return
	}
	a.next, a.left = q.next, q.pieces
	if a.left > 0 {
		return
	}
	if a.column += aheadPiece; a.column >= a.bytes {
		a.column = 0
		if a.which++; a.which == len(a.at) || a.at[a.which] == 0 {
			a.left = 0
			return
		}
	}
	a.next, a.left = a.at[a.which]+a.column, a.rows
}
