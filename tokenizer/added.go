package tokenizer

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// AddedToken is a token that is cut out of the text before the rest of the pipeline sees it.
type AddedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // matches only between non-word characters
	LStrip     bool   `json:"lstrip"`      // takes the white space on its left with it
	RStrip     bool   `json:"rstrip"`      // and on its right
	Normalized bool   `json:"normalized"`  // matches the normalised text, as the normalised form of Content
	Special    bool   `json:"special"`     // left out by Decode with skipSpecial
}

// addedVocab holds the added tokens and finds them in text.
type addedVocab struct {
	byContent map[string]int32
	byID      map[int32]*AddedToken
	shown     map[int32]string // content of normalized tokens as the normaliser writes it
	special   map[string]bool
	raw, norm *matcher // for tokens that match the text as it is, and normalised text
}

// newAddedVocab enters the tokens of a file in their order. As in the library the ids in the file do not count: a token
// that the model knows has the model's id, others follow the model's vocabulary.
func newAddedVocab(list []AddedToken, m model, norm normalizer) (*addedVocab, error) {
	v := &addedVocab{
		byContent: make(map[string]int32, len(list)), byID: make(map[int32]*AddedToken, len(list)),
		special: make(map[string]bool),
	}
	next := int32(m.vocabSize())
	t := new(text)
	for _, tok := range list {
		if tok.Content == "" {
			continue
		}
		if id, ok := v.byContent[tok.Content]; ok {
			same := *v.byID[id]
			same.ID = tok.ID
			if same == tok {
				continue
			}
		}
		id, ok := v.byContent[tok.Content]
		if !ok {
			if id, ok = m.tokenToID(tok.Content); !ok {
				id = next
				next++
			}
		}
		if tok.Normalized && norm != nil {
			t.reset(tok.Content, 0)
			if err := norm.normalize(t); err != nil {
				return nil, err
			}
			if s := string(t.b); s != tok.Content {
				if v.shown == nil {
					v.shown = make(map[int32]string)
				}
				v.shown[id] = s
			}
		}
		tok.ID = id
		v.byContent[tok.Content] = id
		v.byID[id] = &tok
		if tok.Special {
			v.special[tok.Content] = true
		}
	}
	var raw, normed matcher
	for id, tok := range v.byID {
		switch {
		case !tok.Normalized:
			raw.patterns = append(raw.patterns, found{tok.Content, tok})
		default:
			s, ok := v.shown[id]
			if !ok {
				s = tok.Content
			}
			if s != "" {
				normed.patterns = append(normed.patterns, found{s, tok})
			}
		}
	}
	v.raw, v.norm = raw.build(), normed.build()
	return v, nil
}

// matcher finds the leftmost, then longest, of a set of strings.
type matcher struct {
	patterns []found // sorted
	first    [256]bool
	only     int // the first byte of all patterns, or -1
	starts   [257]int
}

type found struct {
	s   string
	tok *AddedToken
}

func (m *matcher) build() *matcher {
	if len(m.patterns) == 0 {
		return nil
	}
	// Of equal strings the smallest id wins.
	slices.SortFunc(m.patterns, func(a, b found) int {
		if c := strings.Compare(a.s, b.s); c != 0 {
			return c
		}
		return int(a.tok.ID - b.tok.ID)
	})
	m.patterns = slices.CompactFunc(m.patterns, func(a, b found) bool { return a.s == b.s })
	m.only = int(m.patterns[0].s[0])
	for _, p := range m.patterns {
		m.first[p.s[0]] = true
		m.starts[int(p.s[0])+1]++
		if int(p.s[0]) != m.only {
			m.only = -1
		}
	}
	for i := range 256 {
		m.starts[i+1] += m.starts[i]
	}
	return m
}

// next returns the first match at or after i: its place and the pattern, or -1.
func (m *matcher) next(s []byte, i int) (int, *found) {
	for i < len(s) {
		if m.only >= 0 {
			j := bytes.IndexByte(s[i:], byte(m.only))
			if j < 0 {
				return -1, nil
			}
			i += j
		} else {
			for i < len(s) && !m.first[s[i]] {
				i++
			}
			if i == len(s) {
				return -1, nil
			}
		}
		if p := m.longest(s[i:]); p != nil {
			return i, p
		}
		i++
	}
	return -1, nil
}

// longest returns the longest pattern that s begins with. Among the sorted patterns those that share a prefix with s
// are a range that narrows with each byte; a pattern that ends inside is the first of its range.
func (m *matcher) longest(s []byte) *found {
	lo, hi := m.starts[s[0]], m.starts[int(s[0])+1]
	var best *found
	for k := 1; lo < hi; k++ {
		if p := &m.patterns[lo]; len(p.s) == k {
			best = p
			lo++
		}
		if lo == hi || k == len(s) {
			break
		}
		c := s[k]
		if hi-lo > 8 {
			at := func(from, to int, c int) int { // first pattern in [from, to) whose byte k is at least c
				for from < to {
					mid := int(uint(from+to) >> 1)
					if int(m.patterns[mid].s[k]) < c {
						from = mid + 1
					} else {
						to = mid
					}
				}
				return from
			}
			lo = at(lo, hi, int(c))
			hi = at(lo, hi, int(c)+1)
			continue
		}
		for lo < hi && m.patterns[lo].s[k] < c {
			lo++
		}
		end := lo
		for end < hi && m.patterns[end].s[k] == c {
			end++
		}
		hi = end
	}
	return best
}

// addedCut is a part of the text: an added token, or (tok nil) what is between two.
type addedCut struct {
	lo, hi int
	tok    *AddedToken
}

// cuts covers s with added tokens and the text between them. With plain set special tokens are not looked for.
func (v *addedVocab) cuts(m *matcher, s []byte, plain bool, dst []addedCut) []addedCut {
	if m == nil {
		return append(dst, addedCut{0, len(s), nil})
	}
	done := 0
	for i := 0; ; {
		at, p := m.next(s, i)
		if at < 0 {
			break
		}
		tok, lo, hi := p.tok, at, at+len(p.s)
		i = hi
		if plain && v.special[tok.Content] {
			continue
		}
		if tok.SingleWord {
			before, _ := utf8.DecodeLastRune(s[:lo])
			after, _ := utf8.DecodeRune(s[hi:])
			if lo > 0 && wordClass().has(before) || hi < len(s) && wordClass().has(after) {
				continue
			}
		}
		if tok.LStrip {
			for lo > done {
				r, n := utf8.DecodeLastRune(s[:lo])
				if !isSpace(r) {
					break
				}
				lo -= n
			}
			lo = max(lo, done)
		}
		if tok.RStrip {
			for hi < len(s) {
				r, n := utf8.DecodeRune(s[hi:])
				if !isSpace(r) {
					break
				}
				hi += n
			}
		}
		if done < lo {
			dst = append(dst, addedCut{done, lo, nil})
		}
		dst = append(dst, addedCut{lo, hi, tok})
		done = hi
	}
	if done != len(s) {
		dst = append(dst, addedCut{done, len(s), nil})
	}
	return dst
}
