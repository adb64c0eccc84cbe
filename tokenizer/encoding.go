package tokenizer

import (
	"errors"
	"fmt"
)

// Encoding is what a text, or a pair of texts, became. All slices but Overflowing have one element a token.
type Encoding struct {
	IDs               []int32
	TypeIDs           []int32  // 0 or 1: which part of a pair, as the post-processor sees it
	Tokens            []string // an added token is shown as it was matched, stripped spaces included
	Offsets           []Span   // in bytes of the text that the token comes from; {0, 0} for special tokens
	CharOffsets       []Span   // the same in characters (runes)
	SpecialTokensMask []int32  // 1 for tokens that the post-processor or the padding added
	AttentionMask     []int32  // 0 for padding
	WordIDs           []int32  // index of the word, -1 for none
	SequenceIDs       []int32  // 0 for the text, 1 for its pair, -1 for neither
	// Overflowing holds the parts that truncation cut off, each as long as the truncation allows and overlapping by
	// its stride. For a pair in which both texts overflow these are all combinations of their parts.
	Overflowing []*Encoding

	seq    [2]span // where each sequence lies
	hasSeq [2]bool
	source string // the text that the offsets point into, while there is one
}

// Len returns the number of tokens.
func (e *Encoding) Len() int { return len(e.IDs) }

// newEncoding returns an encoding of n zero tokens with room for more, in four allocations.
func newEncoding(n, room int) *Encoding {
	ints := make([]int32, 6*room)
	cut := func() []int32 {
		c := ints[:n:room]
		ints = ints[room:]
		return c
	}
	spans := make([]Span, 2*room)
	return &Encoding{
		IDs: cut(), TypeIDs: cut(), SpecialTokensMask: cut(), AttentionMask: cut(), WordIDs: cut(), SequenceIDs: cut(),
		Tokens: make([]string, n, room), Offsets: spans[:n:room], CharOffsets: spans[room:][:n:room],
	}
}

// Direction is an end of a text: where truncation cuts, or where padding goes.
type Direction uint8

// The directions. Right is the usual one.
const (
	Right Direction = iota
	Left
)

// TruncationStrategy says which text of a pair is cut.
type TruncationStrategy uint8

// The strategies.
const (
	LongestFirst TruncationStrategy = iota // token by token from the longer text
	OnlyFirst
	OnlySecond
)

// Truncation limits the number of tokens.
type Truncation struct {
	MaxLength int // with the special tokens
	Strategy  TruncationStrategy
	Stride    int // tokens that neighbouring parts share in Encoding.Overflowing
	Direction Direction
}

// Padding makes encodings longer, up to the longest of the batch or to a fixed length.
type Padding struct {
	Length     int // 0: the longest of the batch
	MultipleOf int // 0: any length
	ID         int32
	TypeID     int32
	Token      string
	Direction  Direction
	// Fixed pads to Length even where Length is 0.
	Fixed bool
}

var (
	errNoSecond = errors.New("tokenizer: truncation: the strategy cuts the second text, and there is none")
	errTooShort = errors.New(
		"tokenizer: truncation: the text to cut is too short to reach the maximum length: allow more, or use LongestFirst")
)

// maxOverflowTokens bounds the size of all overflowing parts of one text together, maxPairTokens that of the
// combinations of a pair's parts, of which there is a product: each counts its tokens and 16 more.
const (
	maxOverflowTokens = 1 << 26
	maxPairTokens     = 1 << 22
)

func (e *Encoding) setSequence(i int) {
	e.seq[i] = span{0, int32(e.Len())}
	e.hasSeq[i] = true
}

func (e *Encoding) setType(id int32) {
	for i := range e.TypeIDs {
		e.TypeIDs[i] = id
	}
}

// part copies the tokens [lo, hi).
func (e *Encoding) part(lo, hi int) *Encoding {
	return &Encoding{
		IDs: e.IDs[lo:hi:hi], TypeIDs: append([]int32(nil), e.TypeIDs[lo:hi]...), Tokens: e.Tokens[lo:hi:hi],
		Offsets:           append([]Span(nil), e.Offsets[lo:hi]...),
		CharOffsets:       append([]Span(nil), e.CharOffsets[lo:hi]...),
		SpecialTokensMask: e.SpecialTokensMask[lo:hi:hi], AttentionMask: e.AttentionMask[lo:hi:hi],
		WordIDs: e.WordIDs[lo:hi:hi], source: e.source,
	}
}

// truncate cuts e to max tokens and puts the rest into Overflowing.
func (e *Encoding) truncate(max, stride int, dir Direction) error {
	n := e.Len()
	if max >= n {
		return nil
	}
	if max == 0 {
		whole := *e
		*e = Encoding{Overflowing: []*Encoding{&whole}}
		return nil
	}
	if stride >= max {
		return fmt.Errorf("tokenizer: truncation: the stride %d must be less than the %d tokens that are left beside the"+
			" special tokens", stride, max)
	}
	step := max - stride
	if (n/step+1)*max > maxOverflowTokens {
		return fmt.Errorf("tokenizer: truncation: %d tokens in steps of %d overflow into too many parts: use a smaller"+
			" stride", n, step)
	}
	var parts []*Encoding
	if dir == Right {
		for lo := 0; lo < n; lo += step {
			hi := min(lo+max, n)
			parts = append(parts, e.part(lo, hi))
			if hi == n {
				break
			}
		}
	} else {
		for hi := n; hi > 0; hi -= step {
			lo := hi - max
			if lo < 0 {
				lo = 0
			}
			parts = append(parts, e.part(lo, hi))
			if lo == 0 {
				break
			}
		}
	}
	*e = *parts[0]
	e.Overflowing = parts[1:]
	return nil
}

