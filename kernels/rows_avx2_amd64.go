//go:build !purego

package kernels

import "github.com/godwit-ml/godwit/internal/cpu"

// rowsAVX2 fills in the routines of rows_avx2_amd64.s.
func (s *Set) rowsAVX2() {
	s.act = [...]func(dst, src []float32){
		GELU: unary(geluAVX2), GELUTanh: unary(geluTanhAVX2), ReLU: unary(reluAVX2), SiLU: unary(siluAVX2),
		QuickGELU: unary(quickGELUAVX2), Tanh: unary(tanhAVX2), Sigmoid: unary(sigmoidAVX2),
	}
	s.add, s.mul, s.max = binary(addAVX2), binary(mulAVX2), binary(maxAVX2)
	s.scale, s.div, s.addScaled = scaled(scaleAVX2), scaled(divAVX2), scaled(addScaledAVX2)
	s.scaleRows = func(x, by []float32, n int) {
		for rows := max(1, piece/n); len(by) > 0; { // of one call
			rows = min(rows, len(by))
			for j := 0; j < n; j += piece {
				scaleRowsAVX2(&x[j], &by[0], rows, min(piece, n-j))
			}
			x, by = x[rows*n:], by[rows:]
		}
	}
	s.dequantize = func(dst []float32, src []int8, s float32) {
		whole := len(dst) &^ 31
		for i := 0; i < whole; i += piece {
			dequantizeAVX2(&dst[i], &src[i], min(piece, whole-i), s)
		}
		rowsGo.dequantize(dst[whole:], src[whole:], s)
	}
	s.widenBFloat16 = widen(widenBFloat16AVX2, rowsGo.widenBFloat16)
	if cpu.F16C {
		s.widenFloat16 = widen(widenFloat16AVX2, rowsGo.widenFloat16)
	}
	s.rowMax = func(x []float32) float32 {
		if n := len(x); 0 < n && n <= piece {
			return rowMaxAVX2(nil, &x[0], n)
		}
		l, m := noLanes, noLanes[0]
		for i := 0; i < len(x); i += piece {
			m = rowMaxAVX2(&l, &x[i], min(piece, len(x)-i))
		}
		return m
	}
	s.above = func(x []float32, t float32) int {
		whole := len(x) &^ 31
		for i := 0; i < whole; i += piece {
			n := min(piece, whole-i)
			if at := aboveAVX2(&x[i], n, t); at < n {
				return i + at
			}
		}
		return whole + aboveGo(x[whole:], t)
	}
	s.dot = func(a, b []float32) float32 {
		var l lanes
		sum := float32(0)
		for i := 0; i < len(a); i += piece {
			sum = dotAVX2(&l, &a[i], &b[i], min(piece, len(a)-i))
		}
		return sum
	}
	s.norm = normAVX2
	s.rotate = func(x []float32, lda, n, headDim int, at []int32, p *RoPE) {
		heads, f := n/headDim, rotateHalvesAVX2
		if p.Interleaved {
			f = rotatePairsAVX2
		}
		if heads == 0 {
			return
		}
		for rows := max(1, piece/n); len(at) > 0; { // of one call
			rows = min(rows, len(at))
			f(&x[0], uintptr(4*lda), rows, heads, headDim, &at[0], &p.Cos[0], &p.Sin[0], p.Dim/2)
			x, at = x[min(rows*lda, len(x)):], at[rows:]
		}
	}
}

//go:noescape
func geluAVX2(dst, src *float32, n int)

//go:noescape
func geluTanhAVX2(dst, src *float32, n int)

//go:noescape
func reluAVX2(dst, src *float32, n int)

//go:noescape
func siluAVX2(dst, src *float32, n int)

//go:noescape
func quickGELUAVX2(dst, src *float32, n int)

//go:noescape
func tanhAVX2(dst, src *float32, n int)

//go:noescape
func sigmoidAVX2(dst, src *float32, n int)

//go:noescape
func addAVX2(dst, a, b *float32, n int)

//go:noescape
func mulAVX2(dst, a, b *float32, n int)

//go:noescape
func maxAVX2(dst, a, b *float32, n int)

//go:noescape
func scaleAVX2(dst, src *float32, n int, s float32)

//go:noescape
func scaleRowsAVX2(x, s *float32, rows, n int)

//go:noescape
func divAVX2(dst, src *float32, n int, s float32)

//go:noescape
func addScaledAVX2(dst, src *float32, n int, s float32)

//go:noescape
func dequantizeAVX2(dst *float32, src *int8, n int, s float32)

//go:noescape
func rowMaxAVX2(l *lanes, src *float32, n int) float32

//go:noescape
func dotAVX2(l *lanes, a, b *float32, n int) float32

//go:noescape
func rotateHalvesAVX2(x *float32, lda uintptr, rows, heads, headDim int, at *int32, cos, sin *float32, half int)

//go:noescape
func rotatePairsAVX2(x *float32, lda uintptr, rows, heads, headDim int, at *int32, cos, sin *float32, half int)

//go:noescape
func aboveAVX2(x *float32, n int, t float32) int

//go:noescape
func widenBFloat16AVX2(dst *float32, src *uint16, n int)

//go:noescape
func widenFloat16AVX2(dst *float32, src *uint16, n int)
