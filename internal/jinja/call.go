package jinja

import (
	"slices"
)

// A keyword is an argument with a name.
type keyword struct {
	name  string
	value Value
}

// arguments are the arguments of a call.
type arguments struct {
	pos []Value
	kw  []keyword
}

// take returns the keyword argument of that name and takes it out.
func (a *arguments) take(name string) (Value, bool) {
	for i, k := range a.kw {
		if k.name == name {
			a.kw = slices.Delete(slices.Clone(a.kw), i, i+1)
			return k.value, true
		}
	}
	return nil, false
}

// unset stands for an optional parameter that was not given.
type unsetType struct{}

var unset = unsetType{}

// bind puts arguments into the order of the parameters; the first required ones must be given, the others are unset if not.
func (a arguments) bind(function string, params []string, required int) ([]Value, error) {
	if len(a.pos) > len(params) {
		return nil, typeErrorf("%s() takes at most %d arguments (%d given)", function, len(params), len(a.pos))
	}
	out := make([]Value, len(params))
	for i := range out {
		out[i] = unset
	}
	copy(out, a.pos)
	for _, k := range a.kw {
		i := slices.Index(params, k.name)
		if i < 0 {
			return nil, typeErrorf("%s() got an unexpected keyword argument '%s'", function, k.name)
		}
		if out[i] != unset {
			return nil, typeErrorf("%s() got multiple values for argument '%s'", function, k.name)
		}
		out[i] = k.value
	}
	for i := range required {
		if out[i] == unset {
			return nil, typeErrorf("%s() missing 1 required positional argument: '%s'", function, params[i])
		}
	}
	return out, nil
}

// arguments evaluates the arguments of a call.
func (e *evaluator) arguments(c callArgs, s *scope) (arguments, error) {
	var a arguments
	for _, x := range c.pos {
		v, err := e.eval(x, s)
		if err != nil {
			return a, err
		}
		a.pos = append(a.pos, v)
	}
	for i, x := range c.values {
		v, err := e.eval(x, s)
		if err != nil {
			return a, err
		}
		a.kw = append(a.kw, keyword{c.names[i], v})
	}
	if c.star != nil {
		v, err := e.eval(c.star, s)
		if err != nil {
			return a, err
		}
		more, err := e.collect(v)
		if err != nil {
			return a, err
		}
		a.pos = append(a.pos, more...)
	}
	if c.starstar != nil {
		v, err := e.eval(c.starstar, s)
		if err != nil {
			return a, err
		}
		if _, ok := v.(*undefined); !ok {
			d, ok := v.(*Dict)
			if !ok {
				return a, typeErrorf("argument after ** must be a mapping, not %s", typeName(v))
			}
			for k, v := range d.All {
				name, ok := text(k)
				if !ok {
					return a, typeErrorf("keywords must be strings")
				}
				if slices.ContainsFunc(a.kw, func(k keyword) bool { return k.name == name }) {
					return a, typeErrorf("got multiple values for keyword argument '%s'", name)
				}
				a.kw = append(a.kw, keyword{name, v})
				if err := e.step(); err != nil {
					return a, err
				}
			}
		}
	}
	return a, nil
}

// call calls a value.
func (e *evaluator) call(f Value, a arguments) (Value, error) {
	if err := e.enter(); err != nil {
		return nil, err
	}
	defer e.leave()
	for _, v := range a.pos {
		if err := e.charge(size(v)); err != nil {
			return nil, err
		}
	}
	for _, k := range a.kw {
		if err := e.charge(size(k.value)); err != nil {
			return nil, err
		}
	}
	switch f := f.(type) {
	case *function:
		return f.call(e, a)
	case *macro:
		return f.call(e, a)
	case *loop:
		return f.call(a)
	case *joiner:
		return f.call(a)
	case *undefined:
		return nil, f.err()
	}
	return nil, typeErrorf("'%s' object is not callable", typeName(f))
}

// callable is Python's callable().
func callable(v Value) bool {
	switch v.(type) {
	case *function, *macro, *loop, *joiner, *undefined:
		return true
	}
	return false
}

// macro is a macro, or the body of a call block, with the scope that it was defined in.
type macro struct {
	node  *macroStmt
	scope *scope
}

