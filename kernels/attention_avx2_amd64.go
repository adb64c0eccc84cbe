//go:build !purego

package kernels

// attentionAVX2 fills in the routines of exp_avx2_amd64.s.
func (s *Set) attentionAVX2() {
	s.weighBy(rowMaxesAVX2, expSumsAVX2)
	s.expSum = func(dst, src []float32, max float32) float32 {
		var l lanes
		sum := float32(0)
		for i := 0; i < len(src); i += piece {
			expSumsAVX2(&l, &dst[i], &src[i], 0, 1, min(piece, len(src)-i), 0, &max, &sum)
		}
		return sum
	}
	s.folds = folds(foldsAVX2)
}

// folds makes one of a routine of assembly, of which a call takes a piece.
func folds(f func(dst *float32, ldd uintptr, src *float32, lds uintptr, rows, n int, factors, scale *float32),
) func(dst []float32, ldd int, src []float32, lds, n int, factors, scale []float32) {
	return func(dst []float32, ldd int, src []float32, lds, n int, factors, scale []float32) {
		for i := 0; i < len(scale) && n > 0; {
			rows := min(max(1, piece/n), len(scale)-i)
			f(&dst[i*ldd], uintptr(ldd)*4, &src[i*lds], uintptr(lds)*4, rows, n, &factors[2*i], &scale[i])
			i += rows
		}
	}
}

// weighBy makes rowMaxes and expSums of two routines of assembly.
func (s *Set) weighBy(rowMaxes func(max, x *float32, ld uintptr, rows, n, grow int),
	expSums func(l *lanes, dst, src *float32, ld uintptr, rows, n, grow int, max, sum *float32)) {
	s.rowMaxes = func(max, x []float32, ld, n, grow int) {
		if len(max) > 0 && 0 < n && n+(len(max)-1)*grow <= piece {
			rowMaxes(&max[0], &x[0], uintptr(ld)*4, len(max), n, grow)
			return
		}
		rowMaxesOf(s.rowMax)(max, x, ld, n, grow)
	}
	s.expSums = func(sum, max, x []float32, ld, n, grow int) {
		if len(max) > 0 && 0 < n && n+(len(max)-1)*grow <= piece {
			expSums(nil, &x[0], &x[0], uintptr(ld)*4, len(max), n, grow, &max[0], &sum[0])
			return
		}
		expSumsOf(s.expSum)(sum, max, x, ld, n, grow)
	}
}

//go:noescape
func foldsAVX2(dst *float32, ldd uintptr, src *float32, lds uintptr, rows, n int, factors, scale *float32)

//go:noescape
func expSumsAVX2(l *lanes, dst, src *float32, ld uintptr, rows, n, grow int, max, sum *float32)

//go:noescape
func rowMaxesAVX2(max, x *float32, ld uintptr, rows, n, grow int)
