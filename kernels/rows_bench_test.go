package kernels

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// BenchmarkRows reports GB/s, read and written, of every row routine on rows that stay in the first cache.
func BenchmarkRows(b *testing.B) {
	const n = 1536
	rng := rand.New(rand.NewPCG(1, 1))
	in := [4][]float32{values(rng, n, 0), values(rng, n, 0), values(rng, n, 0), make([]float32, n)}
	for _, r := range rowTests() {
		for _, s := range Sets() {
			b.Run(fmt.Sprintf("%s/impl=%s/n=%d", r.name, s.name, n), func(b *testing.B) {
				arrays := r.inputs // read, and dst written
				if r.inPlace || r.reads && !slices.Contains([]string{"rowMax", "dot", "above", "above/none"}, r.name) {
					arrays++
				}
				b.SetBytes(int64(4 * n * arrays))
				for b.Loop() {
					sink = r.f(s, in[3], in[0], in[1], in[2])
				}
			})
		}
	}
}
