package loader

import "math"

// QuantizeRow writes src to dst as 8-bit integers and returns the scale to multiply them with, such that the sum of the
// squared errors is small: each of a range of clipping limits is tried, and for the integers that it gives, the scale that
// fits them best (least squares). src must be finite; a row of zeros gets the scale 0. The integers lie in [-127, 127].
func QuantizeRow(dst []int8, src []float32) (scale float32) {
	var limit float64
	for _, v := range src {
		limit = max(limit, math.Abs(float64(v)))
	}
	best := math.Inf(1)
	for percent := 100; percent >= 60 && limit > 0; percent-- {
		step := limit * float64(percent) / 100 / 127
		var xq, qq, xx float64
		for _, v := range src {
			q := integer(v, step)
			xq += float64(float64(v) * q)
			qq += float64(q * q)
			xx += float64(float64(v) * float64(v))
		}
		s := float32(xq / qq)
		// |x - s·q|² written out; s is the rounded scale that will be used.
		if e := xx - float64(2*float64(s)*xq) + float64(float64(s)*float64(s)*qq); e < best {
			best, scale = e, s
			for i, v := range src {
				dst[i] = int8(integer(v, step))
			}
		}
	}
	if limit == 0 {
		clear(dst)
	}
	return scale
}

// integer returns v in units of step, rounded, in [-127, 127].
func integer(v float32, step float64) float64 {
	return max(-127, min(127, math.RoundToEven(float64(v)/step)))
}
