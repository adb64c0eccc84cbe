package gpt

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
)

// config says what a model is made of. It is translated from config.json once; the code of the blocks knows nothing else.
type config struct {
	Vocab, Hidden, Layers int
	WordDim               int // size of the embeddings, which are projected to Hidden if it differs
	Heads, KVHeads        int
	HeadDim               int
	Inner                 int // size of the MLP
	Act                   kernels.Activation
	Gated                 bool // the MLP is act(gate)·up
	MaxPositions          int

	Norm     normKind // of the residual stream
	Place    placement
	Parallel bool // attention and MLP start from the same input
	// OneNorm: parallel blocks have one norm for both.
	OneNorm        bool
	NormedResidual bool // the residual is the norm's output
	EmbedNorm      bool // the embeddings are normalised
	NoFinalNorm    bool

	QKNorm     qkNorm
	QKNormKind normKind

	QKVBias, OutBias, MLPBias, HeadBias bool
	Packing                             packing // of query, key and value in the file
	FusedGate                           bool    // gate and up are one tensor
	Transposed                          bool    // weights are [in, out]
	Tied                                bool

	LearnedPositions bool
	PositionOffset   int // of the table of positions
	ALiBi            alibiKind
	Ropes            []*rope // of which a layer has one or none

	LayerSpecs   []layerSpec
	Causal       bool
	SoftCap      float32 // of attention scores; 0: none
	LogitCap     float32 // of logits; 0: none
	EmbedScale   float32 // 1: none
	Residual     float32 // multiplies what a block adds; 1: none
	LogitDivisor float32 // 1: none
	LogitScale   float32 // 1: none

	MoE moeSpec

	Labels int
	EOS    []int32
	Pad    int32 // -1: none
}

// A normKind says how rows are normalised.
type normKind struct {
	RMS, OnePlus bool
	Bias         bool
	Eps          float32
}

// A placement says where a block's norms stand.
type placement uint8

const (
	before   placement = iota // h + f(norm(h)): GPT-2, Llama
	after                     // h + norm(f(h)): OLMo 2
	around                    // h + norm(f(norm(h))): Gemma 2
	afterSum                  // norm(h + f(h)): the first Transformer, OPT-350m
)

// A qkNorm says what of queries and keys is normalised.
type qkNorm uint8

const (
	noQKNorm qkNorm = iota
	perHead         // each head, all with the same weight
	ownHead         // each head with a weight of its own
	headList        // so too, in a tensor for each head
	whole           // all heads as one row
)

// A packing says how a file holds the projections of query, key and value.
type packing uint8

const (
	apart   packing = iota // three tensors
	sides                  // one: all queries, all keys, all values
	grouped                // one: for each key head its queries, key and value
)

type alibiKind uint8

const (
	noALiBi alibiKind = iota
	alibi
	roundedALiBi // Falcon's: in bfloat16, before the scores are scaled
)

// A layerSpec is what a layer has of its own.
type layerSpec struct {
	Rope   int // index of Ropes, -1: none
	Window int // 0: none
	Scale  float32
	MoE    bool
}

// A moeSpec is a mixture of experts.
type moeSpec struct {
	Experts, TopK, Inner int
	Normalize            bool // the weights of the chosen experts sum to 1
	Shared               int  // size of the expert that all tokens go to; 0: none
}

// The limits of what a config may ask for. They are far beyond any model, and keep the arithmetic of sizes within an int.
const (
	maxDim       = 1 << 20
	maxHeads     = 1 << 14
	maxVocab     = 1 << 27
	maxLayers    = 1 << 12
	maxPositions = 1 << 24 // of rotary embeddings and ALiBi, which have no table
)

