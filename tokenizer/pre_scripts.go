package tokenizer

import (
	"sync"
	"unicode/utf8"
)

// unicodeScripts cuts where the script changes. The kana count as Han; characters of no script and spaces belong to
// what is before them, and those before the first of a script are dropped.
type unicodeScripts struct{}

func newUnicodeScripts(*builder, node) (preTokenizer, error) { return unicodeScripts{}, nil }

func (unicodeScripts) preTokenize(ps *pieces) error {
	table := scriptTable()
	ps.next = ps.next[:0]
	for _, p := range ps.list {
		if p.added >= 0 {
			ps.next = append(ps.next, p)
			continue
		}
		s := ps.bytes(p)
		lo, last := -1, uint16(0)
		for i := 0; i < len(s); {
			r, n := utf8.DecodeRune(s[i:])
			if k := table.get(r); k != 0 && k != last {
				if lo >= 0 {
					ps.next = append(ps.next, ps.slice(p, int32(lo), int32(i)))
				}
				lo, last = i, k
			}
			i += n
		}
		if lo >= 0 {
			ps.next = append(ps.next, ps.slice(p, int32(lo), int32(len(s))))
		}
	}
	ps.list, ps.next = ps.next, ps.list
	return nil
}

// scriptTable has the class of each character; 0 are those of no script.
var scriptTable = sync.OnceValue(func() *runeTable { return loadTable("script") })

// fixedLength cuts into pieces of so many characters.
type fixedLength int

func newFixedLength(_ *builder, n node) (preTokenizer, error) {
	f := struct{ Length int }{5}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	if f.Length < 1 {
		return nil, n.errorf("length %d: want at least 1", f.Length)
	}
	return fixedLength(f.Length), nil
}

func (c fixedLength) preTokenize(ps *pieces) error {
	ps.next = ps.next[:0]
	for _, p := range ps.list {
		if p.added >= 0 {
			ps.next = append(ps.next, p)
			continue
		}
		s := ps.bytes(p)
		for lo := 0; lo < len(s); {
			i := lo
			for k := 0; k < int(c) && i < len(s); k++ {
				_, n := utf8.DecodeRune(s[i:])
				i += n
			}
			ps.next = append(ps.next, ps.slice(p, int32(lo), int32(i)))
			lo = i
		}
	}
	ps.list, ps.next = ps.next, ps.list
	return nil
}
