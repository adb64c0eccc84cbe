package vit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
)

// The limits of what a config may ask for. They are far beyond any model, and keep the arithmetic of sizes within an int.
const (
	maxDim    = 1 << 20
	maxVocab  = 1 << 27
	maxLayers = 1 << 12
	maxSide   = 1 << 14 // of an image, in pixels
)

// A pair is a height and a width: in JSON one number for both, a list of the two, or null, which changes nothing.
type pair struct{ H, W int }

// UnmarshalJSON implements [json.Unmarshaler].
func (p *pair) UnmarshalJSON(text []byte) error {
	var one int
	if err := json.Unmarshal(text, &one); err == nil {
		if string(text) != "null" {
			*p = pair{one, one}
		}
		return nil
	}
	var two []int
	if err := json.Unmarshal(text, &two); err != nil || len(two) != 2 {
		return errors.New("a size is neither a number nor a list of two")
	}
	*p = pair{two[0], two[1]}
	return nil
}

// An id is a token id: in JSON a number, or a list of them, of which the first counts.
type id int

// UnmarshalJSON implements [json.Unmarshaler].
func (i *id) UnmarshalJSON(text []byte) error {
	var one int
	if err := json.Unmarshal(text, &one); err == nil {
		if string(text) != "null" {
			*i = id(one)
		}
		return nil
	}
	var list []int
	if err := json.Unmarshal(text, &list); err != nil || len(list) == 0 {
		return errors.New("a token id is neither a number nor a list of them")
	}
	*i = id(list[0])
	return nil
}

// config is what the code of this package reads of a config.json, or of the part of it that describes one tower. Its fields
// have Hugging Face's names; what a family does not have keeps the value that the family gives it.
type config struct {
	HiddenSize   int     `json:"hidden_size"`
	Layers       int     `json:"num_hidden_layers"`
	Heads        int     `json:"num_attention_heads"`
	Intermediate int     `json:"intermediate_size"`
	MLPRatio     float64 `json:"mlp_ratio"` // in place of intermediate_size
	ActName      string  `json:"hidden_act"`
	Eps          float64 `json:"layer_norm_eps"`
	Projection   int     `json:"projection_dim"`

	Image    pair `json:"image_size"`
	Patch    pair `json:"patch_size"`
	Channels int  `json:"num_channels"`

	QKVBias    bool   `json:"qkv_bias"`
	QueryBias  bool   `json:"query_bias"`
	KeyBias    bool   `json:"key_bias"`
	ValueBias  bool   `json:"value_bias"`
	OutBias    bool   `json:"proj_bias"`
	MLPBias    bool   `json:"mlp_bias"`
	PoolerSize int    `json:"pooler_output_size"`
	PoolerAct  string `json:"pooler_act"`

	Registers int     `json:"num_register_tokens"`
	SwiGLU    bool    `json:"use_swiglu_ffn"`
	GatedMLP  bool    `json:"use_gated_mlp"`
	Theta     float64 `json:"rope_theta"`
	UseHead   bool    `json:"vision_use_head"`

	// BEiT's.
	Absolute    bool    `json:"use_absolute_position_embeddings"`
	Relative    bool    `json:"use_relative_position_bias"`
	Shared      bool    `json:"use_shared_relative_position_bias"`
	LayerScale  float64 `json:"layer_scale_init_value"`
	MeanPooling bool    `json:"use_mean_pooling"`

	// Swin's.
	EmbedDim     int   `json:"embed_dim"`
	Depths       []int `json:"depths"`
	StageHeads   []int `json:"num_heads"`
	Window       int   `json:"window_size"`
	SwinAbsolute bool  `json:"use_absolute_embeddings"`

	// Those of a text tower.
	VocabSize      int `json:"vocab_size"`
	MaxPositions   int `json:"max_position_embeddings"`
	EOS            id  `json:"eos_token_id"`
	ProjectionSize int `json:"projection_size"`

	NumLabels *int              `json:"num_labels"`
	ID2Label  map[string]string `json:"id2label"`

	act    kernels.Activation
	labels []string
}

