package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// A Value is what a template computes with. It is one of
//
//	nil             None
//	bool            bool
//	int, *big.Int   int; a *big.Int is never in the range of int
//	float64         float
//	string          str, valid UTF-8
//	Markup          a str that is marked as safe HTML
//	*List, *Tuple   list, tuple
//	*Dict           dict, in the order of insertion
//
// or of the objects that only templates make: ranges, views, iterators, functions, macros, loops, namespaces, undefined.
// Values are immutable once a template runs, namespaces apart.
type Value any

// Markup is a str that filters like safe and escape return; str methods of it and + escape what they join to it.
type Markup string

// List is a Python list.
type List struct {
	Items []Value
	work  int64 // see size
}

// Tuple is a Python tuple. The groups of groupby have names for their two items.
type Tuple struct {
	Items []Value
	names []string
	work  int64
}

// Dict is a Python dict.
type Dict struct {
	keys   []Value
	values []Value
	index  map[string]int
	work   int64
}

// NewDict returns a dict without items.
func NewDict() *Dict { return &Dict{index: map[string]int{}} }

// Len returns the number of items.
func (d *Dict) Len() int { return len(d.keys) }

// Set puts an item under a str key.
func (d *Dict) Set(key string, v Value) { d.setHashed("s"+key, key, v) }

func (d *Dict) setHashed(h string, key, v Value) {
	if i, ok := d.index[h]; ok {
		d.values[i] = v
		return
	}
	d.index[h] = len(d.keys)
	d.keys = append(d.keys, key)
	d.values = append(d.values, v)
}

// Get returns the item under a str key.
func (d *Dict) Get(key string) (Value, bool) {
	if i, ok := d.index["s"+key]; ok {
		return d.values[i], true
	}
	return nil, false
}

// All calls yield with each item in order.
func (d *Dict) All(yield func(key, v Value) bool) {
	for i, k := range d.keys {
		if !yield(k, d.values[i]) {
			return
		}
	}
}

// set puts an item under any hashable key.
func (d *Dict) set(key, v Value) error {
	h, err := hash(key)
	if err != nil {
		return err
	}
	d.setHashed(h, key, v)
	return nil
}

// get returns the item under any hashable key.
func (d *Dict) get(key Value) (Value, bool, error) {
	h, err := hash(key)
	if err != nil {
		return nil, false, err
	}
	if i, ok := d.index[h]; ok {
		return d.values[i], true, nil
	}
	return nil, false, nil
}

func (d *Dict) copy() *Dict {
	c := NewDict()
	for i, k := range d.keys {
		h, _ := hash(k)
		c.setHashed(h, k, d.values[i])
	}
	return c
}

// rangeValue is a Python range.
type rangeValue struct{ start, stop, step int }

func (r rangeValue) len() int {
	switch {
	case r.step > 0 && r.start < r.stop:
		return (r.stop-r.start-1)/r.step + 1
	case r.step < 0 && r.start > r.stop:
		return (r.start-r.stop-1)/-r.step + 1
	}
	return 0
}

// view is what keys(), values() and items() of a dict return; kind is the name of the method.
type view struct {
	kind string
	d    *Dict
}

func (v view) len() int { return v.d.Len() }

func (v view) at(i int) Value {
	switch v.kind {
	case "keys":
		return v.d.keys[i]
	case "values":
		return v.d.values[i]
	}
	return &Tuple{Items: []Value{v.d.keys[i], v.d.values[i]}}
}

// iterator is a Python iterator or generator: next returns false at the end.
type iterator struct {
	kind string
	next func() (Value, bool, error)
}

// undefined is the value of what is not there. It prints as nothing, and most other uses of it are errors.
type undefined struct {
	hint string // the whole message, if it is not made of obj and name
	obj  Value
	has  bool // whether obj is the object without the attribute or item name
	name Value
	kind string // of the error; empty is UndefinedError
}

// message says what is undefined.
func (u *undefined) message() string {
	switch name, isStr := u.name.(string); {
	case u.hint != "":
		return u.hint
	case !u.has:
		return "'" + name + "' is undefined"
	case isStr:
		return reprString(objectName(u.obj)) + " has no attribute " + reprString(name)
	}
	r, _ := repr(u.name)
	return objectName(u.obj) + " has no element " + r
}

func (u *undefined) err() error {
	if u.kind != "" {
		return errorf(u.kind, "%s", u.message())
	}
	return errorf("UndefinedError", "%s", u.message())
}

