package jinja

import (
	"html"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A filter computes x|name(args); v holds x and the arguments in the order of params, or unset. If variadic is set the
// arguments are taken as they come.
type filter struct {
	params   []string // after x
	required int
	call     func(e *evaluator, v []Value) (Value, error)
	variadic func(e *evaluator, x Value, a arguments) (Value, error)
}

// textFilter makes a filter of a function of text; it keeps what is marked as safe marked.
func textFilter(f func(s string) string) *filter {
	return &filter{call: func(_ *evaluator, v []Value) (Value, error) {
		s, err := str(v[0])
		if err != nil {
			return nil, err
		}
		t := f(s)
		if _, ok := v[0].(Markup); ok {
			return Markup(t), nil
		}
		return t, nil
	}}
}

var filters map[string]*filter

func init() {
	filters = map[string]*filter{
		"abs":            {call: absFilter},
		"attr":           {params: []string{"name"}, required: 1, call: attrFilter},
		"batch":          {params: []string{"linecount", "fill_with"}, required: 1, call: batchFilter},
		"capitalize":     textFilter(capitalize),
		"center":         {params: []string{"width"}, call: centerFilter},
		"default":        {params: []string{"default_value", "boolean"}, call: defaultFilter},
		"dictsort":       {params: []string{"case_sensitive", "by", "reverse"}, call: dictsortFilter},
		"escape":         {call: escapeFilter},
		"filesizeformat": {params: []string{"binary"}, call: fileSizeFilter},
		"first":          {call: firstFilter},
		"float":          {params: []string{"default"}, call: floatFilter},
		"forceescape":    {call: forceEscapeFilter},
		"format":         {variadic: formatFilter},
		"groupby":        {params: []string{"attribute", "default", "case_sensitive"}, required: 1, call: groupbyFilter},
		"indent":         {params: []string{"width", "first", "blank"}, call: indentFilter},
		"int":            {params: []string{"default", "base"}, call: intFilter},
		"items":          {call: itemsFilter},
		"join":           {params: []string{"d", "attribute"}, call: joinFilter},
		"last":           {call: lastFilter},
		"length":         {call: lengthFilter},
		"list":           {call: listFilter},
		"lower":          textFilter(toLower),
		"map":            {variadic: mapFilter},
		"max":            {params: []string{"case_sensitive", "attribute"}, call: extremeFilter(">")},
		"min":            {params: []string{"case_sensitive", "attribute"}, call: extremeFilter("<")},
		"reject":         {variadic: selectFilter(false, false)},
		"rejectattr":     {variadic: selectFilter(false, true)},
		"replace":        {params: []string{"old", "new", "count"}, required: 2, call: replaceFilter},
		"reverse":        {call: reverseFilter},
		"round":          {params: []string{"precision", "method"}, call: roundFilter},
		"safe":           {call: safeFilter},
		"select":         {variadic: selectFilter(true, false)},
		"selectattr":     {variadic: selectFilter(true, true)},
		"slice":          {params: []string{"slices", "fill_with"}, required: 1, call: sliceFilter},
		"sort":           {params: []string{"reverse", "case_sensitive", "attribute"}, call: sortFilter},
		"string":         textFilter(func(s string) string { return s }),
		"striptags":      {call: stripTagsFilter},
		"sum":            {params: []string{"attribute", "start"}, call: sumFilter},
		"title":          textFilter(titleFilter),
		"tojson":         {params: []string{"ensure_ascii", "indent", "separators", "sort_keys"}, call: toJSON},
		"trim":           {params: []string{"chars"}, call: trimFilter},
		"truncate":       {params: []string{"length", "killwords", "end", "leeway"}, call: truncateFilter},
		"unique":         {params: []string{"case_sensitive", "attribute"}, call: uniqueFilter},
		"upper":          textFilter(toUpper),
		"urlencode":      {call: urlencodeFilter},
		"wordcount":      {call: wordCountFilter},
		"xmlattr":        {params: []string{"autospace"}, call: xmlAttrFilter},
	}
	filters["d"] = filters["default"]
	filters["e"] = filters["escape"]
	filters["count"] = filters["length"]
}

func (e *evaluator) runFilter(name string, x Value, a arguments) (Value, error) {
	f := filters[name]
	if f == nil {
		return nil, errorf("TemplateRuntimeError", "No filter named '%s' found.", name)
	}
	if err := e.charge(size(x)); err != nil {
		return nil, err
	}
	if f.variadic != nil {
		return f.variadic(e, x, a)
	}
	v, err := a.bind(name, f.params, f.required)
	if err != nil {
		return nil, err
	}
	r, err := f.call(e, append([]Value{x}, v...))
	if err != nil {
		return nil, err
	}
	return r, e.charge(size(r))
}

// flag returns a bool argument.
func flag(v Value, def bool) bool {
	if v == unset {
		return def
	}
	return truth(v)
}

func undefinedError(v Value) error {
	if u, ok := v.(*undefined); ok {
		return u.err()
	}
	return nil
}

func absFilter(_ *evaluator, v []Value) (Value, error) {
	switch x := v[0].(type) {
	case float64:
		return math.Abs(x), nil
	case bool, int, *big.Int:
		b, _ := toBig(x)
		return Int(new(big.Int).Abs(b)), nil
	}
	if err := undefinedError(v[0]); err != nil {
		return nil, err
	}
	return nil, typeErrorf("bad operand type for abs(): '%s'", typeName(v[0]))
}

func attrFilter(_ *evaluator, v []Value) (Value, error) {
	name, err := str(v[1])
	if err != nil {
		return nil, err
	}
	if u, ok := v[0].(*undefined); ok {
		return nil, u.err()
	}
	if a, ok := attribute(v[0], name); ok {
		return attained(a)
	}
	return &undefined{obj: v[0], has: true, name: name}, nil
}

// generator returns an iterator that reads items of x and yields what step makes of them; step returns false to pass over one.
func (e *evaluator) generator(name string, x Value, step func(v Value) (Value, bool, error)) (Value, error) {
	var it func() (Value, bool, error)
	return &iterator{"generator", func() (Value, bool, error) {
		if it == nil {
			if name != "unique" && !truth(x) {
				return nil, false, nil // of whatever type
			}
			var err error
			if it, err = iterate(x); err != nil {
				return nil, false, err
			}
		}
		for {
			if err := e.enter(); err != nil { // generators read from generators
				return nil, false, err
			}
			v, more, err := it()
			if err == nil && more {
				err = e.charge(16 + size(v))
			}
			var r Value
			ok := !more
			if err == nil && more {
				r, ok, err = step(v)
			}
			e.leave()
			if !more {
				return nil, false, err
			}
			if err != nil || ok {
				return r, ok, err
			}
		}
	}}, nil
}

// failing returns a generator whose first item is an error: wrong arguments show when the items are asked for.
func (e *evaluator) failing(x Value, err error) (Value, error) {
	return e.generator("failing", x, func(Value) (Value, bool, error) { return nil, false, err })
}

// chunks returns an iterator over lists that are made when the first is asked for.
func chunks(build func() ([]Value, error)) Value {
	var list []Value
	built := false
	i := 0
	return &iterator{"generator", func() (Value, bool, error) {
		if !built {
			var err error
			if list, err = build(); err != nil {
				return nil, false, err
			}
			built = true
		}
		if i >= len(list) {
			return nil, false, nil
		}
		i++
		return list[i-1], true, nil
	}}
}

func batchFilter(e *evaluator, v []Value) (Value, error) {
	return chunks(func() ([]Value, error) {
		all, err := e.collect(v[0])
		if err != nil {
			return nil, err
		}
		n, ok := toInt(v[1])
		var out []Value
		for from := 0; from < len(all); {
			size := len(all) - from
			if ok && n < size {
				// A chunk is closed when the next item comes and it has n; it has one item at least.
				size = n
				if n < 1 {
					size = len(all) - from
					if n == 0 {
						size = 0
					}
				}
			}
			if size == 0 && from == 0 && n == 0 { // an empty first chunk would not be given out
				size = len(all)
			}
			part := slices.Clone(all[from : from+size])
			from += size
			if from >= len(all) && v[2] != unset && v[2] != nil && ok && len(part) < n {
				if err := e.items(n); err != nil {
					return nil, err
				}
				for len(part) < n {
					part = append(part, v[2])
				}
			}
			out = append(out, &List{Items: part})
		}
		return out, nil
	}), nil
}

func sliceFilter(e *evaluator, v []Value) (Value, error) {
	return chunks(func() ([]Value, error) {
		all, err := e.collect(v[0])
		if err != nil {
			return nil, err
		}
		n, ok := toInt(v[1])
		if !ok {
			return nil, typeErrorf("unsupported operand type(s) for //: 'int' and '%s'", typeName(v[1]))
		}
		if n == 0 {
			return nil, errorf("ZeroDivisionError", "integer division or modulo by zero")
		}
		if n < 0 {
			return nil, nil
		}
		if err := e.items(n); err != nil {
			return nil, err
		}
		per, more := len(all)/n, len(all)%n
		var out []Value
		from := 0
		for i := range n {
			size := per
			if i < more {
				size++
			}
			part := slices.Clone(all[from : from+size])
			from += size
			if i >= more && v[2] != unset && v[2] != nil {
				part = append(part, v[2])
			}
			out = append(out, &List{Items: part})
		}
		return out, nil
	}), nil
}

func centerFilter(e *evaluator, v []Value) (Value, error) {
	s, err := str(v[0])
	if err != nil {
		return nil, err
	}
	width := v[1]
	if width == unset {
		width = 80
	}
	return strMethods["center"].call(e, s, []Value{width, unset})
}

func defaultFilter(_ *evaluator, v []Value) (Value, error) {
	_, undef := v[0].(*undefined)
	if undef || flag(v[2], false) && !truth(v[0]) {
		if v[1] == unset {
			return "", nil
		}
		return v[1], nil
	}
	return v[0], nil
}

// ignoreCase is the key that sorts text without case.
func ignoreCase(v Value) Value {
	if s, ok := text(v); ok {
		return toLower(s)
	}
	return v
}

// getter returns a function that takes the attribute a of an item: a name, an int, or several with dots. If a is nil it is the
// item itself. What is undefined becomes def unless that is nil.
func getter(a, def Value) func(v Value) (Value, error) {
	if a == unset {
		a = nil
	}
	if def == unset {
		def = nil
	}
	var path []Value
	if s, ok := text(a); ok {
		for _, p := range strings.Split(s, ".") {
			if n, err := strconv.Atoi(p); err == nil && everyRune(p, isDigitRune) {
				path = append(path, n)
			} else {
				path = append(path, p)
			}
		}
	} else if a != nil {
		path = []Value{a}
	}
	return func(v Value) (Value, error) {
		for _, p := range path {
			var err error
			if v, err = getItem(v, p); err != nil {
				return nil, err
			}
			if _, ok := v.(*undefined); ok && def != nil {
				v = def
			}
		}
		return v, nil
	}
}

// compare orders two values by Python's <.
func compare(a, b Value) (int, error) {
	if lt, err := ordered("<", a, b); lt || err != nil {
		return -1, err
	}
	if gt, err := ordered("<", b, a); gt || err != nil {
		return 1, err
	}
	return 0, nil
}

// sorted returns list ordered by the key, in the order that it had where keys are equal.
func (e *evaluator) sorted(list []Value, reverse bool, key func(v Value) (Value, error)) ([]Value, error) {
	type keyed struct{ v, key Value }
	all := make([]keyed, len(list))
	for i, v := range list {
		k, err := key(v)
		if err != nil {
			return nil, err
		}
		all[i] = keyed{v, k}
	}
	var failed error
	slices.SortStableFunc(all, func(a, b keyed) int {
		if failed != nil {
			return 0
		}
		if failed = e.step(); failed != nil {
			return 0
		}
		if failed = e.charge(min(size(a.key), size(b.key))); failed != nil {
			return 0
		}
		var c int
		if c, failed = compare(a.key, b.key); reverse {
			c = -c
		}
		return c
	})
	if failed != nil {
		return nil, failed
	}
	out := make([]Value, len(all))
	for i, k := range all {
		out[i] = k.v
	}
	return out, nil
}

func dictsortFilter(e *evaluator, v []Value) (Value, error) {
	at := 0
	if v[2] != unset {
		switch by, _ := text(v[2]); by {
		case "key":
		case "value":
			at = 1
		default:
			return nil, errorf("FilterArgumentError", `You can only sort by either "key" or "value"`)
		}
	}
	if err := undefinedError(v[0]); err != nil {
		return nil, err
	}
	d, ok := v[0].(*Dict)
	if !ok {
		return nil, errorf("AttributeError", "'%s' object has no attribute 'items'", typeName(v[0]))
	}
	pairs, err := e.collect(view{"items", d})
	if err != nil {
		return nil, err
	}
	cased := flag(v[1], false)
	list, err := e.sorted(pairs, flag(v[3], false), func(v Value) (Value, error) {
		k := v.(*Tuple).Items[at]
		if !cased {
			k = ignoreCase(k)
		}
		return k, nil
	})
	return &List{Items: list}, err
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")

func escapeHTML(s string) string { return htmlEscaper.Replace(s) }

func escapeFilter(e *evaluator, v []Value) (Value, error) {
	if m, ok := v[0].(Markup); ok {
		return m, nil
	}
	return forceEscapeFilter(e, v)
}

func forceEscapeFilter(_ *evaluator, v []Value) (Value, error) {
	s, err := str(v[0])
	return Markup(escapeHTML(s)), err
}

func safeFilter(_ *evaluator, v []Value) (Value, error) {
	s, err := str(v[0])
	return Markup(s), err
}

func fileSizeFilter(e *evaluator, v []Value) (Value, error) {
	x, err := floatFilter(e, []Value{v[0], nil})
	if err != nil {
		return nil, err
	}
	if x == nil {
		if _, ok := text(v[0]); !ok {
			return nil, typeErrorf("float() argument must be a string or a real number, not '%s'", typeName(v[0]))
		}
		shown, err := repr(v[0])
		if err != nil {
			return nil, err
		}
		return nil, valueErrorf("could not convert string to float: %s", shown)
	}
	bytes := x.(float64)
	base, suffix := 1000.0, "B"
	if flag(v[1], false) {
		base, suffix = 1024, "iB"
	}
	if bytes == 1 {
		return "1 Byte", nil
	}
	if bytes < base {
		i, err := floatToInt(bytes)
		if err != nil {
			return nil, err
		}
		s, err := str(i)
		return s + " Bytes", err
	}
	prefixes := "kMGTPEZY"
	if base == 1024 {
		prefixes = "KMGTPEZY"
	}
	unit := base
	for i := range prefixes {
		unit *= base
		if bytes < unit || i == len(prefixes)-1 {
			return strconv.FormatFloat(base*bytes/unit, 'f', 1, 64) + " " + prefixes[i:i+1] + suffix, nil
		}
	}
	return nil, nil
}

func firstFilter(_ *evaluator, v []Value) (Value, error) {
	it, err := iterate(v[0])
	if err != nil {
		return nil, err
	}
	x, ok, err := it()
	if err != nil || ok {
		return x, err
	}
	return &undefined{hint: "No first item, sequence was empty."}, nil
}

func lastFilter(e *evaluator, v []Value) (Value, error) {
	list, err := e.reversible(v[0])
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return &undefined{hint: "No last item, sequence was empty."}, nil
	}
	return list[len(list)-1], nil
}

// reversible returns the items of what Python's reversed takes.
func (e *evaluator) reversible(v Value) ([]Value, error) {
	switch v := v.(type) {
	case string, Markup, *List, *Tuple, *Dict, view, rangeValue, *undefined:
		return e.collect(v)
	}
	return nil, typeErrorf("'%s' object is not reversible", typeName(v))
}

func reverseFilter(e *evaluator, v []Value) (Value, error) {
	if s, ok := text(v[0]); ok {
		r := []rune(s)
		slices.Reverse(r)
		if _, ok := v[0].(Markup); ok {
			return Markup(string(r)), nil
		}
		return string(r), nil
	}
	list, err := e.reversible(v[0])
	if _, isIterator := v[0].(*iterator); isIterator {
		if list, err = e.collect(v[0]); err != nil {
			return nil, err
		}
		slices.Reverse(list)
		return &List{Items: list}, nil
	}
	if err != nil {
		return nil, errorf("FilterArgumentError", "argument must be iterable")
	}
	slices.Reverse(list)
	next, err := iterate(&List{Items: list})
	return &iterator{"list_reverseiterator", next}, err
}

func floatFilter(_ *evaluator, v []Value) (Value, error) {
	def := Value(0.0)
	if v[1] != unset {
		def = v[1]
	}
	if isNumber(v[0]) {
		f, err := toFloat(v[0])
		return f, err
	}
	if err := undefinedError(v[0]); err != nil {
		return nil, err
	}
	if s, ok := text(v[0]); ok {
		if f, ok := parseFloat(s); ok {
			return f, nil
		}
	}
	return def, nil
}

// parseFloat is Python's float() of a str.
func parseFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	switch strings.ToLower(strings.TrimLeft(s, "+-")) {
	case "inf", "infinity", "nan":
	default:
		// Go reads hexadecimal floats and 1__0 or _1, which Python does not.
		for i := range len(s) {
			c := s[i]
			isNum := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
			if c == '_' && !(isNum(i-1) && isNum(i+1)) || !(isNum(i) || strings.IndexByte("+-.eE_", c) >= 0) {
				return 0, false
			}
		}
		s = strings.ReplaceAll(s, "_", "")
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || math.IsInf(f, 0)
}

// parseInt is Python's int() of a str.
func parseInt(s string, base int) (Value, bool) {
	s = strings.TrimFunc(s, isSpace)
	sign := ""
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		sign, s = s[:1], s[1:]
	}
	lower := strings.ToLower(s)
	prefixed := false
	for p, b := range map[string]int{"0x": 16, "0o": 8, "0b": 2} {
		if strings.HasPrefix(lower, p) && (base == 0 || base == b) {
			s, base, prefixed = s[2:], b, true
		}
	}
	if base == 0 {
		base = 10
		if strings.HasPrefix(s, "0") && strings.Trim(s, "0_") != "" {
			return nil, false
		}
	}
	if prefixed {
		s = strings.TrimPrefix(s, "_")
	}
	if s == "" || s[0] == '_' || s[len(s)-1] == '_' || strings.Contains(s, "__") || s[0] == '-' || s[0] == '+' || len(s) > 5000 {
		return nil, false
	}
	digits := strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return decimalDigit(r)
		}
		return r
	}, strings.ReplaceAll(s, "_", ""))
	b, ok := new(big.Int).SetString(sign+digits, base)
	if !ok || base == 10 && len(digits) > 4300 {
		return nil, false
	}
	return Int(b), true
}

