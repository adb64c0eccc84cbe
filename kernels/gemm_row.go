package kernels

import "unsafe"

// # How one row is computed
//
// A matrix-vector product reads its weights once, and what it takes is the time for that. So as many loads as possible must be
// under way: the panels of a thread are cut into four or six streams, and the processor sees each go on from panel to panel.
//
//	for block of 256 of k:
//	    panels p0 ............................................ p1
//	           │ stream 0    │ stream 1    │ stream 2    │ stream 3    │ the last two or three
//	           └→            └→            └→            └→
//	epilogue, in passes over the whole row
//
// The sums lie in the order of the columns, in a buffer that stays in the first-level cache.

// rowTiles compute a row of a product by panels in four or six streams. A tile's b is row 0 of the first panel of the first
// stream, and panel the distance from a stream to the next. count is how many panels of each stream are done, one after the
// other; their sums go to c, those of the next stream ldc bytes on. With tileAdd in flags the sums that stand there are added.
// There is nothing else: no bias, no scale. Panels are of the Storage; those of 16 bits are widened in registers.
type rowTiles struct{ four, six func(*tile) }

// rowGroups bounds how many panels of each stream a call of assembly does, some 80 µs from memory.
const rowGroups = 32

// oneRow computes panels p0 to p1, four at least, of a product with one row.
func (t *gemmTask) oneRow(s *scratch, tiles *rowTiles, p0, p1 int) {
	b, k, n := t.b, t.b.K, p1-p0
	sums := s.floats(bufSums, n*panelWidth)
	fours, sixes := n/4, 0
	switch {
	case n%4 == 2 && n%6 == 0:
		fours, sixes = 0, n/6
	case n%4 >= 2:
		fours, sixes = fours-1, 1
	}
	for k0 := 0; k0 == 0 || k0 < k; k0 += kBlock {
		p := p0
		p += t.streams(s, tiles.four, 4, fours, sums, p, k0)
		p += t.streams(s, tiles.six, 6, sixes, sums[(p-p0)*panelWidth:], p, k0)
		if p < p1 {
			q := t.rowTile(s, sums[(p-p0)*panelWidth:], p, k0)
			q.rows = 1
			if b.storage == Float32 {
				t.x.set.tile[1][0](q)
			} else {
				t.x.set.narrowTile[b.storage][1][0](q)
			}
		}
	}
	if b.gated {
		gate, up := s.parted(sums, 1, len(sums))
		t.finish(gate, up, t.e.Bias, 0, 1, p0/2*panelWidth)
	} else {
		t.finish(sums, nil, t.e.Bias, 0, 1, p0*panelWidth)
	}
}

// streams computes panels from p on, in that many streams of groups each. It returns how many panels these are.
func (t *gemmTask) streams(s *scratch, tile func(*tile), streams, groups int, sums []float32, p, k0 int) int {
	for i := 0; i < groups; i += rowGroups {
		q := t.rowTile(s, sums[i*panelWidth:], p+i, k0)
		q.ldc = uintptr(groups) * panelWidth * 4
		q.panel *= uintptr(groups)
		q.count = min(groups-i, rowGroups)
		tile(q)
	}
	return groups * streams
}

// rowTile returns a tile for the block of k from k0 on of panel p.
func (t *gemmTask) rowTile(s *scratch, sums []float32, p, k0 int) *tile {
	b, q := t.b, &s.tile
	depth := min(kBlock, b.K-k0)
	*q = tile{c: &sums[0], sum: &sums[0], a: &sums[0], b: &sums[0], k: depth, count: 1, panel: uintptr(depth) * panelWidth * 4}
	if k0 > 0 {
		q.flags = tileAdd
	}
	if b.K == 0 { // nothing is read
		return q
	}
	q.a = &t.a[k0]
	if b.storage == Float32 {
		q.b = &b.panels[b.at(k0, p)]
	} else {
		q.b = (*float32)(unsafe.Pointer(&b.narrow[b.at(k0, p)]))
		q.panel /= 2
	}
	return q
}
