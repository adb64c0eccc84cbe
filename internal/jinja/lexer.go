package jinja

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	tokEOF tokenKind = iota
	tokData
	tokVarBegin
	tokVarEnd
	tokBlockBegin
	tokBlockEnd
	tokName
	tokString
	tokInt
	tokFloat
	tokOp
)

// A token is a piece of the source. Text is that of data, the name, the value of a string, or the operator.
type token struct {
	kind  tokenKind
	text  string
	value Value // of a number
	line  int
}

// describe names a token in messages.
func (t token) describe() string {
	switch t.kind {
	case tokEOF:
		return "end of template"
	case tokData:
		return "template data / text"
	case tokVarBegin:
		return "begin of print statement"
	case tokVarEnd:
		return "end of print statement"
	case tokBlockBegin:
		return "begin of statement block"
	case tokBlockEnd:
		return "end of statement block"
	case tokString:
		return "string"
	case tokInt:
		return "integer"
	case tokFloat:
		return "float"
	}
	return t.text
}

// lexer cuts a source into tokens. Whitespace control is done here: what remains as data is printed as it is.
type lexer struct {
	src    string
	pos    int
	line   int
	tokens []token
	// lineStart says that what was read last ended a line (or there is nothing before), so that blanks before a tag that
	// follow it are the indentation of a line.
	lineStart bool
}

// lex returns the tokens of a template, the last being tokEOF.
func lex(src string) ([]token, error) {
	src = strings.ReplaceAll(strings.ReplaceAll(src, "\r\n", "\n"), "\r", "\n")
	src = strings.TrimSuffix(src, "\n") // keep_trailing_newline is off
	l := &lexer{src: src, line: 1, lineStart: true}
	for l.pos < len(l.src) {
		if err := l.template(); err != nil {
			return nil, err
		}
	}
	l.add(tokEOF, "")
	return l.tokens, nil
}

func (l *lexer) add(k tokenKind, text string) {
	l.tokens = append(l.tokens, token{kind: k, text: text, line: l.line})
}

func (l *lexer) errorf(format string, args ...any) error {
	return &SyntaxError{l.line, fmt.Sprintf(format, args...)}
}

// advance moves to position to and counts lines.
func (l *lexer) advance(to int) {
	l.line += strings.Count(l.src[l.pos:to], "\n")
	l.lineStart = to > 0 && l.src[to-1] == '\n'
	l.pos = to
}

// template reads data up to a tag, and the tag.
func (l *lexer) template() error {
	rest := l.src[l.pos:]
	at := 0
	for {
		i := strings.IndexByte(rest[at:], '{')
		if i < 0 || at+i+1 >= len(rest) {
			l.add(tokData, rest)
			l.advance(len(l.src))
			return nil
		}
		at += i
		if c := rest[at+1]; c == '{' || c == '%' || c == '#' {
			break
		}
		at++
	}
	kind := rest[at+1]
	after := at + 2
	sign := byte(0)
	if after < len(rest) && (rest[after] == '-' || rest[after] == '+') {
		sign = rest[after]
		after++
	}
	l.data(rest[:at], sign, kind != '{')
	rest, after = rest[at:], after-at
	start := l.line
	switch kind {
	case '{':
		l.add(tokVarBegin, "")
		l.advance(l.pos + after)
		return l.expression("}}", tokVarEnd)
	case '%':
		if n := rawTag(rest[after:], "raw"); n > 0 {
			l.advance(l.pos + after + n)
			if l.src[l.pos-3] == '-' {
				l.skipSpace()
			}
			return l.raw()
		}
		l.add(tokBlockBegin, "")
		l.advance(l.pos + after)
		return l.expression("%}", tokBlockEnd)
	}
	end := strings.Index(rest[after:], "#}")
	if end < 0 {
		l.line = start
		return l.errorf("Missing end of comment tag")
	}
	end += after
	l.advance(l.pos + end)
	// A sign needs a character of its own: in {#-#} the minus is that of the beginning.
	closing := byte(0)
	if end > after {
		closing = rest[end-1]
	}
	l.endTag(2, closing, true)
	return nil
}

// data adds the text before a tag: without trailing space if sign is '-', without the indentation of the tag if that is alone
// on its line so far and indent is set.
func (l *lexer) data(text string, sign byte, indent bool) {
	starts := l.lineStart
	shown := text
	if sign == '-' {
		shown = strings.TrimRightFunc(text, isSpace)
	} else if indent && sign != '+' {
		line := strings.LastIndexByte(text, '\n') + 1
		if (line > 0 || starts) && strings.TrimLeftFunc(text[line:], isSpace) == "" {
			shown = text[:line]
		}
	}
	if shown != "" {
		l.add(tokData, shown)
	}
	l.advance(l.pos + len(text))
}