func intFilter(_ *evaluator, v []Value) (Value, error) {
	def := Value(0)
	if v[1] != unset {
		def = v[1]
	}
	base, err := intArg(v[2], 10)
	if err != nil {
		return nil, err
	}
	if base != 0 && (base < 2 || base > 36) {
		base = 10
	}
	switch x := v[0].(type) {
	case bool, int, *big.Int:
		b, _ := toBig(x)
		return Int(b), nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return def, nil
		}
		return floatToInt(x)
	case *undefined:
		return nil, x.err()
	}
	s, ok := text(v[0])
	if !ok {
		return def, nil
	}
	if i, ok := parseInt(s, base); ok {
		return i, nil
	}
	if f, ok := parseFloat(s); ok && !math.IsNaN(f) && !math.IsInf(f, 0) {
		return floatToInt(f)
	}
	return def, nil
}

// formatFilter is "%s"|format(args).
func formatFilter(e *evaluator, x Value, a arguments) (Value, error) {
	if len(a.pos) > 0 && len(a.kw) > 0 {
		return nil, errorf("FilterArgumentError", "can't handle positional and keyword arguments at the same time")
	}
	s, err := str(x)
	if err != nil {
		return nil, err
	}
	var arg Value = &Tuple{Items: a.pos}
	if len(a.kw) > 0 {
		d := NewDict()
		for _, k := range a.kw {
			d.Set(k.name, k.value)
		}
		arg = d
	}
	_, marked := x.(Markup)
	r, err := e.percent(s, arg, marked)
	if err == nil && marked {
		return Markup(r), nil
	}
	return r, err
}