// truncatePair applies t, whose MaxLength no longer counts special tokens.
func truncatePair(a, b *Encoding, t Truncation) error {
	if t.MaxLength == 0 {
		if b != nil {
			if err := b.truncate(0, t.Stride, t.Direction); err != nil {
				return err
			}
		}
		return a.truncate(0, t.Stride, t.Direction)
	}
	total := a.Len()
	if b != nil {
		total += b.Len()
	}
	excess := total - t.MaxLength
	if excess <= 0 {
		return nil
	}
	if t.Strategy == LongestFirst {
		if b == nil {
			return a.truncate(t.MaxLength, t.Stride, t.Direction)
		}
		swap := a.Len() > b.Len()
		short := min(a.Len(), b.Len())
		long := max(short, t.MaxLength-short)
		if short > t.MaxLength {
			long = short
		}
		if short+long > t.MaxLength {
			short = t.MaxLength / 2
			long = short + t.MaxLength%2
		}
		if swap {
			short, long = long, short
		}
		if err := a.truncate(short, t.Stride, t.Direction); err != nil {
			return err
		}
		return b.truncate(long, t.Stride, t.Direction)
	}
	target := a
	if t.Strategy == OnlySecond {
		if b == nil {
			return errNoSecond
		}
		target = b
	}
	if target.Len() <= excess {
		return errTooShort
	}
	return target.truncate(target.Len()-excess, t.Stride, t.Direction)
}

// clone copies the tokens of e, not its overflowing parts, with room for more.
func (e *Encoding) clone(room int) *Encoding {
	c := newEncoding(0, e.Len()+room)
	c.source = e.source
	c.appendTokens(e)
	return c
}

func (e *Encoding) appendTokens(o *Encoding) {
	n := int32(e.Len())
	for i := range o.seq {
		if o.hasSeq[i] {
			e.seq[i] = span{o.seq[i].lo + n, o.seq[i].hi + n}
			e.hasSeq[i] = true
		}
	}
	e.IDs = append(e.IDs, o.IDs...)
	e.TypeIDs = append(e.TypeIDs, o.TypeIDs...)
	e.Tokens = append(e.Tokens, o.Tokens...)
	e.Offsets = append(e.Offsets, o.Offsets...)
	e.CharOffsets = append(e.CharOffsets, o.CharOffsets...)
	e.SpecialTokensMask = append(e.SpecialTokensMask, o.SpecialTokensMask...)
	e.AttentionMask = append(e.AttentionMask, o.AttentionMask...)
	e.WordIDs = append(e.WordIDs, o.WordIDs...)
}

// mergeEncodings joins encodings end to end; overflowing parts are combined with everything beside them.
func mergeEncodings(list []*Encoding) (*Encoding, error) {
	room := 0
	for _, o := range list {
		room += o.Len()
	}
	out := newEncoding(0, room)
	for _, o := range list {
		p, q := out.Overflowing, o.Overflowing
		if len(p) > 0 && len(q) > 0 && (len(p)+1)*(len(q)+1) > maxPairTokens/(out.Len()+o.Len()+16) {
			return nil, errors.New("tokenizer: truncation: the pair overflows into too many combinations of parts:" +
				" truncate only one text of it, or allow more tokens")
		}
		var over []*Encoding
		join := func(a, b *Encoding) {
			c := a.clone(b.Len())
			c.appendTokens(b)
			over = append(over, c)
		}
		for _, a := range p {
			join(a, o)
			for _, b := range q {
				join(a, b)
			}
		}
		for _, b := range q {
			join(out, b)
		}
		out.appendTokens(o)
		out.Overflowing = over
	}
	return out, nil
}

// pad makes e and its overflowing parts n tokens long.
func (e *Encoding) pad(n int, p *Padding) {
	for _, o := range e.Overflowing {
		o.pad(n, p)
	}
	k := n - e.Len()
	if k <= 0 {
		return
	}
	fill := newEncoding(k, n)
	for i := range k {
		fill.IDs[i], fill.TypeIDs[i], fill.Tokens[i] = p.ID, p.TypeID, p.Token
		fill.SpecialTokensMask[i], fill.WordIDs[i] = 1, -1
	}
	if p.Direction == Right {
		e.appendTokens(fill)
		return
	}
	over := e.Overflowing
	fill.appendTokens(e)
	*e = *fill
	e.Overflowing = over
}

// padAll pads a batch.
func padAll(list []*Encoding, p *Padding) error {
	n := p.Length
	if n == 0 && !p.Fixed {
		for _, e := range list {
			n = max(n, e.Len())
		}
	}
	if m := p.MultipleOf; m > 0 && n%m > 0 {
		n += m - n%m
	}
	if n > MaxTextLen || n < 0 {
		return fmt.Errorf("tokenizer: padding to %d tokens is beyond the limit of %d", n, MaxTextLen)
	}
	for _, e := range list {
		e.pad(n, p)
	}
	return nil
}

// finish fills in SequenceIDs, and lets the text go.
func (e *Encoding) finish() {
	e.source = ""
	for _, o := range e.Overflowing {
		o.finish()
	}
	if cap(e.SequenceIDs) < e.Len() {
		e.SequenceIDs = make([]int32, e.Len())
	}
	e.SequenceIDs = e.SequenceIDs[:e.Len()]
	for i := range e.SequenceIDs {
		e.SequenceIDs[i] = -1
	}
	count := 0
	for _, has := range e.hasSeq {
		if has {
			count++
		}
	}
	for i := range max(count, 1) {
		r := span{0, int32(e.Len())}
		if e.hasSeq[i] {
			r = e.seq[i]
		}
		for k := r.lo; k < r.hi; k++ {
			e.SequenceIDs[k] = int32(i)
		}
	}
}
