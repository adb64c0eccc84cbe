// Package gpt is the family of GPT: decoders, whose tokens see those before them.
//
//   - Radford et al., Language Models are Unsupervised Multitask Learners (2019); Touvron et al., LLaMA (arXiv:2302.13971)
//   - upstream: transformers/models/{gpt2,llama,...}/modeling_*.py
//
// The model types differ in their norms, positions, attention and feed-forward parts, all of which are data: family.go has a
// row for each, config.go translates config.json with it, and block.go computes what the config says.
package gpt

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A Model is a decoder, and the head of config.json's class.
type Model struct {
	Embed      *table  `st:"embed_tokens"` // [vocabulary, WordDim]
	EmbedNorm  *norm   `st:"embed_norm"`
	Positions  *table  `st:"embed_positions"` // [positions, Hidden], or nil
	ProjectIn  *linear `st:"project_in"`      // or nil
	Layers     []layer `st:"layers"`
	Norm       *norm   `st:"norm"`
	ProjectOut *linear `st:"project_out"` // or nil
	LMHead     *linear `st:"lm_head"`     // [vocabulary, WordDim], or nil
	Score      *linear `st:"score"`       // [labels, WordDim], or nil

	c      *config
	x      *kernels.Exec
	perTok bool // Score is for each token
	limits arch.Limits
}

// A table is embeddings, whose rows may be the columns of a packed product.
type table struct {
	rows, size int
	data       []float32
	tied       *linear
}

// Params implements [loader.Module].
func (t *table) Params(s *loader.Scope) {
	w := s.Need("weight", t.rows, t.size)
	if t.tied == nil {
		s.Then(func() { t.data = w.Float32() })
	}
}

func (t *table) row(dst []float32, id int) {
	if t.tied != nil {
		t.tied.column(id, dst)
		return
	}
	copy(dst, t.data[id*t.size:][:t.size])
}

// roundBFloat16 rounds to the nearest bfloat16, to even.
func roundBFloat16(v float32) float32 {
	u := math.Float32bits(v)
	return math.Float32frombits((u + 0x7fff + u>>16&1) &^ 0xffff)
}

// Limits implements [arch.TextEncoder].
func (m *Model) Limits() arch.Limits { return m.limits }

// Encode implements [arch.TextEncoder].
func (m *Model) Encode(ws *tensor.Workspace, b *arch.Batch) tensor.Tensor {
	return m.encode(ws, b, nil)
}

// encode returns the last hidden states, [tokens, WordDim]. A sink that is not nil gets those before each layer.
func (m *Model) encode(ws *tensor.Workspace, b *arch.Batch, out *arch.Sink) tensor.Tensor {
	c := m.c
	h := ws.Tensor(b.Tokens(), c.WordDim)
	for i, id := range b.IDs {
		m.Embed.row(h.Row(i), int(id))
	}
	if c.EmbedScale != 1 {
		m.x.Scale(h.Data, h.Data, c.EmbedScale)
	}
	if m.ProjectIn != nil {
		h = m.ProjectIn.forward(ws, h)
	}
	if m.Positions != nil {
		mark := ws.Mark()
		row := ws.Float32(c.Hidden)
		for i, p := range b.Positions {
			m.Positions.row(row, int(p)+c.PositionOffset)
			m.x.Add(h.Row(i), h.Row(i), row)
		}
		ws.Release(mark)
	}
	m.EmbedNorm.inPlace(h)

	st := state{b: b}
	if len(c.Ropes) > 0 {
		st.positions = ws.Int32(b.Tokens())
		for i := range st.positions {
			st.positions[i] = int32(i)
		}
		span := b.Span
		for _, p := range b.Positions {
			span = max(span, int(p)+1)
		}
		for i, r := range c.Ropes {
			st.ropes[i] = r.table(ws, b.Positions, span)
		}
	}
	for i := range m.Layers {
		if out != nil && out.HiddenStates {
			out.Tokens(layerName(i), h)
		}
		m.Layers[i].forward(ws, h, c, &st)
	}
	m.Norm.inPlace(h)
	if m.ProjectOut != nil {
		h = m.ProjectOut.forward(ws, h)
	}
	return h
}

// logits returns the scores of the vocabulary for rows of last hidden states.
func (m *Model) logits(ws *tensor.Workspace, h tensor.Tensor) tensor.Tensor {
	t := m.LMHead.forward(ws, h)
	if m.c.LogitScale != 1 {
		m.x.Scale(t.Data, t.Data, m.c.LogitScale)
	}
	if d := m.c.LogitDivisor; d != 1 {
		for i := range t.Data {
			t.Data[i] /= d
		}
	}
	if limit := m.c.LogitCap; limit != 0 {
		for i := range t.Data {
			t.Data[i] /= limit
		}
		m.x.Activate(t.Data, t.Data, kernels.Tanh)
		m.x.Scale(t.Data, t.Data, limit)
	}
	return t
}

// Forward implements [arch.Model].
func (m *Model) Forward(ws *tensor.Workspace, inputs map[string]tensor.Tensor, opts arch.ForwardOptions) (map[string]tensor.Tensor, error) {
	var failed error
	outputs, err := arch.ForwardText(inputs, opts, m.limits, func(b *arch.Batch, out *arch.Sink) {
		h := m.encode(ws, b, out)
		out.Tokens("last_hidden_state", h)
		switch {
		case m.LMHead != nil:
			out.Tokens("logits", m.logits(ws, h))
		case m.perTok:
			out.Tokens("logits", m.Score.forward(ws, h))
		case m.Score != nil:
			out.Sequences("logits", m.Score.forward(ws, m.pool(ws, b, h)))
		}
		if opts.Generate > 0 {
			_, given := inputs["position_ids"]
			failed = m.generate(b, opts.Generate, given, out)
		}
	})
	if err == nil {
		err = failed
	}
	return outputs, err
}

