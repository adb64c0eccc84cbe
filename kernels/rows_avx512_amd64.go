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
	s.expSum = func(dst, src []float32, max float32) float32 {
		if n := len(src); 0 < n && n <= piece {
			return expSumAVX512(nil, &dst[0], &src[0], n, max)
		}
		var l lanes
		sum := float32(0)
		for i := 0; i < len(src); i += piece {
			sum = expSumAVX512(&l, &dst[i], &src[i], min(piece, len(src)-i), max)
		}
		return sum
	}
	s.dot = func(a, b []float32) float32 {
		var l lanes
		sum := float32(0)
		for i := 0; i < len(a); i += piece {
			sum = dotAVX512(&l, &a[i], &b[i], min(piece, len(a)-i))
		}
		return sum
	}
	s.layerNorm = func(dst, src []float32, n int, gamma, beta []float32, eps float32) {
		var mean, r [normRows]float32
		for len(src) > 0 {
			rows := min(len(src)/n, normRows, max(1, normElements/n))
			for i := range rows {
				mean[i] = wholeSumAVX512(src[i*n:][:n]) / float32(n)
			}
			for i := range rows {
				r[i] = 1 / sqrt(wholeVarAVX512(src[i*n:][:n], mean[i])/float32(n)+eps)
			}
			for i := range rows {
				x, y := src[i*n:][:n], dst[i*n:][:n]
				for j := 0; j < n; j += piece {
					if beta == nil {
						normalizeScaleAVX512(&y[j], &x[j], &gamma[j], min(piece, n-j), mean[i], r[i])
					} else {
						normalizeAVX512(&y[j], &x[j], &gamma[j], &beta[j], min(piece, n-j), mean[i], r[i])
					}
				}
			}
			dst, src = dst[rows*n:], src[rows*n:]
		}
	}
}

// wholeSumAVX512 and wholeVarAVX512 are the routines of assembly on rows of any length.
func wholeSumAVX512(src []float32) float32 {
	if len(src) <= piece {
		return rowSumAVX512(nil, &src[0], len(src))
	}
	var l lanes
	sum := float32(0)
	for i := 0; i < len(src); i += piece {
		sum = rowSumAVX512(&l, &src[i], min(piece, len(src)-i))
	}
	return sum
}

func wholeVarAVX512(src []float32, mean float32) float32 {
	if len(src) <= piece {
		return rowVarAVX512(nil, &src[0], len(src), mean)
	}
	var l lanes
	sum := float32(0)
	for i := 0; i < len(src); i += piece {
		sum = rowVarAVX512(&l, &src[i], min(piece, len(src)-i), mean)
	}
	return sum
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
func rowSumAVX512(l *lanes, src *float32, n int) float32

//go:noescape
func rowVarAVX512(l *lanes, src *float32, n int, mean float32) float32

//go:noescape
func dotAVX512(l *lanes, a, b *float32, n int) float32

//go:noescape
func expSumAVX512(l *lanes, dst, src *float32, n int, max float32) float32

//go:noescape
func normalizeAVX512(dst, src, gamma, beta *float32, n int, mean, r float32)

//go:noescape
func normalizeScaleAVX512(dst, src, gamma *float32, n int, mean, r float32)
