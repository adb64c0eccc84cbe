package kernels

import (
	"fmt"
	"unsafe"
)

// # How attention reads a KV
//
// AttentionKV is [Exec.Attention] with other keys: the units, the tiles and the bits are the same. A unit with many rows (the
// tokens of a prompt) is divided among the threads by rows. One with few rows (a token that has just been generated, and the
// heads that share a key head) does little more than read its keys and values once, and is divided by blocks of keys, since
// there may be fewer units than threads:
//
//	keys      0       512      1024      1536      2048
//	          │ block │ block  │ block   │ block   │
//	thread 0  └── (M, L, O) ───┘
//	thread 1                   └(m, l, o)┴(m, l, o)┘           and then they are folded, in ascending order
//
// A part ends at the border of two blocks. The first part of a unit folds its blocks as it goes. The others keep the results of
// each block apart, and whoever called folds them at the end: the order of a fold is part of the definition.

// fewRows is up to how many rows a unit is divided by blocks.
const fewRows = 16

// AttentionKV is [Exec.Attention] with the keys and values of KVs: sequence s has the keys and values of kv[s], and its queries
// are the tokens starts[s] up to starts[s+1] of q, which are the last of those that kv[s] holds: append first, then attend.
// Prompts, parts of prompts and single tokens may stand side by side, and sequences without queries. If the attention is not
// causal and has no window, every query sees every key, so that a KV may also hold another sequence's, for cross-attention, and
// fewer keys than there are queries. q and out are [tokens, Heads·HeadDim] with row strides ldq and ldo; out must not overlap q.
//
// With [KVFloat32] the result for a token is the same bits as that of Attention over the whole sequence, however it was
// divided into calls. With [KVBFloat16] it is the same whether it was a prompt's or came by itself.
func (x *Exec) AttentionKV(out []float32, ldo int, q []float32, ldq int, starts []int32, kv []*KV, p *Attn) {
	if len(starts) < 2 {
		return
	}
	p.check("AttentionKV")
	if len(kv) != len(starts)-1 {
		panic(fmt.Sprintf("kernels: AttentionKV: %d sequences, but %d KVs", len(starts)-1, len(kv)))
	}
	tokens := int(starts[len(starts)-1])
	needTokens("AttentionKV", "out", tokens, len(out), ldo, p.Heads*p.HeadDim)
	needTokens("AttentionKV", "q", tokens, len(q), ldq, p.Heads*p.HeadDim)
	for i, c := range kv {
		n := int(starts[i+1] - starts[i])
		if c.heads != p.KVHeads || c.dim != p.HeadDim {
			panic(fmt.Sprintf("kernels: AttentionKV: %d key heads of %d, but KV %d has %d of %d", p.KVHeads, p.HeadDim, i,
				c.heads, c.dim))
		}
		if (p.Causal || p.Window > 0) && n > c.tokens {
			panic(fmt.Sprintf("kernels: AttentionKV: %d queries, but KV %d has %d tokens", n, i, c.tokens))
		}
		if c.first > 0 && n > 0 && (p.Window == 0 || max(0, c.tokens-n-p.Window+1) < c.first*keyBlock) {
			panic(fmt.Sprintf("kernels: AttentionKV: token %d sees %d back (0: all), but KV %d has dropped the first %d",
				c.tokens-n, p.Window, i, c.first*keyBlock))
		}
	}
	x.attend(attnTask{x: x, out: out, ldo: ldo, q: q, ldq: ldq, starts: starts, kv: kv, p: *p})
}

// kvTiles are tiles for few rows, as those of one token: [r][w] computes one tile of r rows by 2^w panels of 16 bits, of what a
// KV holds or of weights. b points to numbers of 16 bits, and panel counts their bytes. Without them, those are widened before.
type kvTiles [7][3]func(*tile)

