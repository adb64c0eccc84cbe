package loader

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestQuantizeRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, outlier := range []float32{1, 4, 20} {
		src := make([]float32, 384)
		for i := range src {
			src[i] = float32(rng.NormFloat64())
		}
		src[7] *= outlier
		q := make([]int8, len(src))
		scale := QuantizeRow(q, src)

		// Never worse than the plain way, which scales by the largest absolute value.
		var peak, plain, got float64
		for _, v := range src {
			peak = max(peak, math.Abs(float64(v)))
		}
		for i, v := range src {
			p := math.RoundToEven(float64(v)/(peak/127)) * peak / 127
			plain += (float64(v) - p) * (float64(v) - p)
			d := float64(v) - float64(scale)*float64(q[i])
			got += d * d
		}
		if got > plain*(1+1e-6) {
			t.Errorf("outlier x%g: squared error %g, by the largest value %g", outlier, got, plain)
		}
		// Uniform rounding errors of a step s have the variance s²/12; clipping trades a little more against a smaller step.
		if step := peak / 127; got > 1.1*step*step/12*float64(len(src)) {
			t.Errorf("outlier x%g: squared error %g, expected about %g", outlier, got, step*step/12*float64(len(src)))
		}
	}

	q := []int8{1, 2, 3}
	if s := QuantizeRow(q, make([]float32, 3)); s != 0 || q[0] != 0 || q[1] != 0 || q[2] != 0 {
		t.Errorf("zeros became %v with scale %g", q, s)
	}
	if s := QuantizeRow(q, []float32{-127, 0, 127}); s != 1 || q[0] != -127 || q[1] != 0 || q[2] != 127 {
		t.Errorf("integers became %v with scale %g", q, s)
	}
}
