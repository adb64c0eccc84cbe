package tokenizer

// wordLevel looks whole words up.
type wordLevel struct {
	*vocab
	unkText string
	unkID   int32
	hasUnk  bool
}

func newWordLevel(_ *builder, n node) (model, error) {
	fields, err := n.fields()
	if err != nil {
		return nil, err
	}
	m := &wordLevel{unkText: "<unk>"}
	if f, ok := fields["unk_token"]; ok {
		if err := f.decode(&m.unkText); err != nil {
			return nil, err
		}
	}
	v, ok := fields["vocab"]
	if !ok {
		return nil, n.errorf("a WordLevel model without \"vocab\"")
	}
	if m.vocab, err = parseVocab(v); err != nil {
		return nil, err
	}
	m.unkID, m.hasUnk = m.tokenToID(m.unkText)
	return m, nil
}

func (m *wordLevel) vocabSize() int { return m.size() }

func (m *wordLevel) tokenize(s *state, word []byte) error {
	if e := m.index.find(m.tokens, word, hashString(word)); e >= 0 {
		s.toks = append(s.toks, token{m.ids[e], 0, int32(len(word)), m.tokens[e]})
		return nil
	}
	if !m.hasUnk {
		return errNoUnknown
	}
	s.toks = append(s.toks, token{m.unkID, 0, int32(len(word)), m.unkText})
	return nil
}
