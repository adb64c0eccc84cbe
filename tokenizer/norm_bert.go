package tokenizer

import "unicode/utf8"

// bertNormalizer is what BERT does to text: control characters dropped and white space made plain, spaces put around
// Chinese characters, accents dropped, lower case.
type bertNormalizer struct {
	clean, chinese, strip, lower bool
}

func newBertNormalizer(_ *builder, n node) (normalizer, error) {
	f := struct {
		Clean   bool  `json:"clean_text"`
		Chinese bool  `json:"handle_chinese_chars"`
		Strip   *bool `json:"strip_accents"`
		Lower   bool  `json:"lowercase"`
	}{true, true, nil, true}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	c := &bertNormalizer{f.Clean, f.Chinese, f.Lower, f.Lower} // strip_accents null follows lowercase
	if f.Strip != nil {
		c.strip = *f.Strip
	}
	return c, nil
}

func (c *bertNormalizer) normalize(t *text) error {
	if c.clean {
		cleanText(t)
	}
	if c.chinese {
		spaceChinese(t)
	}
	if c.strip {
		if !isASCII(t.b) {
			decompose(t, false)
			t.filter(isAccent)
		}
	}
	if c.lower {
		lowercase(t)
	}
	return nil
}

func cleanText(t *text) {
	t.filter(isControl)
	wide := false
	for i, c := range t.b {
		switch {
		case c == '\t' || c == '\n' || c == '\r':
			t.b[i] = ' '
		case c >= utf8.RuneSelf:
			wide = true
		}
	}
	if wide {
		spaces(t)
	}
}

func isControl(r rune) bool {
	if r < 0x80 {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f
	}
	return controlClass().has(r)
}

// isAccent is category Mn.
func isAccent(r rune) bool { return bertMarkClass().has(r) }

// spaces turns the white space that is not ASCII into spaces.
func spaces(t *text) {
	any := false
	for i := 0; i < len(t.b) && !any; {
		r, n := utf8.DecodeRune(t.b[i:])
		any = n > 1 && isSpace(r)
		i += n
	}
	if !any {
		return
	}
	t.begin()
	for t.pos < len(t.b) {
		r, n := utf8.DecodeRune(t.b[t.pos:])
		if n > 1 && isSpace(r) {
			t.put(' ', 0)
		} else {
			t.keep(n)
		}
	}
	t.end()
}

func spaceChinese(t *text) {
	any := false
	for i := 0; i < len(t.b) && !any; {
		if t.b[i] < 0xE3 { // the first byte of U+3000 and all above
			i++
			continue
		}
		r, n := utf8.DecodeRune(t.b[i:])
		any = isChinese(r)
		i += n
	}
	if !any {
		return
	}
	t.begin()
	for t.pos < len(t.b) {
		r, n := utf8.DecodeRune(t.b[t.pos:])
		if isChinese(r) {
			t.put(' ', 0)
			t.put(r, 1)
			t.put(' ', 1)
		} else {
			t.keep(n)
		}
	}
	t.end()
}
