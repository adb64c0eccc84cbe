package tokenizer

import (
	"bytes"
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

func (c wordPieceDecoder) decode(d *decoding) error {
	for i, s := range d.tokens {
		if i > 0 {
			if tail, ok := bytes.CutPrefix(s, []byte(c.prefix)); ok {
				s = tail
			} else {
				mark := len(d.buf)
				d.buf = append(append(d.buf, ' '), s...)
				s = d.buf[mark:len(d.buf):len(d.buf)]
			}
		}
		if c.cleanup {
			s = cleanup(d, s)
		}
		d.tokens[i] = s
	}
	return nil
}

func cleanup(d *decoding, s []byte) []byte {
	if bytes.IndexByte(s, ' ') >= 0 {
		for _, c := range cleanups {
			s = d.replace(s, c[0], c[1])
		}
	}
	return s
}

// fuse makes one token of all.
type fuse struct{}

func newFuseDecoder(*builder, node) (decoder, error) { return fuse{}, nil }

func (fuse) decode(d *decoding) error {
	d.fuse()
	return nil
}

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

func (c stripDecoder) decode(d *decoding) error {
	for i, s := range d.tokens {
		for k := 0; k < c.start && len(s) > 0; k++ {
			r, n := utf8.DecodeRune(s)
			if r != c.content {
				break
			}
			s = s[n:]
		}
		for k := 0; k < c.stop && len(s) > 0; k++ {
			r, n := utf8.DecodeLastRune(s)
			if r != c.content {
				break
			}
			s = s[:len(s)-n]
		}
		d.tokens[i] = s
	}
	return nil
}
