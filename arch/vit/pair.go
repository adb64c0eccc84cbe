package vit

import (
	"errors"
	"fmt"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A Pair is CLIP or SigLIP: a tower for images and one for texts, whose vectors are compared by their cosine.
type Pair struct {
	Vision           *Vision    `st:"vision_model"`
	Text             *Text      `st:"text_model"`
	VisualProjection *nn.Linear `st:"visual_projection"` // [dimensions, hidden size], or nil
	TextProjection   *nn.Linear `st:"text_projection"`   // likewise
	Scale            *scalar    `st:"logit_scale"`       // the logarithm of what multiplies a cosine
	Bias             *scalar    `st:"logit_bias"`        // what is added to it, or nil

	f *pairFamily
	x *kernels.Exec
}

// A scalar is one number, as a tensor without axes or of one element.
type scalar struct {
	shape []int
	value float32
}

// Params implements [loader.Module].
func (v *scalar) Params(s *loader.Scope) {
	w := s.Need("", v.shape...)
	s.Then(func() { v.value = w.Float32()[0] })
}

func newPair(c *arch.Config, f *pairFamily, w *loader.Weights, x *kernels.Exec) (arch.Model, error) {
	vision, text, err := towers(c, f)
	if err != nil {
		return nil, err
	}
	var top struct {
		Projection int               `json:"projection_dim"`
		NumLabels  *int              `json:"num_labels"`
		ID2Label   map[string]string `json:"id2label"`
	}
	top.Projection = 512
	if err := c.Decode(&top); err != nil {
		return nil, err
	}
	class := c.Class()
	if strings.HasSuffix(class, "ForImageClassification") {
		vision.NumLabels, vision.ID2Label, vision.labels = top.NumLabels, top.ID2Label, nil
		if vision, err = vision.finish(f.vision); err != nil {
			return nil, err
		}
		return bindVision(class, vision, f.vision, w, x)
	}
	if class != "" && !strings.HasSuffix(class, "Model") {
		return nil, fmt.Errorf("config.json: the class %s is not supported; of its kind, the base model and that for "+
			"ImageClassification are", class)
	}
	if top.Projection < 1 || top.Projection > maxDim {
		return nil, fmt.Errorf("config.json: projection_dim is %d; want 1 to %d", top.Projection, maxDim)
	}
	if w, err = w.Rename(loader.Rules{Aliases: f.vision.aliases}); err != nil {
		return nil, err
	}
	m := &Pair{Text: newTextTower(text, f.text, x), Scale: &scalar{}, f: f, x: x}
	if m.Vision, err = newTower(vision, f.vision, w, "vision_model.", x); err != nil {
		return nil, err
	}
	if f.projected {
		m.VisualProjection = newProjection(vision.HiddenSize, top.Projection, x)
		m.TextProjection = newProjection(text.HiddenSize, top.Projection, x)
	} else if !vision.UseHead || vision.HiddenSize != text.ProjectionSize {
		return nil, fmt.Errorf("config.json: vectors of images of %d and of texts of %d elements (vision_use_head: %v) "+
			"cannot be compared", vision.HiddenSize, text.ProjectionSize, vision.UseHead)
	}
	if f.sigmoid {
		m.Scale.shape, m.Bias = []int{1}, &scalar{shape: []int{1}}
	}
	if err := loader.Bind(m, w); err != nil {
		return nil, err
	}
	if f.projected {
		m.Vision.Projection, m.Text.Projection = m.VisualProjection, m.TextProjection
		m.Vision.limits.Dimensions = top.Projection
	}
	return m, nil
}

// EncodeImages implements [arch.ImageEncoder].
func (m *Pair) EncodeImages(ws *tensor.Workspace, pixels tensor.Tensor) arch.ImageOutput {
	return m.Vision.EncodeImages(ws, pixels)
}

// CheckImage implements [arch.ImageEncoder].
func (m *Pair) CheckImage(height, width int) error { return m.Vision.CheckImage(height, width) }

// ImageLimits implements [arch.ImageEncoder].
func (m *Pair) ImageLimits() arch.ImageLimits { return m.Vision.limits }

// EncodeTexts implements [arch.ImageTextEncoder].
func (m *Pair) EncodeTexts(ws *tensor.Workspace, b *arch.Batch) tensor.Tensor {
	return m.Text.pool(ws, b, m.Text.encode(ws, b, nil, ""))
}

// TextLimits implements [arch.ImageTextEncoder].
func (m *Pair) TextLimits() arch.Limits { return m.Text.limits }

// PadTexts implements [arch.ImageTextEncoder].
func (m *Pair) PadTexts() int {
	if m.f.text.lastHead {
		return m.Text.limits.MaxTokens
	}
	return 0
}

// Match implements [arch.ImageTextEncoder].
func (m *Pair) Match() (scale, bias float32, independent bool) {
	if m.Bias != nil {
		bias = m.Bias.value
	}
	return float32(kernels.Exp(float64(m.Scale.value))), bias, m.f.sigmoid
}

// Forward implements [arch.Model]. It takes images, texts, or both; logits need both.
func (m *Pair) Forward(ws *tensor.Workspace, inputs map[string]tensor.Tensor, opts arch.ForwardOptions) (map[string]tensor.Tensor, error) {
	if err := onlyInputs(inputs, "pixel_values", "input_ids", "attention_mask", "position_ids"); err != nil {
		return nil, err
	}
	if err := opts.CheckArgs("interpolate_pos_encoding"); err != nil {
		return nil, err
	}
	texts := make(map[string]tensor.Tensor)
	for name, t := range inputs {
		if name != "pixel_values" {
			texts[name] = t
		}
	}
	outputs := make(map[string]tensor.Tensor)
	if len(texts) == len(inputs) && len(texts) == 0 {
		return nil, errors.New("pixel_values and input_ids are missing")
	}
	var images, sentences tensor.Tensor
	if len(texts) < len(inputs) {
		pixels, resized, err := m.Vision.read(inputs, opts)
		if err != nil {
			return nil, err
		}
		n := pixels.Shape[0]
		out := &states{opts: opts, prefix: "vision_model_output.", images: n, outputs: outputs}
		h := m.Vision.encode(ws, pixels, resized, out)
		v := m.Vision.vector(ws, h, n)
		out.output("last_hidden_state", h, h.NumRows()/n)
		out.output("pooler_output", v, 0)
		images = m.normalized(v)
		outputs["image_embeds"] = images
	}
	if len(texts) > 0 {
		opts.Args = nil
		got, err := arch.ForwardText(texts, opts, m.Text.limits, func(b *arch.Batch, out *arch.Sink) {
			h := m.Text.encode(ws, b, out, "text_model_output.")
			v := m.Text.pool(ws, b, h)
			out.Tokens("text_model_output.last_hidden_state", h)
			out.Sequences("text_model_output.pooler_output", v)
			sentences = m.normalized(v)
		})
		if err != nil {
			return nil, err
		}
		for name, t := range got {
			outputs[name] = t
		}
		outputs["text_embeds"] = sentences
	}
	if images.Data != nil && sentences.Data != nil {
		outputs["logits_per_image"] = m.logits(images, sentences)
		outputs["logits_per_text"] = m.logits(sentences, images)
	}
	return outputs, nil
}

// normalized returns the vectors, each divided by its length, in memory of their own.
func (m *Pair) normalized(v tensor.Tensor) tensor.Tensor {
	n := tensor.New(v.NumRows(), v.Cols())
	m.x.L2Normalize(n.Data, v.Data, v.NumRows(), v.Cols(), 0)
	return n
}

// logits returns what the model says of each pair of vectors of length 1, a row for each of a: sums in float64, rounded once.
func (m *Pair) logits(a, b tensor.Tensor) tensor.Tensor {
	out := tensor.New(a.NumRows(), b.NumRows())
	scale, bias := kernels.Exp(float64(m.Scale.value)), 0.0
	if m.Bias != nil {
		bias = float64(m.Bias.value)
	}
	for i := range a.NumRows() {
		for j := range b.NumRows() {
			sum := 0.0
			for k, v := range a.Row(i) {
				sum += float64(float64(v) * float64(b.Row(j)[k]))
			}
			out.Row(i)[j] = float32(float64(sum*scale) + bias)
		}
	}
	return out
}
