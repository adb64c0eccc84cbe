package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/godwit-ml/godwit/internal/files"
)

// bpeFamily is what the tokenizer of a kind of model is, beside its vocabulary: components as tokenizer.json has them,
// and the names of its special tokens where no file says otherwise.
type bpeFamily struct {
	normalizer, preTokenizer string
	suffix                   string
	names                    map[string]string
	// frame makes the post-processor of the tokens' names and of what their ids are.
	frame func(c *bpeConfig, name func(string) namedID) postProcessor
}

const (
	levelDecoder = `{"type":"ByteLevel"}`
	plainLevel   = `{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}`
	endOfText    = "<|endoftext|>"
)

// splitBy is the pre-tokenizer that splits by a pattern and then writes bytes.
func splitBy(pattern string, invert bool, level string) string {
	how := "Isolated"
	if invert {
		how = "Removed"
	}
	source, _ := json.Marshal(pattern) // a string has a writing
	return fmt.Sprintf(`{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":%s},"behavior":%q,"invert":%v},%s]}`,
		source, how, invert, level)
}

var bpeFamilies = map[string]*bpeFamily{
	"gpt2": {
		names: map[string]string{"bos_token": endOfText, "eos_token": endOfText, "unk_token": endOfText}, frame: framePlain,
	},
	"qwen2": {
		normalizer:   `{"type":"NFC"}`,
		preTokenizer: splitBy(`(?i:'s|'t|'re|'ve|'m|'ll|'d)`+cl100kWord+`\p{N}`+cl100kRest, false, plainLevel),
		names:        map[string]string{"eos_token": endOfText, "pad_token": endOfText}, frame: framePlain,
	},
	"roberta": {
		names: map[string]string{"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>",
			"mask_token": "<mask>", "cls_token": "<s>", "sep_token": "</s>"},
		frame: func(c *bpeConfig, name func(string) namedID) postProcessor {
			return robertaProcessing{name("cls_token"), name("sep_token"), true, c.Prefix}
		},
	},
	"clip": {
		normalizer: `{"type":"Sequence","normalizers":[{"type":"NFC"},` +
			`{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Lowercase"}]}`,
		preTokenizer: splitBy(clipSource, true, `{"type":"ByteLevel","add_prefix_space":false}`), suffix: "</w>",
		names: map[string]string{"bos_token": "<|startoftext|>", "eos_token": endOfText, "unk_token": endOfText,
			"pad_token": endOfText},
		frame: func(_ *bpeConfig, name func(string) namedID) postProcessor {
			return robertaProcessing{name("bos_token"), name("eos_token"), false, false}
		},
	},
	"whisper": {
		names: map[string]string{"bos_token": endOfText, "eos_token": endOfText, "unk_token": endOfText},
		frame: func(c *bpeConfig, name func(string) namedID) postProcessor {
			before := []namedID{name("<|startoftranscript|>"), name("<|notimestamps|>")}
			return frameTemplate(before, []namedID{name("eos_token")}, false)
		},
	},
}

// bpeClasses has the family of each class of transformers (without Fast) and of each model_type.
var bpeClasses = map[string]string{
	"GPT2Tokenizer": "gpt2", "CodeGenTokenizer": "gpt2", "GPTNeoXTokenizer": "gpt2", "gpt2": "gpt2", "gpt_neo": "gpt2",
	"gptj": "gpt2", "gpt_neox": "gpt2", "opt": "gpt2", "phi": "gpt2", "codegen": "gpt2", "gpt_bigcode": "gpt2", "starcoder2": "gpt2",
	"Qwen2Tokenizer": "qwen2", "qwen2": "qwen2", "qwen3": "qwen2", "qwen2_moe": "qwen2", "qwen3_moe": "qwen2",
	"RobertaTokenizer": "roberta", "BartTokenizer": "roberta", "LongformerTokenizer": "roberta", "LEDTokenizer": "roberta",
	"MvpTokenizer": "roberta", "roberta": "roberta", "bart": "roberta", "longformer": "roberta", "led": "roberta", "mvp": "roberta",
	"CLIPTokenizer": "clip", "clip": "clip", "clip_text_model": "clip", "WhisperTokenizer": "whisper", "whisper": "whisper",
}

// framePlain adds a first and a last token where tokenizer_config.json asks for them.
func framePlain(c *bpeConfig, name func(string) namedID) postProcessor {
	var before, after []namedID
	if c.AddBOS {
		before = append(before, name("bos_token"))
	}
	if c.AddEOS {
		after = append(after, name("eos_token"))
	}
	return frameTemplate(before, after, true)
}

