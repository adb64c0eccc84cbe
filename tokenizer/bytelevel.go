package tokenizer

import "unicode/utf8"

// Byte-level tokenizers write each byte of the text as one character that can be seen: most of Latin-1 stands for
// itself, the other 68 bytes are written U+0100 to U+0143 in their order ("Ġ" is the space). (Radford et al. 2019; GPT-2.)
var (
	byteRunes [256]rune
	runeBytes [0x144]int16 // -1 where a character stands for no byte
)

func init() {
	for r := range runeBytes {
		runeBytes[r] = -1
	}
	next := rune(0x100)
	for b := range byteRunes {
		r := rune(b)
		if b < '!' || b > '~' && b < 0xA1 || b == 0xAD {
			r = next
			next++
		}
		byteRunes[b] = r
		runeBytes[r] = int16(b)
	}
}

// appendByteLevel appends the byte-level writing of s.
func appendByteLevel[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); i++ {
		dst = utf8.AppendRune(dst, byteRunes[s[i]])
	}
	return dst
}

// appendBytes appends the bytes that s writes; ok is false, and only a part is appended, if s has other characters.
func appendBytes(dst, s []byte) (_ []byte, ok bool) {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r >= rune(len(runeBytes)) || runeBytes[r] < 0 {
			return dst, false
		}
		dst = append(dst, byte(runeBytes[r]))
		s = s[n:]
	}
	return dst, true
}

// byteLevelNormalizer writes the text byte by byte.
type byteLevelNormalizer struct{}

func newByteLevelNormalizer(*builder, node) (normalizer, error) { return byteLevelNormalizer{}, nil }

func (byteLevelNormalizer) normalize(t *text) error {
	t.begin()
	for i := 0; i < len(t.b); {
		_, n := utf8.DecodeRune(t.b[i:])
		for k, c := range t.b[i : i+n] {
			t.put(byteRunes[c], min(k, 1))
		}
		i += n
	}
	if t.tooLong() {
		return errTooLong
	}
	t.end()
	return nil
}

// byteLevel is GPT-2's pre-tokenizer: it splits at the pattern and writes the words byte by byte.
type byteLevel struct {
	prefix  bool // a word that does not begin with a space gets one
	pattern pattern
	raw     bool // the model reads the bytes themselves: writing them is left out
}

func newByteLevel(_ *builder, n node) (preTokenizer, error) {
	f := struct {
		Prefix bool `json:"add_prefix_space"`
		Regex  bool `json:"use_regex"`
	}{true, true}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	c := &byteLevel{prefix: f.Prefix}
	if f.Regex {
		c.pattern = gpt2Pattern
	}
	return c, nil
}

func (c *byteLevel) preTokenize(ps *pieces) error {
	if c.prefix {
		for i := range ps.list {
			if p := &ps.list[i]; p.added < 0 && p.lo < p.hi && ps.buf[p.lo] != ' ' {
				if err := ps.prepend(p, " "); err != nil {
					return err
				}
			}
		}
	}
	if c.pattern != nil {
		if err := ps.split(c.pattern, false, isolated); err != nil {
			return err
		}
	}
	if c.raw {
		return nil
	}
	for i := range ps.list {
		p := &ps.list[i]
		if p.added >= 0 {
			continue
		}
		lo := int32(len(ps.buf))
		for k := p.lo; k < p.hi; k++ {
			was := len(ps.buf)
			ps.buf = utf8.AppendRune(ps.buf, byteRunes[ps.buf[k]])
			if ps.track {
				for range len(ps.buf) - was {
					ps.spans = append(ps.spans, ps.spans[k])
				}
			}
		}
		p.lo, p.hi = lo, int32(len(ps.buf))
		if err := ps.checkSize(); err != nil {
			return err
		}
	}
	return nil
}

// byteLevelProcessing takes the spaces that tokens begin and end with out of their offsets, and adds nothing.
type byteLevelProcessing struct{ trim, prefix bool }

func newByteLevelProcessing(_ *builder, n node) (postProcessor, error) {
	f := struct {
		Trim   bool `json:"trim_offsets"`
		Prefix bool `json:"add_prefix_space"`
	}{true, true}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	return byteLevelProcessing{f.Trim, f.Prefix}, nil
}

func (byteLevelProcessing) added(bool) int { return 0 }

func (c byteLevelProcessing) process(list []*Encoding, _ bool) ([]*Encoding, error) {
	for i, e := range list {
		if c.trim {
			e.trimOffsets(c.prefix)
			for _, o := range e.Overflowing {
				o.trimOffsets(c.prefix)
			}
		}
		e.setSequence(i)
	}
	return list, nil
}

// byteLevelDecoder puts the bytes together again. A token with other characters than those that stand for bytes is taken
// as it is; what is not UTF-8 becomes U+FFFD.
type byteLevelDecoder struct{}

func newByteLevelDecoder(*builder, node) (decoder, error) { return byteLevelDecoder{}, nil }

func (byteLevelDecoder) decode(d *decoding) error {
	mark := len(d.buf)
	for _, s := range d.tokens {
		was := len(d.buf)
		var ok bool
		if d.buf, ok = appendBytes(d.buf, s); !ok {
			d.buf = append(d.buf[:was], s...)
		}
	}
	if text := d.buf[mark:]; !utf8.Valid(text) {
		mark = len(d.buf)
		d.buf = appendValid(d.buf, text)
	}
	d.tokens = append(d.tokens[:0], nil)
	d.put(0, mark)
	return nil
}

// replacement is U+FFFD.
var replacement = []byte("\uFFFD")

// appendValid appends b with one U+FFFD for each longest beginning of a character that is not completed, and for each byte that
// can begin none.
func appendValid(dst, b []byte) []byte {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r != utf8.RuneError || n > 1 {
			dst = append(dst, b[i:i+n]...)
			i += n
			continue
		}
		dst = append(dst, replacement...)
		i += incomplete(b[i:])
	}
	return dst
}

// incomplete returns how many bytes of b, which does not begin with a character, are the beginning of one; at least 1.
func incomplete(b []byte) int {
	lo, hi, want := byte(0x80), byte(0xBF), 0
	switch c := b[0]; {
	case c >= 0xC2 && c <= 0xDF:
		want = 2
	case c >= 0xE0 && c <= 0xEF:
		want = 3
		if c == 0xE0 {
			lo = 0xA0
		} else if c == 0xED {
			hi = 0x9F
		}
	case c >= 0xF0 && c <= 0xF4:
		want = 4
		if c == 0xF0 {
			lo = 0x90
		} else if c == 0xF4 {
			hi = 0x8F
		}
	}
	n := 1
	for n < want && n < len(b) && b[n] >= lo && b[n] <= hi {
		n++
		lo, hi = 0x80, 0xBF
	}
	return n
}
