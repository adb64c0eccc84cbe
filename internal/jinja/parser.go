package jinja

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Template is a parsed template. It is immutable and safe for concurrent use.
type Template struct {
	body   []stmt
	frame  *frame
	blocks map[string]*blockStmt
	limits Limits
}

// Parse parses a template. An error is a [SyntaxError].
func Parse(source string, limits Limits) (*Template, error) {
	limits = limits.filled()
	if len(source) > limits.Source {
		return nil, &SyntaxError{1, fmt.Sprintf("the template has %d bytes, more than the limit of %d", len(source), limits.Source)}
	}
	if !utf8.ValidString(source) {
		whole := strings.ToValidUTF8(source, "\x00") // as long as source up to the first bytes that are wrong
		at := 0
		for whole[at] == source[at] {
			at++
		}
		return nil, &SyntaxError{1 + strings.Count(source[:at], "\n"), "the template is not valid UTF-8"}
	}
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, limits: limits, blocks: map[string]*blockStmt{}}
	body, err := p.statements(nil)
	if err != nil {
		return nil, err
	}
	return &Template{body: body, frame: analyze(body), blocks: p.blocks, limits: limits}, nil
}

// parser is a recursive descent over the tokens, a method for each rule of the grammar.
type parser struct {
	tokens []token
	limits Limits
	blocks map[string]*blockStmt
	open   []string // tags that end the blocks which are open
	depth  int
	loops  int // loops around, which break and continue can leave
	// soft says that an if is around, within the scope: a filter or test that does not exist is an error when it is used
	// there, elsewhere it is one of the template. unknown is the first such error in the statement that is being read.
	soft    bool
	unknown error
}

func (p *parser) cur() token { return p.tokens[0] }

func (p *parser) look() token {
	if len(p.tokens) > 1 {
		return p.tokens[1]
	}
	return p.tokens[0]
}

func (p *parser) next() token {
	t := p.tokens[0]
	if len(p.tokens) > 1 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) isOp(op string) bool     { return p.cur().kind == tokOp && p.cur().text == op }
func (p *parser) isName(name string) bool { return p.cur().kind == tokName && p.cur().text == name }

func (p *parser) skipOp(op string) bool {
	if p.isOp(op) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.isName(name) {
		p.next()
		return true
	}
	return false
}

func (p *parser) errorf(format string, args ...any) error {
	return &SyntaxError{p.cur().line, fmt.Sprintf(format, args...)}
}

func (p *parser) expected(what string) error {
	if p.cur().kind == tokEOF {
		return p.errorf("unexpected end of template, expected '%s'.", what)
	}
	return p.errorf("expected token '%s', got %s", what, reprString(p.cur().describe()))
}

func (p *parser) expectOp(op string) error {
	if !p.skipOp(op) {
		return p.expected(op)
	}
	return nil
}

func (p *parser) expectName(name string) error {
	if !p.skipName(name) {
		return p.expected(name)
	}
	return nil
}

// identifier reads any name.
func (p *parser) identifier() (string, error) {
	if p.cur().kind != tokName {
		return "", p.expected("name")
	}
	return p.next().text, nil
}

func (p *parser) expectBlockEnd() error {
	if p.cur().kind != tokBlockEnd {
		return p.expected("end of statement block")
	}
	p.next()
	return nil
}

// deeper counts the nesting of what is being parsed; the caller counts it back.
func (p *parser) deeper() error {
	p.depth++
	if p.depth > p.limits.Depth {
		return p.errorf("nested more than %d deep", p.limits.Depth)
	}
	return nil
}

