package godwit

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/internal/files"
	"github.com/godwit-ml/godwit/internal/parallel"
	"github.com/godwit-ml/godwit/internal/sentence"
	"github.com/godwit-ml/godwit/tensor"
	"github.com/godwit-ml/godwit/tokenizer"
)

// A textModel is what a model of texts has beside its network. A part that could not be loaded is an error of the tasks that
// need it, not of opening the model: a folder without a tokenizer can still be run on ids.
type textModel struct {
	// encode returns a vector for each text of a batch. promptTokens of each text are not pooled.
	encode   func(ws *tensor.Workspace, b *arch.Batch, promptTokens int) tensor.Tensor
	limits   arch.Limits
	padTo    int   // the length that texts are padded to, 0: they are not
	padID    int32 // with this token
	tok      *tokenizer.Tokenizer
	tokErr   error
	pipeline *sentence.Pipeline
	embedErr error
	free     parallel.FreeList[embedding]
}

// notText returns the error of a task on texts for a model that takes none.
func (m *Model) notText() error {
	return fmt.Errorf("godwit: %s does not take texts: its model_type is %s; models of texts do, and of those of images CLIP and "+
		"SigLIP", m.called(), m.info.ModelType)
}

// openText prepares what the tasks on texts need: fsys is the repository, base the transformer's own folder in it.
func (m *Model) openText(fsys, base fs.FS, tok *tokenizerReader) {
	if pair, ok := m.net.(arch.ImageTextEncoder); ok {
		m.openPair(pair, base, tok)
		return
	}
	enc, ok := m.net.(arch.TextEncoder)
	if !ok {
		return
	}
	t := &textModel{limits: enc.Limits()}
	t.encode = func(ws *tensor.Workspace, b *arch.Batch, promptTokens int) tensor.Tensor {
		return t.pipeline.Embed(ws, enc.Encode(ws, b), b.Starts, promptTokens)
	}
	m.text = t
	m.info.VocabSize, m.info.HiddenSize, m.info.MaxTokens = t.limits.Vocab, t.limits.HiddenSize, t.limits.MaxTokens
	m.info.Similarity = "cosine"
	t.tok, t.tokErr = tok.wait()
	t.pipeline, t.embedErr = sentence.Load(fsys, m.exec, t.limits.HiddenSize, cmp.Or(t.limits.Pooling, "mean"))
	if t.embedErr != nil {
		t.embedErr = fmt.Errorf("it is no model of sentence embeddings: %w", t.embedErr)
	}
	if p := t.pipeline; t.embedErr == nil {
		m.info.Dimensions, m.info.Similarity, m.info.Prompts, m.info.Prompt = p.Dim, p.Similarity, p.Prompts, p.DefaultPrompt
		length := p.MaxLength
		if length == 0 {
			length = modelMaxLength(base)
		}
		if length > 0 {
			m.info.MaxTokens = min(m.info.MaxTokens, length)
		}
	}
}

// openPair prepares what the tasks on texts need of a model of texts and images, whose text tower makes the vectors.
func (m *Model) openPair(pair arch.ImageTextEncoder, base fs.FS, tok *tokenizerReader) {
	t := &textModel{limits: pair.TextLimits(), padTo: pair.PadTexts()}
	t.encode = func(ws *tensor.Workspace, b *arch.Batch, _ int) tensor.Tensor { return pair.EncodeTexts(ws, b) }
	t.pipeline = &sentence.Pipeline{Dim: pair.ImageLimits().Dimensions, IncludePrompt: true, Similarity: "cosine"}
	m.text = t
	m.info.VocabSize, m.info.MaxTokens = t.limits.Vocab, t.limits.MaxTokens
	t.tok, t.tokErr = tok.wait()
	if t.padTo > 0 && t.tokErr == nil {
		m.info.MaxTokens = min(m.info.MaxTokens, t.padTo)
		if t.padID, t.tokErr = padToken(t.tok, base); t.tokErr != nil {
			t.tokErr = fmt.Errorf("the model wants texts padded to %d tokens: %w", t.padTo, t.tokErr)
		}
	}
}

// A tokenizerReader reads a tokenizer in a goroutine of its own.
type tokenizerReader struct {
	done chan struct{}
	tok  *tokenizer.Tokenizer
	err  error
}

// readTokenizer begins to read the tokenizer whose files are in base.
func readTokenizer(base fs.FS) *tokenizerReader {
	r := &tokenizerReader{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		if r.tok, r.err = tokenizer.Load(base); errors.Is(r.err, fs.ErrNotExist) {
			r.err = errors.New("the model has no tokenizer: there is no tokenizer.json, no vocab.txt, and no vocab.json with merges.txt")
		}
	}()
	return r
}

// wait returns what was read, when all is.
func (r *tokenizerReader) wait() (*tokenizer.Tokenizer, error) {
	<-r.done
	return r.tok, r.err
}

// padToken returns the id of the token that tokenizer.json pads with, or else that tokenizer_config.json names.
func padToken(tok *tokenizer.Tokenizer, base fs.FS) (int32, error) {
	if p := tok.Padding(); p != nil {
		return p.ID, nil
	}
	var c struct {
		Token json.RawMessage `json:"pad_token"`
	}
	text, err := files.Read(base, "tokenizer_config.json", 16<<20)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("tokenizer_config.json: %w", err)
	}
	var name string
	var object struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(c.Token, &name) != nil && json.Unmarshal(c.Token, &object) == nil {
		name = object.Content
	}
	if id, ok := tok.TokenToID(name); ok && name != "" {
		return id, nil
	}
	return 0, errors.New("neither tokenizer.json nor tokenizer_config.json names the token to pad with")
}

// modelMaxLength reads model_max_length from tokenizer_config.json; 0 if there is none.
func modelMaxLength(base fs.FS) int {
	text, err := files.Read(base, "tokenizer_config.json", 16<<20)
	if err != nil {
		return 0
	}
	var c struct {
		MaxLength float64 `json:"model_max_length"` // 1e30 where there is no limit
	}
	if json.Unmarshal(text, &c) != nil || !(c.MaxLength >= 1 && c.MaxLength < 1<<30) {
		return 0
	}
	return int(c.MaxLength)
}

// Tokenizer returns the model's tokenizer.
func (m *Model) Tokenizer() (*tokenizer.Tokenizer, error) {
	if m.text == nil {
		return nil, m.notText()
	}
	if m.text.tokErr != nil {
		return nil, fmt.Errorf("godwit: %w", m.named(m.text.tokErr))
	}
	return m.text.tok, nil
}
