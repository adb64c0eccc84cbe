package gpt

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
)

// A family is one model type as data: what it calls its tensors, what its blocks are, and, in adjust, what its own options of
// config.json mean.
type family struct {
	prefixes []string
	aliases  []loader.Alias // from its names to those of this package
	defaults defaults

	norm    normKind
	place   placement
	gated   bool
	packing packing
	biased  bool // default of attention_bias
	headDim bool // config.json's head_dim counts
	tied    bool // default of tie_word_embeddings

	rotary      bool
	interleaved bool // rotary pairs stand side by side
	twoRopes    bool // sliding layers have a rope of their own
	noRope      bool // no_rope_layers counts
	ropeAnew    bool // keys are computed anew where the frequencies of longrope change

	adjust func(c *config, r *raw) error
}

// defaults are those of the Hugging Face config class: a field that has its default may be left out of the file.
type defaults struct {
	vocab, hidden, layers, heads, kv, inner, positions int

	headDim        int
	rotaryDim      int // of rotary_dim, which others do not have
	act            string
	actKey         string // the key that names the activation; "": hidden_act
	eps            float64
	theta, partial float64 // 0: 10000; all of a head, whatever config.json says
	pad            *int32  // pad_token_id; nil: none
}

// pad returns a default of pad_token_id.
func pad(id int32) *int32 { return &id }

var (
	rms       = normKind{RMS: true}
	gemmaNorm = normKind{RMS: true, OnePlus: true}
	layerNorm = normKind{Bias: true}
)

// llamaNames are the names of Llama, which most have taken over. A norm's name here says where it stands.
var llamaNames = []loader.Alias{
	{Old: "input_layernorm", New: "attn_norm"},
	{Old: "post_attention_layernorm", New: "mlp_norm"},
}

// gemmaNames are those of models that normalise a block's result too.
var gemmaNames = []loader.Alias{
	{Old: "input_layernorm", New: "attn_norm"},
	{Old: "post_attention_layernorm", New: "attn_post_norm"},
	{Old: "pre_feedforward_layernorm", New: "mlp_norm"},
	{Old: "post_feedforward_layernorm", New: "mlp_post_norm"},
}

// bloomNames are those of BLOOM and Falcon.
var bloomNames = []loader.Alias{
	{Old: "dense_h_to_4h", New: "up_proj"}, {Old: "dense_4h_to_h", New: "down_proj"}, {Old: "h.", New: "layers."},
	{Old: "self_attention.query_key_value", New: "self_attn.qkv_proj"}, {Old: "self_attention.dense.", New: "self_attn.o_proj."},
	{Old: "word_embeddings_layernorm", New: "embed_norm"}, {Old: "word_embeddings", New: "embed_tokens"},
	{Old: "ln_attn", New: "attn_norm"}, {Old: "ln_mlp", New: "mlp_norm"}, {Old: "ln_f", New: "norm"},
	{Old: "input_layernorm", New: "attn_norm"}, {Old: "post_attention_layernorm", New: "mlp_norm"},
}

// gptNames are those of GPT-2, GPT-Neo and GPT-J.
var gptNames = []loader.Alias{
	{Old: "h.", New: "layers."}, {Old: "wte", New: "embed_tokens"}, {Old: "wpe", New: "embed_positions"},
	{Old: "ln_1", New: "attn_norm"}, {Old: "ln_2", New: "mlp_norm"}, {Old: "ln_f", New: "norm"},
	{Old: ".attn.attention.", New: ".self_attn."}, {Old: ".attn.", New: ".self_attn."},
	{Old: "c_attn", New: "qkv_proj"}, {Old: "self_attn.c_proj", New: "self_attn.o_proj"}, {Old: "out_proj", New: "o_proj"},
	{Old: "c_fc", New: "up_proj"}, {Old: "c_proj", New: "down_proj"}, {Old: "fc_in", New: "up_proj"}, {Old: "fc_out", New: "down_proj"},
}

// with returns the aliases and more.
func with(a []loader.Alias, more ...loader.Alias) []loader.Alias {
	return append(slices.Clone(a), more...)
}

var (
	model       = []string{"model."}
	transformer = []string{"transformer."}
)

