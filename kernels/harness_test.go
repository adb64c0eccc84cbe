package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// equal fails the test unless got and want have the same bits; NaN is equal to NaN.
func equal(t testing.TB, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if !same(got[i], want[i]) {
			t.Fatalf("%s: [%d] = %x (%#08x), the oracle has %x (%#08x)", what, i, got[i], math.Float32bits(got[i]), want[i],
				math.Float32bits(want[i]))
		}
	}
}

// values draws n numbers: kind 0 are like activations, 1 any size up to overflow, 2 with infinities, NaN, subnormals.
func values(rng *rand.Rand, n, kind int) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch {
		case kind == 0 || kind == 2 && rng.IntN(4) > 0:
			x[i] = float32(rng.NormFloat64() * 3)
		case kind == 1:
			x[i] = float32(math.Ldexp(rng.NormFloat64(), rng.IntN(60)-30))
		default:
			x[i] = edges[rng.IntN(len(edges))]
		}
	}
	return x
}

// otherSets are the Sets that are compared with the oracle.
func otherSets() []*Set {
	return slices.DeleteFunc(slices.Clone(Sets()), func(s *Set) bool { return s == generic })
}

// sizes are the lengths of rows: all small ones, the borders of blocks, and odd large ones.
func sizes() []int {
	var n []int
	for i := range 100 {
		n = append(n, i)
	}
	return append(n, 127, 128, 129, 255, 384, 1000, 1537, 4099)
}

// A rowTest calls a routine of a Set on dst, with up to three inputs of the same length.
type rowTest struct {
	name    string
	inputs  int
	inPlace bool // dst may be the first input
	reads   bool // dst is an input too
	f       func(s *Set, dst, a, b, c []float32) float32
}

var actNames = [...]string{"identity", "gelu", "gelu_tanh", "relu", "silu", "quick_gelu", "tanh", "sigmoid"}

func rowTests() []rowTest {
	list := []rowTest{
		{"add", 2, true, false, func(s *Set, dst, a, b, _ []float32) float32 { s.add(dst, a, b); return 0 }},
		{"mul", 2, true, false, func(s *Set, dst, a, b, _ []float32) float32 { s.mul(dst, a, b); return 0 }},
		{"max", 2, true, false, func(s *Set, dst, a, b, _ []float32) float32 { s.max(dst, a, b); return 0 }},
		{"scale", 1, true, false, func(s *Set, dst, a, _, _ []float32) float32 { s.scale(dst, a, 0.3); return 0 }},
		{"scaleRows", 0, false, true, func(s *Set, dst, _, _, _ []float32) float32 {
			if n := len(dst) / 2; n > 0 {
				s.scaleRows(dst[:2*n], []float32{0.3, 0.7}, n)
			}
			return 0
		}},
		{"div", 1, true, false, func(s *Set, dst, a, _, _ []float32) float32 { s.div(dst, a, 0.3); return 0 }},
		{"addScaled", 1, false, true, func(s *Set, dst, a, _, _ []float32) float32 { s.addScaled(dst, a, 0.3); return 0 }},
		{"folds", 1, false, true, func(s *Set, dst, a, _, _ []float32) float32 {
			s.folds(dst, len(dst), a, len(a), len(a), []float32{0.7, 0.3}, []float32{1})
			return 0
		}},
		{"rowMax", 1, false, true, func(s *Set, _, a, _, _ []float32) float32 { return s.rowMax(a) }},
		{"above", 1, false, true, func(s *Set, _, a, _, _ []float32) float32 { return float32(s.above(a, 5)) }},
		{"above/none", 1, false, true, func(s *Set, _, a, _, _ []float32) float32 {
			return float32(s.above(a, s.rowMax(a)))
		}},
		{"expSum", 1, true, false, func(s *Set, dst, a, _, _ []float32) float32 {
			return s.expSum(dst, a, s.rowMax(a))
		}},
		{"expSum/far", 1, true, false, func(s *Set, dst, a, _, _ []float32) float32 {
			return s.expSum(dst, a, 85+s.rowMax(a))
		}},
		{"rowMaxes", 1, false, true, func(s *Set, _, a, _, _ []float32) float32 {
			n := len(a) / 3
			m := make([]float32, 3)
			if n == 0 {
				return 0 // the maxima are -Inf, and their sum NaN
			}
			s.rowMaxes(m, a, n, n, 0)
			return m[0] + float32(2*m[1]) - float32(3*m[2]) // not fused
		}},
		{"expSums", 1, false, true, func(s *Set, dst, a, _, _ []float32) float32 {
			copy(dst, a)
			n := len(a) / 3
			m, sum := make([]float32, 3), make([]float32, 3)
			s.rowMaxes(m, dst, n, n, 0)
			s.expSums(sum, m, dst, n, n, 0)
			return sum[0] + float32(2*sum[1]) + float32(3*sum[2])
		}},
		{"dot", 2, false, true, func(s *Set, _, a, b, _ []float32) float32 { return s.dot(a, b) }},
		{"layerNorm", 3, true, false, func(s *Set, dst, a, b, c []float32) float32 {
			return normTest(s, dst, a, nil, Norm{Gamma: b, Beta: c, Eps: 1e-12})
		}},
		{"layerNorm/nobeta", 2, true, false, func(s *Set, dst, a, b, _ []float32) float32 {
			return normTest(s, dst, a, nil, Norm{Gamma: b, Eps: 1e-5})
		}},
		{"layerNorm/add", 3, false, true, func(s *Set, dst, a, b, c []float32) float32 {
			return normTest(s, nil, dst, a, Norm{Gamma: b, Beta: c, Eps: 1e-12})
		}},
		{"rmsNorm", 2, true, false, func(s *Set, dst, a, b, _ []float32) float32 {
			return normTest(s, dst, a, nil, Norm{Gamma: b, Eps: 1e-6, RMS: true})
		}},
		{"rmsNorm/bias", 3, true, false, func(s *Set, dst, a, b, c []float32) float32 {
			return normTest(s, dst, a, nil, Norm{Gamma: b, Beta: c, Eps: 1e-6, RMS: true, OnePlus: true})
		}},
		{"rmsNorm/oneplus", 2, false, false, func(s *Set, dst, a, b, _ []float32) float32 {
			return normTest(s, dst, a, nil, Norm{Gamma: b, Eps: 1e-6, RMS: true, OnePlus: true})
		}},
		{"rotateHalves", 2, false, true, func(s *Set, dst, a, b, _ []float32) float32 {
			return rotateTest(s, dst, a, b, false)
		}},
		{"rotatePairs", 2, false, true, func(s *Set, dst, a, b, _ []float32) float32 {
			return rotateTest(s, dst, a, b, true)
		}},
		{"rmsNorm/add", 2, false, true, func(s *Set, dst, a, b, _ []float32) float32 {
			return normTest(s, nil, dst, a, Norm{Gamma: b, Eps: 1e-6, RMS: true})
		}},
	}
	for act := GELU; act <= Sigmoid; act++ {
		list = append(list, rowTest{actNames[act], 1, true, false,
			func(s *Set, dst, a, _, _ []float32) float32 { s.act[act](dst, a); return 0 }})
	}
	return list
}

