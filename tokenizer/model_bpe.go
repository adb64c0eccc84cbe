package tokenizer

import (
	"bytes"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// bpe joins the characters of a word, always the pair that comes first in the list of merges and of equal ones the
// leftmost, until no pair is in the list. (Sennrich, Haddow and Birch 2016.) Inside, tokens are entries of the
// vocabulary, not ids.
type bpe struct {
	*vocab
	pairs        pairTable
	made         []int32 // the entry that a merge makes, by its rank
	prefix       string  // of every character of a word but its first
	suffix       string  // of a word's last character
	unk          int32   // entry of the unknown token, -1 if it is not in the vocabulary
	hasUnk       bool    // without one, unknown characters are dropped
	fuse         bool    // unknown characters in a row are one
	fallback     bool    // unknown characters become tokens of their bytes, like <0xE2>
	bytes        [256]int32
	ignoreMerges bool // a word that is a token is that token

	first [utf8.RuneSelf]int32 // entries of ASCII characters, -1 where there is none
	wide  [(utf8.MaxRune + 1) >> 8]*[256]int32

	// For words of bytes: what each byte begins as, in a word and at its end, and the rank of each pair of bytes.
	raw, rawLast [256]int32
	rawPairs     []int32
	isRaw        bool

	// Where words are whole texts: they may be cut before a mark (▁) that comes after a byte which no token has before it.
	cuts bool
	join [256]bool
}

const mark = "▁"

// noRank is the rank of a pair that is not in the list.
const noRank = math.MaxInt32

// pairTable maps a pair of entries to its rank, by open addressing. Nearly all pairs of a text are in no list: a bit for
// four places in each slot, which fit into a near cache, answers for most of them.
type pairTable struct {
	slots []uint64 // a pair's key and its rank plus 1, 0: free
	bits  []uint64
	shift uint
}

// What fits into a slot: entries of 21 bits each and ranks of 22.
const (
	maxEntries = 1 << 21
	maxMerges  = 1<<22 - 2
	rankBits   = 22
	pairHash   = 0x9E3779B97F4A7C15
)

func pairKey(a, b int32) uint64 { return uint64(a)<<21 | uint64(b) }

func newPairTable(n int) pairTable {
	log := max(4, bits.Len(uint(n*2)))
	return pairTable{make([]uint64, 1<<log), make([]uint64, 1<<(log-4)), uint(64 - log)}
}

// put enters a pair; of one that is listed twice the last rank counts.
func (t *pairTable) put(a, b, rank int32) {
	key := pairKey(a, b)
	h := (key + 1) * pairHash
	bit := h >> (t.shift - 2)
	t.bits[bit>>6] |= 1 << (bit & 63)
	i := h >> t.shift
	for t.slots[i] != 0 && t.slots[i]>>rankBits != key {
		i = (i + 1) & uint64(len(t.slots)-1)
	}
	t.slots[i] = key<<rankBits | uint64(rank+1)
}

func (t *pairTable) rank(a, b int32) int32 {
	key := pairKey(a, b)
	h := (key + 1) * pairHash
	bit := h >> (t.shift - 2)
	if t.bits[bit>>6]&(1<<(bit&63)) == 0 {
		return noRank
	}
	mask := uint64(len(t.slots) - 1)
	for i := h >> t.shift; ; i = (i + 1) & mask {
		switch s := t.slots[i&mask]; {
		case s == 0:
			return noRank
		case s>>rankBits == key:
			return int32(s&(1<<rankBits-1)) - 1
		}
	}
}

func newBPE(_ *builder, n node) (model, error) {
	fields, err := n.fields()
	if err != nil {
		return nil, err
	}
	var unk *string
	m := &bpe{unk: -1}
	for name, to := range map[string]any{
		"unk_token": &unk, "continuing_subword_prefix": &m.prefix, "end_of_word_suffix": &m.suffix, "fuse_unk": &m.fuse,
		"byte_fallback": &m.fallback, "ignore_merges": &m.ignoreMerges,
	} {
		if f, ok := fields[name]; ok && !f.null() {
			if err := f.decode(to); err != nil {
				return nil, err
			}
		}
	}
	// Dropout is a way to train: the same text would have other tokens each time. It is checked and left out.
	if f, ok := fields["dropout"]; ok && !f.null() {
		var p float64
		if err := f.decode(&p); err != nil {
			return nil, err
		}
		if p < 0 || p > 1 {
			return nil, f.errorf("dropout %v: want a number from 0 to 1", p)
		}
	}
	v, ok := fields["vocab"]
	if !ok {
		return nil, n.errorf(`a BPE model without "vocab"`)
	}
	list, ok := fields["merges"]
	if !ok {
		return nil, n.errorf(`a BPE model without "merges"`)
	}
	if m.vocab, err = parseVocab(v); err != nil {
		return nil, err
	}
	if unk != nil {
		m.hasUnk, m.unk = true, m.entry(*unk)
	}
	adder := m.newMergeAdder(bytes.Count(list.raw, []byte(",")) + 1)
	if err := eachMerge(list, adder.add); err != nil {
		return nil, err
	}
	m.init()
	return m, nil
}

// entry returns the entry of a token, or -1.
func (m *bpe) entry(token string) int32 {
	return int32(m.index.find(m.tokens, []byte(token), hashString(token)))
}

// mergeAdder enters merges in their order.
type mergeAdder struct {
	*bpe
	both []byte
}

func (m *bpe) newMergeAdder(n int) *mergeAdder {
	m.pairs = newPairTable(n)
	m.made = make([]int32, 0, n)
	return &mergeAdder{bpe: m}
}

// add enters the next merge. What is wrong with it is returned, without the place.
func (m *mergeAdder) add(a, b string) string {
	if len(m.made) == maxMerges || m.size() > maxEntries {
		return "more than " + strconv.Itoa(maxMerges) + " merges or " + strconv.Itoa(maxEntries) + " tokens are not supported"
	}
	ha := hashString(a)
	ea := m.index.find(m.tokens, []byte(a), ha)
	if ea < 0 {
		return notInVocab(a)
	}
	eb := m.index.find(m.tokens, []byte(b), hashString(b))
	if eb < 0 {
		return notInVocab(b)
	}
	if len(b) < len(m.prefix) {
		return "the second token " + quote(b) + " is shorter than continuing_subword_prefix"
	}
	tail := b[len(m.prefix):]
	m.both = append(append(m.both[:0], a...), tail...)
	for i := 0; i < len(tail); i++ {
		ha = hashByte(ha, tail[i])
	}
	made := m.index.find(m.tokens, m.both, ha)
	if made < 0 {
		return notInVocab(string(m.both))
	}
	m.pairs.put(int32(ea), int32(eb), int32(len(m.made)))
	m.made = append(m.made, int32(made))
	return ""
}

func notInVocab(s string) string { return "token " + quote(s) + " is not in the vocabulary" }

// eachMerge calls add for each merge of a list, ["a", "b"] or "a b".
func eachMerge(list node, add func(a, b string) string) error {
	count := 0
	return list.each(func(item node) error {
		count++
		var a, b string
		if len(item.raw) > 0 && item.raw[0] == '[' {
			i := space(item.raw, 1)
			var err error
			if a, i, err = item.str(i); err != nil {
				return err
			}
			if i = space(item.raw, i); i == len(item.raw) || item.raw[i] != ',' {
				return item.errorf("merge %d: want a pair of tokens, have %s", count, shorten(item.raw))
			}
			if b, i, err = item.str(space(item.raw, i+1)); err != nil {
				return err
			}
			if i = space(item.raw, i); i != len(item.raw)-1 {
				return item.errorf("merge %d: want a pair of tokens, have %s", count, shorten(item.raw))
			}
		} else {
			s, _, err := item.str(0)
			if err != nil {
				return err
			}
			if strings.HasPrefix(s, "#version") {
				return nil
			}
			var ok bool
			if a, b, ok = strings.Cut(s, " "); !ok || strings.IndexByte(b, ' ') >= 0 {
				return item.errorf("merge %d: want two tokens with a space between them, have %s", count, shorten(item.raw))
			}
		}
		if wrong := add(a, b); wrong != "" {
			return item.errorf("merge %d: %s", count, wrong)
		}
		return nil
	})
}

// init makes the tables that follow from vocabulary and merges.
func (m *bpe) init() {
	for i := range m.first {
		m.first[i] = -1
	}
	for e, s := range m.tokens {
		r, n := utf8.DecodeRuneInString(s)
		if n != len(s) || n == 0 {
			continue
		}
		if r < utf8.RuneSelf {
			m.first[r] = int32(e)
			continue
		}
		page := m.wide[r>>8]
		if page == nil {
			page = new([256]int32)
			m.wide[r>>8] = page
		}
		page[r&0xFF] = int32(e) + 1
	}
	for b := range m.bytes {
		m.bytes[b] = m.entry(byteTokenName(byte(b)))
	}
	m.findCuts()
}

// findCuts finds after which bytes no token goes on with a mark. Where one does, what is before the mark must be text that
// stands for itself: a token of a byte (<0xE2>) and the unknown one do not, and then words are not cut at all. Nor are they where
// one goes on and characters may be dropped, as what is before a dropped one meets the mark.
func (m *bpe) findCuts() {
	if m.prefix != "" || m.suffix != "" || m.ignoreMerges || m.entry(mark) < 0 {
		return
	}
	m.cuts = true
	drops := m.unk < 0 && !(m.fallback && !slices.Contains(m.bytes[:], -1))
	for _, e := range m.made {
		s := m.tokens[e]
		for i := 1; i < len(s); i++ {
			k := strings.Index(s[i:], mark)
			if k < 0 {
				break
			}
			i += k
			if strings.HasSuffix(s[:i], mark) {
				continue
			}
			m.join[s[i-1]] = true
			if drops || strings.Contains(s[:i], "<0x") || m.unk >= 0 && strings.Contains(s[:i], m.tokens[m.unk]) {
				m.cuts = false
				return
			}
		}
	}
}

// readBytes makes the model read words of bytes in place of their byte-level writing, if that gives the same tokens: if
// each byte is a token, and no merge sees what a byte is written as.
func (m *bpe) readBytes() bool {
	if m.prefix != "" {
		return false
	}
	for b := range 256 {
		c := string(byteRunes[b])
		m.raw[b], m.rawLast[b] = m.entry(c), m.entry(c+m.suffix)
		if m.raw[b] < 0 || m.rawLast[b] < 0 {
			return false
		}
	}
	m.rawPairs = make([]int32, 1<<16)
	for a := range 256 {
		for b := range 256 {
			m.rawPairs[a<<8|b] = m.pairs.rank(m.raw[a], m.raw[b])
		}
	}
	m.isRaw = true
	return true
}

func (m *bpe) vocabSize() int { return m.size() }

// symbols is a word on its way: for each symbol its entry, its length, and the rank of the pair that it begins; long
// words are links.
type symbols struct {
	entry, size, rank []int32
	links             []link
	queue             []uint64 // of ranks and places, the least first
	clean             bool     // no character was unknown
	word              []byte
}

// link is a symbol of a long word: together, because merges jump about in it.
type link struct{ entry, size, rank, next, prev int32 }

func (y *symbols) reset() {
	y.entry, y.size, y.rank, y.clean = y.entry[:0], y.size[:0], y.rank[:0], true
}

func (y *symbols) add(entry int32, size int) {
	y.entry = append(y.entry, entry)
	y.size = append(y.size, int32(size))
}

func (m *bpe) tokenize(s *state, word []byte) error {
	if !m.cuts || m.isRaw {
		_, err := m.tokenizeWord(s, word, 0)
		return err
	}
	at, lo := int32(0), 0
	var err error
	for i := 1; i < len(word); {
		k := bytes.Index(word[i:], []byte(mark))
		if k < 0 {
			break
		}
		i += k
		if !m.join[word[i-1]] && !bytes.HasSuffix(word[lo:i], []byte(mark)) {
			if at, err = m.tokenizeWord(s, word[lo:i], at); err != nil {
				return err
			}
			lo = i
		}
		i += len(mark)
	}
	_, err = m.tokenizeWord(s, word[lo:], at)
	return err
}

// tokenizeWord appends the tokens of word; their offsets begin at at, and it returns where they end.
func (m *bpe) tokenizeWord(s *state, word []byte, at int32) (int32, error) {
	var cached *cachedWord
	if n := len(word); n > 0 && n <= maxCachedAt {
		if s.words == nil {
			s.words = new(wordCache)
		}
		var ok bool
		if cached, ok = s.words.find(word); ok {
			lo := at
			for i := range int(cached.count) {
				e, hi := cached.entries[i], at+int32(cached.ends[i])
				tok := token{id: m.ids[e], lo: lo, hi: hi}
				if s.pieces.track {
					tok.text = m.tokens[e]
				}
				s.toks = append(s.toks, tok)
				lo = hi
			}
			return lo, nil
		}
	}
	y := &s.symbols
	y.reset()
	if err := m.split(y, word); err != nil {
		return at, err
	}
	m.merge(y)
	first := len(s.toks)
	for i, e := range y.entry {
		tok := token{id: m.ids[e], lo: at, hi: at + y.size[i]}
		if s.pieces.track {
			tok.text = m.tokens[e]
		}
		s.toks = append(s.toks, tok)
		at = tok.hi
	}
	if cached != nil && y.clean {
		cached.store(word, y.entry, s.toks[first:])
	}
	return at, nil
}

// split makes the symbols that a word begins as.
func (m *bpe) split(y *symbols, word []byte) error {
	if m.ignoreMerges {
		whole := word
		if m.isRaw && len(word) <= m.maxLen {
			y.word = appendByteLevel(y.word[:0], word)
			whole = y.word
		}
		if len(whole) <= m.maxLen {
			if e := m.index.find(m.tokens, whole, hashString(whole)); e >= 0 {
				y.add(int32(e), len(word))
				return nil
			}
		}
	}
	if m.isRaw {
		last := len(word) - 1
		for i, b := range word[:last+1] {
			y.add(m.raw[b], 1)
			if i < last {
				y.rank = append(y.rank, m.rawPairs[int(b)<<8|int(word[i+1])])
			}
		}
		y.entry[last] = m.rawLast[word[last]]
		if last > 0 {
			y.rank[last-1] = m.pairs.rank(y.entry[last-1], y.entry[last])
		}
		return nil
	}
	unknown := 0 // length of unknown characters that wait
	for i := 0; i < len(word); {
		r, n := rune(word[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(word[i:])
		}
		c := word[i : i+n]
		e := int32(-1)
		switch {
		case i > 0 && m.prefix != "" || i+n == len(word) && m.suffix != "":
			y.word = y.word[:0]
			if i > 0 {
				y.word = append(y.word, m.prefix...)
			}
			y.word = append(y.word, c...)
			if i+n == len(word) {
				y.word = append(y.word, m.suffix...)
			}
			c = y.word
			e = int32(m.index.find(m.tokens, c, hashString(c)))
		case r < utf8.RuneSelf:
			e = m.first[r]
		default:
			if page := m.wide[r>>8]; page != nil {
				e = page[r&0xFF] - 1
			}
		}
		i += n
		if e >= 0 {
			if unknown > 0 {
				y.add(m.unk, unknown)
				unknown = 0
			}
			y.add(e, n)
			continue
		}
		y.clean = false
		if m.fallback && m.hasBytes(c) { // unknown characters that wait are not flushed: they come after the bytes
			for _, b := range c {
				y.add(m.bytes[b], 1)
			}
			continue
		}
		if !m.hasUnk {
			continue
		}
		if m.unk < 0 {
			return errNoUnknown
		}
		if unknown > 0 && !m.fuse {
			y.add(m.unk, unknown)
			unknown = 0
		}
		unknown += n
	}
	if unknown > 0 {
		y.add(m.unk, unknown)
	}
	return nil
}

func (m *bpe) hasBytes(c []byte) bool {
	for _, b := range c {
		if m.bytes[b] < 0 {
			return false
		}
	}
	return true
}

// shortWord is the number of symbols up to which looking through all of them for the next merge beats a queue.
const shortWord = 24

// merge joins symbols until nothing is left to join.
func (m *bpe) merge(y *symbols) {
	n := len(y.entry)
	if n < 2 {
		return
	}
	for i := len(y.rank); i < n-1; i++ {
		y.rank = append(y.rank, m.pairs.rank(y.entry[i], y.entry[i+1]))
	}
	if n > shortWord {
		m.mergeLong(y)
		return
	}
	for {
		best, at := int32(noRank), -1
		for i, r := range y.rank {
			if r < best {
				best, at = r, i
			}
		}
		if at < 0 {
			return
		}
		y.entry[at] = m.made[best]
		y.size[at] += y.size[at+1]
		n = len(y.entry) - 1
		copy(y.entry[at+1:], y.entry[at+2:])
		copy(y.size[at+1:], y.size[at+2:])
		copy(y.rank[at:], y.rank[at+1:])
		y.entry, y.size, y.rank = y.entry[:n], y.size[:n], y.rank[:n-1]
		if at > 0 {
			y.rank[at-1] = m.pairs.rank(y.entry[at-1], y.entry[at])
		}
		if at < n-1 {
			y.rank[at] = m.pairs.rank(y.entry[at], y.entry[at+1])
		}
	}
}

// mergeLong is merge with linked symbols and a queue. A pair in the queue that is no longer there is passed over.
func (m *bpe) mergeLong(y *symbols) {
	n := len(y.entry)
	y.rank = append(y.rank, noRank)
	y.links, y.queue = y.links[:0], y.queue[:0]
	for i, r := range y.rank {
		y.links = append(y.links, link{y.entry[i], y.size[i], r, int32(i + 1), int32(i - 1)})
		if r != noRank {
			y.queue = append(y.queue, uint64(r)<<32|uint64(i))
		}
	}
	for i := len(y.queue)/2 - 1; i >= 0; i-- {
		y.sink(i)
	}
	for len(y.queue) > 0 {
		top := y.pop()
		i, r := int32(uint32(top)), int32(top>>32)
		a := &y.links[i]
		if a.rank != r {
			continue
		}
		b := &y.links[a.next]
		a.entry = m.made[r]
		a.size += b.size
		a.next = b.next
		a.rank, b.rank = noRank, noRank
		if int(a.next) < n {
			c := &y.links[a.next]
			c.prev = i
			if a.rank = m.pairs.rank(a.entry, c.entry); a.rank != noRank {
				y.push(uint64(a.rank)<<32 | uint64(i))
			}
		}
		if a.prev >= 0 {
			c := &y.links[a.prev]
			if c.rank = m.pairs.rank(c.entry, a.entry); c.rank != noRank {
				y.push(uint64(c.rank)<<32 | uint64(a.prev))
			}
		}
	}
	to := 0
	for i := 0; i < n; i = int(y.links[i].next) {
		y.entry[to], y.size[to] = y.links[i].entry, y.links[i].size
		to++
	}
	y.entry, y.size = y.entry[:to], y.size[:to]
}

func (y *symbols) push(x uint64) {
	y.queue = append(y.queue, x)
	q := y.queue
	i := len(q) - 1
	for i > 0 {
		up := (i - 1) / 4
		if q[up] <= x {
			break
		}
		q[i] = q[up]
		i = up
	}
	q[i] = x
}

func (y *symbols) pop() uint64 {
	q := y.queue
	top := q[0]
	n := len(q) - 1
	q[0] = q[n]
	y.queue = q[:n]
	if n > 1 {
		y.sink(0)
	}
	return top
}

// sink moves the element at i of the queue, a heap of four children each, down to its place.
func (y *symbols) sink(i int) {
	q := y.queue
	x := q[i]
	for {
		c := 4*i + 1
		if c >= len(q) {
			break
		}
		least := c
		for k := c + 1; k < min(c+4, len(q)); k++ {
			if q[k] < q[least] {
				least = k
			}
		}
		if q[least] >= x {
			break
		}
		q[i] = q[least]
		i = least
	}
	q[i] = x
}
