package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// str is Python's str().
func str(v Value) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case Markup:
		return string(v), nil
	case *undefined:
		return "", nil
	}
	return repr(v)
}

// repr is Python's repr().
func repr(v Value) (string, error) {
	var b strings.Builder
	if err := writeRepr(&b, v, 0); err != nil {
		return "", err
	}
	return b.String(), nil
}

// maxText is the longest text that repr and tojson write of one value; namespaces may stand in namespaces.
const maxText = 64 << 20

func writeRepr(b *strings.Builder, v Value, depth int) error {
	if depth > maxNesting {
		return recursionError()
	}
	if b.Len() > maxText {
		return errorf("LimitError", "a value is shown with more than %d bytes", maxText)
	}
	list := func(open, end string, items []Value) error {
		b.WriteString(open)
		for i, x := range items {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := writeRepr(b, x, depth+1); err != nil {
				return err
			}
		}
		b.WriteString(end)
		return nil
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int:
		b.WriteString(strconv.Itoa(v))
	case *big.Int:
		s := v.String()
		if len(strings.TrimPrefix(s, "-")) > 4300 {
			return valueErrorf("Exceeds the limit (4300 digits) for integer string conversion; " +
				"use sys.set_int_max_str_digits() to increase the limit")
		}
		b.WriteString(s)
	case float64:
		b.WriteString(reprFloat(v))
	case string:
		writeReprString(b, v)
	case Markup:
		b.WriteString("Markup(")
		writeReprString(b, string(v))
		b.WriteString(")")
	case *List:
		return list("[", "]", v.Items)
	case *Tuple:
		if len(v.Items) == 1 {
			return list("(", ",)", v.Items)
		}
		return list("(", ")", v.Items)
	case *Dict:
		b.WriteString("{")
		for i, k := range v.keys {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := writeRepr(b, k, depth+1); err != nil {
				return err
			}
			b.WriteString(": ")
			if err := writeRepr(b, v.values[i], depth+1); err != nil {
				return err
			}
		}
		b.WriteString("}")
	case view:
		all := make([]Value, v.len())
		for i := range all {
			all[i] = v.at(i)
		}
		return list("dict_"+v.kind+"([", "])", all)
	case rangeValue:
		b.WriteString(reprRange(v))
	case *undefined:
		b.WriteString("Undefined")
	case *namespace:
		b.WriteString("<Namespace ")
		if err := writeRepr(b, v.attrs, depth+1); err != nil {
			return err
		}
		b.WriteString(">")
	case *macro:
		name := "anonymous"
		if v.node.name != "" {
			name = reprString(v.node.name)
		}
		b.WriteString("<Macro " + name + ">")
	case *loop:
		n, err := v.length()
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "<LoopContext %d/%d>", v.index0+1, n)
	case *function:
		b.WriteString("<function " + v.name + ">")
	default:
		b.WriteString("<" + typeName(v) + " object>")
	}
	return nil
}

func reprRange(r rangeValue) string {
	if r.step == 1 {
		return fmt.Sprintf("range(%d, %d)", r.start, r.stop)
	}
	return fmt.Sprintf("range(%d, %d, %d)", r.start, r.stop, r.step)
}

// reprFloat writes the shortest digits that read back as f, with an exponent from 1e16 and below 1e-4.
func reprFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	at := strings.IndexByte(s, 'e')
	if exp, _ := strconv.Atoi(s[at+1:]); exp < -4 || exp >= 16 {
		return s
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func reprString(s string) string {
	var b strings.Builder
	writeReprString(&b, s)
	return b.String()
}

func writeReprString(b *strings.Builder, s string) {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b.WriteRune(quote)
	for _, r := range s {
		switch {
		case r == quote || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r) || r == utf8.RuneError:
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			fmt.Fprintf(b, `\U%08x`, r)
		}
	}
	b.WriteRune(quote)
}
