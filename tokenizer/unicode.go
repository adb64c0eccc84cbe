package tokenizer

import (
	_ "embed"
	"strings"
	"sync"
	"unicode/utf8"
)

// unicodeBin holds the character classes and maps exactly as the Rust library has them (55 KB); package
// internal/gentables made it and describes its format. Each table is decoded when it is first asked for.
//
//go:embed unicode.bin
var unicodeBin string

// payload returns the bytes of a named table.
func payload(name string) string {
	for s := unicodeBin; s != ""; {
		i := strings.IndexByte(s, 0)
		n, w := uvarint(s[i+1:])
		body := s[i+1+w:]
		if s[:i] == name {
			return body[:n]
		}
		s = body[n:]
	}
	panic("tokenizer: no Unicode table " + name)
}

func uvarint(s string) (uint64, int) {
	var x uint64
	for i := 0; i < len(s); i++ {
		x |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return x, i + 1
		}
	}
	panic("tokenizer: corrupt Unicode table")
}

// charClass is a set of code points: a bitmap for the Basic Multilingual Plane's first 4096 and sorted ranges for all.
type charClass struct {
	low    [4096 / 64]uint64
	ranges []runeRange
}

type runeRange struct{ lo, hi rune }

// has reports whether r is in the class.
func (c *charClass) has(r rune) bool {
	if r < 4096 {
		return r >= 0 && c.low[r>>6]&(1<<(r&63)) != 0
	}
	lo, hi := 0, len(c.ranges)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if c.ranges[m].hi < r {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo < len(c.ranges) && c.ranges[lo].lo <= r
}

func loadClass(name string) *charClass {
	c := new(charClass)
	s, next := payload(name), rune(0)
	for s != "" {
		gap, w := uvarint(s)
		n, v := uvarint(s[w:])
		s = s[w+v:]
		r := runeRange{next + rune(gap), next + rune(gap) + rune(n)}
		c.ranges = append(c.ranges, r)
		for x := r.lo; x <= r.hi && x < 4096; x++ {
			c.low[x>>6] |= 1 << (x & 63)
		}
		next = r.hi + 1
	}
	return c
}

// classTable gives a lazily decoded class.
func classTable(name string) func() *charClass {
	return sync.OnceValue(func() *charClass { return loadClass(name) })
}

var (
	punctClass    = classTable("punct")    // ASCII punctuation and an old table's P
	numericClass  = classTable("numeric")  // Rust's char::is_numeric
	wordClass     = classTable("word")     // \w of Rust's regex crate
	controlClass  = classTable("control")  // dropped by BertNormalizer's clean_text
	markClass     = classTable("mark")     // Mn, Mc, Me of the normalization crate's table
	bertMarkClass = classTable("bertmark") // Mn of the categories crate's table
	noCompClass   = classTable("nocomp")
)

// isSpace is Rust's char::is_whitespace (the White_Space property), which is also \s of both regular-expression engines.
func isSpace(r rune) bool {
	if r < 0x80 {
		return r == ' ' || r >= '\t' && r <= '\r'
	}
	switch {
	case r == 0x85, r == 0xA0, r == 0x1680, r >= 0x2000 && r <= 0x200A, r == 0x2028, r == 0x2029, r == 0x202F,
		r == 0x205F, r == 0x3000:
		return true
	}
	return false
}

// isChinese has the ranges of BERT's own code, its gap at 2B820 included.
func isChinese(r rune) bool {
	switch {
	case r < 0x3400:
		return false
	case r <= 0x4DBF, r >= 0x4E00 && r <= 0x9FFF, r >= 0xF900 && r <= 0xFAFF, r >= 0x20000 && r <= 0x2A6DF,
		r >= 0x2A700 && r <= 0x2B73F, r >= 0x2B740 && r <= 0x2B81F, r >= 0x2B920 && r <= 0x2CEAF,
		r >= 0x2F800 && r <= 0x2FA1F:
		return true
	}
	return false
}

// runeMap maps code points to short strings: the runes of keys[i] are runes[at[i]:at[i+1]]. BMP keys below 65536 find
// their index through pages of 256, so that a miss costs two loads.
type runeMap struct {
	keys  []rune
	at    []uint32
	runes []rune
	pages [0x110000 >> 8]pageRange
}

type pageRange struct{ lo, hi uint16 }

// get returns the runes that r maps to, nil when r maps to itself.
func (m *runeMap) get(r rune) []rune {
	if uint32(r) > utf8.MaxRune {
		return nil
	}
	p := m.pages[r>>8]
	lo, hi := int(p.lo), int(p.hi)
	for lo < hi {
		k := int(uint(lo+hi) >> 1)
		if m.keys[k] < r {
			lo = k + 1
		} else {
			hi = k
		}
	}
	if lo < int(p.hi) && m.keys[lo] == r {
		return m.runes[m.at[lo]:m.at[lo+1]]
	}
	return nil
}

func loadMap(name string) *runeMap {
	m := new(runeMap)
	s, prev := payload(name), rune(0)
	m.at = append(m.at, 0)
	for s != "" {
		gap, w := uvarint(s)
		n, v := uvarint(s[w:])
		s = s[w+v:]
		cp := prev + rune(gap)
		for range n {
			x, k := uvarint(s)
			s = s[k:]
			m.runes = append(m.runes, cp+rune(int64(x>>1)^-int64(x&1)))
		}
		i := uint16(len(m.keys))
		p := &m.pages[cp>>8]
		if p.hi == 0 {
			p.lo = i
		}
		p.hi = i + 1
		m.keys = append(m.keys, cp)
		m.at = append(m.at, uint32(len(m.runes)))
		prev = cp
	}
	return m
}

var (
	lowerMap = sync.OnceValue(func() *runeMap { return loadMap("lower") })
	nfdMap   = sync.OnceValue(func() *runeMap { return loadMap("nfd") })
	nfkdMap  = sync.OnceValue(func() *runeMap { return loadMap("nfkd") }) // where it differs from nfdMap
)

// class is the canonical combining class of r.
func (t *combiningTable) class(r rune) uint8 {
	if r < 0x300 {
		return 0
	}
	if !t.marks.has(r) {
		return 0
	}
	return t.byRune[r]
}

type combiningTable struct {
	marks  *charClass
	byRune map[rune]uint8
}

var combining = sync.OnceValue(func() *combiningTable {
	t := &combiningTable{marks: markClass(), byRune: make(map[rune]uint8, 1024)}
	s, next := payload("ccc"), rune(0)
	for s != "" {
		gap, a := uvarint(s)
		n, b := uvarint(s[a:])
		class, c := uvarint(s[a+b:])
		s = s[a+b+c:]
		lo := next + rune(gap)
		for r := lo; r <= lo+rune(n); r++ {
			t.byRune[r] = uint8(class)
		}
		next = lo + rune(n) + 1
	}
	return t
})

// compositions maps a pair of characters to the one that they compose to, Hangul left out.
var compositions = sync.OnceValue(func() map[[2]rune]rune {
	m, no := nfdMap(), noCompClass()
	pairs := make(map[[2]rune]rune, 1024)
	// The canonical decomposition of a character is (first, last) where first itself may decompose: find first by
	// composing all but the last rune, shortest decompositions first.
	for length := 2; length <= 4; length++ {
		for i, cp := range m.keys {
			d := m.runes[m.at[i]:m.at[i+1]]
			if len(d) != length || no.has(cp) {
				continue
			}
			first, ok := d[0], true
			for _, r := range d[1 : length-1] {
				if first, ok = pairs[[2]rune{first, r}]; !ok {
					break
				}
			}
			if ok {
				pairs[[2]rune{first, d[length-1]}] = cp
			}
		}
	}
	return pairs
})

const (
	hangulS, hangulL, hangulV, hangulT = 0xAC00, 0x1100, 0x1161, 0x11A7
	hangulSN, hangulLN, hangulVN       = 11172, 19, 21
	hangulTN                           = 28
)

// compose returns the character that a and b compose to.
func compose(pairs map[[2]rune]rune, a, b rune) (rune, bool) {
	if l := a - hangulL; l >= 0 && l < hangulLN {
		if v := b - hangulV; v >= 0 && v < hangulVN {
			return hangulS + (l*hangulVN+v)*hangulTN, true
		}
	} else if s := a - hangulS; s >= 0 && s < hangulSN && s%hangulTN == 0 {
		if t := b - hangulT; t > 0 && t < hangulTN {
			return a + t, true
		}
	}
	r, ok := pairs[[2]rune{a, b}]
	return r, ok
}

// runeTable maps each code point to a small number, through pages of 256 that equal ones share.
type runeTable struct {
	page  [(utf8.MaxRune + 1) >> 8]uint16
	pages [][256]uint16
}

// get returns the number of r, 0 for what is no code point.
func (t *runeTable) get(r rune) uint16 {
	if uint32(r) > utf8.MaxRune {
		return 0
	}
	return t.pages[t.page[r>>8]][r&0xFF]
}

// loadTable reads a table of ranges with their numbers.
func loadTable(name string) *runeTable {
	t := &runeTable{pages: make([][256]uint16, 1)} // page 0 is all zero
	s, next := payload(name), rune(0)
	for s != "" {
		gap, a := uvarint(s)
		n, b := uvarint(s[a:])
		k, c := uvarint(s[a+b:])
		s = s[a+b+c:]
		lo := next + rune(gap)
		hi := lo + rune(n)
		next = hi + 1
		full := uint16(0) // a page of this range alone
		for lo <= hi {
			end := min(hi, lo|0xFF)
			p := &t.page[lo>>8]
			switch whole := end-lo == 0xFF; {
			case whole && full != 0:
				*p = full
				lo = end + 1
				continue
			case *p == 0:
				t.pages = append(t.pages, [256]uint16{})
				*p = uint16(len(t.pages) - 1)
				if whole {
					full = *p
				}
			}
			page := &t.pages[*p]
			for r := lo; r <= end; r++ {
				page[r&0xFF] = uint16(k)
			}
			lo = end + 1
		}
	}
	return t
}
