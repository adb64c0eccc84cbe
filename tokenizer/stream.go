package tokenizer

import (
	"fmt"
	"strings"
)

// Stream decodes ids as they come, giving text as soon as it is final. It is for one goroutine.
type Stream struct {
	t           *Tokenizer
	skipSpecial bool
	ids         []int32
	prefix      string // the text of ids[:split], given out already
	split       int
}

// NewStream returns a stream that has seen nothing.
func (t *Tokenizer) NewStream(skipSpecial bool) *Stream {
	return &Stream{t: t, skipSpecial: skipSpecial}
}

const replacement = "\uFFFD"

// Step takes the next id and returns the text that it completes; ok is false when there is none yet (a character
// whose bytes are not all there, or a special token).
func (s *Stream) Step(id int32) (chunk string, ok bool, err error) {
	if s.prefix == "" && len(s.ids) > 0 {
		p, err := s.t.Decode(s.ids, s.skipSpecial)
		if err != nil {
			return "", false, err
		}
		if !strings.HasSuffix(p, replacement) {
			s.prefix, s.split = p, len(s.ids)
		}
	}
	s.ids = append(s.ids, id)
	text, err := s.t.Decode(s.ids, s.skipSpecial)
	if err != nil {
		return "", false, err
	}
	if len(text) <= len(s.prefix) || strings.HasSuffix(text, replacement) {
		return "", false, nil
	}
	if !strings.HasPrefix(text, s.prefix) {
		return "", false, fmt.Errorf("tokenizer: decoding id %d changed text that was given out: had %q, have %q", id,
			s.prefix, text)
	}
	chunk = text[len(s.prefix):]
	split := len(s.ids) - s.split
	s.ids = append(s.ids[:0], s.ids[s.split:]...)
	if s.prefix, err = s.t.Decode(s.ids, s.skipSpecial); err != nil {
		return "", false, err
	}
	s.split = split
	return chunk, true, nil
}