func groupbyFilter(e *evaluator, v []Value) (Value, error) {
	cased := flag(v[3], false)
	get := getter(v[1], v[2])
	key := func(x Value) (Value, error) {
		k, err := get(x)
		if err == nil && !cased {
			k = ignoreCase(k)
		}
		return k, err
	}
	all, err := e.collect(v[0])
	if err != nil {
		return nil, err
	}
	if all, err = e.sorted(all, false, key); err != nil {
		return nil, err
	}
	out := &List{}
	var last Value
	var group *List
	for _, x := range all {
		k, err := key(x)
		if err != nil {
			return nil, err
		}
		same := false
		if group != nil {
			if same, err = equal(k, last); err != nil {
				return nil, err
			}
		}
		if !same {
			last, group = k, &List{}
			shown := k
			if !cased {
				if shown, err = get(x); err != nil {
					return nil, err
				}
			}
			out.Items = append(out.Items, &Tuple{Items: []Value{shown, group}, names: []string{"grouper", "list"}})
		}
		group.Items = append(group.Items, x)
	}
	return out, nil
}

func indentFilter(e *evaluator, v []Value) (Value, error) {
	s, ok := text(v[0])
	if !ok {
		if err := undefinedError(v[0]); err != nil {
			return nil, err
		}
		if _, ok := v[0].(*List); ok {
			return nil, errorf("AttributeError", "'list' object has no attribute 'splitlines'")
		}
		return nil, typeErrorf("unsupported operand type(s) for +=: '%s' and 'str'", typeName(v[0]))
	}
	indention := "    "
	if v[1] != unset {
		if t, ok := text(v[1]); ok {
			indention = t
		} else {
			n, ok := toInt(v[1])
			if !ok {
				return nil, typeErrorf("can't multiply sequence by non-int of type '%s'", typeName(v[1]))
			}
			if err := e.charge(max(0, n)); err != nil {
				return nil, err
			}
			indention = strings.Repeat(" ", max(0, n))
		}
	}
	lines := splitLines(s+"\n", false)
	if err := e.charge(len(lines) * len(indention)); err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		if i == 0 && flag(v[2], false) || i > 0 && (l != "" || flag(v[3], false)) {
			b.WriteString(indention)
		}
		b.WriteString(l)
	}
	if _, ok := v[0].(Markup); ok {
		return Markup(b.String()), nil
	}
	return b.String(), nil
}

