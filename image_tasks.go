package godwit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/vit"
	"github.com/godwit-ml/godwit/imageproc"
	"github.com/godwit-ml/godwit/kernels"
)

// An imageModel is what a model of images has beside its network.
type imageModel struct {
	encoder      arch.ImageEncoder
	limits       arch.ImageLimits
	pair         arch.ImageTextEncoder // nil: the model takes images alone
	processor    *imageproc.Processor
	processorErr error
	activation   labelActivation
}

// A labelActivation turns the logits of labels into scores.
type labelActivation int

// They are those of the pipelines of Transformers.
const (
	labelSoftmax labelActivation = iota // the labels compete
	labelSigmoid                        // each is true or not
	labelNone                           // they are numbers of their own
)

// notImage returns the error of a task on images for a model that takes none.
func (m *Model) notImage() error {
	return fmt.Errorf("godwit: %s does not take images: its model_type is %s; those of images are %s", m.called(), m.info.ModelType,
		strings.Join(vit.ModelTypes(), ", "))
}

// called returns the name that the model was opened by, for errors.
func (m *Model) called() string { return cmp.Or(m.info.Name, "the model") }

// openImage prepares what the tasks on images need.
func (m *Model) openImage(config *arch.Config, base fs.FS) error {
	enc, ok := m.net.(arch.ImageEncoder)
	if !ok {
		return nil
	}
	t := &imageModel{encoder: enc, limits: enc.ImageLimits()}
	m.image = t
	t.pair, _ = m.net.(arch.ImageTextEncoder)
	m.info.HiddenSize, m.info.Dimensions, m.info.Similarity = t.limits.HiddenSize, t.limits.Dimensions, "cosine"
	m.info.ImageHeight, m.info.ImageWidth, m.info.Labels = t.limits.Height, t.limits.Width, slices.Clone(t.limits.Labels)
	if t.processor, t.processorErr = imageproc.Open(base); t.processorErr == nil && t.limits.Channels != 3 {
		t.processorErr = fmt.Errorf("the model takes images with num_channels %d, and the processor makes 3 channels",
			t.limits.Channels)
	}
	var c struct {
		Problem string `json:"problem_type"`
	}
	if err := config.Decode(&c); err != nil {
		return err
	}
	switch {
	case c.Problem == "regression":
		t.activation = labelNone
	case c.Problem == "multi_label_classification" || len(t.limits.Labels) == 1:
		t.activation = labelSigmoid
	}
	return nil
}

// An ImageOption changes what a task on images returns, or how it works.
type ImageOption func(*imageOptions)

type imageOptions struct {
	batch      int
	top        int
	maxPixels  int
	hypothesis string
	unit       bool
	progress   func(done int)
	bad        func(*ImageError)
}

// WithTopLabels sets how many labels an image gets, the likeliest ones; 0: all. The default is 5, and for zero-shot
// classification all.
func WithTopLabels(n int) ImageOption { return func(o *imageOptions) { o.top = n } }

// WithImageBatch sets how many images are computed together at most: a matter of memory and speed, not of results. The default
// is 8.
func WithImageBatch(n int) ImageOption { return func(o *imageOptions) { o.batch = n } }

// WithMaxPixels refuses images of more pixels, before memory is taken for them; 0: [imageproc.MaxPixels].
func WithMaxPixels(n int) ImageOption { return func(o *imageOptions) { o.maxPixels = n } }

// WithHypothesis sets the sentence that a label is put into in place of {}. The default is "This is a photo of {}.".
func WithHypothesis(template string) ImageOption {
	return func(o *imageOptions) { o.hypothesis = template }
}

// WithUnitVectors scales the vector of each image to length 1.
func WithUnitVectors() ImageOption { return func(o *imageOptions) { o.unit = true } }

// WithImageProgress calls f now and then with the number of images that are done, from the goroutine that called the task.
func WithImageProgress(f func(done int)) ImageOption { return func(o *imageOptions) { o.progress = f } }

// WithBadImages calls f for each image that cannot be used, and goes on: its result is nil. Otherwise the first one ends the
// task with an [ImageError].
func WithBadImages(f func(*ImageError)) ImageOption { return func(o *imageOptions) { o.bad = f } }

const (
	defaultImageBatch = 8
	defaultTopLabels  = 5
	defaultHypothesis = "This is a photo of {}."
)

// A LabelScore is a label, and how well it fits.
type LabelScore struct {
	Label string  `json:"label"`
	Score float32 `json:"score"`
}

