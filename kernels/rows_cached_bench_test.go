package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// fastest returns the least time of f and of g, in seconds, which run in turn n times.
func fastest(n int, f, g func()) (least, leastG float64) {
	least, leastG = 1, 1
	for range n {
		start := time.Now()
		f()
		middle := time.Now()
		g()
		least = min(least, middle.Sub(start).Seconds())
		leastG = min(leastG, time.Since(middle).Seconds())
	}
	return least, leastG
}

// A cachedRow is a routine on rows [m, n] in place, as BenchmarkCachedRows calls it.
type cachedRow struct {
	name string
	// slots is how many places in the two pipes of multiplications an AVX2 vector of the result takes at least: products,
	// multiply-adds, and two for a division. 0: memory is the bound.
	slots float64
	bytes int // read and written for an element of x
	f     func(s *Set, x []float32, n int)
}

func cachedRows(gamma []float32) []cachedRow {
	list := []cachedRow{
		{"softmax", 11, 8, func(s *Set, x []float32, n int) {
			softmaxRows(s, &rowTask{dst: x, src: x, n: n}, 0, len(x)/n)
		}},
		{"layerNorm", 0, 8, func(s *Set, x []float32, n int) {
			s.norm(x, x, nil, &Norm{Gamma: gamma[:n], Beta: gamma[:n], Eps: 1e-12})
		}},
		{"layerNorm/add", 0, 6, func(s *Set, x []float32, n int) { // x is [m, n] and another of these
			x, r := x[:len(x)/2/n*n], x[len(x)/2/n*n:]
			s.norm(x, x, r[:len(x)], &Norm{Gamma: gamma[:n], Beta: gamma[:n], Eps: 1e-12})
		}},
		{"rmsNorm", 0, 8, func(s *Set, x []float32, n int) {
			s.norm(x, x, nil, &Norm{Gamma: gamma[:n], Eps: 1e-12, RMS: true})
		}},
		{"rotateHalves", 0, 8, func(s *Set, x []float32, n int) { rotateHeads(s.rotateHalves, x, n, gamma) }},
		{"rotatePairs", 0, 8, func(s *Set, x []float32, n int) { rotateHeads(s.rotatePairs, x, n, gamma) }},
	}
	for act, slots := range map[Activation]float64{GELU: 20, GELUTanh: 16, SiLU: 13, QuickGELU: 14, Tanh: 13, Sigmoid: 12} {
		list = append(list, cachedRow{actNames[act], slots, 8, func(s *Set, x []float32, _ int) { s.act[act](x, x) }})
	}
	return list
}

// rotateHeads rotates the heads of 64 in rows of n.
func rotateHeads(rotate func(x []float32, headDim int, cos, sin []float32), x []float32, n int, table []float32) {
	for i := 0; i < len(x); i += n {
		at := i / n * 32 % (len(table) - 32)
		rotate(x[i:i+n], 64, table[at:at+32], table[at:at+32])
	}
}

// BenchmarkCachedRows measures the row routines in place on rows [m, n] in the cache that holds them, in turn with what
// bounds them there: reading, multiplying once and writing the same memory. It reports GB/s read and written, the percentage
// of that bound, and that of the routine's own bound by multiply-adds, from the measured peak.
func BenchmarkCachedRows(b *testing.B) {
	gamma := make([]float32, 4096)
	for i := range gamma {
		gamma[i] = 1
	}
	for _, set := range otherSets() {
		for _, shape := range [][2]int{{128, 384}, {32, 1536}, {128, 1536}} {
			m, n := shape[0], shape[1]
			for _, r := range cachedRows(gamma) {
				b.Run(fmt.Sprintf("%s/impl=%s/m=%d/n=%d", r.name, set.name, m, n), func(b *testing.B) {
					x, y := aligned(m*n), aligned(m*n)
					copy(x, values(rand.New(rand.NewPCG(1, 1)), m*n, 0))
					least, memory := 1.0, 1.0
					for b.Loop() {
						l, c := fastest(20, func() { r.f(set, x, n) }, func() { set.scale(y, y, 1) })
						least, memory = min(least, l), min(memory, c)
					}
					b.ReportMetric(float64(r.bytes*m*n)/least/1e9, "GB/s")
					b.ReportMetric(100*memory/least*float64(r.bytes)/8, "%memory")
					if r.slots > 0 { // a slot does 16 flops, or would as a multiply-add
						b.ReportMetric(100*r.slots*float64(2*m*n)/PeakFMA(set)/least, "%fma")
					}
					b.ReportMetric(float64(8*m*n)/memory/1e9, "GB/s-memory")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}
