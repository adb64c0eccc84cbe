//go:build !purego

package kernels

// streamTilesAVX512 puts the tiles of tile_streams_avx512_amd64.s into the Set, over those of AVX2.
func (s *Set) streamTilesAVX512() {
	s.streamTile[Float32] = streamTiles{
		1: {{4, streams1x4AVX512}, {6, streams1x6AVX512}},
		2: {{4, streams2x4AVX512}, {6, streams2x6AVX512}},
		3: {{4, streams3x4AVX512}, {6, streams3x6AVX512}},
		4: {{4, streams4x4AVX512}, {6, streams4x6AVX512}},
	}
	s.streamTile[BFloat16] = streamTiles{
		1: {{4, streams1x4BFloat16AVX512}, {6, streams1x6BFloat16AVX512}},
		2: {{4, streams2x4BFloat16AVX512}, {6, streams2x6BFloat16AVX512}},
		3: {{4, streams3x4BFloat16AVX512}, {6, streams3x6BFloat16AVX512}},
		4: {{4, streams4x4BFloat16AVX512}, {6, streams4x6BFloat16AVX512}},
	}
	s.streamTile[Float16] = streamTiles{
		1: {{4, streams1x4Float16AVX512}, {6, streams1x6Float16AVX512}},
		2: {{4, streams2x4Float16AVX512}, {6, streams2x6Float16AVX512}},
		3: {{4, streams3x4Float16AVX512}, {6, streams3x6Float16AVX512}},
		4: {{4, streams4x4Float16AVX512}, {6, streams4x6Float16AVX512}},
	}
}

//go:noescape
func streams1x4AVX512(t *tile)

//go:noescape
func streams1x6AVX512(t *tile)

//go:noescape
func streams2x4AVX512(t *tile)

//go:noescape
func streams2x6AVX512(t *tile)

//go:noescape
func streams3x4AVX512(t *tile)

//go:noescape
func streams3x6AVX512(t *tile)

//go:noescape
func streams4x4AVX512(t *tile)

//go:noescape
func streams4x6AVX512(t *tile)

//go:noescape
func streams1x4BFloat16AVX512(t *tile)

//go:noescape
func streams1x6BFloat16AVX512(t *tile)

//go:noescape
func streams2x4BFloat16AVX512(t *tile)

//go:noescape
func streams2x6BFloat16AVX512(t *tile)

//go:noescape
func streams3x4BFloat16AVX512(t *tile)

//go:noescape
func streams3x6BFloat16AVX512(t *tile)

//go:noescape
func streams4x4BFloat16AVX512(t *tile)

//go:noescape
func streams4x6BFloat16AVX512(t *tile)

//go:noescape
func streams1x4Float16AVX512(t *tile)

//go:noescape
func streams1x6Float16AVX512(t *tile)

//go:noescape
func streams2x4Float16AVX512(t *tile)

//go:noescape
func streams2x6Float16AVX512(t *tile)

//go:noescape
func streams3x4Float16AVX512(t *tile)

//go:noescape
func streams3x6Float16AVX512(t *tile)

//go:noescape
func streams4x4Float16AVX512(t *tile)

//go:noescape
func streams4x6Float16AVX512(t *tile)
