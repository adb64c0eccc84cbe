package jinja

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A strMethod is a method of str: its parameters, how many of them are required, and what it does.
type strMethod struct {
	params   []string
	required int
	call     func(e *evaluator, s string, v []Value) (Value, error)
}

// bindStr returns the method of a str. Those of Markup return Markup.
func bindStr(x Value, name string, m strMethod) Value {
	s, _ := text(x)
	_, marked := x.(Markup)
	return &function{name, func(e *evaluator, a arguments) (Value, error) {
		if err := e.charge(len(s)); err != nil {
			return nil, err
		}
		if name == "format" {
			t, err := e.format(s, a)
			if err != nil || !marked {
				return t, err
			}
			return Markup(t), nil
		}
		v, err := a.bind(name, m.params, m.required)
		if err != nil {
			return nil, err
		}
		r, err := m.call(e, s, v)
		if err != nil {
			return nil, err
		}
		if err := e.charge(size(r)); err != nil {
			return nil, err
		}
		if marked {
			r = mark(r)
		}
		return r, nil
	}}
}

func mark(v Value) Value {
	switch v := v.(type) {
	case string:
		return Markup(v)
	case *List:
		for i, x := range v.Items {
			v.Items[i] = mark(x)
		}
	case *Tuple:
		for i, x := range v.Items {
			v.Items[i] = mark(x)
		}
	}
	return v
}

// strArg returns a str argument.
func strArg(method string, v Value) (string, error) {
	if s, ok := text(v); ok {
		return s, nil
	}
	return "", typeErrorf("%s arg must be str, not %s", method, typeName(v))
}

// intArg returns an int argument, def if it is unset.
func intArg(v Value, def int) (int, error) {
	if v == unset {
		return def, nil
	}
	if i, ok := toInt(v); ok {
		return i, nil
	}
	if b, ok := toBig(v); ok {
		if b.Sign() < 0 {
			return -1 << 62, nil
		}
		return 1 << 62, nil
	}
	return 0, typeErrorf("'%s' object cannot be interpreted as an integer", typeName(v))
}

func textMethod(f func(s string) string) strMethod {
	return strMethod{call: func(_ *evaluator, s string, _ []Value) (Value, error) { return f(s), nil }}
}

func isMethod(f func(s string) bool) strMethod {
	return strMethod{call: func(_ *evaluator, s string, _ []Value) (Value, error) { return f(s), nil }}
}

func stripMethod(left, right bool) strMethod {
	return strMethod{[]string{"chars"}, 0, func(_ *evaluator, s string, v []Value) (Value, error) {
		return strip(s, v[0], left, right)
	}}
}

func strip(s string, chars Value, left, right bool) (Value, error) {
	in := isSpace
	if chars != unset && chars != nil {
		set, ok := text(chars)
		if !ok {
			return nil, typeErrorf("strip arg must be None or str, not %s", typeName(chars))
		}
		in = func(r rune) bool { return strings.ContainsRune(set, r) }
	}
	if left {
		s = strings.TrimLeftFunc(s, in)
	}
	if right {
		s = strings.TrimRightFunc(s, in)
	}
	return s, nil
}

// window returns the part of s that the arguments start and end name, and where it begins in code points; ok is false if start
// lies behind the end.
func window(s string, start, end Value) (part string, from int, ok bool, err error) {
	for _, v := range []*Value{&start, &end} {
		if *v == unset {
			*v = nil
		}
	}
	n := runeCount(s)
	from, to, _, err := sliceBounds(n, start, end, nil)
	if err != nil {
		return "", 0, false, err
	}
	if i, isInt := toInt(start); isInt && i > n {
		return "", 0, false, nil
	}
	if to < from {
		return "", from, false, nil
	}
	return sliceText(s, from, to-from, 1), from, true, nil
}

func findMethod(last, must bool) strMethod {
	return strMethod{[]string{"sub", "start", "end"}, 1, func(_ *evaluator, s string, v []Value) (Value, error) {
		sub, err := strArg("find", v[0])
		if err != nil {
			return nil, err
		}
		part, from, ok, err := window(s, v[1], v[2])
		if err != nil {
			return nil, err
		}
		i := -1
		if ok && last {
			i = strings.LastIndex(part, sub)
		} else if ok {
			i = strings.Index(part, sub)
		}
		if i < 0 {
			if must {
				return nil, valueErrorf("substring not found")
			}
			return -1, nil
		}
		return from + runeCount(part[:i]), nil
	}}
}

