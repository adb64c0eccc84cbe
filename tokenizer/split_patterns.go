package tokenizer

import (
	"sync"
	"unicode/utf8"
)

// The patterns that nearly all byte-level tokenizers split with have matchers written by hand. Each says where the match
// that begins at a place ends; every character is in some match. They are tested equal to the general engine.

// scan is such a matcher: for i < len(s) it returns the end, above i, of the match that begins there.
type scan func(s []byte, i int) int

func (f scan) cuts(s []byte, dst []cut) ([]cut, error) {
	for i := 0; i < len(s); {
		end := f(s, i)
		dst = append(dst, cut{int32(i), int32(end), true})
		i = end
	}
	return dst, nil
}

// Properties of a character, as bits.
const (
	isL     = 1 << iota // \p{L}
	isN                 // \p{N}
	isS                 // \s
	isBreak             // [\r\n]
	isUpper             // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
	isLower             // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
)

// runeKinds has the properties of each code point.
var runeKinds = sync.OnceValue(func() *[utf8.MaxRune + 1]uint8 {
	t := new([utf8.MaxRune + 1]uint8)
	set := func(ranges []runeRange, bits uint8) {
		for _, x := range ranges {
			for r := x.lo; r <= x.hi; r++ {
				t[r] |= bits
			}
		}
	}
	for name, bits := range map[string]uint8{
		"L": isL, "N": isN, "Lu": isUpper, "Lt": isUpper, "Ll": isLower, "Lm": isUpper | isLower, "Lo": isUpper | isLower,
		"M": isUpper | isLower,
	} {
		set(loadClass(name).ranges, bits)
	}
	set(spaceRanges, isS)
	t['\r'] |= isBreak
	t['\n'] |= isBreak
	return t
})

// kindAt returns the properties of the character at i < len(s), and its length.
func kindAt(t *[utf8.MaxRune + 1]uint8, s []byte, i int) (uint8, int) {
	if c := s[i]; c < utf8.RuneSelf {
		return t[c], 1
	}
	r, n := utf8.DecodeRune(s[i:])
	return t[r], n
}

// run returns where the characters from i on stop having one of the properties want.
func run(t *[utf8.MaxRune + 1]uint8, s []byte, i int, want uint8) int {
	for i < len(s) {
		k, n := kindAt(t, s, i)
		if k&want == 0 {
			break
		}
		i += n
	}
	return i
}

// runOther returns where the characters from i on stop being [^\s\p{L}\p{N}].
func runOther(t *[utf8.MaxRune + 1]uint8, s []byte, i int) int {
	for i < len(s) {
		k, n := kindAt(t, s, i)
		if k&(isL|isN|isS) != 0 {
			break
		}
		i += n
	}
	return i
}

// scanSpace is \s+(?!\S)|\s+ at i, where white space is: all of it, but the last character before something else. With
// breaks set \s*[\r\n]+ goes before it: up to the last line break.
func scanSpace(t *[utf8.MaxRune + 1]uint8, s []byte, i int, breaks bool) int {
	end, last, stop := i, i, -1
	for end < len(s) {
		k, n := kindAt(t, s, end)
		if k&isS == 0 {
			break
		}
		last = end
		end += n
		if k&isBreak != 0 {
			stop = end
		}
	}
	switch {
	case breaks && stop >= 0:
		return stop
	case end == len(s) || last == i:
		return end
	}
	return last
}

// contraction returns the length of 's|'t|'re|'ve|'m|'ll|'d at i, or 0. With fold they are in any case, the long s
// included.
func contraction(s []byte, i int, fold bool) int {
	if s[i] != '\'' || i+1 == len(s) {
		return 0
	}
	a, b := s[i+1], byte(0)
	if i+2 < len(s) {
		b = s[i+2]
	}
	if fold {
		if a == 0xC5 && b == 0xBF {
			return 3
		}
		if a-'A' < 26 {
			a |= 0x20
		}
		if b-'A' < 26 {
			b |= 0x20
		}
	}
	switch {
	case a == 's', a == 't', a == 'm', a == 'd':
		return 2
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return 3
	}
	return 0
}