// statements reads up to one of the tags, at whose name it stops, or to the end of the template if there are none.
func (p *parser) statements(tags []string) ([]stmt, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var out []stmt
	for {
		switch t := p.next(); t.kind {
		case tokEOF:
			if tags == nil {
				return out, nil
			}
			return nil, p.errorf("Unexpected end of template. Jinja was looking for the following tags: %s. "+
				"The innermost block that needs to be closed is '%s'.", quoted(tags), p.open[len(p.open)-1])
		case tokData:
			out = append(out, &textStmt{t.text})
		case tokVarBegin:
			x, err := p.tuple(true, nil, false)
			if err != nil {
				return nil, err
			}
			if p.cur().kind != tokVarEnd {
				return nil, p.expected("end of print statement")
			}
			p.next()
			if err := p.settle(); err != nil {
				return nil, err
			}
			out = append(out, &outStmt{t.line, x})
		case tokBlockBegin:
			if p.cur().kind != tokName {
				return nil, p.errorf("tag name expected")
			}
			if slices.Contains(tags, p.cur().text) {
				return out, nil
			}
			s, err := p.statement(t.line, tags)
			if err != nil {
				return nil, err
			}
			if err := p.expectBlockEnd(); err != nil {
				return nil, err
			}
			if err := p.settle(); err != nil {
				return nil, err
			}
			out = append(out, s)
		}
	}
}

// settle returns the error about an unknown filter or test in what was read, unless it is soft.
func (p *parser) settle() error {
	err := p.unknown
	p.unknown = nil
	if p.soft {
		return nil
	}
	return err
}

func quoted(tags []string) string {
	q := make([]string, len(tags))
	for i, t := range tags {
		q[i] = "'" + t + "'"
	}
	return strings.Join(q, " or ")
}

// statement reads a tag with all that belongs to it, up to the end of its last tag.
func (p *parser) statement(line int, outer []string) (stmt, error) {
	name := p.next().text
	p.open = append(p.open, name)
	defer func() { p.open = p.open[:len(p.open)-1] }()
	switch name {
	case "for":
		return p.forTag(line)
	case "if":
		return p.ifTag(line)
	case "set":
		return p.setTag(line)
	case "with":
		return p.withTag(line)
	case "macro":
		return p.macroTag(line)
	case "call":
		return p.callTag(line)
	case "filter":
		filter, err := p.filters(nil, true)
		if err != nil {
			return nil, err
		}
		body, err := p.scope("endfilter")
		return &filterStmt{line: line, filter: filter, body: body}, err
	case "generation":
		loops := p.loops
		p.loops = 0
		body, err := p.scope("endgeneration")
		p.loops = loops
		return &generationStmt{line: line, body: body}, err
	case "block":
		return p.blockTag(line)
	case "print":
		var items []expr
		for p.cur().kind != tokBlockEnd {
			if len(items) > 0 {
				if err := p.expectOp(","); err != nil {
					return nil, err
				}
			}
			x, err := p.expression()
			if err != nil {
				return nil, err
			}
			items = append(items, x)
		}
		return &outStmt{line, &concatExpr{items}}, nil
	case "include", "import", "from", "extends":
		for p.cur().kind != tokBlockEnd {
			if p.cur().kind == tokEOF {
				return nil, p.expected("end of statement block")
			}
			p.next()
		}
		return &loadStmt{line}, nil
	case "break", "continue":
		if p.loops == 0 {
			return nil, &SyntaxError{line, "'" + name + "' outside loop"}
		}
		if name == "break" {
			return breakStmt{}, nil
		}
		return continueStmt{}, nil
	}
	msg := fmt.Sprintf("Encountered unknown tag '%s'.", name)
	if len(p.open) > 1 {
		msg += fmt.Sprintf(" Jinja was looking for the following tags: %s. The innermost block that needs to be closed is '%s'.",
			quoted(outer), p.open[len(p.open)-2])
	}
	return nil, &SyntaxError{line, msg}
}

// body reads what is between two tags, and the name of the one that ends it.
func (p *parser) body(tags ...string) ([]stmt, string, error) {
	if err := p.expectBlockEnd(); err != nil {
		return nil, "", err
	}
	b, err := p.statements(tags)
	if err != nil {
		return nil, "", err
	}
	return b, p.next().text, nil
}

// scope reads a body with variables of its own.
func (p *parser) scope(tag string) ([]stmt, error) {
	if err := p.settle(); err != nil {
		return nil, err
	}
	soft := p.soft
	p.soft = false
	b, _, err := p.body(tag)
	p.soft = soft
	return b, err
}

