package kernels

import "unsafe"

// A grid is a product of rows with panels, as attention needs them: of queries with keys, and of weights with values. Strides are
// in bytes.
//
//	for rows i, and columns j of panel p:
//	    x = chain of fma(a[i][l], b[p][l][j], ·) from +0, over l = 0..k+grow·i-1
//	    c[i][p][j] = x * scale[i]
//
// It writes whole panels.
type grid struct {
	c            *float32
	ldc          uintptr
	a            *float32
	lda          uintptr
	b            *float32
	panel        uintptr // from a panel to the next
	k            int
	grow         int // 0, or 1: each row takes one step more than the row before it
	rows, panels int
	scale        *float32 // that of row i is scales·i bytes from here; nil: 1
	scales       uintptr
	// What a Set's routine prefetches on the way, for what comes next: so many pieces of 256 bytes, step bytes apart. It counts
	// pieces down and moves next, which is an address and no pointer: it may be beyond the end.
	next, step uintptr
	pieces     int
	// If it is not nil, and the Set has lanesMax: the lanes of the rows' maxima, which take in the columns in ascending order.
	maxima *lanes
}

// gridMost is about the most multiply-adds of a call of assembly: it takes some 40 microseconds.
const gridMost = 2 << 20

// runGrid computes a grid. q is a tile to use.
func (s *Set) runGrid(q *tile, g *grid) {
	if s.grid != nil && s.grid(g) {
		return
	}
	if g.grow == 0 {
		s.gridTiles(q, g, 0, g.rows, 0, g.k)
		return
	}
	// A tile runs over what all its rows take, and then each row goes on alone.
	h, high, _ := s.split(g.rows)
	for i, n := 0, 0; i < g.rows; i += n {
		n = h
		if i < high*(h+1) {
			n++
		}
		k := g.k + i
		s.gridTiles(q, g, i, n, 0, k)
		for j := 1; j < n; j++ {
			s.gridTiles(q, g, i+j, 1, k, j)
		}
	}
	if g.scale != nil {
		for i := range g.rows {
			row := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(g.c), uintptr(i)*g.ldc)), g.panels*panelWidth)
			s.rows.scale(row, row, *g.scaleOf(i))
		}
	}
}

// scaleOf returns where the scale of row i is.
func (g *grid) scaleOf(i int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(g.scale), uintptr(i)*g.scales))
}

// gridTiles computes k steps from step l on of n rows from row i on, by tiles. Where l is not 0 they go on from what there is;
// where rows grow they are not scaled yet.
func (s *Set) gridTiles(q *tile, g *grid, i, n, l, k int) {
	h, high, low := s.split(n)
	for p := 0; p < g.panels; {
		w := s.width(h, high, g.panels-p)
		*q = tile{
			c: (*float32)(unsafe.Add(unsafe.Pointer(g.c), uintptr(i)*g.ldc+uintptr(p)*panelWidth*4)), ldc: g.ldc,
			a: (*float32)(unsafe.Add(unsafe.Pointer(g.a), uintptr(i)*g.lda+uintptr(l)*4)), lda: g.lda,
			b:     (*float32)(unsafe.Add(unsafe.Pointer(g.b), uintptr(p)*g.panel+uintptr(l)*panelWidth*4)),
			panel: g.panel, k: k,
		}
		if l > 0 {
			q.flags, q.sum, q.lds = tileLoad, q.c, q.ldc
		}
		switch {
		case g.scale == nil || g.grow > 0:
		case g.scales == 0:
			q.flags, q.scale = q.flags|tileScale, *g.scale
		default:
			q.flags, q.rowScale = q.flags|tileRowScale, g.scaleOf(i)
		}
		s.askOn(q, high+low, w)
		s.run(q, h, high, low, w)
		p += 1 << w
	}
}