// normTest normalises x as rows, as many as divide it: 9, 5, 3, 2 or 1. Without dst, the rows are x plus r, and where they
// go is compared by the result.
func normTest(s *Set, dst, x, r []float32, p Norm) float32 {
	if len(x) == 0 {
		return 0
	}
	n := len(x)
	for _, rows := range []int{9, 5, 3, 2} {
		if n%rows == 0 {
			n /= rows
			break
		}
	}
	p.Gamma = p.Gamma[:n]
	if p.Beta != nil {
		p.Beta = p.Beta[:n]
	}
	if dst != nil {
		s.norm(dst, x, r, &p)
		return 0
	}
	dst = make([]float32, len(x))
	s.norm(dst, x, r, &p)
	result := float32(0)
	for i, v := range dst {
		result += float32(float32(i%7+1) * v)
	}
	return result
}

// rotateTest rotates all of x, and then parts of three heads.
func rotateTest(s *Set, x, cos, sin []float32, interleaved bool) float32 {
	rotate := func(n, headDim, half int) {
		s.rotate(x, n, n, headDim, []int32{0}, &RoPE{Cos: cos, Sin: sin, Dim: 2 * half, Interleaved: interleaved})
	}
	n := len(x)
	if n >= 2 {
		rotate(n, n, n/2)
	}
	if d := n / 3; d >= 2 {
		rotate(3*d, d, max(1, d*3/8))
	}
	return 0
}

// run compares one routine of a Set with the oracle on given inputs, at an alignment, and in place where it may be.
func (r rowTest) run(t testing.TB, s *Set, in [3][]float32, off int) {
	t.Helper()
	n := len(in[0])
	what := fmt.Sprintf("%s %s n=%d off=%d", s.name, r.name, n, off)
	var arg [3][]float32
	var intact [4]func() error
	for i := range arg {
		arg[i], intact[i] = guarded(n, (off+3*i)%16)
		copy(arg[i], in[i])
	}
	want := make([]float32, n)
	got, check := guarded(n, off)
	intact[3] = check
	if r.reads {
		copy(want, in[2])
		copy(got, in[2])
	}
	wantR := r.f(generic, want, in[0], in[1], in[2])
	gotR := r.f(s, got, arg[0], arg[1], arg[2])
	equal(t, what, got, want)
	equal(t, what+": result", []float32{gotR}, []float32{wantR})
	for i := range arg {
		equal(t, what+": input", arg[i], in[i])
	}
	if r.inPlace {
		r.f(s, arg[0], arg[0], arg[1], arg[2])
		equal(t, what+" in place", arg[0], want)
	}
	for _, check := range intact {
		if err := check(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// TestRows compares every row routine of every Set with the oracle.
func TestRows(t *testing.T) {
	for _, s := range otherSets() {
		for _, r := range rowTests() {
			t.Run(s.name+"/"+r.name, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(3, 4))
				for _, n := range sizes() {
					for kind := range 3 {
						in := [3][]float32{values(rng, n, kind), values(rng, n, kind), values(rng, n, kind)}
						r.run(t, s, in, (n*7+kind*5)%16)
					}
				}
				n := 2*16384 + 77 // more than one piece
				r.run(t, s, [3][]float32{values(rng, n, 0), values(rng, n, 0), values(rng, n, 0)}, 1)
			})
		}
	}
}

// TestRowsInPieces does so on a row that is longer than what one call of assembly takes.
func TestRowsInPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	const n = 2*16384 + 77
	in := [3][]float32{values(rng, n, 0), values(rng, n, 1), values(rng, n, 0)}
	for _, s := range otherSets() {
		for _, r := range rowTests() {
			r.run(t, s, in, 3)
		}
	}
}

