package tokenizer

import (
	"bytes"
	"unicode/utf8"
)

// Stream decodes ids as they come, giving text as soon as it is final. It is for one goroutine. In steady state it allocates
// nothing.
type Stream struct {
	t           *Tokenizer
	skipSpecial bool
	ids         []int32 // the last ones, from where the text after them depends on
	split       int     // the text of ids[:split] has been given out
	prefix      []byte  // it
	text        []byte  // of ids
	held        int     // bytes at its end that are held back
	d           decoding
}

// NewStream returns a stream that has seen nothing.
func (t *Tokenizer) NewStream(skipSpecial bool) *Stream {
	return &Stream{t: t, skipSpecial: skipSpecial}
}

// Reset makes the stream one that has seen nothing.
func (s *Stream) Reset() { s.ids, s.prefix, s.split, s.held = s.ids[:0], s.prefix[:0], 0, 0 }

// Held returns the text that is held back, but for the character that is not complete, valid until the next call: what
// comes can change it only if the decoder joins tokens otherwise.
func (s *Stream) Held() []byte {
	text := s.text[len(s.text)-s.held:]
	for bytes.HasSuffix(text, replacement) {
		text = text[:len(text)-len(replacement)]
	}
	return text
}

// Append takes the next id and appends the text that it completes to dst: none if a character is not complete yet, or the token
// is a special one that is not shown.
func (s *Stream) Append(dst []byte, id int32) ([]byte, error) {
	if _, ok := s.t.shownToken(id, s.skipSpecial); !ok {
		return dst, nil
	}
	s.ids, s.held = append(s.ids, id), 0
	rest, err := s.rest()
	switch {
	case err != nil || len(rest) == 0:
		return dst, err
	case !bytes.HasSuffix(rest, replacement):
		dst = append(dst, rest...)
		return dst, s.given(len(s.ids))
	case len(s.ids)-s.split > mostHeld:
		return s.garbage(dst, len(rest))
	}
	s.held = len(rest)
	return dst, nil
}

// mostHeld is how many tokens are held back at most. No character has more bytes than utf8.UTFMax, so bytes with that many tokens
// after them are complete, or never will be.
const mostHeld = 4 * utf8.UTFMax

// garbage appends what is held back, the last rest bytes of s.text, but for the text of the last tokens.
func (s *Stream) garbage(dst []byte, rest int) ([]byte, error) {
	n, from, out := len(s.ids)-utf8.UTFMax, 0, len(s.text)-rest
	if out != len(s.prefix) { // s.text is that of the tokens from split on
		from = s.split
	}
	var err error
	if s.prefix, err = s.t.appendDecoded(s.prefix[:0], &s.d, s.ids[from:n], s.skipSpecial); err != nil {
		return dst, err
	}
	if len(s.prefix) >= out && bytes.HasPrefix(s.text, s.prefix) {
		dst = append(dst, s.prefix[out:]...)
		return dst, s.given(n)
	}
	s.prefix, err = s.t.appendDecoded(s.prefix[:0], &s.d, s.ids[:s.split], s.skipSpecial)
	return dst, err
}

// given tells that the text of the first n tokens has been given out.
func (s *Stream) given(n int) error {
	s.ids = s.ids[:copy(s.ids, s.ids[s.split:])]
	s.split = n - s.split
	var err error
	s.prefix, err = s.t.appendDecoded(s.prefix[:0], &s.d, s.ids[:s.split], s.skipSpecial)
	return err
}

// End appends the text that was held back: the ids end here. An incomplete character is U+FFFD, as Decode shows it. The stream
// has seen nothing then.
func (s *Stream) End(dst []byte) ([]byte, error) {
	rest, err := s.rest()
	s.Reset()
	return append(dst, rest...), err
}

// rest returns the text of the ids that has not been given out, valid until the next call.
func (s *Stream) rest() ([]byte, error) {
	var err error
	if s.text, err = s.t.appendDecoded(s.text[:0], &s.d, s.ids, s.skipSpecial); err != nil {
		return nil, err
	}
	if rest, ok := bytes.CutPrefix(s.text, s.prefix); ok {
		return rest, nil
	}
	// Bytes of a character that was complete, and given out, are U+FFFD with those after it: what is out stays.
	s.text, err = s.t.appendDecoded(s.text[:0], &s.d, s.ids[s.split:], s.skipSpecial)
	return s.text, err
}
