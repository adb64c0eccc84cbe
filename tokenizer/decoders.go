package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// wordPieceDecoder joins continuations to their words and sets words apart; cleanup takes the spaces before
// punctuation back.
type wordPieceDecoder struct {
	prefix  string
	cleanup bool
}

func newWordPieceDecoder(_ *builder, n node) (decoder, error) {
	f := struct {
		Prefix  string
		Cleanup bool
	}{"##", true}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	return wordPieceDecoder{f.Prefix, f.Cleanup}, nil
}

// cleanups are applied to each token in turn: they do not see across tokens.
var cleanups = [...][2]string{
	{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
	{" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
}

func (d wordPieceDecoder) decode(tokens []string) ([]string, error) {
	for i, s := range tokens {
		if i > 0 {
			if tail, ok := strings.CutPrefix(s, d.prefix); ok {
				s = tail
			} else {
				s = " " + s
			}
		}
		if d.cleanup {
			s = cleanup(s)
		}
		tokens[i] = s
	}
	return tokens, nil
}

func cleanup(s string) string {
	if strings.IndexByte(s, ' ') >= 0 {
		for _, c := range cleanups {
			s = strings.ReplaceAll(s, c[0], c[1])
		}
	}
	return s
}

// fuse makes one token of all.
type fuse struct{}

func newFuseDecoder(*builder, node) (decoder, error) { return fuse{}, nil }

func (fuse) decode(tokens []string) ([]string, error) { return []string{strings.Join(tokens, "")}, nil }

// stripDecoder takes up to start and stop copies of a character off the ends of each token.
type stripDecoder struct {
	content     rune
	start, stop int
}

func newStripDecoder(_ *builder, n node) (decoder, error) {
	var f struct {
		Content     string
		Start, Stop int
	}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	r, size := utf8.DecodeRuneInString(f.Content)
	if size == 0 || size != len(f.Content) {
		return nil, n.errorf("content %q: want one character", f.Content)
	}
	if f.Start < 0 || f.Stop < 0 {
		return nil, n.errorf("start %d and stop %d: neither may be negative", f.Start, f.Stop)
	}
	return stripDecoder{r, f.Start, f.Stop}, nil
}

func (d stripDecoder) decode(tokens []string) ([]string, error) {
	for i, s := range tokens {
		for k := 0; k < d.start && s != ""; k++ {
			r, n := utf8.DecodeRuneInString(s)
			if r != d.content {
				break
			}
			s = s[n:]
		}
		for k := 0; k < d.stop && s != ""; k++ {
			r, n := utf8.DecodeLastRuneInString(s)
			if r != d.content {
				break
			}
			s = s[:len(s)-n]
		}
		tokens[i] = s
	}
	return tokens, nil
}
