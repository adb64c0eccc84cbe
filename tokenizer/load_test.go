package tokenizer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// Every broken file has an error that says what is wrong and where.
func TestParseErrors(t *testing.T) {
	const m = `"model":{"type":"WordLevel","unk_token":"u","vocab":{"u":0}}`
	for _, c := range []struct{ in, want string }{
		{``, `the file (byte 0): want an object {...}, have ""`},
		{`[]`, `want an object {...}, have "[]"`},
		{`{}`, `no "model": is this a tokenizer.json?`},
		{`{"model":null}`, `no "model"`},
		{`{"model":{"type":"WordLevel","vocab":{"u":0`, `the file ends in the middle of a value`},
		{`{` + m, `want ',' or '}'`},
		{`{` + m + `} x`, `want the end`},
		{`{"version":"2.0",` + m + `}`, `version (byte 11): version "2.0" is not supported, only 1.0`},
		{`{"model":{"type":"Trigram","vocab":{}}}`,
			`model.type (byte 17): model "Trigram" is not supported; supported are BPE, Unigram, WordLevel, WordPiece`},
		{`{"model":{"type":"BPE","merges":[]}}`, `model (byte 9): a BPE model without "vocab"`},
		{`{"model":{"type":"BPE","vocab":{"a":0}}}`, `a BPE model without "merges"`},
		{`{"model":{"vocab":{"a":0},"merges":{}}}`, `model.merges (byte 35): want an array [...], have "{}"`},
		{bpeWith(`"a b"`, ``), `model.merges (byte 67): merge 1: token "b" is not in the vocabulary`},
		{bpeWith(`"a a","c a"`, ``), `merge 2: token "c" is not in the vocabulary`},
		{bpeWith(`["a","aa"]`, ``), `merge 1: token "aaa" is not in the vocabulary`},
		{bpeWith(`"a"`, ``), `merge 1: want two tokens with a space between them, have "\"a\""`},
		{bpeWith(`"a a a"`, ``), `merge 1: want two tokens with a space`},
		{bpeWith(`["a","a","a"]`, ``), `merge 1: want a pair of tokens, have`},
		{bpeWith(`["a"]`, ``), `merge 1: want a pair of tokens`},
		{bpeWith(`["a",1]`, ``), `want a string`},
		{bpeWith(`7`, ``), `want a string`},
		{bpeWith(`["a","a"]`, `"continuing_subword_prefix":"##",`), `"a" is shorter than continuing_subword_prefix`},
		{bpeWith(``, `"dropout":1.5,`), `model.dropout (byte 33): dropout 1.5: want a number from 0 to 1`},
		{bpeWith(``, `"fuse_unk":7,`), `model.fuse_unk (byte 34): it is a JSON number`},
		{`{"model":{"type":"Unigram","unk_id":0}}`, `a Unigram model without "vocab"`},
		{unigramWith(`"a"`), `model.vocab (byte 47): token 0: want a token and its score, have "\"a\""`},
		{unigramWith(`["u",0],["a"]`), `token 1: want a token and its score, have "[\"a\"]"`},
		{unigramWith(`["u",0],["a","b"]`), `token 1: the score "\"b\"" is not a number`},
		{unigramWith(`["u",1e999]`), `token 0: the score "1e999" is not a number`},
		{unigramWith(`["u",NaN]`), `want a value`},
		{unigramWith(`["u",0,1]`), `token 0: want a token and its score`},
		{unigramWith(``), `model.unk_id (byte 36): unk_id 0: the vocabulary has 0 tokens`},
		{`{"model":{"type":"Unigram","unk_id":-1,"vocab":[["a",0]]}}`, `unk_id -1: want an id of the vocabulary`},
		{charsmapWith(``), `normalizer (byte 75): no "precompiled_charsmap"`},
		{charsmapWith(`AAA`), `precompiled_charsmap: illegal base64 data`},
		{charsmapWith(`AAA=`), `precompiled_charsmap: 2 bytes are too few`},
		{charsmapWith(`AAAAAA==`), `precompiled_charsmap: a trie of 0 bytes in the 0 that are there`},
		{charsmapWith(`BgAAAAAAAAAA`), `precompiled_charsmap: a trie of 6 bytes in the 5 that are there`},
		{charsmapWith(`BAAAAAAAAAD/`), `precompiled_charsmap: the replacements are not valid UTF-8`},
		{charsmapWith(`BAAAAAUAAIBhAA==`), `precompiled_charsmap: unit 0: no replacement begins at byte 5 of 2`},
		{`{` + m + `,"normalizer":{"type":"Prepend"}}`, `no "prepend"`},
		{`{` + m + `,"pre_tokenizer":{"type":"FixedLength","length":0}}`, `length 0: want at least 1`},
		{`{` + m + `,"pre_tokenizer":{"type":"Metaspace","replacement":"ab"}}`, `replacement "ab": want one character`},
		{`{` + m + `,"pre_tokenizer":{"type":"Metaspace","prepend_scheme":"some"}}`, `want always, first or never`},
		{`{` + m + `,"pre_tokenizer":{"type":"Metaspace","prepend_scheme":"first","add_prefix_space":false}}`,
			`they contradict each other`},
		{`{"model":{"type":7}}`, `model.type (byte 17): it is a JSON number`},
		{`{"model":{"type":"WordLevel"}}`, `a WordLevel model without "vocab"`},
		{`{"model":{"type":"WordLevel","vocab":[]}}`, `model.vocab (byte 37): want an object of tokens and ids`},
		{`{"model":{"type":"WordLevel","vocab":{"a":-1}}}`, `model.vocab (byte 42): invalid JSON: want a token's id`},
		{`{"model":{"type":"WordLevel","vocab":{"a":4294967296}}}`, `a whole number below 2147483648`},
		{`{"model":{"type":"WordLevel","vocab":{"a":1.5}}}`, `want ',' or '}'`},
		{`{"model":{"type":"WordLevel","vocab":{"\ud800":1}}}`, `want a whole surrogate pair`},
		{`{"model":{"type":"WordLevel","vocab":{"\q":1}}}`, `want a known escape`},
		{`{` + m + `,"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Nmx"}]}}`,
			`normalizer.normalizers[1].type (byte 132): normalizer "Nmx" is not supported; supported are BertNormalizer`},
		{`{` + m + `,"normalizer":{}}`, `normalizer (byte 75): a normalizer without "type"`},
		{`{` + m + `,"normalizer":` + strings.Repeat(`{"type":"Sequence","normalizers":[`, 20) +
			strings.Repeat(`]}`, 20) + `}`, `Sequences nested deeper than 16`},
		{`{` + m + `,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated"}}`,
			`pre_tokenizer.pattern (byte 104): pattern "(a"`},
		{`{` + m + `,"pre_tokenizer":{"type":"Split","pattern":{},"behavior":"Isolated"}}`, `want {"String": ...} or`},
		{`{` + m + `,"pre_tokenizer":{"type":"Split","pattern":{"String":"a"},"behavior":"Cut"}}`, `behavior "Cut": want`},
		{`{` + m + `,"pre_tokenizer":{"type":"CharDelimiterSplit","delimiter":"ab"}}`, `want one character`},
		{`{` + m + `,"decoder":{"type":"Strip","content":"a","start":-1,"stop":0}}`, `neither may be negative`},
		{`{` + m + `,"post_processor":{"type":"BertProcessing","sep":["s"],"cls":["c",0]}}`,
			`post_processor (byte 79): want a token and its id, ["[SEP]", 102], have "[\"s\"]"`},
		{`{` + m + `,"post_processor":{"type":"RobertaProcessing","cls":["c",0]}}`, `want "cls" and "sep", each a token and its id`},
		{`{` + m + `,"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"c","type_id":0}}],` +
			`"pair":[],"special_tokens":{}}}`, `single[0]: token "c" is not among the special_tokens`},
		{`{` + m + `,"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"B","type_id":0}}],` +
			`"pair":[],"special_tokens":{}}}`, `single[0]: sequence "B" is not there`},
		{`{` + m + `,"truncation":{"max_length":1,"strategy":"Some","stride":0}}`, `strategy "Some": want LongestFirst`},
		{`{` + m + `,"padding":{"strategy":"Some"}}`, `want "BatchLongest" or {"Fixed": length}`},
		{`{` + m + `,"added_tokens":{}}`, `added_tokens (byte 77): it is a JSON object`},
	} {
		_, err := Parse([]byte(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "tokenizer: ") {
			t.Errorf("%.60s: %v, want %q", c.in, err, c.want)
		}
	}
}

// bpeWith is a BPE model of a single token with these merges and further fields.
func bpeWith(merges, fields string) string {
	return `{"model":{"type":"BPE",` + fields + `"vocab":{"u":1,"a":0,"aa":2,"":3},"merges":[` + merges + `]}}`
}

func unigramWith(vocab string) string {
	return `{"model":{"type":"Unigram","unk_id":0,"vocab":[` + vocab + `]}}`
}

func charsmapWith(base64 string) string {
	return `{"model":{"type":"WordLevel","unk_token":"u","vocab":{"u":0}},"normalizer":{"type":"Precompiled",` +
		`"precompiled_charsmap":"` + base64 + `"}}`
}

func TestLoadErrors(t *testing.T) {
	_, err := Load(fstest.MapFS{})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no tokenizer.json, no vocab.txt,") {
		t.Error(err)
	}
	_, err = Load(os.DirFS(filepath.Join(t.TempDir(), "none")))
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "tokenizer: the model's folder: ") {
		t.Error(err)
	}
	_, err = Load(fstest.MapFS{"tokenizer.json/x": {}})
	if err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Error(err)
	}
	_, err = Load(fstest.MapFS{"vocab.txt": {Data: []byte("a\nb\n")}})
	if err == nil || !strings.Contains(err.Error(), "lacks the special token [CLS]") {
		t.Error(err)
	}
	_, err = Load(fstest.MapFS{"vocab.txt": {}})
	if err == nil || !strings.Contains(err.Error(), "vocab.txt is empty") {
		t.Error(err)
	}
}

