package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPackRows packs a matrix by its rows and by its columns.
func TestPackRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, threads := range []int{1, 3} {
		x := New(nil, threads)
		for _, k := range []int{0, 1, 5, 255, 256, 257, 600} {
			for _, n := range []int{0, 1, 15, 16, 17, 100} {
				b := make([]float32, k*n)
				random(r, b)
				column := func(j int, dst []float32) {
					for i := range dst {
						dst[i] = b[i*n+j]
					}
				}
				row := func(i int, dst []float32) { copy(dst, b[i*n:]) }
				if got, want := x.PackRows(k, n, row), x.Pack(k, n, column); got.K != k || got.N != n || !slices.Equal(got.panels, want.panels) {
					t.Errorf("k=%d n=%d: other panels by rows", k, n)
				}
				for storage := BFloat16; storage <= Float16; storage++ {
					column16 := func(j int, dst []uint16) {
						for i := range dst {
							dst[i] = uint16(math.Float32bits(b[i*n+j]) >> 16)
						}
					}
					row16 := func(i int, dst []uint16) {
						for j := range dst {
							dst[j] = uint16(math.Float32bits(b[i*n+j]) >> 16)
						}
					}
					got, want := x.PackRows16(k, n, storage, row16), x.Pack16(k, n, storage, column16)
					if got.storage != storage || !slices.Equal(got.narrow, want.narrow) {
						t.Errorf("k=%d n=%d storage=%d: other panels by rows", k, n, storage)
					}
				}
			}
		}
		x.Close()
	}
}
