// Package vit is the family of vision transformers: encoders of images, whose tokens are patches, and the models that put
// images and texts into one space.
//
//   - Dosovitskiy et al., An Image is Worth 16x16 Words (arXiv:2010.11929)
//   - upstream: transformers/models/{vit,deit,dinov2,dinov2_with_registers,dinov3_vit,beit,swin,clip,siglip}/modeling_*.py
//
// A patch becomes a token by one matrix product; special tokens come before those of the patches; positions are added, or turn
// queries and keys, or add to the scores; layers normalise before attention and MLP. In what the model types differ is data
// (family.go), but for Swin, whose attention is in windows and whose grid is halved between its stages (swin.go), and for the
// pairs of an image and a text tower (pair.go). Dropout and stochastic depth do nothing in inference and are left out, and so
// are mask tokens, which are for training.
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

// A Vision is one stack of layers over the patches of an image, and what the class of config.json makes of it. Shapes: H is the
// hidden size.
type Vision struct {
	Patches patchEmbedding `st:"embeddings.patch_embeddings.projection"` // [H, channels, patch height, patch width]
	Special special        `st:"embeddings"`                             // tokens and positions
	PreNorm *nn.LayerNorm  `st:"pre_layrnorm"`                           // spelled so in CLIP; or nil
	Shared  *relativeBias  `st:"shared_position_bias"`                   // or nil
	Layers  []layer        `st:"layers"`
	Norm    *nn.LayerNorm  `st:"layernorm"` // or nil

	Pooler     *nn.Linear     `st:"pooler.dense"`     // [pooled, H], or nil
	PoolerNorm *nn.LayerNorm  `st:"pooler.layernorm"` // or nil
	Head       *attentionHead `st:"head"`             // or nil

	Classifier    *nn.Linear `st:"classifier"`              // [labels, H or 2·H], or nil
	ClsClassifier *nn.Linear `st:"cls_classifier"`          // of DeiT with a teacher, or nil
	Distillation  *nn.Linear `st:"distillation_classifier"` // likewise
	Projection    *nn.Linear `st:"visual_projection"`       // [dimensions, H], or nil

	x      *kernels.Exec
	f      *family
	c      *config
	pool   poolRule
	grids  grids
	limits arch.ImageLimits
}

type layer struct {
	block
	Bias *relativeBias `st:"relative_position_bias"` // BEiT's, or nil
}

// groupTokens is about how many tokens go through the layers together: it bounds the memory of a large batch. No image's result
// depends on another's.
const groupTokens = 2048

// encode returns the last hidden states, [images·tokens, H], of pixels [images, channels, height, width] of a size for which place
// found no error. out, if it is not nil, gets those before each layer and after the last.
func (m *Vision) encode(ws *tensor.Workspace, pixels tensor.Tensor, resized bool, out *states) tensor.Tensor {
	images, size := pixels.Shape[0], pair{pixels.Shape[2], pixels.Shape[3]}
	g := m.tables(m.Patches.grid(size), resized)
	tokens := m.Special.count() + g.size.H*g.size.W
	all := ws.Tensor(images*tokens, m.c.HiddenSize)
	group := max(1, groupTokens/tokens)
	for first := 0; first < images; first += group {
		n := min(group, images-first)
		mark := ws.Mark()
		h := ws.Rows(all, first*tokens, n*tokens)
		m.embed(ws, h, pixels.Data[first*pixels.Len()/images:], size, n, g)
		m.layers(ws, h, n, g, first, out)
		if m.Norm != nil && m.pool != firstNorm {
			m.Norm.InPlace(h)
		}
		ws.Release(mark)
	}
	return all
}

// embed writes the tokens of images to h [images·tokens, H].
func (m *Vision) embed(ws *tensor.Workspace, h tensor.Tensor, pixels []float32, size pair, images int, g *grid) {
	n, before := h.Len()/images, len(m.Special.tokens)
	values := m.Patches.channels * size.H * size.W
	for i := range images {
		dst := h.Data[i*n:][:n]
		copy(dst, m.Special.tokens)
		m.Patches.forward(ws, dst[before:], pixels[i*values:][:values], size, g.positions)
	}
	if m.PreNorm != nil {
		m.PreNorm.InPlace(h)
	}
}

