//go:build !purego

package kernels

import "github.com/godwit-ml/godwit/internal/cpu"

// rowTilesAVX2 puts the tiles of tile_row_avx2_amd64.s into the Set.
func (s *Set) rowTilesAVX2() {
	s.rowTile[Float32] = rowTiles{rowTile4AVX2, rowTile6AVX2}
	s.rowTile[BFloat16] = rowTiles{rowTile4BFloat16AVX2, rowTile6BFloat16AVX2}
	if cpu.F16C {
		s.rowTile[Float16] = rowTiles{rowTile4Float16AVX2, rowTile6Float16AVX2}
	}
}

//go:noescape
func rowTile4AVX2(t *tile)

//go:noescape
func rowTile6AVX2(t *tile)

//go:noescape
func rowTile4BFloat16AVX2(t *tile)

//go:noescape
func rowTile6BFloat16AVX2(t *tile)

//go:noescape
func rowTile4Float16AVX2(t *tile)

//go:noescape
func rowTile6Float16AVX2(t *tile)