// raw is what is read of a config.json: the keys of all families.
type raw struct {
	Vocab          int        `json:"vocab_size"`
	Hidden         int        `json:"hidden_size"`
	Layers         int        `json:"num_hidden_layers"`
	Heads          int        `json:"num_attention_heads"`
	KVHeads        *int       `json:"num_key_value_heads"`
	HeadDim        *int       `json:"head_dim"`
	Inner          *int       `json:"intermediate_size"`
	MaxPositions   int        `json:"max_position_embeddings"`
	Act            *string    `json:"hidden_act"`
	Tied           bool       `json:"tie_word_embeddings"`
	AttentionBias  bool       `json:"attention_bias"`
	MLPBias        bool       `json:"mlp_bias"`
	SlidingWindow  given[int] `json:"sliding_window"`
	UseSliding     bool       `json:"use_sliding_window"`
	MaxWindowLayer int        `json:"max_window_layers"`
	LayerTypes     []string   `json:"layer_types"`
	Pattern        *int       `json:"sliding_window_pattern"`
	OldPattern     *int       `json:"_sliding_window_pattern"`

	RopeParameters *ropeParameters `json:"rope_parameters"`
	RopeScaling    *ropeParameters `json:"rope_scaling"`
	Theta          *float64        `json:"rope_theta"`
	LocalTheta     *float64        `json:"rope_local_base_freq"`
	RotaryBase     *float64        `json:"rotary_emb_base"`
	Partial        *float64        `json:"partial_rotary_factor"`
	RotaryPct      *float64        `json:"rotary_pct"`
	RotaryDim      *int            `json:"rotary_dim"`
	OriginalMax    *float64        `json:"original_max_position_embeddings"`
	NoRope         []int           `json:"no_rope_layers"`
	NoRopeInterval int             `json:"no_rope_layer_interval"`

	// Other names of the same.
	Embd       *int     `json:"n_embd"`
	Embed      *int     `json:"n_embed"`
	NLayer     *int     `json:"n_layer"`
	NumLayers  *int     `json:"num_layers"`
	NHead      *int     `json:"n_head"`
	NumHeads   *int     `json:"num_heads"`
	NPositions *int     `json:"n_positions"`
	NInner     *int     `json:"n_inner"`
	FFNDim     *int     `json:"ffn_dim"`
	FFNHidden  *int     `json:"ffn_hidden_size"`
	ActFn      *string  `json:"activation_function"`
	Activation *string  `json:"activation"`
	HiddenActi *string  `json:"hidden_activation"`
	RMSEps     *float64 `json:"rms_norm_eps"`
	LNEps      *float64 `json:"layer_norm_eps"`
	LNEpsilon  *float64 `json:"layer_norm_epsilon"`
	NEpsilon   *float64 `json:"norm_epsilon"`
	NumKV      *int     `json:"num_kv_heads"`

	// Options of single families.
	ScaleWeights      *bool               `json:"scale_attn_weights"`
	InverseLayer      bool                `json:"scale_attn_by_inverse_layer_idx"`
	CrossAttention    bool                `json:"add_cross_attention"`
	AttentionLayers   []string            `json:"attention_layers"`
	AttentionTypes    [][]json.RawMessage `json:"attention_types"`
	WindowSize        *int                `json:"window_size"`
	ParallelResidual  *bool               `json:"use_parallel_residual"`
	QKLayerNorm       bool                `json:"qk_layernorm"`
	UseQKNorm         bool                `json:"use_qk_norm"`
	UseQKVBias        bool                `json:"use_qkv_bias"`
	QKVBias           *bool               `json:"qkv_bias"`
	UseBias           *bool               `json:"use_bias"`
	EnableBias        *bool               `json:"enable_bias"`
	NormBefore        *bool               `json:"do_layer_norm_before"`
	RemoveFinalNorm   bool                `json:"_remove_final_layer_norm"`
	NormAffine        *bool               `json:"layer_norm_elementwise_affine"`
	WordDim           *int                `json:"word_embed_proj_dim"`
	ALiBi             bool                `json:"alibi"`
	NewArchitecture   bool                `json:"new_decoder_architecture"`
	MultiQuery        *bool               `json:"multi_query"`
	ParallelAttention *bool               `json:"parallel_attn"`
	Bias              bool                `json:"bias"`
	ParallelNorms     *int                `json:"num_ln_in_parallel_attn"`
	ResidualOfNorm    bool                `json:"apply_residual_connection_post_layernorm"`
	Bidirectional     *bool               `json:"use_bidirectional_attention"`
	QueryScalar       *float64            `json:"query_pre_attn_scalar"`
	SoftCap           given[float64]      `json:"attn_logit_softcapping"`
	LogitCap          given[float64]      `json:"final_logit_softcapping"`
	EmbedMultiplier   *float64            `json:"embedding_multiplier"`
	LogitsScaling     *float64            `json:"logits_scaling"`
	ResidualMult      *float64            `json:"residual_multiplier"`
	AttentionMult     *float64            `json:"attention_multiplier"`
	LogitScale        *float64            `json:"logit_scale"`

	Experts      *int  `json:"num_experts"`
	LocalExperts *int  `json:"num_local_experts"`
	TopK         *int  `json:"num_experts_per_tok"`
	ExpertInner  *int  `json:"moe_intermediate_size"`
	SharedInner  *int  `json:"shared_expert_intermediate_size"`
	NormTopK     bool  `json:"norm_topk_prob"`
	SparseStep   *int  `json:"decoder_sparse_step"`
	MLPOnly      []int `json:"mlp_only_layers"`

	Labels *int         `json:"num_labels"`
	EOS    idList       `json:"eos_token_id"`
	Pad    given[int32] `json:"pad_token_id"`
}

