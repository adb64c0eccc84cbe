package generate

import (
	"bytes"
	"slices"
	"strings"
)

// A stopper looks for stop strings in a text that comes in pieces, wherever the pieces are cut. Text that may be the beginning of
// a stop string is held back until it is known. In steady state it allocates nothing.
type stopper struct {
	stops []string
	bytes [][]byte // of stops
	held  []byte   // the last piece of the text
	given int      // bytes of held that were given out
}

// reset begins a new text.
func (s *stopper) reset(stops []string) {
	s.stops, s.bytes, s.held, s.given = stops, s.bytes[:0], s.held[:0], 0
	for _, p := range stops {
		s.bytes = append(s.bytes, []byte(p))
	}
}

// push takes the next piece of the text. It returns the text that can be given out now, and the stop string that was found or "":
// the one that ends first in the text, of several the longest. What comes before it is given out, the rest is dropped. The text
// is valid until the next call.
func (s *stopper) push(piece []byte) (text []byte, stop string) {
	if len(s.stops) == 0 {
		return piece, ""
	}
	s.held = append(s.held[:copy(s.held, s.held[s.given:])], piece...)
	s.given = 0
	at, end := 0, len(s.held)+1
	for n, p := range s.bytes {
		i := bytes.Index(s.held, p)
		if i < 0 {
			continue
		}
		if e := i + len(p); e < end || e == end && i < at {
			at, end, stop = i, e, s.stops[n]
		}
	}
	if stop != "" {
		s.given = len(s.held)
		return s.held[:at], stop
	}
	keep := 0
	for _, p := range s.bytes {
		keep = max(keep, overlap(s.held, p))
	}
	s.given = len(s.held) - keep
	return s.held[:s.given], ""
}

// ends tells whether a stop string is found when the next piece of the text is this one.
func (s *stopper) ends(piece []byte) bool {
	if len(piece) == 0 || len(s.bytes) == 0 {
		return false
	}
	n := len(s.held)
	s.held = append(s.held, piece...)
	found := slices.ContainsFunc(s.bytes, func(p []byte) bool { return bytes.Contains(s.held[s.given:], p) })
	s.held = s.held[:n]
	return found
}

// flush returns what is held back, valid until the next call: the text ends here.
func (s *stopper) flush() []byte {
	text := s.held[s.given:]
	s.given = len(s.held)
	return text
}

// overlap returns the length of the longest end of text that is a beginning of stop, but not all of it.
func overlap(text, stop []byte) int {
	for n := min(len(text), len(stop)-1); n > 0; n-- {
		if bytes.Equal(text[len(text)-n:], stop[:n]) {
			return n
		}
	}
	return 0
}

// textBlock is how many bytes of text are allocated at once.
const textBlock = 4 << 10

// A textMaker makes strings of the texts of tokens. They lie one after the other in blocks, so that it takes an allocation for
// every thousand tokens or so; a string that is kept keeps its block.
type textMaker struct{ block strings.Builder }

// text returns a string of b.
func (m *textMaker) text(b []byte) string {
	if m.block.Cap()-m.block.Len() < len(b) {
		m.block.Reset()
		m.block.Grow(max(textBlock, len(b)))
	}
	n := m.block.Len()
	m.block.Write(b)
	return m.block.String()[n:]
}