// A vocabulary alone gives the tokenizer that tokenizer.json describes.
func TestLoadVocab(t *testing.T) {
	full, err := Parse(gunzip(t, "testdata/files/bert-lower/tokenizer.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	var words strings.Builder
	for id := range int32(full.VocabSize()) {
		s, _ := full.IDToToken(id)
		words.WriteString(s + "\r\n")
	}
	for _, lower := range []bool{true, false} {
		config := `{"do_lower_case": true, "cls_token": {"content": "[CLS]", "lstrip": false}}`
		name := "bert-lower"
		if !lower {
			config, name = `{"do_lower_case": false, "strip_accents": null}`, "bert-cased"
		}
		full, err := Parse(gunzip(t, "testdata/files/"+name+"/tokenizer.json.gz"))
		if err != nil {
			t.Fatal(err)
		}
		tok, err := Load(fstest.MapFS{"vocab.txt": {Data: []byte(words.String())},
			"tokenizer_config.json": {Data: []byte(config)}})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"The quick brown FOX [MASK] Straße, café", "日本 12,5!"} {
			a, err := full.AppendIDs(nil, s, 0)
			b, err2 := tok.AppendIDs(nil, s, 0)
			if err != nil || err2 != nil || !slices.Equal(a, b) {
				t.Errorf("%s %q: %v %v, want %v %v", name, s, b, err2, a, err)
			}
		}
	}
}

// The settings of a file are there to be read, and apply only where they are asked for.
func TestStoredSettings(t *testing.T) {
	tok, err := Parse([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if tr := tok.Truncation(); tr == nil || *tr != (Truncation{MaxLength: 8}) {
		t.Errorf("truncation %+v", tr)
	}
	if p := tok.Padding(); p == nil || *p != (Padding{Length: 4, Fixed: true, Token: "[PAD]", Direction: Left}) {
		t.Errorf("padding %+v", p)
	}
	text := strings.Repeat("a ", 20)
	whole, err := tok.Encode(text, Options{})
	if err != nil || whole.Len() < 20 {
		t.Errorf("%d tokens, %v", whole.Len(), err)
	}
	cut, err := tok.Encode(text, Options{Truncation: tok.Truncation(), Padding: tok.Padding()})
	if err != nil || cut.Len() != 8 {
		t.Errorf("%d tokens, %v", cut.Len(), err)
	}
	short, err := tok.Encode("", Options{Padding: tok.Padding()})
	if err != nil || !slices.Equal(short.IDs, []int32{0, 0, 0, 2}) {
		t.Errorf("%v, %v", short.IDs, err)
	}
}

// Invalid UTF-8 is read as U+FFFD, byte by byte, with offsets into the input.
func TestInvalidUTF8(t *testing.T) {
	tok, err := Parse([]byte(`{"model":{"type":"WordLevel","unk_token":"u","vocab":{"u":0,"\ufffd":1,"a":2}},` +
		`"pre_tokenizer":{"type":"Split","pattern":{"Regex":"."},"behavior":"Isolated"}}`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := tok.Encode("a\xff\xe4\xb8a", Options{})
	if err != nil || !slices.Equal(e.IDs, []int32{2, 1, 1, 1, 2}) ||
		!slices.Equal(e.Offsets, []Span{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}}) ||
		!slices.Equal(e.CharOffsets, e.Offsets) {
		t.Errorf("%+v, %v", e, err)
	}
}

// Two long texts that both overflow into small parts would have billions of combinations: that is an error.
func TestOverflowLimit(t *testing.T) {
	tok, err := Parse([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	s := strings.Repeat("a ", 100000)
	_, err = tok.EncodePair(s, s, Options{Truncation: &Truncation{MaxLength: 8}})
	if err == nil || !strings.Contains(err.Error(), "too many combinations") {
		t.Error(err)
	}
}

// A long line without a space takes a time in proportion to its length: this test would not end otherwise.
func TestLongLine(t *testing.T) {
	t.Run("wordpiece", func(t *testing.T) { checkLongLine(t, benchTokenizer(t)) })
	for _, name := range []string{"bpe-gpt2", "bpe-llama3", "bpe-llama2", "bpe-clip", "bpe-fallback-part", "unigram-xlmr"} {
		t.Run(name, func(t *testing.T) {
			tok, err := Parse(readMaybeGzip(t, filepath.Join("testdata", "files", name, "tokenizer.json")))
			if err != nil {
				t.Fatal(err)
			}
			checkLongLine(t, tok)
		})
	}
}

func checkLongLine(t *testing.T, tok *Tokenizer) {
	for _, unit := range []string{"a", "é", "中", "\u0301", ".", "[CLS", "가", " ", "e ", "\n", "1", "the", "'", "▁"} {
		size := 1 << 20
		if testing.Short() {
			size = 1 << 16
		}
		s := strings.Repeat(unit, size/len(unit))
		ids, err := tok.AppendIDs(nil, s, 512)
		if err != nil || len(ids) > 512 {
			t.Errorf("%q: %d ids, %v", unit, len(ids), err)
		}
		if _, err := tok.Encode(s[:size/4/len(unit)*len(unit)], Options{}); err != nil {
			t.Error(err)
		}
	}
}