// width returns log2 of how many panels of those left a tile of that many rows takes, or -1 if there is none.
func (k *kvTiles) width(rows, left int) int {
	if rows >= len(k) {
		return -1
	}
	w := len(k[rows]) - 1
	for w >= 0 && (k[rows][w] == nil || 1<<w > left) {
		w--
	}
	return w
}

// A kvRows is the product of two rows or more with panels of a KV, for those of a token. A processor reads memory fastest in
// several streams at a time, each from front to back, and a tile of several rows has registers for one panel or two: so a routine
// takes four panels, one of each of four streams, half a panel wide, by three rows or two at a time. The first of these read
// memory, the others what is in the first-level cache by then. Strides are in bytes. A call changes count and fetch.
//
//	for each of count groups of four panels, rows i, and columns j of panel p:
//	    x = chain of fma(a[i][l], b[p][l][j], ·) from +0, or c[i][p][j], over l = 0..k-1
//	    c[i][p][j] = x * scale
//	    a, b and c move on by nextA, nextB and nextC
type kvRows struct {
	c            *float32 // row 0 of the first stream
	ldc, lds     uintptr  // from a row to the next, from a stream to the next
	a            *float32
	lda          uintptr
	b            *float32 // row 0 of the first stream's panel; of bfloat16, it points to numbers of 16 bits
	stream       uintptr
	k, count     int
	threes, twos int // the rows are so many times three, then so many times two
	scale        float32
	fetch, load  int // not 0: the chains of the first group, those of the others go on from c

	nextA, nextB, nextC uintptr
}

// rows divides that many rows.
func (t *kvRows) rows(n int) {
	t.twos = (3 - n%3) % 3
	t.threes = (n - 2*t.twos) / 3
}

// A kvPanels is the product of a few rows with panels of a KV, for those of a token, one panel after the other or four at a time. Where
// a processor by itself fetches ahead best what is read from front to back, as Zen 4 does, one panel after the other is one stream from
// the first key of a block to its last value. Strides are in bytes. A call changes left and step.
//
//	for each of count panels p, or groups of four panels, rows i, and columns j of a panel:
//	    x = chain of fma(a[i][l], b[p][l][j], ·) from +0, over l = 0..k-1          b of the row's head
//	    c[i][p][j] = x * scale
type kvPanels struct {
	c        *float32 // row 0 of the first panel
	ldc      uintptr  // from a row to the next; from a panel to the next it is 64
	a        *float32
	lda      uintptr
	b        *float32 // row 0 of the first panel; of bfloat16, it points to numbers of 16 bits
	panel    uintptr  // from a panel to the next
	k, count int
	scale    float32
	head     uintptr // for several heads: from the panels of one to those of the next

	// What is prefetched meanwhile by some of the routines, as much as is read: from next on, and by those for four panels, 128 bytes
	// of each of four streams, which lie apart bytes from each other, and then step bytes on. From end on it goes on with the next of
	// the panels or groups that are left, and after them with what will be read after all this.
	next, end                    uintptr
	apart, step                  uintptr
	left                         int
	after, afterApart, afterStep uintptr
}

// kvPanelTiles are routines for kvPanels: one[r] is for r rows by a panel at a time, four[r], if it is not nil, by four. heads[h][r]
// is for r rows of each of h heads, by a panel of each at a time: as many streams, each as long as what a page holds of a head. A
// processor that fetches ahead stops at every 4 KB for as long as memory takes; then it does so for all of them at once, and between
// keys and values, too.
type kvPanelTiles struct {
	one, four [kvPanelRows + 1]func(*kvPanels)
	heads     [kvHeads + 1][kvPanelRows + 1]func(*kvPanels)
	// most is how many heads of so many rows go together; one more if that is what is left, and there is a routine.
	most [kvPanelRows + 1]int
}

// kvHeads is the greatest number of heads that go together.
const kvHeads = 4

// kvPanelRows is the greatest number of rows of such a routine.
const kvPanelRows = 8

// How many bytes are prefetched ahead. With four panels at a time it is all of some groups, since they lie one panel after the other.
const (
	kvAhead     = 8 << 10
	kvAheadFour = 16 << 10
)

