package loader

import (
	"fmt"
	"maps"
	"path"
	"strings"
)

// Rules say how the names in a file of some architecture relate to those that its model asks for. They are applied by
// [Weights.Rename] and then hold for [Bind].
type Rules struct {
	// Prefixes are cut from the names that begin with one of them (the first that does): "bert.", "roberta.", "model.".
	// A model asks for names without them, so that files of the base model and of a model with a head read alike.
	Prefixes []string
	// Aliases are applied, after the prefix is cut, one after the other, following those that hold everywhere.
	Aliases []Alias
	// Ignore are patterns, as path.Match has them ("*" matches any text), of tensors that may be there and unused,
	// in addition to those that hold everywhere. Names are canonical ones.
	Ignore []string
	// Fallback names, for a tensor that is absent, the one that takes its place: a tied output matrix its embedding.
	// Where both are there, the fallback need not be used.
	Fallback map[string]string
}

// An Alias replaces every occurrence of Old in a name by New.
type Alias struct{ Old, New string }

// Old names that files of several architectures have.
var commonAliases = []Alias{
	{"LayerNorm.gamma", "LayerNorm.weight"}, // TensorFlow's names, in the first BERT files
	{"LayerNorm.beta", "LayerNorm.bias"},
}

// Tensors that old files of several architectures carry and that can be computed: buffers, not parameters.
var commonIgnore = []string{
	"*embeddings.position_ids",
	"*embeddings.token_type_ids",
	"*rotary_emb.inv_freq",
}

// canonical returns the name that a model knows a tensor by.
func (r *Rules) canonical(name string) string {
	for _, p := range r.Prefixes {
		if rest, ok := strings.CutPrefix(name, p); ok {
			name = rest
			break
		}
	}
	for _, a := range commonAliases {
		name = strings.ReplaceAll(name, a.Old, a.New)
	}
	for _, a := range r.Aliases {
		name = strings.ReplaceAll(name, a.Old, a.New)
	}
	return name
}

// ignored reports whether a tensor may stay unused.
func (r *Rules) ignored(name string) bool {
	for _, patterns := range [][]string{commonIgnore, r.Ignore} {
		for _, p := range patterns {
			if ok, err := path.Match(p, name); err != nil {
				panic(fmt.Sprintf("loader: pattern %q: %v", p, err)) // a mistake in the program
			} else if ok {
				return true
			}
		}
	}
	return false
}

// Rename returns the same tensors under their canonical names, and keeps the rules for [Bind]. Two tensors that get the same
// name are an error. The result shares the open files with w, and is closed by closing w.
func (w *Weights) Rename(r Rules) (*Weights, error) {
	renamed := &Weights{name: w.name, files: w.files, views: make(map[string]*View, len(w.views)), meta: w.meta, rules: r}
	for _, old := range w.Names() {
		name := r.canonical(old)
		v := *w.views[old]
		v.Name = name
		if other, ok := renamed.views[name]; ok {
			return nil, fmt.Errorf("loader: %s: tensors %s and %s both stand for %s",
				w.name, quote(other.key), quote(v.key), quote(name))
		}
		renamed.views[name] = &v
	}
	renamed.rules.Fallback = maps.Clone(r.Fallback)
	renamed.attachScales()
	return renamed, nil
}
