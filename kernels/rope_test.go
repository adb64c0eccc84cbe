package kernels

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestRotate compares Rotate, on every Set and several threads, with the rotation in float64, element by element, and holds
// that the elements beyond Dim and between rows stay as they are.
func TestRotate(t *testing.T) {
	const tokens, heads, positions = 70, 6, 20
	rng := rand.New(rand.NewPCG(1, 2))
	for _, p := range []RoPE{{Dim: 96}, {Dim: 64}, {Dim: 32}, {Dim: 18}, {Dim: 96, Interleaved: true},
		{Dim: 22, Interleaved: true}} {
		const headDim, lda = 96, heads*96 + 5
		half := p.Dim / 2
		angle := make([]float64, positions*half)
		p.Cos, p.Sin = make([]float32, len(angle)), make([]float32, len(angle))
		for i := range angle {
			angle[i] = rng.Float64() * 100
			p.Cos[i], p.Sin[i] = float32(math.Cos(angle[i])), float32(math.Sin(angle[i]))
		}
		at := make([]int32, tokens)
		for i := range at {
			at[i] = rng.Int32N(positions)
		}
		src := values(rng, tokens*lda-5, 0)
		first := make([]float32, len(src))
		for i, x := range execs(t) {
			got := make([]float32, len(src))
			copy(got, src)
			x.Rotate(got, lda, heads, headDim, at, &p)
			if i == 0 {
				copy(first, got)
			}
			equal(t, x.set.name+" Rotate", got, first)
			if n := testing.AllocsPerRun(20, func() { x.Rotate(got, lda, heads, headDim, at, &p) }); n != 0 {
				t.Errorf("%s Rotate: %v allocations on %d threads", x.set.name, n, x.Threads())
			}
		}
		for i := range src {
			token, c := i/lda, i%lda
			want := float64(src[i])
			if d := c % headDim; c < heads*headDim && d < p.Dim {
				pair, other, sign := d%half, i+half, -1.0
				if d >= half {
					other, sign = i-half, 1
				}
				if p.Interleaved {
					pair, other, sign = d/2, i+1, -1
					if d%2 == 1 {
						other, sign = i-1, 1
					}
				}
				a := angle[int(at[token])*half+pair]
				want = want*math.Cos(a) + sign*float64(src[other])*math.Sin(a)
				size := math.Abs(float64(src[i])) + math.Abs(float64(src[other]))
				if e := math.Abs(float64(first[i]) - want); !(e <= 3*0x1p-24*size) { // cos, a product, the sum
					t.Fatalf("%d of %d, interleaved %v: [%d] = %g, want %g", p.Dim, headDim, p.Interleaved, i, first[i], want)
				}
			} else if first[i] != src[i] {
				t.Fatalf("%d of %d: [%d] = %g, was %g", p.Dim, headDim, i, first[i], src[i])
			}
		}
	}
}

// TestRotatePanics holds the checks of Rotate.
func TestRotatePanics(t *testing.T) {
	x := New(generic, 1)
	table := make([]float32, 10)
	for want, f := range map[string]func(){
		"position 5 of 5":  func() { x.Rotate(table, 4, 1, 4, []int32{5}, &RoPE{Cos: table, Sin: table, Dim: 4}) },
		"position -1 of 5": func() { x.Rotate(table, 4, 1, 4, []int32{-1}, &RoPE{Cos: table, Sin: table, Dim: 4}) },
		"3 of 4 elements":  func() { x.Rotate(table, 4, 1, 4, []int32{0}, &RoPE{Cos: table, Sin: table, Dim: 3}) },
		"2 tokens of 8": func() {
			x.Rotate(table, 8, 2, 4, []int32{0, 1}, &RoPE{Cos: table, Sin: table, Dim: 4})
		},
	} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, want) {
					t.Errorf("panic %q, want one with %q", got, want)
				}
			}()
			f()
		}()
	}
}
