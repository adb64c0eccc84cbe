package kernels

import (
	"fmt"
	"math"
	"testing"
)

// TestWiden compares both routines of every Set with the definition of the formats, for every bit pattern, and at all sizes
// and alignments with the oracle.
func TestWiden(t *testing.T) {
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	got := make([]float32, len(all))
	for _, s := range Sets() {
		x := New(s, 1)
		x.WidenBFloat16(got, all)
		for i, v := range got {
			if math.Float32bits(v) != uint32(i)<<16 {
				t.Fatalf("%s: bfloat16 %#04x is %#08x", s.name, i, math.Float32bits(v))
			}
		}
		x.WidenFloat16(got, all)
		for i, v := range got {
			exp, frac := i>>10&31, float64(i&0x3ff)
			want := math.Ldexp(frac, -24)
			switch {
			case exp == 31 && frac == 0:
				want = math.Inf(1)
			case exp == 31:
				want = math.NaN()
			case exp > 0:
				want = math.Ldexp(1024+frac, exp-25)
			}
			if i>>15 == 1 {
				want = math.Copysign(want, -1)
			}
			if !same(v, float32(want)) {
				t.Fatalf("%s: float16 %#04x is %g, want %g", s.name, i, v, want)
			}
		}
		for _, n := range sizes() {
			src := all[n*37%60000:][:n]
			for name, f := range map[string][2]func([]float32, []uint16){
				"bfloat16": {generic.widenBFloat16, s.widenBFloat16}, "float16": {generic.widenFloat16, s.widenFloat16},
			} {
				want := make([]float32, n)
				dst, intact := guarded(n, n%16)
				f[0](want, src)
				f[1](dst, src)
				equal(t, fmt.Sprintf("%s %s n=%d", s.name, name, n), dst, want)
				if err := intact(); err != nil {
					t.Fatalf("%s %s n=%d: %v", s.name, name, n, err)
				}
			}
		}
		if a := testing.AllocsPerRun(20, func() { x.WidenFloat16(got, all); x.WidenBFloat16(got, all) }); a != 0 {
			t.Errorf("%s: %v allocations", s.name, a)
		}
	}
}

func BenchmarkWiden(b *testing.B) {
	src, dst := make([]uint16, 1536), make([]float32, 1536)
	for i := range src {
		src[i] = uint16(i * 41)
	}
	for _, s := range Sets() {
		for name, f := range map[string]func([]float32, []uint16){"bfloat16": s.widenBFloat16, "float16": s.widenFloat16} {
			b.Run(fmt.Sprintf("%s/impl=%s/n=1536", name, s.name), func(b *testing.B) {
				b.SetBytes(6 * 1536)
				for b.Loop() {
					f(dst, src)
				}
			})
		}
	}
}
