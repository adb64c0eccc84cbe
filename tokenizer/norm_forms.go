package tokenizer

import (
	"slices"
	"sync"
	"unicode/utf8"
)

// unicodeForm is one of NFC, NFD, NFKC and NFKD, over the library's tables (Unicode 9 or so) and with its bookkeeping:
// which character of the input each character of the output stands for.
type unicodeForm struct{ compat, compose bool }

func newUnicodeForm(compat, compose bool) func(*builder, node) (normalizer, error) {
	return func(*builder, node) (normalizer, error) { return unicodeForm{compat, compose}, nil }
}

func (f unicodeForm) normalize(t *text) error {
	if isASCII(t.b) {
		return nil
	}
	if f.compose {
		if composed(t.b, f.compat) {
			return nil
		}
		recompose(t, f.compat)
	} else {
		decompose(t, f.compat)
	}
	return nil
}

// composed reports whether s has only characters that composition leaves as they are, whatever stands beside them.
func composed(s []byte, compat bool) bool {
	unsure := unsureNFC()
	if compat {
		unsure = unsureNFKC()
	}
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		if unsure[r>>6]&(1<<(r&63)) != 0 {
			return false
		}
		i += n
	}
	return true
}

// runeBits is a set of code points.
type runeBits [(utf8.MaxRune + 1) / 64]uint64

func (b *runeBits) add(r rune) { b[r>>6] |= 1 << (r & 63) }

// unsureNFC has the characters that NFC changes or moves, and those that may be joined to what is before them.
var unsureNFC = sync.OnceValue(func() *runeBits {
	b := new(runeBits)
	for _, x := range noCompClass().ranges {
		for r := x.lo; r <= x.hi; r++ {
			b.add(r)
		}
	}
	for r, class := range combining().byRune {
		if class != 0 {
			b.add(r)
		}
	}
	for pair := range compositions() {
		b.add(pair[1])
	}
	for r := rune(hangulV); r < hangulV+hangulVN; r++ {
		b.add(r)
	}
	for r := rune(hangulT); r < hangulT+hangulTN; r++ {
		b.add(r)
	}
	second := *b
	for i, r := range nfdMap().keys {
		if first := nfdMap().runes[nfdMap().at[i]]; second[first>>6]&(1<<(first&63)) != 0 {
			b.add(r)
		}
	}
	return b
})

// unsureNFKC is unsureNFC with the characters that have a compatibility decomposition.
var unsureNFKC = sync.OnceValue(func() *runeBits {
	b := *unsureNFC()
	for _, r := range nfkdMap().keys {
		b.add(r)
	}
	return &b
})

// decomposed is a character of a decomposition: its combining class and the change that text.put wants.
type decomposed struct {
	r      rune
	change int32
	class  uint8
}

// formState is the working memory of a Unicode form, kept in text so that it is allocated once.
type formState struct {
	nfd, nfkd *runeMap // nfkd is nil for canonical forms
	ccc       *combiningTable
	pairs     map[[2]rune]rune // nil where nothing is composed
	marks     []decomposed     // read but not given yet: they may have to be reordered
	starter   decomposed       // the character that marks may compose with
	has       bool
	blocked   []decomposed // marks after starter that did not compose
}

func decompose(t *text, compat bool) {
	t.form.pairs = nil
	t.applyForm(compat)
}

// recompose is the composition algorithm of UAX #15. The change of a composed character counts what it swallowed.
func recompose(t *text, compat bool) {
	t.form.pairs = compositions()
	t.applyForm(compat)
}

func (t *text) applyForm(compat bool) {
	f := &t.form
	f.nfd, f.nfkd, f.ccc, f.has = nfdMap(), nil, combining(), false
	if compat {
		f.nfkd = nfkdMap()
	}
	t.begin()
	for i := 0; i < len(t.b); {
		r, n := rune(t.b[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(t.b[i:])
		}
		i += n
		if r < 0xA0 {
			t.read(r, 0, 0)
			continue
		}
		if s := r - hangulS; s >= 0 && s < hangulSN {
			t.read(hangulL+s/(hangulVN*hangulTN), 0, 0)
			t.read(hangulV+s%(hangulVN*hangulTN)/hangulTN, 1, 0)
			if k := s % hangulTN; k > 0 {
				t.read(hangulT+k, 1, 0)
			}
			continue
		}
		var to []rune
		if f.nfkd != nil {
			to = f.nfkd.get(r)
		}
		if to == nil {
			to = f.nfd.get(r)
		}
		if to == nil {
			t.read(r, 0, f.ccc.class(r))
			continue
		}
		for i, r := range to {
			t.read(r, int32(min(i, 1)), f.ccc.class(r))
		}
	}
	t.flushMarks()
	t.flushStarter()
	t.end()
}

// read takes the next character of the decomposition, before reordering.
func (t *text) read(r rune, change int32, class uint8) {
	x := decomposed{r, change, class}
	if class != 0 {
		t.form.marks = append(t.form.marks, x)
		return
	}
	t.flushMarks()
	t.give(x)
}

func (t *text) flushMarks() {
	marks := t.form.marks
	if len(marks) > 1 {
		slices.SortStableFunc(marks, func(a, b decomposed) int { return int(a.class) - int(b.class) })
	}
	for _, x := range marks {
		t.give(x)
	}
	t.form.marks = marks[:0]
}

// give takes the next character in canonical order.
func (t *text) give(x decomposed) {
	f := &t.form
	if f.pairs == nil || !f.has && x.class != 0 {
		t.put(x.r, int(x.change))
		return
	}
	if !f.has {
		f.starter, f.has = x, true
		return
	}
	if n := len(f.blocked); n == 0 || f.blocked[n-1].class < x.class {
		if r, ok := compose(f.pairs, f.starter.r, x.r); ok {
			f.starter.r = r
			f.starter.change += x.change - 1
			return
		}
	}
	if x.class == 0 {
		t.flushStarter()
		f.starter, f.has = x, true
		return
	}
	f.blocked = append(f.blocked, x)
}

func (t *text) flushStarter() {
	f := &t.form
	if !f.has {
		return
	}
	t.put(f.starter.r, int(f.starter.change))
	for _, x := range f.blocked {
		t.put(x.r, int(x.change))
	}
	f.blocked, f.has = f.blocked[:0], false
}
