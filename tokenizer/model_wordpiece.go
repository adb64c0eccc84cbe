package tokenizer

import "unicode/utf8"

// wordPiece splits a word greedily into the longest pieces that the vocabulary has, each but the first written with a
// prefix ("##"); a word that cannot be covered is one unknown token. (Schuster and Nakajima 2012; BERT's tokenizer.)
type wordPiece struct {
	*vocab
	cont     hashIndex // the tokens with the prefix, by what follows it
	prefix   string
	maxChars int
	unkText  string
	unkID    int32
	hasUnk   bool
}

func newWordPiece(_ *builder, n node) (model, error) {
	fields, err := n.fields()
	if err != nil {
		return nil, err
	}
	m := &wordPiece{prefix: "##", maxChars: 100, unkText: "[UNK]"}
	if f, ok := fields["continuing_subword_prefix"]; ok {
		if err := f.decode(&m.prefix); err != nil {
			return nil, err
		}
	}
	if f, ok := fields["max_input_chars_per_word"]; ok {
		if err := f.decode(&m.maxChars); err != nil {
			return nil, err
		}
	}
	if f, ok := fields["unk_token"]; ok {
		if err := f.decode(&m.unkText); err != nil {
			return nil, err
		}
	}
	v, ok := fields["vocab"]
	if !ok {
		return nil, n.errorf("a WordPiece model without \"vocab\"")
	}
	if m.vocab, err = parseVocab(v); err != nil {
		return nil, err
	}
	m.init()
	return m, nil
}

func (m *wordPiece) init() {
	m.unkID, m.hasUnk = m.tokenToID(m.unkText)
	n := 0
	for _, s := range m.tokens {
		if len(s) > len(m.prefix) && s[:len(m.prefix)] == m.prefix {
			n++
		}
	}
	m.cont = newHashIndex(n, len(m.prefix))
	for e, s := range m.tokens {
		if len(s) > len(m.prefix) && s[:len(m.prefix)] == m.prefix {
			m.cont.add(m.tokens, e)
		}
	}
}

func (m *wordPiece) vocabSize() int { return m.size() }

func (m *wordPiece) tokenize(s *state, word []byte) error {
	if len(word) > m.maxChars && utf8.RuneCount(word) > m.maxChars {
		return m.unknown(s, word)
	}
	first := len(s.toks)
	index := &m.index
	for lo := 0; lo < len(word); {
		// The hashes of all prefixes of what is left, then a look for the longest that is a token.
		rest := word[lo:]
		if len(rest) > m.maxLen {
			rest = rest[:m.maxLen]
		}
		s.hashes = s.hashes[:0]
		h := uint64(hashSeed)
		for _, c := range rest {
			h = hashByte(h, c)
			s.hashes = append(s.hashes, h)
		}
		e, n := -1, len(rest)
		for ; n > 0; n-- {
			if n < len(rest) && rest[n]&0xC0 == 0x80 {
				continue // inside a character
			}
			if e = index.find(m.tokens, rest[:n], s.hashes[n-1]); e >= 0 {
				break
			}
		}
		if e < 0 {
			s.toks = s.toks[:first]
			return m.unknown(s, word)
		}
		s.toks = append(s.toks, token{m.ids[e], int32(lo), int32(lo + n), m.tokens[e]})
		lo += n
		index = &m.cont
	}
	return nil
}

func (m *wordPiece) unknown(s *state, word []byte) error {
	if !m.hasUnk {
		return errNoUnknown
	}
	s.toks = append(s.toks, token{m.unkID, 0, int32(len(word)), m.unkText})
	return nil
}
