package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/gpt"
	"github.com/godwit-ml/godwit/hub"
	"github.com/godwit-ml/godwit/internal/sentence"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/modelcard"
	"github.com/godwit-ml/godwit/tensor"
)

func inspectCommand(io *console) *cobra.Command {
	var tensors bool
	c := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Show what a model is made of",
		Long: `inspect shows a model's configuration, its tensors with their types and shapes, the number of parameters,
the memory that its weights take in use and, of a decoder, the keys and values of a text (those of its
longest text are reserved in pages of 512 tokens), the vectors and prompts of a sentence-transformers
repository, and what its README.md says about licence and limits. The model need not be of a type that
godwit can run.

Tensors that differ only in numbers are shown as one line: encoder.layer.{0-11}. With --tensors, or --json,
each is listed.`,
		Example: `  godwit inspect minilm
  godwit inspect sentence-transformers/all-MiniLM-L6-v2 --json`,
		Args: arguments(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			fsys, err := hub.Open(args[0])
			if err != nil {
				return err
			}
			r, err := inspect(fsys)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if io.json {
				return io.writeJSON(r)
			}
			r.print(io, tensors)
			return nil
		},
	}
	c.Flags().BoolVar(&tensors, "tensors", false, "list every tensor")
	return c
}

// inspection is what inspect reports.
type inspection struct {
	ModelType  string           `json:"model_type"`
	Class      string           `json:"class,omitempty"`
	Runs       bool             `json:"runs"` // whether godwit can run this model_type
	Parameters int64            `json:"parameters"`
	FileBytes  int64            `json:"weights_bytes"`
	Memory     int64            `json:"memory_bytes"` // of the weights in use
	DTypes     map[string]int64 `json:"parameters_by_dtype"`
	MaxTokens  int              `json:"max_tokens,omitempty"` // the longest text, special tokens included
	Cache      *cacheInfo       `json:"cache,omitempty"`      // of a decoder that generates text
	Vectors    *vectorInfo      `json:"vectors,omitempty"`    // of a sentence-transformers repository
	Card       modelcard.Card   `json:"card"`
	CardError  string           `json:"card_error,omitempty"`
	Config     json.RawMessage  `json:"config"`
	Tensors    []tensorInfo     `json:"tensors"`
}

type tensorInfo struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
}

// cacheInfo is what the keys and values of a text take.
type cacheInfo struct {
	Context  int       `json:"context_length"` // tokens of the longest text
	Float32  cacheSize `json:"float32"`
	BFloat16 cacheSize `json:"bfloat16"` // with --bf16-cache
}

// cacheSize is what they take in one type.
type cacheSize struct {
	Token   int `json:"bytes_per_token"`
	Context int `json:"bytes_at_context_length"`
}

// readCache returns what the keys and values of a decoder take, nil of another model.
func readCache(c *arch.Config) *cacheInfo {
	wide, err := gpt.ReadCacheSize(c, arch.CacheOptions{})
	if err != nil {
		return nil
	}
	narrow, err := gpt.ReadCacheSize(c, arch.CacheOptions{BFloat16: true})
	if err != nil {
		return nil
	}
	return &cacheInfo{wide.Context, cacheSize{wide.Token, wide.Bytes(wide.Context)},
		cacheSize{narrow.Token, narrow.Bytes(narrow.Context)}}
}

// vectorInfo is what a sentence-transformers repository says of its vectors.
type vectorInfo struct {
	Dimensions    int               `json:"dimensions"`
	Similarity    string            `json:"similarity"`
	Prompts       map[string]string `json:"prompts,omitempty"`
	DefaultPrompt string            `json:"default_prompt,omitempty"`
}

