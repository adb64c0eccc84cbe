package tokenizer

import "unicode/utf8"

// Span is a range [Start, End) of an input text, in bytes or in characters (runes).
type Span struct{ Start, End int }

type span struct{ lo, hi int32 }

// text is one segment of the input on its way through the normalizers: its bytes, and for each byte the span of the
// input that it stands for. Edits follow the rules of the Rust library's NormalizedString.transform: a rune replaces
// the next one and takes its span, is inserted and takes the span before it, or replaces and swallows the runes after.
//
// When track is false the spans are not kept: the path that wants ids only.
type text struct {
	b     []byte
	a     []span
	track bool
	start int32 // offset of the segment in the input: the span of runes inserted at its very front
	pos   int   // read position of the edit under way
	limit int   // of len(b): normalizers may make the text longer, and there may be many

	nb []byte
	na []span

	form formState
	cuts []cut // scratch of Replace
}

// reset loads s, which begins at offset base of the input. Invalid bytes become U+FFFD.
func (t *text) reset(s string, base int) {
	t.start = int32(base)
	t.limit = min(MaxTextLen, 64*len(s)+1<<20)
	t.a = t.a[:0]
	if !t.track {
		if utf8.ValidString(s) {
			t.b = append(t.b[:0], s...)
			return
		}
		t.b = t.b[:0]
		for _, r := range s {
			t.b = utf8.AppendRune(t.b, r)
		}
		return
	}
	t.b = t.b[:0]
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			t.b = append(t.b, c)
			t.a = append(t.a, span{int32(base + i), int32(base + i + 1)})
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		was := len(t.b)
		t.b = utf8.AppendRune(t.b, r)
		for range len(t.b) - was {
			t.a = append(t.a, span{int32(base + i), int32(base + i + n)})
		}
		i += n
	}
}

// begin starts an edit; put and skip walk over the old text, and end makes the new text the current one.
func (t *text) begin() {
	t.nb, t.na, t.pos = t.nb[:0], t.na[:0], 0
}

// put writes r. With change 0 it replaces the next rune, with 1 it is inserted, with -n it replaces the next rune and
// the n after it are dropped.
func (t *text) put(r rune, change int) {
	was := len(t.nb)
	t.nb = utf8.AppendRune(t.nb, r)
	if t.track {
		var at span
		switch {
		case change <= 0 && t.pos < len(t.a):
			at = t.a[t.pos]
		case t.pos > 0:
			at = t.a[min(t.pos, len(t.a))-1]
		default:
			at = span{t.start, t.start}
		}
		for range len(t.nb) - was {
			t.na = append(t.na, at)
		}
	}
	if change <= 0 {
		t.skip(1 - change)
	}
}

// keep copies the next n bytes, whole runes.
func (t *text) keep(n int) {
	t.nb = append(t.nb, t.b[t.pos:t.pos+n]...)
	if t.track {
		t.na = append(t.na, t.a[t.pos:t.pos+n]...)
	}
	t.pos += n
}

// skip drops the next n runes.
func (t *text) skip(n int) {
	for ; n > 0 && t.pos < len(t.b); n-- {
		if t.b[t.pos] < utf8.RuneSelf {
			t.pos++
		} else {
			_, w := utf8.DecodeRune(t.b[t.pos:])
			t.pos += w
		}
	}
}

func (t *text) end() {
	t.b, t.nb = t.nb, t.b
	t.a, t.na = t.na, t.a
}

// tooLong reports whether the edit under way has written more than is allowed.
func (t *text) tooLong() bool { return len(t.nb) > t.limit }

// filter drops the runes for which drop is true.
func (t *text) filter(drop func(rune) bool) {
	first := -1
	for i := 0; i < len(t.b); {
		r, n := rune(t.b[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(t.b[i:])
		}
		if drop(r) {
			first = i
			break
		}
		i += n
	}
	if first < 0 {
		return
	}
	t.begin()
	t.keep(first)
	for t.pos < len(t.b) {
		r, n := utf8.DecodeRune(t.b[t.pos:])
		if drop(r) {
			t.pos += n
		} else {
			t.keep(n)
		}
	}
	t.end()
}

// isASCII reports whether b is all ASCII.
func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
