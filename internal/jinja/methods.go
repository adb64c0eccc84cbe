package jinja

import (
	"math"
	"math/big"
)

// A method is one of list, tuple, dict or range.
type method struct {
	params   []string
	required int
	call     func(e *evaluator, x Value, v []Value) (Value, error)
}

func bind(x Value, name string, m method) Value {
	return &function{name, func(e *evaluator, a arguments) (Value, error) {
		v, err := a.bind(name, m.params, m.required)
		if err == nil && (name == "count" || name == "index") {
			err = e.charge(size(x))
		}
		if err != nil {
			return nil, err
		}
		return m.call(e, x, v)
	}}
}

var countMethod = method{[]string{"value"}, 1, func(e *evaluator, x Value, v []Value) (Value, error) {
	list, err := e.collect(x)
	n := 0
	for _, i := range list {
		eq, err := equal(i, v[0])
		if err != nil {
			return nil, err
		}
		if eq {
			n++
		}
	}
	return n, err
}}

var indexMethod = method{[]string{"value", "start", "stop"}, 1, func(e *evaluator, x Value, v []Value) (Value, error) {
	list, err := e.collect(x)
	if err != nil {
		return nil, err
	}
	for i := range v {
		if v[i] == unset {
			v[i] = nil
		}
	}
	from, to, _, err := sliceBounds(len(list), v[1], v[2], nil)
	if err != nil {
		return nil, err
	}
	for i := from; i < to; i++ {
		if eq, err := equal(list[i], v[0]); eq || err != nil {
			return i, err
		}
	}
	r, err := repr(v[0])
	if err != nil {
		return nil, err
	}
	if _, ok := x.(*Tuple); ok {
		return nil, valueErrorf("tuple.index(x): x not in tuple")
	}
	return nil, valueErrorf("%s is not in %s", r, typeName(x))
}}

func viewMethod(kind string) method {
	return method{call: func(_ *evaluator, x Value, _ []Value) (Value, error) { return view{kind, x.(*Dict)}, nil }}
}

var methods = map[string]map[string]method{
	"list": {"count": countMethod, "index": indexMethod,
		"copy": {call: func(e *evaluator, x Value, _ []Value) (Value, error) {
			l, err := e.collect(x)
			return &List{Items: l}, err
		}},
	},
	"tuple": {"count": countMethod, "index": indexMethod},
	"range": {"count": countMethod, "index": indexMethod},
	"dict": {
		"keys": viewMethod("keys"), "values": viewMethod("values"), "items": viewMethod("items"),
		"get": {[]string{"key", "default"}, 1, func(_ *evaluator, x Value, v []Value) (Value, error) {
			got, ok, err := x.(*Dict).get(v[0])
			if err != nil || ok {
				return got, err
			}
			if v[1] == unset {
				return nil, nil
			}
			return v[1], nil
		}},
		"copy": {call: func(e *evaluator, x Value, _ []Value) (Value, error) {
			return x.(*Dict).copy(), e.items(x.(*Dict).Len())
		}},
		"fromkeys": {[]string{"iterable", "value"}, 1, func(e *evaluator, _ Value, v []Value) (Value, error) {
			return e.fromKeys(v)
		}},
	},
}

func (e *evaluator) fromKeys(v []Value) (Value, error) {
	keys, err := e.collect(v[0])
	if err != nil {
		return nil, err
	}
	d := NewDict()
	value := v[1]
	if value == unset {
		value = nil
	}
	for _, k := range keys {
		if err := d.set(k, value); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// numberAttribute looks up the attributes of int and float.
func numberAttribute(x Value, name string) (Value, bool) {
	result := func(v Value) (Value, bool) {
		return &function{name, func(_ *evaluator, a arguments) (Value, error) {
			_, err := a.bind(name, nil, 0)
			return v, err
		}}, true
	}
	if f, ok := x.(float64); ok {
		switch name {
		case "real":
			return f, true
		case "imag":
			return 0.0, true
		case "conjugate":
			return result(f)
		case "is_integer":
			return result(f == math.Trunc(f) && !math.IsInf(f, 0))
		}
		return nil, false
	}
	b, _ := toBig(x)
	switch name {
	case "real", "numerator":
		return Int(b), true
	case "imag":
		return 0, true
	case "denominator":
		return 1, true
	case "conjugate":
		return result(Int(b))
	case "bit_length":
		return result(b.BitLen())
	case "bit_count":
		n := 0
		for _, w := range new(big.Int).Abs(b).Bits() {
			for ; w != 0; w &= w - 1 {
				n++
			}
		}
		return result(n)
	}
	return nil, false
}