func (p *parser) forTag(line int) (stmt, error) {
	f := &forStmt{line: line}
	var err error
	if f.target, err = p.target([]string{"in"}, false); err != nil {
		return nil, err
	}
	if bindsName(f.target, "loop") {
		return nil, &SyntaxError{line, "Can't assign to special loop variable in for-loop target"}
	}
	if err = p.expectName("in"); err != nil {
		return nil, err
	}
	if f.iter, err = p.tuple(false, []string{"recursive"}, false); err != nil {
		return nil, err
	}
	if p.skipName("if") {
		if f.test, err = p.expression(); err != nil {
			return nil, err
		}
	}
	f.recursive = p.skipName("recursive")
	if err = p.settle(); err != nil {
		return nil, err
	}
	soft := p.soft
	p.soft = false
	defer func() { p.soft = soft }()
	p.loops++
	var end string
	f.body, end, err = p.body("endfor", "else")
	p.loops--
	if err == nil && end == "else" {
		f.else_, _, err = p.body("endfor")
	}
	return f, err
}

// bindsName reports whether a target sets a name.
func bindsName(target expr, name string) bool {
	switch t := target.(type) {
	case *nameExpr:
		return t.name == name
	case *tupleExpr:
		return slices.ContainsFunc(t.items, func(x expr) bool { return bindsName(x, name) })
	}
	return false
}

func (p *parser) ifTag(line int) (stmt, error) {
	soft := p.soft
	p.soft = true
	defer func() { p.soft = soft }()
	first := &ifStmt{line: line}
	for s := first; ; {
		var err error
		var end string
		if s.test, err = p.tuple(false, nil, false); err != nil {
			return nil, err
		}
		if s.then, end, err = p.body("elif", "else", "endif"); err != nil {
			return nil, err
		}
		switch end {
		case "elif":
			inner := &ifStmt{line: p.cur().line, elif: true}
			s.else_ = []stmt{inner}
			s = inner
		case "else":
			s.else_, _, err = p.body("endif")
			return first, err
		default:
			return first, nil
		}
	}
}

func (p *parser) setTag(line int) (stmt, error) {
	target, err := p.target(nil, true)
	if err != nil {
		return nil, err
	}
	if p.skipOp("=") {
		x, err := p.tuple(true, nil, false)
		return &setStmt{line, target, x}, err
	}
	s := &setBlockStmt{line: line, target: target}
	if s.filter, err = p.filters(nil, false); err != nil {
		return nil, err
	}
	s.body, err = p.scope("endset")
	return s, err
}

func (p *parser) withTag(line int) (stmt, error) {
	w := &withStmt{line: line}
	for p.cur().kind != tokBlockEnd {
		if len(w.targets) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		target, err := p.target(nil, false)
		if err != nil {
			return nil, err
		}
		if err := p.expectOp("="); err != nil {
			return nil, err
		}
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		w.targets, w.values = append(w.targets, target), append(w.values, x)
	}
	var err error
	w.body, err = p.scope("endwith")
	return w, err
}

func (p *parser) macroTag(line int) (stmt, error) {
	m := &macroStmt{line: line}
	var err error
	if m.name, err = p.identifier(); err != nil {
		return nil, err
	}
	if reserved[m.name] {
		return nil, p.errorf("can't assign to '%s'", m.name)
	}
	if err = p.signature(m); err != nil {
		return nil, err
	}
	return m, p.macroBody(m, "endmacro")
}

func (p *parser) callTag(line int) (stmt, error) {
	m := &macroStmt{line: line}
	if p.isOp("(") {
		if err := p.signature(m); err != nil {
			return nil, err
		}
	}
	x, err := p.expression()
	if err != nil {
		return nil, err
	}
	call, ok := x.(*callExpr)
	if !ok {
		return nil, &SyntaxError{line, "expected call"}
	}
	return &callStmt{line, call, m}, p.macroBody(m, "endcall")
}