// layers runs h [images·tokens, H] through the layers.
func (m *Vision) layers(ws *tensor.Workspace, h tensor.Tensor, images int, g *grid, first int, out *states) {
	tokens := h.NumRows() / images
	starts := ws.Int32(images + 1)
	for i := range starts {
		starts[i] = int32(i * tokens)
	}
	var rope *rotation
	if m.f.rope {
		rope = &rotation{x: m.x, rope: g.rope, positions: ws.Int32(h.NumRows()), heads: m.c.Heads, headDim: m.c.HiddenSize / m.c.Heads}
		for i := range rope.positions {
			rope.positions[i] = int32(max(0, i%tokens-m.Special.count()+1))
		}
	}
	for i := range m.Layers {
		out.add(i, first, h, images)
		var bias kernels.Bias
		if g.bias != nil {
			bias = g.bias[i]
		}
		l := &m.Layers[i]
		group := max(1, l.groupTokens/tokens)
		for from := 0; from < images; from += group {
			n := min(group, images-from)
			mark := ws.Mark()
			part := ws.Rows(h, from*tokens, n*tokens)
			l.attend(ws, part, starts[:n+1], rope, bias)
			l.mlp(ws, part)
			ws.Release(mark)
		}
	}
	out.add(len(m.Layers), first, h, images)
}

// poolTokens returns what a rule makes of the last hidden states h [images·tokens, H], an empty tensor if nothing.
func (m *Vision) poolTokens(ws *tensor.Workspace, h tensor.Tensor, images int, rule poolRule) tensor.Tensor {
	switch rule {
	case firstToken:
		return firstTokens(ws, h, images, 0)
	case firstPooler:
		return m.Pooler.Forward(ws, firstTokens(ws, h, images, 0))
	case firstNorm:
		first := firstTokens(ws, h, images, 0)
		m.Norm.InPlace(first)
		return first
	case meanNorm:
		mean := meanTokens(ws, h, images, m.Special.count())
		m.PoolerNorm.InPlace(mean)
		return mean
	case patchMean:
		return meanTokens(ws, h, images, m.Special.count())
	case firstAndMean:
		both := ws.Tensor(images, 2*h.Cols())
		first, mean := firstTokens(ws, h, images, 0), meanTokens(ws, h, images, m.Special.count())
		for i := range images {
			copy(both.Row(i), first.Row(i))
			copy(both.Row(i)[h.Cols():], mean.Row(i))
		}
		return both
	case attentionPool:
		return m.Head.forward(ws, h, images)
	case pooled:
		return m.poolTokens(ws, h, images, m.pool)
	}
	return tensor.Tensor{}
}

// classify returns the scores of the labels, [images, labels], an empty tensor if the model has no classifier. Those of the two
// heads of a model with a teacher, of which they are the mean, are cls and distillation.
func (m *Vision) classify(ws *tensor.Workspace, h tensor.Tensor, images int) (logits, cls, distillation tensor.Tensor) {
	switch {
	case m.Classifier != nil:
		logits = m.Classifier.Forward(ws, m.poolTokens(ws, h, images, m.f.classify))
	case m.Distillation != nil:
		cls = m.ClsClassifier.Forward(ws, firstTokens(ws, h, images, 0))
		distillation = m.Distillation.Forward(ws, firstTokens(ws, h, images, 1))
		logits = ws.Tensor(images, cls.Cols())
		m.x.Add(logits.Data, cls.Data, distillation.Data)
		m.x.Scale(logits.Data, logits.Data, 0.5)
	}
	return logits, cls, distillation
}

// vector returns what stands for each image: the projection, what is pooled, the first token, or the mean of the patches.
func (m *Vision) vector(ws *tensor.Workspace, h tensor.Tensor, images int) tensor.Tensor {
	rule := m.pool
	if rule == noPool {
		rule = firstToken
		if m.Special.count() == 0 {
			rule = patchMean
		}
	}
	v := m.poolTokens(ws, h, images, rule)
	if m.Projection != nil {
		v = m.Projection.Forward(ws, v)
	}
	return v
}

