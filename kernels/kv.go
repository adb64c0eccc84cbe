package kernels

import (
	"fmt"
	"math"

	"github.com/godwit-ml/godwit/internal/parallel"
)

// A KVType is the type of the numbers that a [KV] holds.
type KVType uint8

// The types of a KV. BFloat16 rounds to the nearest, and takes half of the memory.
const (
	KVFloat32 KVType = iota
	KVBFloat16
)

// A KV holds the keys and values of one sequence in one layer, for [Exec.AttentionKV]: those of all its tokens, or of those
// that a sliding window needs. They lie in pages of 512 tokens, which is a block of attention, and in panels, as the tiles
// read them; nothing is packed when it is used. A page holds, for each key head:
//
//	keys      32 panels of 16 tokens, [HeadDim, 16]                    token 16p+j is column j of panel p
//	values    ⌈HeadDim/16⌉ panels of 16 columns, [512, 16]              token i is row i
//
// Tokens are counted from the beginning of the sequence, also where a window has dropped the first of them. A KV may be read
// by several goroutines at a time, or changed by one.
type KV struct {
	set          *Set
	pool         *parallel.Pool
	heads, dim   int
	typ          KVType
	window       int
	tokens       int
	first        int // number of the first page that is held
	pages, spare []kvPage
	putting      kvPut
}

// A kvPage is the memory of a page, by its type.
type kvPage struct {
	f32 []float32
	b16 []uint16
}

// NewKV returns an empty KV for that many key heads of dim each. window is that of the attention that will read it, 0 if it
// has none.
func (x *Exec) NewKV(heads, dim int, typ KVType, window int) *KV {
	if heads <= 0 || dim <= 0 || typ > KVBFloat16 || window < 0 {
		panic(fmt.Sprintf("kernels: NewKV(heads=%d, dim=%d, type=%d, window=%d)", heads, dim, typ, window))
	}
	return &KV{set: x.set, pool: x.pool, heads: heads, dim: dim, typ: typ, window: window}
}

// KVBytes returns how much memory a KV takes for a sequence of that many tokens, of which at most chunk are appended at once.
func KVBytes(heads, dim int, typ KVType, window, tokens, chunk int) int {
	size := 4
	if typ == KVBFloat16 {
		size = 2
	}
	return kvPages(window, tokens, chunk) * heads * kvHeadSize(dim) * size
}

// kvPages returns how many pages that are at most.
func kvPages(window, tokens, chunk int) int {
	n := (tokens + keyBlock - 1) / keyBlock
	if window > 0 { // the keys that the first of a chunk sees, and the chunk; they may begin at the end of a page
		n = min(n, (max(chunk, 1)+window-1+keyBlock-2)/keyBlock+1)
	}
	return n
}

// kvHeadSize returns the number of elements of a head in a page.
func kvHeadSize(dim int) int { return keyBlock * (dim + padded(dim)) }

// Len returns the number of tokens of the sequence.
func (c *KV) Len() int { return c.tokens }

// Bytes returns how much memory the KV holds.
func (c *KV) Bytes() int {
	n := 0
	for _, list := range [][]kvPage{c.pages, c.spare} {
		for _, p := range list {
			n += 4*len(p.f32) + 2*len(p.b16)
		}
	}
	return n
}

// Reserve takes the memory for a sequence of that many tokens, of which at most chunk are appended at once: none of the calls
// that follow allocates.
func (c *KV) Reserve(tokens, chunk int) { ReserveKVs([]*KV{c}, tokens, chunk) }

// ReserveKVs is [KV.Reserve] for the KVs of all layers. What they do not have yet lies together, and fills huge pages where the
// pages of one layer would not; it is given back when none of them is used any more.
func ReserveKVs(kvs []*KV, tokens, chunk int) {
	size := 0
	for _, c := range kvs {
		size += max(0, c.missing(tokens, chunk)) * c.pageSize()
	}
	var all []float32
	if size > 0 {
		all = Buffer(size)
	}
	for _, c := range kvs {
		need := max(kvPages(c.window, tokens, chunk), len(c.pages)+len(c.spare))
		if cap(c.pages) < need {
			c.pages = append(make([]kvPage, 0, need), c.pages...)
		}
		if cap(c.spare) < need {
			c.spare = append(make([]kvPage, 0, need), c.spare...)
		}
		for range c.missing(tokens, chunk) {
			c.spare = append(c.spare, c.page(all))
			all = all[c.pageSize():]
		}
	}
}