func inspect(fsys fs.FS) (*inspection, error) {
	base := fsys // of the transformer's own files
	dir, err := sentence.Base(fsys)
	if err == nil {
		base, err = fs.Sub(fsys, dir)
	}
	if err != nil {
		return nil, err
	}
	config, err := arch.ReadConfig(base)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(base, "config.json")
	if err != nil {
		return nil, err
	}
	w, err := loader.Open(base)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	r := &inspection{ModelType: config.ModelType, Class: config.Class(), DTypes: map[string]int64{}, Config: text,
		Runs: slices.Contains(arch.ModelTypes(), config.ModelType)}
	for _, name := range w.Names() {
		v, ok := w.View(name)
		if !ok {
			continue
		}
		r.Tensors = append(r.Tensors, tensorInfo{name, v.DType.String(), list(v.Shape)})
		r.FileBytes += int64(v.Bytes())
		_, scaled := w.View(name + "_scale")
		switch {
		case v.IsScale():
			r.Memory += int64(v.Bytes())
			continue
		case scaled && v.DType == tensor.I8 && strings.Contains(name, "embeddings"):
			r.Memory += int64(v.Len()) // gathered as it is
		case len(v.Shape) > 1 && (v.DType == tensor.BF16 || v.DType == tensor.F16):
			r.Memory += 2 * int64(v.Len()) // widened in registers
		default:
			r.Memory += 4 * int64(v.Len()) // computed with in float32
		}
		r.Parameters += int64(v.Len())
		r.DTypes[v.DType.String()] += int64(v.Len())
	}
	r.MaxTokens = maxTokens(base, fsys)
	r.Cache = readCache(config)
	r.Vectors = readVectors(fsys, text)
	readme, err := fs.ReadFile(fsys, "README.md")
	if err == nil {
		r.Card, err = modelcard.Parse(string(readme))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.CardError = err.Error()
	}
	return r, nil
}

// maxTokens returns the least of the limits that a model's files give for a text: the table of positions, the tokenizer's and
// that of sentence-transformers. It is 0 if none is given; a file that cannot be read gives none.
func maxTokens(base, root fs.FS) int {
	limit := 0
	for _, f := range []struct {
		fsys      fs.FS
		file, key string
	}{
		{base, "config.json", "max_position_embeddings"},
		{base, "config.json", "n_positions"},
		{base, "tokenizer_config.json", "model_max_length"},
		{base, "sentence_bert_config.json", "max_seq_length"},
		{root, "sentence_bert_config.json", "max_seq_length"},
	} {
		b, err := fs.ReadFile(f.fsys, f.file)
		if err != nil {
			continue
		}
		var fields map[string]any
		if json.Unmarshal(b, &fields) != nil {
			continue
		}
		// A tokenizer without a limit has 1e30.
		if v, ok := fields[f.key].(float64); ok && v >= 1 && v < 1e9 && (limit == 0 || int(v) < limit) {
			limit = int(v)
		}
	}
	return limit
}

// readVectors reads what follows the transformer in a sentence-transformers repository. It is nil for another one, and for
// one of modules that are not vectors of texts.
func readVectors(fsys fs.FS, config []byte) *vectorInfo {
	var c struct {
		Hidden int `json:"hidden_size"`
		Dim    int `json:"dim"` // distilbert's
	}
	if _, err := fs.Stat(fsys, "modules.json"); err != nil || json.Unmarshal(config, &c) != nil {
		return nil
	}
	x := kernels.New(nil, 1)
	defer x.Close()
	p, err := sentence.Load(fsys, x, cmp.Or(c.Hidden, c.Dim), "mean")
	if err != nil {
		return nil
	}
	return &vectorInfo{p.Dim, p.Similarity, p.Prompts, p.DefaultPrompt}
}