// check translates what was read, and returns an error if it makes no sense.
func (c *config) check() error {
	var err error
	if c.act, err = nn.ParseActivation(c.ActName); err != nil {
		return fmt.Errorf("config.json: hidden_act: %w", err)
	}
	switch {
	case len(c.ID2Label) > 0:
		c.labels = make([]string, len(c.ID2Label))
		for i := range c.labels {
			c.labels[i] = c.ID2Label[strconv.Itoa(i)]
		}
	case c.NumLabels != nil && (*c.NumLabels < 1 || *c.NumLabels > maxDim):
		return fmt.Errorf("config.json: num_labels is %d; want 1 to %d", *c.NumLabels, maxDim)
	default:
		n := 2
		if c.NumLabels != nil {
			n = *c.NumLabels
		}
		for i := range n {
			c.labels = append(c.labels, fmt.Sprintf("LABEL_%d", i))
		}
	}
	for _, v := range []struct {
		name           string
		n, least, most int
	}{
		{"hidden_size", c.HiddenSize, 1, maxDim}, {"num_hidden_layers", c.Layers, 0, maxLayers},
		{"num_attention_heads", c.Heads, 1, maxDim}, {"intermediate_size", c.Intermediate, 1, maxDim},
		{"projection_dim", c.Projection, 1, maxDim}, {"image_size", c.Image.H, 1, maxSide}, {"image_size", c.Image.W, 1, maxSide},
		{"patch_size", c.Patch.H, 1, c.Image.H}, {"patch_size", c.Patch.W, 1, c.Image.W}, {"num_channels", c.Channels, 1, 64},
		{"pooler_output_size", c.PoolerSize, 1, maxDim}, {"num_register_tokens", c.Registers, 0, maxDim},
		{"embed_dim", c.EmbedDim, 1, maxDim}, {"window_size", c.Window, 1, 64}, {"vocab_size", c.VocabSize, 1, maxVocab},
		{"max_position_embeddings", c.MaxPositions, 1, maxVocab}, {"projection_size", c.ProjectionSize, 1, maxDim},
	} {
		if v.n < v.least || v.n > v.most {
			return fmt.Errorf("config.json: %s is %d; want %d to %d", v.name, v.n, v.least, v.most)
		}
	}
	switch {
	case c.HiddenSize%c.Heads != 0:
		return fmt.Errorf("config.json: hidden_size %d is not a multiple of num_attention_heads %d", c.HiddenSize, c.Heads)
	case !(c.Eps >= 0 && c.Eps <= 1):
		return fmt.Errorf("config.json: layer_norm_eps is %g; want 0 to 1", c.Eps)
	case !(c.Theta > 0 && c.Theta < 1e18):
		return fmt.Errorf("config.json: rope_theta is %g; want more than 0", c.Theta)
	}
	return nil
}

// checkLabels returns an error if id2label has no label for one of the scores of a class that has them, as Transformers does when
// it classifies.
func (c *config) checkLabels() error {
	for i := range len(c.ID2Label) {
		if _, ok := c.ID2Label[strconv.Itoa(i)]; !ok {
			return fmt.Errorf("config.json: id2label has %d labels, but none for %d", len(c.ID2Label), i)
		}
	}
	return nil
}

// defaults returns a config of the values that most classes give to what config.json leaves out.
func defaults() config {
	return config{HiddenSize: 768, Layers: 12, Heads: 12, Intermediate: 3072, ActName: "gelu", Eps: 1e-12, Projection: 512,
		Image: pair{224, 224}, Patch: pair{16, 16}, Channels: 3, QKVBias: true, QueryBias: true, KeyBias: true, ValueBias: true,
		OutBias: true, MLPBias: true, PoolerAct: "tanh", Theta: 100, UseHead: true, LayerScale: 0.1, MeanPooling: true,
		EmbedDim: 96, Depths: []int{2, 2, 6, 2}, StageHeads: []int{3, 6, 12, 24}, Window: 7, VocabSize: 32000, MaxPositions: 64,
		EOS: 49407}
}

// readConfig reads a config.json for a family.
func readConfig(c *arch.Config, f *family) (*config, error) {
	cfg := f.defaults()
	if err := c.Decode(&cfg); err != nil {
		return nil, err
	}
	return cfg.finish(f)
}

// finish fills in what follows from other fields, and checks all of them.
func (c *config) finish(f *family) (*config, error) {
	if f.ratio {
		c.Intermediate = 0
		if n := c.MLPRatio * float64(c.HiddenSize); n >= 1 && n <= maxDim {
			c.Intermediate = int(n)
		}
		if c.SwiGLU { // two thirds, rounded up to a multiple of 8
			c.Intermediate = (int(float64(c.Intermediate*2)/3) + 7) / 8 * 8
		}
	}
	if c.PoolerSize == 0 {
		c.PoolerSize = c.HiddenSize
	}
	if c.ProjectionSize == 0 {
		c.ProjectionSize = c.HiddenSize
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

// towers reads the parts of a config.json that describe the two towers of a model of images and texts. Old files have each in
// a second form, whose values count if it is there.
func towers(c *arch.Config, f *pairFamily) (vision, text *config, err error) {
	var raw struct {
		Vision     json.RawMessage `json:"vision_config"`
		Text       json.RawMessage `json:"text_config"`
		VisionDict json.RawMessage `json:"vision_config_dict"`
		TextDict   json.RawMessage `json:"text_config_dict"`
	}
	if err := c.Decode(&raw); err != nil {
		return nil, nil, err
	}
	read := func(name string, f *family, text, dict json.RawMessage) (*config, error) {
		cfg := f.defaults()
		if len(dict) > 0 && string(dict) != "null" {
			text = dict
		}
		if len(text) > 0 {
			if err := json.Unmarshal(text, &cfg); err != nil {
				return nil, fmt.Errorf("config.json: %s: %w", name, err)
			}
		}
		return cfg.finish(f)
	}
	if vision, err = read("vision_config", f.vision, raw.Vision, raw.VisionDict); err != nil {
		return nil, nil, err
	}
	text, err = read("text_config", &f.text.family, raw.Text, raw.TextDict)
	return vision, text, err
}
