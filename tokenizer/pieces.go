package tokenizer

import "unicode/utf8"

// piece is a part of the input between two cuts: its normalised bytes are buf[lo:hi] of the pieces that it is in.
type piece struct {
	lo, hi int32
	orig   span  // the part of the input that it comes from
	added  int32 // the id of an added token, or -1
}

// pieces is the state of one sequence after normalisation: all normalised bytes in one buffer, and the cuts made so
// far. Splitting moves no bytes; a pre-tokenizer that rewrites text appends what it writes to buf and spans.
type pieces struct {
	buf   []byte
	spans []span // one for each byte of buf, when track
	track bool
	list  []piece
	next  []piece // the list being made
	cuts  []cut
	limit int // of len(buf)
}

// cut is a range of a piece as a pattern sees it: a match, or what is between two matches. Ranges cover the piece.
type cut struct {
	lo, hi int32
	match  bool
}

// bytes returns the normalised bytes of p. They are valid until the next step.
func (ps *pieces) bytes(p piece) []byte { return ps.buf[p.lo:p.hi] }

// slice returns the part [lo, hi) of p, positions counting from p.lo. An empty part is not to be kept.
func (ps *pieces) slice(p piece, lo, hi int32) piece {
	q := piece{lo: p.lo + lo, hi: p.lo + hi, orig: p.orig, added: -1}
	if ps.track && lo < hi {
		q.orig = span{ps.spans[q.lo].lo, ps.spans[q.hi-1].hi}
	}
	return q
}

// behavior says what becomes of the matches of a splitting pattern.
type behavior uint8

const (
	removed behavior = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

// pattern finds the matches in s and what is between them, appending to dst cuts that cover s in order.
type pattern interface {
	cuts(s []byte, dst []cut) ([]cut, error)
}

// split cuts each piece that is not an added token.
func (ps *pieces) split(pat pattern, invert bool, how behavior) error {
	ps.next = ps.next[:0]
	for _, p := range ps.list {
		if p.added >= 0 {
			ps.next = append(ps.next, p)
			continue
		}
		cuts, err := pat.cuts(ps.bytes(p), ps.cuts[:0])
		ps.cuts = cuts
		if err != nil {
			return err
		}
		if invert {
			for i := range cuts {
				cuts[i].match = !cuts[i].match
			}
		}
		ps.take(p, merge(cuts, how))
	}
	ps.list, ps.next = ps.next, ps.list
	return nil
}

// take appends the cuts of p that are not matches to the list being made; empty ones are dropped.
func (ps *pieces) take(p piece, cuts []cut) {
	for _, c := range cuts {
		if !c.match && c.lo < c.hi {
			ps.next = append(ps.next, ps.slice(p, c.lo, c.hi))
		}
	}
}

// merge applies a behavior to cuts, in place; in the result match means "to be removed".
func merge(cuts []cut, how behavior) []cut {
	switch how {
	case removed:
		return cuts
	case isolated:
		for i := range cuts {
			cuts[i].match = false
		}
		return cuts
	case mergedWithNext:
		n, previous := len(cuts), false
		for i := len(cuts) - 1; i >= 0; i-- {
			c := cuts[i]
			if c.match && !previous && n < len(cuts) {
				cuts[n].lo = c.lo
			} else {
				n--
				cuts[n] = cut{c.lo, c.hi, false}
			}
			previous = c.match
		}
		return cuts[n:]
	}
	n, previous := 0, false
	for _, c := range cuts {
		join := c.match && !previous
		if how == contiguous {
			join = c.match == previous
		}
		previous = c.match
		if join && n > 0 {
			cuts[n-1].hi = c.hi
		} else {
			cuts[n] = cut{c.lo, c.hi, false}
			n++
		}
	}
	return cuts[:n]
}

// runePattern matches single runes.
type runePattern func(rune) bool

func (f runePattern) cuts(s []byte, dst []cut) ([]cut, error) {
	last := 0
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(s[i:])
		}
		if f(r) {
			if last < i {
				dst = append(dst, cut{int32(last), int32(i), false})
			}
			last = i + n
			dst = append(dst, cut{int32(i), int32(last), true})
		}
		i += n
	}
	if last < len(s) {
		dst = append(dst, cut{int32(last), int32(len(s)), false})
	}
	return dst, nil
}

// prepend puts s before the bytes of p, which is not empty. What is added stands for the first character.
func (ps *pieces) prepend(p *piece, s string) error {
	lo := int32(len(ps.buf))
	ps.buf = append(ps.buf, s...)
	ps.buf = append(ps.buf, ps.buf[p.lo:p.hi]...)
	if ps.track {
		first := ps.spans[p.lo]
		for range len(s) {
			ps.spans = append(ps.spans, first)
		}
		ps.spans = append(ps.spans, ps.spans[p.lo:p.hi]...)
	}
	p.lo, p.hi = lo, int32(len(ps.buf))
	return ps.checkSize()
}

// checkSize bounds what pre-tokenizers write: each may make the text longer, and there may be many.
func (ps *pieces) checkSize() error {
	if len(ps.buf) > ps.limit {
		return errTooLong
	}
	return nil
}
