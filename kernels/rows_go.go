package kernels

import "math"

// rows is the part of a Set that works on rows: contiguous slices, of equal lengths where there are several. Where it says
// "in place", dst may be src, at the same address. No entry allocates or keeps its arguments.
type rows struct {
	// act computes dst = f(src) for each Activation but Identity, which has none. In place.
	act [Sigmoid + 1]func(dst, src []float32)
	// add, mul and max compute dst = a + b, a · b, a > b ? a : b. dst may be a or b.
	add, mul, max func(dst, a, b []float32)
	// scale computes dst = s · src. In place.
	scale func(dst, src []float32, s float32)
	// scaleRows multiplies row i of x, rows of n elements one after the other, by s[i].
	scaleRows func(x, s []float32, n int)
	// div computes dst = src / s. In place.
	div func(dst, src []float32, s float32)
	// addScaled computes dst = dst + s · src, both rounded.
	addScaled func(dst, src []float32, s float32)
	// folds computes, in rows of n elements, ldd and lds apart, dst = (dst · factors[2i] + src · factors[2i+1]) · scale[i], each
	// rounded.
	folds func(dst []float32, ldd int, src []float32, lds, n int, factors, scale []float32)
	// dequantize computes dst = s · float32(src).
	dequantize func(dst []float32, src []int8, s float32)
	// widenBFloat16 and widenFloat16 compute dst = src, exactly.
	widenBFloat16, widenFloat16 func(dst []float32, src []uint16)
	// rowMax returns the greatest of x over 16 lanes that begin at -Inf, lane = x > lane ? x : lane (which passes over
	// NaN), then the tree.
	rowMax func(x []float32) float32
	// above returns the index of the first of x that is greater than t, or len(x). NaN is not.
	above func(x []float32, t float32) int
	// expSum computes dst = exp(src - max), for max ≥ every src that is a number, and returns the sum over 16 lanes. In
	// place.
	expSum func(dst, src []float32, max float32) float32
	// rowMaxes and expSums do so for rows of n, n+grow, n+2·grow, ... elements, ld apart: max[i] = rowMax(row i), sum[i] =
	// expSum(row i, row i, max[i]).
	rowMaxes func(max, x []float32, ld, n, grow int)
	expSums  func(sum, max, x []float32, ld, n, grow int)
	// dot returns the sum of a · b over 16 lanes of fused multiply-adds.
	dot func(a, b []float32) float32
	// norm computes dst = the rows of x, of len(p.Gamma) elements each, one after the other, normalised; if r is not nil, it
	// adds r to x before. dst may be x or r.
	norm func(dst, x, r []float32, p *Norm)
	// rotate rotates the heads of rows of n elements, lda apart, in place: row i is at position at[i], which p has.
	rotate func(x []float32, lda, n, headDim int, at []int32, p *RoPE)
}

// lanes are the partial results of a row reduction: lane i has taken the elements i, i+16, i+32, ...
type lanes [16]float32

// noLanes are lanes that begin a maximum.
var noLanes = func() (l lanes) {
	for i := range l {
		l[i] = float32(math.Inf(-1))
	}
	return l
}()

// sum adds the lanes up as a tree: +8, +4, +2, +1.
func (l *lanes) sum() float32 {
	for w := 8; w > 0; w /= 2 {
		for i := range w {
			l[i] += l[i+w]
		}
	}
	return l[0]
}

// rowsGo are the routines in pure Go: the definitions.
var rowsGo = rows{
	act: [...]func(dst, src []float32){
		GELU: each(gelu), GELUTanh: each(geluTanh), ReLU: each(relu), SiLU: each(silu), QuickGELU: each(quickGELU),
		Tanh: each(tanh), Sigmoid: each(sigmoid),
	},
	add: func(dst, a, b []float32) {
		for i := range dst {
			dst[i] = a[i] + b[i]
		}
	},
	mul: func(dst, a, b []float32) {
		for i := range dst {
			dst[i] = a[i] * b[i]
		}
	},
	max: func(dst, a, b []float32) {
		for i := range dst {
			dst[i] = greater(a[i], b[i])
		}
	},
	scale: func(dst, src []float32, s float32) {
		for i := range dst {
			dst[i] = s * src[i]
		}
	},
	scaleRows: func(x, s []float32, n int) {
		for i, v := range s {
			for j := range n {
				x[i*n+j] *= v
			}
		}
	},
	div: func(dst, src []float32, s float32) {
		for i := range dst {
			dst[i] = src[i] / s
		}
	},
	addScaled: func(dst, src []float32, s float32) {
		for i := range dst {
			dst[i] += float32(s * src[i])
		}
	},
	folds: func(dst []float32, ldd int, src []float32, lds, n int, factors, scale []float32) {
		for i := range scale {
			d, s := dst[i*ldd:][:n], src[i*lds:][:n]
			for j := range d {
				d[j] = (float32(d[j]*factors[2*i]) + float32(s[j]*factors[2*i+1])) * scale[i]
			}
		}
	},
	dequantize: func(dst []float32, src []int8, s float32) {
		for i := range dst {
			dst[i] = s * float32(src[i])
		}
	},
	widenBFloat16: func(dst []float32, src []uint16) {
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(src[i]) << 16)
		}
	},
	widenFloat16: func(dst []float32, src []uint16) {
		for i := range dst {
			dst[i] = float16(src[i])
		}
	},
	rowMax:   rowMaxGo,
	above:    aboveGo,
	expSum:   expSumGo,
	rowMaxes: rowMaxesOf(rowMaxGo),
	expSums:  expSumsOf(expSumGo),
	dot:      dotGo,
	norm:     normGo,
	rotate:   rotateGo,
}