// frameTemplate is before A after, and for a pair before A after before B after or, without each, before A B after.
func frameTemplate(before, after []namedID, each bool) postProcessor {
	t := templateProcessing{}
	put := func(list *[]templatePiece, typeID int32, tokens []namedID) {
		for _, tok := range tokens {
			*list = append(*list, templatePiece{-1, typeID, []namedID{tok}})
		}
	}
	put(&t.single, 0, before)
	t.single = append(t.single, templatePiece{0, 0, nil})
	put(&t.pair, 0, before)
	t.pair = append(t.pair, templatePiece{0, 0, nil})
	put(&t.single, 0, after)
	if each {
		put(&t.pair, 0, after)
		put(&t.pair, 1, before)
	}
	t.pair = append(t.pair, templatePiece{1, 1, nil})
	put(&t.pair, 1, after)
	return t
}

// bpeConfig is what counts of tokenizer_config.json and special_tokens_map.json.
type bpeConfig struct {
	Class  string                `json:"tokenizer_class"`
	Prefix bool                  `json:"add_prefix_space"`
	AddBOS bool                  `json:"add_bos_token"`
	AddEOS bool                  `json:"add_eos_token"`
	Added  map[string]AddedToken `json:"added_tokens_decoder"`
	named  map[string]AddedToken
	more   []AddedToken
}

var tokenNames = []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

// read takes the settings and the names of special tokens from a file's contents.
func (c *bpeConfig) read(file string, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	var fields map[string]json.RawMessage
	err := json.Unmarshal(data, &fields)
	if err == nil {
		err = json.Unmarshal(data, c)
	}
	if err != nil {
		return fmt.Errorf("tokenizer: %s: %s", file, files.JSONCause(err))
	}
	for _, name := range tokenNames {
		if tok, ok := specialToken(fields[name]); ok {
			c.named[name] = tok
		}
	}
	var list []json.RawMessage
	if json.Unmarshal(fields["additional_special_tokens"], &list) == nil {
		for _, raw := range list {
			if tok, ok := specialToken(raw); ok {
				c.more = append(c.more, tok)
			}
		}
	}
	return nil
}

// specialToken reads "<s>" or {"content": "<s>", ...}.
func specialToken(raw json.RawMessage) (AddedToken, bool) {
	var tok AddedToken
	if json.Unmarshal(raw, &tok.Content) != nil && json.Unmarshal(raw, &tok) != nil {
		return tok, false
	}
	tok.Special = true
	return tok, tok.Content != ""
}

