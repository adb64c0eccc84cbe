//go:build !purego

package kernels

import "unsafe"

// A gridLoop512 is a grid of tiles of equal height as the routines of AVX-512 take it; see gridLoop. A call changes it.
type gridLoop512 struct {
	c                                *float32
	ldc                              uintptr
	a                                *float32
	lda                              uintptr
	b                                *float32
	panel                            uintptr // from a panel of a tile to the next
	scale                            *float32
	scales                           uintptr
	maxima                           *float32 // 64 bytes for a row of a tile; nil: nobody wants them
	k, grow                          int
	inner, outer                     int
	left                             int // of inner
	inC, inA, inB, inScale, inMaxima uintptr
	outC, outA, outB                 uintptr // from the last tile of the inner loop to the first of the next
	outScale, outMaxima              uintptr
	next, step                       uintptr
	pieces                           int
	ld                               uintptr // ldc of the tile before: 0 until there is one
}

// lowest512 and highest512 are the rows of the lowest and the highest tile.
const lowest512, highest512 = 4, 7

// gridAVX512 leaves to the tiles what has fewer rows than the lowest tile of a grid.
func gridAVX512(g *grid) bool {
	if g.rows < lowest512 {
		return false
	}
	if g.scale == nil {
		g.scale, g.scales = &gridOne, 0
	}
	n := (g.rows + highest512 - 1) / highest512
	if g.rows%n > 0 && g.rows%6 == 0 { // tiles of one height
		n = g.rows / 6
	}
	h, more := g.rows/n, g.rows%n
	pairs := g.panels / 2
	for w := 2; w > 0; w-- { // pairs of panels, then what is left of them
		p := 2 * pairs * (2 - w)
		panels := (g.panels - p) / w
		if more > 0 {
			g.loop512(0, h+1, more, p, panels, w)
		}
		g.loop512(more*(h+1), h, n-more, p, panels, w)
	}
	return true
}

// loop512 computes count tiles of that many rows, from row i on, for so many groups of w panels from panel p on.
func (g *grid) loop512(i, rows, count, p, groups, w int) {
	k, n, wide := g.k+i*g.grow, uintptr(rows), uintptr(w)
	most := max(1, gridMost/(rows*count*panelWidth*w*(k+1)))
	for groups > 0 {
		some := min(most, groups)
		t := gridLoop512{
			c: (*float32)(unsafe.Add(unsafe.Pointer(g.c), uintptr(i)*g.ldc+uintptr(p)*panelWidth*4)), ldc: g.ldc,
			a: (*float32)(unsafe.Add(unsafe.Pointer(g.a), uintptr(i)*g.lda)), lda: g.lda,
			b: (*float32)(unsafe.Add(unsafe.Pointer(g.b), uintptr(p)*g.panel)), panel: g.panel,
			scale: g.scaleOf(i), scales: g.scales, k: k, grow: rows * g.grow,
			next: g.next, step: g.step, pieces: g.pieces, ld: 0,
		}
		// From a tile to the one below it, and to the one beside it.
		downC, downA, downScale, downMaxima := n*g.ldc, n*g.lda, n*g.scales, n*panelWidth*4
		besideC, besideB := wide*panelWidth*4, wide*g.panel
		if g.maxima != nil {
			t.maxima = (*float32)(unsafe.Add(unsafe.Pointer(g.maxima), i*panelWidth*4))
		} else {
			downMaxima = 0
		}
		if g.pieces <= 0 {
			t.next, t.step = uintptr(unsafe.Pointer(t.b)), 0
		}
		if above, before := uintptr(count-1), uintptr(some-1); g.grow == 0 && k <= gridBlock {
			t.inner, t.inC, t.inA, t.inScale, t.inMaxima = count, downC, downA, downScale, downMaxima
			t.outer, t.outC, t.outA, t.outB, t.outScale, t.outMaxima = some, besideC-above*downC, -above*downA, besideB,
				-above*downScale, -above*downMaxima
		} else {
			t.inner, t.inC, t.inB = some, besideC, besideB
			t.outer, t.outC, t.outA, t.outB, t.outScale, t.outMaxima = count, downC-before*besideC, downA, -before*besideB,
				downScale, downMaxima
		}
		t.left = t.inner
		t.run(rows, w)
		if g.pieces > 0 {
			g.next, g.pieces = t.next, t.pieces
		}
		p += some * w
		groups -= some
	}
}

// run computes tiles of that many rows by one or two panels.
func (t *gridLoop512) run(rows, panels int) {
	switch rows*2 + panels - 1 { // a table would have t escape
	case 4 * 2:
		grid4x1AVX512(t)
	case 4*2 + 1:
		grid4x2AVX512(t)
	case 5 * 2:
		grid5x1AVX512(t)
	case 5*2 + 1:
		grid5x2AVX512(t)
	case 6 * 2:
		grid6x1AVX512(t)
	case 6*2 + 1:
		grid6x2AVX512(t)
	case 7 * 2:
		grid7x1AVX512(t)
	case 7*2 + 1:
		grid7x2AVX512(t)
	}
}

//go:noescape
func grid4x1AVX512(t *gridLoop512)

//go:noescape
func grid5x1AVX512(t *gridLoop512)

//go:noescape
func grid6x1AVX512(t *gridLoop512)

//go:noescape
func grid7x1AVX512(t *gridLoop512)

//go:noescape
func grid4x2AVX512(t *gridLoop512)

//go:noescape
func grid5x2AVX512(t *gridLoop512)

//go:noescape
func grid6x2AVX512(t *gridLoop512)

//go:noescape
func grid7x2AVX512(t *gridLoop512)
