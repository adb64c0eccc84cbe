package kernels

import (
	"fmt"
	"unsafe"
)

// A tile is the unit of a product: some rows of C by one, two, four or eight panels of columns, whose chains of fused
// multiply-adds run in registers. tile holds the arguments of a routine that computes a column of equal tiles, one below the
// other, or several columns side by side; the routines are the same for weights and for attention.
//
//	for each of count tiles, each of its rows i, each of its columns j:
//	    x = chain of fma(a[i][l], b[l][j], ·) from +0, or if tileLoad from sum[i][j], over l = 0..k-1
//	    if tileAdd:      x = sum[i][j] + x
//	    if tileScale:    x = x * scale
//	    if tileRowScale: x = x * rowScale[i]
//	    if tileBias:     x = x + bias[j]
//	    if tileResidual: x = x + residual[i][j]
//	    c[i][j] = x
//
// It writes whole panels; an edge narrower than that is the caller's to divert. All strides are in bytes.
type tile struct {
	c        *float32
	ldc      uintptr
	sum      *float32 // of tileAdd or tileLoad; may be c
	lds      uintptr
	a        *float32
	lda      uintptr
	b        *float32 // row 0 of the first panel
	panel    uintptr  // from a panel to the next
	k        int
	rows     int // of a tile
	count    int
	flags    int
	bias     *float32
	residual *float32
	ldr      uintptr
	rowScale *float32
	scale    float32
	// next is where the panels begin that the next call will read: the tiles prefetch a line for each of their panels every four
	// steps of k, and then move next by step bytes. It is an address and no pointer: it may be beyond the end.
	next, step uintptr
	// across is how many columns of tiles are done, one beside the other; 0 is one. From a column to the next it is so many bytes of
	// b, c, sum, and of bias and residual, pointers that the routine moves. next becomes ahead, which moves as b does, and in the
	// last column after. Only the routines of a Set whose tiles.across is more than 1 know this.
	across                              int
	besideB, besideC, besideSum, beside uintptr
	ahead, after                        uintptr
	// below is how many tiles of one row less come below the count tiles of each column. If fetch is not 0, it is where a row of A
	// lies that will be read: the tiles from the fifth of a column on prefetch such a row each, ldf bytes from the last, and nothing
	// at next. The same routines know these.
	below      int
	fetch, ldf uintptr
}

// fetchRows has all tiles of a column but the first four prefetch rows of A, from row i of those at address a on. The four do
// the panel that is read next.
func (t *tile) fetchRows(a, lda uintptr, i int) {
	t.fetch, t.ldf, t.step = a+uintptr(i)*lda, lda, panelWidth*4
}

// sideBySide has a tile do columns of 2^w panels, one beside the other, after which what begins at after is read.
func (t *tile) sideBySide(columns, w, rows int, after uintptr) {
	t.across, t.after, t.beside = columns, after, panelWidth*4<<w
	t.besideB, t.besideSum, t.besideC = t.panel<<w, t.beside*uintptr(rows), t.beside*uintptr(rows)
	if t.c != t.sum {
		t.besideC = t.beside
	}
	t.ahead = uintptr(unsafe.Pointer(t.b)) + 2*t.besideB
}

// The flags of a tile.
const (
	tileAdd = 1 << iota
	tileScale
	tileRowScale
	tileBias
	tileResidual
	tileLoad // not together with tileAdd
)

// maxTileRows is the greatest height of a tile on any Set.
const maxTileRows = 6

// A tileTable has the tiles of a Set for panels of one Storage.
type tileTable struct {
	// tile[r][w] computes tiles of r rows by 2^w panels. Every r up to tileRows has at least w = 0.
	tile [maxTileRows + 1][4]func(*tile)
	// many[r][w], if it is not nil, is tile[r][w] for columns of more than three tiles: it does not prefetch its own panels, which the
	// tiles of the panels before have prefetched, and which all tiles but the first find near.
	many [maxTileRows + 1][3]func(*tile)
}

