package tokenizer

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/godwit-ml/godwit/internal/parallel"
)

// MaxTextLen is the longest text, in bytes, that is encoded.
const MaxTextLen = 1 << 28

// Tokenizer encodes text and decodes ids. It is immutable and safe for concurrent use.
type Tokenizer struct {
	normalizer    normalizer
	preTokenizer  preTokenizer
	model         model
	postProcessor postProcessor
	decoder       decoder
	added         *addedVocab
	truncation    *Truncation
	padding       *Padding

	frame  *frame // nil where the special tokens are not simply before and after
	spans  bool   // the ids depend on spans: they are kept even where only ids are wanted
	states parallel.FreeList[state]
}

// frame is what the post-processor puts before and after a single text.
type frame struct{ before, after []int32 }

// Options changes how text is encoded. The zero value adds special tokens and neither truncates nor pads: the settings
// stored in a file apply only where they are asked for, as in Options{Truncation: t.Truncation()}.
type Options struct {
	NoSpecialTokens    bool        // leave out what the post-processor adds
	PlainSpecialTokens bool        // text like "[SEP]" is not a special token
	Truncation         *Truncation // nil: none
	Padding            *Padding    // nil: none
}

// Truncation returns the setting stored in the file, nil if there is none. The result is a copy.
func (t *Tokenizer) Truncation() *Truncation {
	if t.truncation == nil {
		return nil
	}
	c := *t.truncation
	return &c
}

// Padding returns the setting stored in the file, nil if there is none. The result is a copy.
func (t *Tokenizer) Padding() *Padding {
	if t.padding == nil {
		return nil
	}
	c := *t.padding
	return &c
}

// token is one output of a model: its id, its place in the piece, and its text.
type token struct {
	id     int32
	lo, hi int32
	text   string
}

// state is the working memory of a call.
type state struct {
	text    text
	pieces  pieces
	cuts    []addedCut
	inner   []addedCut
	raw     []byte
	toks    []token
	ends    []int32  // where the tokens of each piece end
	hashes  []uint64 // scratch of WordPiece
	symbols symbols  // scratch of BPE
	lattice lattice  // scratch of Unigram
	words   *wordCache
}

// release puts s back, unless a huge text made it huge.
func (t *Tokenizer) release(s *state) {
	if cap(s.raw)+cap(s.text.b)+cap(s.pieces.buf)+8*cap(s.pieces.spans)+20*cap(s.pieces.list)+12*cap(s.symbols.entry)+
		20*cap(s.symbols.links)+8*cap(s.symbols.queue)+16*cap(s.lattice.nodes) < 8<<20 {
		t.states.Put(s)
	}
}

// prepare runs the pipeline up to the model: s.pieces.list are the words.
func (t *Tokenizer) prepare(s *state, input string, plain bool) error {
	if len(input) > MaxTextLen {
		return fmt.Errorf("tokenizer: a text of %d bytes is longer than the limit of %d", len(input), MaxTextLen)
	}
	ps := &s.pieces
	ps.track = s.text.track
	ps.buf, ps.spans, ps.list = ps.buf[:0], ps.spans[:0], ps.list[:0]
	if input == "" {
		return nil
	}
	s.raw = append(s.raw[:0], input...)
	s.cuts = t.added.cuts(t.added.raw, s.raw, plain, s.cuts[:0])
	for _, c := range s.cuts {
		s.text.reset(input[c.lo:c.hi], c.lo)
		if c.tok != nil {
			t.push(s, c.tok, 0, len(s.text.b))
			continue
		}
		if t.normalizer != nil {
			if err := t.normalizer.normalize(&s.text); err != nil {
				return err
			}
		}
		if len(s.text.b) == 0 {
			continue
		}
		s.inner = t.added.cuts(t.added.norm, s.text.b, plain, s.inner[:0])
		for _, c := range s.inner {
			t.push(s, c.tok, c.lo, c.hi)
		}
	}
	ps.limit = min(MaxTextLen*4, 64*len(input)+1<<20)
	if err := ps.checkSize(); err != nil {
		return err
	}
	if t.preTokenizer != nil {
		return t.preTokenizer.preTokenize(ps)
	}
	return nil
}

