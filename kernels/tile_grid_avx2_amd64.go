//go:build !purego

package kernels

import "unsafe"

// A gridLoop is a grid of tiles of equal height as the routines of AVX2 take it: two loops, one in the other, over tiles and
// panels. Which of them is the inner one the strides say, all in bytes. A call changes it.
//
//	for outer:
//	    for inner: a tile; a, b, c, scale move on by inA, ...
//	    a, b, c, scale move on by outA, ..., from where they were before the inner loop; k += grow
type gridLoop struct {
	c              *float32
	ldc            uintptr
	a              *float32
	lda            uintptr
	b              *float32
	scale          *float32
	scales         uintptr // from the scale of a row to that of the next
	k              int
	inner, outer   int
	inC, inA, inB  uintptr
	inScale        uintptr
	outC, outA     uintptr
	outB, outScale uintptr
	grow           int // if it is not 0, row i of a tile takes i steps more than k
	next, step     uintptr
	pieces         int // what is prefetched: two pieces of 256 bytes a tile
}

// gridBlock is up to how many steps of a panel stay in the first-level cache while tile after tile runs on them.
const gridBlock = 256

// gridOne is the scale of a grid without one.
var gridOne float32 = 1

// gridAVX2 leaves to the tiles what has too few rows for tiles of one panel.
func gridAVX2(g *grid) bool {
	if g.rows < 4 || 6 < g.rows && g.rows < 10 {
		return false
	}
	if g.scale == nil {
		g.scale, g.scales = &gridOne, 0
	}
	n := (g.rows + 5) / 6
	h, high := g.rows/n, g.rows%n
	if high > 0 {
		g.loop(0, h+1, high)
	}
	g.loop(high*(h+1), h, n-high)
	return true
}

// loop computes count tiles of that many rows, from row i on.
func (g *grid) loop(i, rows, count int) {
	k, n := g.k+i*g.grow, uintptr(rows)
	most := max(1, gridMost/(rows*count*panelWidth*(k+1)))
	for p := 0; p < g.panels; p += most {
		panels := min(most, g.panels-p)
		t := gridLoop{
			c: (*float32)(unsafe.Add(unsafe.Pointer(g.c), uintptr(i)*g.ldc+uintptr(p)*panelWidth*4)), ldc: g.ldc,
			a: (*float32)(unsafe.Add(unsafe.Pointer(g.a), uintptr(i)*g.lda)), lda: g.lda,
			b:     (*float32)(unsafe.Add(unsafe.Pointer(g.b), uintptr(p)*g.panel)),
			scale: g.scaleOf(i), scales: g.scales, k: k, grow: rows * g.grow,
			next: g.next, step: g.step, pieces: g.pieces,
		}
		if g.grow == 0 && k <= gridBlock {
			t.inner, t.inC, t.inA, t.inScale = count, n*g.ldc, n*g.lda, n*g.scales
			t.outer, t.outC, t.outB = panels, panelWidth*4, g.panel
		} else {
			t.inner, t.inC, t.inB = panels, panelWidth*4, g.panel
			t.outer, t.outC, t.outA, t.outScale = count, n*g.ldc, n*g.lda, n*g.scales
		}
		switch rows {
		case 4:
			grid4x1AVX2(&t)
		case 5:
			grid5x1AVX2(&t)
		case 6:
			grid6x1AVX2(&t)
		}
		g.next, g.pieces = t.next, t.pieces
	}
}

//go:noescape
func grid4x1AVX2(t *gridLoop)

//go:noescape
func grid5x1AVX2(t *gridLoop)

//go:noescape
func grid6x1AVX2(t *gridLoop)