func (p *parser) macroBody(m *macroStmt, end string) error {
	loops := p.loops
	p.loops = 0
	var err error
	m.body, err = p.scope(end)
	p.loops = loops
	for _, special := range []struct {
		name string
		used *bool
	}{{"caller", &m.caller}, {"kwargs", &m.kwargs}, {"varargs", &m.varargs}} {
		u := usage{name: special.name}
		u.statements(m.body)
		*special.used = u.read && !slices.Contains(m.params, special.name)
	}
	for i, name := range m.params {
		if name == "caller" && err == nil && i < len(m.params)-len(m.defaults) {
			return &SyntaxError{m.line, `When defining macros or call blocks the special "caller" argument must be omitted or ` +
				`be given a default.`}
		}
	}
	return err
}

// signature reads the parameters of a macro.
func (p *parser) signature(m *macroStmt) error {
	if err := p.expectOp("("); err != nil {
		return err
	}
	for !p.isOp(")") {
		if len(m.params) > 0 {
			if err := p.expectOp(","); err != nil {
				return err
			}
		}
		name, err := p.identifier()
		if err != nil {
			return err
		}
		if reserved[name] {
			return p.errorf("can't assign to '%s'", name)
		}
		m.params = append(m.params, name)
		if p.skipOp("=") {
			x, err := p.expression()
			if err != nil {
				return err
			}
			m.defaults = append(m.defaults, x)
		} else if len(m.defaults) > 0 {
			return p.errorf("non-default argument follows default argument")
		}
	}
	p.next()
	return nil
}

func (p *parser) blockTag(line int) (stmt, error) {
	b := &blockStmt{line: line}
	var err error
	if b.name, err = p.identifier(); err != nil {
		return nil, err
	}
	if p.blocks[b.name] != nil {
		return nil, &SyntaxError{line, fmt.Sprintf("block '%s' defined twice", b.name)}
	}
	p.blocks[b.name] = b
	p.skipName("scoped")
	p.skipName("required")
	loops := p.loops
	p.loops = 0
	b.body, err = p.scope("endblock")
	p.loops = loops
	if p.isName(b.name) {
		p.next()
	}
	return b, err
}

// reserved names are constants, which cannot be set.
var reserved = map[string]bool{"true": true, "false": true, "none": true, "True": true, "False": true, "None": true}

// target reads what a tag assigns to: a name, several with commas, or, in set, an attribute of a namespace.
func (p *parser) target(end []string, namespaces bool) (expr, error) {
	line := p.cur().line
	x, err := p.tupleOf(func() (expr, error) {
		if namespaces && p.cur().kind == tokName && p.look().kind == tokOp && p.look().text == "." {
			name := p.next().text
			p.next()
			attr, err := p.identifier()
			return &nsExpr{name, attr}, err
		}
		return p.primary()
	}, end, false)
	if err != nil {
		return nil, err
	}
	if name := unassignable(x); name != "" {
		return nil, &SyntaxError{line, fmt.Sprintf("can't assign to '%s'", name)}
	}
	return x, nil
}

// unassignable names the kind of expression that cannot be a target.
func unassignable(x expr) string {
	switch x := x.(type) {
	case *nameExpr, *nsExpr:
		return ""
	case *tupleExpr:
		for _, i := range x.items {
			if n := unassignable(i); n != "" {
				return n
			}
		}
		return ""
	case *constExpr:
		return "const"
	case *listExpr:
		return "list"
	case *dictExpr:
		return "dict"
	}
	return "expression"
}

// tuple reads an expression, or several with commas. If cond is not set, an if after it is not part of it.
func (p *parser) tuple(cond bool, end []string, parentheses bool) (expr, error) {
	if cond {
		return p.tupleOf(p.expression, end, parentheses)
	}
	return p.tupleOf(p.or, end, parentheses)
}

func (p *parser) tupleOf(item func() (expr, error), end []string, parentheses bool) (expr, error) {
	var items []expr
	isTuple := false
	for {
		if len(items) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		t := p.cur()
		if t.kind == tokVarEnd || t.kind == tokBlockEnd || p.isOp(")") || t.kind == tokName && slices.Contains(end, t.text) {
			break
		}
		x, err := item()
		if err != nil {
			return nil, err
		}
		items = append(items, x)
		if !p.isOp(",") {
			break
		}
		isTuple = true
	}
	if isTuple || len(items) == 0 && parentheses {
		return &tupleExpr{items}, nil
	}
	if len(items) == 0 {
		return nil, p.errorf("Expected an expression, got %s", reprString(p.cur().describe()))
	}
	return items[0], nil
}