// families are the model types of this package.
var families = map[string]*family{
	// Llama (arXiv:2302.13971): RMS norms before each block, rotary positions, a gated MLP, grouped key heads.
	"llama": {prefixes: model, aliases: llamaNames, norm: rms, gated: true, headDim: true, rotary: true,
		defaults: defaults{vocab: 32000, hidden: 4096, layers: 32, heads: 32, inner: 11008, positions: 2048, act: "silu", eps: 1e-6},
		adjust: func(c *config, r *raw) error {
			c.QKVBias, c.OutBias, c.MLPBias = r.AttentionBias, r.AttentionBias, r.MLPBias
			return nil
		}},
	// Mistral (arXiv:2310.06825) is Llama with a sliding window in all layers.
	"mistral": {prefixes: model, aliases: llamaNames, norm: rms, gated: true, headDim: true, rotary: true,
		defaults: defaults{vocab: 32000, hidden: 4096, layers: 32, heads: 32, kv: 8, inner: 14336, positions: 131072, act: "silu", eps: 1e-6},
		adjust:   func(c *config, r *raw) error { return slideAll(c, r.SlidingWindow.or(4096)) }},
	// Mixtral (arXiv:2401.04088) is Mistral with a mixture of experts.
	"mixtral": {prefixes: model, norm: rms, gated: true, headDim: true, rotary: true,
		aliases: with(llamaNames, loader.Alias{Old: "block_sparse_moe.", New: "mlp."}, loader.Alias{Old: ".w1.", New: ".gate_proj."},
			loader.Alias{Old: ".w2.", New: ".down_proj."}, loader.Alias{Old: ".w3.", New: ".up_proj."}),
		defaults: defaults{vocab: 32000, hidden: 4096, layers: 32, heads: 32, kv: 8, inner: 14336, positions: 131072, act: "silu",
			eps: 1e-5, theta: 1e6},
		adjust: func(c *config, r *raw) error {
			m := moeSpec{Experts: 8, TopK: 2, Inner: c.Inner, Normalize: true}
			prefer(&m.Experts, r.LocalExperts)
			prefer(&m.TopK, r.TopK)
			if err := c.mixture(m, func(int) bool { return true }); err != nil {
				return err
			}
			return slideAll(c, r.SlidingWindow.v)
		}},
	// Qwen 2 (arXiv:2407.10671) is Llama with biases on queries, keys and values.
	"qwen2": {prefixes: model, aliases: llamaNames, norm: rms, gated: true, headDim: true, rotary: true,
		defaults: defaults{vocab: 151936, hidden: 4096, layers: 32, heads: 32, kv: 32, inner: 22016, positions: 32768, act: "silu", eps: 1e-6},
		adjust: func(c *config, r *raw) error {
			c.QKVBias = true
			return slideLate(c, r)
		}},
	// Qwen 3 (arXiv:2505.09388) is Llama with queries and keys normalised.
	"qwen3": {prefixes: model, aliases: llamaNames, norm: rms, gated: true, headDim: true, rotary: true,
		defaults: defaults{vocab: 151936, hidden: 4096, layers: 32, heads: 32, kv: 32, inner: 22016, positions: 32768, headDim: 128,
			act: "silu", eps: 1e-6},
		adjust: func(c *config, r *raw) error {
			c.QKNorm, c.QKNormKind = perHead, c.Norm
			c.QKVBias, c.OutBias = r.AttentionBias, r.AttentionBias
			return slideLate(c, r)
		}},
	"qwen2_moe": {prefixes: model, aliases: llamaNames, norm: rms, gated: true, headDim: true, rotary: true,
		defaults: defaults{vocab: 151936, hidden: 2048, layers: 24, heads: 16, kv: 16, inner: 5632, positions: 32768, act: "silu", eps: 1e-6},
		adjust: func(c *config, r *raw) error {
			c.QKVBias = orElse(r.QKVBias, true)
			if err := qwenExperts(c, r, moeSpec{Experts: 60, TopK: 4, Inner: 1408, Shared: orElse(r.SharedInner, 5632)}); err != nil {
				return err
			}
			return c.slide(r, r.slides(), func(i int) bool { return i%2 == 0 && i < r.MaxWindowLayer })
		}},
	"qwen3_moe": {prefixes: model, aliases: llamaNames, norm: rms, gated: true, headDim: true, rotary: true,
		defaults: defaults{vocab: 151936, hidden: 2048, layers: 24, heads: 32, kv: 4, inner: 6144, positions: 32768, act: "silu", eps: 1e-6},
		adjust: func(c *config, r *raw) error {
			c.QKNorm, c.QKNormKind = perHead, c.Norm
			c.QKVBias, c.OutBias = r.AttentionBias, r.AttentionBias
			if err := qwenExperts(c, r, moeSpec{Experts: 128, TopK: 8, Inner: 768}); err != nil {
				return err
			}
			return slideAll(c, r.slides())
		}},
	// Gemma (arXiv:2403.08295) is Llama with norms of weight 1+w, embeddings scaled by the root of their size, and GELU.
	"gemma": {prefixes: model, aliases: llamaNames, norm: gemmaNorm, gated: true, headDim: true, tied: true, rotary: true,
		defaults: defaults{vocab: 256000, hidden: 3072, layers: 28, heads: 16, kv: 16, inner: 24576, positions: 8192, headDim: 256,
			act: "gelu_pytorch_tanh", eps: 1e-6, pad: pad(0)},
		adjust: func(c *config, r *raw) error {
			if orElse(r.Bidirectional, false) {
				return errors.New("use_bidirectional_attention is supported for gemma3_text only")
			}
			if orElse(r.Act, "") == "gelu" { // files that say so mean this form
				c.Act = kernels.GELUTanh
			}
			return gemma(c, r)
		}},
	// Gemma 2 (arXiv:2408.00118) is Gemma with norms around its blocks, a window in every second layer, and soft caps.
	"gemma2": {prefixes: model, aliases: gemmaNames, norm: gemmaNorm, place: around, gated: true, headDim: true, tied: true, rotary: true,
		defaults: defaults{vocab: 256000, hidden: 2304, layers: 26, heads: 8, kv: 4, inner: 9216, positions: 8192, headDim: 256,
			actKey: "hidden_activation", act: "gelu_pytorch_tanh", eps: 1e-6, pad: pad(0)},
		adjust: func(c *config, r *raw) error {
			if orElse(r.Bidirectional, false) {
				return errors.New("use_bidirectional_attention is supported for gemma3_text only")
			}
			c.SoftCap, c.LogitCap = float32(orElse(r.SoftCap.or(50), 0)), float32(orElse(r.LogitCap.or(30), 0))
			c.scaleScores(1 / math.Sqrt(orElse(r.QueryScalar, 256)))
			if err := c.slide(r, r.SlidingWindow.or(4096), func(i int) bool { return i%2 == 0 }); err != nil {
				return err
			}
			return gemma(c, r)
		}},
	// Gemma 3 (arXiv:2503.19786) is Gemma 2 with queries and keys normalised in place of soft caps, and a rope of their own for
	// the layers with a window.
	"gemma3_text": {prefixes: model, aliases: gemmaNames, norm: gemmaNorm, place: around, gated: true, headDim: true, tied: true,
		rotary: true, twoRopes: true,
		defaults: defaults{vocab: 262208, hidden: 2304, layers: 26, heads: 8, kv: 4, inner: 9216, positions: 131072, headDim: 256,
			actKey: "hidden_activation", act: "gelu_pytorch_tanh", eps: 1e-6, theta: 1e6, pad: pad(0)},
		adjust: func(c *config, r *raw) error {
			c.QKNorm, c.QKNormKind = perHead, c.Norm
			c.LogitCap = float32(orElse(r.LogitCap.v, 0)) // it has no other cap, whatever attn_logit_softcapping says
			c.scaleScores(1 / math.Sqrt(orElse(r.QueryScalar, 256)))
			pattern, window := 6, orElse(r.SlidingWindow.v, 4096)
			prefer(&pattern, r.Pattern, r.OldPattern)
			if pattern < 1 {
				return fmt.Errorf("sliding_window_pattern is %d", pattern)
			}
			if orElse(r.Bidirectional, false) {
				c.Causal, window = false, window/2+1
			}
			if err := c.slide(r, &window, func(i int) bool { return (i+1)%pattern != 0 }); err != nil {
				return err
			}
			return gemma(c, r)
		}},
	// SmolLM 3 is Llama with layers that have no positions at all.
	"smollm3": {prefixes: model, aliases: llamaNames, norm: rms, gated: true, tied: true, headDim: true, rotary: true, noRope: true,
		defaults: defaults{vocab: 128256, hidden: 2048, layers: 36, heads: 16, kv: 4, inner: 11008, positions: 32768, act: "silu",
			eps: 1e-6, theta: 2e6, pad: pad(128004)},
		adjust: func(c *config, r *raw) error {
			c.QKVBias, c.OutBias, c.MLPBias = r.AttentionBias, r.AttentionBias, r.MLPBias
			return c.slide(r, r.SlidingWindow.v, func(i int) bool {
				return r.UseSliding && (i < len(r.NoRope) && r.NoRope[i] == 0 ||
					r.NoRope == nil && r.NoRopeInterval > 0 && (i+1)%r.NoRopeInterval == 0)
			})
		}},
	// OLMo 2 (arXiv:2501.00656) is Llama with norms after its blocks, and queries and keys normalised as wholes.
	"olmo2": {prefixes: model, norm: rms, place: after, gated: true, headDim: true, rotary: true, aliases: gemmaNames,
		defaults: defaults{vocab: 50304, hidden: 4096, layers: 32, heads: 32, inner: 11008, positions: 2048, act: "silu",
			eps: 1e-5, pad: pad(1)},
		adjust: func(c *config, r *raw) error {
			c.QKNorm, c.QKNormKind = whole, c.Norm
			c.QKVBias, c.OutBias = r.AttentionBias, r.AttentionBias
			return nil
		}},
	// Granite is Llama with multipliers.
	"granite": {prefixes: model, aliases: llamaNames, norm: rms, gated: true, headDim: true, rotary: true,
		defaults: defaults{vocab: 32000, hidden: 4096, layers: 32, heads: 32, inner: 11008, positions: 2048, act: "silu", eps: 1e-6},
		adjust: func(c *config, r *raw) error {
			c.QKVBias, c.OutBias, c.MLPBias = r.AttentionBias, r.AttentionBias, r.MLPBias
			c.EmbedScale, c.Residual = float32(orElse(r.EmbedMultiplier, 1)), float32(orElse(r.ResidualMult, 1))
			c.LogitDivisor = float32(orElse(r.LogitsScaling, 1))
			c.scaleScores(orElse(r.AttentionMult, 1))
			return nil
		}},
	// StarCoder 2 (arXiv:2402.19173) is Mistral with GPT-2's norms, biases and MLP.
	"starcoder2": {prefixes: model, norm: layerNorm, tied: true, headDim: true, rotary: true,
		aliases: with(llamaNames, loader.Alias{Old: "c_fc", New: "up_proj"}, loader.Alias{Old: "c_proj", New: "down_proj"}),
		defaults: defaults{vocab: 49152, hidden: 3072, layers: 30, heads: 24, kv: 2, inner: 12288, positions: 4096,
			act: "gelu_pytorch_tanh", eps: 1e-5},
		adjust: func(c *config, r *raw) error {
			b := orElse(r.UseBias, true)
			c.QKVBias, c.OutBias, c.MLPBias = b, b, b
			return slideAll(c, r.SlidingWindow.v)
		}},
	// StableLM 2 (arXiv:2402.17834) is Llama with layer norms and a part of each head rotated.
	"stablelm": {prefixes: model, aliases: llamaNames, norm: layerNorm, gated: true, rotary: true,
		defaults: defaults{vocab: 50304, hidden: 2560, layers: 32, heads: 32, kv: 32, inner: 6912, positions: 4096, act: "silu",
			eps: 1e-5, partial: 0.25},
		adjust: func(c *config, r *raw) error {
			c.QKVBias = r.UseQKVBias
			c.Parallel = orElse(r.ParallelResidual, false)
			c.OneNorm = c.Parallel
			if r.QKLayerNorm {
				c.QKNorm, c.QKNormKind = headList, normKind{Eps: c.Norm.Eps}
			}
			return nil
		}},
	// Cohere's Command R: parallel blocks, norms without bias, rotary pairs side by side.
	"cohere": {prefixes: model, aliases: llamaNames, norm: normKind{}, gated: true, tied: true, headDim: true, rotary: true, interleaved: true,
		defaults: defaults{vocab: 256000, hidden: 8192, layers: 40, heads: 64, inner: 22528, positions: 8192, act: "silu", eps: 1e-5,
			theta: 5e5, pad: pad(0)},
		adjust: func(c *config, r *raw) error {
			c.Parallel, c.OneNorm = true, true
			c.QKVBias, c.OutBias = r.AttentionBias, r.AttentionBias
			c.LogitScale = float32(orElse(r.LogitScale, 0.0625))
			if r.UseQKNorm {
				c.QKNorm, c.QKNormKind = ownHead, c.Norm
			}
			return nil
		}},
	// Phi-3 (arXiv:2404.14219) is Llama with fused tensors.
	"phi3": {prefixes: model, aliases: llamaNames, norm: rms, gated: true, packing: sides, headDim: true, rotary: true, ropeAnew: true,
		defaults: defaults{vocab: 32064, hidden: 3072, layers: 32, heads: 32, inner: 8192, positions: 4096, act: "silu",
			eps: 1e-5, partial: 1, pad: pad(32000)},
		adjust: func(c *config, r *raw) error {
			c.FusedGate = true
			return slideAll(c, r.SlidingWindow.v)
		}},
	// Phi (arXiv:2306.11644): parallel blocks, biases everywhere, half of each head rotated.
	"phi": {prefixes: model, norm: layerNorm, headDim: true, rotary: true,
		aliases: with(llamaNames, loader.Alias{Old: "self_attn.dense.", New: "self_attn.o_proj."}, loader.Alias{Old: "fc1", New: "up_proj"},
			loader.Alias{Old: "fc2", New: "down_proj"}, loader.Alias{Old: "final_layernorm", New: "norm"},
			loader.Alias{Old: "q_layernorm", New: "q_norm"}, loader.Alias{Old: "k_layernorm", New: "k_norm"}),
		defaults: defaults{vocab: 51200, hidden: 2048, layers: 24, heads: 32, inner: 8192, positions: 2048, act: "gelu_new", eps: 1e-5,
			partial: 0.5},
		adjust: func(c *config, r *raw) error {
			c.QKVBias, c.OutBias, c.MLPBias, c.HeadBias = true, true, true, true
			c.Parallel, c.OneNorm = true, true
			if r.QKLayerNorm {
				c.QKNorm, c.QKNormKind = perHead, c.Norm
			}
			return nil
		}},
	// GPT-2 (Radford et al., 2019): layer norms before each block, learned positions.
	"gpt2": {prefixes: transformer, aliases: gptNames, norm: layerNorm, packing: sides, tied: true,
		defaults: defaults{vocab: 50257, hidden: 768, layers: 12, heads: 12, positions: 1024,
			actKey: "activation_function", act: "gelu_new", eps: 1e-5},
		adjust: func(c *config, r *raw) error {
			c.QKVBias, c.OutBias, c.MLPBias, c.LearnedPositions, c.Transposed = true, true, true, true, true
			if r.CrossAttention {
				return errors.New("add_cross_attention is set; only decoders without an encoder are supported")
			}
			for i := range c.LayerSpecs {
				l := &c.LayerSpecs[i]
				if !orElse(r.ScaleWeights, true) {
					l.Scale = 1
				}
				if r.InverseLayer {
					l.Scale /= float32(i + 1)
				}
			}
			return nil
		}},
	// GPT-Neo is GPT-2 with a window in some layers, and scores that are not scaled.
	"gpt_neo": {prefixes: transformer, aliases: gptNames, norm: layerNorm, tied: true,
		defaults: defaults{vocab: 50257, hidden: 2048, layers: 24, heads: 16, positions: 2048,
			actKey: "activation_function", act: "gelu_new", eps: 1e-5},
		adjust: gptNeo},
	// GPT-J: parallel blocks with one norm, rotary pairs side by side.
	"gptj": {prefixes: transformer, aliases: gptNames, norm: layerNorm, rotary: true, interleaved: true,
		defaults: defaults{vocab: 50400, hidden: 4096, layers: 28, heads: 16, positions: 2048, rotaryDim: 64,
			actKey: "activation_function", act: "gelu_new", eps: 1e-5},
		adjust: func(c *config, r *raw) error {
			c.MLPBias, c.HeadBias, c.Parallel, c.OneNorm = true, true, true, true
			return nil
		}},
	// GPT-NeoX (arXiv:2204.06745): parallel blocks with a norm each, a quarter of each head rotated.
	"gpt_neox": {prefixes: []string{"gpt_neox."}, norm: layerNorm, packing: grouped, biased: true, rotary: true,
		aliases: with(bloomNames[:2], loader.Alias{Old: "embed_in", New: "embed_tokens"}, loader.Alias{Old: "embed_out", New: "lm_head"},
			loader.Alias{Old: "attention.query_key_value", New: "self_attn.qkv_proj"}, loader.Alias{Old: "attention.dense.", New: "self_attn.o_proj."},
			loader.Alias{Old: "final_layer_norm", New: "norm"}, llamaNames[0], llamaNames[1]),
		defaults: defaults{vocab: 50432, hidden: 6144, layers: 44, heads: 64, inner: 24576, positions: 2048, act: "gelu", eps: 1e-5,
			partial: 0.25},
		adjust: func(c *config, r *raw) error {
			c.KVHeads, c.MLPBias = c.Heads, true
			c.Parallel = orElse(r.ParallelResidual, true)
			c.QKVBias, c.OutBias = r.AttentionBias, r.AttentionBias
			r.Theta, r.Partial = nil, nil // they are called rotary_emb_base and rotary_pct
			return nil
		}},
	// OPT (arXiv:2205.01068) is GPT-2 with ReLU, and positions that are counted over the mask.
	"opt": {prefixes: []string{"model.decoder.", "decoder."}, norm: layerNorm, tied: true,
		aliases: []loader.Alias{{Old: "self_attn_layer_norm", New: "attn_norm"}, {Old: ".final_layer_norm", New: ".mlp_norm"},
			{Old: "final_layer_norm", New: "norm"}, {Old: ".fc1", New: ".mlp.up_proj"}, {Old: ".fc2", New: ".mlp.down_proj"},
			{Old: "out_proj", New: "o_proj"}, {Old: "project_o_proj", New: "project_out"}},
		defaults: defaults{vocab: 50272, hidden: 768, layers: 12, heads: 12, inner: 3072, positions: 2048,
			actKey: "activation_function", act: "relu", eps: 1e-5, pad: pad(1)},
		adjust: func(c *config, r *raw) error {
			b := orElse(r.EnableBias, true)
			c.QKVBias, c.OutBias, c.MLPBias, c.LearnedPositions, c.PositionOffset = b, b, b, true, 2
			c.KVHeads = c.Heads
			if !orElse(r.NormBefore, true) {
				c.Place = afterSum
			}
			c.NoFinalNorm = c.Place == afterSum || r.RemoveFinalNorm
			c.WordDim = orElse(r.WordDim, c.Hidden)
			if !orElse(r.NormAffine, true) {
				return errors.New("layer_norm_elementwise_affine is false, which is not supported")
			}
			return nil
		}},
	// BLOOM (arXiv:2211.05100): ALiBi, and the embeddings normalised.
	"bloom": {prefixes: transformer, aliases: bloomNames, norm: layerNorm, packing: grouped, tied: true,
		defaults: defaults{vocab: 250880, hidden: 64, layers: 2, heads: 8, positions: 2048, act: "gelu_new", eps: 1e-5},
		adjust: func(c *config, r *raw) error {
			c.QKVBias, c.OutBias, c.MLPBias = true, true, true
			c.KVHeads, c.Inner, c.Act = c.Heads, 4*c.Hidden, kernels.GELUTanh
			c.ALiBi, c.EmbedNorm, c.NormedResidual = alibi, true, r.ResidualOfNorm
			return nil
		}},
	// Falcon (arXiv:2311.16867): parallel blocks and few key heads; its first models have ALiBi.
	"falcon": {prefixes: transformer, aliases: bloomNames, norm: layerNorm, packing: grouped, tied: true, rotary: true,
		defaults: defaults{vocab: 65024, hidden: 4544, layers: 32, heads: 71, positions: 2048, actKey: "activation", act: "gelu", eps: 1e-5},
		adjust:   falcon},
}