// endTag passes the n bytes that end a tag, and the space after them that sign and trim_blocks take away.
func (l *lexer) endTag(n int, sign byte, trim bool) {
	l.advance(l.pos + n)
	switch {
	case sign == '-':
		l.skipSpace()
	case sign != '+' && trim && strings.HasPrefix(l.src[l.pos:], "\n"):
		l.advance(l.pos + 1)
	}
}

func (l *lexer) skipSpace() {
	rest := l.src[l.pos:]
	if n := len(rest) - len(strings.TrimLeftFunc(rest, isSpace)); n > 0 {
		l.advance(l.pos + n)
	}
}

// rawTag returns the length of "name %}" with space and a sign allowed, or 0.
func rawTag(s, name string) int {
	rest, ok := strings.CutPrefix(strings.TrimLeftFunc(s, isSpace), name)
	if !ok {
		return 0
	}
	rest = strings.TrimLeftFunc(rest, isSpace)
	if strings.HasPrefix(rest, "-") || name == "endraw" && strings.HasPrefix(rest, "+") {
		rest = rest[1:]
	}
	if rest, ok = strings.CutPrefix(rest, "%}"); !ok {
		return 0
	}
	return len(s) - len(rest)
}

// raw reads what stands between the tags raw and endraw.
func (l *lexer) raw() error {
	start := l.line
	for at := l.pos; ; {
		i := strings.Index(l.src[at:], "{%")
		if i < 0 {
			l.line = start
			return l.errorf("Missing end of raw directive")
		}
		at += i
		after, sign := at+2, byte(0)
		if after < len(l.src) && (l.src[after] == '-' || l.src[after] == '+') {
			sign = l.src[after]
			after++
		}
		if n := rawTag(l.src[after:], "endraw"); n > 0 {
			l.data(l.src[l.pos:at], sign, true)
			closing := l.src[after+n-3]
			l.advance(after + n)
			l.endTag(0, closing, true)
			return nil
		}
		at += 2
	}
}

// operators of expressions, longer ones first.
var operators = []string{"//", "**", "==", "!=", ">=", "<=",
	"+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}

// expression reads the tokens of a tag up to its end. Brackets must be balanced before it may end.
func (l *lexer) expression(end string, kind tokenKind) error {
	var open []byte
	for {
		rest := l.src[l.pos:]
		if rest == "" {
			return nil // the parser finds the end of the template where it wants more
		}
		if len(open) == 0 {
			sign := byte(0)
			if rest[0] == '-' || rest[0] == '+' && kind == tokBlockEnd {
				sign = rest[0]
			}
			n := 0
			if sign != 0 {
				n = 1
			}
			if strings.HasPrefix(rest[n:], end) {
				l.add(kind, "")
				l.endTag(n+2, sign, kind == tokBlockEnd)
				return nil
			}
		}
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case isSpace(r):
			l.advance(l.pos + size)
			continue
		case r >= '0' && r <= '9':
			if n, err := l.number(rest); err != nil {
				return err
			} else if n > 0 {
				l.advance(l.pos + n)
				continue
			}
		case r == '\'' || r == '"':
			if err := l.stringLiteral(rest); err != nil {
				return err
			}
			continue
		}
		if n := nameLength(rest); n > 0 {
			name := rest[:n]
			if !isIdentifier(name) {
				return l.errorf("Invalid character in identifier")
			}
			l.add(tokName, name)
			l.advance(l.pos + n)
			continue
		}
		op := ""
		for _, o := range operators {
			if strings.HasPrefix(rest, o) {
				op = o
				break
			}
		}
		switch op {
		case "":
			return l.errorf("unexpected char %s at %d", reprString(string(r)), utf8.RuneCountInString(l.src[:l.pos]))
		case "(", "[", "{":
			open = append(open, closers[op[0]])
		case ")", "]", "}":
			if len(open) == 0 {
				return l.errorf("unexpected '%s'", op)
			}
			want := open[len(open)-1]
			if want != op[0] {
				return l.errorf("unexpected '%s', expected '%c'", op, want)
			}
			open = open[:len(open)-1]
		}
		l.add(tokOp, op)
		l.advance(l.pos + len(op))
	}
}

var closers = map[byte]byte{'(': ')', '[': ']', '{': '}'}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) || r > 0x7f && unicode.IsMark(r)
}

func nameLength(s string) int {
	for i, r := range s {
		if !isWord(r) {
			return i
		}
	}
	return len(s)
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if !(r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r) || i > 0 && isWord(r) && !unicode.Is(unicode.No, r)) {
			return false
		}
	}
	return s != ""
}

// digits returns the length of a run of digits with single underscores between them.
func digits(s, set string) int {
	n := 0
	for n < len(s) {
		switch {
		case isDigit(s[n], set):
			n++
		case s[n] == '_' && n > 0 && n+1 < len(s) && isDigit(s[n+1], set):
			n += 2
		default:
			return n
		}
	}
	return n
}

