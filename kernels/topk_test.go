package kernels

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// topOracle sorts the whole row.
func topOracle(row []float32) []int32 {
	ids := make([]int32, len(row))
	for i := range ids {
		ids[i] = int32(i)
	}
	slices.SortStableFunc(ids, func(i, j int32) int { return cmp.Compare(row[j], row[i]) }) // NaN is least there, too
	return ids
}

// TestTopK compares TopK and Argmax with a stable sort, on rows without order, with many ties, NaN and infinities, in
// ascending and descending order.
func TestTopK(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	rows := [][]float32{{}}
	for _, n := range []int{1, 2, 31, 32, 33, 100, 1000, 5003} {
		for kind := range 3 {
			rows = append(rows, values(rng, n, kind))
		}
		ties, up, nans := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range ties {
			ties[i] = float32(rng.IntN(5) - 2)
			if ties[i] == 0 && rng.IntN(2) == 0 {
				ties[i] = float32(math.Copysign(0, -1))
			}
			up[i] = float32(i)
			nans[i] = float32(math.NaN())
		}
		down := slices.Clone(up)
		slices.Reverse(down)
		low := slices.Repeat([]float32{float32(math.Inf(-1))}, n)
		mixed := slices.Concat(nans, low, ties, nans)
		rows = append(rows, ties, up, down, nans, low, mixed, slices.Concat(nans, low))
	}
	for _, s := range Sets() {
		x := New(s, 1)
		for r, row := range rows {
			order := topOracle(row)
			for _, k := range []int{0, 1, 2, 7, 50, len(row), len(row) + 3} {
				v, ids := make([]float32, k), make([]int32, k)
				n := x.TopK(v, ids, row)
				if n != min(k, len(row)) || !slices.Equal(ids[:n], order[:n]) {
					t.Fatalf("%s: row %d of %d, k=%d: %d: %v, want %v", s.name, r, len(row), k, n, ids[:n], order[:min(k, len(order))])
				}
				for i, id := range ids[:n] {
					equal(t, s.name+" TopK", v[i:i+1], row[id:id+1])
				}
			}
			want := -1
			if len(row) > 0 {
				want = int(order[0])
			}
			if got := x.Argmax(row); got != want {
				t.Fatalf("%s: row %d of %d: Argmax = %d, want %d", s.name, r, len(row), got, want)
			}
		}
		row, v, ids := rows[len(rows)-5], make([]float32, 50), make([]int32, 50)
		if a := testing.AllocsPerRun(5, func() { x.TopK(v, ids, row); x.Argmax(row) }); a != 0 {
			t.Errorf("%s: %v allocations", s.name, a)
		}
	}
}

// FuzzTopK compares TopK with a stable sort on drawn rows, of few different values in every other case.
func FuzzTopK(f *testing.F) {
	f.Add(uint64(1), uint16(100), uint8(5), uint32(0x7fc00000))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, k uint8, bits uint32) {
		rng := rand.New(rand.NewPCG(seed, 1))
		row := values(rng, int(n%2000), int(seed%3))
		for i := range row {
			if seed%2 == 0 {
				row[i] = edges[rng.IntN(len(edges))]
			}
			if rng.IntN(10) == 0 {
				row[i] = math.Float32frombits(bits)
			}
		}
		order := topOracle(row)
		for _, s := range Sets() {
			v, ids := make([]float32, k), make([]int32, k)
			m := New(s, 1).TopK(v, ids, row)
			if m != min(int(k), len(row)) || !slices.Equal(ids[:m], order[:m]) {
				t.Fatalf("%s: %v, want %v", s.name, ids[:m], order[:m])
			}
		}
	})
}

// BenchmarkTopK is of logits of a vocabulary, in the last-level cache.
func BenchmarkTopK(b *testing.B) {
	row := values(rand.New(rand.NewPCG(1, 1)), 151936, 0)
	for _, s := range Sets() {
		x := New(s, 1)
		for _, k := range []int{1, 50} {
			b.Run(fmt.Sprintf("impl=%s/n=%d/k=%d", s.name, len(row), k), func(b *testing.B) {
				v, ids := make([]float32, k), make([]int32, k)
				b.SetBytes(int64(4 * len(row)))
				for b.Loop() {
					x.TopK(v, ids, row)
				}
			})
		}
		b.Run(fmt.Sprintf("argmax/impl=%s/n=%d", s.name, len(row)), func(b *testing.B) {
			b.SetBytes(int64(4 * len(row)))
			for b.Loop() {
				x.Argmax(row)
			}
		})
	}
}