// slideAll gives all layers the window, whatever layer_types says.
func slideAll(c *config, window *int) error {
	return c.slide(&raw{}, window, func(int) bool { return true })
}

// slides returns Qwen's window, nil if use_sliding_window does not say that there is one.
func (r *raw) slides() *int {
	if !r.UseSliding {
		return nil
	}
	return r.SlidingWindow.or(4096)
}

// slideLate is the rule of Qwen: layers slide from max_window_layers on.
func slideLate(c *config, r *raw) error {
	return c.slide(r, r.slides(), func(i int) bool { return i >= r.MaxWindowLayer })
}

func qwenExperts(c *config, r *raw, m moeSpec) error {
	prefer(&m.Experts, r.Experts, r.LocalExperts)
	prefer(&m.TopK, r.TopK)
	prefer(&m.Inner, r.ExpertInner)
	m.Normalize = r.NormTopK
	step := orElse(r.SparseStep, 1)
	if step < 1 {
		return fmt.Errorf("decoder_sparse_step is %d; want 1 at least", step)
	}
	return c.mixture(m, func(i int) bool { return !slices.Contains(r.MLPOnly, i) && (i+1)%step == 0 })
}

// gemma is what the models of that name share.
func gemma(c *config, r *raw) error {
	c.EmbedScale = float32(math.Sqrt(float64(c.Hidden)))
	c.QKVBias, c.OutBias = r.AttentionBias, r.AttentionBias
	return nil
}

