package kernels

import "unsafe"

// An ahead is what grids prefetch for later: rows of some matrices, at most aheadPiece bytes of each at a time.
type ahead struct {
	rows   [3]aheadRows
	which  int     // of the matrices is being prefetched
	next   uintptr // where it goes on
	column uintptr // which bytes of a row
	left   int     // rows of that matrix
	bytes  uintptr // of a row
}

// aheadRows are rows of a matrix.
type aheadRows struct {
	at, step uintptr
	n        int
}

// aheadPiece is how many bytes of a row are prefetched at a time.
const aheadPiece = 256

// begin begins with the first column of the first matrix that has rows, from number i on, or ends.
func (a *ahead) begin(i int) {
	for ; i < len(a.rows); i++ {
		if r := &a.rows[i]; r.n > 0 {
			a.which, a.column, a.next, a.left = i, 0, r.at, r.n
			return
		}
	}
	a.left = 0
}

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
	at, step := first*t.ldkv+head*d, uintptr(t.ldkv)*4
	u.far = ahead{bytes: uintptr(d) * 4}
	u.far.rows[0] = aheadRows{uintptr(unsafe.Pointer(&t.k[at])), step, rows}
	u.far.rows[1] = aheadRows{uintptr(unsafe.Pointer(&t.v[at])), step, rows}
	if queries > 0 {
		u.far.rows[2] = aheadRows{uintptr(unsafe.Pointer(&t.q[first*t.ldq+head*t.group()*d])), uintptr(t.ldq) * 4, queries}
	}
	u.far.begin(0)
}

// lookNear finds what comes next within a block: the output of these rows, if the block is folded into it, and the queries of as
// many rows after them. With one block they are not far away, or come with the keys.
func (u *attnUnit) lookNear(r *queryRun) {
	u.near = ahead{bytes: uintptr(u.t.p.HeadDim) * 4}
	if u.begun(r) > 0 {
		u.near.rows[0] = aheadRows{uintptr(unsafe.Pointer(&r.out[0])), uintptr(r.ldo) * 4, r.m}
	}
	ld := uintptr(r.ldq) * 4
	u.near.rows[1] = aheadRows{uintptr(unsafe.Pointer(&r.q[0])) + uintptr(r.m)*ld, ld, r.m}
	u.near.begin(0)
}

// grid computes a grid, which prefetches some of what is near or ahead.
func (u *attnUnit) grid() {
	q, a := &u.s.grid, &u.near
	if a.left <= 0 {
		a = &u.far
	}
	if a.left > 0 {
		q.next, q.step, q.pieces = a.next, a.rows[a.which].step, a.left
	}
	u.t.x.set.runGrid(&u.s.tile, q)
	if a.left <= 0 {
		return
	}
	a.next, a.left = q.next, q.pieces
	if a.left > 0 {
		return
	}
	if a.column += aheadPiece; a.column < a.bytes {
		a.next, a.left = a.rows[a.which].at+a.column, a.rows[a.which].n
	} else {
		a.begin(a.which + 1)
	}
}