// push makes the part [lo, hi) of s.text a piece.
func (t *Tokenizer) push(s *state, tok *AddedToken, lo, hi int) {
	if lo >= hi {
		return
	}
	ps := &s.pieces
	p := piece{lo: int32(len(ps.buf)), added: -1, orig: span{s.text.start + int32(lo), s.text.start + int32(lo)}}
	if tok != nil {
		p.added = tok.ID
	}
	ps.buf = append(ps.buf, s.text.b[lo:hi]...)
	p.hi = int32(len(ps.buf))
	if ps.track {
		ps.spans = append(ps.spans, s.text.a[lo:hi]...)
		p.orig = span{s.text.a[lo].lo, s.text.a[hi-1].hi}
	}
	ps.list = append(ps.list, p)
}

// tokenize runs the model over the pieces. With a limit (not negative) it stops as soon as there are that many tokens.
func (t *Tokenizer) tokenize(s *state, limit int) error {
	s.toks, s.ends = s.toks[:0], s.ends[:0]
	ps := &s.pieces
	for _, p := range ps.list {
		if p.added >= 0 {
			s.pushAdded(p)
		} else if err := t.model.tokenize(s, ps.bytes(p)); err != nil {
			return err
		}
		s.ends = append(s.ends, int32(len(s.toks)))
		if limit >= 0 && len(s.toks) >= limit {
			break
		}
	}
	return nil
}

func (s *state) pushAdded(p piece) {
	tok := token{id: p.added, hi: p.hi - p.lo}
	if s.pieces.track {
		tok.text = string(s.pieces.bytes(p))
	}
	s.toks = append(s.toks, tok)
}

// encoding makes an Encoding of the tokens in s.
func (s *state) encoding(input string, typeID int32) *Encoding {
	n := len(s.toks)
	e := newEncoding(n, n)
	e.source = input
	i := int32(0)
	for w, p := range s.pieces.list {
		for ; i < s.ends[w]; i++ {
			tok := &s.toks[i]
			e.IDs[i], e.TypeIDs[i], e.Tokens[i] = tok.id, typeID, tok.text
			e.AttentionMask[i], e.WordIDs[i] = 1, int32(w)
			lo, hi := p.lo+tok.lo, p.lo+tok.hi
			if lo < hi && hi <= p.hi {
				e.Offsets[i] = Span{int(s.pieces.spans[lo].lo), int(s.pieces.spans[hi-1].hi)}
			} else {
				e.Offsets[i] = Span{int(p.orig.lo), int(p.orig.lo)}
			}
		}
	}
	charOffsets(input, e.Offsets, e.CharOffsets)
	return e
}

// charOffsets converts byte offsets, which mostly ascend, to offsets in runes.
func charOffsets(input string, in, out []Span) {
	at, runes := 0, 0
	convert := func(b int) int {
		if b > len(input) {
			b = len(input)
		}
		if b < at {
			if at-b < b {
				runes -= utf8.RuneCountInString(input[b:at])
			} else {
				runes = utf8.RuneCountInString(input[:b])
			}
			at = b
			return runes
		}
		for at < b && input[at] < utf8.RuneSelf {
			at++
			runes++
		}
		runes += utf8.RuneCountInString(input[at:b])
		at = b
		return runes
	}
	for i, s := range in {
		out[i] = Span{convert(s.Start), convert(s.End)}
	}
}

// noRoom is the error of a limit that not even the special tokens keep.
func noRoom(special, limit int) error {
	return fmt.Errorf("tokenizer: %d special tokens do not fit into the limit of %d", special, limit)
}

func (t *Tokenizer) encodeOne(input string, typeID int32, o *Options) (*Encoding, error) {
	s := t.states.Get()
	defer t.release(s)
	s.text.track = true
	if err := t.prepare(s, input, o.PlainSpecialTokens); err != nil {
		return nil, err
	}
	if err := t.tokenize(s, -1); err != nil {
		return nil, err
	}
	return s.encoding(input, typeID), nil
}

// Encode turns text into tokens.
func (t *Tokenizer) Encode(text string, o Options) (*Encoding, error) {
	return t.encode(text, nil, &o)
}

// EncodePair turns a text and a second one into tokens: premise and hypothesis, question and passage.
func (t *Tokenizer) EncodePair(text, pair string, o Options) (*Encoding, error) {
	return t.encode(text, &pair, &o)
}

