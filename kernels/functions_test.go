package kernels

import (
	"math"
	"testing"
)

// ulps returns |got - want| in units of the last place of a float32 of want's size (of a normal one at least).
func ulps(got float32, want float64) float64 {
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e, -125)-24)
}

// sweep calls f for float32 numbers of every size and both signs, infinities left out.
func sweep(t *testing.T, f func(x float32)) {
	step := uint32(4001)
	if testing.Short() {
		step = 20011
	}
	for u := uint32(0); u < 0x7f800000; u += step {
		f(math.Float32frombits(u))
		f(math.Float32frombits(u | 1<<31))
	}
}

// TestFunctions holds the functions to the errors that docs/KERNELS.md states. The references are float64: Go's math
// package is far more exact than a float32 needs.
func TestFunctions(t *testing.T) {
	sig := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for _, f := range []struct {
		name string
		f    func(float32) float32
		want func(float64) float64
		ulp  float64 // bound of the error in ulp, or 0
		rel  float64 // bound of the error relative to |x|, or 0
	}{
		{"exp", exp, math.Exp, 0.9, 0},
		{"sigmoid", sigmoid, sig, 2.3, 0},
		{"tanh", tanh, math.Tanh, 2.5, 0},
		{"erf2", erf2, func(x float64) float64 { return math.Erf(x / math.Sqrt2) }, 5.1, 0},
		{"gelu", gelu, func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }, 0, 1.1e-7},
		{"geluTanh", geluTanh, func(x float64) float64 {
			return x * sig(2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))
		}, 0, 1.4e-7},
		{"silu", silu, func(x float64) float64 { return x * sig(x) }, 0, 1.4e-7},
		{"quickGELU", quickGELU, func(x float64) float64 { return x * sig(1.702*x) }, 0, 1.4e-7},
	} {
		t.Run(f.name, func(t *testing.T) {
			worst, at, rel, relAt := 0.0, float32(0), 0.0, float32(0)
			sweep(t, func(x float32) {
				want := f.want(float64(x))
				got := f.f(x)
				if math.Abs(want) > math.MaxFloat32 && float64(got) == math.Copysign(math.Inf(1), want) {
					return
				}
				if u := ulps(got, want); math.Abs(want) >= 0x1p-120 && u > worst {
					worst, at = u, x
				}
				if a := math.Abs(float64(x)); a >= 0x1p-125 {
					if r := math.Abs(float64(got)-want) / a; r > rel {
						rel, relAt = r, x
					}
				}
			})
			t.Logf("%.2f ulp at %g; error/|x| %.2g at %g", worst, at, rel, relAt)
			if f.ulp > 0 && worst > f.ulp || f.rel > 0 && rel > f.rel {
				t.Errorf("the bounds are %g ulp, %g", f.ulp, f.rel)
			}
		})
	}
}

// TestFunctionEnds states the values at the ends.
func TestFunctionEnds(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		name    string
		f       func(float32) float32
		x, want float32
	}{
		{"exp", exp, -inf, 0}, {"exp", exp, expLow, 0x1.00004cp-126}, {"exp", exp, math.Nextafter32(expLow, -100), 0},
		{"exp", exp, 0, 1}, {"exp", exp, expHigh, 0x1.ffff08p127}, {"exp", exp, math.Nextafter32(expHigh, 100), inf},
		{"exp", exp, inf, inf}, {"exp", exp, nan, nan},
		{"sigmoid", sigmoid, -inf, 0}, {"sigmoid", sigmoid, 0, 0.5}, {"sigmoid", sigmoid, inf, 1},
		{"sigmoid", sigmoid, nan, nan},
		{"tanh", tanh, -inf, -1}, {"tanh", tanh, 0, 0}, {"tanh", tanh, inf, 1}, {"tanh", tanh, 0x1p-140, 0x1p-140},
		{"tanh", tanh, nan, nan},
		{"erf2", erf2, -inf, -1}, {"erf2", erf2, 0, 0}, {"erf2", erf2, 5.5, 1}, {"erf2", erf2, inf, 1},
		{"erf2", erf2, nan, nan},
		{"gelu", gelu, -100, 0}, {"gelu", gelu, 0, 0}, {"gelu", gelu, 100, 100}, {"gelu", gelu, inf, inf},
		{"gelu", gelu, -inf, nan}, {"gelu", gelu, nan, nan},
		{"geluTanh", geluTanh, 1e30, 1e30}, {"geluTanh", geluTanh, inf, inf}, {"geluTanh", geluTanh, nan, nan},
		{"silu", silu, 100, 100}, {"silu", silu, inf, inf}, {"silu", silu, -inf, nan}, {"silu", silu, nan, nan},
		{"relu", relu, -1, 0}, {"relu", relu, 2, 2}, {"relu", relu, -inf, 0}, {"relu", relu, nan, nan},
	} {
		if got := c.f(c.x); !same(got, c.want) {
			t.Errorf("%s(%g) = %x, want %x", c.name, c.x, got, c.want)
		}
	}
}
