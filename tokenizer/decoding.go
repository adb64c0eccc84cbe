package tokenizer

import (
	"bytes"
	"strings"
)

// decoding is the way of tokens through the decoders to a text. Its memory is used again.
type decoding struct {
	tokens [][]byte // pieces of the text
	buf    []byte   // holds them: decoders append to it, and change nothing that is there
	cuts   []cut
}

// put makes all of buf from mark on token i.
func (d *decoding) put(i, mark int) { d.tokens[i] = d.buf[mark:len(d.buf):len(d.buf)] }

// fuse makes one token of all.
func (d *decoding) fuse() {
	mark := len(d.buf)
	for _, s := range d.tokens {
		d.buf = append(d.buf, s...)
	}
	d.tokens = append(d.tokens[:0], nil)
	d.put(0, mark)
}

// replace returns s with to in the place of each from.
func (d *decoding) replace(s []byte, from, to string) []byte {
	if from == "" { // is found before and after each character
		return []byte(strings.ReplaceAll(string(s), from, to))
	}
	i := bytes.Index(s, []byte(from))
	if i < 0 {
		return s
	}
	mark := len(d.buf)
	for ; i >= 0; i = bytes.Index(s, []byte(from)) {
		d.buf = append(append(d.buf, s[:i]...), to...)
		s = s[i+len(from):]
	}
	d.buf = append(d.buf, s...)
	return d.buf[mark:len(d.buf):len(d.buf)]
}

// shownToken returns the token of an id; ok is false if there is none, or it is special and those are skipped.
func (t *Tokenizer) shownToken(id int32, skipSpecial bool) (token string, ok bool) {
	token, ok = t.IDToToken(id)
	return token, ok && !(skipSpecial && t.added.special[token])
}

// appendDecoded appends the text of ids to dst.
func (t *Tokenizer) appendDecoded(dst []byte, d *decoding, ids []int32, skipSpecial bool) ([]byte, error) {
	d.tokens, d.buf = d.tokens[:0], d.buf[:0]
	for _, id := range ids {
		if s, ok := t.shownToken(id, skipSpecial); ok {
			mark := len(d.buf)
			d.buf = append(d.buf, s...)
			d.tokens = append(d.tokens, nil)
			d.put(len(d.tokens)-1, mark)
		}
	}
	sep := " "
	if t.decoder != nil {
		sep = ""
		if err := t.decoder.decode(d); err != nil {
			return dst, err
		}
	}
	for i, s := range d.tokens {
		if i > 0 {
			dst = append(dst, sep...)
		}
		dst = append(dst, s...)
	}
	return dst, nil
}

// Decode turns ids back into text. Ids that no token has are left out, and with skipSpecial special tokens too.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) (string, error) {
	b, err := t.appendDecoded(nil, new(decoding), ids, skipSpecial)
	return string(b), err
}
