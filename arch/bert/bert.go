// Package bert is the family of BERT: encoders with learned positions, whose layers normalise after each residual sum.
//
//   - Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers (arXiv:1810.04805)
//   - upstream: transformers/models/{bert,roberta,xlm_roberta,camembert,distilbert,mpnet}/modeling_*.py
//
// The model types differ in names, in their tables of embeddings, in how they number positions, in MPNet's bias on the
// attention scores, and in their heads. All of that is data (family.go) or a part that is there or not; the encoder is the
// same. Dropout does nothing in inference and is left out.
package bert

import (
	"fmt"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A Model is an encoder, and the head of config.json's class. Shapes: H is the hidden size, I the intermediate size.
type Model struct {
	Words     nn.Embedding  `st:"embeddings.word_embeddings"`       // [vocabulary, H]
	Types     *nn.Embedding `st:"embeddings.token_type_embeddings"` // [types, H], or nil
	Positions nn.Embedding  `st:"embeddings.position_embeddings"`   // [positions, H]
	Norm      nn.LayerNorm  `st:"embeddings.LayerNorm"`
	Bias      *relativeBias `st:"encoder.relative_attention_bias"` // [buckets, heads], or nil
	Layers    []layer       `st:"encoder.layer"`
	Head      head          `st:""`

	attention   nn.Attention
	limits      arch.Limits
	groupTokens int // about how many tokens go through a layer together
}

type layer struct {
	QKV       nn.Fused     `st:"attention.self"`         // query, key, value: [H, H] each
	Output    nn.Linear    `st:"attention.output.dense"` // [H, H]
	Norm      nn.LayerNorm `st:"attention.output.LayerNorm"`
	Up        nn.Linear    `st:"intermediate.dense"` // [I, H]
	Down      nn.Linear    `st:"output.dense"`       // [H, I]
	FinalNorm nn.LayerNorm `st:"output.LayerNorm"`
}

// Encode implements [arch.TextEncoder].
func (m *Model) Encode(ws *tensor.Workspace, b *arch.Batch) tensor.Tensor {
	return m.encode(ws, b, nil)
}

// encode returns the last hidden states, [tokens, H]. A sink that is not nil gets those before each layer.
func (m *Model) encode(ws *tensor.Workspace, b *arch.Batch, out *arch.Sink) tensor.Tensor {
	h := m.Words.Lookup(ws, b.IDs)
	if m.Types != nil {
		m.Types.AddTo(ws, h, b.TypeIDs)
	}
	m.Positions.AddTo(ws, h, b.Positions)
	m.Norm.InPlace(h)

	for i := range m.Layers {
		if out != nil && out.HiddenStates {
			out.Tokens(fmt.Sprintf("hidden_states.%d", i), h)
		}
		for from := 0; from < b.Len(); {
			to := from + 1
			for to < b.Len() && int(b.Starts[to+1]-b.Starts[from]) <= m.groupTokens {
				to++
			}
			m.forward(ws, &m.Layers[i], h, b, from, to)
			from = to
		}
	}
	return h
}

// forward runs the tokens of sequences from up to to, of h [tokens, H], through a layer.
func (m *Model) forward(ws *tensor.Workspace, l *layer, h tensor.Tensor, b *arch.Batch, from, to int) {
	mark := ws.Mark()
	first := b.Starts[from]
	h = ws.Rows(h, int(first), int(b.Starts[to]-first))
	starts := ws.Int32(to - from + 1)
	for i := range starts {
		starts[i] = b.Starts[from+i] - first
	}
	inner := ws.Mark()
	qkv := l.QKV.Forward(ws, h)
	l.Output.AddTo(h, m.attention.Forward(ws, qkv, starts, m.Bias.of(b, int(first))))
	l.Norm.InPlace(h)
	ws.Release(inner)
	l.Down.AddFromStrided(h, l.Up.ToStrided(ws, h))
	l.FinalNorm.InPlace(h)
	ws.Release(mark)
}

// Limits implements [arch.TextEncoder].
func (m *Model) Limits() arch.Limits { return m.limits }

// Forward implements [arch.Model].
func (m *Model) Forward(ws *tensor.Workspace, inputs map[string]tensor.Tensor, opts arch.ForwardOptions) (map[string]tensor.Tensor, error) {
	return arch.ForwardText(inputs, opts, m.limits, func(b *arch.Batch, out *arch.Sink) {
		h := m.encode(ws, b, out)
		out.Tokens("last_hidden_state", h)
		m.Head.forward(ws, b, h, out)
	})
}

func newModel(c *arch.Config, f *family, w *loader.Weights, x *kernels.Exec) (*Model, error) {
	cfg, err := readConfig(c, f)
	if err != nil {
		return nil, err
	}
	f = cfg.family
	rules := loader.Rules{Prefixes: []string{f.prefix}, Aliases: f.aliases, Fallback: map[string]string{}}
	if cfg.TieWords {
		rules.Fallback[f.mlm.decoder+".weight"] = "embeddings.word_embeddings.weight"
	}
	if f.mlm.bias != "" {
		rules.Fallback[f.mlm.decoder+".bias"] = f.mlm.bias
	}
	// What a class does not use of a file that was saved by another one of the same training.
	rules.Ignore = []string{"pooler.dense.*", "cls.seq_relationship.*", f.mlm.bias}
	if w, err = w.Rename(rules); err != nil {
		return nil, err
	}
	m := build(cfg, x)
	if m.Head, err = newHead(c.Class(), cfg, w, x); err != nil {
		return nil, err
	}
	if h, ok := m.Head.(interface{ vocabulary() *nn.Linear }); ok && cfg.TieWords && !w.Has(f.mlm.decoder+".weight") {
		m.Words.Tie(h.vocabulary())
	}
	if err := loader.Bind(m, w); err != nil {
		return nil, err
	}
	return m, nil
}

// build returns the model without a head and weights.
func build(cfg *config, x *kernels.Exec) *Model {
	h := cfg.HiddenSize
	m := &Model{
		Words:     nn.NewEmbedding(x, cfg.VocabSize, h),
		Positions: nn.NewEmbedding(x, cfg.MaxPositions, h),
		Norm:      nn.NewLayerNorm(x, h, cfg.Eps),
		Layers:    make([]layer, cfg.Layers),
		attention: nn.NewAttention(x, cfg.Heads, h/cfg.Heads), groupTokens: nn.GroupTokens(x, 4*h*h+2*h*cfg.Intermediate),
		limits: arch.Limits{Vocab: cfg.VocabSize, Types: cfg.TypeVocabSize, Positions: cfg.MaxPositions,
			MaxTokens: cfg.MaxPositions, HiddenSize: h, Rule: cfg.family.rule},
	}
	if rule := m.limits.Rule; rule.SkipPad { // positions begin after the padding's
		m.limits.MaxTokens = max(0, cfg.MaxPositions-int(rule.Pad)-1)
	}
	if cfg.TypeVocabSize > 0 {
		types := nn.NewEmbedding(x, cfg.TypeVocabSize, h)
		m.Types = &types
	}
	if cfg.Buckets > 0 {
		m.Bias = &relativeBias{heads: cfg.Heads}
	}
	for i := range m.Layers {
		m.Layers[i] = layer{
			QKV:       nn.NewFused(x, h, h, "query", "key", "value"),
			Output:    nn.NewLinear(x, h, h),
			Norm:      nn.NewLayerNorm(x, h, cfg.Eps),
			Up:        nn.NewLinear(x, h, cfg.Intermediate),
			Down:      nn.NewLinear(x, cfg.Intermediate, h),
			FinalNorm: nn.NewLayerNorm(x, h, cfg.Eps),
		}
		m.Layers[i].Up.Act = cfg.Act
	}
	return m
}
