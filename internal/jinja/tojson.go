package jinja

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// jsonStyle is how json.dumps lays out a value.
type jsonStyle struct {
	ascii   bool
	indent  *string // nil is one line
	comma   string
	colon   string
	sort    bool
	charge  func(n int) error
	charged int
}

// dumps is Python's json.dumps.
func (j *jsonStyle) dumps(v Value) (string, error) {
	var b strings.Builder
	err := j.write(&b, v, 0)
	return b.String(), err
}

func (j *jsonStyle) newline(b *strings.Builder, depth int) {
	if j.indent != nil {
		b.WriteByte('\n')
		for range depth {
			b.WriteString(*j.indent)
		}
	}
}

func (j *jsonStyle) write(b *strings.Builder, v Value, depth int) error {
	if depth > maxNesting {
		return recursionError()
	}
	if n := b.Len() - j.charged; n > 1<<12 {
		j.charged = b.Len()
		if err := j.charge(n); err != nil {
			return err
		}
	}
	if s, ok := jsonScalar(v); ok {
		b.WriteString(s)
		return nil
	}
	if s, ok := text(v); ok {
		j.writeString(b, s)
		return nil
	}
	if list, ok := items(v); ok {
		if len(list) == 0 {
			b.WriteString("[]")
			return nil
		}
		b.WriteByte('[')
		for i, x := range list {
			if i > 0 {
				b.WriteString(j.comma)
			}
			j.newline(b, depth+1)
			if err := j.write(b, x, depth+1); err != nil {
				return err
			}
		}
		j.newline(b, depth)
		b.WriteByte(']')
		return nil
	}
	d, ok := v.(*Dict)
	if !ok {
		return typeErrorf("Object of type %s is not JSON serializable", typeName(v))
	}
	if d.Len() == 0 {
		b.WriteString("{}")
		return nil
	}
	order := make([]int, d.Len())
	for i := range order {
		order[i] = i
	}
	if j.sort {
		var failed error
		slices.SortStableFunc(order, func(a, b int) int {
			c, err := compare(d.keys[a], d.keys[b])
			if err != nil && failed == nil {
				failed = err
			}
			return c
		})
		if failed != nil {
			return failed
		}
	}
	b.WriteByte('{')
	for n, i := range order {
		if n > 0 {
			b.WriteString(j.comma)
		}
		j.newline(b, depth+1)
		k := d.keys[i]
		name, ok := text(k)
		if !ok {
			if name, ok = jsonScalar(k); !ok {
				return typeErrorf("keys must be str, int, float, bool or None, not %s", typeName(k))
			}
		}
		j.writeString(b, name)
		b.WriteString(j.colon)
		if err := j.write(b, d.values[i], depth+1); err != nil {
			return err
		}
	}
	j.newline(b, depth)
	b.WriteByte('}')
	return nil
}

// jsonScalar shows null, true, false and numbers.
func jsonScalar(v Value) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "null", true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case *big.Int:
		return v.String(), true
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN", true
		case math.IsInf(v, 1):
			return "Infinity", true
		case math.IsInf(v, -1):
			return "-Infinity", true
		}
		return reprFloat(v), true
	}
	return "", false
}

var jsonEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\f': `\f`, '\b': `\b`}

func (j *jsonStyle) writeString(b *strings.Builder, s string) {
	b.WriteByte('"')
	from := 0
	for i, r := range s {
		if r >= ' ' && r != '"' && r != '\\' && (r < 0x7f || !j.ascii) {
			continue
		}
		b.WriteString(s[from:i])
		from = i + len(string(r))
		switch e, ok := jsonEscapes[r]; {
		case ok:
			b.WriteString(e)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteString(s[from:])
	b.WriteByte('"')
}

// maxIndent is the widest indent, which stands in each line as many times as the line is deep.
const maxIndent = 1000

// toJSON is the filter tojson of transformers.
func toJSON(e *evaluator, v []Value) (Value, error) {
	j := &jsonStyle{ascii: flag(v[1], false), comma: ", ", colon: ": ", sort: flag(v[4], false), charge: e.charge}
	if v[2] != unset && v[2] != nil {
		indent, ok := text(v[2])
		if !ok {
			n, ok := toInt(v[2])
			if !ok {
				if _, big := v[2].(*big.Int); !big {
					return nil, typeErrorf("can't multiply sequence by non-int of type '%s'", typeName(v[2]))
				}
				n = math.MaxInt32
			}
			n = max(n, 0)
			if err := e.charge(n); err != nil {
				return nil, err
			}
			indent = strings.Repeat(" ", n)
		}
		if len(indent) > maxIndent {
			return nil, errorf("LimitError", "an indent of more than %d bytes", maxIndent)
		}
		j.indent, j.comma = &indent, ","
	}
	if v[3] != unset && v[3] != nil {
		list, err := e.collect(v[3])
		if err != nil {
			return nil, err
		}
		if len(list) != 2 {
			return nil, valueErrorf("not two separators")
		}
		var ok1, ok2 bool
		j.comma, ok1 = text(list[0])
		j.colon, ok2 = text(list[1])
		if !ok1 || !ok2 {
			return nil, typeErrorf("separators must be str")
		}
	}
	s, err := j.dumps(v[0])
	if err != nil {
		return nil, err
	}
	return s, e.charge(len(s) - j.charged)
}