const gpt2Source = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

var gpt2Pattern scan = func(s []byte, i int) int {
	if n := contraction(s, i, false); n > 0 {
		return i + n
	}
	t, j := runeKinds(), i
	if s[i] == ' ' && i+1 < len(s) {
		j++
	}
	k, n := kindAt(t, s, j)
	switch {
	case k&isL != 0:
		return run(t, s, j+n, isL)
	case k&isN != 0:
		return run(t, s, j+n, isN)
	case k&isS == 0:
		return runOther(t, s, j+n)
	}
	return scanSpace(t, s, i, false)
}

// cl100k returns the matcher of the pattern of GPT-4, Llama 3 and Qwen, which take up to so many digits together.
func cl100k(digits int) scan {
	return func(s []byte, i int) int {
		if n := contraction(s, i, true); n > 0 {
			return i + n
		}
		t := runeKinds()
		k, n := kindAt(t, s, i)
		switch {
		case k&isL != 0:
			return run(t, s, i+n, isL)
		case k&isN != 0:
			return scanDigits(t, s, i+n, digits)
		case k&isBreak == 0 && i+n < len(s):
			if next, m := kindAt(t, s, i+n); next&isL != 0 {
				return run(t, s, i+n+m, isL)
			}
		}
		if end := scanOther(t, s, i, false); end > i {
			return end
		}
		return scanSpace(t, s, i, true)
	}
}

// scanDigits is \p{N}{1,digits} whose first ends at i.
func scanDigits(t *[utf8.MaxRune + 1]uint8, s []byte, i, digits int) int {
	for ; digits > 1 && i < len(s); digits-- {
		k, n := kindAt(t, s, i)
		if k&isN == 0 {
			break
		}
		i += n
	}
	return i
}

// scanOther is  ?[^\s\p{L}\p{N}]+[\r\n]* at i, or with slash  ?[^\s\p{L}\p{N}]+[\r\n/]*; without a match it returns i.
func scanOther(t *[utf8.MaxRune + 1]uint8, s []byte, i int, slash bool) int {
	j := i
	if s[i] == ' ' {
		j++
	}
	end := runOther(t, s, j)
	if end == j {
		return i
	}
	for end < len(s) && (s[end] == '\r' || s[end] == '\n' || slash && s[end] == '/') {
		end++
	}
	return end
}

// o200k returns the matcher of the pattern of GPT-4o: words of capitals and then small letters, with or without their
// contractions, and up to so many digits.
func o200k(digits int, contractions bool) scan {
	return func(s []byte, i int) int {
		t := runeKinds()
		k, n := kindAt(t, s, i)
		end := i
		if k&(isL|isN|isBreak) == 0 {
			// A word with a character before it: try [upper]*[lower]+ with that character and without, then the same
			// with [upper]+[lower]*.
			if end = capitalised(t, s, i+n); end < 0 {
				end = capitalised(t, s, i)
			}
			if end < 0 {
				if end = capitals(t, s, i+n); end < 0 {
					end = capitals(t, s, i)
				}
			}
		} else if k&isL != 0 {
			if end = capitalised(t, s, i); end < 0 {
				end = capitals(t, s, i)
			}
		}
		if end > i {
			if contractions && end < len(s) {
				end += contraction(s, end, true)
			}
			return end
		}
		if k&isN != 0 {
			return scanDigits(t, s, i+n, digits)
		}
		if end := scanOther(t, s, i, true); end > i {
			return end
		}
		return scanSpace(t, s, i, true)
	}
}

// capitalised is [upper]*[lower]+ at i, or -1. Where no lower character follows, the upper ones give back as many as it
// takes for the last that is of both kinds to be the lower one.
func capitalised(t *[utf8.MaxRune + 1]uint8, s []byte, i int) int {
	both, end := -1, i
	for end < len(s) {
		k, n := kindAt(t, s, end)
		if k&isUpper == 0 {
			if k&isLower != 0 {
				return run(t, s, end+n, isLower)
			}
			break
		}
		end += n
		if k&isLower != 0 {
			both = end
		}
	}
	return both
}