// missing returns how many pages there are too few for a sequence, or less than 0.
func (c *KV) missing(tokens, chunk int) int {
	return kvPages(c.window, tokens, chunk) - len(c.pages) - len(c.spare)
}

// pageSize returns the memory that a page takes, in elements of float32.
func (c *KV) pageSize() int {
	n := c.heads * kvHeadSize(c.dim)
	if c.typ == KVBFloat16 {
		return n / 2
	}
	return n
}

// page returns a page at the beginning of some memory.
func (c *KV) page(b []float32) kvPage {
	n := c.pageSize()
	if b = b[:n:n]; c.typ == KVBFloat16 {
		return kvPage{b16: as16(b, 2*n)}
	}
	return kvPage{f32: b}
}

// Truncate forgets the tokens from number n on, so that others can follow the first n. It returns false, and does nothing, if
// those would see tokens that the window has dropped. Nothing is seen by what follows n = 0.
func (c *KV) Truncate(n int) bool {
	if n < 0 || n > c.tokens {
		panic(fmt.Sprintf("kernels: Truncate(%d) of %d tokens", n, c.tokens))
	}
	if n > 0 && n < c.tokens && max(0, n-c.window+1) < c.first*keyBlock {
		return false
	}
	c.tokens = n
	if n == 0 {
		c.drop(len(c.pages))
		c.first = 0
		return true
	}
	keep := (n+keyBlock-1)/keyBlock - c.first
	c.spare = append(c.spare, c.pages[keep:]...)
	c.pages = c.pages[:keep]
	return true
}

// CopyFrom makes c hold the tokens of src in place of its own. Both were made with the same arguments; others may read src
// meanwhile. It takes memory for what the pages of c do not hold.
func (c *KV) CopyFrom(src *KV) {
	if c == src || c.heads != src.heads || c.dim != src.dim || c.typ != src.typ || c.window != src.window {
		panic("kernels: CopyFrom of itself, or of a KV of another kind")
	}
	c.drop(len(c.pages))
	for len(c.spare) < len(src.pages) {
		c.spare = append(c.spare, c.page(Buffer(c.pageSize())))
	}
	for i, p := range src.pages {
		last := len(c.spare) - 1
		page := c.spare[last]
		c.spare = c.spare[:last]
		rows := min(keyBlock, src.tokens-(src.first+i)*keyBlock)
		copyTokens(page.f32, p.f32, c.heads, c.dim, rows)
		copyTokens(page.b16, p.b16, c.heads, c.dim, rows)
		c.pages = append(c.pages, page)
	}
	c.first, c.tokens = src.first, src.tokens
}

// copyTokens copies the first tokens of a page, if it is of that type.
func copyTokens[T float32 | uint16](dst, src []T, heads, dim, rows int) {
	if len(src) == 0 {
		return
	}
	for h := range heads {
		at := h * kvHeadSize(dim)
		copy(dst[at:], src[at:][:padded(rows)*dim])
		at += keyBlock * dim
		for l := 0; l < dim; l += panelWidth {
			copy(dst[at+l*keyBlock:], src[at+l*keyBlock:][:rows*panelWidth])
		}
	}
}

// drop makes the first n pages spare.
func (c *KV) drop(n int) {
	c.spare = append(c.spare, c.pages[:n]...)
	c.pages = c.pages[:copy(c.pages, c.pages[n:])]
	c.first += n
}

// Append adds the keys and values of n tokens, [n, heads·dim] each with row stride ld. Threads share the heads of many tokens.
func (c *KV) Append(k, v []float32, ld, n int) {
	needTokens("Append", "k", n, len(k), ld, c.heads*c.dim)
	needTokens("Append", "v", n, len(v), ld, c.heads*c.dim)
	if c.window > 0 { // the first of the tokens is the one that sees farthest back
		if d := max(0, c.tokens-c.window+1)/keyBlock - c.first; d > 0 {
			c.drop(d)
		}
	}
	for n > 0 {
		page, row := c.tokens/keyBlock-c.first, c.tokens%keyBlock
		if page == len(c.pages) {
			if s := len(c.spare); s > 0 {
				c.pages, c.spare = append(c.pages, c.spare[s-1]), c.spare[:s-1]
			} else {
				c.pages = append(c.pages, c.page(Buffer(c.pageSize())))
			}
		}
		m := min(n, keyBlock-row)
		c.putting = kvPut{c, &c.pages[page], row, k, v, ld, m}
		shareRows(c.pool, c.heads, m*c.dim, &c.putting)
		c.putting = kvPut{}
		if n -= m; n > 0 {
			k, v = k[m*ld:], v[m*ld:]
		}
		c.tokens += m
	}
}

