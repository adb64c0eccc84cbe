package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// byteFallback puts the bytes of tokens like <0xE2> together. A run of them that is not UTF-8 becomes one U+FFFD a byte.
type byteFallback struct{}

func newByteFallback(*builder, node) (decoder, error) { return byteFallback{}, nil }

func (byteFallback) decode(tokens []string) ([]string, error) {
	out := tokens[:0]
	var run []byte
	flush := func() {
		switch {
		case len(run) == 0:
			return
		case utf8.Valid(run):
			out = append(out, string(run))
		default:
			for range run {
				out = append(out, replacement)
			}
		}
		run = run[:0]
	}
	for _, s := range tokens {
		if b, ok := byteToken(s); ok {
			run = append(run, b)
			continue
		}
		flush()
		out = append(out, s)
	}
	flush()
	return out, nil
}

// byteToken returns the byte that a token like <0xE2> stands for. The digits are read as Rust reads a number: +A is one.
func byteToken(s string) (byte, bool) {
	if len(s) != 6 || s[:3] != "<0x" || s[5] != '>' {
		return 0, false
	}
	digits := strings.TrimPrefix(s[3:5], "+")
	b, err := strconv.ParseUint(digits, 16, 8)
	return byte(b), err == nil
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

func (d bpeDecoder) decode(tokens []string) ([]string, error) {
	for i, s := range tokens {
		to := " "
		if i == len(tokens)-1 {
			to = ""
		}
		tokens[i] = strings.ReplaceAll(s, d.suffix, to)
	}
	return tokens, nil
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

func (d ctc) decode(tokens []string) ([]string, error) {
	out := tokens[:0]
	last := ""
	for i, s := range tokens {
		if i > 0 && s == last {
			continue
		}
		last = s
		s = strings.ReplaceAll(s, d.pad, "")
		if d.cleanup {
			s = strings.ReplaceAll(cleanup(s), d.delimiter, " ")
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out, nil
}