func (m *macro) call(e *evaluator, a arguments) (Value, error) {
	n := m.node
	name := "None"
	if n.name != "" {
		name = reprString(n.name)
	}
	s := e.newScope(m.scope, n.frame)
	for i, p := range n.params {
		if i < len(a.pos) {
			s.set(p, a.pos[i])
			continue
		}
		if v, ok := a.take(p); ok {
			s.set(p, v)
			continue
		}
		if d := i - (len(n.params) - len(n.defaults)); d >= 0 {
			v, err := e.eval(n.defaults[d], s)
			if err != nil {
				return nil, err
			}
			s.set(p, v)
			continue
		}
		s.set(p, &undefined{hint: "parameter '" + p + "' was not provided", name: p})
	}
	if n.caller {
		c, ok := a.take("caller")
		if !ok {
			c = &undefined{hint: "No caller defined", name: "caller"}
		}
		s.set("caller", c)
	}
	if n.kwargs {
		d := NewDict()
		for _, k := range a.kw {
			d.Set(k.name, k.value)
		}
		s.set("kwargs", d)
	} else if len(a.kw) > 0 {
		for _, k := range a.kw {
			if k.name == "caller" {
				return nil, typeErrorf("macro %s was invoked with two values for the special caller argument. "+
					"This is most likely a bug.", name)
			}
		}
		return nil, typeErrorf("macro %s takes no keyword argument %s", name, reprString(a.kw[0].name))
	}
	if n.varargs {
		s.set("varargs", &Tuple{Items: a.pos[min(len(n.params), len(a.pos)):]})
	} else if len(a.pos) > len(n.params) {
		return nil, typeErrorf("macro %s takes not more than %d argument(s)", name, len(n.params))
	}
	t, _, err := e.capture(n.body, s)
	return t, err
}

func (m *macro) attribute(name string) (Value, bool) {
	switch name {
	case "name":
		if m.node.name == "" {
			return nil, true
		}
		return m.node.name, true
	case "arguments":
		t := &Tuple{}
		for _, p := range m.node.params {
			t.Items = append(t.Items, p)
		}
		return t, true
	case "caller":
		return m.node.caller, true
	case "catch_kwargs":
		return m.node.kwargs, true
	case "catch_varargs":
		return m.node.varargs, true
	}
	return nil, false
}

// loop is the variable loop inside a for: where the iteration is, and what is around it. It looks one item ahead if it is
// asked whether this is the last.
type loop struct {
	e      *evaluator
	st     *forStmt
	scope  *scope // around the loop
	source Value
	it     func() (Value, bool, error)
	depth0 int

	index0          int
	before, current Value
	after           *Value // the item looked at ahead
	ended           bool
	count           int // -1 if it is not known yet
	last            []Value
	changedBefore   bool
}

// loop runs a for over the items of v.
func (e *evaluator) loop(st *forStmt, s *scope, out *output, v Value, depth int) error {
	if err := e.enter(); err != nil {
		return err
	}
	defer e.leave()
	l := &loop{e: e, st: st, scope: s, source: v, depth0: depth, index0: -1, count: -1}
	none := &undefined{hint: "there is no previous item"}
	l.before, l.current = none, none
	var err error
	if l.it, err = iterate(v); err != nil {
		return err
	}
	if st.test != nil {
		l.source = nil
		all := l.it
		l.it = func() (Value, bool, error) {
			for {
				v, ok, err := all()
				if err != nil || !ok {
					return nil, false, err
				}
				inner := e.newScope(s, st.testFrame)
				if err := e.items(5); err != nil {
					return nil, false, err
				}
				if err := e.assign(st.target, v, inner); err != nil {
					return nil, false, err
				}
				t, err := e.eval(st.test, inner)
				if err != nil {
					return nil, false, err
				}
				if truth(t) {
					return v, true, nil
				}
			}
		}
	}
	completed := false // whether a body ran to its end: else runs if none did, break and continue or not
	for {
		v, ok, err := l.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := e.items(5); err != nil { // a scope takes as long as some expressions
			return err
		}
		inner := e.newScope(s, st.frame)
		if err := e.assign(st.target, v, inner); err != nil {
			return err
		}
		inner.set("loop", l)
		f, err := e.statements(st.body, inner, out)
		if err != nil {
			return err
		}
		if f == flowBreak {
			break
		}
		completed = completed || f == flowEnd
	}
	if !completed && len(st.else_) > 0 {
		_, err := e.statements(st.else_, e.newScope(s, st.elseFrame), out)
		return err
	}
	return nil
}