// namespace is what namespace() returns: attributes that templates may set.
type namespace struct{ attrs *Dict }

// function is a callable of this package; name is as Python shows it.
type function struct {
	name string
	call func(e *evaluator, a arguments) (Value, error)
}

// typeName returns the name of a value's Python class.
func typeName(v Value) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case Markup:
		return "Markup"
	case *List:
		return "list"
	case *Tuple:
		if v.names != nil {
			return "_GroupTuple"
		}
		return "tuple"
	case *Dict:
		return "dict"
	case rangeValue:
		return "range"
	case view:
		return "dict_" + v.kind
	case *iterator:
		return v.kind
	case *undefined:
		return "Undefined"
	case *namespace:
		return "TemplateNamespace"
	case *macro:
		return "Macro"
	case *loop:
		return "LoopContext"
	case *cycler:
		return "Cycler"
	case *joiner:
		return "Joiner"
	case *function:
		return "builtin_function_or_method"
	}
	return "object"
}

// objectName names a value in messages about undefined attributes.
func objectName(v Value) string {
	switch v.(type) {
	case nil:
		return "None"
	case *namespace:
		return "transformers.utils.chat_template_utils._cached_compile_jinja_template.<locals>.TemplateNamespace object"
	case *macro, *loop:
		return "jinja2.runtime." + typeName(v) + " object"
	case *cycler, *joiner:
		return "jinja2.utils." + typeName(v) + " object"
	case Markup:
		return "markupsafe.Markup object"
	}
	return typeName(v) + " object"
}

// text returns a str value, marked or not.
func text(v Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Markup:
		return string(v), true
	}
	return "", false
}

// items returns the items of a list or tuple.
func items(v Value) ([]Value, bool) {
	switch v := v.(type) {
	case *List:
		return v.Items, true
	case *Tuple:
		return v.Items, true
	}
	return nil, false
}

// truth is Python's bool().
func truth(v Value) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case Markup:
		return v != ""
	case *undefined:
		return false
	}
	if n, ok := length(v); ok {
		return n > 0
	}
	return true
}

// length is Python's len(); ok is false for what has none.
func length(v Value) (n int, ok bool) {
	switch v := v.(type) {
	case string:
		return runeCount(v), true
	case Markup:
		return runeCount(string(v)), true
	case *List:
		return len(v.Items), true
	case *Tuple:
		return len(v.Items), true
	case *Dict:
		return v.Len(), true
	case rangeValue:
		return v.len(), true
	case view:
		return v.len(), true
	case *undefined:
		return 0, true
	}
	return 0, false
}

// maxNesting is how deep values may lie in one another where they are compared, hashed or shown.
const maxNesting = 500

func recursionError() error { return errorf("RecursionError", "maximum recursion depth exceeded") }

// hash returns a string that is equal for values that Python takes for the same key.
func hash(v Value) (string, error) { return hashDepth(v, 0) }

func hashDepth(v Value, depth int) (string, error) {
	if depth > maxNesting {
		return "", recursionError()
	}
	switch v := v.(type) {
	case string:
		return "s" + v, nil
	case Markup:
		return "s" + string(v), nil
	case nil:
		return "n", nil
	case bool:
		if v {
			return "i1", nil
		}
		return "i0", nil
	case int:
		return "i" + strconv.Itoa(v), nil
	case *big.Int:
		return "i" + v.String(), nil
	case float64:
		if v == math.Trunc(v) && !math.IsInf(v, 0) {
			i, _ := big.NewFloat(v).Int(nil)
			return "i" + i.String(), nil
		}
		return "f" + strconv.FormatUint(math.Float64bits(v), 16), nil
	case *Tuple:
		var b strings.Builder
		b.WriteString("t")
		for _, x := range v.Items {
			h, err := hashDepth(x, depth+1)
			if err != nil {
				return "", err
			}
			b.WriteString(strconv.Itoa(len(h)) + ":" + h)
		}
		return b.String(), nil
	case rangeValue:
		return "r" + reprRange(v), nil
	case *undefined:
		return "u", nil
	}
	return "", typeErrorf("unhashable type: '%s'", typeName(v))
}

// equal is Python's ==.
func equal(a, b Value) (bool, error) { return equalDepth(a, b, 0) }