func itemsFilter(e *evaluator, v []Value) (Value, error) {
	var next func() (Value, bool, error)
	return &iterator{"generator", func() (Value, bool, error) {
		if next == nil {
			switch x := v[0].(type) {
			case *undefined:
				next, _ = iterate(&List{})
			case *Dict:
				next, _ = iterate(view{"items", x})
			default:
				return nil, false, typeErrorf("Can only get item pairs from a mapping.")
			}
		}
		return next()
	}}, nil
}

func joinFilter(e *evaluator, v []Value) (Value, error) {
	sep := ""
	if v[1] != unset {
		var err error
		if sep, err = str(v[1]); err != nil {
			return nil, err
		}
	}
	list, err := e.collect(v[0])
	if err != nil {
		return nil, err
	}
	get := getter(v[2], nil)
	for i, x := range list {
		if x, err = get(x); err != nil {
			return nil, err
		}
		if list[i], err = str(x); err != nil {
			return nil, err
		}
	}
	return e.join(sep, list)
}

func lengthFilter(_ *evaluator, v []Value) (Value, error) {
	if n, ok := length(v[0]); ok {
		return n, nil
	}
	if l, ok := v[0].(*loop); ok {
		return l.length()
	}
	return nil, typeErrorf("object of type '%s' has no len()", typeName(v[0]))
}

