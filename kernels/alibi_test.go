package kernels

import (
	"math"
	"testing"
)

// TestALiBi compares the slopes with the formula, and with the values that BLOOM's 12 heads would have.
func TestALiBi(t *testing.T) {
	for heads := range 70 {
		a := NewALiBi(heads)
		if len(a) != heads {
			t.Fatalf("%d slopes for %d heads", len(a), heads)
		}
		n := 1
		for 2*n <= heads {
			n *= 2
		}
		for i, got := range a {
			want := math.Exp2(-8 * float64(i+1) / float64(n))
			if i >= n {
				want = math.Exp2(-8 * float64(2*(i-n)+1) / float64(2*n))
			}
			if math.Abs(float64(got)-want) > 1e-7*want {
				t.Errorf("%d heads: slope %d is %v, want %v", heads, i, got, want)
			}
		}
	}
	row := []float32{1, 2, 3, 4}
	NewALiBi(8).AddBias(row, 0, 1, 11, 10)
	equal(t, "bias", row, []float32{0.75, 2, 2.75, 3.5})
}