// wide reports whether so many rows go by four panels at a time.
func (f *kvPanelTiles) wide(rows, panels int) bool {
	return rows <= kvPanelRows && f.four[rows] != nil && panels >= 4
}

// run computes so many rows by count panels. size is that of an element of b.
func (f *kvPanelTiles) run(q *kvPanels, rows int, size uintptr) {
	if f.wide(rows, q.count) {
		groups, rest := q.count/4, q.count%4
		q.count = groups
		q.prefetch(size, true)
		f.four[rows](q)
		if rest == 0 {
			return
		}
		q.c = (*float32)(unsafe.Add(unsafe.Pointer(q.c), groups*4*panelWidth*4))
		q.b = (*float32)(unsafe.Add(unsafe.Pointer(q.b), uintptr(groups)*4*q.panel))
		q.count = rest
	}
	n := (rows + kvPanelRows - 1) / kvPanelRows
	c, a := q.c, q.a
	for i := range n { // as even as they can be
		r0, r1 := rows*i/n, rows*(i+1)/n
		q.c = (*float32)(unsafe.Add(unsafe.Pointer(c), uintptr(r0)*q.ldc))
		q.a = (*float32)(unsafe.Add(unsafe.Pointer(a), uintptr(r0)*q.lda))
		q.prefetch(size, false)
		f.one[r1-r0](q)
	}
}

// prefetch sets what is prefetched, but for what comes after the panels.
func (q *kvPanels) prefetch(size uintptr, four bool) {
	b, length, group, ahead := uintptr(unsafe.Pointer(q.b)), uintptr(q.k)*panelWidth*size, q.panel, uintptr(kvAhead)
	q.apart, q.step, q.left = 128, 512, q.count
	if four {
		group, ahead = 4*q.panel, kvAheadFour
	}
	if length == q.panel { // the panels are one piece
		length, q.left = group*uintptr(q.count), 1
	} else if four {
		q.apart, q.step, ahead = q.panel, 128, ahead/4
	}
	q.next, q.end = b+min(ahead, length), b+length
}

// together returns how many of so many key heads of sequence i a part computes side by side.
func (t *attnTask) together(i, heads int) int {
	if t.kv == nil || t.sequence(i).queries != 1 || t.group() > kvPanelRows || t.p.HeadDim > kBlock {
		return 1
	}
	f := t.kv[i].set.kvPanels[t.kv[i].typ]
	if f == nil {
		return 1
	}
	most := f.most[t.group()]
	if heads == most+1 && heads <= kvHeads && f.heads[heads][t.group()] != nil {
		return heads
	}
	return max(1, min(heads, most))
}

// byBlocks reports whether the units of a sequence are divided by blocks.
func (t *attnTask) byBlocks(q *sequence) bool {
	return t.kv != nil && q.queries*t.group() <= fewRows && q.keys > keyBlock
}

// blocks returns which blocks the queries of a sequence see.
func (t *attnTask) blocks(q *sequence) (from, to int) {
	lo, hi := t.seen(q)
	return lo / keyBlock, (hi + keyBlock - 1) / keyBlock
}

// seen returns the range of keys that the queries of a sequence see.
func (t *attnTask) seen(q *sequence) (lo, hi int) {
	lo, _ = t.span(q, q.pos)
	_, hi = t.span(q, q.pos+q.queries-1)
	return lo, hi
}

// blockAt returns how many of a unit's blocks come before that much of its cost: the border of two blocks that is nearest, by the
// keys that are seen.
func (t *attnTask) blockAt(q *sequence, cost, of int) int {
	lo, hi := t.seen(q)
	from, to := t.blocks(q)
	switch {
	case cost <= 0:
		return 0
	case cost >= of:
		return to - from
	}
	return max(0, (lo+cost*(hi-lo)/of+keyBlock/2)/keyBlock-from)
}

