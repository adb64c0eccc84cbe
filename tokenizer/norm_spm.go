package tokenizer

import "unicode/utf8"

// nmt is SentencePiece's cleaning of text: control characters are dropped, and white space that is not a plain space
// becomes one, as do zero-width characters.
type nmt struct{}

func newNmt(*builder, node) (normalizer, error) { return nmt{}, nil }

func (nmt) normalize(t *text) error {
	t.filter(func(r rune) bool {
		return r >= 1 && r <= 0x1F && r != '\t' && r != '\n' && r != '\f' && r != '\r' || r == 0x7F || r == 0x8F || r == 0x9F
	})
	t.begin()
	for t.pos < len(t.b) {
		r, n := utf8.DecodeRune(t.b[t.pos:])
		switch {
		case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, r >= 0x200B && r <= 0x200F, r == 0x2028, r == 0x2029,
			r == 0x2581, r == 0xFEFF, r == 0xFFFD:
			t.put(' ', 0)
		default:
			t.keep(n)
		}
	}
	t.end()
	return nil
}

// prepend puts a string before a text that is not empty. It stands for the text's first character.
type prepend string

func newPrepend(_ *builder, n node) (normalizer, error) {
	var f struct{ Prepend *string }
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	if f.Prepend == nil {
		return nil, n.errorf(`no "prepend"`)
	}
	return prepend(*f.Prepend), nil
}

func (c prepend) normalize(t *text) error {
	if len(t.b) == 0 || c == "" {
		return nil
	}
	first, n := utf8.DecodeRune(t.b)
	t.begin()
	for i, r := range string(c) {
		t.put(r, min(i, 1))
	}
	t.put(first, 1)
	t.keep(len(t.b) - n)
	if t.tooLong() {
		return errTooLong
	}
	t.end()
	return nil
}