// tiles is the part of a Set that computes products.
type tiles struct {
	// tileRows is the greatest height of a tile.
	tileRows int
	// flat, if it is more than tileRows: an odd number of rows up to that is three low tiles, which are wide, and not two higher
	// ones. An even number is two equal ones, of which one call does several columns.
	flat int
	// across is the most columns of tiles that one call does. Fewer calls are less work between them, which is something where
	// a column is one or two tiles.
	across int
	tileTable
	// narrow, by Storage, are tiles that read panels of 16 bits and widen them in registers, or nil. Those of a Set are as wide as its
	// others.
	narrow [3]*tileTable
	// narrowRows is the most rows of which each tile of narrow widens a panel; with more it is widened once for all.
	narrowRows int
	// fetchRows says that the tiles know fetch, far that those that are not of many prefetch in every step the same row of what is at
	// next: as much as they read.
	fetchRows, far bool
	// inPlace says that the tiles read rows of A at any distance as fast.
	inPlace bool
	// grid computes a grid, or reports that the tiles should; nil: they do. It changes what it is given.
	grid func(*grid) bool
	// gridRows, if it is not 0, is a number of rows of which grid does multiples faster: by tiles of one height.
	gridRows int
	// lanesMax, if it is not nil, is rowMaxes for rows of at most 1024 elements, or of none, whose lanes are those of l already: then
	// grid takes the maxima of a product as its tiles store, where it has no fewer than maximaRows rows.
	lanesMax   func(max []float32, l []lanes, x []float32, ld, n, grow int)
	maximaRows int
	// packKeys transposes rows of d elements (stride ld) into panels of 16 rows: dst[p][i][j] = src[16p+j][i]; what stands
	// beyond the last row means nothing. dst is ⌈rows/16⌉·d·16 elements.
	packKeys func(dst, src []float32, ld, rows, d int)
	// packValues copies rows of d elements (stride ld) into panels of 16 columns: dst[p][i][j] = src[i][16p+j]; beyond
	// column d it writes zeros. dst is ⌈d/16⌉·rows·16 elements.
	packValues func(dst, src []float32, ld, rows, d int)
	// part copies rows of src, of which every other 16 elements are gate's and the others up's, to rows that lie ld elements apart.
	part func(gate, up, src []float32, ld, rows int)
	// packColumns transposes 16 rows of d numbers of 16 bits (stride ld) into a panel: dst[i][j] = src[j][i].
	packColumns func(dst, src []uint16, ld, d int)
}

// tilesGo are the routines in pure Go.
var tilesGo = tiles{
	tileRows: 4,
	tileTable: tileTable{tile: [maxTileRows + 1][4]func(*tile){
		1: {tileGo}, 2: {tileGo}, 3: {tileGo}, 4: {tileGo},
	}},
	packKeys:    packKeysGo,
	packValues:  packValuesGo,
	packColumns: packColumnsGo,
	part:        partGo,
}

// width returns log2 of how many panels, of those that are left, tiles of heights that split returned take at once.
func (s *tileTable) width(h, high, left int) int {
	if high > 0 {
		h++
	}
	w := len(s.tile[h]) - 1
	for w > 0 && (s.tile[h][w] == nil || 1<<w > left) {
		w--
	}
	return w
}

// split divides rows into tiles that are as even as they can be: high ones of h+1 rows, then low ones of h, so that no flat
// tile is left at the end, in which the latency of the multiply-add would show.
func (s *tiles) split(rows int) (h, high, low int) {
	n := (rows + s.tileRows - 1) / s.tileRows
	if s.tileRows < rows && rows <= s.flat && rows%2 == 1 {
		n = 3
	}
	h, high = rows/n, rows%n
	return h, high, n - high
}

// ask has count tiles of 2^w panels prefetch what begins at next. Where a tile prefetches a line in four steps for each of its
// panels, fewer than three would have to fetch more; what they read comes in order, and the processor sees that by itself.
func (s *tiles) ask(t *tile, next uintptr, count, w int) {
	t.next = uintptr(unsafe.Pointer(t.b))
	if count > 2 || s.far {
		t.next = next
	}
	if count > 2 {
		t.step = 4 * panelWidth * 4 << w / uintptr(count)
	}
}

// askOn is ask for the panels that lie behind those of t.
func (s *tiles) askOn(t *tile, count, w int) {
	s.ask(t, uintptr(unsafe.Pointer(t.b))+t.panel<<w, count, w)
}

// run computes 2^w panels of rows that split has divided. t has all but rows and count; run changes it.
func (s *tiles) run(t *tile, h, high, low, w int) { s.runStored(&s.tileTable, t, h, high, low, w) }

// runStored is run with the tiles of a table.
func (s *tiles) runStored(table *tileTable, t *tile, h, high, low, w int) {
	of := func(rows int) func(*tile) {
		if w < 3 && high+low > 3 && table.many[rows][w] != nil {
			return table.many[rows][w]
		}
		return table.tile[rows][w]
	}
	if high > 0 {
		t.rows, t.count = h+1, high
		if s.across > 1 {
			t.below = low
			of(h + 1)(t)
			return
		}
		of(h + 1)(t)
		n := uintptr(high * (h + 1))
		t.c = (*float32)(unsafe.Add(unsafe.Pointer(t.c), n*t.ldc))
		t.a = (*float32)(unsafe.Add(unsafe.Pointer(t.a), n*t.lda))
		if t.flags&(tileAdd|tileLoad) != 0 {
			t.sum = (*float32)(unsafe.Add(unsafe.Pointer(t.sum), n*t.lds))
		}
		if t.flags&tileResidual != 0 {
			t.residual = (*float32)(unsafe.Add(unsafe.Pointer(t.residual), n*t.ldr))
		}
		if t.flags&tileRowScale != 0 {
			t.rowScale = (*float32)(unsafe.Add(unsafe.Pointer(t.rowScale), n*4))
		}
	}
	t.rows, t.count = h, low
	of(h)(t)
}

