package kernels

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// floats returns bit patterns that make trouble: zeros, subnormals, borders, infinities, NaN.
var edges = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 2, 0.5, 3, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32,
	-math.SmallestNonzeroFloat32, 0x1p-126, -0x1p-126, 0x1.fffffep-127, 0x1p-149 * 3, 1 + 0x1p-23, 1 - 0x1p-24, 0x1p-24, 0x1p-25,
	0x1p24, 0x1.8p23, 0x1p127, 0x1p-63, 0x1p-75, 0x1.000002p-75, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
}

// same reports whether a and b are the same float: equal bits, or both NaN.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// bigFMA computes a·b + c with 700 bits, which is exact, and rounds it once. The arguments are finite.
func bigFMA(a, b, c float32) float32 {
	f := func(x float32) *big.Float { return new(big.Float).SetPrec(700).SetFloat64(float64(x)) }
	s := f(a)
	s.Mul(s, f(b)).Add(s, f(c))
	if s.Sign() == 0 {
		return float32(float64(a)*float64(b)) + c // the sign of a zero: exact
	}
	r, _ := s.Float32()
	return r
}

func TestFMA(t *testing.T) {
	check := func(a, b, c float32) {
		t.Helper()
		var want float32
		if p, s := float64(a)*float64(b), float64(c); p-p != 0 || s-s != 0 {
			want = float32(p + s)
		} else {
			want = bigFMA(a, b, c)
		}
		if got := fma(a, b, c); !same(got, want) {
			t.Fatalf("fma(%x, %x, %x) = %x, want %x", a, b, c, got, want)
		}
	}
	for _, a := range edges {
		for _, b := range edges {
			for _, c := range edges {
				check(a, b, c)
			}
		}
	}
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		a, b, c := math.Float32frombits(rng.Uint32()), math.Float32frombits(rng.Uint32()), math.Float32frombits(rng.Uint32())
		switch rng.IntN(4) {
		case 0: // any bits
		case 1: // like sizes: cancellation
			a, b = 1+rng.Float32(), 1+rng.Float32()
			c = -a*b*(1+0x1p-22*float32(rng.IntN(5)-2)) + float32(rng.IntN(3)-1)*0x1p-40
		case 2: // few bits: exact halves, with something tiny beside them
			a, b = 1+0x1p-12*float32(rng.IntN(4096)), 1+0x1p-12*float32(rng.IntN(4096))
			c = float32(math.Ldexp(float64(rng.IntN(65)-32), -rng.IntN(100)))
		case 3: // results near the subnormals
			a = float32(math.Ldexp(1+rng.Float64(), -60-rng.IntN(20)))
			b = float32(math.Ldexp(1+rng.Float64(), -60-rng.IntN(20)))
			c = float32(math.Ldexp(float64(rng.IntN(9)-4), -149+rng.IntN(24)))
		}
		if a-a != 0 || b-b != 0 || c-c != 0 {
			continue
		}
		check(a, b, c)
	}
}

func BenchmarkFMA(b *testing.B) {
	s := float32(0)
	for b.Loop() {
		for i := range 1000 {
			s = fma(s, 0.999, float32(i))
		}
	}
	sink = s
}

var sink float32
