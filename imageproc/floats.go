package imageproc

import "math"

// processFloats is Process for classes that rescale first: the image is resized in float32, as PyTorch does it, rows first; what
// a filter makes of it beyond the range of the bytes stays. w is the part of the resized image that the crop keeps.
func (p *Processor) processFloats(dst []float32, src *Image, l *plan, w window, s *scratch) {
	width := w.x1 - w.x0
	var tx, ty *table
	if width > 0 {
		f := torchFilter(p.filter)
		tx = tables.get(tableKey{src.Width, l.width, w.x0, w.x1, f, p.backend, true})
		ty = tables.get(tableKey{src.Height, l.height, w.y0, w.y1, f, p.backend, true})
		p.filterRows(src, tx, ty, s)
	}
	plane := l.outHeight * l.outWidth
	x0 := l.x.from - l.x.shift // in the output
	for c := range 3 {
		mean, std := float32(0), float32(1)
		if p.normalize {
			mean, std = float32(p.mean[c]), float32(p.std[c])
		}
		zero := -mean / std
		for y := range l.y.n {
			out := dst[c*plane+y*l.outWidth:][:l.x.n]
			row := y + l.y.shift
			if width == 0 || row < l.y.from || row >= l.y.to {
				fill(out, zero)
				continue
			}
			fill(out[:x0], zero)
			fill(out[x0+width:], zero)
			out = out[x0:][:width]
			clear(out)
			tap := ty.taps[row-l.y.from]
			rounded := roundedProducts(tap.n)
			for j, weight := range ty.floats[tap.w:][:tap.n] {
				in := s.floats[((tap.at-ty.first+j)*3+c)*width:][:width]
				if j < rounded {
					for x, v := range in {
						out[x] += float32(v * weight)
					}
					continue
				}
				for x, v := range in {
					out[x] = fma(v, weight, out[x])
				}
			}
			for x, v := range out {
				out[x] = (v - mean) / std
			}
		}
	}
}

// filterRows gives the rows that ty needs their new width, in s.floats: of each row red, then green, then blue.
func (p *Processor) filterRows(src *Image, tx, ty *table, s *scratch) {
	n, width := tx.last-tx.first, len(tx.taps)
	s.line = grow(s.line, n)
	s.floats = grow(s.floats, (ty.last-ty.first)*3*width)
	for y := ty.first; y < ty.last; y++ {
		in := src.Pix[(y*src.Width+tx.first)*3:][:3*n]
		for c := range 3 {
			for x := range s.line {
				s.line[x] = p.values[c][in[3*x+c]]
			}
			out := s.floats[((y-ty.first)*3+c)*width:][:width]
			for x, tap := range tx.taps {
				var sum float32
				line := s.line[tap.at-tx.first:][:tap.n]
				rounded := roundedProducts(tap.n)
				for j, weight := range tx.floats[tap.w:][:tap.n] {
					if j < rounded {
						sum += float32(line[j] * weight)
					} else {
						sum = fma(line[j], weight, sum)
					}
				}
				out[x] = sum
			}
		}
	}
}

// roundedProducts returns how many of a sum's n products torch 2.8 rounds on x86-64 before it adds them: the first, then whole fours,
// which it multiplies as vectors. Those that are left over are fused with the sums.
func roundedProducts(n int) int { return 1 + (n-1)/4*4 }

// newFloatTable computes PyTorch's weights in float32: the formula of row.weights, whose steps are rounded where PyTorch's are: a
// sum with 0.5, and what follows it, is a float64 (but for the centre, where it makes no difference).
func newFloatTable(k tableKey) *table {
	t := &table{first: k.in}
	scale := float32(k.in) / float32(k.out)
	stretch := max(scale, 1)
	support := float32(float32(filters[k.filter].support) * stretch)
	inverse := 1 / stretch
	for i := k.lo; i < k.hi; i++ {
		from, to := nearestExact(k, i), 0
		if k.filter == Nearest || k.in == k.out {
			to = from + 1
			t.floats = append(t.floats, 1)
		} else {
			center := float32((float32(i) + 0.5) * scale)
			from = max(0, int(float64(center-support)+0.5))
			to = min(k.in, int(float64(center+support)+0.5))
			at := len(t.floats)
			var sum float32
			for j := from; j < to; j++ {
				weight := kernel32(k.filter, float32((float64(float32(j)-center)+0.5)*float64(inverse)))
				t.floats = append(t.floats, weight)
				sum += weight
			}
			for j := at; sum != 0 && j < len(t.floats); j++ {
				t.floats[j] /= sum
			}
		}
		t.taps = append(t.taps, taps{from, to - from, len(t.floats) - (to - from)})
		t.first, t.last = min(t.first, from), max(t.last, to)
	}
	return t
}

// kernel32 is the bilinear or bicubic kernel in float32, with the fused products of PyTorch's code.
func kernel32(f Filter, x float32) float32 {
	const a = -0.5
	if x < 0 {
		x = -x
	}
	switch {
	case f == Bilinear && x < 1:
		return 1 - x
	case f == Bilinear:
		return 0
	case x < 1:
		return fma(float32(fma(a+2, x, -(a+3))*x), x, 1)
	case x < 2:
		return fma(fma(fma(a, x, -5*a), x, 8*a), x, -4*a)
	}
	return 0
}

// fma returns x*y + z, rounded once, but for a sum that is rounded in float64 to the middle between two float32.
func fma(x, y, z float32) float32 { return float32(math.FMA(float64(x), float64(y), float64(z))) }

// newNearestTable picks the inputs that PyTorch's nearest-exact picks.
func newNearestTable(k tableKey) *table {
	t := &table{first: k.in}
	for i := k.lo; i < k.hi; i++ {
		from := nearestExact(k, i)
		t.taps = append(t.taps, taps{from, 1, len(t.weights)})
		t.weights = append(t.weights, 1<<precision)
		t.first, t.last = min(t.first, from), max(t.last, from+1)
	}
	return t
}

// nearestExact returns the input whose area holds the centre of output i, in float32.
func nearestExact(k tableKey, i int) int {
	scale := float32(k.in) / float32(k.out)
	return min(k.in-1, int(math.Floor(float64(float32((float32(i)+0.5)*scale)))))
}
