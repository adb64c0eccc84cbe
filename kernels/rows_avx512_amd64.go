//go:build !purego

package kernels

// rowsAVX512 fills in the routines of rows_avx512_amd64.s.
func (s *Set) rowsAVX512() {
	s.act = [...]func(dst, src []float32){
		GELU: unary(geluAVX512), GELUTanh: unary(geluTanhAVX512), ReLU: unary(reluAVX512), SiLU: unary(siluAVX512),
		QuickGELU: unary(quickGELUAVX512), Tanh: unary(tanhAVX512), Sigmoid: unary(sigmoidAVX512),
	}
	s.add, s.mul, s.max = binary(addAVX512), binary(mulAVX512), binary(maxAVX512)
	s.scale, s.div, s.addScaled = scaled(scaleAVX512), scaled(divAVX512), scaled(addScaledAVX512)
	s.dequantize = func(dst []float32, src []int8, s float32) {
		for i := 0; i < len(dst); i += piece {
			dequantizeAVX512(&dst[i], &src[i], min(piece, len(dst)-i), s)
		}
	}
	s.rowMax = func(x []float32) float32 {
		if n := len(x); 0 < n && n <= piece {
			return rowMaxAVX512(nil, &x[0], n)
		}
		l, m := noLanes, noLanes[0]
		for i := 0; i < len(x); i += piece {
			m = rowMaxAVX512(&l, &x[i], min(piece, len(x)-i))
		}
		return m
	}
	s.dot = func(a, b []float32) float32 {
		var l lanes
		sum := float32(0)
		for i := 0; i < len(a); i += piece {
			sum = dotAVX512(&l, &a[i], &b[i], min(piece, len(a)-i))
		}
		return sum
	}
}

//go:noescape
func geluAVX512(dst, src *float32, n int)

//go:noescape
func geluTanhAVX512(dst, src *float32, n int)

//go:noescape
func reluAVX512(dst, src *float32, n int)

//go:noescape
func siluAVX512(dst, src *float32, n int)

//go:noescape
func quickGELUAVX512(dst, src *float32, n int)

//go:noescape
func tanhAVX512(dst, src *float32, n int)

//go:noescape
func sigmoidAVX512(dst, src *float32, n int)

//go:noescape
func addAVX512(dst, a, b *float32, n int)

//go:noescape
func mulAVX512(dst, a, b *float32, n int)

//go:noescape
func maxAVX512(dst, a, b *float32, n int)

//go:noescape
func scaleAVX512(dst, src *float32, n int, s float32)

//go:noescape
func divAVX512(dst, src *float32, n int, s float32)

//go:noescape
func addScaledAVX512(dst, src *float32, n int, s float32)

//go:noescape
func dequantizeAVX512(dst *float32, src *int8, n int, s float32)

//go:noescape
func rowMaxAVX512(l *lanes, src *float32, n int) float32

//go:noescape
func dotAVX512(l *lanes, a, b *float32, n int) float32
