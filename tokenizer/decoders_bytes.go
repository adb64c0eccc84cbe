package tokenizer

import (
	"bytes"
	"unicode/utf8"
)

// byteFallback puts the bytes of tokens like <0xE2> together. A run of them that is not UTF-8 becomes one U+FFFD a byte.
type byteFallback struct{}

func newByteFallback(*builder, node) (decoder, error) { return byteFallback{}, nil }

func (byteFallback) decode(d *decoding) error {
	out := d.tokens[:0]
	mark := len(d.buf) // where the bytes of a run begin
	flush := func() {
		switch n := len(d.buf) - mark; {
		case n == 0:
		case utf8.Valid(d.buf[mark:]):
			out = append(out, d.buf[mark:len(d.buf):len(d.buf)])
		default:
			for range n {
				out = append(out, replacement)
			}
		}
		mark = len(d.buf)
	}
	for _, s := range d.tokens {
		if b, ok := byteToken(s); ok {
			d.buf = append(d.buf, b)
			continue
		}
		flush()
		out = append(out, s)
	}
	flush()
	d.tokens = out
	return nil
}

// byteToken returns the byte that a token like <0xE2> stands for. The digits are read as Rust reads a number: +A is one.
func byteToken(s []byte) (byte, bool) {
	if len(s) != 6 || string(s[:3]) != "<0x" || s[5] != '>' {
		return 0, false
	}
	high, low := hexDigit(s[3]), hexDigit(s[4])
	if s[3] == '+' {
		high = 0
	}
	return byte(high<<4 | low), high|low >= 0
}

// hexDigit returns the value of a digit, or -1.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// byteTokenName is the inverse of byteToken.
func byteTokenName(b byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{'<', '0', 'x', digits[b>>4], digits[b&15], '>'})
}

// bpeDecoder writes a space for the suffix that ends words, but at the end of the text.
type bpeDecoder struct{ suffix string }

func newBPEDecoder(_ *builder, n node) (decoder, error) {
	f := struct{ Suffix string }{"</w>"}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	return bpeDecoder{f.Suffix}, nil
}

func (c bpeDecoder) decode(d *decoding) error {
	for i, s := range d.tokens {
		to := " "
		if i == len(d.tokens)-1 {
			to = ""
		}
		d.tokens[i] = d.replace(s, c.suffix, to)
	}
	return nil
}

// ctc joins the outputs of a speech model: repeated tokens are one, padding is nothing, a delimiter is a space.
type ctc struct {
	pad, delimiter string
	cleanup        bool
}

func newCTC(_ *builder, n node) (decoder, error) {
	f := struct {
		Pad       string `json:"pad_token"`
		Delimiter string `json:"word_delimiter_token"`
		Cleanup   bool
	}{"<pad>", "|", true}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	return ctc{f.Pad, f.Delimiter, f.Cleanup}, nil
}

func (c ctc) decode(d *decoding) error {
	out := d.tokens[:0]
	var last []byte
	for i, s := range d.tokens {
		if i > 0 && bytes.Equal(s, last) {
			continue
		}
		last = s
		s = d.replace(s, c.pad, "")
		if c.cleanup {
			s = d.replace(cleanup(d, s), c.delimiter, " ")
		}
		if len(s) > 0 {
			out = append(out, s)
		}
	}
	d.tokens = out
	return nil
}
