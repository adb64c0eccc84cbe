package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// splitAlphabet has characters of each kind that the patterns tell apart, and the parts of contractions.
var splitAlphabet = []string{
	" ", " ", " ", "\n", "\r", "\t", "\u00a0", "\u2028", "\u3000", "\u0085", "'", "'", "’", "s", "S", "ſ", "t", "re", "RE", "ve",
	"m", "ll", "lL", "d", "D", "K", "\u212a", "a", "b", "A", "B", "é", "É", "Σ", "ß", "ǅ", "ʰ", "ª", "中", "文", "가", "\u0301",
	"\u0903", "\u20dd", "1", "2", "٣", "²", "½", "Ⅷ", "一", ".", "!", "/", "//", "<", "<|startoftext|>", "<|endoftext|>", "|",
	"$", "€", "_", "😀", "\u200d", "\u200b", "\ufeff", "\ufffd", "\U0001d400", "\U00010400", "\U0001e900", "\x00", "\U000e0001",
}

func randomText(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(splitAlphabet[r.IntN(len(splitAlphabet))])
	}
	return b.String()
}

// The matchers written by hand cut as the general engine does.
func TestScanners(t *testing.T) {
	check := func(source string, byHand pattern) {
		t.Run(source[:min(len(source), 40)], func(t *testing.T) {
			re, err := compileRegex(source)
			if err != nil {
				t.Fatal(err)
			}
			rounds := 4000
			if testing.Short() {
				rounds = 500
			}
			r := rand.New(rand.NewPCG(1, 2))
			for range rounds {
				s := []byte(randomText(r, 1+r.IntN(14)))
				got, _ := byHand.cuts(s, nil)
				want, err := re.cuts(s, nil)
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("%q: got %v, want %v, %v", s, got, want, err)
				}
			}
		})
	}
	for source, m := range scanners {
		check(source, m)
	}
	for source, m := range gapScanners {
		check(source, m)
	}
}

// Every code point has the properties that the classes of the general engine say, which the matchers share.
func TestRuneKinds(t *testing.T) {
	kinds := runeKinds()
	for name, bit := range map[string]uint8{"L": isL, "N": isN} {
		class := loadClass(name)
		for r, k := range kinds {
			if class.has(rune(r)) != (k&bit != 0) {
				t.Fatalf("%s: %U", name, r)
			}
		}
	}
	for r, k := range kinds {
		if isSpace(rune(r)) != (k&isS != 0) {
			t.Fatalf("space: %U", r)
		}
	}
}

func FuzzScanners(f *testing.F) {
	type pair struct {
		byHand pattern
		re     regex
	}
	var pairs []pair
	add := func(source string, p pattern) {
		re, err := compileRegex(source)
		if err != nil {
			f.Fatal(err)
		}
		pairs = append(pairs, pair{p, re})
	}
	for source, m := range scanners {
		add(source, m)
	}
	for source, m := range gapScanners {
		add(source, m)
	}
	f.Add("I'LL say 'ſ 1234\r\n \n x\u0301X  ")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 256 {
			return
		}
		b := []byte(strings.ToValidUTF8(s, string(replacement)))
		for _, p := range pairs {
			got, _ := p.byHand.cuts(b, nil)
			want, err := p.re.cuts(b, nil)
			if err == nil && !slices.Equal(got, want) {
				t.Fatalf("%s: %q: got %v, want %v", p.re.re, b, got, want)
			}
		}
	})
}

// TestWordBoundary: word characters, of \b and of the pre-tokenizer Whitespace, are those of the Rust library: a joiner is none
// (regexp2 takes it for one), a superscript, a mark and the ideographs of plane 3 are. What is expected is from tokenizers 0.23.3.
func TestWordBoundary(t *testing.T) {
	for _, c := range []struct{ pre, text, want string }{
		{`{"type": "Split", "pattern": {"Regex": "\\b"}, "behavior": "Isolated", "invert": false}`, "a\u200db ²c\u0488 >\u200d",
			"a|\u200d|b| |²c\u0488| >\u200d"},
		{`{"type": "Split", "pattern": {"Regex": "\\Bb"}, "behavior": "Isolated", "invert": false}`, "ab\u200db b\U00030001b",
			"a|b|\u200db b\U00030001|b"},
		{`{"type": "Split", "pattern": {"Regex": "[\\bx]"}, "behavior": "Isolated", "invert": false}`, "a\bbxc", "a|\b|b|x|c"},
		{`{"type": "Whitespace"}`, "a\U00030000\U0003134a \U00031350b\U000323af \U0003134bc", "a\U00030000\U0003134a|\U00031350b\U000323af|\U0003134b|c"},
	} {
		tok, err := Parse([]byte(`{"added_tokens": [], "pre_tokenizer": ` + c.pre + `, "model": {"type": "WordLevel", "vocab": {"u": 0}, "unk_token": "u"}}`))
		if err != nil {
			t.Fatal(err)
		}
		e, err := tok.Encode(c.text, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var pieces []string
		for _, o := range e.Offsets {
			pieces = append(pieces, c.text[o.Start:o.End])
		}
		if got := strings.Join(pieces, "|"); got != c.want {
			t.Errorf("%s of %q: %q, want %q", c.pre, c.text, got, c.want)
		}
	}
}
