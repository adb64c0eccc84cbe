package godwit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/tokenizer"
)

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

// WithDimensions cuts each vector to its first n elements (0: not), before it is normalised by [WithNormalize]. It is for models that
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
// invalid byte. Embed returns ctx's error soon after ctx is done. The vectors share one piece of memory, the caller's.
func (m *Model) Embed(ctx context.Context, texts []string, opts ...EmbedOption) ([][]float32, error) {
	if m.text == nil {
		return nil, m.notText()
	}
	e := m.text.free.Get()
	defer func() {
		e.options = embedOptions{} // holds the caller's functions
		m.text.free.Put(e)
	}()
	e.options = embedOptions{batch: defaultBatch}
	for _, f := range opts {
		f(&e.options)
	}
	vecs, err := e.run(ctx, m, texts)
	if err != nil {
		return nil, fmt.Errorf("godwit: %w", err)
	}
	return vecs, nil
}

const (
	// defaultBatch is the number of texts that are computed together.
	defaultBatch = 32
	// batchTokens bounds the tokens that are computed together, beyond the first text: more would not be faster, but take
	// more memory.
	batchTokens = 1024
	// window is the number of texts that are tokenized, and sorted by length, before the first is computed.
	window = 4096
)

// An embedding is the state of a call of Embed, kept for the next one.
type embedding struct {
	options embedOptions

	ids   []int32 // of the texts of a window, one after the other
	ends  []int32 // where each text's ids end
	order []int32 // the window's texts from the longest to the shortest
	batch arch.Batch
}

// prompt returns the text to put before the texts, and the number of its tokens that are not to be pooled.
func (m *Model) prompt(o *embedOptions) (prompt string, tokens int, err error) {
	p := m.text.pipeline
	name := o.promptName
	if name == "" {
		name = p.DefaultPrompt
	}
	switch text, ok := p.Prompts[name]; {
	case o.prompt != nil:
		prompt = *o.prompt
	case name == "":
	case !ok:
		known := cmp.Or(strings.Join(slices.Sorted(maps.Keys(p.Prompts)), ", "), "none")
		return "", 0, fmt.Errorf("the model has no prompt %q; it has %s", name, known)
	default:
		prompt = text
	}
	if prompt != "" && !p.IncludePrompt {
		// The prompt's tokens and the special ones before them; the one that ends a text follows the text now.
		e, err := m.text.tok.Encode(m.lower(prompt), tokenizer.Options{})
		if err != nil {
			return "", 0, err
		}
		tokens = e.Len()
		if tokens > 0 && e.SpecialTokensMask[tokens-1] != 0 {
			tokens--
		}
	}
	return prompt, tokens, nil
}

// lower returns the text in lower case if the model asks for that beside its tokenizer.
func (m *Model) lower(text string) string {
	if !m.text.pipeline.Lowercase {
		return text
	}
	return strings.ToLower(strings.ReplaceAll(text, "\u0130", "i\u0307")) // as Unicode has it; Go maps a character to one
}

func (e *embedding) run(ctx context.Context, m *Model, texts []string) ([][]float32, error) {
	t, o := m.text, &e.options
	dims := m.info.Dimensions
	switch {
	case t.embedErr != nil:
		return nil, t.embedErr
	case t.tokErr != nil:
		return nil, m.named(t.tokErr)
	case o.batch < 1:
		return nil, fmt.Errorf("the batch size is %d; want at least 1", o.batch)
	case o.dims < 0 || o.dims > dims:
		return nil, fmt.Errorf("%d dimensions are asked for; the model has %d", o.dims, dims)
	case o.dims > 0:
		dims = o.dims
	}
	prompt, promptTokens, err := m.prompt(o)
	if err != nil {
		return nil, err
	}
	ws := m.pool.Get()
	defer m.pool.Put(ws)
	vecs, flat := make([][]float32, len(texts)), make([]float32, len(texts)*dims)
	for i := range vecs {
		vecs[i] = flat[i*dims : (i+1)*dims : (i+1)*dims]
	}
	for first := 0; first < len(texts); first += window {
		part, out := texts[first:min(first+window, len(texts))], vecs[first:]
		if err := e.tokenize(ctx, m, part, first, prompt); err != nil {
			return nil, err
		}
		for done := 0; done < len(part); {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			group := e.fill(t.limits.Rule, e.order[done:], o.batch)
			if err := t.limits.Check(&e.batch); err != nil {
				return nil, fmt.Errorf("the tokenizer does not fit the model: %w", err)
			}
			ws.Reset()
			pooled := t.encode(ws, &e.batch, promptTokens)
			for i, text := range group {
				copy(out[text], pooled.Row(i))
			}
			done += len(group)
			if o.progress != nil {
				o.progress(first + done)
			}
		}
	}
	if o.normalize {
		m.exec.L2Normalize(flat, flat, len(texts), dims, 1e-12)
	}
	return vecs, nil
}

// tokenize sets ids, ends and order for the texts of a window, which begins with text number first of all.
func (e *embedding) tokenize(ctx context.Context, m *Model, texts []string, first int, prompt string) error {
	e.ids, e.ends, e.order = e.ids[:0], e.ends[:0], e.order[:0]
	for i, text := range texts {
		if i%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if prompt != "" {
			text = prompt + text
		}
		ids, err := m.text.tok.AppendIDs(e.ids, m.lower(text), m.info.MaxTokens)
		if err != nil {
			return fmt.Errorf("text %d: %w", first+i, err)
		}
		if len(ids) == len(e.ids) {
			return fmt.Errorf("text %d has no tokens, and this model adds none: it has no embedding", first+i)
		}
		for len(ids)-len(e.ids) < m.text.padTo {
			ids = append(ids, m.text.padID)
		}
		e.ids = ids
		e.ends = append(e.ends, int32(len(ids)))
		e.order = append(e.order, int32(i))
	}
	slices.SortFunc(e.order, func(a, b int32) int { return cmp.Or(e.length(b)-e.length(a), int(a-b)) })
	return nil
}

// text returns the ids of text i of the window.
func (e *embedding) text(i int32) []int32 {
	start := int32(0)
	if i > 0 {
		start = e.ends[i-1]
	}
	return e.ids[start:e.ends[i]]
}

func (e *embedding) length(i int32) int { return len(e.text(i)) }

// fill makes a batch of the first of the texts, and returns them.
func (e *embedding) fill(rule arch.Positions, order []int32, most int) []int32 {
	e.batch.Reset()
	n := 0
	for n < len(order) && n < most && (n == 0 || e.batch.Tokens()+e.length(order[n]) <= batchTokens) {
		e.batch.Append(e.text(order[n]), nil, rule)
		n++
	}
	return order[:n]
}
