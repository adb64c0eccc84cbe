package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// bpeFiles writes the vocabulary of a tokenizer.json as vocab.json and merges.txt.
func bpeFiles(t *testing.T, data []byte, config string) fstest.MapFS {
	t.Helper()
	var f struct {
		Model struct {
			Vocab  json.RawMessage
			Merges []json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	var merges strings.Builder
	merges.WriteString("#version: 0.2\n")
	for _, raw := range f.Model.Merges {
		var pair []string
		var s string
		if json.Unmarshal(raw, &pair) == nil {
			s = strings.Join(pair, " ")
		} else if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		merges.WriteString(s + "\n")
	}
	return fstest.MapFS{"vocab.json": {Data: f.Model.Vocab}, "merges.txt": {Data: []byte(merges.String())},
		"tokenizer_config.json": {Data: []byte(config)}}
}

// vocab.json and merges.txt give the tokenizer that tokenizer.json describes.
func TestLoadMerges(t *testing.T) {
	type set struct{ path, config string }
	gpt2 := `{"tokenizer_class": "GPT2Tokenizer"}`
	roberta := `{"tokenizer_class": "RobertaTokenizerFast", "add_prefix_space": true,
		"mask_token": {"content": "<mask>", "lstrip": false}}`
	sets := []set{{"testdata/files/bpe-gpt2", gpt2}, {"testdata/files/bpe-roberta", roberta}}
	if dir := os.Getenv("GODWIT_GOLDEN"); dir != "" {
		dir = filepath.Join(dir, "tokenizers", "files")
		qwen, err := os.ReadFile(filepath.Join(dir, "qwen3", "tokenizer_config.json"))
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, set{filepath.Join(dir, "gpt2"), `{}`}, set{filepath.Join(dir, "qwen3"), string(qwen)},
			set{filepath.Join(dir, "clip"), ``}, set{filepath.Join(dir, "roberta-trim-prefix"), strings.Replace(roberta, "false", "true", 1)})
	}
	for _, s := range sets {
		data := readMaybeGzip(t, filepath.Join(s.path, "tokenizer.json"))
		want, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Load(bpeFiles(t, data, s.config))
		if err != nil {
			t.Fatal(s.path, err)
		}
		for _, text := range []string{"", "Hello, wörld! 12345 I'LL  go\n\n 中文 <mask> x", " <|endoftext|> a <s>b</s><pad>", "\x00 e\u0301"} {
			a, err := want.Encode(text, Options{})
			b, err2 := got.Encode(text, Options{})
			if err != nil || err2 != nil || !slices.Equal(a.IDs, b.IDs) || !slices.Equal(a.Offsets, b.Offsets) {
				t.Errorf("%s: %q: got %v %v %v, want %v %v %v", s.path, text, b.IDs, b.Offsets, err2, a.IDs, a.Offsets, err)
			}
			c, err := want.Decode(a.IDs, true)
			d, err2 := got.Decode(a.IDs, true)
			if c != d || err != nil || err2 != nil {
				t.Errorf("%s: %q, %v, want %q, %v", s.path, d, err2, c, err)
			}
		}
	}
}

// Files that ask for first and last tokens have them, in a pair around each text.
func TestLoadMergesFrames(t *testing.T) {
	data := readMaybeGzip(t, "testdata/files/bpe-gpt2/tokenizer.json")
	fsys := bpeFiles(t, data, `{"add_bos_token": true, "add_eos_token": true, "bos_token": "<b>", "eos_token": "<e>"}`)
	fsys["config.json"] = &fstest.MapFile{Data: []byte(`{"model_type": "gpt2"}`)}
	fsys["added_tokens.json"] = &fstest.MapFile{Data: []byte(`{"<more>": 9, "<b>": 8}`)}
	fsys["special_tokens_map.json"] = &fstest.MapFile{Data: []byte(`{"additional_special_tokens": ["<x>", {"content": "<y>"}]}`)}
	tok, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	e, err := tok.EncodePair("a<more>", "b<x><y>", Options{})
	if want := []string{"<b>", "a", "<more>", "<e>", "<b>", "b", "<x>", "<y>", "<e>"}; err != nil || !slices.Equal(e.Tokens, want) ||
		fmt.Sprint(e.TypeIDs) != "[0 0 0 0 1 1 1 1 1]" {
		t.Errorf("%q %v, %v", e.Tokens, e.TypeIDs, err)
	}
	delete(fsys, "config.json")
	fsys["tokenizer_config.json"].Data = []byte(`{"tokenizer_class": "WhisperTokenizer"}`)
	if _, err = Load(fsys); err == nil || !strings.Contains(err.Error(), `lack the special token`) {
		t.Error(err)
	}
	fsys["added_tokens.json"].Data = []byte(`{"<|startoftranscript|>": 1, "<|notimestamps|>": 2}`)
	if tok, err = Load(fsys); err != nil {
		t.Fatal(err)
	}
	e, err = tok.Encode("a", Options{})
	if want := []string{"<|startoftranscript|>", "<|notimestamps|>", "a", "<|endoftext|>"}; err != nil || !slices.Equal(e.Tokens, want) {
		t.Errorf("%q, %v", e.Tokens, err)
	}
}

func TestLoadMergesErrors(t *testing.T) {
	for _, c := range []struct{ vocab, merges, config, want string }{
		{`{"a":0,"b":1}`, "", `{}`, `vocab.json is not of byte-level BPE (it lacks the token Ġ)`},
		{`[`, "", ``, `tokenizer: vocab.json (byte 0): want an object`},
		{`{"Ġ":0,"b":1}`, "Ġ b", ``, `merges.txt, line 1: token "Ġb" is not in the vocabulary`},
		{`{"Ġ":0,"b":1}`, "#version: 0.2\n\nĠ  b", ``, `merges.txt, line 3: want two tokens with a space between them, have "Ġ  b"`},
		{`{"Ġ":0,"b":1}`, "Ġ", ``, `merges.txt, line 1: want two tokens`},
		{`{"Ġ":0,"b":1}`, "", `[]`, `tokenizer: tokenizer_config.json: it is a JSON array`},
		{`{"Ġ":0}`, "", `{"added_tokens_decoder": {"x": {"content": "y"}}}`, `added_tokens_decoder: "x" is not an id`},
	} {
		fsys := fstest.MapFS{"vocab.json": {Data: []byte(c.vocab)}, "merges.txt": {Data: []byte(c.merges)},
			"tokenizer_config.json": {Data: []byte(c.config)}}
		_, err := Load(fsys)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "tokenizer: ") {
			t.Errorf("%s: %v, want %q", c.vocab, err, c.want)
		}
	}
	if _, err := Load(fstest.MapFS{"vocab.json": {Data: []byte(`{}`)}}); err == nil || !strings.Contains(err.Error(), "merges.txt") {
		t.Error(err)
	}
}

