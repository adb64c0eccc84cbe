package tokenizer

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// unigram covers a word with the tokens whose scores, logarithms of probabilities, have the greatest sum: the Viterbi
// algorithm over a trie of the vocabulary. (Kudo 2018.) Sums are made from left to right in float64, and of equal sums the
// one whose last token begins first wins, so that the choice is the library's.
type unigram struct {
	tokens   []string // by id
	scores   []float64
	index    hashIndex
	last     map[int32]int32 // of tokens that are listed twice: the id that counts, by the first one
	trie     trie
	unk      int32 // -1: none
	unkScore float64
	fallback bool
	bytes    [256]int32
}

// unkPenalty is how much worse than the worst token an unknown character is.
const unkPenalty = 10

func newUnigram(_ *builder, n node) (model, error) {
	fields, err := n.fields()
	if err != nil {
		return nil, err
	}
	m := &unigram{unk: -1, unkScore: math.Inf(1)}
	if f, ok := fields["unk_id"]; ok && !f.null() {
		if err := f.decode(&m.unk); err != nil {
			return nil, err
		}
		if m.unk < 0 {
			return nil, f.errorf("unk_id %d: want an id of the vocabulary", m.unk)
		}
	}
	if f, ok := fields["byte_fallback"]; ok && !f.null() {
		if err := f.decode(&m.fallback); err != nil {
			return nil, err
		}
	}
	v, ok := fields["vocab"]
	if !ok {
		return nil, n.errorf(`a Unigram model without "vocab"`)
	}
	if err := m.readVocab(v); err != nil {
		return nil, err
	}
	if m.unk >= 0 && int(m.unk) >= len(m.tokens) {
		return nil, fields["unk_id"].errorf("unk_id %d: the vocabulary has %d tokens", m.unk, len(m.tokens))
	}
	m.init()
	return m, nil
}

// readVocab reads [["token", score], ...].
func (m *unigram) readVocab(v node) error {
	return v.each(func(item node) error {
		bad := func() error {
			return item.errorf("token %d: want a token and its score, have %s", len(m.tokens), shorten(item.raw))
		}
		b := item.raw
		if len(b) == 0 || b[0] != '[' {
			return bad()
		}
		token, i, err := item.str(space(b, 1))
		if err != nil {
			return err
		}
		if i = space(b, i); i == len(b) || b[i] != ',' {
			return bad()
		}
		i = space(b, i+1)
		end := i
		for end < len(b) && b[end] != ']' && b[end] != ' ' && b[end] != '\n' && b[end] != '\t' && b[end] != '\r' {
			end++
		}
		if space(b, end) != len(b)-1 || !json.Valid(b[i:end]) {
			return bad()
		}
		score, err := strconv.ParseFloat(string(b[i:end]), 64)
		if err != nil {
			return item.errorf("token %d: the score %s is not a number", len(m.tokens), shorten(b[i:end]))
		}
		if len(m.tokens) == math.MaxInt32>>1 {
			return item.errorf("more than %d tokens", len(m.tokens))
		}
		m.tokens, m.scores = append(m.tokens, token), append(m.scores, score)
		return nil
	})
}

func (m *unigram) init() {
	m.index = newHashIndex(len(m.tokens), 0)
	least := math.Inf(1)
	total := 0
	for _, s := range m.tokens {
		total += len(s)
	}
	m.trie = newTrie(total/3 + 16)
	for id, s := range m.tokens {
		if first := m.index.add(m.tokens, id); first != id {
			if m.last == nil {
				m.last = make(map[int32]int32)
			}
			m.last[int32(first)] = int32(id)
		}
		m.trie.add(s, int32(id))
		least = min(least, m.scores[id])
	}
	m.unkScore = least - unkPenalty
	for b := range m.bytes {
		m.bytes[b] = -1
		if id, ok := m.tokenToID(byteTokenName(byte(b))); ok {
			m.bytes[b] = id
		}
	}
}

func (m *unigram) find(s []byte) int32 {
	id := int32(m.index.find(m.tokens, s, hashString(s)))
	if last, ok := m.last[id]; ok {
		return last
	}
	return id
}

func (m *unigram) tokenToID(token string) (int32, bool) {
	id := m.find([]byte(token))
	return id, id >= 0
}

func (m *unigram) idToToken(id int32) (string, bool) {
	if id < 0 || int(id) >= len(m.tokens) {
		return "", false
	}
	return m.tokens[id], true
}

func (m *unigram) vocabSize() int { return len(m.tokens) }

// lattice holds, for each place in a word where a token may end, the best way to there.
type lattice struct {
	nodes []latticeNode
	ids   []int32
}

// latticeNode is the end of a way: the sum of its scores, its last token and where that begins (-1: there is no way).
type latticeNode struct {
	score float64
	id    int32
	from  int32
}

