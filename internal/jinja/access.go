package jinja

import (
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// getAttribute is x.name: an attribute, or the item of that name.
func getAttribute(x Value, name string) (Value, error) {
	if u, ok := x.(*undefined); ok {
		if !hasPrivate(x, name) {
			return nil, u.err()
		}
	}
	if v, ok := attribute(x, name); ok {
		return attained(v)
	}
	if v, ok, err := item(x, name); ok || err != nil {
		return v, err
	}
	return &undefined{obj: x, has: true, name: name}, nil
}

// getItem is x[key]: an item, or the attribute of that name.
func getItem(x, key Value) (Value, error) {
	if u, ok := x.(*undefined); ok {
		return nil, u.err()
	}
	if v, ok, err := item(x, key); ok || err != nil {
		return v, err
	}
	if name, ok := text(key); ok {
		if v, ok := attribute(x, name); ok {
			return attained(v)
		}
	}
	return &undefined{obj: x, has: true, name: key}, nil
}

// attained returns the value of an attribute, or the error that computing it gave.
func attained(v Value) (Value, error) {
	if f, ok := v.(failing); ok {
		return nil, f.err
	}
	return v, nil
}

// item looks an item up. What is an error in Python, a TypeError or a LookupError, is one not found here.
func item(x, key Value) (Value, bool, error) {
	if d, ok := x.(*Dict); ok {
		v, ok, err := d.get(key)
		return v, ok && err == nil, nil
	}
	i, ok := toInt(key)
	if !ok {
		return nil, false, nil
	}
	n, ok := length(x)
	if !ok {
		return nil, false, nil
	}
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return nil, false, nil
	}
	switch x := x.(type) {
	case string:
		return runeAt(x, i), true, nil
	case Markup:
		return Markup(runeAt(string(x), i)), true, nil
	case *List:
		return x.Items[i], true, nil
	case *Tuple:
		return x.Items[i], true, nil
	case rangeValue:
		return x.start + i*x.step, true, nil
	}
	return nil, false, nil
}

