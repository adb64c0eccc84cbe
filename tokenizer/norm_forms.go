package tokenizer

import (
	"slices"
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
		recompose(t, f.compat)
	} else {
		decompose(t, f.compat)
	}
	return nil
}

// decomposed is a character of a decomposition: its combining class and the change that text.put wants.
type decomposed struct {
	r      rune
	change int32
	class  uint8
}

// decomposer gives the decomposition of text in canonical order.
type decomposer struct {
	nfd, nfkd *runeMap
	ccc       *combiningTable
	marks     []decomposed // read but not given yet: they may have to be reordered
	give      func(decomposed)
}

// each calls give with every character of the decomposition of s.
func (d *decomposer) each(s []byte) {
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(s[i:])
		}
		i += n
		if r < 0xA0 {
			d.push(r, 0, 0)
			continue
		}
		if s := r - hangulS; s >= 0 && s < hangulSN {
			d.push(hangulL+s/(hangulVN*hangulTN), 0, 0)
			d.push(hangulV+s%(hangulVN*hangulTN)/hangulTN, 1, 0)
			if k := s % hangulTN; k > 0 {
				d.push(hangulT+k, 1, 0)
			}
			continue
		}
		var to []rune
		if d.nfkd != nil {
			to = d.nfkd.get(r)
		}
		if to == nil {
			to = d.nfd.get(r)
		}
		if to == nil {
			d.push(r, 0, d.ccc.class(r))
			continue
		}
		for i, r := range to {
			d.push(r, int32(min(i, 1)), d.ccc.class(r))
		}
	}
	d.flush()
}

func (d *decomposer) push(r rune, change int32, class uint8) {
	x := decomposed{r, change, class}
	if class != 0 {
		d.marks = append(d.marks, x)
		return
	}
	d.flush()
	d.give(x)
}

func (d *decomposer) flush() {
	if len(d.marks) > 1 {
		slices.SortStableFunc(d.marks, func(a, b decomposed) int { return int(a.class) - int(b.class) })
	}
	for _, x := range d.marks {
		d.give(x)
	}
	d.marks = d.marks[:0]
}

// decomposition calls give with every character of the decomposition of s.
func decomposition(s []byte, compat bool, give func(decomposed)) {
	d := decomposer{nfd: nfdMap(), ccc: combining(), give: give}
	if compat {
		d.nfkd = nfkdMap()
	}
	d.each(s)
}

func decompose(t *text, compat bool) {
	t.begin()
	decomposition(t.b, compat, func(x decomposed) { t.put(x.r, int(x.change)) })
	t.end()
}

// recompose is the composition algorithm of UAX #15. The change of a composed character counts what it swallowed.
func recompose(t *text, compat bool) {
	pairs := compositions()
	var starter decomposed
	have := false
	var blocked []decomposed // marks after starter that did not compose
	t.begin()
	flush := func() {
		if have {
			t.put(starter.r, int(starter.change))
		}
		for _, x := range blocked {
			t.put(x.r, int(x.change))
		}
		blocked = blocked[:0]
	}
	decomposition(t.b, compat, func(x decomposed) {
		if !have {
			if x.class != 0 {
				t.put(x.r, int(x.change))
				return
			}
			starter, have = x, true
			return
		}
		if n := len(blocked); n == 0 || blocked[n-1].class < x.class {
			if r, ok := compose(pairs, starter.r, x.r); ok {
				starter.r = r
				starter.change += x.change - 1
				return
			}
		}
		if x.class == 0 {
			flush()
			starter = x
			return
		}
		blocked = append(blocked, x)
	})
	flush()
	t.end()
}
