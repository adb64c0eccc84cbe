package imageproc

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync"
)

// A lossless WebP has an image of blocks that says which group of prefix codes each block of pixels is coded with, and behind it
// the groups. golang.org/x/image takes 2,680 bytes for each number up to the largest, 176 MB at most, before it reads the first
// of them. vp8lFits reads a stream up to that image, so that a file that cannot hold its groups is not begun.
//
// The format is that of the WebP Lossless Bitstream Specification.

// minGroup is the least number of bits of a group: five codes of one symbol each, of one bit.
const minGroup = 5 * 4

// vp8lFits reports whether a stream of an image of that size can hold the groups that it names. A stream that is damaged before
// it names them fits: the decoder finds what is wrong.
func vp8lFits(stream []byte, width, height int) bool {
	r := &bitReader{data: stream}
	groups := r.groups(width, height)
	return r.bad || groups*minGroup <= 8*len(stream)-r.at
}

// bitReader reads numbers whose lowest bit comes first.
type bitReader struct {
	data []byte
	at   int  // bits that are read
	bad  bool // more was read than there is, or something is wrong
}

func (r *bitReader) read(n int) int {
	v := 0
	for i := range n {
		if r.at >= 8*len(r.data) {
			r.bad = true
			return 0
		}
		v |= int(r.data[r.at>>3]>>(r.at&7)&1) << i
		r.at++
	}
	return v
}

// tiles returns how many tiles of 1<<bits pixels a side takes.
func tiles(side, bits int) int { return (side + 1<<bits - 1) >> bits }

// groups returns the number of groups of codes that blocks name, 0 if none does or it cannot be read.
func (r *bitReader) groups(width, height int) int {
	const predictor, colours, subtractGreen, indexing = 0, 1, 2, 3
	for range 4 { // each transform comes once at most
		if r.read(1) == 0 {
			break
		}
		switch r.read(2) {
		case predictor, colours:
			bits := 2 + r.read(3)
			r.pixels(tiles(width, bits), tiles(height, bits))
		case indexing:
			n := 1 + r.read(8)
			r.pixels(n, 1)
			for _, most := range []int{16, 4, 2} {
				if n <= most {
					width = tiles(width, 1)
				}
			}
		case subtractGreen:
		}
		if r.bad {
			return 0
		}
	}
	r.cacheBits()
	if r.read(1) == 0 || r.bad { // one group for all
		return 0
	}
	bits := 2 + r.read(3)
	most := 0
	for _, p := range r.pixels(tiles(width, bits), tiles(height, bits)) {
		most = max(most, int(p>>8&0xffff))
	}
	return most + 1
}

// cacheBits reads the size of the cache of colours, as a power of two, 0 if there is none.
func (r *bitReader) cacheBits() int {
	if r.read(1) == 0 {
		return 0
	}
	n := r.read(4)
	r.bad = r.bad || n < 1 || n > 11
	return n
}

// pixels reads an image that is coded with one group of codes, as 0xAARRGGBB.
func (r *bitReader) pixels(width, height int) []uint32 {
	const literals, lengths, distances = 256, 24, 40
	cacheBits := r.cacheBits()
	if r.bad {
		return nil
	}
	var cache []uint32
	if cacheBits > 0 {
		cache = make([]uint32, 1<<cacheBits)
	}
	var codes [5]prefixCode // of green, lengths and the cache; red; blue; alpha; distances
	for i, n := range []int{literals + lengths + len(cache), literals, literals, literals, distances} {
		codes[i] = r.code(n)
	}
	out := make([]uint32, 0, width*height)
	put := func(p uint32) {
		out = append(out, p)
		if cacheBits > 0 {
			cache[p*0x1e35a7bd>>(32-cacheBits)] = p
		}
	}
	for len(out) < width*height && !r.bad {
		switch s := r.symbol(&codes[0]); {
		case s < literals:
			red, blue, alpha := r.symbol(&codes[1]), r.symbol(&codes[2]), r.symbol(&codes[3])
			put(uint32(alpha)<<24 | uint32(red)<<16 | uint32(s)<<8 | uint32(blue))
		case s < literals+lengths:
			n := r.lz77(s - literals)
			distance := r.lz77(r.symbol(&codes[4]))
			if near := neighbours(); distance <= len(near) {
				d := near[distance-1]
				distance = max(1, d[0]+d[1]*width)
			} else {
				distance -= len(near)
			}
			if n > width*height-len(out) || distance > len(out) {
				r.bad = true
				break
			}
			for range n {
				put(out[len(out)-distance])
			}
		default:
			put(cache[s-literals-lengths])
		}
	}
	return out
}

