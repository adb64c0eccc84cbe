package tokenizer

import (
	"math"
	"math/bits"
)

// vocab maps tokens to ids and back. Its entries keep the order of the file.
type vocab struct {
	tokens []string
	ids    []int32
	index  hashIndex
	byID   []int32         // id -> entry+1
	sparse map[int32]int32 // the same for ids far above the number of tokens
	maxLen int             // of a token, in bytes
}

// hashIndex is an open-addressing table from the tail of a token (past skip bytes) to its entry. A slot holds the
// upper half of the hash and entry+1, so that nearly every miss is decided without touching a token.
type hashIndex struct {
	slots []uint64
	shift uint
	skip  int
}

// The hash is taken byte by byte, so that one pass over a word gives the hash of every prefix.
const hashSeed = 0x9E3779B97F4A7C15

func hashByte(h uint64, c byte) uint64 { return (h ^ uint64(c)) * 0xff51afd7ed558ccd }

func hashMix(h uint64) uint64 { return (h ^ h>>29) * 0xc4ceb9fe1a85ec53 }

func hashString[T string | []byte](s T) uint64 {
	h := uint64(hashSeed)
	for i := 0; i < len(s); i++ {
		h = hashByte(h, s[i])
	}
	return h
}

func newHashIndex(n, skip int) hashIndex {
	log := max(4, bits.Len(uint(n*2)))
	return hashIndex{slots: make([]uint64, 1<<log), shift: uint(64 - log), skip: skip}
}

// add enters entry e of tokens; a token that is there already keeps its first entry, which add returns.
func (x *hashIndex) add(tokens []string, e int) int {
	tail := tokens[e][x.skip:]
	h := hashMix(hashString(tail))
	for i := h >> x.shift; ; i = (i + 1) & uint64(len(x.slots)-1) {
		s := x.slots[i]
		if s == 0 {
			x.slots[i] = h&^math.MaxUint32 | uint64(e+1)
			return e
		}
		if (s^h)>>32 == 0 {
			if was := int(uint32(s)) - 1; tokens[was][x.skip:] == tail {
				return was
			}
		}
	}
}

// find returns the entry whose tail is s, or -1; h is hashString(s).
func (x *hashIndex) find(tokens []string, s []byte, h uint64) int {
	h = hashMix(h)
	mask := uint64(len(x.slots) - 1)
	for i := h >> x.shift; ; i = (i + 1) & mask {
		v := x.slots[i]
		if v == 0 {
			return -1
		}
		if (v^h)>>32 == 0 {
			if e := int(uint32(v)) - 1; tokens[e][x.skip:] == string(s) {
				return e
			}
		}
	}
}

// newVocab indexes tokens and their ids. Of a token that is listed twice the last id counts.
func newVocab(tokens []string, ids []int32) *vocab {
	v := &vocab{index: newHashIndex(len(tokens), 0)}
	n := 0
	for i, s := range tokens {
		tokens[n], ids[n] = s, ids[i]
		if e := v.index.add(tokens, n); e != n {
			ids[e] = ids[n]
			continue
		}
		v.maxLen = max(v.maxLen, len(s))
		n++
	}
	v.tokens, v.ids = tokens[:n:n], ids[:n:n]
	limit := int32(min(4*n+1024, math.MaxInt32))
	top := int32(-1)
	for _, id := range v.ids {
		if id < limit {
			top = max(top, id)
		}
	}
	v.byID = make([]int32, top+1)
	for e, id := range v.ids {
		if id < limit {
			v.byID[id] = int32(e) + 1
		} else {
			if v.sparse == nil {
				v.sparse = make(map[int32]int32)
			}
			v.sparse[id] = int32(e) + 1
		}
	}
	return v
}

func (v *vocab) tokenToID(token string) (int32, bool) {
	if e := v.index.find(v.tokens, []byte(token), hashString(token)); e >= 0 {
		return v.ids[e], true
	}
	return 0, false
}

func (v *vocab) idToToken(id int32) (string, bool) {
	e := int32(0)
	if id >= 0 && int(id) < len(v.byID) {
		e = v.byID[id]
	} else {
		e = v.sparse[id]
	}
	if e == 0 {
		return "", false
	}
	return v.tokens[e-1], true
}

func (v *vocab) size() int { return len(v.tokens) }

// parseVocab reads the object {"token": id, ...}.
func parseVocab(n node) (*vocab, error) {
	b := n.raw
	count := 0
	for _, c := range b {
		if c == ':' {
			count++ // at least the number of entries
		}
	}
	tokens, ids := make([]string, 0, count), make([]int32, 0, count)
	text := string(b) // tokens without escapes share it
	i := space(b, 0)
	if i == len(b) || b[i] != '{' {
		return nil, n.errorf("want an object of tokens and ids, have %s", shorten(b))
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return newVocab(tokens, ids), n.atEnd(i + 1)
	}
	for {
		if i == len(b) || b[i] != '"' {
			return nil, n.syntax(i, "want a token")
		}
		j := i + 1
		for j < len(b) && b[j] != '"' && b[j] != '\\' && b[j] >= ' ' {
			j++
		}
		token, next := "", j+1
		if j < len(b) && b[j] == '"' {
			token = text[i+1 : j]
		} else {
			var err error
			if token, next, err = n.str(i); err != nil {
				return nil, err
			}
		}
		i = space(b, next)
		if i == len(b) || b[i] != ':' {
			return nil, n.syntax(i, "want ':' after a token")
		}
		i = space(b, i+1)
		id, first := int64(0), i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' && id <= math.MaxInt32 {
			id = id*10 + int64(b[i]-'0')
			i++
		}
		if i == first || id > math.MaxInt32 {
			return nil, n.syntax(first, "want a token's id, a whole number below 2147483648")
		}
		tokens, ids = append(tokens, token), append(ids, int32(id))
		i = space(b, i)
		switch {
		case i < len(b) && b[i] == ',':
			i = space(b, i+1)
		case i < len(b) && b[i] == '}':
			return newVocab(tokens, ids), n.atEnd(i + 1)
		default:
			return nil, n.syntax(i, "want ',' or '}'")
		}
	}
}