// expression reads "a if b else c" and all that binds tighter.
func (p *parser) expression() (expr, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	unknown := p.unknown
	x, err := p.or()
	for err == nil && p.skipName("if") {
		c := &condExpr{then: x}
		if c.test, err = p.or(); err == nil && p.skipName("else") {
			c.otherwise, err = p.expression()
		}
		x = c
		p.unknown = unknown // the parts of a condition are soft
	}
	return x, err
}

// binary reads operands with operators of one level between them.
func (p *parser) binary(operand func() (expr, error), ops ...string) (expr, error) {
	x, err := operand()
	for n := 0; err == nil && p.cur().kind == tokOp && slices.Contains(ops, p.cur().text); n++ {
		if n == 0 {
			defer func(d int) { p.depth = d }(p.depth)
		}
		if err = p.deeper(); err != nil { // a tree that leans to the left is as deep as it is long
			break
		}
		op := p.next().text
		var r expr
		r, err = operand()
		x = &binaryExpr{op, x, r}
	}
	return x, err
}

func (p *parser) or() (expr, error)  { return p.words("or", p.and) }
func (p *parser) and() (expr, error) { return p.words("and", p.not) }

// words reads operands with or, or and, between them. They lean to the right, so that their depth is bounded.
func (p *parser) words(op string, operand func() (expr, error)) (expr, error) {
	x, err := operand()
	if err != nil || !p.isName(op) {
		return x, err
	}
	depth := p.depth
	defer func() { p.depth = depth }()
	for err == nil && p.skipName(op) {
		if err = p.deeper(); err != nil {
			break
		}
		var r expr
		r, err = operand()
		x = &binaryExpr{op, x, r}
	}
	return x, err
}

func (p *parser) not() (expr, error) {
	if !p.isName("not") {
		return p.compare()
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	p.next()
	x, err := p.not()
	return &unaryExpr{"not", x}, err
}

func (p *parser) compare() (expr, error) {
	first, err := p.sum()
	if err != nil {
		return nil, err
	}
	c := &compareExpr{first: first}
	for {
		op := ""
		switch t := p.cur(); {
		case t.kind == tokOp && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text):
			op = t.text
			p.next()
		case p.isName("in"):
			op = "in"
			p.next()
		case p.isName("not") && p.look().kind == tokName && p.look().text == "in":
			op = "not in"
			p.next()
			p.next()
		}
		if op == "" {
			break
		}
		x, err := p.sum()
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, x)
	}
	if len(c.ops) == 0 {
		return first, nil
	}
	return c, nil
}