func listFilter(e *evaluator, v []Value) (Value, error) {
	l, err := e.collect(v[0])
	return &List{Items: l}, err
}

// mapFilter is map("filter", args...) or map(attribute=..., default=...).
func mapFilter(e *evaluator, x Value, a arguments) (Value, error) {
	if attr, ok := a.take("attribute"); ok && len(a.pos) == 0 {
		def, _ := a.take("default")
		if len(a.kw) > 0 {
			return e.failing(x, errorf("FilterArgumentError", "Unexpected keyword argument %s", reprString(a.kw[0].name)))
		}
		get := getter(attr, def)
		return e.generator("map", x, func(v Value) (Value, bool, error) {
			r, err := get(v)
			return r, true, err
		})
	} else if ok {
		a.kw = append(a.kw, keyword{"attribute", attr})
	}
	if len(a.pos) == 0 {
		return e.failing(x, errorf("FilterArgumentError", "map requires a filter argument"))
	}
	name, _ := text(a.pos[0])
	a.pos = a.pos[1:]
	return e.generator("map", x, func(v Value) (Value, bool, error) {
		if filters[name] == nil {
			return nil, false, errorf("TemplateRuntimeError", "No filter named '%s'.", name)
		}
		r, err := e.runFilter(name, v, a)
		return r, true, err
	})
}