// parted returns what a part of the task leaves for the end: the maxima and sums of the unit that it begins and others
// finish, and the results of the blocks of the unit that it does not begin.
func (t *attnTask) parted(part int) (state, blocks []float32) {
	p := t.parts[part*t.partSize:][:t.partSize]
	return p[:2*t.partRows], p[2*t.partRows:]
}

// partSizes sets how much memory that takes at most: of a unit, a part gets the blocks of its share of the cost, and two for the
// rounding of both borders.
func (t *attnTask) partSizes(parts int) {
	blocks, cost := 0, t.cost/parts+1 // of a part
	for i := range len(t.starts) - 1 {
		if q := t.sequence(i); q.queries > 0 && t.byBlocks(&q) {
			from, to := t.blocks(&q)
			lo, hi := t.seen(&q)
			t.partRows = max(t.partRows, t.rows(i))
			unit := t.rowsCost(i, t.rows(i))
			blocks = max(blocks, min(to-from, min(cost, unit)*(hi-lo)/unit/keyBlock+2))
		}
	}
	t.partSize = t.partRows * (2 + blocks*(padded(t.p.HeadDim)+2))
}

// someBlocks computes the blocks number b0 up to b1, of those that the unit's queries see, for all its rows.
func (u *attnUnit) someBlocks(part, b0, b1 int) {
	t, rows := u.t, u.t.rows(u.seq)
	from, to := t.blocks(&u.sequence)
	if b0 == 0 && b1 == to-from {
		u.compute(0, rows)
		return
	}
	state, left := t.parted(part)
	u.maxima, u.sums = state[:rows], state[rows:2*rows]
	for b := b0; b < b1; b++ {
		if b0 > 0 {
			u.apart = left[:rows*(padded(t.p.HeadDim)+2)]
			left = left[len(u.apart):]
		}
		u.oneBlock((from+b)*keyBlock, 0, rows)
	}
}

// foldParts folds the blocks of units that were divided into their first parts.
func (t *attnTask) foldParts(s *scratch, parts int) {
	at, p := 0, 1 // p is the first part that begins after at
	for i := range len(t.starts) - 1 {
		q := t.sequence(i)
		rows := t.rows(i)
		cost := t.rowsCost(i, rows)
		for head := range t.p.KVHeads {
			for p < parts && t.costAt(p, parts) <= at {
				p++
			}
			if rows > 0 && t.byBlocks(&q) {
				u := attnUnit{t: t, s: s, seq: i, sequence: q, kvHead: head, heads: 1}
				from, _ := t.blocks(&q)
				for part := p - 1; part < parts && t.costAt(part, parts) < at+cost; part++ {
					b0, b1 := t.blockAt(&q, t.costAt(part, parts)-at, cost), t.blockAt(&q, t.costAt(part+1, parts)-at, cost)
					state, left := t.parted(part)
					if b0 == 0 { // it has folded its own, or has none
						u.maxima, u.sums = state[:rows], state[rows:2*rows]
						continue
					}
					for b := b0; b < b1; b++ {
						n := rows * (padded(t.p.HeadDim) + 2)
						u.foldApart((from+b)*keyBlock, left[:n])
						left = left[n:]
					}
				}
			}
			at += cost
		}
	}
}

// foldApart folds the results of a block that was computed apart.
func (u *attnUnit) foldApart(k0 int, apart []float32) {
	rows, dPad := u.t.rows(u.seq), padded(u.t.p.HeadDim)
	u.block = keysBlock{k0: k0, end: min(k0+keyBlock, u.keys)}
	for r := 0; r < rows; {
		run := u.next(r, rows, r)
		m := run.m
		u.seeing(&run)
		if run.m > 0 {
			o, bm, bl := apart[run.state*dPad:], apart[rows*dPad:][run.state:][:run.m], apart[rows*(dPad+1):][run.state:][:run.m]
			u.fold(&run, o, bm, bl)
		}
		r += m
	}
}
