package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// numberSpec is how a value is laid out: the part of a format after the colon, or after the percent sign.
type numberSpec struct {
	fill      rune
	align     byte // < > ^ =, or 0
	sign      byte // + or space, or 0
	alternate bool // #
	zero      bool // fill with zeros after the sign
	width     int
	group     byte // , or _ between thousands, or 0
	precision int  // -1 if none
	kind      byte // the letter at the end, or 0
}

// pad brings sign and digits to the width.
func (s *numberSpec) pad(sign, body string) string {
	missing := s.width - runeCount(sign) - runeCount(body)
	if missing <= 0 {
		return sign + body
	}
	if s.zero && s.align != '<' {
		return sign + strings.Repeat("0", missing) + body
	}
	fill := func(n int) string { return strings.Repeat(string(s.fill), n) }
	switch s.align {
	case '<':
		return sign + body + fill(missing)
	case '^':
		return fill(missing/2) + sign + body + fill(missing-missing/2)
	case '=':
		return sign + fill(missing) + body
	}
	return fill(missing) + sign + body
}

// integer lays out an int: d, x, X, o, b, with at least so many digits.
func (s *numberSpec) integer(n *big.Int, kind byte, least int) (string, error) {
	base, prefix := 10, ""
	switch kind {
	case 'x', 'X':
		base, prefix = 16, "0"+string(rune(kind))
	case 'o':
		base, prefix = 8, "0o"
	case 'b':
		base, prefix = 2, "0b"
	}
	digits := new(big.Int).Abs(n).Text(base)
	if base == 10 && len(digits) > 4300 {
		_, err := str(n)
		return "", err
	}
	if kind == 'X' {
		digits = strings.ToUpper(digits)
	}
	if len(digits) < least {
		digits = strings.Repeat("0", least-len(digits)) + digits
	}
	sign := ""
	switch {
	case n.Sign() < 0:
		sign = "-"
	case s.sign != 0:
		sign = string(rune(s.sign))
	}
	if s.alternate && base != 10 {
		sign += prefix
	}
	size := 3
	if base != 10 {
		size = 4
	}
	return s.pad(sign, s.grouped(digits, len(sign), size)), nil
}

// grouped puts separators into digits. Zeros that fill up the width are grouped with them.
func (s *numberSpec) grouped(digits string, sign, size int) string {
	if s.group == 0 {
		return digits
	}
	put := func(d string) string {
		var b strings.Builder
		for i := range len(d) {
			if i > 0 && (len(d)-i)%size == 0 {
				b.WriteByte(s.group)
			}
			b.WriteByte(d[i])
		}
		return b.String()
	}
	out := put(digits)
	if s.zero && s.align != '<' {
		for len(out)+sign < s.width {
			digits = "0" + digits
			out = put(digits)
		}
	}
	return out
}

// float lays out a float: e, f, g and their capitals, %.
func (s *numberSpec) float(f float64, kind byte) string {
	sign := ""
	if math.Signbit(f) && !math.IsNaN(f) {
		sign, f = "-", -f
	} else if s.sign != 0 {
		sign = string(rune(s.sign))
	}
	upper := kind == 'E' || kind == 'F' || kind == 'G'
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	suffix := ""
	if kind == '%' {
		f *= 100
		kind, suffix = 'f', "%"
	}
	body := ""
	switch {
	case math.IsInf(f, 0):
		body = "inf"
		s.zero = s.zero && s.group == 0 && suffix == ""
	case math.IsNaN(f):
		body = "nan"
	case kind == 'g' || kind == 'G' || kind == 'n':
		precision = max(precision, 1)
		if s.alternate {
			body = alternateG(f, precision)
		} else {
			body = strconv.FormatFloat(f, 'g', precision, 64)
		}
	default:
		body = strconv.FormatFloat(f, kind|0x20, precision, 64)
		if s.alternate && precision == 0 {
			at := strings.IndexByte(body, 'e')
			if at < 0 {
				at = len(body)
			}
			body = body[:at] + "." + body[at:]
		}
	}
	if upper {
		body = strings.ToUpper(body)
	}
	if s.group != 0 && !math.IsInf(f, 0) && !math.IsNaN(f) {
		at := strings.IndexAny(body, ".eE")
		if at < 0 {
			at = len(body)
		}
		rest := body[at:] + suffix
		return s.pad(sign, s.grouped(body[:at], len(sign)+len(rest), 3)+rest)
	}
	return s.pad(sign, body+suffix)
}

// alternateG is %#g: the zeros at the end stay.
func alternateG(f float64, precision int) string {
	e := strconv.FormatFloat(f, 'e', precision-1, 64)
	exp, _ := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	if exp < -4 || exp >= precision {
		if precision == 1 {
			return e[:1] + "." + e[1:]
		}
		return e
	}
	s := strconv.FormatFloat(f, 'f', precision-1-exp, 64)
	if !strings.Contains(s, ".") {
		s += "."
	}
	return s
}

// format is str.format, with the subset of attributes that the sandbox allows.
func (e *evaluator) format(s string, a arguments) (string, error) {
	f := &formatter{e: e, args: a}
	return f.run(s, 0)
}

