package tokenizer

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// namedID is a token as ["[SEP]", 102].
type namedID struct {
	token string
	id    int32
}

func (t *namedID) UnmarshalJSON(b []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	if len(pair) != 2 || json.Unmarshal(pair[0], &t.token) != nil || json.Unmarshal(pair[1], &t.id) != nil {
		return fmt.Errorf(`want a token and its id, ["[SEP]", 102], have %s`, shorten(b))
	}
	return nil
}

// wantNamed returns an error if one of the tokens is absent from n.
func wantNamed(n node, cls, sep namedID) error {
	if cls.token == "" || sep.token == "" {
		return n.errorf(`want "cls" and "sep", each a token and its id`)
	}
	return nil
}

// special makes an encoding of special tokens.
func special(typeID int32, tokens ...namedID) *Encoding {
	e := newEncoding(len(tokens), len(tokens))
	for i, t := range tokens {
		e.IDs[i], e.Tokens[i], e.TypeIDs[i] = t.id, t.token, typeID
		e.SpecialTokensMask[i], e.AttentionMask[i], e.WordIDs[i] = 1, 1, -1
	}
	return e
}

// around returns before + e + after, and the same for the parts of e that overflowed. The tokens of e count as plain
// ones and belong to sequence seq.
func around(before, e, after *Encoding, seq int) *Encoding {
	wrap := func(e *Encoding) *Encoding {
		out := newEncoding(0, before.Len()+e.Len()+after.Len())
		out.appendTokens(before)
		out.appendTokens(e)
		out.appendTokens(after)
		n := int32(before.Len())
		for i := range e.SpecialTokensMask {
			out.SpecialTokensMask[int(n)+i] = 0
		}
		for i := range out.AttentionMask {
			out.AttentionMask[i] = 1
		}
		out.seq, out.hasSeq, out.source = [2]span{}, [2]bool{}, e.source
		out.seq[seq], out.hasSeq[seq] = span{n, n + int32(e.Len())}, true
		return out
	}
	out := wrap(e)
	for _, o := range e.Overflowing {
		out.Overflowing = append(out.Overflowing, wrap(o))
	}
	return out
}

// bertProcessing writes [CLS] A [SEP] B [SEP], with type 1 from B on.
type bertProcessing struct{ cls, sep namedID }

func newBertProcessing(_ *builder, n node) (postProcessor, error) {
	var f struct{ Sep, Cls namedID }
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	return bertProcessing{f.Cls, f.Sep}, wantNamed(n, f.Cls, f.Sep)
}

func (c bertProcessing) added(pair bool) int {
	if pair {
		return 3
	}
	return 2
}

func (c bertProcessing) process(list []*Encoding, add bool) ([]*Encoding, error) {
	if !add {
		return list, nil
	}
	out := make([]*Encoding, len(list))
	for i, e := range list {
		if i == 0 {
			out[i] = around(special(0, c.cls), e, special(0, c.sep), 0)
		} else {
			out[i] = around(special(1), e, special(1, c.sep), 1)
		}
	}
	return out, nil
}

// robertaProcessing writes <s> A </s> </s> B </s>, with type 0 everywhere, and may take the spaces that byte-level
// tokens hold out of their offsets.
type robertaProcessing struct {
	cls, sep     namedID
	trim, prefix bool
}

func newRobertaProcessing(_ *builder, n node) (postProcessor, error) {
	f := struct {
		Sep, Cls namedID
		Trim     bool `json:"trim_offsets"`
		Prefix   bool `json:"add_prefix_space"`
	}{Trim: true, Prefix: true}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	return robertaProcessing{f.Cls, f.Sep, f.Trim, f.Prefix}, wantNamed(n, f.Cls, f.Sep)
}

func (c robertaProcessing) added(pair bool) int {
	if pair {
		return 4
	}
	return 2
}

func (c robertaProcessing) process(list []*Encoding, add bool) ([]*Encoding, error) {
	for _, e := range list {
		if c.trim {
			e.trimOffsets(c.prefix)
			for _, o := range e.Overflowing {
				o.trimOffsets(c.prefix)
			}
		}
		e.setType(0)
	}
	if !add {
		return list, nil
	}
	out := make([]*Encoding, len(list))
	for i, e := range list {
		for _, o := range e.Overflowing {
			o.setType(0)
		}
		if i == 0 {
			out[i] = around(special(0, c.cls), e, special(0, c.sep), 0)
		} else {
			out[i] = around(special(0, c.sep), e, special(0, c.sep), 1)
		}
	}
	return out, nil
}

