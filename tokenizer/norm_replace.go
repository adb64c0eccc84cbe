package tokenizer

// replacer puts content in the place of each match of a pattern.
type replacer struct {
	pattern pattern
	content string
}

func readReplace(n node) (*replacer, error) {
	var f struct{ Content string }
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	pat, err := readPattern(n)
	if err != nil {
		return nil, err
	}
	return &replacer{pat, f.Content}, nil
}

func newReplace(_ *builder, n node) (normalizer, error) { return readReplace(n) }

// normalize gives the new characters the span of the last one that they replace.
func (c *replacer) normalize(t *text) error {
	cuts, err := c.pattern.cuts(t.b, t.cuts[:0])
	t.cuts = cuts
	if err != nil || len(cuts) == 0 || len(cuts) == 1 && !cuts[0].match {
		return err
	}
	t.begin()
	for _, k := range cuts {
		if !k.match {
			t.keep(int(k.hi - k.lo))
			continue
		}
		t.pos = int(k.hi)
		for _, r := range c.content {
			t.put(r, 1)
		}
		if t.tooLong() {
			return errTooLong
		}
	}
	t.end()
	return nil
}

func newReplaceDecoder(_ *builder, n node) (decoder, error) { return readReplace(n) }

func (c *replacer) decode(d *decoding) error {
	total := 0
	for i, s := range d.tokens {
		var err error
		if d.cuts, err = c.pattern.cuts(s, d.cuts[:0]); err != nil {
			return err
		}
		mark := len(d.buf)
		for _, k := range d.cuts {
			if k.match {
				d.buf = append(d.buf, c.content...)
			} else {
				d.buf = append(d.buf, s[k.lo:k.hi]...)
			}
			if total+len(d.buf)-mark > MaxTextLen {
				return errTooLong
			}
		}
		total += len(d.buf) - mark
		d.put(i, mark)
	}
	return nil
}