// TestDotUnderflow has products that round to -0, which no element that a row lacks may turn into +0.
func TestDotUnderflow(t *testing.T) {
	for _, s := range otherSets() {
		for n := range 100 {
			a, b := make([]float32, n), make([]float32, n)
			for i := range a {
				a[i], b[i] = 1e-30, -1e-30
			}
			equal(t, fmt.Sprintf("%s dot n=%d", s.name, n), []float32{s.dot(a, b)}, []float32{generic.dot(a, b)})
		}
	}
}

// TestFunctionBits compares the activations and exp of every Set with the oracle over floats of every size.
func TestFunctionBits(t *testing.T) {
	var x []float32
	sweep(t, func(v float32) { x = append(x, v) })
	for u := uint32(0); u < 4000; u++ { // where exp's flush, tanh's and erf's clamps begin
		for _, at := range []float32{expLow, -88, -0.5, -16, 5.5, -5.5, 9} {
			x = append(x, math.Float32frombits(math.Float32bits(at)-2000+u))
		}
	}
	x = append(x, edges...)
	want, got := make([]float32, len(x)), make([]float32, len(x))
	for act := GELU; act <= Sigmoid; act++ {
		generic.act[act](want, x)
		for _, s := range otherSets() {
			s.act[act](got, x)
			equal(t, s.name+" "+actNames[act], got, want)
		}
	}
	for i, v := range x {
		x[i] = -abs(v)
	}
	wantSum := generic.expSum(want, x, 0)
	for _, s := range otherSets() {
		sum := s.expSum(got, x, 0)
		equal(t, s.name+" exp", got, want)
		equal(t, s.name+" exp sum", []float32{sum}, []float32{wantSum})
	}
}

// TestActivationsFar has one argument far below the others, whose exp is 0, and a NaN, at all pairs of places that a vector of 8
// or 16 elements has in the same lane: neither may hide the other.
func TestActivationsFar(t *testing.T) {
	const n = 256
	in := []float32{1, -95, float32(math.NaN())}
	x, got, want, of := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, len(in))
	for act := GELU; act <= Sigmoid; act++ {
		generic.act[act](of, in)
		for i := range x {
			x[i], want[i] = in[0], of[0]
		}
		for far := range n {
			for nan := far % 8; nan < n; nan += 8 {
				x[far], x[nan] = in[1], in[2]
				want[far], want[nan] = of[1], of[2]
				for _, s := range otherSets() {
					s.act[act](got, x)
					equal(t, fmt.Sprintf("%s %s far=%d nan=%d", s.name, actNames[act], far, nan), got, want)
				}
				x[far], x[nan] = in[0], in[0]
				want[far], want[nan] = of[0], of[0]
			}
		}
	}
}

// TestDequantize compares dequantize of every Set with the oracle, for every int8.
func TestDequantize(t *testing.T) {
	src := make([]int8, 4099+16)
	for i := range src {
		src[i] = int8(i * 37)
	}
	for _, s := range otherSets() {
		for _, n := range append(sizes(), 4099) {
			off := n % 16
			want := make([]float32, n)
			got, check := guarded(n, (n*3)%16)
			generic.dequantize(want, src[off:off+n], 0.0123)
			s.dequantize(got, src[off:off+n], 0.0123)
			equal(t, s.name+" dequantize", got, want)
			if err := check(); err != nil {
				t.Fatalf("%s dequantize: %v", s.name, err)
			}
		}
	}
}

// FuzzRows draws values and lengths for every row routine of every Set.
func FuzzRows(f *testing.F) {
	f.Add(uint64(1), uint16(17), uint8(2), uint32(0x7fc00000), uint16(3))
	f.Add(uint64(2), uint16(384), uint8(0), uint32(1), uint16(0))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, kind uint8, bits uint32, at uint16) {
		rng := rand.New(rand.NewPCG(seed, 0))
		size := int(n % 600)
		in := [3][]float32{values(rng, size, int(kind%3)), values(rng, size, int(kind%3)), values(rng, size, int(kind%3))}
		if size > 0 {
			in[at%3][int(at)%size] = math.Float32frombits(bits)
		}
		for _, s := range otherSets() {
			for _, r := range rowTests() {
				r.run(t, s, in, int(seed%16))
			}
		}
	})
}
