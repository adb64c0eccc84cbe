//go:build !purego

package kernels

// tilesNEON puts the tiles of NEON into the Set.
func (s *Set) tilesNEON() {
	s.tiles = tiles{
		tileRows: 6,
		tileTable: tileTable{tile: [maxTileRows + 1][4]func(*tile){
			1: {tile1x1NEON, tile1x2NEON, tile1x4NEON},
			2: {tile2x1NEON, tile2x2NEON},
			3: {tile3x1NEON, tile3x2NEON},
			4: {tile4x1NEON},
			5: {tile5x1NEON},
			6: {tile6x1NEON},
		}},
		packKeys:    packKeysNEON,
		packValues:  packValuesNEON,
		packColumns: packColumnsNEON,
		part:        partGo,
	}
	s.probes = probes{fma: probeFMANEON, read: probeReadNEON}
}

func packKeysNEON(dst, src []float32, ld, rows, d int) {
	even := d &^ 3
	for r := 0; r < rows; r += panelWidth {
		panel := dst[r*d:][:d*panelWidth]
		n := min(panelWidth, rows-r)
		if even > 0 {
			for j := 0; j < n; j += 4 {
				packKeys4NEON(&panel[j], &src[(r+j)*ld], uintptr(ld)*4, min(4, n-j), even/4)
			}
		}
		for j := range n {
			for i := even; i < d; i++ {
				panel[i*panelWidth+j] = src[(r+j)*ld+i]
			}
		}
	}
}

func packValuesNEON(dst, src []float32, ld, rows, d int) {
	c := 0
	for ; c+panelWidth <= d; c += panelWidth {
		packValues16NEON(&dst[c*rows], &src[c], uintptr(ld)*4, rows)
	}
	if c < d {
		packValuesGo(dst[c*rows:], src[c:], ld, rows, d-c)
	}
}

func packColumnsNEON(dst, src []uint16, ld, d int) {
	even := d &^ 7
	if even > 0 {
		_, _ = dst[even*panelWidth-1], src[(panelWidth-1)*ld+even-1]
		packColumns8NEON(&dst[0], &src[0], uintptr(ld)*2, even/8)
		packColumns8NEON(&dst[8], &src[8*ld], uintptr(ld)*2, even/8)
	}
	if even < d {
		packColumnsGo(dst[even*panelWidth:], src[even:], ld, d-even)
	}
}

//go:noescape
func tile1x1NEON(t *tile)

//go:noescape
func tile2x1NEON(t *tile)

//go:noescape
func tile3x1NEON(t *tile)

//go:noescape
func tile4x1NEON(t *tile)

//go:noescape
func tile5x1NEON(t *tile)

//go:noescape
func tile6x1NEON(t *tile)

//go:noescape
func tile1x2NEON(t *tile)

//go:noescape
func tile2x2NEON(t *tile)

//go:noescape
func tile3x2NEON(t *tile)

//go:noescape
func tile1x4NEON(t *tile)

//go:noescape
func packKeys4NEON(dst, src *float32, ld uintptr, rows, d int)

//go:noescape
func packValues16NEON(dst, src *float32, ld uintptr, rows int)

//go:noescape
func packColumns8NEON(dst, src *uint16, ld uintptr, d int)

//go:noescape
func probeFMANEON(n int) int

//go:noescape
func probeReadNEON(p []float32)
