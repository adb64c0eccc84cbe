package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/godwit-ml/godwit/loader"
)

// A shape is what the cost of a model depends on.
type shape struct {
	layers, heads, kvHeads, headDim int
	tokens                          int     // of an image
	body                            float64 // multiplications a token: the weights of all layers
	head                            float64 // those of the scores of the vocabulary
	patch                           float64 // those of a patch of an image
	elem                            float64 // bytes of a weight
}

// attention returns the operations for that many pairs of a query and a key it sees.
func (s *shape) attention(pairs float64) float64 {
	return 4 * pairs * float64(s.heads*s.headDim*s.layers)
}

// cache returns the bytes of that many keys and values in float32.
func (s *shape) cache(tokens float64) float64 {
	return 2 * 4 * tokens * float64(s.kvHeads*s.headDim*s.layers)
}

// modelConfig are the fields of a config.json that tell what is compared.
type modelConfig struct {
	ModelType     string   `json:"model_type"`
	Architectures []string `json:"architectures"`

	Hidden  int `json:"hidden_size"`
	NEmbd   int `json:"n_embd"`
	Layers  int `json:"num_hidden_layers"`
	NLayer  int `json:"n_layer"`
	Heads   int `json:"num_attention_heads"`
	NHead   int `json:"n_head"`
	KVHeads int `json:"num_key_value_heads"`
	HeadDim int `json:"head_dim"`
	Vocab   int `json:"vocab_size"`
	Image   int `json:"image_size"`
	Patch   int `json:"patch_size"`
}

func readModelConfig(dir string) (*modelConfig, error) {
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, err
	}
	var c modelConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	return &c, nil
}

// family tells which cells a model has.
func (c *modelConfig) family() string {
	class := strings.Join(c.Architectures, " ")
	switch {
	case strings.Contains(class, "CausalLM") || strings.Contains(class, "LMHeadModel"):
		return decoderCells
	case c.Image > 0:
		return imageCells
	}
	return encoderCells
}

// readShape reads config.json and the headers of the weights. What is multiplied by are the matrices of the layers.
func readShape(dir string) (*shape, error) {
	c, err := readModelConfig(dir)
	if err != nil {
		return nil, err
	}
	hidden := cmp.Or(c.Hidden, c.NEmbd)
	s := &shape{layers: cmp.Or(c.Layers, c.NLayer), heads: cmp.Or(c.Heads, c.NHead)}
	if s.layers == 0 || s.heads == 0 {
		return nil, fmt.Errorf("%s: config.json does not say how many layers and heads there are", dir)
	}
	s.kvHeads, s.headDim = cmp.Or(c.KVHeads, s.heads), cmp.Or(c.HeadDim, hidden/s.heads)
	if c.Image > 0 {
		side := c.Image / c.Patch
		s.tokens, s.patch = side*side+1, float64(3*c.Patch*c.Patch*hidden)
	}
	if c.family() == decoderCells {
		s.head = float64(c.Vocab) * float64(hidden)
	}
	w, err := loader.Open(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	defer w.Close()
	for _, name := range w.Names() {
		if v, ok := w.View(name); ok && len(v.Shape) == 2 && inLayer(name) {
			s.body += float64(v.Shape[0]) * float64(v.Shape[1])
			s.elem = float64(v.DType.Bits()) / 8
		}
	}
	return s, nil
}

// inLayer tells whether a tensor belongs to a numbered layer: layers.3.mlp.up_proj.weight, h.3.attn.c_attn.weight.
func inLayer(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if part != "" && strings.Trim(part, "0123456789") == "" {
			return true
		}
	}
	return false
}
