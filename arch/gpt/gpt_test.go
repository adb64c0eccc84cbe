package gpt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

const small = `"vocab_size": 40, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 20,
	"max_position_embeddings": 32, "num_key_value_heads": 3, "head_dim": 8, "rotary_dim": 8`

func parse(t testing.TB, modelType, fields string) (*arch.Config, *family) {
	t.Helper()
	c, err := arch.ParseConfig(fmt.Appendf(nil, `{"model_type": %q, %s}`, modelType, fields))
	if err != nil {
		t.Fatal(err)
	}
	return c, families[modelType]
}

// newTestModel returns a model of random weights, of that type if it is one of 16 bits.
func newTestModel(t testing.TB, x *kernels.Exec, modelType, fields string, stored tensor.DType) arch.TextEncoder {
	t.Helper()
	c, f := parse(t, modelType, fields)
	tensors := map[string]tensor.Tensor{}
	for range 2 {
		var file bytes.Buffer
		if err := loader.Write(&file, tensors, nil); err != nil {
			t.Fatal(err)
		}
		w, err := loader.Open(fstest.MapFS{"model.safetensors": {Data: file.Bytes()}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := newModel(c, f, w, x)
		w.Close()
		if err == nil {
			return m.(arch.TextEncoder)
		}
		var b *loader.BindError
		if !errors.As(err, &b) {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for _, missing := range b.Missing {
			tensors[missing.Name] = randomTensor(rng, stored, missing.Shape)
		}
	}
	t.Fatal("the weights do not bind")
	return nil
}

// randomTensor returns numbers between -0.5 and 0.5, those of a matrix smaller so that products are of the size of their input.
func randomTensor(rng *rand.Rand, stored tensor.DType, shape []int) tensor.Tensor {
	v := tensor.New(shape...)
	scale := float32(1)
	if len(shape) == 2 {
		scale = float32(math.Sqrt(12 / float64(shape[1])))
	}
	for i := range v.Data {
		v.Data[i] = scale * (rng.Float32() - 0.5)
	}
	if stored == tensor.F32 {
		return v
	}
	raw := make([]byte, 2*len(v.Data))
	for i, x := range v.Data {
		bits := math.Float32bits(x)
		half := uint16(bits >> 16)
		if stored == tensor.F16 { // those below its normal numbers become 0
			half &= 0x8000
			if e := int(bits>>23&0xff) - 127 + 15; e > 0 {
				half |= uint16(e<<10) | uint16(bits>>13&0x3ff)
			}
		}
		binary.LittleEndian.PutUint16(raw[2*i:], half)
	}
	return tensor.Tensor{DType: stored, Shape: shape, Raw: raw}
}

// TestSameBits compares a sequence in a batch, on several threads and Sets, with itself alone.
func TestSameBits(t *testing.T) {
	for modelType := range families {
		var want []float32
		for _, set := range kernels.Sets() {
			for _, threads := range []int{1, 2, 5} {
				x := kernels.New(set, threads)
				m := newTestModel(t, x, modelType, small, tensor.F32)
				ids := []int32{3, 7, 9, 2, 11, 5}
				var alone, batch arch.Batch
				alone.Append(ids, nil, m.Limits().Rule)
				batch.Append([]int32{1, 2, 3}, nil, m.Limits().Rule)
				batch.Append(ids, nil, m.Limits().Rule)
				var ws tensor.Workspace
				a := slices.Clone(m.Encode(&ws, &alone).Data)
				if want == nil {
					want = a
				}
				b := m.Encode(&ws, &batch).Data[3*24:]
				if !slices.Equal(a, want) || !slices.Equal(b, want) {
					t.Errorf("%s, %s, %d threads: other bits", modelType, set.Name(), threads)
				}
				x.Close()
			}
		}
	}
}

// TestOldKeys reads configs with the keys of before rope_parameters.
func TestOldKeys(t *testing.T) {
	for _, c := range []struct{ modelType, now, old string }{
		{"llama", `"rope_parameters": {"rope_type": "linear", "factor": 2.5, "rope_theta": 5000}`,
			`"rope_theta": 5000, "rope_scaling": {"type": "linear", "factor": 2.5}`},
		{"llama", `"rope_parameters": {"rope_type": "llama3", "factor": 8, "high_freq_factor": 4, "low_freq_factor": 1,
			"original_max_position_embeddings": 16, "rope_theta": 500000}`, `"rope_theta": 500000, "rope_scaling": {"rope_type": "llama3",
			"factor": 8, "high_freq_factor": 4, "low_freq_factor": 1, "original_max_position_embeddings": 16}`},
		{"gpt_neox", `"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5, "rope_theta": 3000}`,
			`"rotary_pct": 0.5, "rotary_emb_base": 3000`},
		{"phi", `"rope_parameters": {"partial_rotary_factor": 0.25}`, `"partial_rotary_factor": 0.25`},
		{"gemma3_text", `"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8, "rope_theta": 1000000},
			"sliding_attention": {"rope_theta": 500}}, "layer_types": ["sliding_attention", "full_attention"]`,
			`"rope_theta": 1000000, "rope_scaling": {"factor": 8, "rope_type": "linear"}, "rope_local_base_freq": 500,
			"sliding_window_pattern": 2`},
	} {
		var text [2]string
		for i, fields := range []string{c.now, c.old} {
			ac, f := parse(t, c.modelType, small+", "+fields)
			cfg, err := readConfig(ac, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range cfg.Ropes {
				text[i] += fmt.Sprintf("%+v ", *r)
			}
			cfg.Ropes = nil
			text[i] += fmt.Sprintf("%+v", *cfg)
		}
		if text[0] != text[1] {
			t.Errorf("%s: the old keys give\n%s, the new ones\n%s", c.modelType, text[1], text[0])
		}
	}
}

// TestDefaults: what the classes of Transformers do where config.json says nothing, or says what they do not read.
func TestDefaults(t *testing.T) {
	for _, c := range []struct{ modelType, short, long string }{
		{"mistral", ``, `"sliding_window": 4096`},
		{"mixtral", ``, `"sliding_window": null`},
		{"qwen2", `"use_sliding_window": true, "max_window_layers": 1`,
			`"sliding_window": 4096, "layer_types": ["full_attention", "sliding_attention"], "use_sliding_window": true`},
		{"qwen2", `"sliding_window": 9, "max_window_layers": 0`, `"sliding_window": null, "use_sliding_window": true`},
		{"qwen2_moe", `"use_sliding_window": true, "sliding_window": 9`, `"use_sliding_window": true, "sliding_window": 9,
			"layer_types": ["sliding_attention", "full_attention"]`},
		{"qwen2_moe", `"use_sliding_window": true, "max_window_layers": 0`, ``},
		{"qwen3_moe", `"use_sliding_window": true, "layer_types": ["full_attention", "full_attention"]`,
			`"use_sliding_window": true, "sliding_window": 4096`},
		{"gemma2", ``, `"attn_logit_softcapping": 50, "final_logit_softcapping": 30, "sliding_window": 4096`},
		{"gemma3_text", `"attn_logit_softcapping": 9`, `"attn_logit_softcapping": null`},
		{"gptj", `"n_embd": 384, "rotary_dim": null`, `"n_embd": 384, "rotary_dim": 64`},
		{"llama", `"rotary_dim": 4`, ``},
		{"llama", `"partial_rotary_factor": 0.5`, ``},
		{"gemma", `"hidden_act": "gelu", "hidden_activation": "silu"`, `"hidden_act": "gelu_pytorch_tanh"`},
		{"gemma2", `"hidden_act": "silu"`, `"hidden_activation": "gelu_pytorch_tanh"`},
		{"gpt2", `"hidden_act": "silu"`, `"activation_function": "gelu_new"`},
		{"llama", `"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "linear", "factor": 3}`,
			`"rope_scaling": {}, "rope_parameters": {"rope_type": "linear", "factor": 2}`},
		{"gpt_neox", `"rope_theta": 5, "partial_rotary_factor": 1`, ``},
		{"bloom", `"n_embed": 48`, `"hidden_size": 48`},
		{"falcon", `"n_embed": 48`, `"hidden_size": 48`},
	} {
		var text [2]string
		for i, fields := range []string{c.short, c.long} {
			ac, f := parse(t, c.modelType, smallWith(fields))
			cfg, err := readConfig(ac, f)
			if err != nil {
				t.Fatal(c.modelType, fields, err)
			}
			for _, r := range cfg.Ropes {
				text[i] += fmt.Sprintf("%+v ", *r)
			}
			cfg.Ropes = nil
			text[i] += fmt.Sprintf("%+v", *cfg)
		}
		if text[0] != text[1] {
			t.Errorf("%s %s gives\n%s, and %s\n%s", c.modelType, c.short, text[0], c.long, text[1])
		}
	}
	for _, modelType := range []string{"llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "gemma", "gemma2",
		"gemma3_text", "smollm3", "olmo2", "granite", "starcoder2", "cohere", "phi3", "phi"} {
		ac, f := parse(t, modelType, smallWith(`"head_dim": 4`))
		if cfg, err := readConfig(ac, f); err != nil || cfg.HeadDim != 4 {
			t.Errorf("%s: head_dim 4 gives %+v, %v", modelType, cfg, err)
		}
	}
	ac, f := parse(t, "gemma2", smallWith(`"attn_logit_softcapping": null, "final_logit_softcapping": null`))
	if cfg, err := readConfig(ac, f); err != nil || cfg.SoftCap != 0 || cfg.LogitCap != 0 {
		t.Errorf("gemma2 without caps: %v, %+v", err, cfg)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct{ modelType, fields, want string }{
		{"llama", `"hidden_size": 25, "num_attention_heads": 3`, "config.json: hidden_size 25 is not a multiple of num_attention_heads 3"},
		{"llama", `"num_attention_heads": 32, "num_key_value_heads": 5`, "config.json: num_attention_heads 32 is not a multiple of num_key_value_heads 5"},
		{"llama", `"vocab_size": 0`, "config.json: vocab_size is 0; want 1 to 134217728"},
		{"llama", `"hidden_act": "gulu"`, `config.json: hidden_act: the activation "gulu" is not supported`},
		{"gpt2", `"activation_function": "gulu"`, `config.json: activation_function: the activation "gulu" is not supported`},
		{"llama", `"hidden_size": "big"`, `config.json: "hidden_size" is a string, not a whole number`},
		{"llama", `"rope_scaling": {"type": "spiral", "factor": 2}`, `config.json: rope type "spiral" is not supported`},
		{"llama", `"rope_scaling": {"type": "linear"}`, `config.json: rope type "linear" has factor 0; want a number above 0`},
		{"phi3", `"rope_scaling": {"type": "longrope", "short_factor": [1], "long_factor": []}`, `config.json: rope type "longrope" has 1 short and 0 long factors; want 48`},
		{"qwen2", `"layer_types": ["full_attention"]`, "config.json: layer_types has 1 elements for 32 layers"},
		{"mixtral", `"num_experts_per_tok": 9`, "config.json: 9 of 8 experts of 14336, and 0 of a shared one, are no mixture of experts"},
		{"gpt_neo", `"attention_types": [[["global", "local"], 4096], [["global", "local"], 4096]]`,
			"config.json: attention_types names more than the 24 layers"},
		{"bloom", `"n_head": 20000`, "config.json: num_attention_heads is 20000; want 1 to 16384"},
		{"gpt2", `"add_cross_attention": true`, "config.json: add_cross_attention is set"},
		{"phi", `"partial_rotary_factor": 2`, "config.json: partial_rotary_factor is 2; want a number above 0, and at most 1"},
	} {
		ac, f := parse(t, c.modelType, c.fields)
		if _, err := readConfig(ac, f); err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %s: got %v, want %s", c.modelType, c.fields, err, c.want)
		}
	}
}

// TestManyTensors: a config of a few bytes does not make a model of millions of parts.
func TestManyTensors(t *testing.T) {
	var file bytes.Buffer
	if err := loader.Write(&file, map[string]tensor.Tensor{}, nil); err != nil {
		t.Fatal(err)
	}
	w, err := loader.Open(fstest.MapFS{"model.safetensors": {Data: file.Bytes()}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, c := range []struct {
		modelType, fields string
		tensors           int
	}{
		{"qwen3_moe", `"num_hidden_layers": 4096, "num_experts": 4096`, 4096 * (4 + 3*4096)},
		{"stablelm", `"num_hidden_layers": 4096, "qk_layernorm": true, "num_attention_heads": 16384, "num_key_value_heads": 16384,
			"hidden_size": 131072`, 4096 * (4 + 2*16384)},
	} {
		ac, f := parse(t, c.modelType, smallWith(c.fields))
		want := fmt.Sprintf("config.json: the model has more than %d tensors; the weights are 0", c.tensors)
		if _, err := newModel(ac, f, w, nil); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", c.modelType, err, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"model_type": "llama", ` + small + `}`))
	f.Add([]byte(`{"model_type": "gpt_neo", "attention_types": [[["global", "local"], 12]]}`))
	f.Add([]byte(`{"model_type": "phi3", "rope_scaling": {"type": "yarn", "factor": 4}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := arch.ParseConfig(text)
		if err != nil {
			return
		}
		for name, family := range families {
			cfg, err := readConfig(c, family)
			switch {
			case err != nil && !strings.HasPrefix(err.Error(), "config.json: "):
				t.Errorf("%s: %v", name, err)
			case err == nil && (cfg.Heads%cfg.KVHeads != 0 || len(cfg.LayerSpecs) != cfg.Layers):
				t.Errorf("%s: %+v", name, cfg)
			}
		}
	})
}

// padDefaults are the pad_token_id of transformers' config classes (5.23); the other types have none.
var padDefaults = map[string]int32{"phi3": 32000, "gemma": 0, "gemma2": 0, "gemma3_text": 0, "smollm3": 128004, "olmo2": 1, "cohere": 0, "opt": 1}

// TestPadDefaults: the padding that a config.json does not speak of, and the one that it says there is none of.
func TestPadDefaults(t *testing.T) {
	for modelType := range families {
		want, ok := padDefaults[modelType]
		if !ok {
			want = -1
		}
		for _, c := range []struct {
			field string
			want  int32
		}{{"", want}, {`, "pad_token_id": null`, -1}, {`, "pad_token_id": 7`, 7}, {`, "pad_token_id": -1`, -1}} {
			config, err := readConfig(parse(t, modelType, small+c.field))
			if err != nil {
				t.Fatalf("%s: %v", modelType, err)
			}
			if config.Pad != c.want {
				t.Errorf("%s%s: pad_token_id is %d, want %d", modelType, c.field, config.Pad, c.want)
			}
		}
	}
}

// TestClassifierPadding: a sequence is classified by its last token that is no padding.
func TestClassifierPadding(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	logits := func(modelType, fields string, ids ...int64) []float32 {
		t.Helper()
		m := newTestModel(t, x, modelType, small+`, "architectures": ["XForSequenceClassification"]`+fields, tensor.F32)
		out, err := m.Forward(new(tensor.Workspace), map[string]tensor.Tensor{"input_ids": tensor.FromInt64(ids, 1, len(ids))}, arch.ForwardOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return out["logits"].Data
	}
	for _, c := range []struct {
		modelType, fields string
		padding           int64
		ignored           bool
	}{
		{"gemma", "", 0, true}, {"gemma", `, "pad_token_id": null`, 0, false}, {"gemma", `, "pad_token_id": 3`, 0, false},
		{"gemma", `, "pad_token_id": 3`, 3, true}, {"llama", "", 0, false}, {"opt", "", 1, true}, {"olmo2", "", 1, true}, {"cohere", "", 0, true},
	} {
		alone, padded := logits(c.modelType, c.fields, 5, 6), logits(c.modelType, c.fields, 5, 6, c.padding, c.padding)
		if got := slices.Equal(padded, alone); got != c.ignored {
			t.Errorf("%s%s: %v with padding, %v without", c.modelType, c.fields, padded, alone)
		}
	}
}
