package jinja

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"sync/atomic"
	"time"
)

// Options are what a rendering may depend on beside its variables.
type Options struct {
	Now func() time.Time // what strftime_now shows; nil is time.Now
}

// Render runs the template with variables, a dict of str keys. An error is an [Error].
func (t *Template) Render(vars *Dict, opt Options) (string, error) {
	e := &evaluator{t: t, steps: t.limits.Steps, now: opt.Now}
	if e.now == nil {
		e.now = time.Now
	}
	e.vars = vars
	e.root = &scope{vars: map[string]Value{}}
	e.root.enter(e, t.frame)
	out := &output{e: e}
	_, err := e.statements(t.body, e.root, out)
	if err != nil {
		var known *Error
		if !errors.As(err, &known) {
			err = errorf("Error", "%s", err)
		}
		return "", err
	}
	return out.b.String(), nil
}

// evaluator is the state of one rendering.
type evaluator struct {
	t     *Template
	vars  *Dict
	root  *scope
	steps int // left
	depth int
	now   func() time.Time
}

// A scope holds the variables of a body: those that its frame names, and those that it sets. What is not in it is looked for
// in the parent.
type scope struct {
	vars   map[string]Value
	parent *scope
}

// missing is the value of a variable that a scope sets somewhere, but has not yet.
type missing struct{}

func (e *evaluator) newScope(parent *scope, f *frame) *scope {
	s := &scope{parent: parent}
	s.enter(e, f)
	return s
}

// enter gives the variables of the frame their values at the beginning of the body.
func (s *scope) enter(e *evaluator, f *frame) {
	for _, n := range f.names {
		switch n.load {
		case loadResolve:
			s.set(n.name, e.resolve(n.name))
		case loadAlias:
			v, ok := s.parent.get(n.name)
			if !ok {
				v = missing{}
			}
			s.set(n.name, v)
		case loadMissing:
			s.set(n.name, missing{})
		}
	}
}

// resolve looks a name up where a template finds what it has not set itself: among the variables it is rendered with and what
// it has set outside of all blocks, and among the global functions.
func (e *evaluator) resolve(name string) Value {
	if v, ok := e.root.vars[name]; ok && v != (missing{}) {
		return v
	}
	if v, ok := e.vars.Get(name); ok {
		return v
	}
	if g, ok := globals[name]; ok {
		return g
	}
	if name == "self" {
		return &selfObject{e}
	}
	return missing{}
}

func (s *scope) set(name string, v Value) {
	if s.vars == nil {
		s.vars = make(map[string]Value, 4)
	}
	s.vars[name] = v
}

