package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestWeigh compares weigh of every Set with the definition: rows of every length, that stay equal or grow, with numbers, with some
// that are special, and with some far below the others.
func TestWeigh(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	const rows = 5
	for _, s := range otherSets() {
		for n := 1; n < 200; n++ {
			for kind := range 3 {
				for _, grow := range []int{0, 1, 16} {
					ld := padded(n+(rows-1)*grow) + 16*(n%2)
					size := (rows-1)*ld + padded(n+(rows-1)*grow)
					x := values(r, size, kind)
					if kind == 2 && n%2 == 0 {
						x = values(r, size, 0)
						for range 1 + n/40 {
							x[r.IntN(len(x))] = float32(math.Inf(-1))
						}
						x[r.IntN(len(x))] += 300
					}
					want := append([]float32(nil), x...)
					got, check := guarded(size, n%16)
					copy(got, x)
					var m, l, wantM, wantL [rows]float32
					s.weigh(l[:], m[:], got, ld, n, grow)
					generic.weigh(wantL[:], wantM[:], want, ld, n, grow)
					what := fmt.Sprintf("%s: rows of %d, and %d more, kind %d", s.name, n, grow, kind)
					equal(t, what+": maxima", m[:], wantM[:])
					equal(t, what+": sums", l[:], wantL[:])
					for i := range rows {
						at, end := i*ld, i*ld+n+i*grow
						equal(t, fmt.Sprintf("%s: row %d", what, i), got[at:end], want[at:end])
						if i < rows-1 {
							equal(t, what+": between rows", got[end:(i+1)*ld], x[end:(i+1)*ld])
						}
					}
					if err := check(); err != nil {
						t.Fatalf("%s: %v", what, err)
					}
				}
			}
		}
	}
}

// TestFolds compares folds of every Set with the definition, in rows of every length, apart or one after the other.
func TestFolds(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, s := range otherSets() {
		for n := range 100 {
			for rows := range 4 {
				for _, gap := range []int{0, 5} {
					ld := n + gap
					size := max(0, rows*ld-gap)
					src, factors, scale := values(r, size, 0), values(r, 2*rows, 0), values(r, rows, 0)
					want := values(r, size, 1)
					got, check := guarded(size, n%16)
					copy(got, want)
					s.folds(got, ld, src, ld, n, factors, scale)
					generic.folds(want, ld, src, ld, n, factors, scale)
					what := fmt.Sprintf("%s: %d rows of %d, %d apart", s.name, rows, n, gap)
					equal(t, what, got, want)
					if err := check(); err != nil {
						t.Fatalf("%s: %v", what, err)
					}
				}
			}
		}
	}
}