// tileGo is the definition of a tile; it takes one panel.
func tileGo(t *tile) {
	b := unsafe.Slice(t.b, t.k*panelWidth)
	for i := range t.rows * t.count {
		at := func(p *float32, stride uintptr, n int) []float32 {
			return unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(p), uintptr(i)*stride)), n)
		}
		c := at(t.c, t.ldc, panelWidth)
		var x [panelWidth]float32
		if t.flags&tileLoad != 0 {
			copy(x[:], at(t.sum, t.lds, panelWidth))
		}
		for l, a := range at(t.a, t.lda, t.k) {
			for j, v := range b[l*panelWidth:][:panelWidth] {
				x[j] = fma(a, v, x[j])
			}
		}
		for j := range x {
			if t.flags&tileAdd != 0 {
				x[j] = at(t.sum, t.lds, panelWidth)[j] + x[j]
			}
			if t.flags&tileScale != 0 {
				x[j] = float32(x[j] * t.scale)
			}
			if t.flags&tileRowScale != 0 {
				x[j] = float32(x[j] * at(t.rowScale, 4, 1)[0])
			}
			if t.flags&tileBias != 0 {
				x[j] += unsafe.Slice(t.bias, panelWidth)[j]
			}
			if t.flags&tileResidual != 0 {
				x[j] += at(t.residual, t.ldr, panelWidth)[j]
			}
			c[j] = x[j]
		}
	}
}

func packKeysGo(dst, src []float32, ld, rows, d int) {
	for r := 0; r < rows; r += panelWidth {
		panel := dst[r*d:][:d*panelWidth]
		n := min(panelWidth, rows-r)
		for j := range n {
			for i, v := range src[(r+j)*ld:][:d] {
				panel[i*panelWidth+j] = v
			}
		}
	}
}

func packValuesGo(dst, src []float32, ld, rows, d int) {
	for c := 0; c < d; c += panelWidth {
		panel := dst[c*rows:][:rows*panelWidth]
		n := min(panelWidth, d-c)
		for i := range rows {
			clear(panel[i*panelWidth:][:panelWidth][copy(panel[i*panelWidth:][:n], src[i*ld+c:]):])
		}
	}
}

func partGo(gate, up, src []float32, ld, rows int) {
	n := len(src) / rows / 2
	for i := range rows {
		for j := 0; j < n; j += panelWidth { // arrays are copied without a call
			at := 2 * (i*n + j)
			*(*[panelWidth]float32)(gate[i*ld+j:]) = [panelWidth]float32(src[at:])
			*(*[panelWidth]float32)(up[i*ld+j:]) = [panelWidth]float32(src[at+panelWidth:])
		}
	}
}

func packColumnsGo(dst, src []uint16, ld, d int) {
	dst = dst[:d*panelWidth]
	for j := range panelWidth {
		for i, v := range src[j*ld:][:d] {
			dst[i*panelWidth+j] = v
		}
	}
}

// checkTiles compares the widest tiles of the least and the greatest heights with the definition.
func (s *tiles) checkTiles() error {
	const k, most = 5, 8 * panelWidth
	a, b, c := make([]float32, maxTileRows*k), make([]float32, k*most), make([]float32, maxTileRows*most)
	want := make([]float32, maxTileRows*panelWidth)
	for i := range a {
		a[i] = float32(i%7-3) * 0x1.5554p-1
	}
	for i := range b {
		b[i] = float32(i%11-5) * 0x1.234568p-2
	}
	for _, rows := range []int{1, 3, s.tileRows} {
		h, high, low := s.split(rows)
		w := s.width(h, high, 8)
		cols := panelWidth << w
		t := tile{c: &c[0], ldc: uintptr(cols) * 4, a: &a[0], lda: k * 4, b: &b[0], panel: k * panelWidth * 4, k: k}
		s.run(&t, h, high, low, w)
		for p := range 1 << w {
			tileGo(&tile{c: &want[0], ldc: panelWidth * 4, a: &a[0], lda: k * 4, b: &b[p*k*panelWidth], k: k, rows: rows, count: 1})
			for i := range rows * panelWidth {
				row, col := i/panelWidth, i%panelWidth+p*panelWidth
				if got := c[row*cols+col]; got != want[i] {
					return fmt.Errorf("tile of %d rows: element [%d][%d] is %v, want %v", rows, row, col, got, want[i])
				}
			}
		}
	}
	return nil
}
