package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// isSpace is what Python's str.isspace, strip, split and \s take for space.
func isSpace(r rune) bool {
	switch {
	case r >= '\t' && r <= '\r', r >= 0x1c && r <= ' ':
		return true
	case r < 0x85:
		return false
	}
	return unicode.IsSpace(r)
}

func isLower(r rune) bool {
	return unicode.IsLower(r) || r > 0x7f && unicode.Is(unicode.Other_Lowercase, r)
}
func isUpper(r rune) bool {
	return unicode.IsUpper(r) || r > 0x7f && unicode.Is(unicode.Other_Uppercase, r)
}

// isDigitRune is str.isdigit of one character: decimal digits, and those that are raised, lowered or in circles.
func isDigitRune(r rune) bool { return unicode.IsDigit(r) || unicode.Is(digitTable, r) }

// isNumeric is str.isnumeric of one character.
func isNumeric(r rune) bool { return unicode.IsNumber(r) || unicode.Is(numericTable, r) }

func isMark(r rune) bool { return unicode.IsMark(r) }

// decimalDigit returns '0' to '9' for a decimal digit of any script, other characters as they are.
func decimalDigit(r rune) rune {
	if !unicode.IsDigit(r) {
		return r
	}
	// The ten digits of a script follow one another, and scripts with several sets have them side by side.
	n := rune(0)
	for unicode.IsDigit(r - n - 1) {
		n++
	}
	return '0' + n%10
}

func toUpper(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	return cases.Upper(language.Und).String(s)
}