func isDigit(c byte, set string) bool { return c >= '0' && strings.IndexByte(set, c|0x20) >= 0 }

// number reads a number and returns its length, or 0 if there is none.
func (l *lexer) number(s string) (int, error) {
	const decimal = "0123456789"
	whole := digits(s, decimal)
	n := whole
	float := false
	afterDot := l.pos > 0 && l.src[l.pos-1] == '.'
	if !afterDot {
		if n < len(s) && s[n] == '.' {
			if d := digits(s[n+1:], decimal); d > 0 {
				n += 1 + d
				float = true
			}
		}
		if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
			at := n + 1
			if at < len(s) && (s[at] == '+' || s[at] == '-') {
				at++
			}
			if d := digits(s[at:], decimal); d > 0 {
				n = at + d
				float = true
			}
		}
	}
	if float {
		f, err := strconv.ParseFloat(strings.ReplaceAll(s[:n], "_", ""), 64)
		if err != nil && f == 0 {
			return 0, l.errorf("invalid number %s", s[:n])
		}
		l.tokens = append(l.tokens, token{tokFloat, s[:n], f, l.line})
		return n, nil
	}
	n, base := whole, 10
	if s[0] == '0' {
		// 0 may be followed by zeros only: 012 is the number 0 and then the number 12.
		n = digits(s, "0")
		if len(s) > 1 {
			set := ""
			switch s[1] | 0x20 {
			case 'x':
				set, base = "0123456789abcdef", 16
			case 'o':
				set, base = "01234567", 8
			case 'b':
				set, base = "01", 2
			}
			if set != "" {
				skip := 2
				if len(s) > 2 && s[2] == '_' {
					skip = 3
				}
				if d := digits(s[min(skip, len(s)):], set); d > 0 {
					n = skip + d
				} else {
					base = 10
				}
			}
		}
	}
	if n > 5000 {
		return 0, l.errorf("a number of %d digits", n)
	}
	clean := strings.ReplaceAll(s[:n], "_", "")
	if base != 10 {
		clean = clean[2:]
	}
	b, ok := new(big.Int).SetString(clean, base)
	if !ok {
		return 0, l.errorf("invalid number %s", s[:n])
	}
	l.tokens = append(l.tokens, token{tokInt, s[:n], Int(b), l.line})
	return n, nil
}

// stringLiteral reads a string with its escapes.
func (l *lexer) stringLiteral(s string) error {
	quote := s[0]
	i := 1
	for ; i < len(s) && s[i] != quote; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	if i >= len(s) {
		return l.errorf("unexpected char %s at %d", reprString(s[:1]), utf8.RuneCountInString(l.src[:l.pos]))
	}
	v, err := unescape(s[1:i])
	if err != nil {
		return l.errorf("%s", err)
	}
	l.add(tokString, v)
	l.advance(l.pos + i + 1)
	return nil
}

var simpleEscapes = map[byte]string{'\n': "", '\\': "\\", '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n",
	'r': "\r", 't': "\t", 'v': "\v"}

// unescape resolves the escapes of a string as Python's unicode-escape codec does; an unknown one stays as it is.
func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		c := s[i]
		if v, ok := simpleEscapes[c]; ok {
			b.WriteString(v)
			continue
		}
		switch {
		case c >= '0' && c <= '7':
			n := 1
			for n < 3 && i+n < len(s) && s[i+n] >= '0' && s[i+n] <= '7' {
				n++
			}
			v, _ := strconv.ParseUint(s[i:i+n], 8, 32)
			b.WriteRune(rune(v))
			i += n - 1
		case c == 'x' || c == 'u' || c == 'U':
			n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			if i+n >= len(s) {
				return "", fmt.Errorf(`truncated \%c escape in a string`, c)
			}
			v, err := strconv.ParseUint(s[i+1:i+1+n], 16, 32)
			if err != nil {
				return "", fmt.Errorf(`truncated \%c escape in a string`, c)
			}
			if v > unicode.MaxRune {
				return "", fmt.Errorf(`illegal Unicode character \%s in a string`, s[i:i+1+n])
			}
			b.WriteRune(rune(v))
			i += n
		case c == 'N':
			return "", fmt.Errorf(`\N escapes in strings are not supported`)
		case c >= utf8.RuneSelf:
			// Python first writes such a character as an escape of its own, and the backslash here escapes that one's.
			r, size := utf8.DecodeRuneInString(s[i:])
			switch {
			case r < 0x100:
				fmt.Fprintf(&b, `\x%02x`, r)
			case r < 0x10000:
				fmt.Fprintf(&b, `\u%04x`, r)
			default:
				fmt.Fprintf(&b, `\U%08x`, r)
			}
			i += size - 1
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}