// mutating are the methods that the immutable sandbox refuses.
var mutating = map[string][]string{
	"list": {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"},
	"dict": {"clear", "pop", "popitem", "setdefault", "update"},
}

// attribute looks an attribute of Python's up. Those that the sandbox refuses are there, but undefined.
func attribute(x Value, name string) (Value, bool) {
	if strings.HasPrefix(name, "_") {
		if !hasPrivate(x, name) {
			return nil, false
		}
		return unsafe(x, name), true
	}
	if slices.Contains(mutating[typeName(x)], name) {
		return unsafe(x, name), true
	}
	switch x := x.(type) {
	case string, Markup:
		if m, ok := strMethods[name]; ok {
			return bindStr(x, name, m), true
		}
	case *List, *Dict, *Tuple, rangeValue:
		if t, ok := x.(*Tuple); ok {
			if i := slices.Index(t.names, name); i >= 0 {
				return t.Items[i], true
			}
		}
		if r, ok := x.(rangeValue); ok {
			switch name {
			case "start":
				return r.start, true
			case "stop":
				return r.stop, true
			case "step":
				return r.step, true
			}
		}
		if m, ok := methods[typeName(x)][name]; ok {
			return bind(x, name, m), true
		}
		if _, ok := x.(*Tuple); ok {
			if m, ok := methods["tuple"][name]; ok {
				return bind(x, name, m), true
			}
		}
	case bool, int, *big.Int, float64:
		return numberAttribute(x, name)
	case *namespace:
		return x.attrs.Get(name)
	case *macro:
		return x.attribute(name)
	case *loop:
		return x.attribute(name)
	case *cycler:
		return x.attribute(name)
	case *selfObject:
		return x.attribute(name)
	}
	return nil, false
}

// hasPrivate reports whether Python's object has a name with an underscore, as far as templates ask for one.
func hasPrivate(x Value, name string) bool {
	if n, ok := x.(*namespace); ok {
		if _, ok := n.attrs.Get(name); ok {
			return true
		}
	}
	return slices.Contains([]string{"__class__", "__doc__", "__init__", "__dict__", "__len__", "__str__", "__repr__", "__eq__",
		"__getattribute__", "__reduce__", "__subclasshook__", "__dir__", "__hash__", "__new__", "__setattr__", "__format__"}, name)
}

func unsafe(x Value, name string) Value {
	return &undefined{hint: "access to attribute " + reprString(name) + " of " + reprString(typeName(x)) + " object is unsafe.",
		obj: x, has: true, name: name, kind: "SecurityError"}
}

// slice is Python's x[from:to:step].
func (e *evaluator) slice(x, from, to, step Value) (Value, error) {
	switch v := x.(type) {
	case *undefined:
		return nil, v.err()
	case *Dict:
		return nil, typeErrorf("unhashable type: 'slice'")
	case string, Markup, *List, *Tuple, rangeValue:
	default:
		return nil, typeErrorf("'%s' object is not subscriptable", typeName(x))
	}
	n, _ := length(x)
	start, stop, by, err := sliceBounds(n, from, to, step)
	if err != nil {
		return nil, err
	}
	r := rangeValue{start, stop, by}
	count := r.len()
	if err := e.items(count/16 + 1); err != nil {
		return nil, err
	}
	pick := func(all []Value) []Value {
		if by == 1 {
			return all[start : start+count : start+count]
		}
		out := make([]Value, count)
		for i := range out {
			out[i] = all[start+i*by]
		}
		return out
	}
	switch x := x.(type) {
	case string:
		return sliceText(x, start, count, by), e.charge(len(x))
	case Markup:
		return Markup(sliceText(string(x), start, count, by)), e.charge(len(x))
	case *List:
		return &List{Items: pick(x.Items)}, e.items(count)
	case *Tuple:
		return &Tuple{Items: pick(x.Items)}, e.items(count)
	case rangeValue:
		return rangeValue{x.start + start*x.step, x.start + stop*x.step, x.step * by}, nil
	}
	return nil, nil
}

// sliceBounds puts the parts of a slice into the bounds of n items as Python does.
func sliceBounds(n int, from, to, step Value) (start, stop, by int, err error) {
	part := func(v Value, def, low, high int) (int, error) {
		if v == nil {
			return def, nil
		}
		b, ok := toBig(v)
		if !ok {
			return 0, typeErrorf("slice indices must be integers or None or have an __index__ method")
		}
		if b.Sign() < 0 {
			b = new(big.Int).Add(b, big.NewInt(int64(n)))
		}
		switch {
		case b.Cmp(big.NewInt(int64(low))) < 0:
			return low, nil
		case b.Cmp(big.NewInt(int64(high))) > 0:
			return high, nil
		}
		return int(b.Int64()), nil
	}
	by = 1
	if step != nil {
		b, ok := toBig(step)
		if !ok {
			return 0, 0, 0, typeErrorf("slice indices must be integers or None or have an __index__ method")
		}
		switch {
		case b.Sign() == 0:
			return 0, 0, 0, valueErrorf("slice step cannot be zero")
		case b.CmpAbs(big.NewInt(int64(n+1))) > 0:
			by = b.Sign() * (n + 1)
		default:
			by = int(b.Int64())
		}
	}
	if by > 0 {
		if start, err = part(from, 0, 0, n); err == nil {
			stop, err = part(to, n, 0, n)
		}
	} else if start, err = part(from, n-1, -1, n-1); err == nil {
		stop, err = part(to, -1, -1, n-1)
	}
	return start, stop, by, err
}

func sliceText(s string, start, count, by int) string {
	if count == 0 {
		return ""
	}
	if isASCII(s) {
		if by == 1 {
			return s[start : start+count]
		}
		out := make([]byte, count)
		for i := range out {
			out[i] = s[start+i*by]
		}
		return string(out)
	}
	if by == 1 {
		from := runeOffset(s, start)
		return s[from : from+runeOffset(s[from:], count)]
	}
	runes := []rune(s)
	out := make([]rune, count)
	for i := range out {
		out[i] = runes[start+i*by]
	}
	return string(out)
}

// isASCII reports whether bytes and code points of s are the same.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func runeCount(s string) int { return utf8.RuneCountInString(s) }

// runeOffset returns the byte at which rune n of s begins.
func runeOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func runeAt(s string, i int) string {
	at := runeOffset(s, i)
	_, size := utf8.DecodeRuneInString(s[at:])
	return s[at : at+size]
}

// iterate returns a function that returns the next item of v, or false after the last.
func iterate(v Value) (func() (Value, bool, error), error) {
	list := func(n int, at func(i int) Value) func() (Value, bool, error) {
		i := -1
		return func() (Value, bool, error) {
			if i++; i >= n {
				i = n
				return nil, false, nil
			}
			return at(i), true, nil
		}
	}
	switch v := v.(type) {
	case string:
		return iterateText(v), nil
	case Markup:
		return iterateText(string(v)), nil
	case *List:
		return list(len(v.Items), func(i int) Value { return v.Items[i] }), nil
	case *Tuple:
		return list(len(v.Items), func(i int) Value { return v.Items[i] }), nil
	case *Dict:
		return list(v.Len(), func(i int) Value { return v.keys[i] }), nil
	case view:
		return list(v.len(), v.at), nil
	case rangeValue:
		return list(v.len(), func(i int) Value { return v.start + i*v.step }), nil
	case *iterator:
		return v.next, nil
	case *loop:
		return v.next, nil
	case *undefined:
		return list(0, nil), nil
	}
	return nil, typeErrorf("'%s' object is not iterable", typeName(v))
}

func iterateText(s string) func() (Value, bool, error) {
	return func() (Value, bool, error) {
		if s == "" {
			return nil, false, nil
		}
		_, size := utf8.DecodeRuneInString(s)
		c := s[:size]
		s = s[size:]
		return c, true, nil
	}
}

// collect returns all items of v.
func (e *evaluator) collect(v Value) ([]Value, error) {
	if l, ok := items(v); ok {
		return slices.Clone(l), e.items(len(l))
	}
	it, err := iterate(v)
	if err != nil {
		return nil, err
	}
	out := []Value{}
	for {
		x, ok, err := it()
		if err != nil || !ok {
			return out, err
		}
		if err := e.step(); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
}