// capitals is [upper]+[lower]* at i, or -1.
func capitals(t *[utf8.MaxRune + 1]uint8, s []byte, i int) int {
	end := run(t, s, i, isUpper)
	if end == i {
		return -1
	}
	return run(t, s, end, isLower)
}

// scanners has the matchers by their patterns, in the spellings that are found.
var scanners = map[string]scan{
	gpt2Source: gpt2Pattern,
	`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`: gpt2Pattern,

	`(?i:'s|'t|'re|'ve|'m|'ll|'d)` + cl100kWord + `\p{N}{1,3}` + cl100kRest:                                         cl100k(3),
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)` + cl100kWord + `\p{N}` + cl100kRest:                                              cl100k(1),
	`'(?i:[sdmt]|ll|ve|re)` + cl100kWord + `\p{N}{1,3}` + cl100kRest:                                                cl100k(3),
	`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`: cl100k(3),

	o200kSource: o200k(3, true),
	`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+` +
		`|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*` + o200kRest("{1,3}"): o200k(3, false),
	`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+` +
		`|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*` + o200kRest(""): o200k(1, false),
}

const (
	cl100kWord = `|[^\r\n\p{L}\p{N}]?\p{L}+|`
	cl100kRest = `| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	o200kSource = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?` +
		`|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?` +
		`|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

func o200kRest(digits string) string {
	return `|\p{N}` + digits + `| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
}

// gapScan is a scan for a pattern that does not match everywhere: where it does not, it returns i.
type gapScan func(s []byte, i int) int

func (f gapScan) cuts(s []byte, dst []cut) ([]cut, error) {
	last := 0
	for i := 0; i < len(s); {
		end := f(s, i)
		if end == i {
			_, n := kindAt(runeKinds(), s, i)
			i += n
			continue
		}
		if last < i {
			dst = append(dst, cut{int32(last), int32(i), false})
		}
		dst = append(dst, cut{int32(i), int32(end), true})
		i, last = end, end
	}
	if last < len(s) {
		dst = append(dst, cut{int32(last), int32(len(s)), false})
	}
	return dst, nil
}

// classRun matches runs of one class, or (each) its characters one by one.
func classRun(want uint8, each bool) gapScan {
	return func(s []byte, i int) int {
		if each {
			k, n := kindAt(runeKinds(), s, i)
			if k&want == 0 {
				return i
			}
			return i + n
		}
		return run(runeKinds(), s, i, want)
	}
}

const clipSource = `<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`

var clipPattern gapScan = func(s []byte, i int) int {
	if s[i] == '<' {
		for _, tag := range [...]string{"<|startoftext|>", "<|endoftext|>"} {
			if len(s)-i >= len(tag) && string(s[i:i+len(tag)]) == tag {
				return i + len(tag)
			}
		}
	}
	if n := contraction(s, i, false); n > 0 {
		return i + n
	}
	t := runeKinds()
	switch k, n := kindAt(t, s, i); {
	case k&isL != 0:
		return run(t, s, i+n, isL)
	case k&isN != 0:
		return i + n
	case k&isS != 0:
		return i
	}
	return runOther(t, s, i)
}

// gapScanners has the matchers of patterns that leave gaps.
var gapScanners = map[string]gapScan{
	clipSource: clipPattern,
	`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`: func(s []byte, i int) int {
		if s[i] == '<' {
			return runOther(runeKinds(), s, i)
		}
		return clipPattern(s, i)
	},
	`\s+`: classRun(isS, false), `\s`: classRun(isS, true), `\p{L}+`: classRun(isL, false), `\p{N}+`: classRun(isN, false),
	`\p{N}`: classRun(isN, true), `\p{N}{1,3}`: func(s []byte, i int) int {
		t := runeKinds()
		if k, n := kindAt(t, s, i); k&isN != 0 {
			return scanDigits(t, s, i+n, 3)
		}
		return i
	},
	` {2,}`: func(s []byte, i int) int {
		end := i
		for end < len(s) && s[end] == ' ' {
			end++
		}
		if end-i < 2 {
			return i
		}
		return end
	},
}
