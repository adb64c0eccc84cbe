package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"

	"github.com/godwit-ml/godwit/internal/files"
)

// MaxFileLen is the size of the largest file that is read, in bytes.
const MaxFileLen = 256 << 20

// Load reads the tokenizer of a model folder: tokenizer.json, or else vocab.json and merges.txt (byte-level BPE), or else
// vocab.txt (a BERT vocabulary, one token a line), with what tokenizer_config.json says.
func Load(fsys fs.FS) (*Tokenizer, error) {
	data, err := readFile(fsys, "tokenizer.json")
	if err == nil {
		t, err := Parse(data)
		if err != nil {
			return nil, errors.New("tokenizer: tokenizer.json: " + strings.TrimPrefix(err.Error(), "tokenizer: "))
		}
		return t, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	vocab, err := readFile(fsys, "vocab.json")
	if err == nil {
		return loadBPE(fsys, vocab)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	words, err := readFile(fsys, "vocab.txt")
	if errors.Is(err, fs.ErrNotExist) {
		if err := files.Folder(fsys); err != nil {
			return nil, fmt.Errorf("tokenizer: %w", err)
		}
		return nil, files.NotExist("tokenizer: the folder has no tokenizer.json, no vocab.txt, and no vocab.json with merges.txt; " +
			"download what the model's page has of them")
	}
	if err != nil {
		return nil, err
	}
	config, err := readFile(fsys, "tokenizer_config.json")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return ParseVocab(words, config)
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	text, err := files.Read(fsys, name, MaxFileLen)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return text, nil
}

// Parse reads the contents of a tokenizer.json.
func Parse(data []byte) (*Tokenizer, error) {
	root := node{raw: bytes.TrimPrefix(data, []byte("\uFEFF"))}
	fields, err := root.fields()
	if err != nil {
		return nil, err
	}
	if v, ok := fields["version"]; ok {
		var version string
		if err := v.decode(&version); err != nil {
			return nil, err
		}
		if version != "1.0" {
			return nil, v.errorf("version %q is not supported, only 1.0", version)
		}
	}
	t, b := new(Tokenizer), new(builder)
	m, ok := fields["model"]
	if !ok || m.null() {
		return nil, root.errorf(`no "model": is this a tokenizer.json?`)
	}
	if t.model, err = buildModel(b, m); err != nil {
		return nil, err
	}
	if n, ok := fields["normalizer"]; ok && !n.null() {
		if t.normalizer, err = buildNormalizer(b, n); err != nil {
			return nil, err
		}
	}
	if n, ok := fields["pre_tokenizer"]; ok && !n.null() {
		if t.preTokenizer, err = buildPreTokenizer(b, n); err != nil {
			return nil, err
		}
	}
	if n, ok := fields["post_processor"]; ok && !n.null() {
		if t.postProcessor, err = buildPostProcessor(b, n); err != nil {
			return nil, err
		}
	}
	if n, ok := fields["decoder"]; ok && !n.null() {
		if t.decoder, err = buildDecoder(b, n); err != nil {
			return nil, err
		}
	}
	var added []AddedToken
	if n, ok := fields["added_tokens"]; ok && !n.null() {
		if err := n.decode(&added); err != nil {
			return nil, err
		}
	}
	if n, ok := fields["truncation"]; ok && !n.null() {
		if t.truncation, err = readTruncation(n); err != nil {
			return nil, err
		}
	}
	if n, ok := fields["padding"]; ok && !n.null() {
		if t.padding, err = readPadding(n); err != nil {
			return nil, err
		}
	}
	if t.added, err = newAddedVocab(added, t.model, t.normalizer); err != nil {
		return nil, err
	}
	t.finish()
	return t, nil
}

// buildModel builds a model; files of early versions lack its type.
func buildModel(b *builder, n node) (model, error) {
	fields, err := n.fields()
	if err != nil {
		return nil, err
	}
	n.kids = fields // the model is nearly all of the file: it is walked once
	if _, ok := fields["type"]; ok {
		return build(b, n, "model", models)
	}
	kind := "WordLevel"
	switch _, prefix := fields["max_input_chars_per_word"]; {
	case prefix:
		kind = "WordPiece"
	case fields["merges"].raw != nil:
		kind = "BPE"
	case fields["unk_id"].raw != nil:
		kind = "Unigram"
	}
	if f := models[kind]; f != nil {
		return f(b, n)
	}
	return nil, n.errorf("model %q is not supported", kind)
}

func readDirection(n node, s string) (Direction, error) {
	switch s {
	case "Left":
		return Left, nil
	case "Right", "":
		return Right, nil
	}
	return 0, n.errorf("direction %q: want Left or Right", s)
}

func readTruncation(n node) (*Truncation, error) {
	var f struct {
		Direction string
		MaxLength int `json:"max_length"`
		Strategy  string
		Stride    int
	}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	strategies := map[string]TruncationStrategy{
		"LongestFirst": LongestFirst, "OnlyFirst": OnlyFirst, "OnlySecond": OnlySecond,
	}
	s, ok := strategies[f.Strategy]
	if !ok {
		return nil, n.errorf("strategy %q: want LongestFirst, OnlyFirst or OnlySecond", f.Strategy)
	}
	if f.MaxLength < 0 || f.Stride < 0 {
		return nil, n.errorf("max_length %d and stride %d: neither may be negative", f.MaxLength, f.Stride)
	}
	dir, err := readDirection(n, f.Direction)
	return &Truncation{f.MaxLength, s, f.Stride, dir}, err
}

func readPadding(n node) (*Padding, error) {
	var f struct {
		Strategy  json.RawMessage
		Direction string
		Multiple  *int   `json:"pad_to_multiple_of"`
		ID        int32  `json:"pad_id"`
		TypeID    int32  `json:"pad_type_id"`
		Token     string `json:"pad_token"`
	}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	dir, err := readDirection(n, f.Direction)
	if err != nil {
		return nil, err
	}
	p := &Padding{ID: f.ID, TypeID: f.TypeID, Token: f.Token, Direction: dir}
	if f.Multiple != nil {
		p.MultipleOf = *f.Multiple
	}
	var fixed struct{ Fixed *int }
	switch {
	case string(f.Strategy) == `"BatchLongest"`:
	case json.Unmarshal(f.Strategy, &fixed) == nil && fixed.Fixed != nil:
		p.Length, p.Fixed = *fixed.Fixed, true
	default:
		return nil, n.errorf(`strategy %s: want "BatchLongest" or {"Fixed": length}`, f.Strategy)
	}
	if p.Length < 0 || p.MultipleOf < 0 || p.Length > math.MaxInt32 {
		return nil, n.errorf("a length of %d and a multiple of %d: want whole numbers", p.Length, p.MultipleOf)
	}
	return p, nil
}

// ParseVocab makes the tokenizer of a BERT model from its vocab.txt. config is the contents of tokenizer_config.json,
// or nil; of it do_lower_case (true when absent), strip_accents, tokenize_chinese_chars and the names of the special
// tokens count.
func ParseVocab(words, config []byte) (*Tokenizer, error) {
	c := struct {
		Lower   *bool           `json:"do_lower_case"`
		Strip   *bool           `json:"strip_accents"`
		Chinese *bool           `json:"tokenize_chinese_chars"`
		Unk     json.RawMessage `json:"unk_token"`
		Sep     json.RawMessage `json:"sep_token"`
		Cls     json.RawMessage `json:"cls_token"`
		Pad     json.RawMessage `json:"pad_token"`
		Mask    json.RawMessage `json:"mask_token"`
	}{}
	if len(config) > 0 {
		if err := json.Unmarshal(config, &c); err != nil {
			return nil, fmt.Errorf("tokenizer: tokenizer_config.json: %s", files.JSONCause(err))
		}
	}
	var tokens []string
	var ids []int32
	for line := range bytes.Lines(words) {
		tokens = append(tokens, string(bytes.TrimRightFunc(line, isSpace)))
		ids = append(ids, int32(len(ids)))
	}
	if len(tokens) == 0 {
		return nil, errors.New("tokenizer: vocab.txt is empty: download it again")
	}
	norm := &bertNormalizer{clean: true, chinese: true, lower: true}
	if c.Lower != nil {
		norm.lower = *c.Lower
	}
	norm.strip = norm.lower
	if c.Strip != nil {
		norm.strip = *c.Strip
	}
	if c.Chinese != nil {
		norm.chinese = *c.Chinese
	}
	m := &wordPiece{vocab: newVocab(tokens, ids), prefix: "##", maxChars: 100}
	name := func(raw json.RawMessage, name string) string {
		var tok struct{ Content string }
		if json.Unmarshal(raw, &name) != nil && json.Unmarshal(raw, &tok) == nil && tok.Content != "" {
			return tok.Content
		}
		return name
	}
	m.unkText = name(c.Unk, "[UNK]")
	m.init()
	special := func(s string) (namedID, error) {
		id, ok := m.tokenToID(s)
		if !ok {
			return namedID{}, fmt.Errorf("tokenizer: vocab.txt lacks the special token %s: is it a BERT vocabulary?", s)
		}
		return namedID{s, id}, nil
	}
	cls, err := special(name(c.Cls, "[CLS]"))
	if err != nil {
		return nil, err
	}
	sep, err := special(name(c.Sep, "[SEP]"))
	if err != nil {
		return nil, err
	}
	pre, _ := newBertPreTokenizer(nil, node{})
	t := &Tokenizer{
		normalizer: norm, preTokenizer: pre, model: m, postProcessor: bertProcessing{cls, sep},
		decoder: wordPieceDecoder{"##", true},
	}
	var added []AddedToken
	for _, s := range []string{name(c.Pad, "[PAD]"), m.unkText, cls.token, sep.token, name(c.Mask, "[MASK]")} {
		if _, ok := m.tokenToID(s); ok {
			added = append(added, AddedToken{Content: s, Special: true})
		}
	}
	if t.added, err = newAddedVocab(added, m, norm); err != nil {
		return nil, err
	}
	t.finish()
	return t, nil
}
