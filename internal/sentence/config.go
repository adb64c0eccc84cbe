package sentence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/internal/files"
)

// maxConfig bounds the size of a configuration file.
const maxConfig = 1 << 20

// readJSON reads a JSON file into v. It reports whether the file is there.
func readJSON(fsys fs.FS, name string, v any) (bool, error) {
	b, err := files.Read(fsys, name, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return false, fmt.Errorf("%s: %s", name, files.JSONCause(err))
	}
	return true, nil
}

// need is readJSON for a file that must be there.
func need(fsys fs.FS, name string, v any) error {
	found, err := readJSON(fsys, name, v)
	if err == nil && !found {
		err = fmt.Errorf("%s is missing; modules.json asks for it", name)
	}
	return err
}

// Base returns the folder of the transformer's own files in a repository: "." unless modules.json names another.
func Base(fsys fs.FS) (string, error) {
	var modules []struct{ Path string }
	if _, err := readJSON(fsys, "modules.json", &modules); err != nil {
		return "", err
	}
	if len(modules) == 0 || modules[0].Path == "" {
		return ".", nil
	}
	if !fs.ValidPath(modules[0].Path) {
		return "", fmt.Errorf("modules.json: module 0: %q is not a path inside the repository", modules[0].Path)
	}
	return modules[0].Path, nil
}

// names is one name or a list of them.
type names []string

func (n *names) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*n = make(names, 1)
		return json.Unmarshal(b, &(*n)[0])
	}
	return json.Unmarshal(b, (*[]string)(n))
}

// loadPooling reads the configuration of a Pooling module: pooling_mode names the modes, older files have a boolean for each.
// Several modes are concatenated, in the order of sentence-transformers.
func (p *Pipeline) loadPooling(fsys fs.FS, name string, hidden int) error {
	c := struct {
		Modes         names `json:"pooling_mode"`
		Dim           *int  `json:"embedding_dimension"`
		OldDim        *int  `json:"word_embedding_dimension"`
		IncludePrompt *bool `json:"include_prompt"`

		CLS      bool `json:"pooling_mode_cls_token"`
		Max      bool `json:"pooling_mode_max_tokens"`
		Mean     bool `json:"pooling_mode_mean_tokens"`
		MeanSqrt bool `json:"pooling_mode_mean_sqrt_len_tokens"`
		Weighted bool `json:"pooling_mode_weightedmean_tokens"`
		Last     bool `json:"pooling_mode_lasttoken"`
	}{}
	if err := need(fsys, name, &c); err != nil {
		return err
	}
	for _, old := range []struct {
		on   bool
		mode string
	}{{c.CLS, "cls"}, {c.Max, "max"}, {c.Mean, "mean"}, {c.MeanSqrt, "mean_sqrt_len_tokens"}, {c.Weighted, "weightedmean"}, {c.Last, "lasttoken"}} {
		if old.on && !slices.Contains(c.Modes, old.mode) {
			c.Modes = append(c.Modes, old.mode)
		}
	}
	if len(c.Modes) == 0 {
		c.Modes = names{"mean"}
	}
	for _, m := range c.Modes {
		pool := poolings[m]
		if pool == nil {
			return fmt.Errorf("%s: the pooling mode %q is not known; known are %s", name, m,
				strings.Join(slices.Sorted(maps.Keys(poolings)), ", "))
		}
		p.pooling = append(p.pooling, pool)
	}
	for _, d := range []*int{c.Dim, c.OldDim} {
		if d != nil && *d != hidden {
			return fmt.Errorf("%s: the embedding dimension is %d, but the hidden size of the transformer is %d", name, *d, hidden)
		}
	}
	p.IncludePrompt = c.IncludePrompt == nil || *c.IncludePrompt
	p.Dim = hidden * len(c.Modes)
	return nil
}

// The names of the file that says how the transformer is used; all but the first are those of old repositories.
var transformerConfigs = []string{"sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json",
	"sentence_camembert_config.json", "sentence_albert_config.json", "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json"}

// loadSettings reads the length, the prompts and the similarity function.
func (p *Pipeline) loadSettings(fsys fs.FS) error {
	base, err := fs.Sub(fsys, p.Base)
	if err != nil {
		return err
	}
	for _, name := range transformerConfigs {
		var c struct {
			MaxLength *int `json:"max_seq_length"`
			Lowercase bool `json:"do_lower_case"`
		}
		found, err := readJSON(base, name, &c)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if c.MaxLength != nil {
			if *c.MaxLength < 1 {
				return fmt.Errorf("%s: max_seq_length is %d; it must be positive", name, *c.MaxLength)
			}
			p.MaxLength = *c.MaxLength
		}
		p.Lowercase = c.Lowercase
		break
	}

	const settings = "config_sentence_transformers.json"
	var c struct {
		Prompts    map[string]string `json:"prompts"`
		Default    string            `json:"default_prompt_name"`
		Similarity string            `json:"similarity_fn_name"`
	}
	if _, err := readJSON(fsys, settings, &c); err != nil {
		return err
	}
	p.Prompts, p.DefaultPrompt = c.Prompts, c.Default
	if _, ok := p.Prompts[p.DefaultPrompt]; p.DefaultPrompt != "" && !ok {
		return fmt.Errorf("%s: default_prompt_name is %q, but prompts has no such entry", settings, p.DefaultPrompt)
	}
	switch p.Similarity = c.Similarity; p.Similarity {
	case "":
		p.Similarity = "cosine"
	case "cosine", "dot", "euclidean", "manhattan":
	default:
		return fmt.Errorf("%s: similarity_fn_name %q is not known; known are cosine, dot, euclidean and manhattan", settings, p.Similarity)
	}
	return nil
}
