package jinja

// usage finds out whether statements read a variable that they have not set themselves. A macro takes the special arguments
// caller, kwargs and varargs only if its body does.
type usage struct {
	name string
	read bool
	set  bool
}

func (u *usage) statements(list []stmt) {
	for _, s := range list {
		u.statement(s)
	}
}

func (u *usage) statement(s stmt) {
	switch s := s.(type) {
	case *outStmt:
		u.expr(s.x)
	case *ifStmt:
		u.expr(s.test)
		u.statements(s.then)
		u.statements(s.else_)
	case *forStmt:
		u.expr(s.iter)
		u.target(s.target)
		u.expr(s.test)
		u.statements(s.body)
		u.statements(s.else_)
	case *setStmt:
		u.expr(s.x)
		u.target(s.target)
	case *setBlockStmt:
		u.expr(s.filter)
		u.target(s.target)
		u.statements(s.body)
	case *withStmt:
		for i := range s.values {
			u.expr(s.values[i])
			u.target(s.targets[i])
		}
		u.statements(s.body)
	case *filterStmt:
		u.expr(s.filter)
		u.statements(s.body)
	case *macroStmt:
		u.macro(s)
	case *callStmt:
		u.expr(s.call)
		u.macro(s.body)
	case *generationStmt:
		u.statements(s.body)
	}
}

func (u *usage) macro(m *macroStmt) {
	for _, p := range m.params {
		u.set = u.set || p == u.name
	}
	for _, d := range m.defaults {
		u.expr(d)
	}
	u.statements(m.body)
}

func (u *usage) target(x expr) { u.set = u.set || bindsName(x, u.name) }

func (u *usage) expr(x expr) {
	eachName(x, func(name string) { u.read = u.read || name == u.name && !u.set })
}

// eachName calls f with the name of each variable that an expression reads, in order. An expression may be nil.
func eachName(x expr, f func(name string)) {
	all := func(lists ...[]expr) {
		for _, l := range lists {
			for _, x := range l {
				eachName(x, f)
			}
		}
	}
	args := func(a callArgs) { all(a.pos, a.values, []expr{a.star, a.starstar}) }
	switch x := x.(type) {
	case *nameExpr:
		f(x.name)
	case *nsExpr:
		f(x.name)
	case *listExpr:
		all(x.items)
	case *tupleExpr:
		all(x.items)
	case *dictExpr:
		all(x.keys, x.values)
	case *binaryExpr:
		all([]expr{x.l, x.r})
	case *concatExpr:
		all(x.items)
	case *unaryExpr:
		eachName(x.x, f)
	case *compareExpr:
		eachName(x.first, f)
		all(x.rest)
	case *condExpr:
		all([]expr{x.test, x.then, x.otherwise})
	case *attrExpr:
		eachName(x.x, f)
	case *itemExpr:
		all([]expr{x.x, x.key})
	case *sliceExpr:
		all([]expr{x.x, x.from, x.to, x.step})
	case *callExpr:
		eachName(x.f, f)
		args(x.args)
	case *filterExpr:
		eachName(x.x, f)
		args(x.args)
	case *testExpr:
		eachName(x.x, f)
		args(x.args)
	}
}
