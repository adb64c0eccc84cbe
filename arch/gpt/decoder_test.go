package gpt

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/internal/race"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/tensor"
)

var _ arch.Decoder = (*CausalLM)(nil)

// smallWith returns the fields of small and others.
func smallWith(fields string) string {
	if fields == "" {
		return small
	}
	return small + ", " + fields
}

// newDecoder returns a decoder of random weights.
func newDecoder(t testing.TB, x *kernels.Exec, modelType, fields string, stored tensor.DType) *CausalLM {
	t.Helper()
	m, ok := newTestModel(t, x, modelType, fields+`, "architectures": ["ForCausalLM"]`, stored).(*CausalLM)
	if !ok {
		t.Fatalf("%s is no decoder", modelType)
	}
	return m
}

// randomIDs returns ids below n.
func randomIDs(n, length int) []int32 {
	rng := rand.New(rand.NewPCG(7, 8))
	ids := make([]int32, length)
	for i := range ids {
		ids[i] = rng.Int32N(int32(n))
	}
	return ids
}

// allLogits returns the logits of each token without a cache.
func allLogits(m *CausalLM, ids []int32) []float32 {
	var b arch.Batch
	b.Append(ids, nil, m.Limits().Rule)
	var ws tensor.Workspace
	return m.logits(&ws, m.Encode(&ws, &b)).Data
}

// prefill appends ids to the cache in chunks, and returns the logits of each token.
func prefill(m *CausalLM, c arch.Cache, ids []int32, chunk int) []float32 {
	var logits []float32
	var ws tensor.Workspace
	for part := range slices.Chunk(ids, chunk) {
		ws.Reset()
		logits = append(logits, m.Continue(&ws, []arch.Cache{c}, [][]int32{part}, true).Data...)
	}
	return logits
}

// variants are models in which what a cache has to do with differs.
var variants = []struct{ name, modelType, fields string }{
	{"llama/gqa", "llama", `"num_key_value_heads": 1`},
	{"mistral/window", "mistral", `"sliding_window": 5`},
	{"gemma2", "gemma2", `"sliding_window": 3, "attn_logit_softcapping": 3.0, "final_logit_softcapping": 2.0`},
	{"gemma3/ropes", "gemma3_text", `"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 4`},
	{"falcon/alibi", "falcon", `"alibi": true`},
	{"falcon/new", "falcon", `"new_decoder_architecture": true, "num_kv_heads": 1, "ffn_hidden_size": 20`},
	{"phi3/longrope", "phi3", `"rope_scaling": {"type": "longrope", "short_factor": [1, 1.1, 1.2, 1.3],
		"long_factor": [2, 3, 4, 5]}, "original_max_position_embeddings": 11`},
	{"llama/dynamic", "llama", `"rope_scaling": {"type": "dynamic", "factor": 2}, "max_position_embeddings": 11`},
	{"olmo2", "olmo2", `"attention_bias": true`},
	{"opt/post_norm", "opt", `"do_layer_norm_before": false, "word_embed_proj_dim": 12, "ffn_dim": 20`},
	{"bloom/post_norm", "bloom", `"apply_residual_connection_post_layernorm": true, "n_head": 3, "n_layer": 2`},
	{"qwen2_moe", "qwen2_moe", `"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 12,
		"shared_expert_intermediate_size": 12`},
	{"gpt2/scaled", "gpt2", `"scale_attn_by_inverse_layer_idx": true`},
}