type formatter struct {
	e      *evaluator
	args   arguments
	auto   int
	manual bool
}

func (f *formatter) run(s string, depth int) (string, error) {
	if depth > 2 {
		return "", valueErrorf("Max string recursion exceeded")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '{' && c != '}' {
			b.WriteByte(c)
			continue
		}
		if i+1 < len(s) && s[i+1] == c && depth == 0 {
			b.WriteByte(c)
			i++
			continue
		}
		if c == '}' {
			return "", valueErrorf("Single '}' encountered in format string")
		}
		end, open := i+1, 1
		for ; end < len(s); end++ {
			if s[end] == '{' {
				open++
			} else if s[end] == '}' {
				if open--; open == 0 {
					break
				}
			}
		}
		if end >= len(s) {
			if i+1 == len(s) {
				return "", valueErrorf("Single '{' encountered in format string")
			}
			return "", valueErrorf("expected '}' before end of string")
		}
		shown, err := f.field(s[i+1:end], depth)
		if err != nil {
			return "", err
		}
		b.WriteString(shown)
		if err := f.e.charge(len(shown)); err != nil {
			return "", err
		}
		i = end
	}
	return b.String(), nil
}

// field formats one replacement field: name!conversion:spec.
func (f *formatter) field(field string, depth int) (string, error) {
	name, rest := field, ""
	conversion := byte(0)
	bracket := false
	for i := range len(field) {
		if field[i] == '[' {
			bracket = true
		} else if field[i] == ']' {
			bracket = false
		}
		if !bracket && (field[i] == '!' || field[i] == ':') {
			name, rest = field[:i], field[i:]
			break
		}
	}
	if strings.HasPrefix(rest, "!") {
		if len(rest) < 2 || len(rest) > 2 && rest[2] != ':' {
			return "", valueErrorf("expected ':' after conversion specifier")
		}
		conversion, rest = rest[1], rest[2:]
	}
	spec := strings.TrimPrefix(rest, ":")
	v, err := f.lookup(name)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(spec, "{}") {
		if spec, err = f.run(spec, depth+1); err != nil {
			return "", err
		}
	}
	switch conversion {
	case 0:
	case 's':
		v, err = str(v)
	case 'r':
		v, err = repr(v)
	case 'a':
		var s string
		s, err = repr(v)
		v = asciiRepr(s)
	default:
		return "", valueErrorf("Unknown conversion specifier %c", conversion)
	}
	if err != nil {
		return "", err
	}
	return f.e.formatValue(v, spec)
}

// lookup finds what a field names: an argument, and attributes and items of it.
func (f *formatter) lookup(name string) (Value, error) {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	first, rest := name[:end], name[end:]
	var v Value
	index, err := strconv.Atoi(first)
	switch {
	case first == "":
		if f.manual {
			return nil, valueErrorf("cannot switch from manual field specification to automatic field numbering")
		}
		index = f.auto
		f.auto++
		err = nil
	case err == nil:
		if f.auto > 0 {
			return nil, valueErrorf("cannot switch from automatic field numbering to manual field specification")
		}
		f.manual = true
	}
	if err == nil {
		if index < 0 || index >= len(f.args.pos) {
			return nil, errorf("IndexError", "tuple index out of range")
		}
		v = f.args.pos[index]
	} else {
		found := false
		for _, k := range f.args.kw {
			if k.name == first {
				v, found = k.value, true
			}
		}
		if !found {
			return nil, errorf("KeyError", "%s", reprString(first))
		}
	}
	for rest != "" {
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			v, err = getAttribute(v, rest[1:end])
			rest = rest[end:]
		case '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, valueErrorf("Missing ']' in format string")
			}
			var key Value = rest[1:end]
			if n, err := strconv.Atoi(rest[1:end]); err == nil && n >= 0 {
				key = n
			}
			v, err = getItem(v, key)
			rest = rest[end+1:]
		default:
			return nil, valueErrorf("Only '.' or '[' may follow ']' in format field specifier")
		}
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