func affixMethod(name string, has func(s, affix string) bool) strMethod {
	return strMethod{[]string{"affix", "start", "end"}, 1, func(_ *evaluator, s string, v []Value) (Value, error) {
		part, _, ok, err := window(s, v[1], v[2])
		if err != nil {
			return nil, err
		}
		list := []Value{v[0]}
		if t, isTuple := v[0].(*Tuple); isTuple {
			list = t.Items
		}
		for _, a := range list {
			affix, isStr := text(a)
			if !isStr {
				return nil, typeErrorf("%s first arg must be str or a tuple of str, not %s", name, typeName(a))
			}
			if ok && has(part, affix) {
				return true, nil
			}
		}
		return false, nil
	}}
}

func padMethod(pad func(left int) (before, after int)) strMethod {
	return strMethod{[]string{"width", "fillchar"}, 1, func(e *evaluator, s string, v []Value) (Value, error) {
		width, err := intArg(v[0], 0)
		if err != nil {
			return nil, err
		}
		fill := " "
		if v[1] != unset {
			if fill, err = strArg("pad", v[1]); err != nil {
				return nil, err
			}
			if runeCount(fill) != 1 {
				return nil, typeErrorf("The fill character must be exactly one character long")
			}
		}
		missing := min(width, 1<<40) - runeCount(s)
		if missing <= 0 {
			return s, nil
		}
		if err := e.charge(missing * len(fill)); err != nil {
			return nil, err
		}
		before, after := pad(missing)
		if before < 0 { // center: Python puts the odd one to the left if the width is odd
			before = missing/2 + missing&width&1
			after = missing - before
		}
		return strings.Repeat(fill, before) + s + strings.Repeat(fill, after), nil
	}}
}

func partitionMethod(last bool) strMethod {
	return strMethod{[]string{"sep"}, 1, func(_ *evaluator, s string, v []Value) (Value, error) {
		sep, err := strArg("partition", v[0])
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, valueErrorf("empty separator")
		}
		i := strings.Index(s, sep)
		if last {
			i = strings.LastIndex(s, sep)
		}
		switch {
		case i >= 0:
			return &Tuple{Items: []Value{s[:i], sep, s[i+len(sep):]}}, nil
		case last:
			return &Tuple{Items: []Value{"", "", s}}, nil
		}
		return &Tuple{Items: []Value{s, "", ""}}, nil
	}}
}

func splitMethod(last bool) strMethod {
	return strMethod{[]string{"sep", "maxsplit"}, 0, func(e *evaluator, s string, v []Value) (Value, error) {
		most, err := intArg(v[1], -1)
		if err != nil {
			return nil, err
		}
		var parts []string
		if v[0] == unset || v[0] == nil {
			parts = splitSpace(s, most, last)
		} else {
			sep, err := strArg("split", v[0])
			if err != nil {
				return nil, err
			}
			if sep == "" {
				return nil, valueErrorf("empty separator")
			}
			parts = splitText(s, sep, most, last)
		}
		return strList(parts), e.items(len(parts))
	}}
}

func strList(parts []string) *List {
	l := &List{Items: make([]Value, len(parts))}
	for i, p := range parts {
		l.Items[i] = p
	}
	return l
}

func splitText(s, sep string, most int, last bool) []string {
	if most < 0 || !last {
		n := -1
		if most >= 0 && most < 1<<30 {
			n = most + 1
		}
		return strings.SplitN(s, sep, n)
	}
	var parts []string
	for ; most > 0; most-- {
		i := strings.LastIndex(s, sep)
		if i < 0 {
			break
		}
		parts = append(parts, s[i+len(sep):])
		s = s[:i]
	}
	parts = append(parts, s)
	slices.Reverse(parts)
	return parts
}

