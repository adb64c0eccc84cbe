package tokenizer

import (
	"path/filepath"
	"strings"
	"testing"
)

// The path to ids allocates nothing in steady state, whatever the script.
func TestAppendIDsAllocs(t *testing.T) {
	toks := map[string]*Tokenizer{"bench": benchTokenizer(t)}
	for _, name := range []string{"bpe-gpt2", "bpe-roberta", "bpe-llama3", "bpe-llama2", "bpe-clip", "unigram-xlmr"} {
		tok, err := Parse(readMaybeGzip(t, filepath.Join("testdata", "files", name, "tokenizer.json")))
		if err != nil {
			t.Fatal(err)
		}
		toks[name] = tok
	}
	for name, tok := range toks {
		t.Run(name, func(t *testing.T) { checkAllocs(t, tok) })
	}
}

func checkAllocs(t *testing.T, tok *Tokenizer) {
	for _, s := range []string{
		"The quick brown fox jumps over the lazy dog.", "Voilà: un café, l'élève naïf à Noël.", "中文分词,世界和平。",
		"Привет, мир! İstanbul ΣΊΣΥΦΟΣ", "한국어 한국어", "a\u0301\u0323b\x00c \u200b\u3000x", "[CLS] inside [MASK]",
		strings.Repeat("unbelievable ", 200),
	} {
		var ids []int32
		var err error
		run := func() { ids, err = tok.AppendIDs(ids[:0], s, 128) }
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 || err != nil {
			t.Errorf("%.20q: %v allocations, %v", s, n, err)
		}
	}
}

// A stream allocates nothing in steady state, whatever the decoders.
func TestStreamAllocs(t *testing.T) {
	texts := strings.Join([]string{"The quick brown fox didn't jump, did it?", "Voilà: un café à Noël.", "中文分词", "Привет 🙂👍🏽"}, " ")
	for _, name := range []string{"bpe-gpt2", "bpe-llama2", "bpe-llama3", "bpe-metaspace-first", "bpe-prefix", "bpe-suffix",
		"unigram-bytes", "unigram-xlmr", "bert-lower", "wordlevel"} {
		tok, err := Parse(readMaybeGzip(t, filepath.Join("testdata", "files", name, "tokenizer.json")))
		if err != nil {
			t.Fatal(err)
		}
		ids, err := tok.AppendIDs(nil, texts, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := tok.NewStream(true)
		var b []byte
		run := func() {
			b = b[:0]
			for _, id := range ids {
				if b, err = s.Append(b, id); err != nil {
					t.Fatal(err)
				}
			}
			b, err = s.End(b)
		}
		run()
		if n := testing.AllocsPerRun(20, run); n != 0 || err != nil {
			t.Errorf("%s: %v allocations for %d ids, %v", name, n, len(ids), err)
		}
		if want, err := tok.Decode(ids, true); err != nil || string(b) != want {
			t.Errorf("%s: got %q, %v, want %q", name, b, err, want)
		}
	}
}