// TestContinue compares logits, bit for bit: of a whole text without a cache, in one piece, in chunks, beside others, after
// a text that was cut off; on several threads and Sets, with weights of float32 and bfloat16, and caches of both.
func TestContinue(t *testing.T) {
	list := slices.Clone(variants)
	for modelType := range families {
		if !testing.Short() { // the models of testdata are continued as well, on one Set
			list = append(list, struct{ name, modelType, fields string }{modelType, modelType, `"pad_token_id": 0`})
		}
	}
	ids := randomIDs(40, 23)
	for _, v := range list {
		fields := smallWith(v.fields)
		for _, stored := range []tensor.DType{tensor.F32, tensor.BF16} {
			if testing.Short() && stored == tensor.F32 {
				continue
			}
			want := map[bool][]float32{}
			for _, set := range kernels.Sets() {
				threads := []int{1, 2, 5}
				if testing.Short() {
					threads = []int{2}
				} else if set.Name() == "generic" { // which is slow
					threads = threads[:1]
				}
				for _, threads := range threads {
					x := kernels.New(set, threads)
					m := newDecoder(t, x, v.modelType, fields, stored)
					name := fmt.Sprintf("%s, %v, %s, %d threads", v.name, stored, set.Name(), threads)
					same := func(what string, got, want []float32) {
						t.Helper()
						if !slices.Equal(got, want) {
							t.Errorf("%s, %s: other bits", name, what)
						}
					}
					plain := allLogits(m, ids)
					if want[false] == nil {
						want[false] = plain
					}
					same("without a cache", plain, want[false])
					for _, o := range []arch.CacheOptions{{}, {BFloat16: true, Chunk: 30}} {
						fresh := func() arch.Cache {
							c := m.NewCache(o)
							c.Expect(len(ids))
							return c
						}
						whole := prefill(m, fresh(), ids, 23)
						if want[o.BFloat16] == nil {
							want[o.BFloat16] = whole
						}
						same(fmt.Sprintf("%+v, in one piece", o), whole, want[o.BFloat16])
						same(fmt.Sprintf("%+v, one by one", o), prefill(m, fresh(), ids, 1), whole)
						testSeries(t, m, fresh, ids, whole, fmt.Sprintf("%s, %+v", name, o))
					}
					x.Close()
				}
			}
		}
	}
}

// testSeries takes a text in chunks of 7, of which the second and third are beside other texts, cuts it, and continues it.
func testSeries(t *testing.T, m *CausalLM, fresh func() arch.Cache, ids []int32, want []float32, name string) {
	t.Helper()
	vocab := m.c.Vocab
	var ws tensor.Workspace
	c, left, right := fresh(), fresh(), fresh()
	m.Continue(&ws, []arch.Cache{c}, [][]int32{ids[:7]}, false)
	out := m.Continue(&ws, []arch.Cache{left, c, right}, [][]int32{ids[3:4], ids[7:14], ids[:9]}, true)
	if !slices.Equal(out.Data[vocab:8*vocab], want[7*vocab:14*vocab]) || !slices.Equal(out.Data[8*vocab:], want[:9*vocab]) {
		t.Errorf("%s: beside others: other bits", name)
	}
	out = m.Continue(&ws, []arch.Cache{c, left}, [][]int32{ids[14:21], ids[5:6]}, false)
	if !slices.Equal(out.Row(0), want[20*vocab:21*vocab]) {
		t.Errorf("%s: the last token's: other bits", name)
	}
	if !c.Truncate(12) || c.Len() != 12 {
		t.Fatalf("%s: cut to 12 tokens, it has %d", name, c.Len())
	}
	out = m.Continue(&ws, []arch.Cache{c}, [][]int32{ids[12:23]}, true)
	if !slices.Equal(out.Data, want[12*vocab:]) {
		t.Errorf("%s: after a text that was cut: other bits", name)
	}
	c.Truncate(0)
	c.Expect(len(ids))
	out = m.Continue(&ws, []arch.Cache{c}, [][]int32{ids[:5]}, true)
	if !slices.Equal(out.Data, want[:5*vocab]) {
		t.Errorf("%s: in an emptied cache: other bits", name)
	}
}

