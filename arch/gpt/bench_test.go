package gpt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/tensor"
)

// benchModels are the shapes of real models, with random weights.
var benchModels = []struct {
	name, modelType, fields string
	stored                  tensor.DType
}{
	{"smollm2-135m", "llama", `"vocab_size": 49152, "hidden_size": 576, "num_hidden_layers": 30, "num_attention_heads": 9,
		"num_key_value_heads": 3, "intermediate_size": 1536, "max_position_embeddings": 8192, "tie_word_embeddings": true,
		"rms_norm_eps": 1e-5, "rope_theta": 100000`, tensor.BF16},
	{"smollm2-135m-f16", "llama", `"vocab_size": 49152, "hidden_size": 576, "num_hidden_layers": 30, "num_attention_heads": 9,
		"num_key_value_heads": 3, "intermediate_size": 1536, "max_position_embeddings": 8192, "tie_word_embeddings": true,
		"rms_norm_eps": 1e-5, "rope_theta": 100000`, tensor.F16},
	{"smollm2-135m-f32", "llama", `"vocab_size": 49152, "hidden_size": 576, "num_hidden_layers": 30, "num_attention_heads": 9,
		"num_key_value_heads": 3, "intermediate_size": 1536, "max_position_embeddings": 8192, "tie_word_embeddings": true,
		"rms_norm_eps": 1e-5, "rope_theta": 100000`, tensor.F32},
	{"gpt2", "gpt2", `"vocab_size": 50257`, tensor.F32},
}

// forModels runs a benchmark for each of the models on one and two threads.
func forModels(b *testing.B, run func(b *testing.B, m *CausalLM, stored tensor.DType)) {
	for _, s := range benchModels {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("model=%s/threads=%d", s.name, threads), func(b *testing.B) {
				x := kernels.New(nil, threads)
				defer x.Close()
				run(b, newDecoder(b, x, s.modelType, s.fields, s.stored), s.stored)
			})
		}
	}
}

// weights returns the number of weights of a layer: those of queries, keys and values, the others, and those of the head.
func (m *CausalLM) weights() (qkv, rest, head int) {
	c := m.c
	rest = c.Hidden*c.HeadDim*c.Heads + 2*c.Hidden*c.Inner
	if c.Gated {
		rest += c.Hidden * c.Inner
	}
	return c.Hidden * c.HeadDim * (c.Heads + 2*c.KVHeads), rest, c.WordDim * c.Vocab
}

// BenchmarkDecode reports the rate of tokens that come one by one, the bytes of weights, keys and values that this reads, and
// the share of the bandwidth at which the threads read as many, measured in the same run. The best of many tokens counts.
func BenchmarkDecode(b *testing.B) {
	forModels(b, func(b *testing.B, m *CausalLM, stored tensor.DType) {
		for _, context := range []int{128, 2048, 8000} {
			if context >= m.limits.MaxTokens {
				continue
			}
			for _, cacheType := range []kernels.KVType{kernels.KVFloat32, kernels.KVBFloat16} {
				o := arch.CacheOptions{BFloat16: cacheType == kernels.KVBFloat16}
				b.Run(fmt.Sprintf("context=%d/cache=%d", context, cacheType), func(b *testing.B) { benchmarkDecode(b, m, stored, o, context) })
			}
		}
	})
}

func benchmarkDecode(b *testing.B, m *CausalLM, stored tensor.DType, o arch.CacheOptions, context int) {
	c := m.newCache(o)
	c.Reserve(context + 1)
	size := m.c.KVHeads * m.c.HeadDim
	some := randomTensor(rand.New(rand.NewPCG(1, 2)), tensor.F32, []int{context, size}).Data
	for _, kv := range c.layers {
		kv.Append(some, some, size, context)
	}
	var ws tensor.Workspace
	qkv, rest, head := m.weights()
	bytes := (m.c.Layers*(qkv+rest) + head) * stored.Bits() / 8
	kv := 4 * 2 * m.c.Layers * m.c.KVHeads * m.c.HeadDim * context
	if o.BFloat16 {
		kv /= 2
	}
	all := make([]float32, bytes/4)
	for i := range all {
		all[i] = 1 // or they would be one page of zeros
	}
	caches, ids := []arch.Cache{c}, [][]int32{{1}}
	var times []time.Duration
	read := 0.0
	for b.Loop() {
		for range 10 {
			ws.Reset()
			c.Truncate(context)
			start := time.Now()
			m.Continue(&ws, caches, ids, false)
			times = append(times, time.Since(start))
		}
		read = max(read, m.x.ReadBandwidth(all))
	}
	slices.Sort(times)
	best, median := times[0].Seconds(), times[len(times)/2].Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(1/best, "tokens/s")
	b.ReportMetric(1/median, "median-tokens/s")
	b.ReportMetric(float64(bytes+kv)/best/1e9, "GB/s")
	b.ReportMetric(100*float64(bytes+kv)/best/read, "%read")
}

// BenchmarkPrefill reports the rate of tokens of a prompt, and the share of the peak of fused multiply-adds.
func BenchmarkPrefill(b *testing.B) {
	forModels(b, func(b *testing.B, m *CausalLM, _ tensor.DType) {
		for _, n := range []int{16, 128, 512} {
			b.Run(fmt.Sprintf("tokens=%d", n), func(b *testing.B) {
				c := m.NewCache(arch.CacheOptions{})
				c.Reserve(n)
				caches, ids := []arch.Cache{c}, [][]int32{randomIDs(m.c.Vocab, n)}
				var ws tensor.Workspace
				best, peak := time.Duration(1<<62), 0.0
				for b.Loop() {
					ws.Reset()
					c.Truncate(0)
					start := time.Now()
					m.Continue(&ws, caches, ids, false)
					best = min(best, time.Since(start))
					peak = max(peak, m.x.PeakFMA())
				}
				qkv, rest, head := m.weights()
				attention := 2 * m.c.Heads * m.c.HeadDim
				all := n*(qkv+rest) + attention*n*(n+1)/2
				last := n*qkv + rest + attention*n // only one token goes through the last layer as a whole
				flops := 2 * float64((m.c.Layers-1)*all+last+head)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(n)/best.Seconds(), "tokens/s")
				b.ReportMetric(flops/best.Seconds()/1e9, "GFLOP/s")
				b.ReportMetric(100*flops/best.Seconds()/peak, "%peak")
			})
		}
	})
}