// each returns the routine that applies f to every element.
func each(f func(float32) float32) func(dst, src []float32) {
	return func(dst, src []float32) {
		for i := range dst {
			dst[i] = f(src[i])
		}
	}
}

// rowMaxesOf and expSumsOf make routines on several rows of those on one.
func rowMaxesOf(f func(x []float32) float32) func(max, x []float32, ld, n, grow int) {
	return func(max, x []float32, ld, n, grow int) {
		for i := range max {
			max[i] = f(x[i*ld:][:n+i*grow])
		}
	}
}

func expSumsOf(f func(dst, src []float32, max float32) float32) func(sum, max, x []float32, ld, n, grow int) {
	return func(sum, max, x []float32, ld, n, grow int) {
		for i := range sum {
			row := x[i*ld:][:n+i*grow]
			sum[i] = f(row, row, max[i])
		}
	}
}

// weigh turns scores into weights, in rows of n, n+grow, n+2·grow, ... elements, ld apart: max[i] = rowMax(row i), sum[i] =
// expSum(row i, row i, max[i]).
func (s *rows) weigh(sum, max, x []float32, ld, n, grow int) {
	s.rowMaxes(max, x, ld, n, grow)
	s.expSums(sum, max, x, ld, n, grow)
}

// float16 returns the value of an IEEE half: 1 sign bit, 5 exponent bits, 10 fraction bits. Moved to float32's places, the
// exponent wants 112 more: a product by 2^112, exact also where the half is subnormal.
func float16(h uint16) float32 {
	f := math.Float32frombits(uint32(h&0x7fff)<<13) * 0x1p112
	if h&0x7c00 == 0x7c00 {
		f = math.Float32frombits(0x7f800000 | uint32(h&0x3ff)<<13) // infinity or NaN
	}
	return math.Float32frombits(math.Float32bits(f) | uint32(h>>15)<<31)
}

func rowMaxGo(x []float32) float32 {
	var l lanes
	for i := range l {
		l[i] = float32(math.Inf(-1))
	}
	for i, v := range x {
		l[i%16] = greater(v, l[i%16])
	}
	for w := 8; w > 0; w /= 2 {
		for i := range w {
			l[i] = greater(l[i+w], l[i])
		}
	}
	return l[0]
}

func aboveGo(x []float32, t float32) int {
	for i, v := range x {
		if v > t {
			return i
		}
	}
	return len(x)
}

func expSumGo(dst, src []float32, max float32) float32 {
	var l lanes
	for i, v := range src {
		e := exp(v - max)
		dst[i] = e
		l[i%16] += e
	}
	return l.sum()
}

func dotGo(a, b []float32) float32 {
	var l lanes
	for i, v := range a {
		l[i%16] = fma(v, b[i], l[i%16])
	}
	return l.sum()
}

func normGo(dst, x, r []float32, p *Norm) {
	n := len(p.Gamma)
	for i := 0; i < len(x); i += n {
		x, y := x[i:i+n], dst[i:i+n]
		if r != nil {
			for j, v := range r[i : i+n] {
				x[j] += v
			}
		}
		var l lanes
		mean := float32(0)
		if !p.RMS {
			for j, v := range x {
				l[j%16] += v
			}
			mean = l.sum() / float32(n)
			l = lanes{}
		}
		for j, v := range x {
			d := v - mean
			l[j%16] = fma(d, d, l[j%16])
		}
		scale := 1 / sqrt(float32(l.sum()/float32(n))+p.Eps)
		for j, v := range x {
			d, g := float32(float32(v-mean)*scale), p.Gamma[j]
			if p.OnePlus {
				g = 1 + g
			}
			if p.Beta == nil {
				y[j] = d * g
			} else {
				y[j] = fma(d, g, p.Beta[j])
			}
		}
	}
}

func rotateGo(x []float32, lda, n, headDim int, at []int32, p *RoPE) {
	half := p.Dim / 2
	step, apart := 1, half // pairs are step·i and step·i+apart
	if p.Interleaved {
		step, apart = 2, 1
	}
	for i, pos := range at {
		cos, sin := p.Cos[int(pos)*half:][:half], p.Sin[int(pos)*half:][:half]
		for row := x[i*lda:][:n]; len(row) >= headDim; row = row[headDim:] {
			for j, c := range cos {
				a, b := row[step*j], row[step*j+apart]
				row[step*j] = fma(-b, sin[j], float32(a*c))
				row[step*j+apart] = fma(a, sin[j], float32(b*c))
			}
		}
	}
}
