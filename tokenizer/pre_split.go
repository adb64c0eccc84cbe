package tokenizer

import "unicode/utf8"

// splitter is every pre-tokenizer that cuts at a pattern.
type splitter struct {
	pattern pattern
	invert  bool
	how     behavior
}

func (c splitter) preTokenize(ps *pieces) error { return ps.split(c.pattern, c.invert, c.how) }

var behaviors = map[string]behavior{
	"Removed": removed, "Isolated": isolated, "MergedWithPrevious": mergedWithPrevious,
	"MergedWithNext": mergedWithNext, "Contiguous": contiguous,
}

func readBehavior(n node, name string) (behavior, error) {
	how, ok := behaviors[name]
	if !ok {
		return 0, n.errorf("behavior %q: want Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous", name)
	}
	return how, nil
}

// newBertPreTokenizer splits at white space, then isolates punctuation.
func newBertPreTokenizer(*builder, node) (preTokenizer, error) {
	return preTokenizerSequence{
		splitter{runePattern(isSpace), false, removed}, splitter{runePattern(isPunct), false, isolated},
	}, nil
}

func isPunct(r rune) bool { return punctClass().has(r) }

// newWhitespace keeps the matches of \w+|[^\w\s]+.
func newWhitespace(*builder, node) (preTokenizer, error) {
	return splitter{wordPattern{}, true, removed}, nil
}

func newWhitespaceSplit(*builder, node) (preTokenizer, error) {
	return splitter{runePattern(isSpace), false, removed}, nil
}

func newPunctuation(_ *builder, n node) (preTokenizer, error) {
	f := struct{ Behavior string }{"Isolated"}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	how, err := readBehavior(n, f.Behavior)
	return splitter{runePattern(isPunct), false, how}, err
}

// newDigits cuts runs of numeric characters out, or each one.
func newDigits(_ *builder, n node) (preTokenizer, error) {
	var f struct {
		Individual bool `json:"individual_digits"`
	}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	how := contiguous
	if f.Individual {
		how = isolated
	}
	return splitter{runePattern(func(r rune) bool { return numericClass().has(r) }), false, how}, nil
}

func newCharDelimiterSplit(_ *builder, n node) (preTokenizer, error) {
	var f struct{ Delimiter string }
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	d, size := utf8.DecodeRuneInString(f.Delimiter)
	if size == 0 || size != len(f.Delimiter) {
		return nil, n.errorf("delimiter %q: want one character", f.Delimiter)
	}
	return splitter{runePattern(func(r rune) bool { return r == d }), false, removed}, nil
}

func newSplit(_ *builder, n node) (preTokenizer, error) {
	var f struct {
		Behavior string
		Invert   bool
	}
	if err := n.decode(&f); err != nil {
		return nil, err
	}
	how, err := readBehavior(n, f.Behavior)
	if err != nil {
		return nil, err
	}
	pat, err := readPattern(n)
	if err != nil {
		return nil, err
	}
	return splitter{pat, f.Invert, how}, nil
}

// wordPattern is \w+|[^\w\s]+ with the \w of Rust's regex crate.
type wordPattern struct{}

func (wordPattern) cuts(s []byte, dst []cut) ([]cut, error) {
	words := wordClass()
	const gap, word, other = 0, 1, 2
	kind := func(r rune) int {
		switch {
		case words.has(r):
			return word
		case isSpace(r):
			return gap
		}
		return other
	}
	lo, was := 0, -1
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(s[i:])
		}
		if k := kind(r); k != was {
			if lo < i {
				dst = append(dst, cut{int32(lo), int32(i), was != gap})
			}
			lo, was = i, k
		}
		i += n
	}
	if lo < len(s) {
		dst = append(dst, cut{int32(lo), int32(len(s)), was != gap})
	}
	return dst, nil
}
