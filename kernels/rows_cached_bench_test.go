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
	// cycles is how many an AVX2 vector of the result takes at least on Zen 3; docs/KERNELS.md counts them. 0: memory alone
	// is the bound.
	cycles float64
	bytes  int // read and written for an element of x
	f      func(s *Set, x []float32, n int)
}

func cachedRows(gamma []float32) []cachedRow {
	state := make([]float32, 256)
	halves := RoPE{Cos: gamma, Sin: gamma, Dim: 64} // heads of 64
	pairs := halves
	pairs.Interleaved = true
	at := make([]int32, 128)
	for i := range at {
		at[i] = int32(i % (len(gamma) / 32))
	}
	list := []cachedRow{
		{"softmax", 6.5, 8, func(s *Set, x []float32, n int) {
			softmaxRows(s, &rowTask{dst: x, src: x, rows: len(x) / n, n: n, state: state}, 0, len(x)/n)
		}},
		{"layerNorm", 2.5, 8, func(s *Set, x []float32, n int) {
			s.norm(x, x, nil, &Norm{Gamma: gamma[:n], Beta: gamma[:n], Eps: 1e-12})
		}},
		{"layerNorm/add", 0, 6, func(s *Set, x []float32, n int) { // x is [m, n] and another of these
			x, r := x[:len(x)/2/n*n], x[len(x)/2/n*n:]
			s.norm(x, x, r[:len(x)], &Norm{Gamma: gamma[:n], Beta: gamma[:n], Eps: 1e-12})
		}},
		{"rmsNorm", 2, 8, func(s *Set, x []float32, n int) {
			s.norm(x, x, nil, &Norm{Gamma: gamma[:n], Eps: 1e-12, RMS: true})
		}},
		{"rotateHalves", 0, 8, func(s *Set, x []float32, n int) { s.rotate(x, n, n, 64, at[:len(x)/n], &halves) }},
		{"rotatePairs", 0, 8, func(s *Set, x []float32, n int) { s.rotate(x, n, n, 64, at[:len(x)/n], &pairs) }},
	}
	for act, cycles := range []float64{GELU: 10, GELUTanh: 8, SiLU: 6.5, QuickGELU: 7, Tanh: 6, Sigmoid: 6} {
		if cycles > 0 {
			list = append(list, cachedRow{actNames[act], cycles, 8, func(s *Set, x []float32, _ int) { s.act[act](x, x) }})
		}
	}
	return list
}

// BenchmarkCachedRows measures the row routines in place on rows [m, n] in the cache that holds them, in turn with what
// bounds them there: reading, multiplying once and writing the same memory. It reports GB/s read and written, and the
// percentages of the rate of that and, on AVX2, of the routine's own bound in cycles, of which PeakFMA gives the length.
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
					if r.cycles > 0 && set.name == "avx2" { // 32 flops a cycle
						b.ReportMetric(100*r.cycles*float64(m*n/8)*32/PeakFMA(set)/least, "%bound")
					}
					b.ReportMetric(float64(8*m*n)/memory/1e9, "GB/s-memory")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}
