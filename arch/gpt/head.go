package gpt

import (
	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/tensor"
)

// A CausalLM is a decoder with a head that scores the next token. It implements [arch.Decoder].
type CausalLM struct {
	*Model
	LMHead nn.Linear `st:"lm_head"` // [vocabulary, WordDim]
}

// newCausalLM adds the head to a model; tied tells that its weight is that of the embeddings.
func newCausalLM(m *Model, tied bool) *CausalLM {
	lm := &CausalLM{Model: m, LMHead: nn.NewLinear(m.x, m.c.WordDim, m.c.Vocab)}
	lm.LMHead.NoBias = !m.c.HeadBias
	if tied {
		m.Embed.Tie(&lm.LMHead)
	}
	return lm
}

// order tells the kernels in which order the products of a token follow one another, once all weights are bound.
func (m *CausalLM) order() {
	var all []*kernels.Weights
	for i := range m.Layers {
		l := &m.Layers[i]
		all = append(all, l.Attention.qkv, l.Attention.out.Weights())
		all = append(all, l.MLP.products()...)
	}
	all = append(all, m.LMHead.Weights())
	for i, w := range all {
		if next := all[(i+1)%len(all)]; w != nil && next != nil {
			m.x.Precede(w, next)
		}
	}
}

// logits returns the scores of the vocabulary for rows of last hidden states.
func (m *CausalLM) logits(ws *tensor.Workspace, h tensor.Tensor) tensor.Tensor {
	t := ws.Tensor(h.NumRows(), m.c.Vocab)
	e := kernels.Epilogue{}
	if m.c.LogitScale != 1 {
		e.Scale = m.c.LogitScale
	}
	m.LMHead.Into(t, h, e)
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
func (m *CausalLM) Forward(ws *tensor.Workspace, inputs map[string]tensor.Tensor,
	opts arch.ForwardOptions) (map[string]tensor.Tensor, error) {
	return m.forward(ws, inputs, opts, func(b *arch.Batch, h tensor.Tensor, out *arch.Sink) error {
		out.Tokens("logits", m.logits(ws, h))
		if opts.Generate == 0 {
			return nil
		}
		_, given := inputs["position_ids"]
		return m.generate(b, opts, given, out)
	})
}

// A classifier is a decoder with a head for the last token of a sequence, or for each token.
type classifier struct {
	*Model
	Score nn.Linear `st:"score"` // [labels, WordDim]

	tokens bool // for each token
}

func newClassifier(m *Model, tokens bool) *classifier {
	c := &classifier{Model: m, Score: nn.NewLinear(m.x, m.c.WordDim, m.c.Labels), tokens: tokens}
	c.Score.NoBias = !tokens
	return c
}

// Forward implements [arch.Model].
func (m *classifier) Forward(ws *tensor.Workspace, inputs map[string]tensor.Tensor,
	opts arch.ForwardOptions) (map[string]tensor.Tensor, error) {
	if opts.Generate > 0 {
		return m.Model.Forward(ws, inputs, opts) // which cannot
	}
	return m.forward(ws, inputs, opts, func(b *arch.Batch, h tensor.Tensor, out *arch.Sink) error {
		if m.tokens {
			out.Tokens("logits", m.Score.Forward(ws, h))
		} else {
			out.Sequences("logits", m.Score.Forward(ws, m.pool(ws, b, h)))
		}
		return nil
	})
}

// pool returns the last row of each sequence whose token is not padding.
func (m *classifier) pool(ws *tensor.Workspace, b *arch.Batch, h tensor.Tensor) tensor.Tensor {
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