// EncodeImages implements [arch.ImageEncoder].
func (m *Vision) EncodeImages(ws *tensor.Workspace, pixels tensor.Tensor) arch.ImageOutput {
	_, resized, err := m.place(pair{pixels.Shape[2], pixels.Shape[3]}, false)
	if err != nil {
		panic("vit: " + err.Error())
	}
	images := pixels.Shape[0]
	h := m.encode(ws, pixels, resized, nil)
	logits, _, _ := m.classify(ws, h, images)
	return arch.ImageOutput{Tokens: h, Vector: m.vector(ws, h, images), Logits: logits}
}

// CheckImage implements [arch.ImageEncoder].
func (m *Vision) CheckImage(height, width int) error {
	_, _, err := m.place(pair{height, width}, false)
	return err
}

// ImageLimits implements [arch.ImageEncoder].
func (m *Vision) ImageLimits() arch.ImageLimits { return m.limits }

// Forward implements [arch.Model].
func (m *Vision) Forward(ws *tensor.Workspace, inputs map[string]tensor.Tensor, opts arch.ForwardOptions) (map[string]tensor.Tensor, error) {
	if err := onlyInputs(inputs, "pixel_values"); err != nil {
		return nil, err
	}
	if err := opts.CheckArgs("interpolate_pos_encoding"); err != nil {
		return nil, err
	}
	pixels, resized, err := m.read(inputs, opts)
	if err != nil {
		return nil, err
	}
	images := pixels.Shape[0]
	out := &states{opts: opts, images: images, outputs: make(map[string]tensor.Tensor)}
	h := m.encode(ws, pixels, resized, out)
	out.output("last_hidden_state", h, h.NumRows()/images)
	switch logits, cls, distillation := m.classify(ws, h, images); {
	case m.Projection != nil:
		out.output("image_embeds", m.vector(ws, h, images), 0)
	case logits.Data == nil:
		if m.pool != noPool {
			out.output("pooler_output", m.vector(ws, h, images), 0)
		}
	default:
		out.output("logits", logits, 0)
		if cls.Data != nil {
			out.output("cls_logits", cls, 0)
			out.output("distillation_logits", distillation, 0)
		}
	}
	return out.outputs, nil
}

// read returns the pixels among the inputs, and whether the table of positions is resized for them.
func (m *Vision) read(inputs map[string]tensor.Tensor, opts arch.ForwardOptions) (pixels tensor.Tensor, resized bool, err error) {
	if pixels, err = readPixels(inputs, m.c.Channels); err == nil {
		_, resized, err = m.place(pair{pixels.Shape[2], pixels.Shape[3]}, opts.Flag("interpolate_pos_encoding"))
	}
	return pixels, resized, err
}

func newVision(c *arch.Config, f *family, w *loader.Weights, x *kernels.Exec) (arch.Model, error) {
	cfg, err := readConfig(c, f)
	if err != nil {
		return nil, err
	}
	return bindVision(c.Class(), cfg, f, w, x)
}

// bindVision makes the model of a class, and binds it.
func bindVision(class string, cfg *config, f *family, w *loader.Weights, x *kernels.Exec) (arch.Model, error) {
	rules := loader.Rules{Prefixes: []string{f.prefix}, Aliases: f.aliases,
		Ignore: []string{"embeddings.mask_token", "*relative_position_index"}}
	if strings.Contains(class, "ForImageClassification") {
		rules.Ignore = append(rules.Ignore, "pooler.dense.*")
	}
	w, err := w.Rename(rules)
	if err != nil {
		return nil, err
	}
	m, err := newTower(cfg, f, w, "", x)
	if err != nil {
		return nil, err
	}
	h, labels := cfg.HiddenSize, len(cfg.labels)
	head := func(in, out int) *nn.Linear {
		l := nn.NewLinear(x, in, out)
		l.Precise = true
		return &l
	}
	_, task, _ := strings.Cut(class, "For")
	switch {
	case strings.HasSuffix(class, "VisionModelWithProjection"):
		m.Projection = head(h, cfg.Projection)
		m.Projection.NoBias = true
	case task == "ImageClassificationWithTeacher" && len(f.special) > 1:
		m.ClsClassifier, m.Distillation = head(h, labels), head(h, labels)
	case task == "ImageClassification" && f.classify != noPool:
		if f.classify == firstAndMean {
			h *= 2
		}
		m.Classifier = head(h, labels)
	case task == "" && (class == "" || strings.HasSuffix(class, "Model")):
	default:
		return nil, fmt.Errorf("config.json: the class %s is not supported; of its kind, the base model and that for "+
			"ImageClassification are", class)
	}
	if m.Classifier != nil || m.Distillation != nil {
		if err := cfg.checkLabels(); err != nil {
			return nil, err
		}
		m.limits.Labels = cfg.labels
		if m.pool == firstPooler { // the class has none
			m.pool, m.Pooler, m.limits.Dimensions = noPool, nil, cfg.HiddenSize
		}
	}
	if m.Projection != nil {
		m.limits.Dimensions = cfg.Projection
	}
	if err := loader.Bind(m, w); err != nil {
		return nil, err
	}
	return m, nil
}

