package main

import "testing"

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 3, 2, 1}, 2.5}} {
		if got := median(c.in); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.in, got, c.want)
		}
	}
}

func TestInterval(t *testing.T) {
	// Twice the time in every round: whatever is drawn, the ratio is 2, though the rounds differ by a factor of 100.
	a := [][]float64{{2, 2}, {200, 200}, {20, 20}}
	b := [][]float64{{1, 1}, {100, 100}, {10, 10}}
	if low, high := interval(a, b); low != 2 || high != 2 {
		t.Errorf("interval = %v, %v; want 2, 2", low, high)
	}
	// One round of three disagrees: the interval reaches from the others' ratio to its own.
	a[2] = []float64{10, 10}
	if low, high := interval(a, b); low != 1 || high != 2 {
		t.Errorf("interval = %v, %v; want 1, 2", low, high)
	}
}
