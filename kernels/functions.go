package kernels

import "math"

// This file defines the functions of one element. Assembly repeats each operation in the same order: every line of
// arithmetic here is one rounding. The polynomials come from testdata/minimax.py; docs/KERNELS.md states the errors.

// Constants of exp. magic + n, for an integer n of exp's range, has an ulp of 1: adding it rounds to an integer, and n + 127
// then stands in the low bits, where shifting by 23 makes it the exponent of 2^n.
const (
	expLow  = -0x1.5d589ep+6 // the least x with exp(x) normal: ln 2^-126 rounded up
	expHigh = 0x1.62e42ep+6  // the largest x with exp(x) finite
	log2e   = 0x1.715476p+0
	magic   = 0x1.8p23 + 127
	ln2Hi   = 0x1.62e43p-1
	ln2Lo   = -0x1.05c61p-29 // ln2 - ln2Hi

	exp2 = 0x1.fffffcp-2 // e^r = 1 + r + r²·(exp2 + r·exp3 + ... + r⁴·exp6) for |r| ≤ ln2/2
	exp3 = 0x1.555492p-3
	exp4 = 0x1.5558f2p-5
	exp5 = 0x1.1239e2p-7
	exp6 = 0x1.6a2438p-10
)

// reduce splits x = n·ln2 + r with |r| ≤ ln2/2 (almost), and returns r, p with e^r = 1 + r + r²·p, and magic + n.
func reduce(x float32) (r, p, t float32) {
	t = fma(x, log2e, magic)
	n := t - magic
	r = fma(n, -ln2Hi, x)
	r = fma(n, -ln2Lo, r)
	p = fma(exp6, r, exp5)
	p = fma(p, r, exp4)
	p = fma(p, r, exp3)
	p = fma(p, r, exp2)
	return r, p, t
}

// exp returns e^x; +0 below expLow, +Inf above expHigh.
func exp(x float32) float32 {
	switch {
	case x < expLow:
		return 0
	case x > expHigh:
		return float32(math.Inf(1))
	case x != x:
		return x
	}
	r, p, t := reduce(x)
	p = fma(p, r, 1)
	p = fma(p, r, 1)
	return math.Float32frombits(math.Float32bits(p) + (math.Float32bits(t)-math.Float32bits(magic))<<23) // p·2^n
}

// sigmoid returns 1/(1+e^-x), from exp of a number that is not positive.
func sigmoid(x float32) float32 {
	e := exp(-abs(x))
	if x < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// tanh returns tanh(x) = (1 - e^-2|x|) / (1 + e^-2|x|) with the sign of x, from exp's polynomial without its leading 1,
// so that nothing cancels where x is small.
func tanh(x float32) float32 {
	r, p, t := reduce(greater(-32, -2*abs(x)))
	p *= r
	p = fma(p, r, r)                                     // e^r - 1
	s := math.Float32frombits(math.Float32bits(t) << 23) // 2^n
	m := fma(s, p, s-1)                                  // e^-2|x| - 1
	return copysign((0-m)/(m+2), x)
}

// Constants of erf.
const (
	erfEnd   = 5.5 // erf(x/√2) rounds to 1 from here on
	erfScale = float32(2 / (5.5 * 5.5))
)

// erfPoly is p with erf(x/√2) = x·p(u), u = 2x²/5.5² - 1 in [-1, 1], from the constant up. In x² itself the same polynomial
// would have large coefficients of alternating signs, and lose half the digits.
var erfPoly = [16]float32{
	0x1.07463cp-2, -0x1.06d992p-3, 0x1.871112p-4, -0x1.3dca62p-4,
	0x1.06b814p-4, -0x1.aac5d4p-5, 0x1.4da8f8p-5, -0x1.eb8356p-6,
	0x1.4f195ap-6, -0x1.becf8cp-7, 0x1.2f0caep-7, -0x1.3d73d4p-8,
	0x1.7881ecp-10, -0x1.140d5p-10, 0x1.4b73ccp-10, -0x1.f17e68p-12,
}

// erf2 returns erf(x/√2).
func erf2(x float32) float32 {
	x = lesser(erfEnd, greater(-erfEnd, x))
	u := fma(x*x, erfScale, -1)
	p := erfPoly[15]
	for i := 14; i >= 0; i-- {
		p = fma(p, u, erfPoly[i])
	}
	return x * p
}

// gelu returns x/2·(1+erf(x/√2)).
func gelu(x float32) float32 {
	h := 0.5 * x
	return fma(h, erf2(x), h)
}

// Constants of geluTanh: 2·√(2/π), and that times 0.044715.
const (
	geluTanh1 = 0x1.988454p+0
	geluTanh3 = 0x1.2444f2p-4
)

// geluTanh returns x/2·(1+tanh(v)) = x·sigmoid(2v), where v = √(2/π)·(x+0.044715x³).
func geluTanh(x float32) float32 {
	k := fma(x*x, geluTanh3, geluTanh1)
	return x * sigmoid(x*k)
}

// silu returns x·sigmoid(x).
func silu(x float32) float32 { return x * sigmoid(x) }

// quickGELU returns x·sigmoid(1.702x).
func quickGELU(x float32) float32 { return x * sigmoid(1.702*x) }

// relu returns x, or 0 if 0 > x.
func relu(x float32) float32 { return greater(0, x) }

// greater returns a > b ? a : b: b if either is NaN. It is what VMAXPS computes.
func greater(a, b float32) float32 {
	if a > b {
		return a
	}
	return b
}

// lesser returns a < b ? a : b.
func lesser(a, b float32) float32 {
	if a < b {
		return a
	}
	return b
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

func copysign(x, sign float32) float32 {
	return math.Float32frombits(math.Float32bits(x)&^(1<<31) | math.Float32bits(sign)&(1<<31))
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