func (m *unigram) tokenize(s *state, word []byte) error {
	var cached *cachedWord
	if n := len(word); n > 0 && n <= maxCachedAt {
		if s.words == nil {
			s.words = new(wordCache)
		}
		var ok bool
		if cached, ok = s.words.find(word); ok {
			lo := int32(0)
			for i := range int(cached.count) {
				id, hi := cached.entries[i], int32(cached.ends[i])
				tok := token{id: id, lo: lo, hi: hi}
				if s.pieces.track {
					tok.text = m.tokens[id]
				}
				s.toks = append(s.toks, tok)
				lo = hi
			}
			return nil
		}
	}
	if err := m.walk(&s.lattice, word); err != nil {
		return err
	}
	first, clean := len(s.toks), true
	nodes := s.lattice.nodes
	for hi := int32(len(word)); hi > 0; {
		at := nodes[hi]
		lo := at.from
		if at.id == m.unk { // unknown characters in a row are one
			for lo > 0 && nodes[lo].id == m.unk {
				lo = nodes[lo].from
			}
			if part := word[lo:hi]; at.from != lo || string(part) != m.tokens[m.unk] {
				clean = false
				m.unknown(s, part, lo)
				hi = lo
				continue
			}
		}
		tok := token{id: at.id, lo: lo, hi: hi}
		if s.pieces.track {
			tok.text = m.tokens[at.id]
		}
		s.toks = append(s.toks, tok)
		hi = lo
	}
	toks := s.toks[first:]
	for i, k := 0, len(toks)-1; i < k; i, k = i+1, k-1 {
		toks[i], toks[k] = toks[k], toks[i]
	}
	if cached != nil && clean && len(toks) <= len(cached.entries) {
		ids := s.lattice.ids[:0]
		for i := range toks {
			ids = append(ids, toks[i].id)
		}
		s.lattice.ids = ids
		cached.store(word, ids, toks)
	}
	return nil
}

// unknown appends the tokens of an unknown part of a word, which begins at lo, from last to first: a token that happens
// to be written so, its bytes, or the unknown token.
func (m *unigram) unknown(s *state, part []byte, lo int32) {
	tok := token{id: m.unk, lo: lo, hi: lo + int32(len(part))}
	if id := m.find(part); id >= 0 {
		tok.id = id
	} else if m.fallback && m.hasBytes(part) {
		for i := len(part) - 1; i >= 0; i-- {
			tok.id = m.bytes[part[i]]
			tok.text = m.tokens[tok.id]
			s.toks = append(s.toks, tok)
		}
		return
	}
	if s.pieces.track {
		tok.text = string(part)
	}
	s.toks = append(s.toks, tok)
}

func (m *unigram) hasBytes(part []byte) bool {
	for _, b := range part {
		if m.bytes[b] < 0 {
			return false
		}
	}
	return true
}

// walk fills the lattice of a word.
func (m *unigram) walk(l *lattice, word []byte) error {
	n := len(word)
	if cap(l.nodes) <= n {
		l.nodes = make([]latticeNode, n+1+n/4)
	}
	nodes := l.nodes[:n+1]
	for i := range nodes {
		nodes[i].from = -1
	}
	nodes[0].score = 0
	for i := 0; i < n; {
		r, w := rune(word[i]), 1
		if r >= utf8.RuneSelf {
			r, w = utf8.DecodeRune(word[i:])
		}
		score, single := nodes[i].score, false
		for at, end := m.trie.step(0, r), i+w; at > 0; {
			if id := m.trie.ids[at]; id >= 0 {
				if end == i+w {
					single = true
				}
				if to, sum := &nodes[end], score+m.scores[id]; to.from < 0 || sum > to.score {
					*to = latticeNode{sum, id, int32(i)}
				}
			}
			if end == n {
				break
			}
			r, k := rune(word[end]), 1
			if r >= utf8.RuneSelf {
				r, k = utf8.DecodeRune(word[end:])
			}
			at = m.trie.step(at, r)
			end += k
		}
		if !single {
			if to, sum := &nodes[i+w], score+m.unkScore; to.from < 0 || sum > to.score {
				if m.unk < 0 {
					return errNoUnknown
				}
				*to = latticeNode{sum, m.unk, int32(i)}
			}
		}
		i += w
	}
	return nil
}

// trie is the set of the tokens as a tree of characters. Its nodes are numbers, 0 the root; the edges are in one table
// with open addressing.
type trie struct {
	edges []trieEdge
	shift uint
	ids   []int32 // of the token that ends at a node, -1 where none does
}

type trieEdge struct {
	from int32
	r    rune
	to   int32 // 0: free
}

func newTrie(n int) trie {
	log := uint(4)
	for 1<<log < 2*n {
		log++
	}
	return trie{make([]trieEdge, 1<<log), 64 - log, []int32{-1}}
}

func (t *trie) slot(from int32, r rune) uint64 {
	return (uint64(uint32(from))<<21 | uint64(uint32(r))) * 0x9E3779B97F4A7C15 >> t.shift
}

// step returns the node that r leads to, 0 if there is none.
func (t *trie) step(from int32, r rune) int32 {
	mask := uint64(len(t.edges) - 1)
	for i := t.slot(from, r); ; i = (i + 1) & mask {
		e := &t.edges[i&mask]
		if e.to == 0 || e.from == from && e.r == r {
			return e.to
		}
	}
}

// add enters a token. Of one that is listed twice the last id counts. The empty one is not entered.
func (t *trie) add(s string, id int32) {
	at := int32(0)
	for _, r := range s {
		to := t.step(at, r)
		if to == 0 {
			to = int32(len(t.ids))
			t.ids = append(t.ids, -1)
			if 2*len(t.ids) > len(t.edges) {
				t.grow()
			}
			t.put(trieEdge{at, r, to})
		}
		at = to
	}
	if at > 0 {
		t.ids[at] = id
	}
}

func (t *trie) put(e trieEdge) {
	i := t.slot(e.from, e.r)
	for t.edges[i].to != 0 {
		i = (i + 1) & uint64(len(t.edges)-1)
	}
	t.edges[i] = e
}

func (t *trie) grow() {
	old := t.edges
	t.edges = make([]trieEdge, 2*len(old))
	t.shift--
	for _, e := range old {
		if e.to != 0 {
			t.put(e)
		}
	}
}
