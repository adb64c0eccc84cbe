package vit

import (
	"fmt"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A Text is the tower of CLIP or SigLIP for texts. CLIP's tokens see those before them, and the one that ends a text stands for
// it; SigLIP's see all, and the last one stands for the text, which was padded to one length in training. Shapes: H is the hidden
// size.
type Text struct {
	Words      nn.Embedding `st:"embeddings.token_embedding"`    // [vocabulary, H]
	Positions  nn.Embedding `st:"embeddings.position_embedding"` // [positions, H]
	Layers     []block      `st:"layers"`
	Norm       nn.LayerNorm `st:"layernorm"`
	Head       *nn.Linear   `st:"head"`            // SigLIP's, [projected, H], or nil
	Projection *nn.Linear   `st:"text_projection"` // CLIP's, [projected, H], or nil

	f      *textFamily
	eos    int32
	limits arch.Limits
}

func newTextTower(c *config, f *textFamily, x *kernels.Exec) *Text {
	t := &Text{
		Words:     nn.NewEmbedding(x, c.VocabSize, c.HiddenSize),
		Positions: nn.NewEmbedding(x, c.MaxPositions, c.HiddenSize),
		Layers:    make([]block, c.Layers),
		Norm:      nn.NewLayerNorm(x, c.HiddenSize, float32(c.Eps)),
		f:         f, eos: int32(c.EOS),
		limits: arch.Limits{Vocab: c.VocabSize, Positions: c.MaxPositions, MaxTokens: c.MaxPositions, HiddenSize: c.HiddenSize,
			KeepHidden: true}, // what the mask hides may stand for the text
	}
	o := blockOptions{hidden: c.HiddenSize, intermediate: c.Intermediate, heads: c.Heads, act: c.act,
		eps: float32(c.Eps), causal: f.causal}
	for i := range t.Layers {
		t.Layers[i] = newBlock(&o, x)
	}
	if f.lastHead {
		head := nn.NewLinear(x, c.HiddenSize, c.ProjectionSize)
		head.Precise = true
		t.Head = &head
	}
	return t
}

func newText(c *arch.Config, f *textFamily, w *loader.Weights, x *kernels.Exec) (arch.Model, error) {
	cfg, err := readConfig(c, &f.family)
	if err != nil {
		return nil, err
	}
	if w, err = w.Rename(loader.Rules{Prefixes: []string{f.prefix}, Aliases: f.aliases}); err != nil {
		return nil, err
	}
	t := newTextTower(cfg, f, x)
	switch class := c.Class(); {
	case strings.HasSuffix(class, "TextModelWithProjection") && !f.lastHead:
		t.Projection = newProjection(cfg.HiddenSize, cfg.Projection, x)
	case class == "" || strings.HasSuffix(class, "TextModel"):
	default:
		return nil, fmt.Errorf("config.json: the class %s is not supported; of its kind, the text model and that with a "+
			"projection are", class)
	}
	if err := loader.Bind(t, w); err != nil {
		return nil, err
	}
	return t, nil
}

// newProjection returns a matrix that projects the vector of an image or a text.
func newProjection(in, out int, x *kernels.Exec) *nn.Linear {
	p := nn.NewLinear(x, in, out)
	p.Precise, p.NoBias = true, true
	return &p
}

// encode returns the last hidden states of a batch, [tokens, H]. A sink that is not nil gets those before each layer and after
// the last, under a name that begins with prefix.
func (t *Text) encode(ws *tensor.Workspace, b *arch.Batch, out *arch.Sink, prefix string) tensor.Tensor {
	h := t.Words.Lookup(ws, b.IDs)
	t.Positions.AddTo(ws, h, b.Positions)
	var bias kernels.Bias
	if b.Hidden != nil {
		bias = hiddenKeys(b.Hidden)
	}
	add := func(i int) {
		if out != nil && out.HiddenStates {
			out.Tokens(fmt.Sprintf("%shidden_states.%d", prefix, i), h)
		}
	}
	for i := range t.Layers {
		add(i)
		t.Layers[i].attend(ws, h, b.Starts, nil, bias)
		t.Layers[i].mlp(ws, h)
	}
	add(len(t.Layers))
	t.Norm.InPlace(h)
	return h
}

// hiddenKeys hides keys from all queries, by a score so low that its exponential is 0.
type hiddenKeys []bool

// AddBias implements [kernels.Bias].
func (k hiddenKeys) AddBias(row []float32, _, _, _, k0 int) {
	for i := range row {
		if k[k0+i] {
			row[i] -= 1e30
		}
	}
}

// pool returns the vector of each sequence, [sequences, projected], of the last hidden states h; zeros for an empty one.
func (t *Text) pool(ws *tensor.Workspace, b *arch.Batch, h tensor.Tensor) tensor.Tensor {
	v := ws.Tensor(b.Len(), h.Cols())
	for s := range b.Len() {
		first, end := int(b.Starts[s]), int(b.Starts[s+1])
		if first == end {
			clear(v.Row(s))
		} else {
			copy(v.Row(s), h.Row(first+t.pooled(b.IDs[first:end])))
		}
	}
	if t.Head != nil {
		v = t.Head.Forward(ws, v)
	}
	if t.Projection != nil {
		v = t.Projection.Forward(ws, v)
	}
	return v
}

// wrongEOS is the eos_token_id of the first configs of CLIP, which is not the id of the token.
const wrongEOS = 2

// pooled returns the index of the token that stands for a text.
func (t *Text) pooled(ids []int32) int {
	if t.f.lastHead {
		return len(ids) - 1
	}
	at := 0
	for i, id := range ids {
		if t.eos != wrongEOS {
			if id == t.eos {
				return i
			}
		} else if id > ids[at] { // the token that ends a text has the highest id
			at = i
		}
	}
	return at
}

// Forward implements [arch.Model].
func (t *Text) Forward(ws *tensor.Workspace, inputs map[string]tensor.Tensor, opts arch.ForwardOptions) (map[string]tensor.Tensor, error) {
	return arch.ForwardText(inputs, opts, t.limits, func(b *arch.Batch, out *arch.Sink) {
		h := t.encode(ws, b, out, "")
		out.Tokens("last_hidden_state", h)
		name := "pooler_output"
		if t.Projection != nil {
			name = "text_embeds"
		}
		out.Sequences(name, t.pool(ws, b, h))
	})
}
