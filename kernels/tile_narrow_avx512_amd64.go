//go:build !purego

package kernels

import (
	"math"

	"github.com/godwit-ml/godwit/internal/cpu"
)

// narrowTilesAVX512 puts the tiles of tile_narrow_avx512_amd64.s into the Set. On Zen 4 any number of rows gains by them: two
// multiply-adds in three of its places leave room for what widens. On Intel's processors, by the public tables, that takes one of the
// two ports of multiply-adds; they have not been timed.
func (s *Set) narrowTilesAVX512() {
	s.narrowRows = 32
	if cpu.Vendor() == "AMD" {
		s.narrowRows = math.MaxInt
	}
	s.narrow[BFloat16] = &tileTable{
		tile: [maxTileRows + 1][4]func(*tile){
			1: {narrow1x1BFloat16AVX512, narrow1x2BFloat16AVX512, narrow1x4BFloat16AVX512},
			2: {narrow2x1BFloat16AVX512, narrow2x2BFloat16AVX512, narrow2x4BFloat16AVX512},
			3: {narrow3x1BFloat16AVX512, narrow3x2BFloat16AVX512, narrow3x4BFloat16AVX512},
			4: {narrow4x1BFloat16AVX512, narrow4x2BFloat16AVX512, narrow4x4BFloat16AVX512},
			5: {narrow5x1BFloat16AVX512, narrow5x2BFloat16AVX512, narrow5x4BFloat16AVX512},
			6: {narrow6x1BFloat16AVX512, narrow6x2BFloat16AVX512, narrow6x4BFloat16AVX512},
		},
		many: [maxTileRows + 1][3]func(*tile){
			4: {2: narrow4x4ManyBFloat16AVX512},
			5: {2: narrow5x4ManyBFloat16AVX512},
			6: {2: narrow6x4ManyBFloat16AVX512},
		},
	}
	s.narrow[Float16] = &tileTable{
		tile: [maxTileRows + 1][4]func(*tile){
			1: {narrow1x1Float16AVX512, narrow1x2Float16AVX512, narrow1x4Float16AVX512},
			2: {narrow2x1Float16AVX512, narrow2x2Float16AVX512, narrow2x4Float16AVX512},
			3: {narrow3x1Float16AVX512, narrow3x2Float16AVX512, narrow3x4Float16AVX512},
			4: {narrow4x1Float16AVX512, narrow4x2Float16AVX512, narrow4x4Float16AVX512},
			5: {narrow5x1Float16AVX512, narrow5x2Float16AVX512, narrow5x4Float16AVX512},
			6: {narrow6x1Float16AVX512, narrow6x2Float16AVX512, narrow6x4Float16AVX512},
		},
		many: [maxTileRows + 1][3]func(*tile){
			4: {2: narrow4x4ManyFloat16AVX512},
			5: {2: narrow5x4ManyFloat16AVX512},
			6: {2: narrow6x4ManyFloat16AVX512},
		},
	}
}

//go:noescape
func narrow1x1BFloat16AVX512(t *tile)

//go:noescape
func narrow1x2BFloat16AVX512(t *tile)

//go:noescape
func narrow1x4BFloat16AVX512(t *tile)

//go:noescape
func narrow2x1BFloat16AVX512(t *tile)

//go:noescape
func narrow2x2BFloat16AVX512(t *tile)

//go:noescape
func narrow2x4BFloat16AVX512(t *tile)

//go:noescape
func narrow3x1BFloat16AVX512(t *tile)

//go:noescape
func narrow3x2BFloat16AVX512(t *tile)

//go:noescape
func narrow3x4BFloat16AVX512(t *tile)

//go:noescape
func narrow4x1BFloat16AVX512(t *tile)

//go:noescape
func narrow4x2BFloat16AVX512(t *tile)

//go:noescape
func narrow4x4BFloat16AVX512(t *tile)

//go:noescape
func narrow5x1BFloat16AVX512(t *tile)

//go:noescape
func narrow5x2BFloat16AVX512(t *tile)

//go:noescape
func narrow5x4BFloat16AVX512(t *tile)

//go:noescape
func narrow6x1BFloat16AVX512(t *tile)

//go:noescape
func narrow6x2BFloat16AVX512(t *tile)

//go:noescape
func narrow6x4BFloat16AVX512(t *tile)

//go:noescape
func narrow4x4ManyBFloat16AVX512(t *tile)

//go:noescape
func narrow5x4ManyBFloat16AVX512(t *tile)

//go:noescape
func narrow6x4ManyBFloat16AVX512(t *tile)

//go:noescape
func narrow1x1Float16AVX512(t *tile)

//go:noescape
func narrow1x2Float16AVX512(t *tile)

//go:noescape
func narrow1x4Float16AVX512(t *tile)

//go:noescape
func narrow2x1Float16AVX512(t *tile)

//go:noescape
func narrow2x2Float16AVX512(t *tile)

//go:noescape
func narrow2x4Float16AVX512(t *tile)

//go:noescape
func narrow3x1Float16AVX512(t *tile)

//go:noescape
func narrow3x2Float16AVX512(t *tile)

//go:noescape
func narrow3x4Float16AVX512(t *tile)

//go:noescape
func narrow4x1Float16AVX512(t *tile)

//go:noescape
func narrow4x2Float16AVX512(t *tile)

//go:noescape
func narrow4x4Float16AVX512(t *tile)

//go:noescape
func narrow5x1Float16AVX512(t *tile)

//go:noescape
func narrow5x2Float16AVX512(t *tile)

//go:noescape
func narrow5x4Float16AVX512(t *tile)

//go:noescape
func narrow6x1Float16AVX512(t *tile)

//go:noescape
func narrow6x2Float16AVX512(t *tile)

//go:noescape
func narrow6x4Float16AVX512(t *tile)

//go:noescape
func narrow4x4ManyFloat16AVX512(t *tile)

//go:noescape
func narrow5x4ManyFloat16AVX512(t *tile)

//go:noescape
func narrow6x4ManyFloat16AVX512(t *tile)