// ClassifyImages returns the likeliest labels of each image, the likeliest first, as the pipeline image-classification of
// Transformers does. The scores are probabilities that add up to 1 over all labels of the model; of a model with several labels
// for an image, probabilities of each; of a model that estimates numbers, the numbers.
//
// Images are decoded while others are computed, and not more than two batches of them are held. ClassifyImages returns ctx's
// error soon after ctx is done.
func (m *Model) ClassifyImages(ctx context.Context, images []Image, opts ...ImageOption) ([][]LabelScore, error) {
	if m.image == nil {
		return nil, m.notImage()
	}
	labels := m.image.limits.Labels
	if len(labels) == 0 {
		return nil, fmt.Errorf("godwit: %s has no labels to choose from%s", cmp.Or(m.info.Class, m.info.ModelType), m.orZeroShot())
	}
	o := imageOptions{batch: defaultImageBatch, top: defaultTopLabels}
	result := make([][]LabelScore, len(images))
	err := m.runImages(ctx, images, &o, opts, func(index []int, out *arch.ImageOutput) {
		for k, i := range index {
			result[i] = m.score(out.Logits.Row(k), labels, m.image.activation, o.top)
		}
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (m *Model) orZeroShot() string {
	if m.image.pair == nil {
		return ""
	}
	return ": give yours to ClassifyImagesZeroShot"
}

// runImages applies the options, checks them, and runs the model.
func (m *Model) runImages(ctx context.Context, images []Image, o *imageOptions, opts []ImageOption, use func([]int, *arch.ImageOutput)) error {
	for _, f := range opts {
		f(o)
	}
	if o.top < 0 {
		return fmt.Errorf("godwit: %d labels are asked for", o.top)
	}
	if err := m.eachImages(ctx, images, o, use); err != nil {
		return fmt.Errorf("godwit: %w", err)
	}
	return nil
}

// score turns the logits of labels, which it overwrites, into their scores, and returns the top ones, of equal ones the first.
func (m *Model) score(logits []float32, labels []string, a labelActivation, top int) []LabelScore {
	switch a {
	case labelSoftmax:
		m.exec.Softmax(logits, logits, 1, len(logits))
	case labelSigmoid:
		m.exec.Activate(logits, logits, kernels.Sigmoid)
	}
	all := make([]LabelScore, len(labels))
	for i, l := range labels {
		all[i] = LabelScore{l, logits[i]}
	}
	slices.SortStableFunc(all, func(a, b LabelScore) int { return cmp.Compare(b.Score, a.Score) })
	if top > 0 && top < len(all) {
		return slices.Clone(all[:top])
	}
	return all
}

// EmbedImages returns a vector for each image, in the same order: what is compared with the vector of a text ([Model.Embed]) if
// the model takes both, and else what stands for the whole image: the pooled output, or the first token's, or the mean of the
// patches where there is neither. The hidden states of all patches are what [Model.Forward] gives.
//
// See [Model.ClassifyImages] on memory and ctx. The vectors share one piece of memory, the caller's.
func (m *Model) EmbedImages(ctx context.Context, images []Image, opts ...ImageOption) ([][]float32, error) {
	if m.image == nil {
		return nil, m.notImage()
	}
	o := imageOptions{batch: defaultImageBatch}
	dims := m.image.limits.Dimensions
	vecs, flat := make([][]float32, len(images)), make([]float32, len(images)*dims)
	err := m.runImages(ctx, images, &o, opts, func(index []int, out *arch.ImageOutput) {
		for k, i := range index {
			vecs[i] = flat[i*dims : (i+1)*dims : (i+1)*dims]
			copy(vecs[i], out.Vector.Row(k))
		}
	})
	if err != nil {
		return nil, err
	}
	if o.unit {
		m.exec.L2Normalize(flat, flat, len(images), dims, 1e-12)
	}
	return vecs, nil
}

// ImageTextLogits returns, for each image, how well each text fits it, as logits_per_image of Transformers has it: the cosine
// between their vectors, scaled as the model was trained. For models of images and texts (CLIP, SigLIP). See
// [Model.ClassifyImages] on memory and ctx.
func (m *Model) ImageTextLogits(ctx context.Context, images []Image, texts []string, opts ...ImageOption) ([][]float32, error) {
	o := imageOptions{batch: defaultImageBatch}
	return m.imageTextLogits(ctx, images, texts, &o, opts)
}

func (m *Model) imageTextLogits(ctx context.Context, images []Image, texts []string, o *imageOptions, opts []ImageOption) ([][]float32, error) {
	switch {
	case m.image == nil:
		return nil, m.notImage()
	case m.image.pair == nil:
		return nil, fmt.Errorf("godwit: %s takes no texts to compare images with; CLIP and SigLIP do",
			cmp.Or(m.info.Class, m.info.ModelType))
	case len(texts) == 0:
		return nil, errors.New("godwit: there are no texts to compare the images with")
	}
	vecs, err := m.Embed(ctx, texts, WithNormalize())
	if err != nil {
		return nil, err
	}
	scale, bias, _ := m.image.pair.Match()
	dims := len(vecs[0])
	unit := make([]float32, dims)
	result := make([][]float32, len(images))
	err = m.runImages(ctx, images, o, opts, func(index []int, out *arch.ImageOutput) {
		for k, i := range index {
			m.exec.L2Normalize(unit, out.Vector.Row(k), 1, dims, 1e-12)
			result[i] = make([]float32, len(vecs))
			for j, v := range vecs {
				result[i][j] = float32(m.exec.Dot(unit, v)*scale) + bias
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// ClassifyImagesZeroShot returns for each image how well labels of one's own fit it, the best first, as the pipeline
// zero-shot-image-classification of Transformers does: each label is put into a sentence ([WithHypothesis]), and the sentences
// are compared with the image. With CLIP the scores are probabilities that add up to 1 over the labels; with SigLIP each label
// has a probability of its own. See [Model.ClassifyImages] on memory and ctx.
func (m *Model) ClassifyImagesZeroShot(ctx context.Context, images []Image, labels []string, opts ...ImageOption) ([][]LabelScore, error) {
	o := imageOptions{batch: defaultImageBatch, hypothesis: defaultHypothesis}
	for _, f := range opts {
		f(&o)
	}
	if !strings.Contains(o.hypothesis, "{}") {
		return nil, fmt.Errorf("godwit: the hypothesis %q has no {} for the label", o.hypothesis)
	}
	texts := make([]string, len(labels))
	for i, l := range labels {
		texts[i] = strings.ReplaceAll(o.hypothesis, "{}", l)
	}
	logits, err := m.imageTextLogits(ctx, images, texts, &o, opts)
	if err != nil {
		return nil, err
	}
	activation := labelSoftmax
	if _, _, independent := m.image.pair.Match(); independent {
		activation = labelSigmoid
	}
	result := make([][]LabelScore, len(images))
	for i, row := range logits {
		if row != nil { // not a bad image
			result[i] = m.score(row, labels, activation, o.top)
		}
	}
	return result, nil
}
