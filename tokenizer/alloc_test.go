package tokenizer

import (
	"strings"
	"testing"
)

// The path to ids allocates nothing in steady state, whatever the script.
func TestAppendIDsAllocs(t *testing.T) {
	tok := benchTokenizer(t)
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
