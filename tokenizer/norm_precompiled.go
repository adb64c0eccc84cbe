package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// precompiled is a SentencePiece charsmap: a trie of byte strings, and what each of them becomes. As in the library, a
// grapheme cluster of fewer than six bytes is replaced whole by what the shortest key that it begins with becomes; where
// there is none, and in longer clusters, this happens character by character.
type precompiled struct {
	units  []uint32 // a double array of Darts
	to     string   // strings that end with NUL
	starts [256]bool
}

func newPrecompiled(_ *builder, n node) (normalizer, error) {
	var f struct {
		Map *string `json:"precompiled_charsmap"`
	}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	if f.Map == nil || *f.Map == "" {
		return nil, n.errorf(`no "precompiled_charsmap"`)
	}
	b, err := base64.StdEncoding.DecodeString(*f.Map)
	if err != nil {
		return nil, n.errorf("precompiled_charsmap: %v", err)
	}
	if len(b) < 4 {
		return nil, n.errorf("precompiled_charsmap: %d bytes are too few", len(b))
	}
	size := int64(binary.LittleEndian.Uint32(b))
	b = b[4:]
	if size%4 != 0 || size == 0 || size > int64(len(b)) {
		return nil, n.errorf("precompiled_charsmap: a trie of %d bytes in the %d that are there", size, len(b))
	}
	c := &precompiled{units: make([]uint32, size/4), to: string(b[size:])}
	if !utf8.ValidString(c.to) {
		return nil, n.errorf("precompiled_charsmap: the replacements are not valid UTF-8")
	}
	for i := range c.units {
		u := binary.LittleEndian.Uint32(b[4*i:])
		c.units[i] = u
		if at := int(u &^ (1 << 31)); u>>31 == 1 && (at >= len(c.to) || !utf8.RuneStart(c.to[at])) {
			return nil, n.errorf("precompiled_charsmap: unit %d: no replacement begins at byte %d of %d", i, at, len(c.to))
		}
	}
	root := unitBase(c.units[0])
	for x := 1; x < 256; x++ {
		at := root ^ uint32(x)
		c.starts[x] = int(at) < len(c.units) && c.units[at]&unitLabel == uint32(x)
	}
	return c, nil
}

const unitLabel = 1<<31 | 0xFF

func unitBase(u uint32) uint32 { return u >> 10 << (u & (1 << 9) >> 6) }

// find returns what the shortest key that s begins with becomes.
func (c *precompiled) find(s []byte) (string, bool) {
	if !c.starts[s[0]] {
		return "", false
	}
	at := unitBase(c.units[0])
	for _, x := range s {
		at ^= uint32(x)
		if x == 0 || int(at) >= len(c.units) {
			return "", false
		}
		u := c.units[at]
		if u&unitLabel != uint32(x) {
			return "", false
		}
		at ^= unitBase(u)
		if u>>8&1 == 1 && int(at) < len(c.units) {
			i := int(c.units[at] &^ (1 << 31))
			if i >= len(c.to) || !utf8.RuneStart(c.to[i]) {
				return "", false
			}
			to := c.to[i:]
			if end := strings.IndexByte(to, 0); end >= 0 {
				to = to[:end]
			}
			return to, true
		}
	}
	return "", false
}

// charsmapEdit is an edit by a charsmap. The last character written waits, because a replacement that is shorter than
// what it replaces adds the difference to the change of whatever character was written last, its own or not.
type charsmapEdit struct {
	*text
	r       rune
	change  int
	waiting bool
}

func (e *charsmapEdit) write(r rune, change int) {
	e.flush()
	e.r, e.change, e.waiting = r, change, true
}

func (e *charsmapEdit) flush() {
	if e.waiting {
		e.put(e.r, e.change)
		e.waiting = false
	}
}

// replace writes to for a number of characters.
func (e *charsmapEdit) replace(to string, runes int) {
	diff := utf8.RuneCountInString(to) - runes
	plain := runes
	for _, r := range to {
		if plain > 0 {
			e.write(r, 0)
			plain--
		} else {
			e.write(r, 1)
		}
	}
	if diff < 0 && e.waiting {
		e.change += diff
	}
}

func (c *precompiled) normalize(t *text) error {
	e, changed := charsmapEdit{text: t}, false
	t.begin()
	for i := 0; i < len(t.b); {
		// Of plain text that no key begins with, the last character may begin a cluster.
		k := i
		for k < len(t.b) && t.b[k] < utf8.RuneSelf && !c.starts[t.b[k]] {
			k++
		}
		if k -= 1; k > i {
			e.flush()
			if t.pos == i {
				t.keep(k - i)
			} else {
				for _, x := range t.b[i:k] {
					e.write(rune(x), 0)
				}
			}
			i = k
		}
		n, runes := cluster(t.b[i:])
		if n < 6 {
			if to, ok := c.find(t.b[i : i+n]); ok {
				e.replace(to, runes)
				changed = true
				i += n
				continue
			}
		}
		for end := i + n; i < end; {
			r, w := utf8.DecodeRune(t.b[i:end])
			if to, ok := c.find(t.b[i : i+w]); ok {
				e.replace(to, 1)
				changed = true
			} else {
				e.write(r, 0)
			}
			i += w
		}
		if t.tooLong() {
			return errTooLong
		}
	}
	if !changed {
		return nil
	}
	e.flush()
	t.end()
	return nil
}