// TestDroppedBeforeMark: where a vocabulary has no unknown token, what is before a dropped character is joined with a mark after it.
// Ids and offsets are those of the Rust library.
func TestDroppedBeforeMark(t *testing.T) {
	for _, c := range []struct{ unk, vocab, text, want string }{
		{`null`, ``, "baé▁a▁", "[3 2 2] [0 1 1 4 3 6]"},
		{`null`, ``, "aßé▁b", "[2 3] [0 3 2 3]"},
		{`"<unk>"`, `, "<unk>": 4`, "baé▁a▁", "[3 0 4 1 2] [0 1 1 2 2 3 3 4 4 6]"},
		{`null`, `, "<0xC3>": 4, "<0xA9>": 5`, "baé▁a▁", "[3 0 4 5 1 2] [0 1 1 2 2 3 2 3 3 4 4 6]"},
		{`null`, `, "<0xC3>": 4, "<0xA9>": 5`, "aß▁", "[2] [0 3]"},
	} {
		tok, err := Parse(fmt.Appendf(nil, `{"version": "1.0", "model": {"type": "BPE", "unk_token": %s, "byte_fallback": %t,
			"vocab": {"a": 0, "▁": 1, "a▁": 2, "b": 3%s}, "merges": [["a", "▁"]]}}`, c.unk, strings.Contains(c.vocab, "<0x"), c.vocab))
		if err != nil {
			t.Fatal(err)
		}
		e, err := tok.Encode(c.text, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var spans []int
		for _, o := range e.CharOffsets {
			spans = append(spans, o.Start, o.End)
		}
		if got := fmt.Sprint(e.IDs, spans); got != c.want {
			t.Errorf("%s, %q: got %s, want %s", c.unk, c.text, got, c.want)
		}
	}
}
