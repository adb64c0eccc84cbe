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
			most: [kvPanelRows + 1]int{1: 4, 2: 2, 3: 2, 4: 2, 5: 2},
			heads: [kvHeads + 1][kvPanelRows + 1]func(*kvPanels){
				2: {
					1: kvPanels1of2AVX512, 2: kvPanels2of2AVX512, 3: kvPanels3of2AVX512,
					4: kvPanels4of2AVX512, 5: kvPanels5of2AVX512,
				},
				3: {
					1: kvPanels1of3AVX512, 2: kvPanels2of3AVX512, 3: kvPanels3of3AVX512,
				},
				4: {
					1: kvPanels1of4AVX512,
				},
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
			most: [kvPanelRows + 1]int{1: 4, 2: 4, 3: 3, 4: 4, 5: 3, 6: 2, 7: 2},
			heads: [kvHeads + 1][kvPanelRows + 1]func(*kvPanels){
				2: {
					1: kvPanels1of2BFloat16AVX512, 2: kvPanels2of2BFloat16AVX512, 3: kvPanels3of2BFloat16AVX512,
					4: kvPanels4of2BFloat16AVX512, 5: kvPanels5of2BFloat16AVX512, 6: kvPanels6of2BFloat16AVX512,
					7: kvPanels7of2BFloat16AVX512,
				},
				3: {
					1: kvPanels1of3BFloat16AVX512, 2: kvPanels2of3BFloat16AVX512, 3: kvPanels3of3BFloat16AVX512,
					4: kvPanels4of3BFloat16AVX512, 5: kvPanels5of3BFloat16AVX512,
				},
				4: {
					1: kvPanels1of4BFloat16AVX512, 2: kvPanels2of4BFloat16AVX512, 3: kvPanels3of4BFloat16AVX512,
					4: kvPanels4of4BFloat16AVX512,
				},
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
func kvPanels1of2AVX512(t *kvPanels)

//go:noescape
func kvPanels1of3AVX512(t *kvPanels)

//go:noescape
func kvPanels1of4AVX512(t *kvPanels)

//go:noescape
func kvPanels2of2AVX512(t *kvPanels)

//go:noescape
func kvPanels2of3AVX512(t *kvPanels)

//go:noescape
func kvPanels3of2AVX512(t *kvPanels)

//go:noescape
func kvPanels3of3AVX512(t *kvPanels)

//go:noescape
func kvPanels4of2AVX512(t *kvPanels)

//go:noescape
func kvPanels5of2AVX512(t *kvPanels)

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
func kvPanels1of2BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels1of3BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels1of4BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels2of2BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels2of3BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels2of4BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels3of2BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels3of3BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels3of4BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels4of2BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels4of3BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels4of4BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels5of2BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels5of3BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels6of2BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels7of2BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels1x4BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels2x4BFloat16AVX512(t *kvPanels)

//go:noescape
func kvPanels3x4BFloat16AVX512(t *kvPanels)