// selectFilter makes select, reject, selectattr and rejectattr.
func selectFilter(want, byAttribute bool) func(e *evaluator, x Value, a arguments) (Value, error) {
	return func(e *evaluator, x Value, a arguments) (Value, error) {
		get := getter(nil, nil)
		if byAttribute {
			if len(a.pos) == 0 {
				return e.failing(x, errorf("FilterArgumentError", "Missing parameter for attribute name"))
			}
			get = getter(a.pos[0], nil)
			a.pos = a.pos[1:]
		}
		check := func(v Value) (bool, error) { return truth(v), nil }
		if len(a.pos) > 0 {
			name, _ := text(a.pos[0])
			args := arguments{a.pos[1:], a.kw}
			check = func(v Value) (bool, error) {
				if tests[name] == nil {
					return false, errorf("TemplateRuntimeError", "No test named '%s'.", name)
				}
				return e.runTest(name, v, args)
			}
		}
		return e.generator("select", x, func(v Value) (Value, bool, error) {
			k, err := get(v)
			if err != nil {
				return nil, false, err
			}
			ok, err := check(k)
			return v, ok == want && err == nil, err
		})
	}
}

func extremeFilter(op string) func(e *evaluator, v []Value) (Value, error) {
	return func(e *evaluator, v []Value) (Value, error) {
		list, err := e.collect(v[0])
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return &undefined{hint: "No aggregated item, sequence was empty."}, nil
		}
		get := getter(v[2], nil)
		cased := flag(v[1], false)
		var best, bestKey Value
		for i, x := range list {
			k, err := get(x)
			if err != nil {
				return nil, err
			}
			if !cased {
				k = ignoreCase(k)
			}
			better := i == 0
			if !better {
				if better, err = ordered(op, k, bestKey); err != nil {
					return nil, err
				}
			}
			if better {
				best, bestKey = x, k
			}
		}
		return best, nil
	}
}

func replaceFilter(e *evaluator, v []Value) (Value, error) {
	var s [3]string
	for i := range s {
		var err error
		if s[i], err = str(v[i]); err != nil {
			return nil, err
		}
	}
	n := -1
	if v[3] != unset && v[3] != nil {
		var err error
		if n, err = intArg(v[3], -1); err != nil {
			return nil, err
		}
	}
	return e.replace(s[0], s[1], s[2], n)
}

func roundFilter(_ *evaluator, v []Value) (Value, error) {
	precision, err := intArg(v[1], 0)
	if err != nil {
		return nil, err
	}
	method := "common"
	if v[2] != unset {
		method, _ = text(v[2])
	}
	if method != "common" && method != "ceil" && method != "floor" {
		return nil, errorf("FilterArgumentError", "method must be common, ceil or floor")
	}
	if err := undefinedError(v[0]); err != nil {
		return nil, err
	}
	if !isNumber(v[0]) {
		return nil, typeErrorf("type %s doesn't define __round__ method", typeName(v[0]))
	}
	if method == "common" {
		if f, ok := v[0].(float64); ok {
			return roundFloat(f, precision)
		}
		b, _ := toBig(v[0])
		return roundInt(b, precision), nil
	}
	scale, err := arithmetic("**", 10, precision)
	if err != nil {
		return nil, err
	}
	x, err := arithmetic("*", v[0], scale)
	if err != nil {
		return nil, err
	}
	if f, ok := x.(float64); ok {
		if method == "ceil" {
			f = math.Ceil(f)
		} else {
			f = math.Floor(f)
		}
		if x, err = floatToInt(f); err != nil {
			return nil, err
		}
	}
	return arithmetic("/", x, scale)
}