// trimOffsets takes leading and trailing spaces of tokens (written as Ġ) out of their offsets. With prefix a single
// space at the start of the text was put there by the pre-tokenizer and has no place in the text.
func (e *Encoding) trimOffsets(prefix bool) {
	isBlank := func(r rune) bool { return r == 'Ġ' || isSpace(r) }
	for i, s := range e.Tokens {
		lead, trail := 0, 0
		for _, r := range s {
			if !isBlank(r) {
				break
			}
			lead++
		}
		for len(s) > 0 {
			r, n := utf8.DecodeLastRuneInString(s)
			if !isBlank(r) {
				break
			}
			trail++
			s = s[:len(s)-n]
		}
		chars, bytes := &e.CharOffsets[i], &e.Offsets[i]
		if (i == 0 || chars.Start == 0) && prefix && lead == 1 {
			lead = 0
		}
		for ; lead > 0 && chars.Start < chars.End; lead-- {
			_, n := utf8.DecodeRuneInString(e.source[bytes.Start:])
			chars.Start++
			bytes.Start += n
		}
		if chars.End < trail {
			continue
		}
		for ; trail > 0 && chars.Start < chars.End; trail-- {
			_, n := utf8.DecodeLastRuneInString(e.source[:bytes.End])
			chars.End--
			bytes.End -= n
		}
	}
}

// templateProcessing writes what a template says: special tokens and the sequences A and B in any order.
type templateProcessing struct{ single, pair []templatePiece }

type templatePiece struct {
	seq     int // 0 or 1, or -1 for special tokens
	typeID  int32
	special []namedID
}

const maxTemplate = 1 << 12 // pieces, and ids of a special token

func newTemplateProcessing(_ *builder, n node) (postProcessor, error) {
	type piece struct {
		ID     string `json:"id"`
		TypeID int32  `json:"type_id"`
	}
	var f struct {
		Single, Pair []struct {
			Sequence     *piece
			SpecialToken *piece
		}
		Special map[string]struct {
			IDs    []int32  `json:"ids"`
			Tokens []string `json:"tokens"`
		} `json:"special_tokens"`
	}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	var c templateProcessing
	for k, list := range [][]struct {
		Sequence     *piece
		SpecialToken *piece
	}{f.Single, f.Pair} {
		name, out := "single", &c.single
		if k == 1 {
			name, out = "pair", &c.pair
		}
		if len(list) > maxTemplate {
			return nil, n.errorf("%s: %d pieces are more than the limit of %d", name, len(list), maxTemplate)
		}
		for i, p := range list {
			switch {
			case p.Sequence != nil && p.Sequence.ID == "A":
				*out = append(*out, templatePiece{0, p.Sequence.TypeID, nil})
			case p.Sequence != nil && p.Sequence.ID == "B" && k == 1:
				*out = append(*out, templatePiece{1, p.Sequence.TypeID, nil})
			case p.Sequence != nil:
				return nil, n.errorf("%s[%d]: sequence %q is not there: a single template has A, a pair A and B", name, i,
					p.Sequence.ID)
			case p.SpecialToken != nil:
				tok, ok := f.Special[p.SpecialToken.ID]
				if !ok {
					return nil, n.errorf("%s[%d]: token %q is not among the special_tokens", name, i, p.SpecialToken.ID)
				}
				if len(tok.IDs) != len(tok.Tokens) || len(tok.IDs) > maxTemplate {
					return nil, n.errorf("special_tokens: %q has %d ids and %d tokens: want as many of both, at most %d",
						p.SpecialToken.ID, len(tok.IDs), len(tok.Tokens), maxTemplate)
				}
				t := templatePiece{-1, p.SpecialToken.TypeID, make([]namedID, len(tok.IDs))}
				for j, id := range tok.IDs {
					t.special[j] = namedID{tok.Tokens[j], id}
				}
				*out = append(*out, t)
			default:
				return nil, n.errorf(`%s[%d]: want {"Sequence": ...} or {"SpecialToken": ...}`, name, i)
			}
		}
	}
	return c, nil
}

func (c templateProcessing) added(pair bool) int {
	list := c.single
	if pair {
		list = c.pair
	}
	n := 0
	for _, p := range list {
		n += len(p.special)
	}
	return n
}

func (c templateProcessing) process(list []*Encoding, add bool) ([]*Encoding, error) {
	pieces := c.single
	switch len(list) {
	case 1:
	case 2:
		pieces = c.pair
	default:
		return nil, errTemplateTwice
	}
	var out []*Encoding
	for _, p := range pieces {
		switch {
		case p.seq >= 0:
			e := list[p.seq]
			e.setType(p.typeID)
			e.setSequence(p.seq)
			c := e.clone(0)
			c.Overflowing = e.Overflowing
			out = append(out, c)
		case add:
			out = append(out, special(p.typeID, p.special...))
		}
	}
	return out, nil
}