// TestContinueModels does so for the models of testdata, and those of GODWIT_GOLDEN.
func TestContinueModels(t *testing.T) {
	roots := []string{filepath.Join("..", "..", "testdata")}
	if dir := os.Getenv("GODWIT_GOLDEN"); dir != "" {
		roots = append(roots, dir)
	}
	tested := 0
	for _, root := range roots {
		for modelType := range families {
			folders, err := filepath.Glob(filepath.Join(root, "models", modelType, "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, folder := range folders {
				m, ok := openFolder(t, folder).(*CausalLM)
				if !ok {
					continue
				}
				tested++
				ids := randomIDs(m.c.Vocab, min(23, m.limits.MaxTokens))
				want := allLogits(m, ids)
				for _, chunk := range []int{1, 7, len(ids)} {
					c := m.NewCache(arch.CacheOptions{})
					c.Expect(len(ids))
					if !slices.Equal(prefill(m, c, ids, chunk), want) {
						t.Errorf("%s: in chunks of %d: other bits", folder, chunk)
					}
				}
			}
		}
	}
	if tested < 10 {
		t.Errorf("%d models", tested)
	}
}

// TestContinueTogether continues sequences on several goroutines.
func TestContinueTogether(t *testing.T) {
	x := kernels.New(nil, 2)
	defer x.Close()
	ids := randomIDs(40, 30)
	for _, v := range variants {
		m := newDecoder(t, x, v.modelType, smallWith(v.fields+`, "vocab_size": 40`), tensor.BF16)
		run := func() []float32 {
			c := m.NewCache(arch.CacheOptions{})
			c.Expect(len(ids))
			return prefill(m, c, ids, 4)
		}
		want := run()
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if !slices.Equal(run(), want) {
					t.Errorf("%s: other bits", v.name)
				}
			})
		}
		all.Wait()
	}
}

// TestCopyFrom goes on with copies of a cache, side by side and by different tokens: the bits are those of each alone.
func TestCopyFrom(t *testing.T) {
	x := kernels.New(nil, 2)
	defer x.Close()
	ids := randomIDs(40, 60)
	for _, v := range variants {
		m := newDecoder(t, x, v.modelType, smallWith(v.fields+`, "vocab_size": 40`), tensor.BF16)
		ends := [][]int32{ids[20:21], ids[21:25], ids[25:26]}
		caches, want := make([]arch.Cache, len(ends)), make([][]float32, len(ends))
		first := m.NewCache(arch.CacheOptions{})
		first.Expect(24)
		prefill(m, first, ids[:20], 9)
		for i, end := range ends {
			alone := m.NewCache(arch.CacheOptions{})
			alone.Expect(24)
			all := prefill(m, alone, slices.Concat(ids[:20], end), 20)
			want[i] = all[len(all)-40:]
			caches[i] = m.NewCache(arch.CacheOptions{})
			if i > 0 {
				prefill(m, caches[i], ids[40:40+9*i], 10)
			}
			caches[i].CopyFrom(first)
		}
		var ws tensor.Workspace
		got := m.Continue(&ws, caches, ends, false)
		for i := range ends {
			if !slices.Equal(got.Row(i), want[i]) {
				t.Errorf("%s: copy %d: other bits", v.name, i)
			}
		}
	}
}

// TestContinueLong goes over the pages of a KV: in chunks, with windows that drop pages, beside others.
func TestContinueLong(t *testing.T) {
	const tokens = 1300
	if set, err := kernels.Default(); testing.Short() && err == nil && set.Name() == "generic" {
		t.Skip("takes a minute in pure Go")
	}
	for _, v := range []struct{ modelType, fields string }{
		{"llama", `"num_key_value_heads": 1`},
		{"llama", `"hidden_size": 96, "intermediate_size": 3000`}, // threads share the product with one row
		{"gemma2", `"sliding_window": 100, "attn_logit_softcapping": 3.0`},
		{"mistral", `"sliding_window": 520`},
		{"bloom", `"n_head": 3, "n_layer": 2`},
		{"falcon", `"alibi": true`},
		{"phi3", `"rope_scaling": {"type": "longrope", "short_factor": [1, 1.1, 1.2, 1.3], "long_factor": [2, 3, 4, 5]},
			"original_max_position_embeddings": 600`},
	} {
		ids := randomIDs(40, tokens)
		for _, threads := range []int{1, 2, 5} {
			if testing.Short() && threads != 2 {
				continue
			}
			x := kernels.New(nil, threads)
			defer x.Close()
			m := newDecoder(t, x, v.modelType, smallWith(v.fields), tensor.BF16)
			for _, o := range []arch.CacheOptions{{Chunk: tokens}, {BFloat16: true, Chunk: tokens}} {
				fresh := func() arch.Cache {
					c := m.NewCache(o)
					c.Expect(tokens)
					return c
				}
				want := prefill(m, fresh(), ids, tokens)
				if !o.BFloat16 && !slices.Equal(want, allLogits(m, ids)) {
					t.Errorf("%s: other bits than without a cache", v.modelType)
				}
				o.Chunk = 512
				for _, chunk := range []int{1, 7, 512} {
					if testing.Short() && chunk == 1 {
						continue
					}
					if !slices.Equal(prefill(m, fresh(), ids, chunk), want) {
						t.Errorf("%s, %d threads, %+v: in chunks of %d: other bits", v.modelType, threads, o, chunk)
					}
				}
			}
		}
	}
}

