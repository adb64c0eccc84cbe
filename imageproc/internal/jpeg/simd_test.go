package jpeg

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// both runs f with the routines of this processor and in Go alone.
func both(f func() []byte) (simdBytes, goBytes []byte) {
	simdBytes = f()
	defer func(was bool) { simd = was }(simd) // also if f panics
	simd = false
	return simdBytes, f()
}

const guard, room = 0x5a, 64

// guarded returns n bytes between guards, which shift the bytes in memory.
func guarded(n, shift int) (all, inside []byte) {
	all = bytes.Repeat([]byte{guard}, room+shift+n+room)
	return all, all[room+shift:][:n:n]
}

// checkBoth compares what the routines write with what Go writes, guards included.
func checkBoth(t *testing.T, what string, f func() []byte) {
	t.Helper()
	if got, want := both(f); !bytes.Equal(got, want) {
		t.Fatalf("%s: the bytes differ", what)
	}
}

// randomBlock returns coefficients and factors as files have them, or as damaged ones may.
func randomBlock(rng *rand.Rand) (block [64]int16, quant [64]int16, last int) {
	most := []int{3, 200, 2047, 32767}[rng.IntN(4)]
	factors := []int{1, 16, 255, 65535}[rng.IntN(4)]
	for i := range quant {
		quant[i] = int16(1 + rng.IntN(factors))
	}
	last = 1 + rng.IntN(63)
	for k := range last + 1 {
		if rng.IntN(3) == 0 || k == 0 {
			block[zigzag[k]] = int16(rng.IntN(2*most+1) - most)
		}
	}
	if rng.IntN(4) == 0 { // columns of one coefficient
		for i := 8; i < 64; i++ {
			if rng.IntN(8) > 0 {
				block[i] = 0
			}
		}
	}
	return block, quant, last
}

// TestSIMD compares each routine with Go, between guards and at any alignment: the transform on coefficients that overflow too,
// the others for every width up to some blocks.
func TestSIMD(t *testing.T) {
	if !simd {
		t.Skip("this processor has no routines here")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 20000 {
		block, quant, last := randomBlock(rng)
		stride := 8 + rng.IntN(3)*8
		checkBoth(t, "idct", func() []byte {
			all, out := guarded(7*stride+8, round%17)
			idct(out, stride, &block, &quant, last)
			return all
		})
	}
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
			if n%3 == 0 {
				b[i] = -(b[i] & 1)
			}
		}
		return b
	}
	for n := 3; n < 150; n++ {
		near, far, red := random(n), random(n), random(n)
		checkBoth(t, "quadruple", func() []byte {
			all, out := guarded(2*n, n%17)
			quadruple(out, near, far)
			return all
		})
		checkBoth(t, "paintYCC", func() []byte {
			all, out := guarded(3*n, n%17)
			paintYCC(out, [][]byte{near, far, red})
			return all
		})
	}
	// Every blue with every red.
	var luma, blue, red []byte
	for i := range 1 << 16 {
		luma, blue, red = append(luma, byte(i*7>>3)), append(blue, byte(i)), append(red, byte(i>>8))
	}
	checkBoth(t, "all colours", func() []byte {
		out := make([]byte, 3*len(luma))
		paintYCC(out, [][]byte{luma, blue, red})
		return out
	})
}

// FuzzIDCT compares the routine with Go on coefficients that a fuzzer makes.
func FuzzIDCT(f *testing.F) {
	f.Add(uint64(1), []byte{1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, seed uint64, coefficients []byte) {
		if !simd {
			t.Skip("this processor has no routines here")
		}
		block, quant, last := randomBlock(rand.New(rand.NewPCG(seed, 0)))
		for i := 0; i+1 < len(coefficients) && i < 128; i += 2 {
			block[i/2] = int16(uint16(coefficients[i]) | uint16(coefficients[i+1])<<8)
		}
		checkBoth(t, "idct", func() []byte {
			all, out := guarded(64, 0)
			idct(out, 8, &block, &quant, last)
			return all
		})
	})
}

// BenchmarkIDCT transforms a block.
func BenchmarkIDCT(b *testing.B) {
	block, quant, _ := randomBlock(rand.New(rand.NewPCG(1, 2)))
	var out [64]byte
	for b.Loop() {
		idct(out[:], 8, &block, &quant, 63)
	}
}

// BenchmarkPaint makes RGB of a row of 4000 pixels, 4:2:0.
func BenchmarkPaint(b *testing.B) {
	luma, chroma, double, out := make([]byte, 4000), make([]byte, 2000), make([]byte, 4000), make([]byte, 12000)
	for b.Loop() {
		quadruple(double, chroma, chroma)
		quadruple(double, chroma, chroma)
		paintYCC(out, [][]byte{luma, double, double})
	}
}
