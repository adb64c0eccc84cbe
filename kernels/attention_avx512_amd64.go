//go:build !purego

package kernels

// attentionAVX512 fills in the routines of attention_avx512_amd64.s.
func (s *Set) attentionAVX512() {
	s.weighBy(func(max, x *float32, ld uintptr, rows, n, grow int) {
		rowMaxesAVX512(max, &noLanes, 0, x, ld, rows, n, grow)
	}, expSumsAVX512)
	s.expSum = func(dst, src []float32, max float32) float32 {
		var l lanes
		sum := float32(0)
		for i := 0; i < len(src); i += piece {
			expSumsAVX512(&l, &dst[i], &src[i], 0, 1, min(piece, len(src)-i), 0, &max, &sum)
		}
		return sum
	}
	s.folds = folds(foldsAVX512)
	s.maximaRows, s.gridRows = lowest512, 6
	s.lanesMax = func(max []float32, l []lanes, x []float32, ld, n, grow int) {
		rowMaxesAVX512(&max[0], &l[0], panelWidth*4, &x[0], uintptr(ld)*4, len(max), n, grow)
	}
}

//go:noescape
func expSumsAVX512(l *lanes, dst, src *float32, ld uintptr, rows, n, grow int, max, sum *float32)

//go:noescape
func rowMaxesAVX512(max *float32, l *lanes, ldl uintptr, x *float32, ld uintptr, rows, n, grow int)

//go:noescape
func foldsAVX512(dst *float32, ldd uintptr, src *float32, lds uintptr, rows, n int, factors, scale *float32)
