//go:build !purego

package kernels

// tilesAVX2 puts the tiles of AVX2 into the Set.
func (s *Set) tilesAVX2() {
	s.tiles = tiles{
		tileRows:  6,
		flat:      9,
		across:    8,
		fetchRows: true,
		tileTable: tileTable{
			tile: [maxTileRows + 1][4]func(*tile){
				1: {tile1x1AVX2, tile1x2AVX2, tile1x4AVX2},
				2: {tile2x1AVX2, tile2x2AVX2},
				3: {tile3x1AVX2, tile3x2AVX2},
				4: {tile4x1AVX2},
				5: {tile5x1AVX2},
				6: {tile6x1AVX2},
			},
			many: [maxTileRows + 1][3]func(*tile){4: {tile4x1ManyAVX2}, 5: {tile5x1ManyAVX2}, 6: {tile6x1ManyAVX2}},
		},
		grid:        gridAVX2,
		packKeys:    packKeysAVX2,
		packValues:  packValuesAVX2,
		packColumns: packColumnsAVX2,
		part:        partGo,
	}
	s.probes = probes{fma: probeFMAAVX2, read: probeReadAVX2}
}

// tilesAVX512 puts the tiles of AVX-512 into the Set, over those of AVX2.
func (s *Set) tilesAVX512() {
	s.tileRows, s.flat, s.grid = 6, 0, gridAVX512
	s.fetchRows, s.inPlace, s.far, s.part = false, true, true, partAVX512
	s.tile = [maxTileRows + 1][4]func(*tile){
		1: {tile1x1AVX512, tile1x2AVX512, tile1x4AVX512, tile1x8AVX512},
		2: {tile2x1AVX512, tile2x2AVX512, tile2x4AVX512},
		3: {tile3x1AVX512, tile3x2AVX512, tile3x4AVX512},
		4: {tile4x1AVX512, tile4x2AVX512, tile4x4AVX512},
		5: {tile5x1AVX512, tile5x2AVX512, tile5x4AVX512},
		6: {tile6x1AVX512, tile6x2AVX512, tile6x4AVX512},
	}
	s.many = [maxTileRows + 1][3]func(*tile){
		4: {2: tile4x4ManyAVX512},
		5: {2: tile5x4ManyAVX512},
		6: {2: tile6x4ManyAVX512},
	}
	s.probes = probes{fma: probeFMAAVX512, read: probeReadAVX512}
}

func packKeysAVX2(dst, src []float32, ld, rows, d int) {
	even := d &^ 7
	for r := 0; r < rows; r += panelWidth {
		panel := dst[r*d:][:d*panelWidth]
		if even > 0 {
			packKeys8AVX2(&panel[0], &src[r*ld], uintptr(ld)*4, min(8, rows-r), even/8)
			if r+8 < rows {
				packKeys8AVX2(&panel[8], &src[(r+8)*ld], uintptr(ld)*4, min(8, rows-r-8), even/8)
			}
		}
		for j := range min(panelWidth, rows-r) {
			for i := even; i < d; i++ {
				panel[i*panelWidth+j] = src[(r+j)*ld+i]
			}
		}
	}
}

func packValuesAVX2(dst, src []float32, ld, rows, d int) {
	c := 0
	for ; c+panelWidth <= d; c += panelWidth {
		packValues16AVX2(&dst[c*rows], &src[c], uintptr(ld)*4, rows)
	}
	if c < d {
		packValuesGo(dst[c*rows:], src[c:], ld, rows, d-c)
	}
}

func partAVX512(gate, up, src []float32, ld, rows int) {
	n := len(src) / rows / 2
	_, _ = gate[(rows-1)*ld+n-1], up[(rows-1)*ld+n-1]
	part16AVX512(&gate[0], &up[0], &src[0], uintptr(ld)*4, rows, n/panelWidth)
}

func packColumnsAVX2(dst, src []uint16, ld, d int) {
	even := d &^ 7
	if even > 0 {
		_, _ = dst[even*panelWidth-1], src[(panelWidth-1)*ld+even-1]
		packColumns16AVX2(&dst[0], &src[0], uintptr(ld)*2, even/8)
	}
	if even < d {
		packColumnsGo(dst[even*panelWidth:], src[even:], ld, d-even)
	}
}

//go:noescape
func tile1x1AVX2(t *tile)

//go:noescape
func tile2x1AVX2(t *tile)

//go:noescape
func tile3x1AVX2(t *tile)

//go:noescape
func tile4x1AVX2(t *tile)

//go:noescape
func tile5x1AVX2(t *tile)

//go:noescape
func tile6x1AVX2(t *tile)

//go:noescape
func tile4x1ManyAVX2(t *tile)

//go:noescape
func tile5x1ManyAVX2(t *tile)

//go:noescape
func tile6x1ManyAVX2(t *tile)

//go:noescape
func tile1x2AVX2(t *tile)

//go:noescape
func tile2x2AVX2(t *tile)

//go:noescape
func tile3x2AVX2(t *tile)

//go:noescape
func tile1x4AVX2(t *tile)

//go:noescape
func packKeys8AVX2(dst, src *float32, ld uintptr, rows, d int)

//go:noescape
func packValues16AVX2(dst, src *float32, ld uintptr, rows int)

//go:noescape
func packColumns16AVX2(dst, src *uint16, ld uintptr, d int)

//go:noescape
func probeFMAAVX2(n int) int

//go:noescape
func probeFMAAVX512(n int) int

//go:noescape
func probeReadAVX2(p []float32)

//go:noescape
func probeReadAVX512(p []float32)

//go:noescape
func part16AVX512(gate, up, src *float32, ld uintptr, rows, panels int)

//go:noescape
func tile1x1AVX512(t *tile)

//go:noescape
func tile2x1AVX512(t *tile)

//go:noescape
func tile3x1AVX512(t *tile)

//go:noescape
func tile4x1AVX512(t *tile)

//go:noescape
func tile5x1AVX512(t *tile)

//go:noescape
func tile6x1AVX512(t *tile)

//go:noescape
func tile1x2AVX512(t *tile)

//go:noescape
func tile2x2AVX512(t *tile)

//go:noescape
func tile3x2AVX512(t *tile)

//go:noescape
func tile4x2AVX512(t *tile)

//go:noescape
func tile5x2AVX512(t *tile)

//go:noescape
func tile6x2AVX512(t *tile)

//go:noescape
func tile1x4AVX512(t *tile)

//go:noescape
func tile2x4AVX512(t *tile)

//go:noescape
func tile3x4AVX512(t *tile)

//go:noescape
func tile4x4AVX512(t *tile)

//go:noescape
func tile5x4AVX512(t *tile)

//go:noescape
func tile6x4AVX512(t *tile)

//go:noescape
func tile4x4ManyAVX512(t *tile)

//go:noescape
func tile5x4ManyAVX512(t *tile)

//go:noescape
func tile6x4ManyAVX512(t *tile)

//go:noescape
func tile1x8AVX512(t *tile)
