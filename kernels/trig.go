package kernels

import "math"

// This file has the functions that tables are made of: RoPE's frequencies and angles, ALiBi's slopes. They are float64, and
// give the same bits on every architecture, which those of package math do not: nothing but products and sums, each rounded
// explicitly or fused explicitly (math.FMA is exact everywhere), of Taylor polynomials whose first term left out is below
// half an ulp.

// horner returns c[0] + x·(c[1] + x·(c[2] + ...)), a fused multiply-add each.
func horner(x float64, c []float64) float64 {
	p := c[len(c)-1]
	for i := len(c) - 2; i >= 0; i-- {
		p = math.FMA(p, x, c[i])
	}
	return p
}

// π/2 as a sum of three: the first two have 53 bits each.
const (
	halfPi1 float64 = 0x1.921fb54442d18p0
	halfPi2 float64 = 0x1.1a62633145c07p-54
	halfPi3 float64 = math.Pi/2 - 0x1.921fb54442d18p0 - 0x1.1a62633145c07p-54
)

var (
	sinPoly = []float64{-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800,
		-1.0 / 1307674368000, 1.0 / 355687428096000}
	cosPoly = []float64{-1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600,
		-1.0 / 87178291200, 1.0 / 20922789888000}
)

// SinCos returns the sine and the cosine of x with an error of at most 2 ulp for |x| ≤ 2^30, NaN beyond.
func SinCos(x float64) (sin, cos float64) {
	if !(math.Abs(x) <= 1<<30) {
		return math.NaN(), math.NaN()
	}
	n := math.RoundToEven(x * (2 / math.Pi))
	r := math.FMA(-n, halfPi1, x) // exactly: a multiple of the last place of both terms, and below 1
	r = math.FMA(-n, halfPi3, math.FMA(-n, halfPi2, r))
	s := r * r
	sin = math.FMA(float64(r*s), horner(s, sinPoly), r)
	cos = math.FMA(s, horner(s, cosPoly), 1)
	switch int(n) & 3 {
	case 1:
		return cos, -sin
	case 2:
		return -sin, -cos
	case 3:
		return -cos, sin
	}
	return sin, cos
}

// ln2 in two pieces: the product of the first, of 42 bits, and an exponent is exact.
const (
	ln2High float64 = 0x1.62e42fefa38p-1
	ln2Low  float64 = math.Ln2 - 0x1.62e42fefa38p-1
)

var (
	atanhPoly = []float64{1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21,
		1.0 / 23}
	expPoly = []float64{1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
		1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800, 1.0 / 87178291200}
)

// log returns ln x as a sum hi + lo, of some 60 bits, for a positive finite x.
func log(x float64) (hi, lo float64) {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	// ln m = 2·atanh(f), f = (m-1)/(m+1): a/b, and what that division and b's rounding left.
	a, b := m-1, m+1
	f := a / b
	left := math.FMA(-f, m-(b-1), math.FMA(-f, b, a)) / b
	s := f * f
	left = math.FMA(float64(f*s), horner(s, atanhPoly), left)
	n := float64(e)
	hi, lo = twoSum(float64(n*ln2High), 2*f)
	return twoSum(hi, lo+math.FMA(n, ln2Low, 2*left))
}

// twoSum returns a + b, rounded, and the rounding error, exactly.
func twoSum(a, b float64) (sum, err float64) {
	sum = a + b
	c := sum - a
	return sum, (a - (sum - c)) + (b - c)
}

// expOf returns e^(hi+lo), for a lo that is small beside hi.
func expOf(hi, lo float64) float64 {
	switch {
	case hi != hi || lo != lo:
		return math.NaN()
	case hi > 710:
		return math.Inf(1)
	case hi < -746:
		return 0
	}
	n := math.RoundToEven(hi * (1 / math.Ln2))
	r, left := twoSum(math.FMA(-n, ln2High, hi), math.FMA(-n, ln2Low, lo))
	p := math.FMA(float64(r*r), horner(r, expPoly), left)
	return math.Ldexp(1+(r+p), int(n))
}

// Log returns the natural logarithm of a positive finite x with an error of at most 1 ulp, and NaN of everything else.
func Log(x float64) float64 {
	if !(0 < x && x <= math.MaxFloat64) {
		return math.NaN()
	}
	hi, _ := log(x)
	return hi
}

// Exp returns e^x with an error of at most 1 ulp of a normal result.
func Exp(x float64) float64 { return expOf(x, 0) }

// Pow returns x^y with an error of at most 1 ulp of a normal result for a positive finite x and a finite y, and NaN for
// everything else.
func Pow(x, y float64) float64 {
	if !(0 < x && x <= math.MaxFloat64) || y-y != 0 {
		return math.NaN()
	}
	hi, lo := log(x)
	p := float64(y * hi)
	if p-p != 0 {
		return expOf(p, 0)
	}
	return expOf(p, math.FMA(y, hi, -p)+float64(y*lo))
}
