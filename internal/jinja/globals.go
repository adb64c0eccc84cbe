package jinja

import (
	"math/big"
	"strings"
)

// maxRange is the longest range that the sandbox makes.
const maxRange = 100000

// globals are the functions that every template has.
var globals map[string]Value

func init() {
	globals = map[string]Value{
		"range": &function{"range", func(_ *evaluator, a arguments) (Value, error) {
			if len(a.kw) > 0 {
				return nil, typeErrorf("safe_range() got an unexpected keyword argument '%s'", a.kw[0].name)
			}
			if len(a.pos) == 0 || len(a.pos) > 3 {
				return nil, typeErrorf("range expected 1 to 3 arguments, got %d", len(a.pos))
			}
			n := make([]int, len(a.pos))
			for i, v := range a.pos {
				k, err := intArg(v, 0)
				if err != nil {
					return nil, err
				}
				n[i] = k
			}
			r := rangeValue{0, n[0], 1}
			if len(n) > 1 {
				r.start, r.stop = n[0], n[1]
			}
			if len(n) > 2 {
				r.step = n[2]
			}
			if r.step == 0 {
				return nil, valueErrorf("range() arg 3 must not be zero")
			}
			span := new(big.Int).Sub(big.NewInt(int64(r.stop)), big.NewInt(int64(r.start)))
			if span.Quo(span, big.NewInt(int64(r.step))).Cmp(big.NewInt(maxRange+1)) > 0 || r.len() > maxRange {
				return nil, errorf("OverflowError", "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", maxRange)
			}
			return r, nil
		}},
		"dict": &function{"dict", func(e *evaluator, a arguments) (Value, error) { return e.dict(a) }},
		"namespace": &function{"namespace", func(e *evaluator, a arguments) (Value, error) {
			d, err := e.dict(a)
			if err != nil {
				return nil, err
			}
			n := &namespace{NewDict()}
			for k, v := range d.All {
				name, _ := text(k)
				if err := n.set(name, v); err != nil {
					return nil, err
				}
			}
			return n, nil
		}},
		"cycler": &function{"cycler", func(_ *evaluator, a arguments) (Value, error) {
			if len(a.pos) == 0 {
				return nil, errorf("RuntimeError", "at least one item has to be provided")
			}
			return &cycler{items: a.pos}, nil
		}},
		"joiner": &function{"joiner", func(_ *evaluator, a arguments) (Value, error) {
			v, err := a.bind("joiner", []string{"sep"}, 0)
			if err != nil {
				return nil, err
			}
			if v[0] == unset {
				v[0] = ", "
			}
			return &joiner{sep: v[0]}, nil
		}},
		"raise_exception": &function{"raise_exception", func(_ *evaluator, a arguments) (Value, error) {
			v, err := a.bind("raise_exception", []string{"message"}, 1)
			if err != nil {
				return nil, err
			}
			s, err := str(v[0])
			if err != nil {
				return nil, err
			}
			return nil, errorf("TemplateError", "%s", s)
		}},
		"strftime_now": &function{"strftime_now", func(e *evaluator, a arguments) (Value, error) {
			v, err := a.bind("strftime_now", []string{"format"}, 1)
			if err != nil {
				return nil, err
			}
			f, ok := text(v[0])
			if !ok {
				return nil, typeErrorf("strftime() argument 1 must be str, not %s", typeName(v[0]))
			}
			if err := e.charge(8 * len(f)); err != nil {
				return nil, err
			}
			return strftime(f, e.now()), nil
		}},
	}
}

// dict is Python's dict(mapping or pairs, name=value, ...).
func (e *evaluator) dict(a arguments) (*Dict, error) {
	d := NewDict()
	if len(a.pos) > 1 {
		return nil, typeErrorf("dict expected at most 1 argument, got %d", len(a.pos))
	}
	for _, v := range a.pos {
		if err := undefinedError(v); err != nil {
			return nil, err
		}
		if m, ok := v.(*Dict); ok {
			d = m.copy()
			if err := e.items(d.Len()); err != nil {
				return nil, err
			}
			continue
		}
		pairs, err := e.collect(v)
		if err != nil {
			return nil, err
		}
		for i, p := range pairs {
			kv, err := e.collect(p)
			if err != nil {
				return nil, typeErrorf("cannot convert dictionary update sequence element #%d to a sequence", i)
			}
			if len(kv) != 2 {
				return nil, valueErrorf("dictionary update sequence element #%d has length %d; 2 is required", i, len(kv))
			}
			if err := d.set(kv[0], kv[1]); err != nil {
				return nil, err
			}
		}
	}
	for _, k := range a.kw {
		d.Set(k.name, k.value)
	}
	return d, nil
}

// set sets an attribute of a namespace.
func (n *namespace) set(name string, v Value) error {
	if strings.HasPrefix(name, "_") {
		return errorf("SecurityError", "Chat templates cannot store underscore-prefixed attributes on a namespace, but got %s. "+
			"Please rename the attribute.", reprString(name))
	}
	n.attrs.Set(name, v)
	return nil
}

// cycler goes round through its items.
type cycler struct {
	items []Value
	pos   int
}

func (c *cycler) attribute(name string) (Value, bool) {
	do := func(f func() Value) (Value, bool) {
		return &function{name, func(_ *evaluator, a arguments) (Value, error) {
			_, err := a.bind(name, nil, 0)
			if err != nil {
				return nil, err
			}
			return f(), nil
		}}, true
	}
	switch name {
	case "current":
		return c.items[c.pos], true
	case "pos":
		return c.pos, true
	case "items":
		return &Tuple{Items: c.items}, true
	case "next":
		return do(func() Value {
			v := c.items[c.pos]
			c.pos = (c.pos + 1) % len(c.items)
			return v
		})
	case "reset":
		return do(func() Value {
			c.pos = 0
			return nil
		})
	}
	return nil, false
}

// joiner is nothing when it is called first, and its separator from then on.
type joiner struct {
	sep  Value
	used bool
}

func (j *joiner) call(a arguments) (Value, error) {
	if _, err := a.bind("joiner", nil, 0); err != nil {
		return nil, err
	}
	if !j.used {
		j.used = true
		return "", nil
	}
	return j.sep, nil
}
