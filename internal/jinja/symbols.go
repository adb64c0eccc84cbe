package jinja

import "slices"

// Jinja compiles a template to Python functions, and decides for each variable of a body before anything runs where its first
// value comes from. What a template sees of its variables depends on that, so the same is decided here:
//
//   - a name that a body reads, and that no body around it knows, comes from the variables of the template (resolve);
//   - a name that it sets, and that one around it knows, begins with the value that it has there (alias);
//   - a name that it sets, and that none around it knows, is undefined until then (missing), unless the body reads it first, or
//     sets it in some branches of an if only: then it is resolved, or an alias.
//
// So in "{% for x in y %}{{ v }}{% endfor %}{% set v = 1 %}" v is undefined, even if the template was given one.
type load int

const (
	loadParam load = iota // it is set from outside before the body runs
	loadResolve
	loadAlias
	loadMissing
)

// A frame lists the variables of a body that have a value from its beginning.
type frame struct {
	names []frameName
}

type frameName struct {
	name string
	load load
}

// symbols are the variables of a body while it is looked through.
type symbols struct {
	parent *symbols
	order  []string
	loads  map[string]load
	stores map[string]bool
}

func newSymbols(parent *symbols) *symbols {
	return &symbols{parent: parent, loads: map[string]load{}, stores: map[string]bool{}}
}

// known reports whether this body or one around it has the name.
func (s *symbols) known(name string) bool {
	for ; s != nil; s = s.parent {
		if _, ok := s.loads[name]; ok {
			return true
		}
	}
	return false
}

func (s *symbols) define(name string, l load) {
	if _, ok := s.loads[name]; !ok {
		s.order = append(s.order, name)
	}
	s.loads[name] = l
}

func (s *symbols) param(name string) {
	s.stores[name] = true
	s.define(name, loadParam)
}

func (s *symbols) read(name string) {
	if !s.known(name) {
		s.define(name, loadResolve)
	}
}

func (s *symbols) store(name string) {
	s.stores[name] = true
	if _, ok := s.loads[name]; ok {
		return
	}
	if s.parent.known(name) {
		s.define(name, loadAlias)
	} else {
		s.define(name, loadMissing)
	}
}

func (s *symbols) expr(x expr) { eachName(x, s.read) }

// target stores the names of a target, or takes them as parameters.
func (s *symbols) target(x expr, do func(name string)) {
	switch x := x.(type) {
	case *nameExpr:
		do(x.name)
	case *nsExpr:
		s.read(x.name)
	case *tupleExpr:
		for _, i := range x.items {
			s.target(i, do)
		}
	}
}

func (s *symbols) copy() *symbols {
	c := newSymbols(s.parent)
	c.order = slices.Clone(s.order)
	for n, l := range s.loads {
		c.loads[n] = l
	}
	for n := range s.stores {
		c.stores[n] = true
	}
	return c
}

// merge takes in what the branches of an if know.
func (s *symbols) merge(branches ...*symbols) {
	count := map[string]int{}
	var names []string
	for _, b := range branches {
		for _, n := range b.order {
			if b.stores[n] && !s.stores[n] {
				if count[n] == 0 {
					names = append(names, n)
				}
				count[n]++
			}
		}
	}
	for _, b := range branches {
		for _, n := range b.order {
			s.define(n, b.loads[n])
		}
		for n := range b.stores {
			s.stores[n] = true
		}
	}
	for _, n := range names {
		switch {
		case count[n] == len(branches):
		case s.parent.known(n):
			s.loads[n] = loadAlias
		default:
			s.loads[n] = loadResolve
		}
	}
}

// body looks through the statements of one body, and not into bodies inside it.
func (s *symbols) body(list []stmt) {
	for _, st := range list {
		switch st := st.(type) {
		case *outStmt:
			s.expr(st.x)
		case *ifStmt:
			s.expr(st.test)
			then, elif, otherwise := s.copy(), s.copy(), s.copy()
			then.body(st.then)
			rest := st.else_
			for i := elifOf(rest); i != nil; i = elifOf(rest) {
				inner := i.test
				elif.expr(inner)
				t, none1, none2 := elif.copy(), elif.copy(), elif.copy()
				t.body(i.then)
				elif.merge(t, none1, none2)
				rest = i.else_
			}
			otherwise.body(rest)
			s.merge(then, elif, otherwise)
		case *forStmt:
			s.expr(st.iter)
		case *setStmt:
			s.expr(st.x)
			s.target(st.target, s.store)
		case *setBlockStmt:
			s.target(st.target, s.store)
		case *withStmt:
			for _, x := range st.values {
				s.expr(x)
			}
		case *filterStmt:
			s.expr(st.filter)
		case *macroStmt:
			s.store(st.name)
		case *callStmt:
			s.expr(st.call)
		}
	}
}

// elifOf returns the condition that follows as elif, nil if there is none.
func elifOf(otherwise []stmt) *ifStmt {
	if len(otherwise) == 1 {
		if i, ok := otherwise[0].(*ifStmt); ok && i.elif {
			return i
		}
	}
	return nil
}

func (s *symbols) frame() *frame {
	f := &frame{}
	for _, n := range s.order {
		if l := s.loads[n]; l != loadParam {
			f.names = append(f.names, frameName{n, l})
		}
	}
	return f
}

// analyze decides about the variables of a template and of all bodies in it, and returns the frame of the outermost.
func analyze(list []stmt) *frame {
	s := newSymbols(nil)
	s.body(list)
	s.inner(list)
	return s.frame()
}

// inner decides about the bodies inside.
func (s *symbols) inner(list []stmt) {
	// scope makes the frame of a body with what prepare puts into it first.
	scope := func(parent *symbols, body []stmt, prepare func(in *symbols)) *frame {
		in := newSymbols(parent)
		prepare(in)
		in.body(body)
		in.inner(body)
		return in.frame()
	}
	nothing := func(*symbols) {}
	macro := func(m *macroStmt) {
		m.frame = scope(s, m.body, func(in *symbols) {
			for _, p := range m.params {
				in.param(p)
			}
			for _, d := range m.defaults {
				in.expr(d)
			}
			for _, special := range []struct {
				name string
				used bool
			}{{"caller", m.caller}, {"kwargs", m.kwargs}, {"varargs", m.varargs}} {
				if special.used {
					in.param(special.name)
				}
			}
		})
	}
	for _, st := range list {
		switch st := st.(type) {
		case *ifStmt:
			s.inner(st.then)
			s.inner(st.else_)
		case *forStmt:
			st.frame = scope(s, st.body, func(in *symbols) {
				in.param("loop")
				in.target(st.target, in.param)
			})
			st.testFrame = scope(s, nil, func(in *symbols) {
				in.target(st.target, in.param)
				in.expr(st.test)
			})
			st.elseFrame = scope(s, st.else_, nothing)
		case *setBlockStmt:
			st.frame = scope(s, st.body, nothing)
		case *withStmt:
			st.frame = scope(s, st.body, func(in *symbols) {
				for _, t := range st.targets {
					in.target(t, in.store)
				}
			})
		case *filterStmt:
			st.frame = scope(s, st.body, func(in *symbols) { in.expr(st.filter) })
		case *macroStmt:
			macro(st)
		case *callStmt:
			macro(st.body)
		case *generationStmt:
			st.frame = scope(s, st.body, nothing)
		case *blockStmt:
			st.frame = scope(nil, st.body, nothing)
		}
	}
}
