//go:build !purego

package kernels

import "github.com/godwit-ml/godwit/internal/cpu"

// streamTilesAVX2 puts the tiles of tile_streams_avx2_amd64.s into the Set.
func (s *Set) streamTilesAVX2() {
	s.streamTile[Float32] = streamTiles{
		1: {{4, streams1x4AVX2}, {6, streams1x6AVX2}},
		2: {{3, streams2x3AVX2}},
		3: {{2, streams3x2AVX2}},
	}
	s.streamTile[BFloat16] = streamTiles{
		1: {{4, streams1x4BFloat16AVX2}, {6, streams1x6BFloat16AVX2}},
		2: {{3, streams2x3BFloat16AVX2}},
		3: {{2, streams3x2BFloat16AVX2}},
	}
	if cpu.F16C {
		s.streamTile[Float16] = streamTiles{
			1: {{4, streams1x4Float16AVX2}, {6, streams1x6Float16AVX2}},
			2: {{3, streams2x3Float16AVX2}},
			3: {{2, streams3x2Float16AVX2}},
		}
	}
}

//go:noescape
func streams1x4AVX2(t *tile)

//go:noescape
func streams1x6AVX2(t *tile)

//go:noescape
func streams2x3AVX2(t *tile)

//go:noescape
func streams3x2AVX2(t *tile)

//go:noescape
func streams1x4BFloat16AVX2(t *tile)

//go:noescape
func streams1x6BFloat16AVX2(t *tile)

//go:noescape
func streams2x3BFloat16AVX2(t *tile)

//go:noescape
func streams3x2BFloat16AVX2(t *tile)

//go:noescape
func streams1x4Float16AVX2(t *tile)

//go:noescape
func streams1x6Float16AVX2(t *tile)

//go:noescape
func streams2x3Float16AVX2(t *tile)

//go:noescape
func streams3x2Float16AVX2(t *tile)