// roundFloat is Python's round(f, n): of the exact decimal value of f, half to even.
func roundFloat(f float64, n int) (Value, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) || n > 323 {
		return f, nil
	}
	if n < -309 {
		return math.Copysign(0, f), nil
	}
	if n >= 0 {
		r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', n, 64), 64)
		return r, nil
	}
	// |f| / 10^-n, rounded half to even, exactly.
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-n)), nil)
	q := new(big.Rat).SetFloat64(math.Abs(f))
	q.Quo(q, new(big.Rat).SetInt(scale))
	r := new(big.Rat).SetInt(new(big.Int).Mul(roundRat(q), scale))
	x, _ := r.Float64()
	if math.IsInf(x, 0) {
		return nil, errorf("OverflowError", "rounded value too large to represent")
	}
	return math.Copysign(x, f), nil
}

// roundRat rounds a number that is not negative half to even.
func roundRat(q *big.Rat) *big.Int {
	i, rest := new(big.Int).QuoRem(q.Num(), q.Denom(), new(big.Int))
	if c := rest.Lsh(rest, 1).Cmp(q.Denom()); c > 0 || c == 0 && i.Bit(0) == 1 {
		i.Add(i, big.NewInt(1))
	}
	return i
}

func roundInt(b *big.Int, n int) Value {
	if n >= 0 {
		return Int(b)
	}
	if -n > b.BitLen() {
		return 0
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-n)), nil)
	r := roundRat(new(big.Rat).SetFrac(new(big.Int).Abs(b), scale))
	r.Mul(r, scale)
	if b.Sign() < 0 {
		r.Neg(r)
	}
	return Int(r)
}

func sortFilter(e *evaluator, v []Value) (Value, error) {
	list, err := e.collect(v[0])
	if err != nil {
		return nil, err
	}
	list, err = e.sorted(list, flag(v[1], false), sortKey(v[3], flag(v[2], false)))
	return &List{Items: list}, err
}

// sortKey is the key of sort: an attribute, or several with commas between them.
func sortKey(attribute Value, cased bool) func(v Value) (Value, error) {
	names := []Value{attribute}
	if s, ok := text(attribute); ok {
		names = nil
		for _, n := range strings.Split(s, ",") {
			names = append(names, n)
		}
	}
	gets := make([]func(v Value) (Value, error), len(names))
	for i, n := range names {
		gets[i] = getter(n, nil)
	}
	return func(v Value) (Value, error) {
		keys := make([]Value, len(gets))
		for i, get := range gets {
			k, err := get(v)
			if err != nil {
				return nil, err
			}
			if !cased {
				k = ignoreCase(k)
			}
			keys[i] = k
		}
		if attribute == unset || attribute == nil {
			return keys[0], nil
		}
		return &List{Items: keys}, nil
	}
}

func stripTagsFilter(_ *evaluator, v []Value) (Value, error) {
	s, err := str(v[0])
	if err != nil {
		return nil, err
	}
	s = cut(cut(s, "<!--", "-->"), "<", ">")
	return html.UnescapeString(strings.Join(splitSpace(s, -1, false), " ")), nil
}

// cut takes out what stands between two marks, and the marks.
func cut(s, open, end string) string {
	var b strings.Builder
	for {
		start := strings.Index(s, open)
		if start < 0 {
			break
		}
		stop := strings.Index(s[start:], end)
		if stop < 0 {
			break
		}
		b.WriteString(s[:start])
		s = s[start+stop+len(end):]
	}
	b.WriteString(s)
	return b.String()
}

func sumFilter(e *evaluator, v []Value) (Value, error) {
	list, err := e.collect(v[0])
	if err != nil {
		return nil, err
	}
	get := getter(v[1], nil)
	total := Value(0)
	if v[2] != unset {
		total = v[2]
	}
	if _, ok := text(total); ok {
		return nil, typeErrorf("sum() can't sum strings [use ''.join(seq) instead]")
	}
	for _, x := range list {
		if x, err = get(x); err != nil {
			return nil, err
		}
		if total, err = e.operate("+", total, x); err != nil {
			return nil, err
		}
	}
	return total, nil
}

// titleFilter writes each word with one capital; words end at space, hyphens and opening brackets.
func titleFilter(s string) string {
	var b strings.Builder
	for s != "" {
		border := func(r rune) bool { return isSpace(r) || strings.ContainsRune("-({[<", r) }
		n := strings.IndexFunc(s, func(r rune) bool { return !border(r) })
		if n < 0 {
			n = len(s)
		}
		b.WriteString(s[:n])
		s = s[n:]
		if n = strings.IndexFunc(s, border); n < 0 {
			n = len(s)
		}
		if n > 0 {
			_, first := utf8.DecodeRuneInString(s)
			b.WriteString(toUpper(s[:first]) + toLower(s[first:n]))
			s = s[n:]
		}
	}
	return b.String()
}

