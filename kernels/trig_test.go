package kernels

import (
	le "encoding/binary"
	"hash/fnv"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// bigPi has some 200 bits.
const bigPi = "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798"

// exactSinCos reduces x with 200 bits of π, so that math.Sin and math.Cos get numbers within π/4 of 0.
func exactSinCos(x float64) (sin, cos float64) {
	pi, _, err := big.ParseFloat(bigPi, 10, 300, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	half := new(big.Float).SetPrec(300).Quo(pi, big.NewFloat(2))
	n := math.Round(x / (math.Pi / 2))
	r := new(big.Float).SetPrec(300).Mul(half, big.NewFloat(n))
	r.Sub(new(big.Float).SetPrec(300).SetFloat64(x), r)
	v, _ := r.Float64()
	s, c := math.Sin(v), math.Cos(v)
	return []float64{s, c, -s, -c}[int(n)&3], []float64{c, -s, -c, s}[int(n)&3]
}

// ulps64 returns how many ulp of want got is off.
func ulps64(got, want float64) float64 {
	if got == want || got != got && want != want {
		return 0
	}
	return math.Abs(got-want) / (math.Nextafter(math.Abs(want), math.Inf(1)) - math.Abs(want))
}

// lessIfShort returns a tenth of n with -short, as emulators run the tests: the bits are those of TestTableHash everywhere.
func lessIfShort(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// TestSinCos compares SinCos with sines and cosines of exactly reduced arguments: over all sizes, and next to the multiples
// of π/2, where one of them is nearly 0.
func TestSinCos(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var x []float64
	for i := range lessIfShort(20000) {
		x = append(x, (rng.Float64()*2-1)*1e6, rng.NormFloat64()*math.Ldexp(1, rng.IntN(58)-30), float64(i))
		x = append(x, float64(float32(float64(i*6)*(math.Pi/2))), float64(i*6)*(math.Pi/2))
	}
	worst := 0.0
	for _, v := range x {
		if math.Abs(v) > 1<<30 {
			continue
		}
		sin, cos := SinCos(v)
		wantSin, wantCos := exactSinCos(v)
		worst = max(worst, ulps64(sin, wantSin), ulps64(cos, wantCos))
		if worst > 2 {
			t.Fatalf("SinCos(%g) = %g, %g, want %g, %g", v, sin, cos, wantSin, wantCos)
		}
	}
	t.Logf("SinCos: %.2f ulp of float64 off package math's at most", worst)
	for _, v := range []float64{math.NaN(), math.Inf(1), -1e300} {
		if sin, cos := SinCos(v); sin == sin || cos == cos {
			t.Errorf("SinCos(%g) = %g, %g", v, sin, cos)
		}
	}
}

// bigExp returns e^y: the Taylor series of y/1024, squared ten times.
func bigExp(y float64) *big.Float {
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(300).SetFloat64(v) }
	r, sum, term := number(y/1024), number(1), number(1)
	for i := 1; i < 60; i++ {
		term.Quo(term.Mul(term, r), number(float64(i)))
		sum.Add(sum, term)
	}
	for range 10 {
		sum.Mul(sum, sum)
	}
	return sum
}

// bigPow returns x^(k/8).
func bigPow(x float64, k int) *big.Float {
	r := new(big.Float).SetPrec(300).SetFloat64(x)
	for range 3 {
		r.Sqrt(r)
	}
	p := new(big.Float).SetPrec(300).SetFloat64(1)
	for range max(k, -k) {
		p.Mul(p, r)
	}
	if k < 0 {
		p.Quo(new(big.Float).SetPrec(300).SetFloat64(1), p)
	}
	return p
}

// TestPow compares Exp and Pow with 300 bits, Log with that of package math, and RoPE's inverse frequencies to 1e-15 of
// themselves.
func TestPow(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	var worst [3]float64
	for range lessIfShort(20000) {
		y := rng.NormFloat64() * 200
		if want, _ := bigExp(y).Float64(); want > 1e-300 && want < 1e300 {
			worst[0] = max(worst[0], ulps64(Exp(y), want))
		}
		x, near := math.Exp(rng.NormFloat64()*20), 1+rng.NormFloat64()*0.01
		worst[1] = max(worst[1], ulps64(Log(x), math.Log(x)), ulps64(Log(near), math.Log(near)))
		k := rng.IntN(400) - 200
		if want, _ := bigPow(x, k).Float64(); want > 1e-300 && want < 1e300 {
			worst[2] = max(worst[2], ulps64(Pow(x, float64(k)/8), want))
		}
	}
	t.Logf("Exp, Pow: %.2f, %.2f ulp, Log: %.2f off package math's at most", worst[0], worst[2], worst[1])
	if worst[0] > 1 || worst[1] > 1 || worst[2] > 1 {
		t.Errorf("Exp, Pow: %.2f, %.2f ulp, Log: %.2f off package math's", worst[0], worst[2], worst[1])
	}
	for _, theta := range []float64{1000, 10000, 160000, 5e5, 1e6} {
		for _, d := range []int{16, 64, 80, 96, 128, 256} {
			for i := range d / 2 {
				y := -2 * float64(i) / float64(d)
				if got, want := Pow(theta, y), math.Pow(theta, y); math.Abs(got-want) > 1e-15*want {
					t.Fatalf("Pow(%g, %g) = %g, want %g", theta, y, got, want)
				}
			}
		}
	}
	nan := math.NaN()
	for _, c := range []struct{ got, want float64 }{
		{Exp(0), 1}, {Exp(1000), math.Inf(1)}, {Exp(-1000), 0}, {Exp(math.Inf(1)), math.Inf(1)},
		{Exp(math.Inf(-1)), 0}, {Exp(nan), nan},
		{Log(1), 0}, {Log(0), nan}, {Log(-1), nan}, {Log(math.Inf(1)), nan}, {Log(nan), nan},
		{Log(math.Exp2(-1074)), -1074 * math.Ln2},
		{Pow(2, 10), 1024}, {Pow(2, -3), 0.125}, {Pow(7, 0), 1},
		{Pow(1e300, 2), math.Inf(1)}, {Pow(1e300, -2), 0}, {Pow(1e300, 1e308), math.Inf(1)},
		{Pow(-1, 2), nan}, {Pow(0, 1), nan}, {Pow(2, math.Inf(1)), nan}, {Pow(nan, 1), nan}, {Pow(1, nan), nan},
	} {
		if c.got != c.want && (c.got == c.got || c.want == c.want) {
			t.Errorf("%g, want %g", c.got, c.want)
		}
	}
}

// TestTableHash holds the bits of a RoPE table and of the functions that make it, on every architecture.
func TestTableHash(t *testing.T) {
	const want uint64 = 0x463a48582a548232
	h := fnv.New64a()
	add := func(v ...float64) {
		for _, v := range v {
			h.Write(le.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
		}
	}
	for i := range 2000 {
		freq := Pow(10000, -float64(i%64)/64)
		sin, cos := SinCos(freq * float64(i*i))
		add(freq, sin, cos, Log(1+float64(i)), Exp(float64(i-1000)/7))
	}
	if got := h.Sum64(); got != want {
		t.Errorf("hash %#x, want %#x", got, want)
	}
}
