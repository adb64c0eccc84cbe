//go:build !purego

package kernels

// kvTilesAVX2 puts the routines of tile_kv_avx2_amd64.s, tile_kv_rows_avx2_amd64.s and prefetch_avx2_amd64.s into the Set, which has
// the tiles for weights.
func (s *Set) kvTilesAVX2() {
	s.kvTile = s.narrowTile[BFloat16]
	s.kvTile[1] = [3]func(*tile){kvTile1x1BFloat16AVX2, kvTile1x2BFloat16AVX2, kvTile1x4BFloat16AVX2}
	s.kvRows = [2]func(*kvRows){kvRowsAVX2, kvRowsBFloat16AVX2}
	s.prefetch = prefetchAVX2
}

//go:noescape
func kvRowsAVX2(t *kvRows)

//go:noescape
func kvRowsBFloat16AVX2(t *kvRows)

//go:noescape
func prefetchAVX2(at, stride uintptr, streams, lines int)

//go:noescape
func kvTile1x1BFloat16AVX2(t *tile)

//go:noescape
func kvTile1x2BFloat16AVX2(t *tile)

//go:noescape
func kvTile1x4BFloat16AVX2(t *tile)
