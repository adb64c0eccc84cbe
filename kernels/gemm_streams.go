package kernels

import "unsafe"

// # How few rows are computed
//
// A product of one row reads its weights once, and what it takes is the time for that; so it is, nearly, with two or three. As many
// loads as possible must be under way: the panels of a thread are cut into streams, and the processor sees each go on from panel to
// panel.
//
//	for block of 256 of k:
//	    panels p0 ............................................ p1
//	           │ stream 0    │ stream 1    │ stream 2    │ stream 3    │ the last few
//	           └→            └→            └→            └→
//	epilogue, in passes over whole rows
//
// The sums lie in the order of the columns, in a buffer that stays near.

// A streamTile computes a few rows by panels in that many streams. A tile's b is row 0 of the first panel of the first stream, and panel
// the distance from a stream to the next. count is how many panels of each stream are done, one after the other; their sums go to c, a
// row of them ldc bytes from the next, those of a stream lds bytes from those of the next. Of the flags, it knows tileAdd, for what stands
// in c, and tileScale. Panels are of the Storage; those of 16 bits are widened in registers.
type streamTile struct {
	streams int
	run     func(*tile)
}

// streamTiles has the tiles of a number of rows. If there are two, the second has two streams more.
type streamTiles [5][]streamTile

// of returns those of that many rows, or nil.
func (s *streamTiles) of(rows int) []streamTile {
	if rows >= len(s) {
		return nil
	}
	return s[rows]
}

// streamPanels bounds how many panels a call of assembly does, of all streams: some 80 µs from memory.
const streamPanels = 128

// fewRows computes panels p0 to p1, as many as streams at least, of a product of few rows.
func (t *gemmTask) fewRows(s *scratch, tiles []streamTile, p0, p1 int) {
	b, k, n := t.b, t.b.K, p1-p0
	sums := s.floats(bufSums, t.m*n*panelWidth)
	groups, wider := divide(tiles, n)
	for k0 := 0; k0 == 0 || k0 < k; k0 += kBlock {
		p := p0
		p += t.streams(s, tiles[0], groups, sums, p-p0, p, n, k0)
		if wider > 0 {
			p += t.streams(s, tiles[1], wider, sums, p-p0, p, n, k0)
		}
		for ; p < p1; p++ {
			q := t.few(s, sums, p-p0, p, n, k0)
			q.rows, q.next = t.m, uintptr(unsafe.Pointer(q.b))+q.panel
			set := t.x.set
			switch {
			case b.storage == Float32:
				set.tile[t.m][0](q)
			case set.narrow[b.storage] != nil:
				set.narrow[b.storage].tile[t.m][0](q)
			default:
				set.narrowTile[b.storage][t.m][0](q)
			}
		}
	}
	if b.gated {
		gate, up := t.x.parted(s, sums, t.m, n*panelWidth)
		t.finish(gate, up, t.e.Bias, 0, t.m, p0/2*panelWidth)
	} else {
		t.finish(sums, nil, t.e.Bias, 0, t.m, p0*panelWidth)
	}
}

// divide divides n panels: the first into groups of one panel of each stream, the next into wider groups with two streams more. The
// last few may be left.
func divide(tiles []streamTile, n int) (groups, wider int) {
	width := tiles[0].streams
	groups = n / width
	if len(tiles) > 1 {
		switch left := n % width; {
		case left == 2 && n%(width+2) == 0:
			return 0, n / (width + 2)
		case left >= 2:
			return groups - 1, 1
		}
	}
	return groups, 0
}

// streams computes panels from p on, groups of each stream, whose sums begin with column panel at of n. It returns how many
// panels these are.
func (t *gemmTask) streams(s *scratch, tile streamTile, groups int, sums []float32, at, p, n, k0 int) int {
	most := streamPanels / tile.streams
	for i := 0; i < groups; i += most {
		q := t.few(s, sums, at+i, p+i, n, k0)
		q.lds = uintptr(groups) * panelWidth * 4
		q.panel *= uintptr(groups)
		q.count = min(groups-i, most)
		tile.run(q)
	}
	return groups * tile.streams
}

// few returns a tile for the block of k from k0 on of panel p, whose sums are those of column panel at of n.
func (t *gemmTask) few(s *scratch, sums []float32, at, p, n, k0 int) *tile {
	b, q := t.b, &s.tile
	depth, c := min(kBlock, b.K-k0), &sums[at*panelWidth]
	*q = tile{c: c, ldc: uintptr(n) * panelWidth * 4, sum: c, a: c, b: c, k: depth, count: 1, panel: uintptr(depth) * panelWidth * 4}
	q.lds = q.ldc
	if k0 > 0 {
		q.flags = tileAdd
	}
	if b.K == 0 { // nothing is read
		return q
	}
	q.a, q.lda = &t.a[k0], uintptr(t.lda)*4
	if b.storage == Float32 {
		q.b = &b.panels[b.at(k0, p)]
	} else {
		q.b = (*float32)(unsafe.Pointer(&b.narrow[b.at(k0, p)]))
		q.panel /= 2
	}
	return q
}
