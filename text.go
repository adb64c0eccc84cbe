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
	"github.com/godwit-ml/godwit/tokenizer"
)

// A textModel is what a model of texts has beside its network. A part that could not be loaded is an error of the tasks that
// need it, not of opening the model: a folder without a tokenizer can still be run on ids.
type textModel struct {
	encoder  arch.TextEncoder
	limits   arch.Limits
	tok      *tokenizer.Tokenizer
	tokErr   error
	pipeline *sentence.Pipeline
	embedErr error
	free     parallel.FreeList[embedding]
}

// errNotText is returned by the tasks on texts of a model that takes none.
var errNotText = errors.New("godwit: the model does not take texts")

// openText prepares what the tasks on texts need: fsys is the repository, base the transformer's own folder in it.
func (m *Model) openText(fsys, base fs.FS) {
	enc, ok := m.net.(arch.TextEncoder)
	if !ok {
		return
	}
	t := &textModel{encoder: enc, limits: enc.Limits()}
	m.text = t
	m.info.VocabSize, m.info.HiddenSize, m.info.MaxTokens = t.limits.Vocab, t.limits.HiddenSize, t.limits.MaxTokens
	m.info.Similarity = "cosine"
	t.tok, t.tokErr = tokenizer.Load(base)
	if errors.Is(t.tokErr, fs.ErrNotExist) {
		t.tokErr = errors.New("the model has no tokenizer: neither tokenizer.json nor vocab.txt is there")
	}
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
		return nil, errNotText
	}
	if m.text.tokErr != nil {
		return nil, fmt.Errorf("godwit: %w", m.text.tokErr)
	}
	return m.text.tok, nil
}