// A kvPut puts m tokens into a page, from row on; threads share the heads.
type kvPut struct {
	c    *KV
	page *kvPage
	row  int
	k, v []float32
	ld   int
	m    int
}

// Run implements parallel.Task.
func (t *kvPut) Run(part, parts int) {
	c := t.c
	for h := c.heads * part / parts; h < c.heads*(part+1)/parts; h++ {
		c.put(t.page, h, t.row, t.k[h*c.dim:], t.v[h*c.dim:], t.ld, t.m)
	}
}

// put writes m tokens from row on into the panels of a head.
func (c *KV) put(p *kvPage, head, row int, k, v []float32, ld, m int) {
	d, at := c.dim, head*kvHeadSize(c.dim)
	if c.typ == KVBFloat16 {
		keys, values := p.b16[at:][:keyBlock*d], p.b16[at+keyBlock*d:][:keyBlock*padded(d)]
		for i := range m {
			r := row + i
			panel := keys[r/panelWidth*panelWidth*d+r%panelWidth:]
			for l, x := range k[i*ld:][:d] {
				panel[l*panelWidth] = bfloat16(x)
			}
			for l, x := range v[i*ld:][:d] {
				values[(l/panelWidth*keyBlock+r)*panelWidth+l%panelWidth] = bfloat16(x)
			}
		}
		return
	}
	keys, values := p.f32[at:][:keyBlock*d], p.f32[at+keyBlock*d:][:keyBlock*padded(d)]
	for l := 0; l < d; l += panelWidth {
		c.set.packValues(values[(l*keyBlock/panelWidth+row)*panelWidth:], v[l:], ld, m, min(panelWidth, d-l))
	}
	i := 0
	for ; i < m && (row+i)%panelWidth != 0; i++ {
		r := row + i
		panel := keys[r/panelWidth*panelWidth*d+r%panelWidth:]
		for l, x := range k[i*ld:][:d] {
			panel[l*panelWidth] = x
		}
	}
	if i < m {
		c.set.packKeys(keys[(row+i)*d:], k[i*ld:], ld, m-i, d)
	}
}

// bfloat16 returns the upper half of a float32, rounded to nearest even. A NaN stays one.
func bfloat16(x float32) uint16 {
	u := math.Float32bits(x)
	if x != x {
		return uint16(u>>16) | 0x40
	}
	return uint16((u + 0x7fff + u>>16&1) >> 16)
}

// panels returns a block with the panels of a head where they lie in the page of a token.
func (c *KV) panels(head, token int) keysBlock {
	p, at, d := &c.pages[token/keyBlock-c.first], head*kvHeadSize(c.dim), c.dim
	b := keysBlock{rows: keyBlock}
	if c.typ == KVFloat32 {
		b.keys, b.values = p.f32[at:][:keyBlock*d], p.f32[at+keyBlock*d:][:keyBlock*padded(d)]
	} else {
		b.keys16, b.values16 = p.b16[at:][:keyBlock*d], p.b16[at+keyBlock*d:][:keyBlock*padded(d)]
	}
	return b
}

// load sets a block's panels to those of a head, for the tokens lo up to hi of the block that begins at k0. Pages of float32
// are read where they are; those of 16 bits are widened, as far as they are needed, or once says that they are used just once.
func (c *KV) load(s *scratch, b *keysBlock, head, k0, lo, hi int, once bool) {
	p := c.panels(head, k0)
	if once {
		b.once, b.kvRows, b.panels = true, c.set.kvRows[c.typ], c.set.kvPanels[c.typ]
	}
	if c.typ == KVFloat32 || once {
		b.base, b.rows = 0, keyBlock
		b.keys, b.values, b.keys16, b.values16 = p.keys, p.values, p.keys16, p.values16
		if c.typ == KVBFloat16 {
			b.few = &c.set.kvTile
		}
		return
	}
	b.base = (lo - k0) / panelWidth * panelWidth
	b.rows = hi - k0 - b.base
	b.keys = s.floats(bufKeys, padded(b.rows)*c.dim)
	b.values = s.floats(bufValues, b.rows*padded(c.dim))
	c.set.widenBFloat16(b.keys, p.keys16[b.base*c.dim:])
	for l := 0; l < c.dim; l += panelWidth {
		c.set.widenBFloat16(b.values[l*b.rows:][:b.rows*panelWidth], p.values16[l*keyBlock+b.base*panelWidth:])
	}
}
