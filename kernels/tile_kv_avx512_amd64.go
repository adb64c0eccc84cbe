//go:build !purego

package kernels

// kvTilesAVX512 puts the routines of tile_kv_avx512_amd64.s and tile_kv_rows_avx512_amd64.s into the Set.
func (s *Set) kvTilesAVX512() {
	s.kvPanels = [2]*kvPanelTiles{
		KVFloat32: {
			one: [kvPanelRows + 1]func(*kvPanels){
				1: kvPanels1AVX512, 2: kvPanels2AVX512, 3: kvPanels3AVX512, 4: kvPanels4AVX512,
				5: kvPanels5AVX512, 6: kvPanels6AVX512, 7: kvPanels7AVX512, 8: kvPanels8AVX512,
			},
		},
		KVBFloat16: {
			one: [kvPanelRows + 1]func(*kvPanels){
				1: kvPanels1BFloat16AVX512, 2: kvPanels2BFloat16AVX512, 3: kvPanels3BFloat16AVX512, 4: kvPanels4BFloat16AVX512,
				5: kvPanels5BFloat16AVX512, 6: kvPanels6BFloat16AVX512, 7: kvPanels7BFloat16AVX512, 8: kvPanels8BFloat16AVX512,
			},
			four: [kvPanelRows + 1]func(*kvPanels){
				1: kvPanels1x4BFloat16AVX512, 2: kvPanels2x4BFloat16AVX512, 3: kvPanels3x4BFloat16AVX512,
			},
		},
	}
}

//go:noescape
func kvPanels1AVX512(t *kvPanels)

//go:noescape
func kvPanels2AVX512(t *kvPanels)

//go:noescape
func kvPanels3AVX512(t *kvPanels)

//go:noescape
func kvPanels4AVX512(t *kvPanels)

//go:noescape
func kvPanels5AVX512(t *kvPanels)

//go:noescape
func kvPanels6AVX512(t *kvPanels)

//go:noescape
func kvPanels7AVX512(t *kvPanels)

//go:noescape
func kvPanels8AVX512(t *kvPanels)

//go:noescape
func kvPanels1BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels2BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels3BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels4BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels5BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels6BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels7BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels8BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels1x4BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels2x4BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels3x4BFloat16AVX512(t *kvPanels)