func trimFilter(_ *evaluator, v []Value) (Value, error) {
	s, err := str(v[0])
	if err != nil {
		return nil, err
	}
	r, err := strip(s, v[1], true, true)
	if _, ok := v[0].(Markup); ok && err == nil {
		return mark(r), nil
	}
	return r, err
}

func truncateFilter(_ *evaluator, v []Value) (Value, error) {
	n, ok := length(v[0])
	if !ok {
		return nil, typeErrorf("object of type '%s' has no len()", typeName(v[0]))
	}
	most, err := intArg(v[1], 255)
	if err != nil {
		return nil, err
	}
	end := "..."
	if v[3] != unset {
		if end, err = strArg("truncate", v[3]); err != nil {
			return nil, err
		}
	}
	leeway := 5
	if v[4] != unset && v[4] != nil {
		if leeway, err = intArg(v[4], 5); err != nil {
			return nil, err
		}
	}
	short := most - runeCount(end)
	switch {
	case short < 0:
		return nil, errorf("AssertionError", "expected length >= %d, got %d", runeCount(end), most)
	case leeway < 0:
		return nil, errorf("AssertionError", "expected leeway >= 0, got %d", leeway)
	case most > n-leeway || n <= most+leeway:
		return v[0], nil
	}
	s, ok := text(v[0])
	if !ok {
		return nil, typeErrorf("can only concatenate %s (not \"str\") to %s", typeName(v[0]), typeName(v[0]))
	}
	cut := sliceText(s, 0, short, 1)
	if !flag(v[2], false) {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return cut + end, nil
}

func uniqueFilter(e *evaluator, v []Value) (Value, error) {
	get := getter(v[2], nil)
	cased := flag(v[1], false)
	seen := map[string]bool{}
	return e.generator("unique", v[0], func(x Value) (Value, bool, error) {
		k, err := get(x)
		if err != nil {
			return nil, false, err
		}
		if !cased {
			k = ignoreCase(k)
		}
		h, err := hash(k)
		if err != nil || seen[h] {
			return nil, false, err
		}
		seen[h] = true
		return x, true, nil
	})
}

func wordCountFilter(_ *evaluator, v []Value) (Value, error) {
	s, err := str(v[0])
	return len(strings.FieldsFunc(s, func(r rune) bool { return !isWordRune(r) })), err
}

// isWordRune is \w of Python's re.
func isWordRune(r rune) bool {
	return r == '_' || everyRune(string(r), func(r rune) bool { return isWord(r) && !isMark(r) || isNumeric(r) })
}

// urlencodeFilter quotes text, or the pairs of a dict or list as a query.
func urlencodeFilter(e *evaluator, v []Value) (Value, error) {
	if _, isStr := text(v[0]); !isStr {
		pairs := Value(nil)
		if d, ok := v[0].(*Dict); ok {
			pairs = view{"items", d}
		} else if _, err := iterate(v[0]); err == nil {
			pairs = v[0]
		}
		if pairs != nil {
			list, err := e.collect(pairs)
			if err != nil {
				return nil, err
			}
			parts := make([]string, len(list))
			for i, p := range list {
				kv, err := e.collect(p)
				if err != nil {
					return nil, err
				}
				if len(kv) != 2 {
					return nil, valueErrorf("not enough values to unpack (expected 2, got %d)", len(kv))
				}
				var s [2]string
				for n := range s {
					if s[n], err = str(kv[n]); err != nil {
						return nil, err
					}
				}
				parts[i] = quoteURL(s[0], true) + "=" + quoteURL(s[1], true)
			}
			return strings.Join(parts, "&"), nil
		}
	}
	s, err := str(v[0])
	return quoteURL(s, false), err
}

func quoteURL(s string, query bool) string {
	var b strings.Builder
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("_.-~", c) >= 0, c == '/' && !query:
			b.WriteByte(c)
		case c == ' ' && query:
			b.WriteByte('+')
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

func xmlAttrFilter(_ *evaluator, v []Value) (Value, error) {
	d, ok := v[0].(*Dict)
	if !ok {
		if err := undefinedError(v[0]); err != nil {
			return nil, err
		}
		return nil, errorf("AttributeError", "'%s' object has no attribute 'items'", typeName(v[0]))
	}
	var parts []string
	for k, x := range d.All {
		if _, undef := x.(*undefined); undef || x == nil {
			continue
		}
		key, err := str(k)
		if err != nil {
			return nil, err
		}
		if strings.ContainsFunc(key, func(r rune) bool { return r == '/' || r == '>' || r == '=' || isSpace(r) }) {
			return nil, valueErrorf("Invalid character in attribute name: %s", reprString(key))
		}
		s, err := str(x)
		if err != nil {
			return nil, err
		}
		if _, ok := x.(Markup); !ok {
			s = escapeHTML(s)
		}
		parts = append(parts, escapeHTML(key)+`="`+s+`"`)
	}
	s := strings.Join(parts, " ")
	if flag(v[1], true) && s != "" {
		s = " " + s
	}
	return s, nil
}
