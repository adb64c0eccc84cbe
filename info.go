package godwit

import (
	"io/fs"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/internal/files"
	"github.com/godwit-ml/godwit/loader"
)

// Info is what is known about an open model.
type Info struct {
	Name       string // as it was given to Open; empty for OpenFS
	ModelType  string // config.json's model_type: bert, roberta, ...
	Class      string // the Hugging Face class that the weights were saved from: BertModel, ...
	Parameters int64  // elements of the weights
	License    string // from the head of README.md, as written there; may be empty

	// Of models that take texts.

	VocabSize  int               // number of token ids
	HiddenSize int               // length of a token's vector
	Dimensions int               // length of the vectors that Embed returns; 0 if it cannot
	MaxTokens  int               // tokens that Embed uses of a text, special ones included; what is beyond them is cut off
	Similarity string            // what Similarity computes: cosine, dot, euclidean or manhattan
	Prompts    map[string]string // texts that Embed puts before each text, by name
	Prompt     string            // the name of the one that is used if none is chosen; may be empty

	// Of models that generate text.

	ContextLength int // tokens of the longest sequence, prompt included; 0 if the model does not generate

	// Of models that take images. Dimensions is then that of EmbedImages, and of Embed if the model takes texts as well.

	ImageHeight, ImageWidth int      // the size that the model was made for, in pixels
	Labels                  []string // what ClassifyImages chooses from; empty if it cannot
}

func newInfo(c *arch.Config, w *loader.Weights) Info {
	info := Info{ModelType: c.ModelType, Class: c.Class()}
	for _, name := range w.Names() {
		v, _ := w.View(name)
		if !v.IsScale() {
			info.Parameters += int64(v.Len())
		}
	}
	return info
}

// readCard reads the licence from the head of the model card: the lines of YAML between two lines of dashes.
func (info *Info) readCard(fsys fs.FS) {
	text, err := files.Read(fsys, "README.md", 4<<20)
	if err != nil {
		return
	}
	head, ok := strings.CutPrefix(strings.ReplaceAll(string(text), "\r\n", "\n"), "---\n")
	if !ok {
		return
	}
	head, _, _ = strings.Cut(head, "\n---")
	for line := range strings.Lines(head) {
		if v, ok := strings.CutPrefix(line, "license:"); ok {
			info.License = strings.Trim(strings.TrimSpace(v), `"'`)
		}
	}
}