func splitSpace(s string, most int, last bool) []string {
	var parts []string
	if last {
		for s = strings.TrimRightFunc(s, isSpace); s != ""; s = strings.TrimRightFunc(s, isSpace) {
			i := strings.LastIndexFunc(s, isSpace)
			if most == 0 || i < 0 {
				parts = append(parts, s)
				break
			}
			_, size := utf8.DecodeRuneInString(s[i:])
			parts = append(parts, s[i+size:])
			s = s[:i]
			most--
		}
		slices.Reverse(parts)
		return parts
	}
	for s = strings.TrimLeftFunc(s, isSpace); s != ""; s = strings.TrimLeftFunc(s, isSpace) {
		i := strings.IndexFunc(s, isSpace)
		if most == 0 || i < 0 {
			parts = append(parts, s)
			break
		}
		parts = append(parts, s[:i])
		s = s[i:]
		most--
	}
	return parts
}

// splitLines is Python's splitlines.
func splitLines(s string, keep bool) []string {
	var lines []string
	for s != "" {
		i := strings.IndexFunc(s, isLineEnd)
		if i < 0 {
			return append(lines, s)
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == '\r' && strings.HasPrefix(s[i+1:], "\n") {
			size = 2
		}
		end := i
		if keep {
			end = i + size
		}
		lines = append(lines, s[:end])
		s = s[i+size:]
	}
	return lines
}

func isLineEnd(r rune) bool {
	return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}

// join is sep.join(items) of str items.
func (e *evaluator) join(sep string, list []Value) (string, error) {
	var b strings.Builder
	for i, x := range list {
		s, ok := text(x)
		if !ok {
			return "", typeErrorf("sequence item %d: expected str instance, %s found", i, typeName(x))
		}
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(s)
		if err := e.charge(len(sep) + len(s)); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// replace is Python's replace, at most n times unless n is negative.
func (e *evaluator) replace(s, from, to string, n int) (string, error) {
	count := 0
	if from == "" || len(to) > len(from) {
		count = strings.Count(s, from)
		if n >= 0 {
			count = min(count, n)
		}
	}
	if len(to) > 0 && count > e.steps*16/len(to) {
		return "", e.items(e.steps + 1)
	}
	if n < 0 {
		n = -1
	}
	r := strings.Replace(s, from, to, n)
	return r, e.charge(len(r))
}

func everyRune(s string, f func(r rune) bool) bool {
	for _, r := range s {
		if !f(r) {
			return false
		}
	}
	return s != ""
}

// isCase reports whether s has letters with case, and all of them are f and not g or title case.
func isCase(s string, f, g func(r rune) bool) bool {
	cased := false
	for _, r := range s {
		if g(r) || unicode.IsTitle(r) {
			return false
		}
		cased = cased || f(r)
	}
	return cased
}

func isTitleText(s string) bool {
	cased, before := false, false
	for _, r := range s {
		switch {
		case isUpper(r) || unicode.IsTitle(r):
			if before {
				return false
			}
			before, cased = true, true
		case isLower(r):
			if !before {
				return false
			}
			cased = true
		default:
			before = false
		}
	}
	return cased
}

var strMethods map[string]strMethod

func init() {
	strMethods = map[string]strMethod{
		"capitalize": textMethod(capitalize),
		"casefold":   textMethod(foldCase),
		"lower":      textMethod(toLower),
		"upper":      textMethod(toUpper),
		"title":      textMethod(titleWords),
		"swapcase":   textMethod(swapCase),

		"isalnum": isMethod(func(s string) bool {
			return everyRune(s, func(r rune) bool { return unicode.IsLetter(r) || isNumeric(r) })
		}),
		"isalpha":      isMethod(func(s string) bool { return everyRune(s, unicode.IsLetter) }),
		"isascii":      isMethod(isASCII),
		"isdecimal":    isMethod(func(s string) bool { return everyRune(s, unicode.IsDigit) }),
		"isdigit":      isMethod(func(s string) bool { return everyRune(s, isDigitRune) }),
		"isidentifier": isMethod(isIdentifier),
		"islower":      isMethod(func(s string) bool { return isCase(s, isLower, isUpper) }),
		"isnumeric":    isMethod(func(s string) bool { return everyRune(s, isNumeric) }),
		"isprintable":  isMethod(func(s string) bool { return s == "" || everyRune(s, unicode.IsPrint) }),
		"isspace":      isMethod(func(s string) bool { return everyRune(s, isSpace) }),
		"istitle":      isMethod(isTitleText),
		"isupper":      isMethod(func(s string) bool { return isCase(s, isUpper, isLower) }),

		"strip":  stripMethod(true, true),
		"lstrip": stripMethod(true, false),
		"rstrip": stripMethod(false, true),

		"find":       findMethod(false, false),
		"index":      findMethod(false, true),
		"rfind":      findMethod(true, false),
		"rindex":     findMethod(true, true),
		"startswith": affixMethod("startswith", strings.HasPrefix),
		"endswith":   affixMethod("endswith", strings.HasSuffix),

		"center": padMethod(func(int) (int, int) { return -1, 0 }),
		"ljust":  padMethod(func(n int) (int, int) { return 0, n }),
		"rjust":  padMethod(func(n int) (int, int) { return n, 0 }),

		"partition":  partitionMethod(false),
		"rpartition": partitionMethod(true),
		"split":      splitMethod(false),
		"rsplit":     splitMethod(true),

		"count": {[]string{"sub", "start", "end"}, 1, func(_ *evaluator, s string, v []Value) (Value, error) {
			sub, err := strArg("count", v[0])
			if err != nil {
				return nil, err
			}
			part, _, ok, err := window(s, v[1], v[2])
			if err != nil || !ok {
				return 0, err
			}
			return strings.Count(part, sub), nil
		}},
		"expandtabs": {[]string{"tabsize"}, 0, func(e *evaluator, s string, v []Value) (Value, error) {
			n, err := intArg(v[0], 8)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				if err := e.charge(strings.Count(s, "\t") * min(n, 1<<40)); err != nil {
					return nil, err
				}
			}
			return expandTabs(s, n), nil
		}},
		"format": {}, // of another kind: see bindStr
		"format_map": {[]string{"mapping"}, 1, func(e *evaluator, s string, v []Value) (Value, error) {
			a := arguments{}
			if d, ok := v[0].(*Dict); ok {
				for k, x := range d.All {
					if name, ok := text(k); ok {
						a.kw = append(a.kw, keyword{name, x})
					}
				}
			}
			return e.format(s, a)
		}},
		"join": {[]string{"iterable"}, 1, func(e *evaluator, s string, v []Value) (Value, error) {
			if _, ok := v[0].(*undefined); !ok {
				if _, err := iterate(v[0]); err != nil {
					return nil, typeErrorf("can only join an iterable")
				}
			}
			list, err := e.collect(v[0])
			if err != nil {
				return nil, err
			}
			return e.join(s, list)
		}},
		"removeprefix": {[]string{"prefix"}, 1, func(_ *evaluator, s string, v []Value) (Value, error) {
			t, err := strArg("removeprefix", v[0])
			return strings.TrimPrefix(s, t), err
		}},
		"removesuffix": {[]string{"suffix"}, 1, func(_ *evaluator, s string, v []Value) (Value, error) {
			t, err := strArg("removesuffix", v[0])
			return strings.TrimSuffix(s, t), err
		}},
		"replace": {[]string{"old", "new", "count"}, 2, func(e *evaluator, s string, v []Value) (Value, error) {
			from, err := strArg("replace", v[0])
			if err != nil {
				return nil, err
			}
			to, err := strArg("replace", v[1])
			if err != nil {
				return nil, err
			}
			n, err := intArg(v[2], -1)
			if err != nil {
				return nil, err
			}
			return e.replace(s, from, to, n)
		}},
		"splitlines": {[]string{"keepends"}, 0, func(e *evaluator, s string, v []Value) (Value, error) {
			lines := splitLines(s, v[0] != unset && truth(v[0]))
			return strList(lines), e.items(len(lines))
		}},
		"zfill": {[]string{"width"}, 1, func(e *evaluator, s string, v []Value) (Value, error) {
			width, err := intArg(v[0], 0)
			if err != nil {
				return nil, err
			}
			n := width - runeCount(s)
			if n <= 0 {
				return s, nil
			}
			if err := e.charge(n); err != nil {
				return nil, err
			}
			sign := ""
			if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") {
				sign, s = s[:1], s[1:]
			}
			return sign + strings.Repeat("0", n) + s, nil
		}},
	}
}

func expandTabs(s string, n int) string {
	var b strings.Builder
	column := 0
	for _, r := range s {
		switch {
		case r == '\t':
			if n > 0 {
				fill := n - column%n
				b.WriteString(strings.Repeat(" ", fill))
				column += fill
			}
			continue
		case r == '\n' || r == '\r':
			column = -1
		}
		column++
		b.WriteRune(r)
	}
	return b.String()
}
