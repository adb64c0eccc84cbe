package generate

import (
	"slices"
	"strings"
)

// A stopper looks for stop strings in a text that comes in pieces, wherever the pieces are cut. Text that may be the beginning of
// a stop string is held back until it is known.
type stopper struct {
	stops []string
	held  []byte // the last piece of the text, not given out
}

// reset begins a new text.
func (s *stopper) reset(stops []string) { s.stops, s.held = stops, s.held[:0] }

// push takes the next piece of the text. It returns the text that can be given out now, and the stop string that was found or "":
// the one that ends first in the text, of several the longest. What comes before it is given out, the rest is dropped.
func (s *stopper) push(piece string) (text, stop string) {
	if len(s.stops) == 0 || piece == "" {
		return piece, ""
	}
	s.held = append(s.held, piece...)
	held := string(s.held)
	at, end := 0, len(held)+1
	for _, p := range s.stops {
		i := strings.Index(held, p)
		if i < 0 {
			continue
		}
		if e := i + len(p); e < end || e == end && i < at {
			at, end, stop = i, e, p
		}
	}
	if stop != "" {
		s.held = s.held[:0]
		return held[:at], stop
	}
	keep := 0
	for _, p := range s.stops {
		keep = max(keep, overlap(held, p))
	}
	s.held = slices.Delete(s.held, 0, len(s.held)-keep)
	return held[:len(held)-keep], ""
}

// flush returns what is held back: the text ends here.
func (s *stopper) flush() string {
	text := string(s.held)
	s.held = s.held[:0]
	return text
}

// overlap returns the length of the longest end of text that is a beginning of stop, but not all of it.
func overlap(text, stop string) int {
	for n := min(len(text), len(stop)-1); n > 0; n-- {
		if text[len(text)-n:] == stop[:n] {
			return n
		}
	}
	return 0
}
