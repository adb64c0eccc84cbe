// Package gpt is the family of GPT: decoders, whose tokens see those before them.
//
//   - Radford et al., Language Models are Unsupervised Multitask Learners (2019); Touvron et al., LLaMA (arXiv:2302.13971)
//   - upstream: transformers/models/{gpt2,llama,...}/modeling_*.py
//
// The model types differ in their norms, positions, attention and feed-forward parts, all of which are data: family.go has a
// row for each, config.go translates config.json with it, and layer.go computes what the config says. decoder.go continues
// sequences whose keys and values are kept.
package gpt

import (
	"fmt"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/internal/parallel"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A Model is a decoder without a head.
type Model struct {
	Embed      nn.Embedding  `st:"embed_tokens"` // [vocabulary, WordDim]
	EmbedNorm  *norm         `st:"embed_norm"`
	Positions  *nn.Embedding `st:"embed_positions"` // [positions, Hidden], or nil
	ProjectIn  *nn.Linear    `st:"project_in"`      // or nil
	Layers     []layer       `st:"layers"`
	Norm       *norm         `st:"norm"`
	ProjectOut *nn.Linear    `st:"project_out"` // or nil

	c      *config
	x      *kernels.Exec
	limits arch.Limits
	passes parallel.FreeList[pass]
}

// A pass is one run of a packed batch through the layers: what all of them share.
type pass struct {
	ids, positions, starts []int32

	spans  []int32  // of each sequence, the length that the frequencies of its rotary embeddings follow, if that matters
	caches []*cache // of each sequence, or none at all
	last   bool     // only the last token of each sequence is wanted
	few    bool     // so of the layer at hand, which is the last

	rows   []int32         // 0, 1, 2, ...: rows of the tables
	ropes  [2]kernels.RoPE // of the tokens
	kv     []*kernels.KV   // of the caches, for the layer at hand
	falcon falconBias
}

// begin returns an empty pass.
func (m *Model) begin() *pass { return m.passes.Get() }

// end gives a pass back.
func (m *Model) end(p *pass) {
	clear(p.caches)
	clear(p.kv)
	*p = pass{caches: p.caches[:0], kv: p.kv[:0]}
	m.passes.Put(p)
}

// Limits implements [arch.TextEncoder].
func (m *Model) Limits() arch.Limits { return m.limits }

// Encode implements [arch.TextEncoder].
func (m *Model) Encode(ws *tensor.Workspace, b *arch.Batch) tensor.Tensor {
	return m.encode(ws, b, nil)
}

// encode returns the last hidden states, [tokens, WordDim]. A sink that is not nil gets those before each layer.
func (m *Model) encode(ws *tensor.Workspace, b *arch.Batch, out *arch.Sink) tensor.Tensor {
	p := m.begin()
	defer m.end(p)
	p.ids, p.positions, p.starts = b.IDs, b.Positions, b.Starts
	p.falcon.starts = b.Starts
	span := int32(b.Span)
	for _, pos := range b.Positions {
		span = max(span, pos+1)
	}
	p.spans = ws.Int32(b.Len())
	for s := range p.spans {
		p.spans[s] = span
	}
	return m.run(ws, p, out)
}

// run returns the last hidden states of the tokens that are wanted, [tokens, WordDim].
func (m *Model) run(ws *tensor.Workspace, p *pass, out *arch.Sink) tensor.Tensor {
	c := m.c
	h := m.Embed.Lookup(ws, p.ids)
	if c.EmbedScale != 1 {
		m.x.Scale(h.Data, h.Data, c.EmbedScale)
	}
	if m.ProjectIn != nil {
		h = m.ProjectIn.Forward(ws, h)
	}
	if m.Positions != nil {
		places := ws.Int32(len(p.positions))
		for i, pos := range p.positions {
			places[i] = pos + int32(c.PositionOffset)
		}
		m.Positions.AddTo(ws, h, places)
	}
	m.EmbedNorm.inPlace(h)
	if len(c.Ropes) > 0 {
		p.rows = ws.Int32(len(p.ids))
		for i := range p.rows {
			p.rows[i] = int32(i)
		}
		for i, r := range c.Ropes {
			p.ropes[i] = r.table(ws, p)
		}
	}
	for i := range m.Layers {
		if out != nil && out.HiddenStates {
			out.Tokens(fmt.Sprintf("hidden_states.%d", i), h)
		}
		p.few = p.last && i == len(m.Layers)-1
		h = m.Layers[i].forward(ws, h, c, p)
	}
	m.Norm.inPlace(h)
	if m.ProjectOut != nil {
		h = m.ProjectOut.Forward(ws, h)
	}
	return h
}

// wanted returns the rows of h of the tokens that are wanted of a layer.
func (p *pass) wanted(ws *tensor.Workspace, h tensor.Tensor) tensor.Tensor {
	n := len(p.starts) - 1
	if !p.few || n == h.NumRows() {
		return h
	}
	t := ws.Tensor(n, h.Cols())
	for s := range n {
		copy(t.Row(s), h.Row(int(p.starts[s+1])-1))
	}
	return t
}

// Forward implements [arch.Model].
func (m *Model) Forward(ws *tensor.Workspace, inputs map[string]tensor.Tensor,
	opts arch.ForwardOptions) (map[string]tensor.Tensor, error) {
	if opts.Generate > 0 {
		return nil, fmt.Errorf("the model cannot generate: it has no head for the next token")
	}
	return m.forward(ws, inputs, opts, func(*arch.Batch, tensor.Tensor, *arch.Sink) error { return nil })
}

// forward is Forward; head adds to the outputs what follows from the last hidden states.
func (m *Model) forward(ws *tensor.Workspace, inputs map[string]tensor.Tensor, opts arch.ForwardOptions,
	head func(b *arch.Batch, h tensor.Tensor, out *arch.Sink) error) (map[string]tensor.Tensor, error) {
	var failed error
	outputs, err := arch.ForwardText(inputs, opts, m.limits, func(b *arch.Batch, out *arch.Sink) {
		h := m.encode(ws, b, out)
		out.Tokens("last_hidden_state", h)
		failed = head(b, h, out)
	})
	if err == nil {
		err = failed
	}
	return outputs, err
}

// newModel makes the model of config.json's class.
func newModel(ac *arch.Config, f *family, w *loader.Weights, x *kernels.Exec) (arch.Model, error) {
	c, err := readConfig(ac, f)
	if err != nil {
		return nil, err
	}
	if err := c.fits(len(w.Names())); err != nil {
		return nil, err
	}
	rules := loader.Rules{Prefixes: f.prefixes, Aliases: f.aliases, Fallback: map[string]string{},
		Ignore: []string{"*self_attn.bias", "*self_attn.masked_bias", "*attention.bias", "*attention.masked_bias"}}
	m := build(c, x)
	class := ac.Class()
	_, task, _ := strings.Cut(class, "For")
	switch {
	case task == "CausalLM" || strings.HasSuffix(class, "LMHeadModel"):
		if c.Tied {
			rules.Fallback["lm_head.weight"] = "embed_tokens.weight"
		}
		if w, err = w.Rename(rules); err != nil {
			return nil, err
		}
		lm := newCausalLM(m, c.Tied && !w.Has("lm_head.weight"))
		if err := loader.Bind(lm, w); err != nil {
			return nil, err
		}
		if !c.Causal { // it scores tokens, but cannot continue a text
			return struct{ arch.TextEncoder }{lm}, nil
		}
		lm.order()
		return lm, nil
	case task == "SequenceClassification" || task == "TokenClassification":
		if task == "TokenClassification" { // of GPT-2 and others
			rules.Aliases = with(rules.Aliases, loader.Alias{Old: "classifier.", New: "score."})
		}
		if w, err = w.Rename(rules); err != nil {
			return nil, err
		}
		classifier := newClassifier(m, task == "TokenClassification")
		return classifier, loader.Bind(classifier, w)
	case task != "" || class != "" && !strings.HasSuffix(class, "Model"):
		return nil, fmt.Errorf("config.json: the class %s is not supported; of its kind, the base model and those for CausalLM, "+
			"SequenceClassification and TokenClassification are", class)
	}
	if w, err = w.Rename(rules); err != nil {
		return nil, err
	}
	return m, loader.Bind(m, w)
}

// build returns the model without weights.
func build(c *config, x *kernels.Exec) *Model {
	m := &Model{c: c, x: x, Embed: nn.NewEmbedding(x, c.Vocab, c.WordDim), Layers: make([]layer, c.Layers),
		limits: arch.Limits{Vocab: c.Vocab, Positions: maxPositions, MaxTokens: maxPositions, HiddenSize: c.WordDim,
			Rule: arch.Positions{FromMask: c.PositionOffset > 0}}}
	if c.Causal {
		m.limits.Pooling = "lasttoken"
	}
	if c.LearnedPositions {
		t := nn.NewEmbedding(x, c.MaxPositions+c.PositionOffset, c.Hidden)
		m.Positions = &t
		m.limits.Positions, m.limits.MaxTokens = c.MaxPositions, c.MaxPositions
	}
	if c.WordDim != c.Hidden {
		in, out := nn.NewLinear(x, c.WordDim, c.Hidden), nn.NewLinear(x, c.Hidden, c.WordDim)
		in.NoBias, out.NoBias = true, true
		m.ProjectIn, m.ProjectOut = &in, &out
	}
	if c.EmbedNorm {
		m.EmbedNorm = newNorm(x, c.Hidden, c.Norm)
	}
	if !c.NoFinalNorm {
		m.Norm = newNorm(x, c.Hidden, c.Norm)
	}
	for i := range m.Layers {
		m.Layers[i] = newLayer(c, i, x)
	}
	return m
}