// loadBPE reads vocab.json and merges.txt, the files of byte-level BPE models without a tokenizer.json. What kind of
// model it is says tokenizer_config.json or config.json, else the vocabulary.
func loadBPE(fsys fs.FS, vocabJSON []byte) (*Tokenizer, error) {
	merges, err := readFile(fsys, "merges.txt")
	if err != nil {
		return nil, err
	}
	optional := map[string][]byte{"tokenizer_config.json": nil, "special_tokens_map.json": nil, "added_tokens.json": nil,
		"config.json": nil}
	for name := range optional {
		if optional[name], err = readFile(fsys, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	c := &bpeConfig{named: make(map[string]AddedToken)}
	for _, name := range []string{"special_tokens_map.json", "tokenizer_config.json"} {
		if err := c.read(name, optional[name]); err != nil {
			return nil, err
		}
	}
	m := &bpe{unk: -1}
	if m.vocab, err = parseVocab(node{raw: vocabJSON, path: "vocab.json"}); err != nil {
		return nil, err
	}
	f, err := c.family(m, optional["config.json"])
	if err != nil {
		return nil, err
	}
	m.suffix = f.suffix
	if err := m.readMerges(merges); err != nil {
		return nil, err
	}
	m.init()
	for name, content := range f.names {
		if _, ok := c.named[name]; !ok {
			c.named[name] = AddedToken{Content: content, Special: true}
		}
	}
	if tok := c.named["unk_token"]; f.suffix != "" {
		m.hasUnk, m.unk = true, m.entry(tok.Content)
	}
	return c.assemble(f, m, optional["added_tokens.json"])
}

// readMerges reads merges.txt, a pair of tokens a line.
func (m *bpe) readMerges(text []byte) error {
	adder := m.newMergeAdder(bytes.Count(text, []byte("\n")) + 1)
	at := 0
	for line := range strings.Lines(string(text)) {
		at++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#version") {
			continue
		}
		a, b, ok := strings.Cut(line, " ")
		if !ok || strings.IndexByte(b, ' ') >= 0 {
			return fmt.Errorf("tokenizer: merges.txt, line %d: want two tokens with a space between them, have %s", at, quote(line))
		}
		if wrong := adder.add(a, b); wrong != "" {
			return fmt.Errorf("tokenizer: merges.txt, line %d: %s", at, wrong)
		}
	}
	return nil
}

// family finds what kind of model it is.
func (c *bpeConfig) family(m *bpe, config []byte) (*bpeFamily, error) {
	var model struct {
		Type string `json:"model_type"`
	}
	if len(config) > 0 {
		if err := json.Unmarshal(config, &model); err != nil {
			return nil, fmt.Errorf("tokenizer: config.json: %s", files.JSONCause(err))
		}
	}
	for _, class := range []string{strings.TrimSuffix(c.Class, "Fast"), model.Type} {
		if f := bpeFamilies[bpeClasses[class]]; f != nil {
			return f, nil
		}
	}
	has := func(token string) bool { return m.entry(token) >= 0 }
	switch {
	case has("a</w>") && has("<|startoftext|>"):
		return bpeFamilies["clip"], nil
	case has("<s>") && has("</s>"):
		return bpeFamilies["roberta"], nil
	case !has("Ġ"):
		return nil, errors.New("tokenizer: vocab.json is not of byte-level BPE (it lacks the token Ġ):" +
			" such a model needs its tokenizer.json")
	}
	return bpeFamilies["gpt2"], nil
}

// assemble puts the pipeline together.
func (c *bpeConfig) assemble(f *bpeFamily, m *bpe, addedJSON []byte) (*Tokenizer, error) {
	t, b := &Tokenizer{model: m}, new(builder)
	pre := f.preTokenizer
	if pre == "" {
		pre = fmt.Sprintf(`{"type":"ByteLevel","add_prefix_space":%v}`, c.Prefix)
	}
	var err error
	if f.normalizer != "" {
		if t.normalizer, err = buildNormalizer(b, node{raw: []byte(f.normalizer)}); err != nil {
			return nil, err
		}
	}
	if t.preTokenizer, err = buildPreTokenizer(b, node{raw: []byte(pre)}); err != nil {
		return nil, err
	}
	if t.decoder, err = buildDecoder(b, node{raw: []byte(levelDecoder)}); err != nil {
		return nil, err
	}
	added, err := c.addedTokens(addedJSON)
	if err != nil {
		return nil, err
	}
	if t.added, err = newAddedVocab(added, m, t.normalizer); err != nil {
		return nil, err
	}
	missing := ""
	t.postProcessor = f.frame(c, func(name string) namedID {
		if tok, ok := c.named[name]; ok {
			name = tok.Content
		}
		id, ok := t.TokenToID(name)
		if !ok {
			missing = name
		}
		return namedID{name, id}
	})
	if missing != "" {
		return nil, fmt.Errorf("tokenizer: vocab.json and the added tokens lack the special token %s", quote(missing))
	}
	t.finish()
	return t, nil
}

// addedTokens lists the added tokens in the order of their ids, then the named ones that are not among them.
func (c *bpeConfig) addedTokens(addedJSON []byte) ([]AddedToken, error) {
	byID := make(map[int]AddedToken)
	if len(addedJSON) > 0 {
		var ids map[string]int
		if err := json.Unmarshal(addedJSON, &ids); err != nil {
			return nil, fmt.Errorf("tokenizer: added_tokens.json: %w", err)
		}
		for content, id := range ids {
			byID[id] = AddedToken{Content: content, Normalized: true}
		}
	}
	for key, tok := range c.Added {
		id, err := strconv.Atoi(key)
		if err != nil {
			return nil, fmt.Errorf("tokenizer: tokenizer_config.json: added_tokens_decoder: %s is not an id", quote(key))
		}
		byID[id] = tok
	}
	var list []AddedToken
	known := make(map[string]bool)
	special := slices.Clone(c.more)
	for _, name := range tokenNames {
		if tok, ok := c.named[name]; ok {
			special = append(special, tok)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		tok := byID[id]
		if i := slices.IndexFunc(special, func(s AddedToken) bool { return s.Content == tok.Content }); i >= 0 && !tok.Special {
			tok = special[i]
		}
		known[tok.Content] = true
		list = append(list, tok)
	}
	for _, tok := range special {
		if !known[tok.Content] {
			known[tok.Content] = true
			list = append(list, tok)
		}
	}
	return list, nil
}