func (t *Tokenizer) encode(text string, pair *string, o *Options) (*Encoding, error) {
	if tr := o.Truncation; tr != nil && (tr.MaxLength < 0 || tr.Stride < 0) {
		return nil, fmt.Errorf("tokenizer: truncation to %d tokens with a stride of %d: neither may be negative",
			tr.MaxLength, tr.Stride)
	}
	a, err := t.encodeOne(text, 0, o)
	if err != nil {
		return nil, err
	}
	var b *Encoding
	if pair != nil {
		if b, err = t.encodeOne(*pair, 1, o); err != nil {
			return nil, err
		}
	}
	if o.Truncation != nil {
		tr := *o.Truncation
		if t.postProcessor != nil && !o.NoSpecialTokens {
			n := t.postProcessor.added(b != nil)
			if n > tr.MaxLength {
				return nil, noRoom(n, tr.MaxLength)
			}
			tr.MaxLength -= n
		}
		if err := truncatePair(a, b, tr); err != nil {
			return nil, err
		}
	}
	e, err := t.post(a, b, !o.NoSpecialTokens)
	if err != nil {
		return nil, err
	}
	if o.Padding != nil {
		if err := padAll([]*Encoding{e}, o.Padding); err != nil {
			return nil, err
		}
	}
	e.finish()
	return e, nil
}

// post runs the post-processor and joins what it returns.
func (t *Tokenizer) post(a, b *Encoding, special bool) (*Encoding, error) {
	list := []*Encoding{a}
	if b != nil {
		list = append(list, b)
	}
	if t.postProcessor == nil {
		if b == nil {
			return a, nil
		}
		a.setSequence(0)
		b.setSequence(1)
		return mergeEncodings(list)
	}
	for i, e := range list {
		e.setSequence(i)
		e.setType(int32(i))
		for _, o := range e.Overflowing {
			o.setSequence(i)
		}
	}
	list, err := t.postProcessor.process(list, special)
	if err != nil {
		return nil, err
	}
	return mergeEncodings(list)
}

// EncodeBatch encodes texts; padding is to the longest of them, unless it is fixed.
func (t *Tokenizer) EncodeBatch(texts []string, o Options) ([]*Encoding, error) {
	return t.batch(len(texts), &o, func(i int) (*Encoding, error) { return t.encode(texts[i], nil, &o) })
}

// EncodePairs encodes pairs of texts as a batch.
func (t *Tokenizer) EncodePairs(pairs [][2]string, o Options) ([]*Encoding, error) {
	return t.batch(len(pairs), &o, func(i int) (*Encoding, error) { return t.encode(pairs[i][0], &pairs[i][1], &o) })
}

func (t *Tokenizer) batch(n int, o *Options, encode func(int) (*Encoding, error)) ([]*Encoding, error) {
	list := make([]*Encoding, n)
	for i := range list {
		e, err := encode(i)
		if err != nil {
			return nil, fmt.Errorf("text %d of the batch: %w", i, err)
		}
		list[i] = e
	}
	if o.Padding != nil && n > 0 {
		if err := padAll(list, o.Padding); err != nil {
			return nil, err
		}
		for _, e := range list {
			e.finish()
		}
	}
	return list, nil
}

// AppendIDs appends to dst the ids of text with its special tokens, cut on the right to at most maxLen ids with them
// (0: not cut). In steady state it allocates only what dst needs to grow.
func (t *Tokenizer) AppendIDs(dst []int32, text string, maxLen int) ([]int32, error) {
	if t.frame == nil {
		return t.appendEncoded(dst, text, maxLen)
	}
	f := t.frame
	room := -1
	if maxLen > 0 {
		room = maxLen - len(f.before) - len(f.after)
		if room < 0 {
			return dst, noRoom(len(f.before)+len(f.after), maxLen)
		}
	}
	out, err := t.appendIDs(append(dst, f.before...), text, room)
	if err != nil {
		return dst, err
	}
	return append(out, f.after...), nil
}

// AppendPlainIDs is AppendIDs without special tokens.
func (t *Tokenizer) AppendPlainIDs(dst []int32, text string, maxLen int) ([]int32, error) {
	room := -1
	if maxLen > 0 {
		room = maxLen
	}
	return t.appendIDs(dst, text, room)
}