// TestCacheMemory compares what a cache takes with what was said before.
func TestCacheMemory(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	for _, v := range []struct {
		modelType, fields string
		flat              bool // all layers have a window
	}{{"llama", `"num_key_value_heads": 1`, false}, {"mistral", `"sliding_window": 30`, true}, {"gemma2", `"sliding_window": 30`, false}} {
		m := newDecoder(t, x, v.modelType, smallWith(v.fields), tensor.F32)
		for _, o := range []arch.CacheOptions{{}, {BFloat16: true}, {Chunk: 100}, {BFloat16: true, Chunk: 40}} {
			chunk := o.Chunk
			if chunk == 0 {
				chunk = 512
			}
			c := m.NewCache(o)
			if c.Bytes() != 0 || c.Len() != 0 {
				t.Errorf("%s: an empty cache has %d tokens and takes %d bytes", v.modelType, c.Len(), c.Bytes())
			}
			tokens := 3000
			if testing.Short() {
				tokens = 1100
			}
			c.Reserve(tokens)
			said := m.CacheBytes(o, tokens)
			if got := c.Bytes(); got != said || got == 0 {
				t.Errorf("%s, %+v: %d bytes reserved, CacheBytes says %d", v.modelType, o, got, said)
			}
			if flat := said == m.CacheBytes(o, 100*tokens); flat != v.flat {
				t.Errorf("%s, %+v: as much for 100 times as many tokens: %v", v.modelType, o, flat)
			}
			var ws tensor.Workspace
			for part := range slices.Chunk(randomIDs(32000, tokens)[:tokens], chunk) {
				ws.Reset()
				for i := range part {
					part[i] %= int32(m.c.Vocab)
				}
				m.Continue(&ws, []arch.Cache{c}, [][]int32{part}, false)
			}
			if got := c.Bytes(); got != said || c.Len() != tokens {
				t.Errorf("%s, %+v: with %d tokens it takes %d bytes, CacheBytes says %d", v.modelType, o, c.Len(), got, said)
			}
			if c.Truncate(10) != (v.modelType == "llama") {
				t.Errorf("%s: can be cut to 10 tokens: %v", v.modelType, v.modelType != "llama")
			}
			if !c.Truncate(0) || c.Len() != 0 || c.Bytes() != said {
				t.Errorf("%s: emptied, it has %d tokens and takes %d bytes", v.modelType, c.Len(), c.Bytes())
			}
		}
	}
}

// TestReadCacheSize: what a cache will take is known from config.json.
func TestReadCacheSize(t *testing.T) {
	const lm = `"architectures": ["XForCausalLM"], `
	wide, narrow := arch.CacheOptions{}, arch.CacheOptions{BFloat16: true}
	for _, c := range []struct {
		modelType, fields string
		o                 arch.CacheOptions
		want              [3]int // bytes of a token, context, bytes of it
		err               string
	}{
		{"llama", lm + smallWith(`"num_key_value_heads": 1, "max_position_embeddings": 4096`), wide, [3]int{192, 4096, 192 * 4096}, ""},
		{"llama", lm + smallWith(`"num_key_value_heads": 1, "max_position_embeddings": 4097`), narrow, [3]int{96, 4097, 96 * (4096 + 512)}, ""},
		// A window of 30 and a chunk of 512 may touch three pages.
		{"mistral", lm + smallWith(`"sliding_window": 30, "max_position_embeddings": 4096`), wide, [3]int{576, 4096, 576 * 3 * 512}, ""},
		{"mistral", lm + smallWith(`"sliding_window": 30, "max_position_embeddings": 4096`), arch.CacheOptions{Chunk: 1}, [3]int{576, 4096, 576 * 2 * 512}, ""},
		{"gpt2", `"architectures": ["GPT2LMHeadModel"], "n_positions": 600, "n_embd": 24, "n_head": 3`, wide,
			[3]int{12 * 3 * 24 * 4, 600, 12 * 3 * 24 * 4 * 1024}, ""},
		{"gpt2", `"architectures": ["GPT2Model"]`, wide, [3]int{}, "GPT2Model of type gpt2 is no decoder that generates text"},
		{"bert", `"architectures": ["BertForCausalLM"]`, wide, [3]int{}, "BertForCausalLM of type bert is no decoder that generates text"},
		{"llama", lm + `"hidden_size": 7`, wide, [3]int{}, "config.json: hidden_size 7 is not a multiple of num_attention_heads 32"},
		{"gemma3_text", lm + `"use_bidirectional_attention": true`, wide, [3]int{}, "the model cannot generate: its tokens see those after them"},
	} {
		config, _ := parse(t, c.modelType, c.fields)
		got, err := ReadCacheSize(config, c.o)
		text, size := "", [3]int{}
		if err != nil {
			text = err.Error()
		} else {
			size = [3]int{got.Token, got.Context, got.Bytes(got.Context)}
		}
		if size != c.want || text != c.err {
			t.Errorf("%s, %s: %+v, %q; want %+v, %q", c.modelType, c.fields, size, text, c.want, c.err)
		}
	}
}

