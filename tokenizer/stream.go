package tokenizer

import "bytes"

// Stream decodes ids as they come, giving text as soon as it is final. It is for one goroutine. In steady state it allocates
// nothing.
type Stream struct {
	t           *Tokenizer
	skipSpecial bool
	ids         []int32 // the last ones, from where the text after them depends on
	split       int     // the text of ids[:split] has been given out
	prefix      []byte  // it
	text        []byte  // of ids
	d           decoding
}

// NewStream returns a stream that has seen nothing.
func (t *Tokenizer) NewStream(skipSpecial bool) *Stream {
	return &Stream{t: t, skipSpecial: skipSpecial}
}

// Reset makes the stream one that has seen nothing.
func (s *Stream) Reset() { s.ids, s.prefix, s.split = s.ids[:0], s.prefix[:0], 0 }

// Append takes the next id and appends the text that it completes to dst: none if a character is not complete yet, or the token
// is a special one that is not shown.
func (s *Stream) Append(dst []byte, id int32) ([]byte, error) {
	if _, ok := s.t.shownToken(id, s.skipSpecial); !ok {
		return dst, nil
	}
	s.ids = append(s.ids, id)
	rest, err := s.rest()
	if err != nil || len(rest) == 0 || bytes.HasSuffix(rest, replacement) {
		return dst, err
	}
	dst = append(dst, rest...)
	s.ids = s.ids[:copy(s.ids, s.ids[s.split:])]
	s.split = len(s.ids)
	s.prefix, err = s.t.appendDecoded(s.prefix[:0], &s.d, s.ids, s.skipSpecial)
	return dst, err
}

// End appends the text that was held back: the ids end here. An incomplete character is U+FFFD, as Decode shows it. The stream has
// seen nothing then.
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
