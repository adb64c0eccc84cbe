package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkGemm reports GFLOP/s and the fraction of the threads' measured peak of fused multiply-adds.
func BenchmarkGemm(b *testing.B) {
	shapes := [][2]int{{384, 384}, {384, 1152}, {384, 1536}, {1536, 384}, {768, 768}, {768, 3072}, {3072, 768}}
	for _, set := range Sets() {
		if set == generic {
			continue
		}
		for _, threads := range []int{1, 2} {
			for _, m := range []int{1, 2, 4, 8, 16, 128, 512, 4096} {
				for _, kn := range shapes {
					k, n := kn[0], kn[1]
					b.Run(fmt.Sprintf("impl=%s/threads=%d/m=%d/n=%d/k=%d", set.Name(), threads, m, n, k), func(b *testing.B) {
						x := New(set, threads)
						defer x.Close()
						r := rand.New(rand.NewPCG(1, 2))
						w := x.Pack(k, n, func(_ int, dst []float32) { clear(dst) })
						a, c, bias := make([]float32, m*k), make([]float32, m*n), make([]float32, n)
						random(r, a)
						for b.Loop() {
							x.Gemm(c, n, a, k, m, w, Epilogue{Bias: bias})
						}
						speed := 2 * float64(m) * float64(n) * float64(k) * float64(b.N) / b.Elapsed().Seconds()
						b.ReportMetric(speed/1e9, "GFLOP/s")
						b.ReportMetric(100*speed/(float64(threads)*PeakFMA(set)), "%peak")
						b.ReportMetric(0, "ns/op")
					})
				}
			}
		}
	}
}

// BenchmarkWeights reports GFLOP/s of products with stored weights, and the fraction of what bounds them: for one row, of the
// bandwidth at which the threads read as many bytes as the weights are; for more, of the peak.
func BenchmarkWeights(b *testing.B) {
	for _, set := range Sets() {
		if set == generic {
			continue
		}
		for _, threads := range []int{1, 2} {
			for _, s := range []struct{ m, k, n int }{{1, 4096, 6144}, {4, 4096, 6144}, {128, 768, 3072}} {
				for storage := Float32; storage <= Float16; storage++ {
					for _, gated := range []bool{false, true} {
						name := fmt.Sprintf("impl=%s/threads=%d/m=%d/n=%d/k=%d/storage=%d/gated=%v", set.Name(), threads, s.m, s.n, s.k,
							storage, gated)
						b.Run(name, func(b *testing.B) { benchmarkWeights(b, set, threads, s.m, s.k, s.n, storage, gated) })
					}
				}
			}
		}
	}
}

func benchmarkWeights(b *testing.B, set *Set, threads, m, k, n int, storage Storage, gated bool) {
	x := New(set, threads)
	defer x.Close()
	e, size, matrices := Epilogue{}, 4, 1
	if gated {
		e.Act, n, matrices = SiLU, n/2, 2 // as many weights
	}
	column := make([]float32, k)
	random(rand.New(rand.NewPCG(1, 2)), column)
	column16 := []uint16(nil)
	var w *Weights
	wide, narrow := func(_ int, dst []float32) { copy(dst, column) }, func(_ int, dst []uint16) { copy(dst, column16) }
	if storage != Float32 {
		size, column16 = 2, narrowed(column, storage)
	}
	switch {
	case storage == Float32 && gated:
		w = x.PackGated(k, n, wide, wide)
	case storage == Float32:
		w = x.Pack(k, n, wide)
	case gated:
		w = x.PackGated16(k, n, storage, narrow, narrow)
	default:
		w = x.Pack16(k, n, storage, narrow)
	}
	a, c := make([]float32, m*k), make([]float32, m*n)
	random(rand.New(rand.NewPCG(3, 4)), a)
	bytes := size * matrices * k * n
	all := Buffer(bytes / 4)
	random(rand.New(rand.NewPCG(1, 2)), all) // or they would be one page of zeros
	best, read := time.Duration(1<<62), 0.0
	for b.Loop() {
		start := time.Now()
		x.Gemm(c, n, a, k, m, w, e)
		best = min(best, time.Since(start))
		if m == 1 { // beside every product, and as often at least: others may use the memory, too
			read = max(read, x.ReadBandwidth(all))
		}
	}
	speed := 2 * float64(m) * float64(matrices) * float64(n) * float64(k) / best.Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(speed/1e9, "GFLOP/s")
	b.ReportMetric(100*speed/(float64(threads)*PeakFMA(set)), "%peak")
	if m == 1 {
		b.ReportMetric(100*float64(bytes)/best.Seconds()/read, "%read")
		b.ReportMetric(float64(bytes)/best.Seconds()/1e9, "GB/s")
	}
}

