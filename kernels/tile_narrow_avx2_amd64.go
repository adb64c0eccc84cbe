//go:build !purego

package kernels

import "github.com/godwit-ml/godwit/internal/cpu"

// narrowTilesAVX2 puts the tiles for weights of tile_kv_avx2_amd64.s into the Set.
func (s *Set) narrowTilesAVX2() {
	s.narrowTile[BFloat16] = kvTiles{
		1: {narrowTile1x1BFloat16AVX2, narrowTile1x2BFloat16AVX2, narrowTile1x4BFloat16AVX2},
		2: {narrowTile2x1BFloat16AVX2, narrowTile2x2BFloat16AVX2},
		3: {narrowTile3x1BFloat16AVX2, narrowTile3x2BFloat16AVX2},
		4: {narrowTile4x1BFloat16AVX2},
		5: {narrowTile5x1BFloat16AVX2},
		6: {narrowTile6x1BFloat16AVX2},
	}
	if cpu.F16C {
		s.narrowTile[Float16] = kvTiles{
			1: {narrowTile1x1Float16AVX2, narrowTile1x2Float16AVX2, narrowTile1x4Float16AVX2},
			2: {narrowTile2x1Float16AVX2, narrowTile2x2Float16AVX2},
			3: {narrowTile3x1Float16AVX2, narrowTile3x2Float16AVX2},
			4: {narrowTile4x1Float16AVX2},
			5: {narrowTile5x1Float16AVX2},
			6: {narrowTile6x1Float16AVX2},
		}
	}
}

//go:noescape
func narrowTile1x1BFloat16AVX2(t *tile)

//go:noescape
func narrowTile2x1BFloat16AVX2(t *tile)

//go:noescape
func narrowTile3x1BFloat16AVX2(t *tile)

//go:noescape
func narrowTile4x1BFloat16AVX2(t *tile)

//go:noescape
func narrowTile5x1BFloat16AVX2(t *tile)

//go:noescape
func narrowTile6x1BFloat16AVX2(t *tile)

//go:noescape
func narrowTile1x2BFloat16AVX2(t *tile)

//go:noescape
func narrowTile2x2BFloat16AVX2(t *tile)

//go:noescape
func narrowTile3x2BFloat16AVX2(t *tile)

//go:noescape
func narrowTile1x4BFloat16AVX2(t *tile)

//go:noescape
func narrowTile1x1Float16AVX2(t *tile)

//go:noescape
func narrowTile2x1Float16AVX2(t *tile)

//go:noescape
func narrowTile3x1Float16AVX2(t *tile)

//go:noescape
func narrowTile4x1Float16AVX2(t *tile)

//go:noescape
func narrowTile5x1Float16AVX2(t *tile)

//go:noescape
func narrowTile6x1Float16AVX2(t *tile)

//go:noescape
func narrowTile1x2Float16AVX2(t *tile)

//go:noescape
func narrowTile2x2Float16AVX2(t *tile)

//go:noescape
func narrowTile3x2Float16AVX2(t *tile)

//go:noescape
func narrowTile1x4Float16AVX2(t *tile)