func (s *scope) get(name string) (Value, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// output collects what is printed.
type output struct {
	e *evaluator
	b strings.Builder
}

func (o *output) write(s string) error {
	if o.b.Len()+len(s) > o.e.t.limits.Output {
		return errorf("LimitError", "the output has more than %d bytes", o.e.t.limits.Output)
	}
	o.b.WriteString(s)
	return o.e.charge(len(s))
}

// step counts one step.
func (e *evaluator) step() error {
	if e.steps--; e.steps < 0 {
		return errorf("LimitError", "more than %d steps", e.t.limits.Steps)
	}
	return nil
}

// items counts n items of a list.
func (e *evaluator) items(n int) error {
	if e.steps -= n; e.steps < 0 || n < 0 {
		e.steps = -1
		return e.step()
	}
	return nil
}

// charge counts n bytes of text.
func (e *evaluator) charge(n int) error { return e.items(n / 16) }

// enter counts a macro, loop or statement inside another; leave counts it back.
func (e *evaluator) enter() error {
	if e.depth++; e.depth > e.t.limits.Depth {
		return recursionError()
	}
	return nil
}

func (e *evaluator) leave() { e.depth-- }

// flow says how a list of statements ended.
type flow int

const (
	flowEnd flow = iota
	flowBreak
	flowContinue
)

func (e *evaluator) statements(list []stmt, s *scope, out *output) (flow, error) {
	for _, st := range list {
		f, err := e.statement(st, s, out)
		if err != nil {
			var known *Error
			if line := lineOf(st); errors.As(err, &known) && known.Line == 0 && line > 0 {
				known.Line = line
			}
			return flowEnd, err
		}
		if f != flowEnd {
			return f, nil
		}
	}
	return flowEnd, nil
}

func lineOf(s stmt) int {
	switch s := s.(type) {
	case *outStmt:
		return s.line
	case *ifStmt:
		return s.line
	case *forStmt:
		return s.line
	case *setStmt:
		return s.line
	case *setBlockStmt:
		return s.line
	case *withStmt:
		return s.line
	case *filterStmt:
		return s.line
	case *callStmt:
		return s.line
	case *loadStmt:
		return s.line
	}
	return 0
}

// capture runs statements and returns what they print.
func (e *evaluator) capture(list []stmt, s *scope) (string, flow, error) {
	if err := e.enter(); err != nil {
		return "", flowEnd, err
	}
	defer e.leave()
	out := &output{e: e}
	f, err := e.statements(list, s, out)
	return out.b.String(), f, err
}

func (e *evaluator) statement(st stmt, s *scope, out *output) (flow, error) {
	if err := e.step(); err != nil {
		return flowEnd, err
	}
	switch st := st.(type) {
	case *textStmt:
		return flowEnd, out.write(st.text)
	case *outStmt:
		v, err := e.eval(st.x, s)
		if err == nil {
			err = e.charge(size(v))
		}
		if err != nil {
			return flowEnd, err
		}
		t, err := str(v)
		if err != nil {
			return flowEnd, err
		}
		return flowEnd, out.write(t)
	case *ifStmt:
		for st != nil {
			v, err := e.eval(st.test, s)
			if err != nil {
				return flowEnd, err
			}
			if truth(v) {
				return e.statements(st.then, s, out)
			}
			next := (*ifStmt)(nil)
			if len(st.else_) == 1 {
				next, _ = st.else_[0].(*ifStmt)
			}
			if next == nil {
				return e.statements(st.else_, s, out)
			}
			if err := e.step(); err != nil {
				return flowEnd, err
			}
			st = next
		}
		return flowEnd, nil
	case *forStmt:
		v, err := e.eval(st.iter, s)
		if err != nil {
			return flowEnd, err
		}
		return flowEnd, e.loop(st, s, out, v, 0)
	case *setStmt:
		v, err := e.eval(st.x, s)
		if err != nil {
			return flowEnd, err
		}
		return flowEnd, e.assign(st.target, v, s)
	case *setBlockStmt:
		inner := e.newScope(s, st.frame)
		t, f, err := e.capture(st.body, inner)
		if err != nil || f != flowEnd {
			return f, err
		}
		v := Value(t)
		if st.filter != nil {
			if v, err = e.filterChain(st.filter, t, inner); err != nil {
				return flowEnd, err
			}
		}
		return flowEnd, e.assign(st.target, v, s)
	case *withStmt:
		inner := e.newScope(s, st.frame)
		for i, x := range st.values {
			v, err := e.eval(x, s)
			if err == nil {
				err = e.assign(st.targets[i], v, inner)
			}
			if err != nil {
				return flowEnd, err
			}
		}
		return e.statements(st.body, inner, out)
	case *filterStmt:
		inner := e.newScope(s, st.frame)
		t, f, err := e.capture(st.body, inner)
		if err != nil || f != flowEnd {
			return f, err
		}
		v, err := e.filterChain(st.filter, t, inner)
		if err != nil {
			return flowEnd, err
		}
		shown, err := str(v)
		if err != nil {
			return flowEnd, err
		}
		return flowEnd, out.write(shown)
	case *macroStmt:
		s.set(st.name, &macro{st, s})
	case *callStmt:
		f, err := e.eval(st.call.f, s)
		if err != nil {
			return flowEnd, err
		}
		args, err := e.arguments(st.call.args, s)
		if err != nil {
			return flowEnd, err
		}
		if _, taken := args.take("caller"); taken {
			return flowEnd, typeErrorf("got multiple values for keyword argument 'caller'")
		}
		args.kw = append(args.kw, keyword{"caller", &macro{st.body, s}})
		v, err := e.call(f, args)
		if err != nil {
			return flowEnd, err
		}
		t, err := str(v)
		if err != nil {
			return flowEnd, err
		}
		return flowEnd, out.write(t)
	case *blockStmt:
		_, err := e.statements(st.body, e.newScope(nil, st.frame), out)
		return flowEnd, err
	case *generationStmt:
		t, _, err := e.capture(st.body, e.newScope(s, st.frame))
		if err != nil {
			return flowEnd, err
		}
		return flowEnd, out.write(t)
	case *loadStmt:
		return flowEnd, typeErrorf("no loader for this environment specified")
	case breakStmt:
		return flowBreak, nil
	case continueStmt:
		return flowContinue, nil
	}
	return flowEnd, nil
}

// assign sets a target.
func (e *evaluator) assign(target expr, v Value, s *scope) error {
	switch t := target.(type) {
	case *nameExpr:
		s.set(t.name, v)
	case *nsExpr:
		ns, err := e.eval(&nameExpr{t.name}, s)
		if err != nil {
			return err
		}
		n, ok := ns.(*namespace)
		if !ok {
			return errorf("TemplateRuntimeError", "cannot assign attribute on non-namespace object")
		}
		return n.set(t.attr, v)
	case *tupleExpr:
		return e.unpack(t.items, v, s)
	}
	return nil
}

// unpack assigns the items of v to as many targets.
func (e *evaluator) unpack(targets []expr, v Value, s *scope) error {
	it, err := iterate(v)
	if err != nil {
		return typeErrorf("cannot unpack non-iterable %s object", typeName(v))
	}
	for i, t := range targets {
		x, ok, err := it()
		if err != nil {
			return err
		}
		if !ok {
			return valueErrorf("not enough values to unpack (expected %d, got %d)", len(targets), i)
		}
		if err := e.assign(t, x, s); err != nil {
			return err
		}
	}
	if _, ok, err := it(); err != nil {
		return err
	} else if ok {
		return valueErrorf("too many values to unpack (expected %d)", len(targets))
	}
	return nil
}

// eval computes an expression.
func (e *evaluator) eval(x expr, s *scope) (Value, error) {
	if err := e.step(); err != nil {
		return nil, err
	}
	switch x := x.(type) {
	case *constExpr:
		return x.v, nil
	case *nameExpr:
		v, ok := s.get(x.name)
		if !ok {
			v = e.resolve(x.name)
		}
		if v == (missing{}) {
			v = &undefined{name: x.name}
		}
		return v, nil
	case *listExpr:
		items, err := e.evalAll(x.items, s)
		l := &List{Items: items}
		size(l)
		return l, err
	case *tupleExpr:
		items, err := e.evalAll(x.items, s)
		t := &Tuple{Items: items}
		size(t)
		return t, err
	case *dictExpr:
		d := NewDict()
		for i := range x.keys {
			k, err := e.eval(x.keys[i], s)
			if err != nil {
				return nil, err
			}
			v, err := e.eval(x.values[i], s)
			if err == nil {
				err = e.charge(size(k))
			}
			if err == nil {
				err = d.set(k, v)
			}
			if err != nil {
				return nil, err
			}
		}
		size(d)
		return d, nil
	case *binaryExpr:
		return e.binary(x, s)
	case *concatExpr:
		var b strings.Builder
		for _, i := range x.items {
			v, err := e.eval(i, s)
			if err == nil {
				err = e.charge(size(v))
			}
			if err != nil {
				return nil, err
			}
			t, err := str(v)
			if err != nil {
				return nil, err
			}
			b.WriteString(t)
		}
		return b.String(), e.charge(b.Len())
	case *unaryExpr:
		v, err := e.eval(x.x, s)
		if err != nil {
			return nil, err
		}
		if x.op == "not" {
			return !truth(v), nil
		}
		return unary(x.op, v)
	case *compareExpr:
		return e.compare(x, s)
	case *condExpr:
		v, err := e.eval(x.test, s)
		if err != nil {
			return nil, err
		}
		if truth(v) {
			return e.eval(x.then, s)
		}
		if x.otherwise == nil {
			return &undefined{hint: "the inline if-expression evaluated to false and no else section was defined."}, nil
		}
		return e.eval(x.otherwise, s)
	case *attrExpr:
		v, err := e.eval(x.x, s)
		if err != nil {
			return nil, err
		}
		return getAttribute(v, x.name)
	case *itemExpr:
		v, err := e.eval(x.x, s)
		if err != nil {
			return nil, err
		}
		k, err := e.eval(x.key, s)
		if err == nil {
			err = e.charge(size(k))
		}
		if err != nil {
			return nil, err
		}
		return getItem(v, k)
	case *sliceExpr:
		var parts [4]Value
		for i, p := range []expr{x.x, x.from, x.to, x.step} {
			if p == nil {
				continue
			}
			var err error
			if parts[i], err = e.eval(p, s); err != nil {
				return nil, err
			}
		}
		return e.slice(parts[0], parts[1], parts[2], parts[3])
	case *callExpr:
		f, err := e.eval(x.f, s)
		if err != nil {
			return nil, err
		}
		args, err := e.arguments(x.args, s)
		if err != nil {
			return nil, err
		}
		return e.call(f, args)
	case *filterExpr:
		v, err := e.eval(x.x, s)
		if err != nil {
			return nil, err
		}
		return e.filter(x, v, s)
	case *testExpr:
		v, err := e.eval(x.x, s)
		if err != nil {
			return nil, err
		}
		args, err := e.arguments(x.args, s)
		if err != nil {
			return nil, err
		}
		return e.runTest(x.name, v, args)
	}
	return nil, errorf("Error", "an unknown expression")
}

func (e *evaluator) evalAll(list []expr, s *scope) ([]Value, error) {
	out := make([]Value, len(list))
	for i, x := range list {
		v, err := e.eval(x, s)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// filterChain applies the filters of a block to its text.
func (e *evaluator) filterChain(x expr, text string, s *scope) (Value, error) {
	f, ok := x.(*filterExpr)
	if !ok {
		return text, nil
	}
	v, err := e.filterChain(f.x, text, s)
	if err != nil {
		return nil, err
	}
	return e.filter(f, v, s)
}

func (e *evaluator) filter(x *filterExpr, v Value, s *scope) (Value, error) {
	args, err := e.arguments(x.args, s)
	if err != nil {
		return nil, err
	}
	return e.runFilter(x.name, v, args)
}

func (e *evaluator) binary(x *binaryExpr, s *scope) (Value, error) {
	l, err := e.eval(x.l, s)
	if err != nil {
		return nil, err
	}
	switch x.op {
	case "and":
		if !truth(l) {
			return l, nil
		}
		return e.eval(x.r, s)
	case "or":
		if truth(l) {
			return l, nil
		}
		return e.eval(x.r, s)
	}
	r, err := e.eval(x.r, s)
	if err != nil {
		return nil, err
	}
	return e.operate(x.op, l, r)
}

func (e *evaluator) compare(x *compareExpr, s *scope) (Value, error) {
	l, err := e.eval(x.first, s)
	if err != nil {
		return nil, err
	}
	for i, op := range x.ops {
		r, err := e.eval(x.rest[i], s)
		if err != nil {
			return nil, err
		}
		ok, err := e.compareOne(op, l, r)
		if err != nil || !ok {
			return false, err
		}
		l = r
	}
	return true, nil
}

func (e *evaluator) compareOne(op string, l, r Value) (bool, error) {
	if err := e.charge(size(l)); err != nil {
		return false, err
	}
	switch op {
	case "==", "!=":
		eq, err := equal(l, r)
		return eq == (op == "=="), err
	case "in", "not in":
		if err := e.charge(size(r)); err != nil {
			return false, err
		}
		in, err := e.contains(r, l)
		return in == (op == "in"), err
	}
	return ordered(op, l, r)
}

// size returns how many bytes of work it is to look at all of a value. One list may stand in another many times over, so this
// can be far more than the memory that it takes; it is remembered in lists and dicts, which do not change.
func size(v Value) int { return int(min(measure(v), math.MaxInt32)) }

func measure(v Value) int64 {
	sum := func(memo *int64, lists ...[]Value) int64 {
		if n := atomic.LoadInt64(memo); n > 0 {
			return n
		}
		n := int64(16)
		for _, l := range lists {
			for _, x := range l {
				n = min(n+measure(x), math.MaxInt32)
			}
		}
		atomic.StoreInt64(memo, n)
		return n
	}
	switch v := v.(type) {
	case string:
		return int64(len(v)) + 16
	case Markup:
		return int64(len(v)) + 16
	case *List:
		return sum(&v.work, v.Items)
	case *Tuple:
		return sum(&v.work, v.Items)
	case *Dict:
		return sum(&v.work, v.keys, v.values)
	case view:
		return measure(v.d)
	}
	return 16
}

// contains is Python's "x in c".
func (e *evaluator) contains(c, x Value) (bool, error) {
	if s, ok := text(c); ok {
		t, ok := text(x)
		if !ok {
			return false, typeErrorf("'in <string>' requires string as left operand, not %s", typeName(x))
		}
		return strings.Contains(s, t), nil
	}
	if d, ok := c.(*Dict); ok {
		_, found, err := d.get(x)
		return found, err
	}
	it, err := iterate(c)
	if err != nil {
		return false, typeErrorf("argument of type '%s' is not iterable", typeName(c))
	}
	for {
		v, ok, err := it()
		if err != nil || !ok {
			return false, err
		}
		if err := e.step(); err != nil {
			return false, err
		}
		if eq, err := equal(v, x); eq || err != nil {
			return eq, err
		}
	}
}

// operate computes l op r for the operators of arithmetic.
func (e *evaluator) operate(op string, l, r Value) (Value, error) {
	if isNumber(l) && isNumber(r) {
		if op == "**" {
			if err := e.items(2000); err != nil {
				return nil, err
			}
		}
		v, err := arithmetic(op, l, r)
		if err == nil {
			if b, ok := v.(*big.Int); ok {
				err = e.items(b.BitLen() / 64)
			}
		}
		return v, err
	}
	if u, ok := l.(*undefined); ok {
		return nil, u.err()
	}
	s, lstr := text(l)
	if op == "%" && lstr {
		if err := e.charge(size(r)); err != nil {
			return nil, err
		}
		_, marked := l.(Markup)
		v, err := e.percent(s, r, marked)
		if err != nil {
			return nil, err
		}
		if marked {
			return Markup(v), nil
		}
		return v, nil
	}
	if u, ok := r.(*undefined); ok {
		return nil, u.err()
	}
	switch op {
	case "+":
		return e.add(l, r)
	case "*":
		if n, ok := toBig(r); ok {
			if v, ok, err := e.repeat(l, n.Int64(), n.IsInt64()); ok {
				return v, err
			}
		}
		if n, ok := toBig(l); ok {
			if v, ok, err := e.repeat(r, n.Int64(), n.IsInt64()); ok {
				return v, err
			}
		}
		for _, p := range [][2]Value{{l, r}, {r, l}} {
			if _, ok := text(p[0]); !ok {
				if _, ok := items(p[0]); !ok {
					continue
				}
			}
			return nil, typeErrorf("can't multiply sequence by non-int of type '%s'", typeName(p[1]))
		}
	case "**":
		op = "** or pow()"
	}
	return nil, typeErrorf("unsupported operand type(s) for %s: '%s' and '%s'", op, typeName(l), typeName(r))
}

func (e *evaluator) add(l, r Value) (Value, error) {
	s, ok1 := text(l)
	t, ok2 := text(r)
	if ok1 && ok2 {
		_, m1 := l.(Markup)
		_, m2 := r.(Markup)
		if m1 || m2 {
			if !m1 {
				s = escapeHTML(s)
			}
			if !m2 {
				t = escapeHTML(t)
			}
			return Markup(s + t), e.charge(len(s) + len(t))
		}
		return s + t, e.charge(len(s) + len(t))
	}
	_, ltuple := l.(*Tuple)
	_, rtuple := r.(*Tuple)
	a, ok3 := items(l)
	b, ok4 := items(r)
	if ok3 && ok4 && ltuple == rtuple {
		if err := e.items(len(a) + len(b)); err != nil {
			return nil, err
		}
		sum := append(append(make([]Value, 0, len(a)+len(b)), a...), b...)
		if ltuple {
			return &Tuple{Items: sum}, nil
		}
		return &List{Items: sum}, nil
	}
	if ok1 || ok3 {
		name := typeName(l)
		if ok1 {
			name = "str"
		}
		return nil, typeErrorf("can only concatenate %s (not \"%s\") to %s", name, typeName(r), name)
	}
	return nil, typeErrorf("unsupported operand type(s) for +: '%s' and '%s'", typeName(l), typeName(r))
}

// repeat computes a sequence times n; ok is false if v is none.
func (e *evaluator) repeat(v Value, n int64, fits bool) (_ Value, ok bool, err error) {
	s, isStr := text(v)
	list, isList := items(v)
	if !isStr && !isList {
		return nil, false, nil
	}
	if !fits {
		return nil, true, errorf("OverflowError", "cannot fit 'int' into an index-sized integer")
	}
	length := int64(len(s) + len(list))
	if n <= 0 || length == 0 {
		n, length = 0, 0
	}
	if n > 0 && length > int64(e.steps)*16/n {
		return nil, true, e.items(e.steps + 1)
	}
	if isStr {
		r := strings.Repeat(s, int(n))
		if _, ok := v.(Markup); ok {
			return Markup(r), true, e.charge(len(r))
		}
		return r, true, e.charge(len(r))
	}
	if err := e.items(int(n * length)); err != nil {
		return nil, true, err
	}
	out := make([]Value, 0, int(n*length))
	for range n {
		out = append(out, list...)
	}
	if _, ok := v.(*Tuple); ok {
		return &Tuple{Items: out}, true, nil
	}
	return &List{Items: out}, true, nil
}

func unary(op string, v Value) (Value, error) {
	switch {
	case isNumber(v):
		if op == "-" {
			return negate(v), nil
		}
		if i, ok := toInt(v); ok {
			return i, nil
		}
		return v, nil
	}
	if u, ok := v.(*undefined); ok {
		return nil, u.err()
	}
	return nil, typeErrorf("bad operand type for unary %s: '%s'", op, typeName(v))
}