// BenchmarkAttention reports GFLOP/s of the two products of an attention, and the fraction of the peak.
func BenchmarkAttention(b *testing.B) {
	for _, set := range Sets() {
		if set == generic {
			continue
		}
		for _, threads := range []int{1, 2} {
			for _, d := range []int{32, 64} {
				for _, n := range []int{16, 128, 512, 2048} {
					b.Run(fmt.Sprintf("impl=%s/threads=%d/d=%d/s=%d", set.Name(), threads, d, n), func(b *testing.B) {
						attentionBench(b, set, threads, d, n, false)
					})
					b.Run(fmt.Sprintf("impl=%s/threads=%d/d=%d/s=%d/causal", set.Name(), threads, d, n), func(b *testing.B) {
						attentionBench(b, set, threads, d, n, true)
					})
				}
			}
		}
	}
}

// attentionBench measures attention of 12 heads, whose flops are half as many if it is causal.
func attentionBench(b *testing.B, set *Set, threads, d, n int, causal bool) {
	x := New(set, threads)
	defer x.Close()
	p := &Attn{Heads: 12, KVHeads: 12, HeadDim: d, Scale: 0.125, Causal: causal}
	h := p.Heads * d
	qkv, out, starts := make([]float32, n*3*h), make([]float32, n*h), []int32{0, int32(n)}
	random(rand.New(rand.NewPCG(1, 2)), qkv)
	for b.Loop() {
		x.Attention(out, h, qkv, 3*h, qkv[h:], qkv[2*h:], 3*h, starts, p)
	}
	speed := 4 * float64(n*n*h) * float64(b.N) / b.Elapsed().Seconds()
	if causal {
		speed /= 2
	}
	b.ReportMetric(speed/1e9, "GFLOP/s")
	b.ReportMetric(100*speed/(float64(threads)*PeakFMA(set)), "%peak")
}

// BenchmarkDecode reports how fast attention of one token reads the keys and values of a KV, in bytes a second, and the
// fraction of the read bandwidth of one thread, or of the sum over the threads, for as much memory.
func BenchmarkDecode(b *testing.B) {
	for _, set := range Sets() {
		if set == generic {
			continue
		}
		for _, threads := range []int{1, 2} {
			for _, c := range []struct {
				typ                  KVType
				heads, kvHeads, d, n int
			}{
				{KVFloat32, 12, 12, 64, 2048}, {KVFloat32, 12, 12, 64, 8192}, {KVFloat32, 8, 8, 128, 32768},
				{KVFloat32, 32, 8, 128, 2048}, {KVFloat32, 32, 8, 128, 8192}, {KVBFloat16, 12, 12, 64, 8192},
				{KVBFloat16, 32, 8, 128, 2048}, {KVBFloat16, 32, 8, 128, 8192}, {KVFloat32, 4, 1, 128, 8192},
			} {
				name := fmt.Sprintf("impl=%s/threads=%d/type=%d/heads=%d,%d/d=%d/keys=%d", set.Name(), threads, c.typ, c.heads,
					c.kvHeads, c.d, c.n)
				b.Run(name, func(b *testing.B) {
					x := New(set, threads)
					defer x.Close()
					p := &Attn{Heads: c.heads, KVHeads: c.kvHeads, HeadDim: c.d, Scale: 0.125, Causal: true}
					kv, width := x.NewKV(c.kvHeads, c.d, c.typ, 0), c.kvHeads*c.d
					rows := make([]float32, 512*width)
					random(rand.New(rand.NewPCG(1, 2)), rows)
					for i := 0; i < c.n; i += 512 {
						kv.Append(rows, rows, width, 512)
					}
					q, out := make([]float32, c.heads*c.d), make([]float32, c.heads*c.d)
					kvs, starts := []*KV{kv}, []int32{0, 1}
					for b.Loop() {
						x.AttentionKV(out, len(q), q, len(q), starts, kvs, p)
					}
					bytes := float64(KVBytes(c.kvHeads, c.d, c.typ, 0, c.n, 1))
					speed := bytes * float64(b.N) / b.Elapsed().Seconds()
					b.ReportMetric(speed/1e9, "GB/s")
					all := Buffer(int(bytes) / 4)
					random(rand.New(rand.NewPCG(1, 2)), all) // or they would be one page of zeros
					b.ReportMetric(100*speed/(float64(threads)*ReadBandwidth(set, all)), "%read")
				})
			}
		}
	}
}
