//go:build !purego

package kernels

// kvTilesAVX2 puts the tiles of tile_kv_avx2_amd64.s and tile_kv_rows_avx2_amd64.s into the Set.
func (s *Set) kvTilesAVX2() {
	s.kvTile[KVFloat32] = kvTiles{
		2: {kvTile2x1AVX2, kvTile2x2AVX2},
		3: {kvTile3x1AVX2, kvTile3x2AVX2},
		4: {kvTile4x1AVX2},
		5: {kvTile5x1AVX2},
		6: {kvTile6x1AVX2},
	}
	s.kvTile[KVBFloat16] = kvTiles{
		1: {kvTile1x1BFloat16AVX2, kvTile1x2BFloat16AVX2, kvTile1x4BFloat16AVX2},
		2: {kvTile2x1BFloat16AVX2, kvTile2x2BFloat16AVX2},
		3: {kvTile3x1BFloat16AVX2, kvTile3x2BFloat16AVX2},
		4: {kvTile4x1BFloat16AVX2},
		5: {kvTile5x1BFloat16AVX2},
		6: {kvTile6x1BFloat16AVX2},
	}
	s.kvRows = [2]func(*kvRows){kvRowsAVX2, kvRowsBFloat16AVX2}
}

//go:noescape
func kvRowsAVX2(t *kvRows)

//go:noescape
func kvRowsBFloat16AVX2(t *kvRows)

//go:noescape
func kvTile2x1AVX2(t *tile)

//go:noescape
func kvTile2x2AVX2(t *tile)

//go:noescape
func kvTile3x1AVX2(t *tile)

//go:noescape
func kvTile3x2AVX2(t *tile)

//go:noescape
func kvTile4x1AVX2(t *tile)

//go:noescape
func kvTile5x1AVX2(t *tile)

//go:noescape
func kvTile6x1AVX2(t *tile)

//go:noescape
func kvTile1x1BFloat16AVX2(t *tile)

//go:noescape
func kvTile1x2BFloat16AVX2(t *tile)

//go:noescape
func kvTile1x4BFloat16AVX2(t *tile)

//go:noescape
func kvTile2x1BFloat16AVX2(t *tile)

//go:noescape
func kvTile2x2BFloat16AVX2(t *tile)

//go:noescape
func kvTile3x1BFloat16AVX2(t *tile)

//go:noescape
func kvTile3x2BFloat16AVX2(t *tile)

//go:noescape
func kvTile4x1BFloat16AVX2(t *tile)

//go:noescape
func kvTile5x1BFloat16AVX2(t *tile)

//go:noescape
func kvTile6x1BFloat16AVX2(t *tile)
