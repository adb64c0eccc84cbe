package bert

import (
	"fmt"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
)

// config is what the code of this package reads of a config.json: the names and defaults of all model types of the family,
// translated into one form.
type config struct {
	VocabSize     int
	HiddenSize    int
	Layers        int
	Heads         int
	Intermediate  int
	MaxPositions  int // rows of the table of positions
	TypeVocabSize int // 0: no token types
	Act           kernels.Activation
	Eps           float32
	Labels        int
	TieWords      bool // the decoder of a masked LM is the table of words
	Buckets       int  // of relative positions; 0: none

	family *family
}

// The limits of what a config may ask for. They are far beyond any model, and keep the arithmetic of sizes within an int.
const (
	maxDim    = 1 << 20
	maxVocab  = 1 << 27
	maxLayers = 1 << 12
)

// readConfig translates a config.json.
func readConfig(c *arch.Config, f *family) (*config, error) {
	// The defaults are those of the Hugging Face config classes; a field that has its default may be left out of the file.
	raw := struct {
		VocabSize    int     `json:"vocab_size"`
		HiddenSize   int     `json:"hidden_size"`
		Layers       int     `json:"num_hidden_layers"`
		Heads        int     `json:"num_attention_heads"`
		Intermediate int     `json:"intermediate_size"`
		MaxPositions int     `json:"max_position_embeddings"`
		Types        int     `json:"type_vocab_size"`
		Act          string  `json:"hidden_act"`
		Eps          float64 `json:"layer_norm_eps"`
		Pad          *int64  `json:"pad_token_id"`
		Labels       *int    `json:"num_labels"`
		Tie          bool    `json:"tie_word_embeddings"`
		Buckets      int     `json:"relative_attention_num_buckets"`
		PositionType string  `json:"position_embedding_type"`
		Decoder      bool    `json:"is_decoder"`
		Cross        bool    `json:"add_cross_attention"`

		// DistilBERT's names.
		Dim       *int    `json:"dim"`
		HiddenDim *int    `json:"hidden_dim"`
		NLayers   *int    `json:"n_layers"`
		NHeads    *int    `json:"n_heads"`
		DistilAct *string `json:"activation"`
	}{VocabSize: f.vocab, HiddenSize: 768, Layers: 12, Heads: 12, Intermediate: 3072, MaxPositions: 512, Types: 2, Act: "gelu",
		Eps: 1e-12, Tie: true, Buckets: 32, PositionType: "absolute"}
	if f.distil {
		raw.Layers = 6
	}
	if err := c.Decode(&raw); err != nil {
		return nil, err
	}
	if f.distil {
		for _, v := range []struct{ dst, src *int }{
			{&raw.HiddenSize, raw.Dim}, {&raw.Intermediate, raw.HiddenDim}, {&raw.Layers, raw.NLayers}, {&raw.Heads, raw.NHeads},
		} {
			if v.src != nil {
				*v.dst = *v.src
			}
		}
		if raw.DistilAct != nil {
			raw.Act = *raw.DistilAct
		}
		raw.Eps = 1e-12 // not in the config
	}
	if !f.types {
		raw.Types = 0
	}
	if !f.relative {
		raw.Buckets = 0
	}
	act, err := nn.ParseActivation(raw.Act)
	if err != nil {
		return nil, fmt.Errorf("config.json: hidden_act: %w", err)
	}
	cfg := &config{VocabSize: raw.VocabSize, HiddenSize: raw.HiddenSize, Layers: raw.Layers, Heads: raw.Heads,
		Intermediate: raw.Intermediate, MaxPositions: raw.MaxPositions, TypeVocabSize: raw.Types, Act: act, Eps: float32(raw.Eps),
		Labels: 2, TieWords: raw.Tie, Buckets: raw.Buckets, family: f}
	switch {
	case len(c.ID2Label) > 0:
		cfg.Labels = len(c.ID2Label)
	case raw.Labels != nil:
		cfg.Labels = *raw.Labels
	}
	for _, v := range []struct {
		name    string
		n, most int
	}{
		{"vocab_size", cfg.VocabSize, maxVocab}, {"hidden_size", cfg.HiddenSize, maxDim}, {"num_hidden_layers", cfg.Layers, maxLayers},
		{"num_attention_heads", cfg.Heads, maxDim}, {"intermediate_size", cfg.Intermediate, maxDim},
		{"max_position_embeddings", cfg.MaxPositions, maxVocab}, {"num_labels", cfg.Labels, maxVocab},
	} {
		if v.n < 1 || v.n > v.most {
			return nil, fmt.Errorf("config.json: %s is %d; want 1 to %d", v.name, v.n, v.most)
		}
	}
	switch {
	case cfg.HiddenSize%cfg.Heads != 0:
		return nil, fmt.Errorf("config.json: hidden_size %d is not a multiple of num_attention_heads %d", cfg.HiddenSize, cfg.Heads)
	case f.types && (raw.Types < 1 || raw.Types > maxDim):
		return nil, fmt.Errorf("config.json: type_vocab_size is %d; want 1 to %d", raw.Types, maxDim)
	case !(raw.Eps >= 0 && raw.Eps <= 1):
		return nil, fmt.Errorf("config.json: layer_norm_eps is %g; want 0 to 1", raw.Eps)
	case raw.PositionType != "absolute":
		return nil, fmt.Errorf("config.json: position_embedding_type %q is not supported; absolute is", raw.PositionType)
	case raw.Decoder || raw.Cross:
		return nil, fmt.Errorf("config.json: is_decoder or add_cross_attention is set; only encoders are supported")
	case f.relative && raw.Buckets != 32:
		return nil, fmt.Errorf("config.json: relative_attention_num_buckets is %d; only 32 is supported", raw.Buckets)
	}
	if raw.Pad != nil && f.rule.SkipPad && f.padFromConfig {
		if *raw.Pad < 0 || *raw.Pad >= int64(cfg.VocabSize) {
			return nil, fmt.Errorf("config.json: pad_token_id is %d; the vocabulary has %d tokens", *raw.Pad, cfg.VocabSize)
		}
		g := *f
		g.rule.Pad = int32(*raw.Pad)
		cfg.family = &g
	}
	return cfg, nil
}