// next moves to the next item.
func (l *loop) next() (Value, bool, error) {
	var v Value
	if l.after != nil {
		v = *l.after
		l.after = nil
	} else {
		x, ok, err := l.it()
		if err != nil || !ok {
			l.ended = true
			return nil, false, err
		}
		v = x
	}
	l.index0++
	l.before, l.current = l.current, v
	return v, true, nil
}

// peek looks at the item after this one.
func (l *loop) peek() (Value, bool, error) {
	if l.after == nil && !l.ended {
		v, ok, err := l.it()
		if err != nil {
			return nil, false, err
		}
		if !ok {
			l.ended = true
			return nil, false, nil
		}
		l.after = &v
	}
	if l.after == nil {
		return nil, false, nil
	}
	return *l.after, true, nil
}

// length returns the number of items; those of an iterator are collected for it.
func (l *loop) length() (int, error) {
	if l.count >= 0 {
		return l.count, nil
	}
	if n, ok := length(l.source); ok && l.source != nil {
		l.count = n
		return n, nil
	}
	rest, err := l.e.collect(&iterator{next: l.it})
	if err != nil {
		return 0, err
	}
	l.it, _ = iterate(&List{Items: rest})
	l.count = len(rest) + l.index0 + 1
	if l.after != nil {
		l.count++
	}
	return l.count, nil
}

// failing is an attribute whose reading failed.
type failing struct{ err error }

func (l *loop) attribute(name string) (Value, bool) {
	withLength := func(f func(n int) Value) (Value, bool) {
		n, err := l.length()
		if err != nil {
			return failing{err}, true
		}
		return f(n), true
	}
	switch name {
	case "index":
		return l.index0 + 1, true
	case "index0":
		return l.index0, true
	case "revindex":
		return withLength(func(n int) Value { return n - l.index0 })
	case "revindex0":
		return withLength(func(n int) Value { return n - l.index0 - 1 })
	case "length":
		return withLength(func(n int) Value { return n })
	case "first":
		return l.index0 == 0, true
	case "last":
		_, ok, err := l.peek()
		if err != nil {
			return failing{err}, true
		}
		return !ok, true
	case "depth":
		return l.depth0 + 1, true
	case "depth0":
		return l.depth0, true
	case "previtem":
		return l.before, true
	case "nextitem":
		v, ok, err := l.peek()
		if err != nil {
			return failing{err}, true
		}
		if !ok {
			return &undefined{hint: "there is no next item"}, true
		}
		return v, true
	case "cycle":
		return &function{"cycle", func(_ *evaluator, a arguments) (Value, error) {
			if len(a.pos) == 0 {
				return nil, typeErrorf("no items for cycling given")
			}
			return a.pos[l.index0%len(a.pos)], nil
		}}, true
	case "changed":
		return &function{"changed", func(_ *evaluator, a arguments) (Value, error) {
			eq, err := equalItems(l.last, a.pos, 0)
			if err != nil {
				return nil, err
			}
			if eq && l.changedBefore {
				return false, nil
			}
			l.last, l.changedBefore = a.pos, true
			return true, nil
		}}, true
	}
	return nil, false
}

// call runs the loop again over other items: loop(children) of a recursive for.
func (l *loop) call(a arguments) (Value, error) {
	v, err := a.bind("loop", []string{"iterable"}, 1)
	if err != nil {
		return nil, err
	}
	if !l.st.recursive {
		return nil, typeErrorf("The loop must have the 'recursive' marker to be called recursively.")
	}
	out := &output{e: l.e}
	if err := l.e.loop(l.st, l.scope, out, v[0], l.depth0+1); err != nil {
		return nil, err
	}
	return out.b.String(), nil
}

// selfObject is the variable self, whose attributes are the blocks of the template.
type selfObject struct{ e *evaluator }

func (o *selfObject) attribute(name string) (Value, bool) {
	b := o.e.t.blocks[name]
	if b == nil {
		return nil, false
	}
	return &function{name, func(e *evaluator, _ arguments) (Value, error) {
		t, _, err := e.capture(b.body, e.newScope(nil, b.frame))
		return t, err
	}}, true
}