func gptNeo(c *config, r *raw) error {
	c.OutBias, c.MLPBias, c.LearnedPositions = true, true, true
	c.scaleScores(1)
	kinds := r.AttentionLayers
	if kinds == nil {
		for _, t := range r.AttentionTypes {
			var names []string
			var times int
			if len(t) != 2 || json.Unmarshal(t[0], &names) != nil || json.Unmarshal(t[1], &times) != nil || times < 0 || times > maxLayers {
				return errors.New("attention_types is not a list of [[names], times]")
			}
			if len(kinds)+len(names)*times > c.Layers {
				return fmt.Errorf("attention_types names more than the %d layers", c.Layers)
			}
			for range times {
				kinds = append(kinds, names...)
			}
		}
	}
	if kinds != nil && len(kinds) != c.Layers {
		return fmt.Errorf("attention_types names %d layers of %d", len(kinds), c.Layers)
	}
	window := orElse(r.WindowSize, 256)
	return c.slide(&raw{}, &window, func(i int) bool {
		if kinds == nil {
			return i%2 == 1
		}
		return kinds[i] == "local"
	})
}

func falcon(c *config, r *raw) error {
	c.QKVBias, c.OutBias, c.MLPBias = r.Bias, r.Bias, r.Bias
	switch {
	case r.NewArchitecture:
		c.KVHeads = c.Heads
		prefer(&c.KVHeads, r.NumKV)
		norms := orElse(r.ParallelNorms, 2)
		c.Parallel, c.OneNorm = true, norms != 2
	default:
		c.KVHeads = c.Heads
		if orElse(r.MultiQuery, true) {
			c.KVHeads = 1
		}
		c.Parallel = orElse(r.ParallelAttention, true)
		c.OneNorm = c.Parallel
	}
	if c.KVHeads < 1 || c.Heads%c.KVHeads != 0 {
		return fmt.Errorf("num_attention_heads %d is not a multiple of num_kv_heads %d", c.Heads, c.KVHeads)
	}
	if r.ALiBi {
		c.ALiBi = roundedALiBi
	}
	return nil
}

func init() {
	for modelType, f := range families {
		arch.Register(modelType, func(c *arch.Config, w *loader.Weights, x *kernels.Exec) (arch.Model, error) {
			return newModel(c, f, w, x)
		})
	}
}
