package kernels

import "math"

// fma returns a·b + c rounded once to float32, on every machine.
//
// The product of two float32 is exact in float64. The sum with c is rounded to 53 bits, and rounding that again to 24
// gives the right result unless the first rounding landed on a point halfway between two float32 (or the result is
// subnormal, with its halfway points elsewhere). The slow path then rounds the sum to odd: it finds what the first rounding
// lost, and makes the last bit 1 if it lost anything; no odd number is halfway, so that the second rounding is right.
// See Boldo, Melquiond: Emulation of a FMA and correctly rounded sums (2008).
//
//go:norace
func fma(a, b, c float32) float32 {
	p := float64(float64(a) * float64(b))
	s := p + float64(c)
	if u := math.Float64bits(s); u&(1<<29-1) == 1<<28 || u<<1 < 0x381<<53 {
		s = roundToOdd(p, float64(c), s)
	}
	return float32(s)
}

// roundToOdd returns p + c rounded to odd, where s is p + c rounded to the nearest.
//
//go:norace
func roundToOdd(p, c, s float64) float64 {
	t := s - p
	lost := (p - (s - t)) + (c - t) // s + lost is p + c exactly
	u := math.Float64bits(s)
	if lost == 0 || u&1 == 1 || s-s != 0 { // exact, odd already, or not finite
		return s
	}
	if (lost > 0) == (s > 0) {
		return math.Float64frombits(u + 1) // away from zero
	}
	return math.Float64frombits(u - 1)
}