// formatValue is Python's format(v, spec).
func (e *evaluator) formatValue(v Value, spec string) (string, error) {
	if spec == "" {
		return str(v)
	}
	s, err := parseSpec(spec)
	if err != nil {
		return "", err
	}
	if err := e.charge(min(s.width, 1<<40) + max(0, min(s.precision, 1<<40))); err != nil {
		return "", err
	}
	if t, ok := text(v); ok {
		switch {
		case s.kind != 0 && s.kind != 's':
			return "", valueErrorf("Unknown format code '%c' for object of type 'str'", s.kind)
		case s.sign != 0:
			return "", valueErrorf("Sign not allowed in string format specifier")
		case s.alternate:
			return "", valueErrorf("Alternate form (#) not allowed in string format specifier")
		case s.align == '=':
			return "", valueErrorf("'=' alignment not allowed in string format specifier")
		case s.group != 0:
			return "", valueErrorf("Cannot specify '%c' with 's'.", s.group)
		}
		if s.precision >= 0 {
			t = sliceText(t, 0, min(s.precision, runeCount(t)), 1)
		}
		if s.align == 0 {
			s.align = '<'
		}
		if s.zero {
			s.zero, s.fill = false, '0'
		}
		return s.pad("", t), nil
	}
	if !isNumber(v) {
		return "", typeErrorf("unsupported format string passed to %s.__format__", typeName(v))
	}
	if f, ok := v.(float64); ok {
		switch s.kind {
		case 0:
			return s.plainFloat(f), nil
		case 'e', 'E', 'f', 'F', 'g', 'G', 'n', '%':
			return s.float(f, s.kind), nil
		}
		return "", valueErrorf("Unknown format code '%c' for object of type 'float'", s.kind)
	}
	n, _ := toBig(v)
	switch s.kind {
	case 0, 'd', 'n', 'x', 'X', 'o', 'b', 'c':
		if s.precision >= 0 {
			return "", valueErrorf("Precision not allowed in integer format specifier")
		}
		if s.kind == 'c' {
			if !n.IsInt64() || n.Sign() < 0 || n.Int64() > utf8.MaxRune {
				return "", errorf("OverflowError", "%%c arg not in range(0x110000)")
			}
			if s.align == 0 {
				s.align = '<'
			}
			return s.pad("", string(rune(n.Int64()))), nil
		}
		if s.group == ',' && s.kind != 0 && s.kind != 'd' {
			return "", valueErrorf("Cannot specify ',' with '%c'.", s.kind)
		}
		return s.integer(n, s.kind, 0)
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		f, err := toFloat(v)
		if err != nil {
			return "", err
		}
		return s.float(f, s.kind), nil
	}
	return "", valueErrorf("Unknown format code '%c' for object of type '%s'", s.kind, typeName(v))
}

// plainFloat is a float without a letter: like str, with a precision like g, but with at least one digit after the point.
func (s *numberSpec) plainFloat(f float64) string {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return s.float(f, 'g')
	}
	body := reprFloat(math.Abs(f))
	if s.precision >= 0 {
		p := max(s.precision, 1)
		e := strconv.FormatFloat(math.Abs(f), 'e', p-1, 64)
		exp, _ := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
		body = strconv.FormatFloat(math.Abs(f), 'g', p, 64)
		if exp >= p-1 && exp < p && p > 1 || exp < -4 || exp >= p {
			mantissa, exponent, _ := strings.Cut(e, "e")
			if strings.Contains(mantissa, ".") {
				mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
			}
			body = mantissa + "e" + exponent
		} else if !strings.Contains(body, ".") {
			body += ".0"
		}
	}
	sign := ""
	if math.Signbit(f) {
		sign = "-"
	} else if s.sign != 0 {
		sign = string(rune(s.sign))
	}
	at := strings.IndexAny(body, ".e")
	if at < 0 {
		at = len(body)
	}
	return s.pad(sign, s.grouped(body[:at], len(sign)+len(body)-at, 3)+body[at:])
}

// parseSpec reads [[fill]align][sign][#][0][width][grouping][.precision][type].
func parseSpec(spec string) (*numberSpec, error) {
	s := &numberSpec{fill: ' ', precision: -1}
	rest := spec
	isAlign := func(t string) bool { return t != "" && strings.IndexByte("<>^=", t[0]) >= 0 }
	r, size := utf8.DecodeRuneInString(rest)
	if isAlign(rest[size:]) {
		s.fill, s.align, rest = r, rest[size], rest[size+1:]
	} else if isAlign(rest) {
		s.align, rest = rest[0], rest[1:]
	}
	take := func(set string) byte {
		if rest != "" && strings.IndexByte(set, rest[0]) >= 0 {
			c := rest[0]
			rest = rest[1:]
			return c
		}
		return 0
	}
	number := func() (int, error) {
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		v, err := strconv.Atoi(rest[:n])
		if n > 0 && (err != nil || v > math.MaxInt32) {
			return 0, valueErrorf("Too many decimal digits in format string")
		}
		rest = rest[n:]
		return v, nil
	}
	if s.sign = take("+- "); s.sign == '-' {
		s.sign = 0
	}
	take("z")
	s.alternate = take("#") != 0
	if take("0") != 0 {
		if s.align == 0 || s.align == '=' {
			s.zero = true
			if s.align == 0 {
				s.align = '='
			}
		}
		if s.fill == ' ' && s.align != '=' {
			s.fill = '0'
		}
		if s.align == '=' && s.fill != ' ' && s.fill != '0' {
			s.zero = false
		}
	}
	var err error
	if s.width, err = number(); err != nil {
		return nil, err
	}
	s.group = take(",_")
	if take(".") != 0 {
		if rest == "" || rest[0] < '0' || rest[0] > '9' {
			return nil, valueErrorf("Format specifier missing precision")
		}
		if s.precision, err = number(); err != nil {
			return nil, err
		}
	}
	if len(rest) > 1 {
		return nil, valueErrorf("Invalid format specifier")
	}
	if rest != "" {
		s.kind = rest[0]
	}
	return s, nil
}
