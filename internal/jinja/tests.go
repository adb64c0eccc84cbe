package jinja

import (
	"math/big"
)

// A test answers "x is name(args)"; v holds x and the arguments.
type test struct {
	params []string // after x; all are required
	call   func(e *evaluator, v []Value) (bool, error)
}

func simpleTest(f func(x Value) bool) *test {
	return &test{nil, func(_ *evaluator, v []Value) (bool, error) { return f(v[0]), nil }}
}

func compareTest(op string) *test {
	return &test{[]string{"b"}, func(e *evaluator, v []Value) (bool, error) { return e.compareOne(op, v[0], v[1]) }}
}

// remainderTest tests x % n == want.
func remainderTest(n, want int) *test {
	return &test{nil, func(e *evaluator, v []Value) (bool, error) {
		r, err := e.operate("%", v[0], n)
		if err != nil {
			return false, err
		}
		return equal(r, want)
	}}
}

var tests map[string]*test

func init() {
	tests = map[string]*test{
		"boolean":  simpleTest(func(x Value) bool { _, ok := x.(bool); return ok }),
		"callable": simpleTest(callable),
		"defined":  simpleTest(func(x Value) bool { _, ok := x.(*undefined); return !ok }),
		"escaped":  simpleTest(func(x Value) bool { _, ok := x.(Markup); return ok }),
		"false":    simpleTest(func(x Value) bool { return x == false }),
		"float":    simpleTest(func(x Value) bool { _, ok := x.(float64); return ok }),
		"integer": simpleTest(func(x Value) bool {
			switch x.(type) {
			case int, *big.Int:
				return true
			}
			return false
		}),
		"iterable": simpleTest(func(x Value) bool { _, err := iterate(x); return err == nil }),
		"mapping":  simpleTest(func(x Value) bool { _, ok := x.(*Dict); return ok }),
		"none":     simpleTest(func(x Value) bool { return x == nil }),
		"number":   simpleTest(isNumber),
		"sequence": simpleTest(func(x Value) bool {
			if _, ok := x.(view); ok {
				return false
			}
			_, ok := length(x)
			return ok
		}),
		"string":    simpleTest(func(x Value) bool { _, ok := text(x); return ok }),
		"true":      simpleTest(func(x Value) bool { return x == true }),
		"undefined": simpleTest(func(x Value) bool { _, ok := x.(*undefined); return ok }),
		"upper":     textTest(func(s string) bool { return isCase(s, isUpper, isLower) }),
		"lower":     textTest(func(s string) bool { return isCase(s, isLower, isUpper) }),
		"even":      remainderTest(2, 0),
		"odd":       remainderTest(2, 1),
		"divisibleby": {[]string{"num"}, func(e *evaluator, v []Value) (bool, error) {
			r, err := e.operate("%", v[0], v[1])
			if err != nil {
				return false, err
			}
			return equal(r, 0)
		}},
		"filter": {nil, func(_ *evaluator, v []Value) (bool, error) {
			s, _ := text(v[0])
			_, err := hash(v[0])
			return filters[s] != nil, err
		}},
		"test": {nil, func(_ *evaluator, v []Value) (bool, error) {
			s, _ := text(v[0])
			_, err := hash(v[0])
			return tests[s] != nil, err
		}},
		"in":     {[]string{"seq"}, func(e *evaluator, v []Value) (bool, error) { return e.compareOne("in", v[0], v[1]) }},
		"sameas": {[]string{"other"}, func(_ *evaluator, v []Value) (bool, error) { return identical(v[0], v[1]), nil }},
	}
	for op, names := range map[string][]string{
		"==": {"eq", "equalto", "=="}, "!=": {"ne", "!="},
		"<": {"lt", "lessthan", "<"}, "<=": {"le", "<="}, ">": {"gt", "greaterthan", ">"}, ">=": {"ge", ">="},
	} {
		for _, n := range names {
			tests[n] = compareTest(op)
		}
	}
}

func textTest(f func(s string) bool) *test {
	return &test{nil, func(_ *evaluator, v []Value) (bool, error) {
		s, err := str(v[0])
		return err == nil && f(s), err
	}}
}

func (e *evaluator) runTest(name string, x Value, a arguments) (bool, error) {
	t := tests[name]
	if t == nil {
		return false, errorf("TemplateRuntimeError", "No test named '%s' found.", name)
	}
	v, err := a.bind(name, t.params, len(t.params))
	if err != nil {
		return false, err
	}
	if err := e.charge(size(x)); err != nil {
		return false, err
	}
	return t.call(e, append([]Value{x}, v...))
}
