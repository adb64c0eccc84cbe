package tokenizer

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// metaspace is SentencePiece's way with spaces: each is written as a visible character ("▁"), the text may get one in
// front, and each such character begins a word.
type metaspace struct {
	mark   string
	scheme prependScheme
	split  bool
}

// prependScheme says which pieces get a mark in front.
type prependScheme uint8

const (
	prependAlways prependScheme = iota
	prependFirst                // the piece at the start of the text
	prependNever
)

func readMetaspace(n node) (*metaspace, error) {
	f := struct {
		Replacement string
		Scheme      *string `json:"prepend_scheme"`
		Prefix      *bool   `json:"add_prefix_space"` // of early files
		Split       bool
	}{Replacement: "▁", Split: true}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	r, size := utf8.DecodeRuneInString(f.Replacement)
	if size == 0 || size != len(f.Replacement) || r == utf8.RuneError {
		return nil, n.errorf("replacement %q: want one character", f.Replacement)
	}
	c := &metaspace{mark: f.Replacement, split: f.Split}
	if f.Scheme != nil {
		switch *f.Scheme {
		case "always":
		case "first":
			c.scheme = prependFirst
		case "never":
			c.scheme = prependNever
		default:
			return nil, n.errorf("prepend_scheme %q: want always, first or never", *f.Scheme)
		}
	}
	if f.Prefix != nil && !*f.Prefix {
		if f.Scheme != nil && c.scheme != prependNever {
			return nil, n.errorf("add_prefix_space is false, and prepend_scheme is %q: they contradict each other", *f.Scheme)
		}
		c.scheme = prependNever
	}
	return c, nil
}

func newMetaspace(_ *builder, n node) (preTokenizer, error)   { return readMetaspace(n) }
func newMetaspaceDecoder(_ *builder, n node) (decoder, error) { return readMetaspace(n) }

func (c *metaspace) preTokenize(ps *pieces) error {
	ps.next = ps.next[:0]
	for _, p := range ps.list {
		if p.added >= 0 {
			ps.next = append(ps.next, p)
			continue
		}
		if err := c.write(ps, &p); err != nil {
			return err
		}
		if !c.split {
			ps.next = append(ps.next, p)
			continue
		}
		// Each mark begins a word.
		s := ps.bytes(p)
		lo := 0
		for i := 1; i <= len(s); {
			k := bytes.Index(s[i:], []byte(c.mark))
			if k < 0 || i == len(s) {
				break
			}
			i += k
			if lo < i {
				ps.next = append(ps.next, ps.slice(p, int32(lo), int32(i)))
			}
			lo = i
			i++
		}
		if lo < len(s) {
			ps.next = append(ps.next, ps.slice(p, int32(lo), int32(len(s))))
		}
	}
	ps.list, ps.next = ps.next, ps.list
	return nil
}

// write puts marks in the place of the spaces of p and, as the scheme says, in front.
func (c *metaspace) write(ps *pieces, p *piece) error {
	s := ps.bytes(*p)
	if len(s) == 0 {
		return nil
	}
	front := c.scheme == prependAlways || c.scheme == prependFirst && p.orig.lo == 0
	if s[0] == ' ' || strings.HasPrefix(string(s[:min(len(s), len(c.mark))]), c.mark) {
		front = false
	}
	spaces := bytes.Count(s, []byte(" "))
	if !front && spaces == 0 {
		return nil
	}
	lo := len(ps.buf)
	if front {
		ps.buf = append(ps.buf, c.mark...)
	}
	for i := p.lo; i < p.hi; {
		k := bytes.IndexByte(ps.buf[i:p.hi], ' ')
		if k < 0 {
			ps.buf = append(ps.buf, ps.buf[i:p.hi]...)
			break
		}
		ps.buf = append(ps.buf, ps.buf[i:int(i)+k]...)
		ps.buf = append(ps.buf, c.mark...)
		i += int32(k) + 1
	}
	if ps.track {
		if front {
			first := ps.spans[p.lo]
			for range len(c.mark) {
				ps.spans = append(ps.spans, first)
			}
		}
		for i := p.lo; i < p.hi; i++ {
			n := 1
			if ps.buf[i] == ' ' {
				n = len(c.mark)
			}
			for range n {
				ps.spans = append(ps.spans, ps.spans[i])
			}
		}
	}
	p.lo, p.hi = int32(lo), int32(len(ps.buf))
	return ps.checkSize()
}

// decode writes spaces for the marks; those of the first token were put there, unless the scheme is never.
func (c *metaspace) decode(d *decoding) error {
	for i, s := range d.tokens {
		to := " "
		if i == 0 && c.scheme != prependNever {
			to = ""
		}
		d.tokens[i] = d.replace(s, c.mark, to)
	}
	return nil
}