// newTower returns the model without a head of a class and weights. Those of w, under a prefix, say whether it has a pooler.
func newTower(c *config, f *family, w *loader.Weights, prefix string, x *kernels.Exec) (*Vision, error) {
	h, eps := c.HiddenSize, float32(c.Eps)
	m := &Vision{
		Patches: patchEmbedding{channels: c.Channels, patch: c.Patch, hidden: h, noBias: f.noPatchBias, x: x},
		Special: special{f: f, hidden: h, x: x},
		Layers:  make([]layer, c.Layers),
		x:       x, f: f, c: c, pool: f.pool,
		limits: arch.ImageLimits{Channels: c.Channels, Height: c.Image.H, Width: c.Image.W, Patch: c.Patch.H,
			AnySize: f.positions == alwaysResized || f.positions == noPositions, HiddenSize: h, Dimensions: h},
	}
	g := m.Patches.grid(c.Image)
	norm := func() *nn.LayerNorm { n := nn.NewLayerNorm(x, h, eps); return &n }
	if f.registers {
		m.Special.registers = c.Registers
	}
	if f.positions != noPositions && (!f.relative || c.Absolute) {
		m.Special.patches = g.H * g.W
	}
	if f.preNorm {
		m.PreNorm = norm()
	}
	m.Norm = norm()
	switch m.pool {
	case firstPooler:
		if !w.Has(prefix + "pooler.dense.weight") {
			m.pool = noPool
			break
		}
		act, err := nn.ParseActivation(c.PoolerAct)
		if err != nil {
			return nil, fmt.Errorf("config.json: pooler_act: %w", err)
		}
		pooler := nn.NewLinear(x, h, c.PoolerSize)
		pooler.Act, pooler.Precise = act, true
		m.Pooler, m.limits.Dimensions = &pooler, c.PoolerSize
	case meanNorm:
		if c.MeanPooling {
			m.Norm, m.PoolerNorm = nil, norm()
		} else {
			m.pool = firstToken
		}
	case attentionPool:
		if c.UseHead {
			m.Head = newAttentionHead(c, x)
		} else {
			m.pool = noPool
		}
	}
	o := blockOptions{hidden: h, intermediate: c.Intermediate, heads: c.Heads, act: c.act, eps: eps,
		gated: c.GatedMLP, scaled: f.scaled, noOutBias: !c.OutBias, noMLPBias: !c.MLPBias}
	if c.SwiGLU {
		o.gated, o.act = true, kernels.SiLU
	}
	switch {
	case f.apartBiases:
		for _, b := range []struct {
			name string
			has  bool
		}{{"q_proj", c.QueryBias}, {"k_proj", c.KeyBias}, {"v_proj", c.ValueBias}} {
			if !b.has {
				o.noBias = append(o.noBias, b.name)
			}
		}
		if h/c.Heads%4 != 0 {
			return nil, fmt.Errorf("config.json: %d elements a head; want a multiple of 4", h/c.Heads)
		}
	case f.relative:
		o.noBias = []string{"k_proj"}
		o.scaled = c.LayerScale > 0
	case !c.QKVBias:
		o.noBias = []string{"q_proj", "k_proj", "v_proj"}
	}
	for i := range m.Layers {
		m.Layers[i].block = newBlock(&o, x)
		if f.relative && c.Relative {
			m.Layers[i].Bias = &relativeBias{grid: g, heads: c.Heads}
		}
	}
	if f.relative && c.Shared {
		m.Shared = &relativeBias{grid: g, heads: c.Heads}
	}
	return m, nil
}