// lz77 returns the length or distance that a symbol and the bits behind it stand for.
func (r *bitReader) lz77(symbol int) int {
	if symbol < 4 {
		return symbol + 1
	}
	extra := (symbol - 2) >> 1
	return (2+symbol&1)<<extra + r.read(extra) + 1
}

// neighbours returns the pixels that the smallest distances mean, the nearest first: how far they are to the left of one, and up.
var neighbours = sync.OnceValue(func() (list [][2]int) {
	for y := range 8 {
		for x := -7; x <= 8; x++ {
			if y > 0 || x > 0 {
				list = append(list, [2]int{x, y})
			}
		}
	}
	slices.SortFunc(list, func(a, b [2]int) int {
		far := func(p [2]int) int { return p[0]*p[0] + p[1]*p[1] }
		return cmp.Or(cmp.Compare(far(a), far(b)), cmp.Compare(max(a[0], -a[0]), max(b[0], -b[0])), cmp.Compare(b[0], a[0]))
	})
	return list
})

// A prefixCode is a canonical code: its symbols from the shortest code on, and how many there are of each length.
type prefixCode struct {
	symbols []int
	count   [16]int
}

// symbol reads a symbol. The code of the only one there is has no bits.
func (r *bitReader) symbol(c *prefixCode) int {
	if len(c.symbols) == 1 {
		return c.symbols[0]
	}
	code, first, before := 0, 0, 0 // first: the first code of the length; before: symbols of shorter ones
	for _, n := range c.count[1:] {
		code |= r.read(1)
		if i := code - first; i < n {
			return c.symbols[before+i]
		}
		before += n
		code, first = code<<1, (first+n)<<1
	}
	r.bad = true
	return 0
}

// newCode makes the code whose lengths are given, 0 for symbols that it has not.
func newCode(lengths []int) (c prefixCode) {
	for n := 1; n < len(c.count); n++ {
		for s, l := range lengths {
			if l == n {
				c.symbols = append(c.symbols, s)
				c.count[n]++
			}
		}
	}
	return c
}

// codeOrder is the order in which the lengths of the code of lengths stand.
var codeOrder = [19]int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// code reads a code of so many symbols.
func (r *bitReader) code(alphabet int) (c prefixCode) {
	if r.read(1) == 1 { // one symbol, or two with one bit each
		two := r.read(1) == 1
		c.symbols = []int{r.read(1 + 7*r.read(1))}
		if two {
			c.symbols = append(c.symbols, r.read(8))
			c.count[1] = 2
		}
		r.bad = r.bad || slices.Max(c.symbols) >= alphabet
		return c
	}
	var lengths [19]int
	n := 4 + r.read(4)
	for _, at := range codeOrder[:min(n, len(codeOrder))] {
		lengths[at] = r.read(3)
	}
	of := newCode(lengths[:])
	left := alphabet // symbols of this code to read
	if r.read(1) == 1 {
		left = 2 + r.read(2+2*r.read(3))
	}
	all := make([]int, 0, alphabet)
	last := 8 // length that is not 0
	for ; left > 0 && len(all) < alphabet && !r.bad; left-- {
		length := r.symbol(&of)
		times := 1
		switch length {
		case 16:
			length, times = last, 3+r.read(2)
		case 17:
			length, times = 0, 3+r.read(3)
		case 18:
			length, times = 0, 11+r.read(7)
		}
		if length > 0 {
			last = length
		}
		for range times {
			all = append(all, length)
		}
	}
	c = newCode(all)
	r.bad = r.bad || len(of.symbols) == 0 || len(c.symbols) == 0 || len(all) > alphabet
	return c
}

// fits reports whether the lossless parts of the frame can hold their groups of codes.
func (w *webpFile) fits() bool {
	switch id, body := string(w.pixels[:4]), w.pixels[8:]; {
	case id == "VP8L":
		if len(body) < 5 {
			return true
		}
		size := binary.LittleEndian.Uint32(body[1:])
		return vp8lFits(body[5:], int(size&0x3fff)+1, int(size>>14&0x3fff)+1)
	case len(w.alpha) > 9 && w.alpha[8]&3 == 1 && len(body) >= 10:
		width, height := binary.LittleEndian.Uint16(body[6:]), binary.LittleEndian.Uint16(body[8:])
		return vp8lFits(w.alpha[9:], int(width&0x3fff), int(height&0x3fff))
	}
	return true
}
