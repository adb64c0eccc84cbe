//go:build !purego

package kernels

import "math"

// rowsNEON fills in the routines of rows_neon_arm64.s.
func (s *Set) rowsNEON() {
	s.act = [...]func(dst, src []float32){
		GELU: unary(geluNEON), GELUTanh: unary(geluTanhNEON), ReLU: unary(reluNEON), SiLU: unary(siluNEON),
		QuickGELU: unary(quickGELUNEON), Tanh: unary(tanhNEON), Sigmoid: unary(sigmoidNEON),
	}
	s.add, s.mul, s.max = binary(addNEON), binary(mulNEON), binary(maxNEON)
	s.scale, s.div, s.addScaled = scaled(scaleNEON), scaled(divNEON), scaled(addScaledNEON)
	s.dequantize = func(dst []float32, src []int8, s float32) {
		whole := len(dst) &^ 15
		for i := 0; i < whole; i += piece {
			dequantizeNEON(&dst[i], &src[i], min(piece, whole-i), s)
		}
		rowsGo.dequantize(dst[whole:], src[whole:], s)
	}
	s.widenBFloat16 = widen(widenBFloat16NEON, rowsGo.widenBFloat16)
	s.widenFloat16 = widen(widenFloat16NEON, rowsGo.widenFloat16)
	s.rowMax = func(x []float32) float32 {
		if n := len(x); 0 < n && n <= piece {
			return rowMaxNEON(nil, &x[0], n)
		}
		l, m := noLanes, noLanes[0]
		for i := 0; i < len(x); i += piece {
			m = rowMaxNEON(&l, &x[i], min(piece, len(x)-i))
		}
		return m
	}
	s.above = func(x []float32, t float32) int {
		whole := len(x) &^ 15
		for i := 0; i < whole; i += piece {
			n := min(piece, whole-i)
			if at := aboveNEON(&x[i], n, t); at < n {
				return i + at + aboveGo(x[i+at:][:16], t)
			}
		}
		return whole + aboveGo(x[whole:], t)
	}
	s.expSum = func(dst, src []float32, max float32) float32 {
		if n := len(src); 0 < n && n <= piece {
			return expSumNEON(nil, &dst[0], &src[0], n, max)
		}
		var l lanes
		sum := float32(0)
		for i := 0; i < len(src); i += piece {
			sum = expSumNEON(&l, &dst[i], &src[i], min(piece, len(src)-i), max)
		}
		return sum
	}
	s.folds = func(dst []float32, ldd int, src []float32, lds, n int, factors, scale []float32) {
		for i := range scale {
			row := dst[i*ldd:][:n]
			s.scale(row, row, factors[2*i])
			s.addScaled(row, src[i*lds:][:n], factors[2*i+1])
			s.scale(row, row, scale[i])
		}
	}
	s.rowMaxes, s.expSums = rowMaxesOf(s.rowMax), expSumsOf(s.expSum)
	s.dot = func(a, b []float32) float32 {
		if n := len(a); 0 < n && n <= piece {
			return dotNEON(nil, &a[0], &b[0], n)
		}
		var l lanes
		sum := float32(0)
		for i := 0; i < len(a); i += piece {
			sum = dotNEON(&l, &a[i], &b[i], min(piece, len(a)-i))
		}
		return sum
	}
	s.scaleRows = func(x, by []float32, n int) {
		for i, v := range by {
			s.scale(x[i*n:][:n], x[i*n:][:n], v)
		}
	}
	s.norm = normNEON
	s.rotate = func(x []float32, lda, n, headDim int, at []int32, p *RoPE) {
		heads, half, f := n/headDim, p.Dim/2, rotateHalvesNEON
		if p.Interleaved {
			f = rotatePairsNEON
		}
		for i := 0; i < len(at) && heads > 0; i++ {
			c := int(at[i]) * half
			f(&x[i*lda], heads, headDim, &p.Cos[c], &p.Sin[c], half)
		}
	}
}

// normNEON is [rows.norm], a row at a time, which stays in the first-level cache.
func normNEON(dst, x, r []float32, p *Norm) {
	n := len(p.Gamma)
	base := float32(math.Copysign(0, -1)) // adding it changes nothing
	if p.OnePlus {
		base = 1
	}
	for i := 0; i < len(x); i += n {
		x, y := x[i:i+n], dst[i:i+n]
		if r != nil {
			for j := 0; j < n; j += piece {
				addNEON(&x[j], &x[j], &r[i+j], min(piece, n-j))
			}
		}
		var l lanes
		sum, mean := float32(0), float32(0)
		if !p.RMS {
			for j := 0; j < n; j += piece {
				sum = rowSumNEON(&l, &x[j], min(piece, n-j))
			}
			mean = sum / float32(n)
			l = lanes{}
		}
		for j := 0; j < n; j += piece {
			sum = rowVarNEON(&l, &x[j], min(piece, n-j), mean)
		}
		scale := 1 / sqrt(sum/float32(n)+p.Eps)
		for j := 0; j < n; j += piece {
			if p.Beta == nil {
				normalizeScaleNEON(&y[j], &x[j], &p.Gamma[j], min(piece, n-j), mean, scale, base)
			} else {
				normalizeNEON(&y[j], &x[j], &p.Gamma[j], &p.Beta[j], min(piece, n-j), mean, scale, base)
			}
		}
	}
}

//go:noescape
func geluNEON(dst, src *float32, n int)

//go:noescape
func geluTanhNEON(dst, src *float32, n int)

//go:noescape
func reluNEON(dst, src *float32, n int)

//go:noescape
func siluNEON(dst, src *float32, n int)

//go:noescape
func quickGELUNEON(dst, src *float32, n int)

//go:noescape
func tanhNEON(dst, src *float32, n int)

//go:noescape
func sigmoidNEON(dst, src *float32, n int)

//go:noescape
func addNEON(dst, a, b *float32, n int)

//go:noescape
func mulNEON(dst, a, b *float32, n int)

//go:noescape
func maxNEON(dst, a, b *float32, n int)

//go:noescape
func scaleNEON(dst, src *float32, n int, s float32)

//go:noescape
func divNEON(dst, src *float32, n int, s float32)

//go:noescape
func addScaledNEON(dst, src *float32, n int, s float32)

//go:noescape
func dequantizeNEON(dst *float32, src *int8, n int, s float32)

//go:noescape
func rowMaxNEON(l *lanes, src *float32, n int) float32

//go:noescape
func rowSumNEON(l *lanes, src *float32, n int) float32

//go:noescape
func rowVarNEON(l *lanes, src *float32, n int, mean float32) float32

//go:noescape
func dotNEON(l *lanes, a, b *float32, n int) float32

//go:noescape
func expSumNEON(l *lanes, dst, src *float32, n int, max float32) float32

//go:noescape
func normalizeNEON(dst, src, gamma, beta *float32, n int, mean, r, base float32)

//go:noescape
func normalizeScaleNEON(dst, src, gamma *float32, n int, mean, r, base float32)

//go:noescape
func rotateHalvesNEON(x *float32, heads, headDim int, cos, sin *float32, half int)

//go:noescape
func rotatePairsNEON(x *float32, heads, headDim int, cos, sin *float32, half int)

//go:noescape
func aboveNEON(x *float32, n int, t float32) int

//go:noescape
func widenBFloat16NEON(dst *float32, src *uint16, n int)

//go:noescape
func widenFloat16NEON(dst *float32, src *uint16, n int)