// pool returns the last row of each sequence whose token is not padding.
func (m *Model) pool(ws *tensor.Workspace, b *arch.Batch, h tensor.Tensor) tensor.Tensor {
	t := ws.Tensor(b.Len(), h.Cols())
	clear(t.Data)
	for s := range b.Len() {
		first, last := int(b.Starts[s]), int(b.Starts[s+1])-1
		for last > first && b.IDs[last] == m.c.Pad {
			last--
		}
		if last >= first {
			copy(t.Row(s), h.Row(last))
		}
	}
	return t
}

// generate continues each sequence of the batch by the likeliest tokens, at most n, until it ends with an eos.
func (m *Model) generate(b *arch.Batch, n int, given bool, out *arch.Sink) error {
	if m.LMHead == nil {
		return fmt.Errorf("the model cannot generate: it has no head for the next token")
	}
	rows := make([][]int32, b.Len())
	positions := make([][]int32, b.Len())
	longest := 0
	for s := range rows {
		i, j := b.Starts[s], b.Starts[s+1]
		if i == j {
			return fmt.Errorf("sequence %d has no tokens to continue", s)
		}
		rows[s] = slices.Clone(b.IDs[i:j])
		positions[s] = slices.Clone(b.Positions[i:j])
		for p := range positions[s] {
			if !given {
				positions[s][p] = int32(p)
			}
		}
		longest = max(longest, int(positions[s][len(positions[s])-1])+1, len(rows[s]))
	}
	if most := min(m.limits.MaxTokens, m.limits.Positions); longest > most-n {
		return fmt.Errorf("%d tokens and %d new ones are more than the model's %d positions", longest, n, most)
	}
	ws := new(tensor.Workspace)
	added := make([][]int32, len(rows))
	done := make([]bool, len(rows))
	for step := 0; step < n && slices.Contains(done, false); step++ {
		ws.Reset()
		next := arch.Batch{Starts: []int32{0}, Span: longest + step}
		for s := range rows {
			next.IDs = append(next.IDs, rows[s]...)
			next.Positions = append(next.Positions, positions[s]...)
			next.Starts = append(next.Starts, int32(len(next.IDs)))
		}
		h := m.encode(ws, &next, nil)
		last := ws.Tensor(len(rows), h.Cols())
		for s := range rows {
			copy(last.Row(s), h.Row(int(next.Starts[s+1])-1))
		}
		logits := m.logits(ws, last)
		for s := range rows {
			id := int32(m.x.Argmax(logits.Row(s)))
			if done[s] {
				id = m.c.Pad
				if id < 0 {
					id = m.c.EOS[0]
				}
			} else {
				rows[s] = append(rows[s], id)
				positions[s] = append(positions[s], positions[s][len(positions[s])-1]+1)
				done[s] = slices.Contains(m.c.EOS, id)
			}
			added[s] = append(added[s], id)
		}
	}
	out.Continued("generated_ids", added)
	return nil
}

func newModel(ac *arch.Config, f *family, w *loader.Weights, x *kernels.Exec) (*Model, error) {
	c, err := readConfig(ac, f)
	if err != nil {
		return nil, err
	}
	m := build(c, x)
	rules := loader.Rules{Prefixes: f.prefixes, Aliases: f.aliases, Fallback: map[string]string{},
		Ignore: []string{"*self_attn.bias", "*self_attn.masked_bias", "*attention.bias", "*attention.masked_bias"}}
	class := ac.Class()
	_, task, _ := strings.Cut(class, "For")
	switch {
	case task == "CausalLM" || strings.HasSuffix(class, "LMHeadModel"):
		m.LMHead = &linear{in: c.WordDim, out: c.Vocab, bias: c.HeadBias, x: x}
		if c.Tied {
			rules.Fallback["lm_head.weight"] = "embed_tokens.weight"
		}
	case task == "SequenceClassification":
		m.Score = &linear{in: c.WordDim, out: c.Labels, x: x}
	case task == "TokenClassification":
		m.Score, m.perTok = &linear{in: c.WordDim, out: c.Labels, bias: true, x: x}, true
	case task != "" || class != "" && !strings.HasSuffix(class, "Model"):
		return nil, fmt.Errorf("config.json: the class %s is not supported; of its kind, the base model and those for CausalLM, "+
			"SequenceClassification and TokenClassification are", class)
	}
	if w, err = w.Rename(rules); err != nil {
		return nil, err
	}
	if m.LMHead != nil && c.Tied && !w.Has("lm_head.weight") {
		m.Embed.tied = m.LMHead
	}
	if err := loader.Bind(m, w); err != nil {
		return nil, err
	}
	return m, nil
}

// build returns the model without a head and weights.
func build(c *config, x *kernels.Exec) *Model {
	m := &Model{c: c, x: x, Embed: &table{rows: c.Vocab, size: c.WordDim}, Layers: make([]layer, c.Layers),
		limits: arch.Limits{Vocab: c.Vocab, Positions: maxPositions, MaxTokens: maxPositions, HiddenSize: c.WordDim,
			Rule: arch.Positions{FromMask: c.PositionOffset > 0}}}
	if c.LearnedPositions {
		m.Positions = &table{rows: c.MaxPositions + c.PositionOffset, size: c.Hidden}
		m.limits.Positions, m.limits.MaxTokens = c.MaxPositions, c.MaxPositions
	}
	if c.WordDim != c.Hidden {
		m.ProjectIn = &linear{in: c.WordDim, out: c.Hidden, x: x}
		m.ProjectOut = &linear{in: c.Hidden, out: c.WordDim, x: x}
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