// given is a field whose absence means its default, and null that there is none.
type given[T any] struct {
	set bool
	v   *T
}

// UnmarshalJSON implements [json.Unmarshaler].
func (g *given[T]) UnmarshalJSON(text []byte) error {
	g.set = true
	return json.Unmarshal(text, &g.v)
}

// or returns what is given, nil for null, or the default.
func (g given[T]) or(v T) *T {
	if !g.set {
		return &v
	}
	return g.v
}

// idList is a token id or a list of them.
type idList []int32

// UnmarshalJSON implements [json.Unmarshaler].
func (l *idList) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]int32)(l))
	}
	var id *int32
	if err := json.Unmarshal(text, &id); err != nil {
		return err
	}
	if id != nil {
		*l = idList{*id}
	}
	return nil
}

// prefer sets dst to the first of the alternatives that is there.
func prefer[T any](dst *T, alternatives ...*T) {
	for _, p := range alternatives {
		if p != nil {
			*dst = *p
			return
		}
	}
}

// readConfig translates a config.json.
func readConfig(c *arch.Config, f *family) (*config, error) {
	cfg, err := translate(c, f)
	if err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	return cfg, nil
}

func translate(c *arch.Config, f *family) (*config, error) {
	d := &f.defaults
	r := &raw{AttentionBias: f.biased, Vocab: d.vocab, Hidden: d.hidden, Layers: d.layers, Heads: d.heads, MaxPositions: d.positions,
		Tied: f.tied, MaxWindowLayer: 28, NoRopeInterval: 4}
	if err := c.Decode(r); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "config.json: "))
	}
	prefer(&r.Hidden, r.Embd, r.Embed)
	prefer(&r.Layers, r.NLayer, r.NumLayers)
	prefer(&r.Heads, r.NHead, r.NumHeads)
	prefer(&r.MaxPositions, r.NPositions)
	inner := 4 * r.Hidden
	if d.inner > 0 {
		inner = d.inner
	}
	prefer(&inner, r.NInner, r.FFNDim, r.FFNHidden, r.Inner)
	kv := r.Heads
	if d.kv > 0 {
		kv = min(d.kv, r.Heads)
	}
	prefer(&kv, r.KVHeads)
	eps := d.eps
	if f.norm.RMS {
		prefer(&eps, r.RMSEps)
	} else {
		prefer(&eps, r.LNEps, r.LNEpsilon, r.NEpsilon)
	}
	cfg := &config{Vocab: r.Vocab, Hidden: r.Hidden, WordDim: r.Hidden, Layers: r.Layers, Heads: r.Heads, KVHeads: kv, Inner: inner,
		MaxPositions: r.MaxPositions, Tied: r.Tied, Norm: f.norm, Place: f.place, Gated: f.gated, Packing: f.packing,
		Causal: true, EmbedScale: 1, Residual: 1, LogitDivisor: 1, LogitScale: 1, Labels: 2, EOS: r.EOS, Pad: orElse(r.Pad.v, -1)}
	if !r.Pad.set {
		cfg.Pad = orElse(d.pad, -1)
	}
	cfg.Norm.Eps = float32(eps)
	if len(c.ID2Label) > 0 {
		cfg.Labels = len(c.ID2Label)
	} else {
		prefer(&cfg.Labels, r.Labels)
	}
	for _, v := range []struct {
		name    string
		n, most int
	}{
		{"vocab_size", cfg.Vocab, maxVocab}, {"hidden_size", cfg.Hidden, maxDim}, {"num_hidden_layers", cfg.Layers, maxLayers},
		{"num_attention_heads", cfg.Heads, maxHeads}, {"num_key_value_heads", cfg.KVHeads, maxHeads},
		{"intermediate_size", cfg.Inner, maxDim}, {"max_position_embeddings", cfg.MaxPositions, maxVocab},
		{"num_labels", cfg.Labels, maxVocab},
	} {
		if v.n < 1 || v.n > v.most {
			return nil, fmt.Errorf("%s is %d; want 1 to %d", v.name, v.n, v.most)
		}
	}
	if !(eps >= 0 && eps <= 1) {
		return nil, fmt.Errorf("the epsilon of the norms is %g; want 0 to 1", eps)
	}
	var err error
	act, actKey := d.act, cmp.Or(d.actKey, "hidden_act")
	prefer(&act, map[string]*string{"hidden_act": r.Act, "activation_function": r.ActFn, "activation": r.Activation,
		"hidden_activation": r.HiddenActi}[actKey])
	if cfg.Act, err = nn.ParseActivation(act); err != nil {
		return nil, fmt.Errorf("%s: %w", actKey, err)
	}
	if err := cfg.heads(r, f); err != nil {
		return nil, err
	}
	cfg.LayerSpecs = make([]layerSpec, cfg.Layers)
	for i := range cfg.LayerSpecs {
		cfg.LayerSpecs[i] = layerSpec{Rope: -1, Scale: float32(1 / math.Sqrt(float64(cfg.HeadDim)))}
	}
	if f.adjust != nil {
		if err := f.adjust(cfg, r); err != nil {
			return nil, err
		}
	}
	if cfg.Heads%cfg.KVHeads != 0 { // it may have been adjusted
		return nil, fmt.Errorf("num_attention_heads %d is not a multiple of num_key_value_heads %d", cfg.Heads, cfg.KVHeads)
	}
	if f.rotary && cfg.ALiBi == noALiBi {
		if err := cfg.ropes(r, f); err != nil {
			return nil, err
		}
	}
	return cfg, cfg.check()
}