func (t *Tokenizer) appendIDs(dst []int32, text string, room int) ([]int32, error) {
	s := t.states.Get()
	defer t.release(s)
	s.text.track = t.spans
	if err := t.prepare(s, text, false); err != nil {
		return dst, err
	}
	if err := t.tokenize(s, room); err != nil {
		return dst, err
	}
	n := len(s.toks)
	if room >= 0 {
		n = min(n, room)
	}
	for _, tok := range s.toks[:n] {
		dst = append(dst, tok.id)
	}
	return dst, nil
}

// appendEncoded is AppendIDs for post-processors that do more than frame the text.
func (t *Tokenizer) appendEncoded(dst []int32, text string, maxLen int) ([]int32, error) {
	var o Options
	if maxLen > 0 {
		o.Truncation = &Truncation{MaxLength: maxLen}
	}
	e, err := t.Encode(text, o)
	if err != nil {
		return dst, err
	}
	return append(dst, e.IDs...), nil
}

// finish decides, when all components are there, what calls need not do.
func (t *Tokenizer) finish() {
	t.frame = t.findFrame()
	list, _ := t.preTokenizer.(preTokenizerSequence)
	if list == nil && t.preTokenizer != nil {
		list = preTokenizerSequence{t.preTokenizer}
	}
	levels := 0
	for i, c := range list {
		switch c := c.(type) {
		case *byteLevel:
			levels++
			if m, ok := t.model.(*bpe); ok && i == len(list)-1 && levels == 1 {
				c.raw = m.readBytes()
			}
		case *metaspace:
			// Without a normalizer and another pre-tokenizer, where a piece begins is known without spans.
			if c.scheme == prependFirst && (t.normalizer != nil || len(list) > 1) {
				t.spans = true
			}
		case preTokenizerSequence:
			levels += 2
			t.spans = true
		}
	}
}

// findFrame asks the post-processor what it puts around a text.
func (t *Tokenizer) findFrame() *frame {
	const mark = -1 // no token has this id
	e := newEncoding(1, 1)
	e.IDs[0] = mark
	e, err := t.post(e, nil, true)
	if err != nil {
		return nil
	}
	at := -1
	for i, id := range e.IDs {
		if id == mark {
			if at >= 0 {
				return nil
			}
			at = i
		}
	}
	if at < 0 {
		return nil
	}
	return &frame{append([]int32(nil), e.IDs[:at]...), append([]int32(nil), e.IDs[at+1:]...)}
}

// SpecialCount returns how many tokens the post-processor adds to a text, or to a pair of texts.
func (t *Tokenizer) SpecialCount(pair bool) int {
	if t.postProcessor == nil {
		return 0
	}
	return t.postProcessor.added(pair)
}

// TokenToID returns the id of a token.
func (t *Tokenizer) TokenToID(token string) (int32, bool) {
	if id, ok := t.added.byContent[token]; ok {
		return id, true
	}
	return t.model.tokenToID(token)
}

// IDToToken returns the token of an id. A normalized added token is returned as the normalizer writes it.
func (t *Tokenizer) IDToToken(id int32) (string, bool) {
	if tok, ok := t.added.byID[id]; ok {
		if s, ok := t.added.shown[id]; ok {
			return s, true
		}
		return tok.Content, true
	}
	return t.model.idToToken(id)
}

// VocabSize returns the number of tokens, added ones included.
func (t *Tokenizer) VocabSize() int {
	n := t.model.vocabSize()
	for s := range t.added.byContent {
		if _, ok := t.model.tokenToID(s); !ok {
			n++
		}
	}
	return n
}

// AddedTokens returns the added tokens by id.
func (t *Tokenizer) AddedTokens() map[int32]AddedToken {
	m := make(map[int32]AddedToken, len(t.added.byID))
	for id, tok := range t.added.byID {
		m[id] = *tok
	}
	return m
}

var errTemplateTwice = errors.New("tokenizer: a Sequence of post-processors with a second TemplateProcessing")

var errTooLong = errors.New("tokenizer: normalising makes the text longer than the limit")

var errNoUnknown = errors.New("tokenizer: the text has a word that is not in the vocabulary, and the vocabulary lacks the" +
	" unknown token: name one in the model's unk_token that is there")