func (p *parser) sum() (expr, error) { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() (expr, error) {
	x, err := p.product()
	if err != nil || !p.isOp("~") {
		return x, err
	}
	items := []expr{x}
	for p.skipOp("~") {
		if x, err = p.product(); err != nil {
			return nil, err
		}
		items = append(items, x)
	}
	return &concatExpr{items}, nil
}

func (p *parser) product() (expr, error) { return p.binary(p.power, "*", "/", "//", "%") }

// power leans to the left, and -2 ** 2 is 4: both differ from Python.
func (p *parser) power() (expr, error) {
	return p.binary(func() (expr, error) { return p.unary(true) }, "**")
}

func (p *parser) unary(withFilter bool) (expr, error) {
	var x expr
	var err error
	if p.isOp("-") || p.isOp("+") {
		if err := p.deeper(); err != nil {
			return nil, err
		}
		op := p.next().text
		x, err = p.unary(false)
		p.depth--
		x = &unaryExpr{op, x}
	} else {
		x, err = p.primary()
	}
	if err != nil {
		return nil, err
	}
	if x, err = p.postfix(x); err == nil && withFilter {
		x, err = p.filterOrTest(x)
	}
	return x, err
}

func (p *parser) primary() (expr, error) {
	t := p.cur()
	switch {
	case t.kind == tokName:
		p.next()
		switch t.text {
		case "true", "True":
			return &constExpr{true}, nil
		case "false", "False":
			return &constExpr{false}, nil
		case "none", "None":
			return &constExpr{nil}, nil
		}
		return &nameExpr{t.text}, nil
	case t.kind == tokString:
		s := p.next().text
		if p.cur().kind == tokString {
			parts := []string{s}
			for p.cur().kind == tokString {
				parts = append(parts, p.next().text)
			}
			s = strings.Join(parts, "")
		}
		return &constExpr{s}, nil
	case t.kind == tokInt || t.kind == tokFloat:
		return &constExpr{p.next().value}, nil
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	switch {
	case p.skipOp("("):
		x, err := p.tuple(true, nil, true)
		if err != nil {
			return nil, err
		}
		return x, p.expectOp(")")
	case p.skipOp("["):
		l := &listExpr{}
		for !p.isOp("]") {
			if len(l.items) > 0 {
				if err := p.expectOp(","); err != nil {
					return nil, err
				}
			}
			if p.isOp("]") {
				break
			}
			x, err := p.expression()
			if err != nil {
				return nil, err
			}
			l.items = append(l.items, x)
		}
		p.next()
		return l, nil
	case p.skipOp("{"):
		d := &dictExpr{}
		for !p.isOp("}") {
			if len(d.keys) > 0 {
				if err := p.expectOp(","); err != nil {
					return nil, err
				}
			}
			if p.isOp("}") {
				break
			}
			k, err := p.expression()
			if err == nil {
				err = p.expectOp(":")
			}
			if err != nil {
				return nil, err
			}
			v, err := p.expression()
			if err != nil {
				return nil, err
			}
			d.keys, d.values = append(d.keys, k), append(d.values, v)
		}
		p.next()
		return d, nil
	}
	if t.kind == tokEOF {
		return nil, p.errorf("unexpected end of template")
	}
	return nil, p.errorf("unexpected %s", reprString(t.describe()))
}

// postfix reads attributes, subscripts and calls.
func (p *parser) postfix(x expr) (expr, error) {
	return p.chain(x, func(x expr) (expr, error) {
		switch {
		case p.isOp("."), p.isOp("["):
			return p.subscript(x)
		case p.isOp("("):
			return p.call(x)
		}
		return nil, nil
	})
}

// filterOrTest reads filters, tests, and calls of their results.
func (p *parser) filterOrTest(x expr) (expr, error) {
	return p.chain(x, func(x expr) (expr, error) {
		switch {
		case p.isOp("|"):
			return p.filters(x, false)
		case p.isName("is"):
			return p.test(x)
		case p.isOp("("):
			return p.call(x)
		}
		return nil, nil
	})
}

// chain reads what may follow x, again and again. link reads one such thing, and returns nil if there is none. The result is as
// deep as the chain is long.
func (p *parser) chain(x expr, link func(expr) (expr, error)) (expr, error) {
	depth := p.depth
	defer func() { p.depth = depth }()
	for {
		next, err := link(x)
		if err != nil || next == nil {
			return x, err
		}
		x = next
		if err := p.deeper(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) subscript(x expr) (expr, error) {
	if p.skipOp(".") {
		switch t := p.cur(); t.kind {
		case tokName:
			p.next()
			return &attrExpr{x, t.text}, nil
		case tokInt:
			p.next()
			return &itemExpr{x, &constExpr{t.value}}, nil
		}
		return nil, p.errorf("expected name or number")
	}
	p.next()
	var args []expr
	for !p.isOp("]") {
		if len(args) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		a, err := p.subscribed(x)
		if err != nil {
			return nil, err
		}
		args = append(args, a)
	}
	p.next()
	if len(args) == 1 {
		if s, ok := args[0].(*sliceExpr); ok {
			return s, nil
		}
		return &itemExpr{x, args[0]}, nil
	}
	return &itemExpr{x, &tupleExpr{args}}, nil
}

// subscribed reads one subscript, maybe a slice of x.
func (p *parser) subscribed(x expr) (expr, error) {
	s := &sliceExpr{x: x}
	var err error
	if !p.isOp(":") {
		var from expr
		if from, err = p.expression(); err != nil {
			return nil, err
		}
		if !p.isOp(":") {
			return from, nil
		}
		s.from = from
	}
	p.next()
	at := func() bool { return !p.isOp(":") && !p.isOp("]") && !p.isOp(",") }
	if at() {
		if s.to, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if p.skipOp(":") && at() {
		s.step, err = p.expression()
	}
	return s, err
}

func (p *parser) call(f expr) (expr, error) {
	args, err := p.arguments()
	return &callExpr{f, args}, err
}

func (p *parser) arguments() (callArgs, error) {
	var a callArgs
	if err := p.expectOp("("); err != nil {
		return a, err
	}
	invalid := func(bad bool) error {
		if bad {
			return p.errorf("invalid syntax for function call expression")
		}
		return nil
	}
	for first := true; !p.isOp(")"); first = false {
		if !first {
			if err := p.expectOp(","); err != nil {
				return a, err
			}
			if p.isOp(")") {
				break
			}
		}
		var err error
		switch {
		case p.isOp("*"):
			if err = invalid(a.star != nil || a.starstar != nil); err == nil {
				p.next()
				a.star, err = p.expression()
			}
		case p.isOp("**"):
			if err = invalid(a.starstar != nil); err == nil {
				p.next()
				a.starstar, err = p.expression()
			}
		case p.cur().kind == tokName && p.look().kind == tokOp && p.look().text == "=":
			if err = invalid(a.starstar != nil); err == nil {
				name := p.next().text
				if slices.Contains(a.names, name) {
					return a, p.errorf("keyword argument repeated: %s", name)
				}
				a.names = append(a.names, name)
				p.next()
				var x expr
				x, err = p.expression()
				a.values = append(a.values, x)
			}
		default:
			if err = invalid(a.star != nil || a.starstar != nil || len(a.names) > 0); err == nil {
				var x expr
				x, err = p.expression()
				a.pos = append(a.pos, x)
			}
		}
		if err != nil {
			return a, err
		}
	}
	p.next()
	return a, nil
}

// dotted reads the name of a filter or a test.
func (p *parser) dotted() (string, error) {
	name, err := p.identifier()
	for err == nil && p.skipOp(".") {
		var part string
		part, err = p.identifier()
		name += "." + part
	}
	return name, err
}

// filters reads a chain of filters on x. If inline is set, the first | is left out.
func (p *parser) filters(x expr, inline bool) (expr, error) {
	depth := p.depth
	defer func() { p.depth = depth }()
	for inline || p.isOp("|") {
		if !inline {
			p.next()
		}
		inline = false
		line := p.cur().line
		name, err := p.dotted()
		if err != nil {
			return nil, err
		}
		f := &filterExpr{x: x, name: name}
		if p.isOp("(") {
			if f.args, err = p.arguments(); err != nil {
				return nil, err
			}
		}
		if filters[name] == nil && p.unknown == nil {
			p.unknown = &SyntaxError{line, fmt.Sprintf("No filter named '%s'.", name)}
		}
		if err := p.deeper(); err != nil {
			return nil, err
		}
		x = f
	}
	return x, nil
}

func (p *parser) test(x expr) (expr, error) {
	line := p.next().line
	negated := p.skipName("not")
	name, err := p.dotted()
	if err != nil {
		return nil, err
	}
	t := &testExpr{x: x, name: name}
	switch c := p.cur(); {
	case p.isOp("("):
		t.args, err = p.arguments()
	case p.isName("is"):
		return nil, p.errorf("You cannot chain multiple tests with is")
	case c.kind == tokName && c.text != "else" && c.text != "or" && c.text != "and",
		c.kind == tokString, c.kind == tokInt, c.kind == tokFloat, p.isOp("["), p.isOp("{"):
		var arg expr
		if arg, err = p.primary(); err == nil {
			arg, err = p.postfix(arg)
		}
		t.args.pos = []expr{arg}
	}
	if err != nil {
		return nil, err
	}
	if tests[name] == nil && p.unknown == nil {
		p.unknown = &SyntaxError{line, fmt.Sprintf("No test named '%s'.", name)}
	}
	if negated {
		return &unaryExpr{"not", t}, nil
	}
	return t, nil
}