// heads sets the size of a head.
func (c *config) heads(r *raw, f *family) error {
	switch {
	case r.HeadDim != nil && f.headDim:
		c.HeadDim = *r.HeadDim
	case f.defaults.headDim > 0:
		c.HeadDim = f.defaults.headDim
	case c.Hidden%c.Heads != 0:
		return fmt.Errorf("hidden_size %d is not a multiple of num_attention_heads %d", c.Hidden, c.Heads)
	default:
		c.HeadDim = c.Hidden / c.Heads
	}
	if c.HeadDim < 1 || c.HeadDim > maxDim || c.Heads*c.HeadDim > maxDim {
		return fmt.Errorf("head_dim is %d for %d heads; want 1 to %d in all", c.HeadDim, c.Heads, maxDim)
	}
	if c.KVHeads > c.Heads || c.Heads%c.KVHeads != 0 {
		return fmt.Errorf("num_attention_heads %d is not a multiple of num_key_value_heads %d", c.Heads, c.KVHeads)
	}
	return nil
}

// ropes makes the rotary embeddings, and gives one to each layer that has any.
func (c *config) ropes(r *raw, f *family) error {
	p := r.RopeScaling
	if p == nil || p.RopeType == "" && p.Type == "" {
		p = r.RopeParameters
	}
	if p == nil {
		p = &ropeParameters{}
	}
	full, sliding := *p, ropeParameters{}
	for _, v := range []struct {
		text json.RawMessage
		dst  *ropeParameters
	}{{p.Full, &full}, {p.Sliding, &sliding}} {
		if len(v.text) > 0 {
			*v.dst = ropeParameters{}
			if err := json.Unmarshal(v.text, v.dst); err != nil {
				return fmt.Errorf("rope_parameters: %w", err)
			}
		}
	}
	theta, partial := f.defaults.theta, f.defaults.partial
	if theta == 0 {
		theta = 10000
	}
	if partial == 0 {
		partial = 1
	}
	prefer(&theta, full.Theta, r.Theta, r.RotaryBase)
	if f.defaults.partial > 0 {
		prefer(&partial, full.Partial, r.Partial, r.RotaryPct)
	}
	if !(partial > 0 && partial <= 1) {
		return fmt.Errorf("partial_rotary_factor is %g; want a number above 0, and at most 1", partial)
	}
	dim := int(float64(c.HeadDim) * partial)
	if d := f.defaults.rotaryDim; d > 0 {
		dim = orElse(r.RotaryDim, d)
	}
	if dim < 2 || dim%2 != 0 || dim > c.HeadDim {
		return fmt.Errorf("%d of the %d elements of a head are rotated; want an even number, 2 at least", dim, c.HeadDim)
	}
	add := func(p *ropeParameters, theta float64) error {
		rope, err := newRope(p, theta, dim, c.MaxPositions, r.OriginalMax)
		if err != nil {
			return err
		}
		rope.interleaved, rope.anew = f.interleaved, f.ropeAnew
		c.Ropes = append(c.Ropes, rope)
		return nil
	}
	if err := add(&full, theta); err != nil {
		return err
	}
	if f.twoRopes {
		local := 10000.0
		prefer(&local, sliding.Theta, r.LocalTheta)
		if err := add(&sliding, local); err != nil {
			return err
		}
	}
	for i := range c.LayerSpecs {
		l := &c.LayerSpecs[i]
		switch {
		case f.noRope && i < len(r.NoRope):
			l.Rope = r.NoRope[i] - 1
		case f.noRope && r.NoRope == nil && r.NoRopeInterval > 0 && (i+1)%r.NoRopeInterval == 0:
			l.Rope = -1
		case f.twoRopes && l.Window > 0:
			l.Rope = 1
		default:
			l.Rope = 0
		}
		l.Rope = min(max(l.Rope, -1), len(c.Ropes)-1)
	}
	return nil
}