// TestSoak generates 100,000 tokens in a window: memory stays as it is.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const tokens = 100_000
	x := kernels.New(nil, 1)
	defer x.Close()
	m := newDecoder(t, x, "mistral", smallWith(`"sliding_window": 30`), tensor.BF16)
	c := m.NewCache(arch.CacheOptions{Chunk: 1})
	c.Reserve(tokens)
	reserved := c.Bytes()
	var ws tensor.Workspace
	caches, ids := []arch.Cache{c}, [][]int32{{1}}
	var before, after runtime.MemStats
	for i := range tokens {
		if i == 100 {
			runtime.ReadMemStats(&before)
		}
		ws.Reset()
		ids[0][0] = int32(x.Argmax(m.Continue(&ws, caches, ids, false).Data))
	}
	runtime.ReadMemStats(&after)
	if c.Len() != tokens || c.Bytes() != reserved {
		t.Errorf("after %d tokens the cache takes %d bytes, at first %d", c.Len(), c.Bytes(), reserved)
	}
	if n := after.Mallocs - before.Mallocs; n > 1000 {
		t.Errorf("%d allocations", n)
	}
}

// TestLogitsHash holds the bits of logits, the same on every machine.
func TestLogitsHash(t *testing.T) {
	x := kernels.New(nil, 2)
	defer x.Close()
	hash := sha256.New()
	for _, v := range variants {
		m := newDecoder(t, x, v.modelType, smallWith(v.fields+`, "vocab_size": 40`), tensor.BF16)
		for _, o := range []arch.CacheOptions{{}, {BFloat16: true}} {
			c := m.NewCache(o)
			c.Expect(23)
			if err := binary.Write(hash, binary.LittleEndian, prefill(m, c, randomIDs(40, 23), 9)); err != nil {
				t.Fatal(err)
			}
		}
	}
	const want = "c82519cd588fdf15"
	if got := fmt.Sprintf("%x", hash.Sum(nil)[:8]); got != want {
		t.Errorf("the hash is %s, want %s", got, want)
	}
}

// TestGrows: the keys of a cache are of no use where the frequencies of rotary embeddings change.
func TestGrows(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	longrope := `"rope_scaling": {"type": "longrope", "short_factor": [1, 1.1, 1.2, 1.3], "long_factor": [2, 3, 4, 5]},
		"original_max_position_embeddings": 11`
	dynamic := `"rope_scaling": {"type": "dynamic", "factor": 2}, "max_position_embeddings": 11`
	for _, c := range []struct {
		modelType, fields string
		expect, has, n    int
		want              bool
	}{
		{"llama", ``, 0, 8, 1000, true},
		{"phi3", longrope, 0, 0, 1000, true},
		{"phi3", longrope, 0, 8, 11, true},
		{"phi3", longrope, 0, 11, 12, false},
		{"phi3", longrope, 12, 8, 12, true},
		{"phi3", longrope, 12, 8, 11, false}, // as after a longer text has been cut
		{"phi3", longrope, 0, 12, 13, true},
		{"llama", longrope, 0, 11, 12, true}, // others than phi3 keep old keys
		{"llama", longrope, 0, 10, 12, false},
		{"llama", longrope, 12, 10, 11, false},
		{"llama", dynamic, 0, 8, 11, true},
		{"llama", dynamic, 0, 8, 12, false},
		{"llama", dynamic, 0, 11, 12, true}, // old keys keep their angles
		{"llama", dynamic, 0, 12, 14, false},
		{"llama", dynamic, 12, 8, 10, false},
	} {
		m := newDecoder(t, x, c.modelType, smallWith(c.fields), tensor.F32)
		cache := m.NewCache(arch.CacheOptions{})
		if c.expect > 0 {
			cache.Expect(c.expect)
		}
		if c.has > 0 {
			prefill(m, cache, make([]int32, c.has), c.has)
		}
		if got := cache.Grows(c.n); got != c.want {
			t.Errorf("%s: from %d tokens, %d expected, to %d: %v", c.modelType, c.has, c.expect, c.n, got)
		}
	}
}

