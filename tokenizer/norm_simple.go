package tokenizer

import "unicode/utf8"

type lowercaser struct{}

func newLowercase(*builder, node) (normalizer, error) { return lowercaser{}, nil }

func (lowercaser) normalize(t *text) error {
	lowercase(t)
	return nil
}

// lowercase maps each character on its own: a final sigma is like any other.
func lowercase(t *text) {
	i := 0
	for ; i < len(t.b); i++ {
		c := t.b[i]
		if c >= utf8.RuneSelf {
			break
		}
		if c-'A' < 26 {
			t.b[i] = c | 0x20
		}
	}
	if i == len(t.b) {
		return
	}
	m := lowerMap()
	t.begin()
	t.keep(i)
	for t.pos < len(t.b) {
		c := t.b[t.pos]
		if c < utf8.RuneSelf {
			if c-'A' < 26 {
				t.put(rune(c|0x20), 0)
			} else {
				t.keep(1)
			}
			continue
		}
		r, n := utf8.DecodeRune(t.b[t.pos:])
		to := m.get(r)
		if to == nil {
			t.keep(n)
			continue
		}
		for k, r := range to {
			t.put(r, min(k, 1))
		}
	}
	t.end()
}

// stripAccents drops combining marks; it does not decompose characters first.
type stripAccents struct{}

func newStripAccents(*builder, node) (normalizer, error) { return stripAccents{}, nil }

func (stripAccents) normalize(t *text) error {
	if !isASCII(t.b) {
		t.filter(markClass().has)
	}
	return nil
}

// strip drops white space at the ends.
type strip struct{ left, right bool }

func newStrip(_ *builder, n node) (normalizer, error) {
	f := struct {
		Left  bool `json:"strip_left"`
		Right bool `json:"strip_right"`
	}{true, true}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	return strip{f.Left, f.Right}, nil
}

func (c strip) normalize(t *text) error {
	lo, hi := 0, len(t.b)
	for c.left && lo < hi {
		r, n := utf8.DecodeRune(t.b[lo:hi])
		if !isSpace(r) {
			break
		}
		lo += n
	}
	for c.right && lo < hi {
		r, n := utf8.DecodeLastRune(t.b[lo:hi])
		if !isSpace(r) {
			break
		}
		hi -= n
	}
	if lo == 0 && hi == len(t.b) {
		return nil
	}
	t.begin()
	t.pos = lo
	t.keep(hi - lo)
	t.end()
	return nil
}