func toLower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	// A sigma at the end of a word is the only letter whose lower case depends on its neighbours.
	var b strings.Builder
	for i, r := range s {
		switch r {
		case 'Σ':
			if finalSigma(s[:i], s[i+len("Σ"):]) {
				r = 'ς'
			} else {
				r = 'σ'
			}
			b.WriteRune(r)
		case 'İ':
			b.WriteString("i̇")
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// finalSigma reports whether a sigma ends a word: a letter with case before it and none after it, ignorable ones aside.
func finalSigma(before, after string) bool {
	cased := false
	for before != "" {
		r, size := utf8.DecodeLastRuneInString(before)
		if !isIgnorable(r) {
			cased = isCased(r)
			break
		}
		before = before[:len(before)-size]
	}
	if !cased {
		return false
	}
	for _, r := range after {
		if !isIgnorable(r) {
			return !isCased(r)
		}
	}
	return true
}

func isCased(r rune) bool { return isLower(r) || isUpper(r) || unicode.IsTitle(r) }

func isIgnorable(r rune) bool {
	return strings.ContainsRune("'.:··՟״‧︓︕﹒﹕'.:’‘․", r) ||
		unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}

func foldCase(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return cases.Fold().String(s)
}

// toTitle is the title case of one character, which may be several: ß is Ss.
func toTitle(r rune) string {
	if r < 0x80 {
		return string(unicode.ToUpper(r))
	}
	if t := unicode.ToTitle(r); t != r {
		return string(t)
	}
	up := []rune(cases.Upper(language.Und).String(string(r)))
	if len(up) == 1 || unicode.IsTitle(r) {
		return string(r)
	}
	// Special casing to several characters: the first stays large, but a diacritic below an iota has a form of its own.
	t := cases.Title(language.Und, cases.NoLower).String(string(r))
	if t == string(r) {
		return string(up[0]) + toLower(string(up[1:]))
	}
	return t
}

// capitalize is str.capitalize: title case for the first character, lower case for the others.
func capitalize(s string) string {
	if s == "" {
		return s
	}
	r, _ := utf8.DecodeRuneInString(s)
	lower := toLower(s) // as a whole, for the sigma
	_, n := utf8.DecodeRuneInString(lower)
	if r == 'İ' {
		n = len("i̇")
	}
	return toTitle(r) + lower[n:]
}

// titleWords is str.title: title case for each letter that follows none, lower case for the others.
func titleWords(s string) string {
	var b strings.Builder
	before := false
	for i, r := range s {
		switch {
		case !before:
			b.WriteString(toTitle(r))
		case r == 'Σ':
			if finalSigma(s[:i], s[i+len("Σ"):]) {
				b.WriteRune('ς')
			} else {
				b.WriteRune('σ')
			}
		default:
			b.WriteString(toLower(string(r)))
		}
		before = isCased(r)
	}
	return b.String()
}

func swapCase(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == 'Σ':
			if finalSigma(s[:i], s[i+len("Σ"):]) {
				b.WriteRune('ς')
			} else {
				b.WriteRune('σ')
			}
		case isUpper(r):
			b.WriteString(toLower(string(r)))
		case isLower(r):
			b.WriteString(toUpper(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Characters of Numeric_Type Digit that are no decimal digits, and those with a numeric value that are letters.
var digitTable = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0xb2, 0xb3, 1}, {0xb9, 0xb9, 1}, {0x1369, 0x1371, 1}, {0x19da, 0x19da, 1}, {0x2070, 0x2070, 1},
		{0x2074, 0x2079, 1}, {0x2080, 0x2089, 1}, {0x2460, 0x2468, 1}, {0x2474, 0x247c, 1}, {0x2488, 0x2490, 1},
		{0x24ea, 0x24ea, 1}, {0x24f5, 0x24fd, 1}, {0x24ff, 0x24ff, 1}, {0x2776, 0x277e, 1}, {0x2780, 0x2788, 1},
		{0x278a, 0x2792, 1},
	},
	R32: []unicode.Range32{
		{0x10a40, 0x10a43, 1}, {0x10e60, 0x10e68, 1}, {0x11052, 0x1105a, 1}, {0x1f100, 0x1f10a, 1},
	},
}

var numericTable = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x3405, 0x3405, 1}, {0x3483, 0x3483, 1}, {0x382a, 0x382a, 1}, {0x3b4d, 0x3b4d, 1}, {0x4e00, 0x4e00, 1},
		{0x4e03, 0x4e03, 1}, {0x4e07, 0x4e07, 1}, {0x4e09, 0x4e09, 1}, {0x4e5d, 0x4e5d, 1}, {0x4e8c, 0x4e8c, 1},
		{0x4e94, 0x4e94, 1}, {0x4e96, 0x4e96, 1}, {0x4ebf, 0x4ec0, 1}, {0x4edf, 0x4edf, 1}, {0x4ee8, 0x4ee8, 1},
		{0x4f0d, 0x4f0d, 1}, {0x4f70, 0x4f70, 1}, {0x5104, 0x5104, 1}, {0x5146, 0x5146, 1}, {0x5169, 0x5169, 1},
		{0x516b, 0x516b, 1}, {0x516d, 0x516d, 1}, {0x5341, 0x5341, 1}, {0x5343, 0x5345, 1}, {0x534c, 0x534c, 1},
		{0x53c1, 0x53c4, 1}, {0x56db, 0x56db, 1}, {0x58f1, 0x58f1, 1}, {0x58f9, 0x58f9, 1}, {0x5e7a, 0x5e7a, 1},
		{0x5efe, 0x5eff, 1}, {0x5f0c, 0x5f0e, 1}, {0x5f10, 0x5f10, 1}, {0x62fe, 0x62fe, 1}, {0x634c, 0x634c, 1},
		{0x67d2, 0x67d2, 1}, {0x6f06, 0x6f06, 1}, {0x7396, 0x7396, 1}, {0x767e, 0x767e, 1}, {0x8086, 0x8086, 1},
		{0x842c, 0x842c, 1}, {0x8cae, 0x8cae, 1}, {0x8cb3, 0x8cb3, 1}, {0x8d30, 0x8d30, 1}, {0x9621, 0x9621, 1},
		{0x9646, 0x9646, 1}, {0x964c, 0x964c, 1}, {0x9678, 0x9678, 1}, {0x96f6, 0x96f6, 1}, {0xf96b, 0xf96b, 1},
		{0xf973, 0xf973, 1}, {0xf978, 0xf978, 1}, {0xf9b2, 0xf9b2, 1}, {0xf9d1, 0xf9d1, 1}, {0xf9d3, 0xf9d3, 1},
		{0xf9fd, 0xf9fd, 1},
	},
	R32: []unicode.Range32{
		{0x20001, 0x20001, 1}, {0x20064, 0x20064, 1}, {0x200e2, 0x200e2, 1}, {0x20121, 0x20121, 1}, {0x2092a, 0x2092a, 1},
		{0x20983, 0x20983, 1}, {0x2098c, 0x2098c, 1}, {0x2099c, 0x2099c, 1}, {0x20aea, 0x20aea, 1}, {0x20afd, 0x20afd, 1},
		{0x20b19, 0x20b19, 1}, {0x22390, 0x22390, 1}, {0x22998, 0x22998, 1}, {0x23b1b, 0x23b1b, 1}, {0x2626d, 0x2626d, 1},
		{0x2f890, 0x2f890, 1},
	},
}