// TestGrowsMixed: a sequence whose last keys have other frequencies than its first goes on by tokens, but not as a prompt.
func TestGrowsMixed(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	m := newDecoder(t, x, "llama", smallWith(`"rope_scaling": {"type": "longrope", "short_factor": [1, 1.1, 1.2, 1.3],
		"long_factor": [2, 3, 4, 5]}, "original_max_position_embeddings": 11`), tensor.F32)
	cache := m.NewCache(arch.CacheOptions{})
	prefill(m, cache, make([]int32, 10), 10)
	for range 3 {
		prefill(m, cache, make([]int32, 1), 1)
	}
	if cache.Len() != 13 || !cache.Grows(14) || cache.Grows(15) {
		t.Errorf("13 tokens: one more %v, two more %v; want true, false", cache.Grows(14), cache.Grows(15))
	}
	if cache.Truncate(5); !cache.Grows(9) || cache.Grows(12) {
		t.Errorf("the first 5 of them: to 9 %v, to 12 %v; want true, false", cache.Grows(9), cache.Grows(12))
	}
}

// TestNoDecoder: a model without a head does not continue texts, nor one whose tokens see those after them.
func TestNoDecoder(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	for _, c := range []struct{ modelType, fields string }{
		{"llama", `"num_key_value_heads": 1`},
		{"llama", `"architectures": ["LlamaForSequenceClassification"]`},
		{"gemma3_text", `"architectures": ["Gemma3ForCausalLM"], "use_bidirectional_attention": true`},
	} {
		m := newTestModel(t, x, c.modelType, smallWith(c.fields), tensor.F32)
		if _, ok := m.(arch.Decoder); ok {
			t.Errorf("%s %s is a decoder", c.modelType, c.fields)
		}
		inputs := map[string]tensor.Tensor{"input_ids": tensor.FromInt64([]int64{1, 2}, 1, 2)}
		if _, err := m.Forward(new(tensor.Workspace), inputs, arch.ForwardOptions{Generate: 2}); err == nil {
			t.Errorf("%s %s generates", c.modelType, c.fields)
		}
	}
}

// TestContinueDoesNotAllocate counts allocations of tokens one by one, alone and beside others.
func TestContinueDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, v := range variants {
		for _, threads := range []int{1, 2} {
			x := kernels.New(nil, threads)
			m := newDecoder(t, x, v.modelType, smallWith(v.fields), tensor.BF16)
			for _, o := range []arch.CacheOptions{{}, {BFloat16: true}} {
				var ws tensor.Workspace
				var caches []arch.Cache
				var ids [][]int32
				for i := range 3 {
					c := m.NewCache(o)
					c.Reserve(32)
					prefill(m, c, randomIDs(40, 3+2*i), 2)
					caches, ids = append(caches, c), append(ids, []int32{int32(i)})
				}
				step := func() {
					ws.Reset()
					m.Continue(&ws, caches, ids, false)
					m.Continue(&ws, caches[:1], ids[:1], false)
				}
				for range 3 {
					step()
				}
				if n := testing.AllocsPerRun(7, step); n != 0 {
					t.Errorf("%s, %d threads, %+v: %g allocations a token, want 0", v.name, threads, o, n)
				}
			}
			x.Close()
		}
	}
}
