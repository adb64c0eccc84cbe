package kernels

import (
	"hash/fnv"
	"math"
	"testing"
)

// TestOracleHash holds the bits of the pure-Go row routines, on every architecture that runs this test: a compiler that
// fuses a product and a sum (Go does on arm64, riscv64, ppc64, s390x) would change them. The hash moves only with a
// definition.
func TestOracleHash(t *testing.T) {
	const want uint64 = 0xc36ca81bb398e9f4
	state := uint32(1)
	draw := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			state = state*1664525 + 1013904223
			x[i] = float32(int32(state)>>8) * 0x1p-20 // within ±8
		}
		return x
	}
	h := fnv.New64a()
	for _, n := range []int{1, 16, 77, 384, 1000} {
		for _, r := range rowTests() {
			a, b, c, dst := draw(n), draw(n), draw(n), draw(n)
			result := r.f(generic, dst, a, b, c)
			for _, v := range append(dst, result) {
				if v != v {
					t.Fatalf("%s: NaN", r.name)
				}
				u := math.Float32bits(v)
				h.Write([]byte{byte(u), byte(u >> 8), byte(u >> 16), byte(u >> 24)})
			}
		}
	}
	if got := h.Sum64(); got != want {
		t.Errorf("hash %#x, want %#x", got, want)
	}
}
