package jinja

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// percent is Python's s % arg.
func (e *evaluator) percent(s string, arg Value, escape bool) (string, error) {
	args := []Value{arg}
	if t, ok := arg.(*Tuple); ok {
		args = t.Items
	}
	mapping := false
	switch arg.(type) {
	case *Dict, *List, rangeValue, *undefined:
		mapping = true
	}
	used := 0
	next := func() (Value, error) {
		if used >= len(args) {
			return nil, typeErrorf("not enough arguments for format string")
		}
		used++
		return args[used-1], nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		i++
		var v Value
		keyed := false
		if i < len(s) && s[i] == '(' {
			depth, start := 1, i+1
			for i++; i < len(s) && depth > 0; i++ {
				switch s[i] {
				case '(':
					depth++
				case ')':
					depth--
				}
			}
			if depth > 0 {
				return "", valueErrorf("incomplete format key")
			}
			if !mapping {
				return "", typeErrorf("format requires a mapping")
			}
			var err error
			if v, err = e.formatKey(arg, s[start:i-1]); err != nil {
				return "", err
			}
			keyed, used = true, len(args)
		}
		var spec numberSpec
		spec.precision = -1
		spec.align = '>'
		spec.fill = ' '
	flags:
		for ; i < len(s); i++ {
			switch s[i] {
			case '-':
				spec.align = '<'
			case '+':
				spec.sign = '+'
			case ' ':
				if spec.sign == 0 {
					spec.sign = ' '
				}
			case '#':
				spec.alternate = true
			case '0':
				spec.zero = true
			default:
				break flags
			}
		}
		number := func() (int, error) {
			if i < len(s) && s[i] == '*' {
				i++
				v, err := next()
				if err != nil {
					return 0, err
				}
				n, ok := toInt(v)
				if !ok {
					return 0, typeErrorf("* wants int")
				}
				return n, nil
			}
			start := i
			for i < len(s) && s[i] >= '0' && s[i] <= '9' {
				i++
			}
			if start == i {
				return 0, nil
			}
			n, err := strconv.Atoi(s[start:i])
			if err != nil {
				return 0, valueErrorf("width too big")
			}
			return n, nil
		}
		var err error
		if spec.width, err = number(); err != nil {
			return "", err
		}
		if spec.width < 0 {
			spec.width, spec.align = -spec.width, '<'
		}
		if i < len(s) && s[i] == '.' {
			i++
			if spec.precision, err = number(); err != nil {
				return "", err
			}
			spec.precision = max(spec.precision, 0)
		}
		if i < len(s) && strings.IndexByte("hlL", s[i]) >= 0 {
			i++
		}
		if i >= len(s) {
			return "", valueErrorf("incomplete format")
		}
		if err := e.charge(min(spec.width, 1<<40) + min(max(spec.precision, 0), 1<<40)); err != nil {
			return "", err
		}
		c, size := utf8.DecodeRuneInString(s[i:])
		i += size - 1
		if c == '%' {
			b.WriteByte('%')
			continue
		}
		if !keyed {
			if v, err = next(); err != nil {
				return "", err
			}
		}
		if u, ok := v.(*undefined); ok && strings.ContainsRune("diuoxXeEfFgG", c) {
			return "", u.err()
		}
		shown := ""
		switch c {
		case 's', 'r', 'a':
			if c == 's' {
				shown, err = str(v)
			} else {
				shown, err = repr(v)
			}
			if err != nil {
				return "", err
			}
			if c == 'a' {
				shown = asciiRepr(shown)
			}
			if escape {
				if _, safe := v.(Markup); !safe || c != 's' {
					shown = escapeHTML(shown)
				}
			}
			if spec.precision >= 0 {
				shown = sliceText(shown, 0, min(spec.precision, runeCount(shown)), 1)
			}
			spec.zero = false
			shown = spec.pad("", shown)
		case 'c':
			if t, ok := text(v); ok && runeCount(t) == 1 {
				shown = t
			} else if n, ok := toInt(v); ok && n >= 0 && n <= utf8.MaxRune {
				shown = string(rune(n))
			} else {
				return "", typeErrorf("%%c requires int or char")
			}
			spec.zero = false
			shown = spec.pad("", shown)
		case 'd', 'i', 'u', 'o', 'x', 'X':
			if f, ok := v.(float64); ok && strings.ContainsRune("diu", c) {
				if v, err = floatToInt(f); err != nil {
					return "", err
				}
			}
			n, ok := toBig(v)
			if !ok {
				if strings.ContainsRune("diu", c) {
					return "", typeErrorf("%%%c format: a real number is required, not %s", c, typeName(v))
				}
				return "", typeErrorf("%%%c format: an integer is required, not %s", c, typeName(v))
			}
			if c == 'i' || c == 'u' {
				c = 'd'
			}
			least := spec.precision
			spec.precision = -1
			if shown, err = spec.integer(n, byte(c), least); err != nil {
				return "", err
			}
		case 'e', 'E', 'f', 'F', 'g', 'G':
			if !isNumber(v) {
				return "", typeErrorf("must be real number, not %s", typeName(v))
			}
			f, err := toFloat(v)
			if err != nil {
				return "", err
			}
			shown = spec.float(f, byte(c))
		default:
			return "", valueErrorf("unsupported format character '%c' (%#x) at index %d", c, c, runeCount(s[:i+1-size]))
		}
		b.WriteString(shown)
		if err := e.charge(len(shown)); err != nil {
			return "", err
		}
	}
	if used < len(args) && !mapping {
		return "", typeErrorf("not all arguments converted during string formatting")
	}
	return b.String(), nil
}

// formatKey is what %(key)s names.
func (e *evaluator) formatKey(arg Value, key string) (Value, error) {
	switch a := arg.(type) {
	case *Dict:
		if v, ok := a.Get(key); ok {
			return v, nil
		}
		return nil, errorf("KeyError", "%s", reprString(key))
	case *undefined:
		return nil, a.err()
	case *List:
		return nil, typeErrorf("list indices must be integers or slices, not str")
	}
	return nil, typeErrorf("%s indices must be integers or slices, not str", typeName(arg))
}

func asciiRepr(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// floatToInt is Python's int() of a float.
func floatToInt(f float64) (Value, error) {
	if f != f {
		return nil, valueErrorf("cannot convert float NaN to integer")
	}
	b, _ := big.NewFloat(0).SetFloat64(f).Int(nil)
	if b == nil {
		return nil, errorf("OverflowError", "cannot convert float infinity to integer")
	}
	return Int(b), nil
}
