package tokenizer

import (
	"sync"
	"unicode/utf8"
)

// The classes of characters in grapheme clusters (UAX #29), as bits; internal/gentables has found them.
const (
	gcControl = 1 << iota
	gcExtend
	gcJoined // Extend, ZWJ and SpacingMark
	gcPrepend
	gcPicture
	gcL
	gcV
	gcT
	gcLV
	gcLVT
	gcConsonant
	gcLinker
	gcInCB // Extend and Linker of the property InCB
)

const zeroWidthJoiner = 0x200D

var graphemeTable = sync.OnceValue(func() *runeTable { return loadTable("grapheme") })

func graphemeClass(t *runeTable, r rune) uint16 {
	if s := r - hangulS; s >= 0 && s < hangulSN {
		if s%hangulTN == 0 {
			return gcLV
		}
		return gcLVT
	}
	return t.get(r)
}

// cluster returns the length of the first grapheme cluster of s, which is not empty, in bytes and in characters.
func cluster(s []byte) (n, runes int) {
	if s[0] < utf8.RuneSelf && (len(s) == 1 || s[1] < utf8.RuneSelf) {
		if s[0] == '\r' && len(s) > 1 && s[1] == '\n' {
			return 2, 2
		}
		return 1, 1
	}
	t := graphemeTable()
	r, n := utf8.DecodeRune(s)
	runes = 1
	k := graphemeClass(t, r)
	picture := k&gcPicture != 0 // a picture and extending characters so far
	conjunct, linked := k&gcConsonant != 0, false
	flags := 0
	if isFlag(r) {
		flags = 1
	}
	for n < len(s) {
		next, w := utf8.DecodeRune(s[n:])
		c := graphemeClass(t, next)
		var join bool
		switch {
		case k&gcControl != 0 || c&gcControl != 0:
			join = r == '\r' && next == '\n'
		case k&gcL != 0 && c&(gcL|gcV|gcLV|gcLVT) != 0, k&(gcLV|gcV) != 0 && c&(gcV|gcT) != 0, k&(gcLVT|gcT) != 0 && c&gcT != 0,
			c&gcJoined != 0, k&gcPrepend != 0,
			conjunct && linked && c&gcConsonant != 0,
			picture && r == zeroWidthJoiner && c&gcPicture != 0:
			join = true
		case isFlag(r) && isFlag(next):
			join = flags%2 == 1
		}
		if !join {
			break
		}
		switch {
		case c&gcPicture != 0:
			picture = true
		case c&gcExtend == 0 && next != zeroWidthJoiner || r == zeroWidthJoiner:
			picture = false
		}
		switch {
		case c&gcConsonant != 0:
			conjunct, linked = true, false
		case c&gcLinker != 0:
			linked = true
		case c&gcInCB == 0:
			conjunct = false
		}
		if isFlag(next) {
			flags++
		} else {
			flags = 0
		}
		r, k = next, c
		n += w
		runes++
	}
	return n, runes
}

func isFlag(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }
