package tokenizer

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// Patterns in tokenizer.json are for Oniguruma: they look ahead and behind, which Go's regexp does not, and their
// classes are those of Unicode 16. They run on regexp2 with the classes written out from our tables.

// regexTimeout bounds one search: a pattern is outside input, and backtracking may be exponential.
const regexTimeout = 2 * time.Second

// maxPattern bounds the length of a pattern in bytes.
const maxPattern = 64 << 10

type regex struct{ re *regexp2.Regexp }

func compileRegex(src string) (regex, error) {
	if len(src) > maxPattern {
		return regex{}, fmt.Errorf("a pattern of %d bytes is longer than the limit of %d", len(src), maxPattern)
	}
	if !utf8.ValidString(src) {
		return regex{}, fmt.Errorf("pattern %q is not valid UTF-8", src)
	}
	translated, err := translate(src)
	if err != nil {
		return regex{}, fmt.Errorf("pattern %q: %v", src, err)
	}
	re, err := regexp2.Compile(translated, regexp2.None)
	if err != nil {
		return regex{}, fmt.Errorf("pattern %q: %v", src, err)
	}
	re.MatchTimeout = regexTimeout
	return regex{re}, nil
}

func (x regex) cuts(s []byte, dst []cut) ([]cut, error) {
	if len(s) == 0 {
		return dst, nil
	}
	runes := []rune(string(s))
	at, byteAt := 0, 0
	offset := func(i int) int { // byte offset of rune i, ascending
		for ; at < i; at++ {
			byteAt += utf8.RuneLen(runes[at])
		}
		return byteAt
	}
	last := 0
	m, err := x.re.FindRunesMatch(runes)
	for lastEnd := -1; m != nil && err == nil; m, err = x.re.FindNextMatch(m) {
		if m.Length == 0 && m.Index == lastEnd {
			continue // no empty match right after a match
		}
		lo := offset(m.Index)
		hi := offset(m.Index + m.Length)
		lastEnd = m.Index + m.Length
		if last < lo {
			dst = append(dst, cut{int32(last), int32(lo), false})
		}
		dst = append(dst, cut{int32(lo), int32(hi), true})
		last = hi
	}
	if err != nil {
		return dst, fmt.Errorf("tokenizer: matching pattern %q: %w", x.re.String(), err)
	}
	if last < len(s) {
		dst = append(dst, cut{int32(last), int32(len(s)), false})
	}
	return dst, nil
}

// regexClasses has the table of each name inside \p{...}, lower case and without spaces, '_' and '-'.
var regexClasses = map[string]string{
	"l": "L", "letter": "L", "n": "N", "number": "N", "m": "M", "mark": "M", "combiningmark": "M", "p": "P",
	"punctuation": "P", "s": "S", "symbol": "S", "z": "Z", "separator": "Z",
	"lu": "Lu", "uppercaseletter": "Lu", "ll": "Ll", "lowercaseletter": "Ll", "lt": "Lt", "titlecaseletter": "Lt",
	"lm": "Lm", "modifierletter": "Lm", "lo": "Lo", "otherletter": "Lo", "nd": "Nd", "decimalnumber": "Nd",
	"mn": "Mn", "nonspacingmark": "Mn", "cc": "Cc", "control": "Cc", "cf": "Cf", "format": "Cf",
	"han": "Han", "hiragana": "Hiragana", "katakana": "Katakana", "hangul": "Hangul", "thai": "Thai",
	"arabic": "Arabic", "digit": "Nd",
}

// translate rewrites an Oniguruma pattern (Ruby syntax) for regexp2.
func translate(src string) (string, error) {
	t := translator{src: src}
	for t.i < len(src) {
		if err := t.step(); err != nil {
			return "", err
		}
	}
	return string(t.out), nil
}

// translator is the state of translate.
type translator struct {
	src     string
	i       int
	out     []byte
	inClass bool
	fold    bool    // inside (?i: )
	atom    int     // where in out the last atom begins: what a quantifier is for
	groups  []group // open parentheses
}

type group struct {
	atom int
	fold bool // what holds after it
}

func (t *translator) write(n int, s string) {
	t.out = append(t.out, s...)
	t.i += n
}

func (t *translator) step() error {
	rest := t.src[t.i:]
	c := rest[0]
	if t.inClass {
		switch {
		case c == '\\' && len(rest) > 1:
			return t.escape()
		case c == ']':
			t.inClass = false
			t.write(1, "]")
		case strings.HasPrefix(rest, "[:"):
			end := strings.Index(rest, ":]")
			if end < 0 {
				return fmt.Errorf("byte %d: [: has no end", t.i)
			}
			ranges, err := posixClass(rest[2:end])
			if err != nil {
				return err
			}
			t.write(end+2, writeSet(ranges))
		case c == '[':
			return fmt.Errorf("byte %d: a class inside a class is not supported: write one class", t.i)
		case strings.HasPrefix(rest, "&&"):
			return fmt.Errorf("byte %d: the intersection && of classes is not supported", t.i)
		default:
			t.literal()
		}
		return nil
	}
	switch c {
	case '*', '+', '?', '{':
		return t.quantifier()
	case '|':
		t.write(1, "|")
		t.atom = len(t.out)
		return nil
	case ')':
		if n := len(t.groups); n > 0 {
			t.atom, t.fold = t.groups[n-1].atom, t.groups[n-1].fold
			t.groups = t.groups[:n-1]
		}
		t.write(1, ")")
		return nil
	}
	t.atom = len(t.out)
	switch c {
	case '\\':
		if len(rest) == 1 {
			return fmt.Errorf("a backslash at the end")
		}
		return t.escape()
	case '[':
		t.inClass = true
		t.write(1, "[")
		if strings.HasPrefix(t.src[t.i:], "^") {
			t.write(1, "^")
		}
		if strings.HasPrefix(t.src[t.i:], "]") {
			t.write(1, `\]`)
		}
	case '.':
		t.write(1, `[^\n]`)
	case '^':
		t.write(1, `(?m:^)`)
	case '$':
		t.write(1, `(?m:$)`)
	case '(':
		return t.open()
	default:
		t.literal()
	}
	return nil
}

// open begins a group; (?i) and (?i: ) are followed, so that folding reaches beyond ASCII as Oniguruma's does.
func (t *translator) open() error {
	g := group{t.atom, t.fold}
	rest := t.src[t.i:]
	if !strings.HasPrefix(rest, "(?") {
		t.groups = append(t.groups, g)
		t.write(1, "(?:") // what a group captured is never asked for, but \1 may refer to it
		if strings.Contains(t.src, `\1`) {
			t.out = append(t.out[:len(t.out)-3], '(')
		}
		return nil
	}
	j, on := 2, true
	for ; j < len(rest) && strings.IndexByte("imx-", rest[j]) >= 0; j++ {
		switch rest[j] {
		case '-':
			on = false
		case 'i':
			t.fold = on
		case 'm':
			if on {
				return fmt.Errorf("byte %d: the option m is not supported: write [\\s\\S] instead of the dot", t.i)
			}
		case 'x':
			return fmt.Errorf("byte %d: the option x is not supported: write the pattern without spaces", t.i)
		}
	}
	if j < len(rest) && j > 2 && rest[j] == ')' {
		t.write(j+1, rest[:j+1])
		return nil
	}
	if j > 2 {
		if j == len(rest) || rest[j] != ':' {
			return fmt.Errorf("byte %d: unknown group %.8q", t.i, rest)
		}
		t.groups = append(t.groups, g)
		t.write(j+1, rest[:j+1])
		return nil
	}
	t.groups = append(t.groups, g)
	n := 3
	if strings.HasPrefix(rest, "(?<=") || strings.HasPrefix(rest, "(?<!") {
		n = 4
	}
	if len(rest) < n {
		return fmt.Errorf("byte %d: unknown group %q", t.i, rest)
	}
	t.write(n, rest[:n])
	return nil
}

// quantifier copies *, +, ?, {n,m} and the ? after it. A + after *, + or ? makes the atom possessive, which regexp2
// writes (?>atom*).
func (t *translator) quantifier() error {
	rest := t.src[t.i:]
	n := 1
	if rest[0] == '{' {
		end := strings.IndexByte(rest, '}')
		if end < 0 || strings.Trim(rest[1:end], "0123456789,") != "" || end == 1 {
			t.atom = len(t.out)
			t.write(1, `\{`)
			return nil
		}
		n = end + 1
		if rest[1] == ',' {
			rest = "{0" + rest[1:]
			t.src, n = t.src[:t.i]+rest, n+1
		}
	}
	possessive := rest[0] != '{' && len(rest) > n && rest[n] == '+'
	again := rest[0] == '{' && len(rest) > n && rest[n] == '+' // Ruby: {n,m} repeated
	atom := t.atom
	t.write(n, rest[:n])
	switch {
	case possessive || again:
		open, shut := "(?>", ")"
		if again {
			open, shut = "(?:", ")+"
		}
		t.out = append(t.out[:atom], open+string(t.out[atom:])+shut...)
		t.i++
	case len(rest) > n && rest[n] == '?':
		t.write(1, "?")
	}
	return nil
}

// literal copies a character.
func (t *translator) literal() {
	r, n := utf8.DecodeRuneInString(t.src[t.i:])
	s := t.src[t.i : t.i+n]
	if t.fold {
		more := ""
		switch r {
		case 's', 'S':
			more = "sSſ"
		case 'k', 'K':
			more = "kK\u212a"
		}
		if more != "" && !t.inClass {
			s = "[" + more + "]"
		} else if more != "" && !strings.HasPrefix(t.src[t.i+n:], "-") && !strings.HasSuffix(t.src[:t.i], "-") {
			s = more
		}
	}
	t.write(n, s)
}

// escape rewrites a backslash and what belongs to it.
func (t *translator) escape() error {
	rest := t.src[t.i:]
	set := func(n int, ranges []runeRange, negate bool) error {
		switch {
		case t.inClass && negate:
			t.write(n, writeSet(complement(ranges)))
		case t.inClass:
			t.write(n, writeSet(ranges))
		case negate:
			t.write(n, "[^"+writeSet(ranges)+"]")
		default:
			t.write(n, "["+writeSet(ranges)+"]")
		}
		return nil
	}
	switch c := rest[1]; c {
	case 's', 'S':
		return set(2, spaceRanges, c == 'S')
	case 'w', 'W':
		return set(2, wordRanges(t.inClass), c == 'W')
	case 'd', 'D':
		return set(2, loadClass("Nd").ranges, c == 'D')
	case 'h', 'H':
		return set(2, []runeRange{{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, c == 'H')
	case 'p', 'P':
		end := strings.IndexByte(rest, '}')
		if len(rest) < 3 || rest[2] != '{' || end < 0 {
			return fmt.Errorf("byte %d: want \\p{...}", t.i)
		}
		name, negate := rest[3:end], c == 'P'
		if strings.HasPrefix(name, "^") {
			name, negate = name[1:], !negate
		}
		key := strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.ToLower(name))
		switch table := regexClasses[key]; {
		case key == "word":
			return set(end+1, wordRanges(t.inClass), negate)
		case table != "":
			return set(end+1, loadClass(table).ranges, negate)
		case key == "space":
			return set(end+1, spaceRanges, negate)
		case negate: // A class without a table of ours is regexp2's, from Go's own tables.
			t.write(end+1, `\P{`+name+`}`)
		default:
			t.write(end+1, `\p{`+name+`}`)
		}
	case 'b', 'B':
		if t.inClass {
			t.write(2, rest[:2])
			return nil
		}
		w := writeSet(wordRanges(false)) // regexp2's \b has other characters than its \w
		if c == 'b' {
			t.write(2, "(?:(?<=["+w+"])(?!["+w+"])|(?<!["+w+"])(?=["+w+"]))")
		} else {
			t.write(2, "(?:(?<=["+w+"])(?=["+w+"])|(?<!["+w+"])(?!["+w+"]))")
		}
	case 'A', 'G', 'z', 'Z', 'n', 'r', 't', 'f', 'v', 'a', 'e', 'u', 'k', '0', '1', '2', '3', '4', '5', '6',
		'7', '8', '9':
		t.write(2, rest[:2])
	case 'x':
		if len(rest) > 2 && rest[2] == '{' {
			end := strings.IndexByte(rest, '}')
			if end < 0 {
				return fmt.Errorf(`byte %d: no end of \x{`, t.i)
			}
			r, err := strconv.ParseUint(rest[3:end], 16, 32)
			if err != nil || !utf8.ValidRune(rune(r)) {
				return fmt.Errorf(`byte %d: want a code point in \x{...}`, t.i)
			}
			t.write(end+1, escapeRune(rune(r)))
			return nil
		}
		t.write(2, rest[:2])
	case 'K', 'R', 'X', 'g':
		return fmt.Errorf(`byte %d: \%c is not supported`, t.i, c)
	default:
		r, n := utf8.DecodeRuneInString(rest[1:])
		t.write(1+n, escapeRune(r))
	}
	return nil
}

// wordRanges is \w. Oniguruma's has six characters, the superscripts ² ³ ¹ and the fractions ¼ ½ ¾, only outside
// brackets.
func wordRanges(inClass bool) []runeRange {
	ranges := loadClass(`\w`).ranges
	if !inClass {
		return ranges
	}
	var out []runeRange
	for _, x := range ranges {
		for r := x.lo; r <= min(x.hi, 0xFF); r++ {
			if r != 0xB2 && r != 0xB3 && r != 0xB9 && (r < 0xBC || r > 0xBE) {
				out = append(out, runeRange{r, r})
			}
		}
		if x.hi > 0xFF {
			out = append(out, runeRange{max(x.lo, 0x100), x.hi})
		}
	}
	return out
}

var spaceRanges = []runeRange{
	{'\t', '\r'}, {' ', ' '}, {0x85, 0x85}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029},
	{0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
}

func posixClass(name string) ([]runeRange, error) {
	tables := map[string]string{"digit": "Nd"}
	key, negate := strings.CutPrefix(name, "^")
	var ranges []runeRange
	switch {
	case key == "space":
		ranges = spaceRanges
	case key == "word":
		ranges = wordRanges(true)
	case tables[key] != "":
		ranges = loadClass(tables[key]).ranges
	default:
		return nil, fmt.Errorf("[:%s:] is not supported", name)
	}
	if negate {
		ranges = complement(ranges)
	}
	return ranges, nil
}

// escapeRune writes r so that it stands for itself in a pattern and in a class.
func escapeRune(r rune) string {
	switch {
	case r < 0x80 && (r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z'):
		return string(r)
	case r <= 0xFFFF:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return string(r)
}

// writeSet writes ranges as the inside of a bracket expression.
func writeSet(ranges []runeRange) string {
	var b strings.Builder
	for _, x := range ranges {
		b.WriteString(escapeRune(x.lo))
		if x.hi > x.lo {
			b.WriteByte('-')
			b.WriteString(escapeRune(x.hi))
		}
	}
	return b.String()
}

func complement(ranges []runeRange) []runeRange {
	var out []runeRange
	next := rune(0)
	for _, x := range ranges {
		if next < x.lo {
			out = append(out, runeRange{next, x.lo - 1})
		}
		next = x.hi + 1
	}
	if next <= utf8.MaxRune {
		out = append(out, runeRange{next, utf8.MaxRune})
	}
	return out
}
