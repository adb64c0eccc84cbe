package main

import (
	"math/rand/v2"
	"slices"
)

func flatten(turns [][]float64) []float64 { return slices.Concat(turns...) }

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	if n%2 == 1 {
		return s[n/2]
	}
	return (s[n/2-1] + s[n/2]) / 2
}

// interval returns the 95 % bootstrap interval of median(a)/median(b). Whole rounds are drawn, so that what slowed the
// machine down for a while stays with both.
func interval(a, b [][]float64) (low, high float64) {
	const draws = 2000
	r := rand.New(rand.NewPCG(1, 2))
	ratios := make([]float64, draws)
	rounds := min(len(a), len(b))
	var x, y []float64
	for i := range ratios {
		x, y = x[:0], y[:0]
		for range rounds {
			k := r.IntN(rounds)
			x, y = append(x, a[k]...), append(y, b[k]...)
		}
		ratios[i] = median(x) / median(y)
	}
	slices.Sort(ratios)
	return ratios[draws*25/1000], ratios[draws*975/1000]
}
