package vit

import (
	"math"

	"github.com/godwit-ml/godwit/kernels"
)

// resample is a way in which PyTorch's interpolate makes a grid of vectors larger or smaller, with align_corners false.
type resample int

const (
	bilinear resample = iota
	bicubic           // Keys' kernel with a = -0.75
	// bicubicAntialias is Keys' kernel with a = -0.5, which widens with the distance of the new points if they are fewer.
	bicubicAntialias
)

// A tap is a point of the old grid, and how much it counts for a point of the new one.
type tap struct {
	at     int
	weight float32
}

// keys is Keys' cubic convolution kernel.
func keys(x, a float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(float64(float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64(a * (float64((float64((x-5)*x)+8)*x) - 4))
	}
	return 0
}

// taps returns, for each point of an axis of length n that was made from one of length old, the old points that it is made of.
func (r resample) taps(old, n int) [][]tap {
	scale := float64(old) / float64(n)
	all := make([][]tap, n)
	for i := range all {
		if r == bicubicAntialias {
			all[i] = antialiased(old, scale, float64(scale*(float64(i)+0.5)))
			continue
		}
		x := float64(scale*(float64(i)+0.5)) - 0.5
		if r == bilinear {
			x = max(x, 0)
		}
		first := math.Floor(x)
		t := x - first
		weights := []float64{1 - t, t}
		if r == bicubic {
			weights = []float64{keys(t+1, -0.75), keys(t, -0.75), keys(1-t, -0.75), keys(2-t, -0.75)}
			first--
		}
		for j, w := range weights {
			all[i] = append(all[i], tap{min(max(int(first)+j, 0), old-1), float32(w)})
		}
	}
	return all
}

// antialiased returns the old points for a new one around center.
func antialiased(old int, scale, center float64) []tap {
	stretch := max(scale, 1)
	support := float64(2 * stretch)
	from := max(int(center-support+0.5), 0)
	to := min(int(center+support+0.5), old)
	weights, sum := make([]float64, max(to-from, 0)), 0.0
	for j := range weights {
		weights[j] = keys((float64(from+j)-center+0.5)/stretch, -0.5)
		sum += weights[j]
	}
	taps := make([]tap, len(weights))
	for j, w := range weights {
		taps[j] = tap{from + j, float32(w / sum)}
	}
	return taps
}

// resize makes from src, vectors of n elements on a grid of oldH by oldW, those on a grid of h by w.
func (r resample) resize(x *kernels.Exec, src []float32, oldH, oldW, h, w, n int) []float32 {
	rows, cols := r.taps(oldH, h), r.taps(oldW, w)
	wide := make([]float32, oldH*w*n) // resized along the rows
	for y := range oldH {
		for i, taps := range cols {
			dst := wide[(y*w+i)*n:][:n]
			for _, t := range taps {
				x.AddScaled(dst, src[(y*oldW+t.at)*n:][:n], t.weight)
			}
		}
	}
	out := make([]float32, h*w*n)
	for y, taps := range rows {
		dst := out[y*w*n:][:w*n]
		for _, t := range taps {
			x.AddScaled(dst, wide[t.at*w*n:][:w*n], t.weight)
		}
	}
	return out
}