func equalDepth(a, b Value, depth int) (bool, error) {
	if depth > maxNesting {
		return false, recursionError()
	}
	if isNumber(a) && isNumber(b) {
		c, ok := compareNumbers(a, b)
		return ok && c == 0, nil
	}
	if s, ok := text(a); ok {
		t, ok := text(b)
		return ok && s == t, nil
	}
	switch a := a.(type) {
	case nil:
		return b == nil, nil
	case *undefined:
		_, ok := b.(*undefined)
		return ok, nil
	case *List:
		if b, ok := b.(*List); ok {
			return equalItems(a.Items, b.Items, depth)
		}
	case *Tuple:
		if b, ok := b.(*Tuple); ok {
			return equalItems(a.Items, b.Items, depth)
		}
	case *Dict:
		b, ok := b.(*Dict)
		if !ok || a.Len() != b.Len() {
			return false, nil
		}
		for h, i := range a.index {
			j, ok := b.index[h]
			if !ok {
				return false, nil
			}
			if eq, err := equalDepth(a.values[i], b.values[j], depth+1); !eq {
				return false, err
			}
		}
		return true, nil
	case rangeValue:
		b, ok := b.(rangeValue)
		if !ok || a.len() != b.len() {
			return false, nil
		}
		n := a.len()
		return n == 0 || a.start == b.start && (n == 1 || a.step == b.step), nil
	case view:
		b, ok := b.(view)
		if !ok || a.kind != b.kind || a.kind == "values" || a.len() != b.len() {
			return false, nil
		}
		if a.kind == "items" {
			return equalDepth(a.d, b.d, depth+1)
		}
		for h := range a.d.index {
			if _, ok := b.d.index[h]; !ok {
				return false, nil
			}
		}
		return true, nil
	default:
		return isPointer(a) && isPointer(b) && a == b, nil
	}
	return false, nil
}

// isPointer reports whether values of the type can be compared with Go's ==.
func isPointer(v Value) bool {
	switch v.(type) {
	case *iterator, *namespace, *macro, *loop, *cycler, *joiner, *function:
		return true
	}
	return false
}

func equalItems(a, b []Value, depth int) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	for i := range a {
		if eq, err := equalDepth(a[i], b[i], depth+1); !eq {
			return false, err
		}
	}
	return true, nil
}

// identical is Python's "is", as far as a template can rely on it: scalars of one type and value are one object.
func identical(a, b Value) bool {
	if typeName(a) != typeName(b) {
		return false
	}
	switch a := a.(type) {
	case nil:
		return true
	case bool, int, float64, string, Markup:
		return a == b
	case *big.Int:
		return a == b.(*big.Int)
	case *List:
		return a == b.(*List)
	case *Tuple:
		return a == b.(*Tuple) || len(a.Items) == 0 && len(b.(*Tuple).Items) == 0
	case *Dict:
		return a == b.(*Dict)
	case *undefined:
		return a == b.(*undefined)
	}
	return isPointer(a) && a == b
}

// ordered is a op b for the operators <, <=, > and >=.
func ordered(op string, a, b Value) (bool, error) { return orderedDepth(op, a, b, 0) }

func orderedDepth(op string, a, b Value, depth int) (bool, error) {
	if depth > maxNesting {
		return false, recursionError()
	}
	for _, v := range []Value{a, b} {
		if u, ok := v.(*undefined); ok {
			return false, u.err()
		}
	}
	if isNumber(a) && isNumber(b) {
		c, ok := compareNumbers(a, b)
		return ok && holds(op, c), nil
	}
	s, ok1 := text(a)
	t, ok2 := text(b)
	if ok1 && ok2 {
		return holds(op, strings.Compare(s, t)), nil // UTF-8 sorts as code points do
	}
	_, list1 := a.(*List)
	_, list2 := b.(*List)
	x, ok1 := items(a)
	y, ok2 := items(b)
	if ok1 && ok2 && list1 == list2 {
		for i := 0; i < len(x) && i < len(y); i++ {
			eq, err := equalDepth(x[i], y[i], depth+1)
			if err != nil {
				return false, err
			}
			if !eq {
				return orderedDepth(op, x[i], y[i], depth+1)
			}
		}
		return holds(op, len(x)-len(y)), nil
	}
	return false, typeErrorf("'%s' not supported between instances of '%s' and '%s'", op, typeName(a), typeName(b))
}

func holds(op string, c int) bool {
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}
