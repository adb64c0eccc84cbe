package tokenizer

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestConcurrent tokenizes from several goroutines at once by one tokenizer.
func TestConcurrent(t *testing.T) {
	texts := []string{"The quick brown fox", "中文分词", strings.Repeat("unbelievable ", 50), "a\u0301 café", ""}
	for _, name := range []string{"bpe-gpt2", "bpe-llama2", "unigram-xlmr"} {
		tok, err := Parse(readMaybeGzip(t, filepath.Join("testdata", "files", name, "tokenizer.json")))
		if err != nil {
			t.Fatal(err)
		}
		want := make([][]int32, len(texts))
		decoded := make([]string, len(texts))
		for i, s := range texts {
			if want[i], err = tok.AppendIDs(nil, s, 0); err != nil {
				t.Fatal(err)
			}
			if decoded[i], err = tok.Decode(want[i], true); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for n := range 10 * len(texts) {
					i := n % len(texts)
					ids, err := tok.AppendIDs(nil, texts[i], 0)
					if err != nil || !slices.Equal(ids, want[i]) {
						t.Errorf("%s: text %d: %v, %v", name, i, ids, err)
						return
					}
					e, err := tok.Encode(texts[i], Options{})
					if err != nil || !slices.Equal(e.IDs, want[i]) {
						t.Errorf("%s: text %d: encoded %v, %v", name, i, e, err)
						return
					}
					if s, err := tok.Decode(ids, true); err != nil || s != decoded[i] {
						t.Errorf("%s: text %d: decoded %q, %v", name, i, s, err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}