// slide gives the window to the layers that slide: those that layer_types names, or, without it, those that f says.
func (c *config) slide(r *raw, window *int, f func(i int) bool) error {
	if len(r.LayerTypes) > 0 && len(r.LayerTypes) != c.Layers {
		return fmt.Errorf("layer_types has %d elements for %d layers", len(r.LayerTypes), c.Layers)
	}
	for i := range c.LayerSpecs {
		slides := f(i)
		if len(r.LayerTypes) > 0 {
			switch r.LayerTypes[i] {
			case "full_attention":
				slides = false
			case "sliding_attention":
				slides = true
			default:
				return fmt.Errorf("layer type %q is not supported; supported are full_attention, sliding_attention", r.LayerTypes[i])
			}
		}
		if slides && window != nil {
			if *window < 1 || *window > maxPositions {
				return fmt.Errorf("sliding_window is %d; want 1 to %d", *window, maxPositions)
			}
			c.LayerSpecs[i].Window = *window
		}
	}
	return nil
}

// mixture makes the layers sparse for which f is true.
func (c *config) mixture(m moeSpec, f func(i int) bool) error {
	if m.Experts < 1 || m.Experts > maxLayers || m.TopK < 1 || m.TopK > m.Experts || m.Inner < 1 || m.Inner > maxDim ||
		m.Shared < 0 || m.Shared > maxDim {
		return fmt.Errorf("%d of %d experts of %d, and %d of a shared one, are no mixture of experts", m.TopK, m.Experts, m.Inner, m.Shared)
	}
	c.MoE = m
	for i := range c.LayerSpecs {
		c.LayerSpecs[i].MoE = f(i)
	}
	return nil
}

// manyTensors is a number of tensors that no config is asked about.
const manyTensors = 1 << 17

// fits returns an error if the layers of the model would have far more tensors than the file, before anything is made of them.
func (c *config) fits(tensors int) error {
	n := 0
	for _, l := range c.LayerSpecs {
		if n += 4; l.MoE {
			n += 3 * c.MoE.Experts
		}
		if c.QKNorm == headList {
			n += c.Heads + c.KVHeads
		}
	}
	if n > manyTensors && n/2 > tensors {
		return fmt.Errorf("config.json: the model has more than %d tensors; the weights are %d", n, tensors)
	}
	return nil
}

// scaleScores sets the factor of all layers' scores.
func (c *config) scaleScores(s float64) {
	for i := range c.LayerSpecs {
		c.LayerSpecs[i].Scale = float32(s)
	}
}

// check returns an error if a number is not one to compute with.
func (c *config) check() error {
	for _, v := range []struct {
		name string
		x    float32
	}{{"the scale of the scores", c.LayerSpecs[0].Scale}, {"the scale of the embeddings", c.EmbedScale},
		{"residual_multiplier", c.Residual}, {"logits_scaling", c.LogitDivisor}, {"logit_scale", c.LogitScale}} {
		if x := float64(v.x); math.IsNaN(x) || math.IsInf(x, 0) || x == 0 && (v.name == "logits_scaling" || v.name == "residual_multiplier") {
			return fmt.Errorf("%s is %g", v.name, v.x)
		}
	}
	for _, cap := range []float32{c.SoftCap, c.LogitCap} {
		if !(cap >= 0) || math.IsInf(float64(cap), 0) {
			return fmt.Errorf("a soft cap is %g; want a number above 0", cap)
		}
	}
	if c.WordDim < 1 || c.WordDim > maxDim {
		return fmt.Errorf("word_embed_proj_dim is %d; want 1 to %d", c.WordDim, maxDim)
	}
	return nil
}