func (r *inspection) print(io *console, all bool) {
	class := r.Class
	if class == "" {
		class = "class not named"
	}
	runs := ""
	if !r.Runs {
		runs = ", a type that godwit cannot run yet"
	}
	rows := [][]string{{"model", fmt.Sprintf("%s (%s)%s", r.ModelType, class, runs)}}
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, []string{key, value})
		}
	}
	var dtypes []string
	for _, d := range slices.Sorted(maps.Keys(r.DTypes)) {
		dtypes = append(dtypes, fmt.Sprintf("%s %s", thousands(r.DTypes[d]), d))
	}
	add("parameters", fmt.Sprintf("%s (%s)", thousands(r.Parameters), strings.Join(dtypes, ", ")))
	add("weights", fmt.Sprintf("%s in %d tensors; about %s in use", bytesOf(r.FileBytes), len(r.Tensors), bytesOf(r.Memory)))
	if r.MaxTokens > 0 {
		add("longest text", fmt.Sprintf("%d tokens, special ones included", r.MaxTokens))
	}
	if c := r.Cache; c != nil {
		for _, t := range []struct {
			name string
			size cacheSize
		}{{"float32", c.Float32}, {"bfloat16", c.BFloat16}} {
			add("cache, "+t.name, fmt.Sprintf("%s a token, %s for %d tokens", bytesOf(int64(t.size.Token)),
				bytesOf(int64(t.size.Context)), c.Context))
		}
	}
	if v := r.Vectors; v != nil {
		add("vectors", fmt.Sprintf("%d numbers, compared by %s", v.Dimensions, v.Similarity))
		var prompts []string
		for _, name := range slices.Sorted(maps.Keys(v.Prompts)) {
			if v.Prompts[name] == "" {
				continue
			}
			prompt := fmt.Sprintf("%s %q", name, v.Prompts[name])
			if name == v.DefaultPrompt {
				prompt += " (default)"
			}
			prompts = append(prompts, prompt)
		}
		add("prompts", strings.Join(prompts, ", "))
	}
	license := r.Card.License
	if r.Card.LicenseName != "" {
		license += " (" + r.Card.LicenseName + ")"
	}
	if license == "" {
		license = "not stated"
	}
	if r.Card.LicenseLink != "" {
		license += ", " + r.Card.LicenseLink
	}
	add("licence", license)
	add("languages", strings.Join(r.Card.Languages, ", "))
	add("task", r.Card.Task)
	add("base model", strings.Join(r.Card.BaseModels, ", "))
	for _, s := range r.Card.Limits {
		add(strings.ToLower(s.Heading), shorten(s.Text, 300))
	}
	add("model card", r.CardError)
	io.table("ll", rows)

	fmt.Fprintf(io.out, "\nconfig.json\n")
	var config map[string]json.RawMessage
	if json.Unmarshal(r.Config, &config) == nil {
		rows = nil
		for _, key := range slices.Sorted(maps.Keys(config)) {
			var b bytes.Buffer
			if json.Compact(&b, config[key]) == nil {
				rows = append(rows, []string{"  " + key, shorten(b.String(), 100)})
			}
		}
		io.table("ll", rows)
	}

	fmt.Fprintf(io.out, "\ntensors\n")
	rows = nil
	for _, g := range group(r.Tensors, all) {
		rows = append(rows, []string{"  " + g.Name, g.DType, fmt.Sprint(g.Shape)})
	}
	io.table("lll", rows)
}

var number = regexp.MustCompile(`\b[0-9]+\b`)

// group joins tensors whose names differ in their first number only, layers of a model, into one line. With all it does not.
func group(tensors []tensorInfo, all bool) []tensorInfo {
	if all {
		return tensors
	}
	type key struct{ before, after, dtype, shape string }
	var order []key
	layers := map[key][]int{}
	for _, t := range tensors {
		k := key{before: t.Name, dtype: t.DType, shape: fmt.Sprint(t.Shape)}
		n := -1
		if at := number.FindStringIndex(t.Name); at != nil {
			if v, err := strconv.Atoi(t.Name[at[0]:at[1]]); err == nil {
				n, k.before, k.after = v, t.Name[:at[0]], t.Name[at[1]:]
			}
		}
		if layers[k] == nil {
			order = append(order, k)
		}
		layers[k] = append(layers[k], n)
	}
	var out []tensorInfo
	at := map[string]tensorInfo{}
	for _, t := range tensors {
		at[t.Name] = t
	}
	for _, k := range order {
		ns := layers[k]
		slices.Sort(ns)
		first := k.before + k.after
		if ns[0] >= 0 {
			first = k.before + strconv.Itoa(ns[0]) + k.after
		}
		t, ok := at[first]
		if !ok { // a number with leading zeros
			for _, t = range tensors {
				if strings.HasPrefix(t.Name, k.before) && strings.HasSuffix(t.Name, k.after) {
					break
				}
			}
		}
		if len(ns) > 1 {
			t.Name = k.before + "{" + ranges(ns) + "}" + k.after
		}
		out = append(out, t)
	}
	return out
}

// ranges writes ascending numbers as 0-3,5.
func ranges(ns []int) string {
	var b strings.Builder
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(ns[i]))
		if j > i {
			b.WriteString("-" + strconv.Itoa(ns[j]))
		}
		i = j + 1
	}
	return b.String()
}

// thousands writes n with separators.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// bytesOf writes a size.
func bytesOf(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}

// shorten cuts a text to n characters.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimRight(string(r[:n-1]), " ") + "\u2026"
}
