package jinja

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// Hostile templates end with an error, soon.
func TestLimits(t *testing.T) {
	deep := strings.Repeat("(", 100000) + "1" + strings.Repeat(")", 100000)
	for _, c := range []struct{ name, template, want string }{
		{"loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "LimitError: more than 10000000 steps"},
		{"recursion", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "RecursionError: maximum recursion depth exceeded"},
		{"recursive loop", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "RecursionError: maximum recursion depth exceeded"},
		{"repeat", "{{ 'x' * 10 ** 12 }}", "LimitError: more than 10000000 steps"},
		{"repeat a list", "{{ [1] * 10 ** 12 }}", "LimitError: more than 10000000 steps"},
		{"doubling text", "{% set ns = namespace(s='x' * 1000) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "LimitError: more than 10000000 steps"},
		{"doubling a list", "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "LimitError: more than 10000000 steps"},
		{"width", "{{ '%999999999d' % 1 }}", "LimitError: more than 10000000 steps"},
		{"format", "{{ '{:999999999}'.format(1) }}", "LimitError: more than 10000000 steps"},
		{"center", "{{ 'x'.center(10 ** 12) }}", "LimitError: more than 10000000 steps"},
		{"indent of JSON", "{{ [[1]]|tojson(indent=10000000) }}", "LimitError: an indent of more than 1000 bytes"},
		{"center with a wide character", "{{ 'x'.center(2 ** 62, '😀') }}", "LimitError: more than 10000000 steps"},
		{"powers", "{% for a in range(99999) %}{{ 1.5 ** 5e-300 }}{{ 2 ** 0.123456789 }}{% endfor %}", "LimitError: more than 10000000 steps"},
		{"tags", "{{ ('<>' * 5000000)|striptags }}{% for a in range(99999) %}{{ ('<>' * 100000)|striptags }}{% endfor %}", "LimitError: more than 10000000 steps"},
		{"indent", "{{ ('a\\n' * 100000)|indent(100000) }}", "LimitError: more than 10000000 steps"},
		{"replace", "{{ ('a' * 1000000)|replace('a', 'b' * 1000000) }}", "LimitError: more than 10000000 steps"},
		{"join", "{{ (['a' * 1000000] * 1000)|join }}", "LimitError: more than 10000000 steps"},
		{"power", "{{ 10 ** 100000000 }}", "LimitError: an int of more than 131072 bits"},
		{"digits", "{{ 10 ** 5000 }}", "ValueError: Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit"},
		{"range", "{{ range(10 ** 9) }}", "OverflowError: Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000)."},
		{"output", "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}", "LimitError: the output has more than 16777216 bytes"},
		{"nested values", "{% set ns = namespace(l=[]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}", "RecursionError: maximum recursion depth exceeded"},
		{"generators in generators", "{% set ns = namespace(l=[1]) %}{% for i in range(9999) %}{% set ns.l = ns.l|map('string') %}{% endfor %}{{ ns.l|list }}",
			"RecursionError: maximum recursion depth exceeded"},
		{"equal lists", "{% set ns = namespace(a=[], b=[]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
			"LimitError: more than 10000000 steps"},
		{"keys", "{% set ns = namespace(a=()) %}{% for i in range(60) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ {}[ns.a] }}", "LimitError: more than 10000000 steps"},
		{"repr", "{% set ns = namespace(a=()) %}{% for i in range(60) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ ns.a }}", "LimitError: more than 10000000 steps"},
		{"a namespace in itself", "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "RecursionError: maximum recursion depth exceeded"},
		{"nested expression", "{{ " + deep + " }}", "line 1: nested more than 250 deep"},
		{"long sum", "{{ 1" + strings.Repeat("+1", 100000) + " }}", "line 1: nested more than 250 deep"},
		{"long attribute", "{{ x" + strings.Repeat(".x", 100000) + " }}", "line 1: nested more than 250 deep"},
		{"nested lists", "{{ " + strings.Repeat("[", 100000), "line 1: nested more than 250 deep"},
		{"nested blocks", strings.Repeat("{% if 1 %}", 50000), "line 1: nested more than 250 deep"},
		{"a large template", strings.Repeat("x", 1<<20+1), "line 1: the template has 1048577 bytes, more than the limit of 1048576"},
	} {
		start := time.Now()
		got, err := render(c.template, "", Limits{})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %.100q, %v\nwant %s", c.name, got, err, c.want)
		}
		t.Logf("%s: %v", c.name, time.Since(start))
	}
	if _, err := render("{{ 1 }}{{ 2 }}", "", Limits{Output: 1}); err == nil || err.Error() != "LimitError: the output has more than 1 bytes" {
		t.Errorf("a limit of the caller: %v", err)
	}
}

func TestErrorLines(t *testing.T) {
	_, err := Parse("a\n{% if x %}\n{{ 1 + }}", Limits{})
	var s *SyntaxError
	if !errors.As(err, &s) || s.Line != 3 || s.Error() != "line 3: unexpected 'end of print statement'" {
		t.Errorf("got %v", err)
	}
	_, err = render("a\n{% for x in y %}\n{{ x.z.q }}\n{% endfor %}", `{"y": [1]}`, Limits{})
	var e *Error
	if !errors.As(err, &e) || e.Line != 3 || e.Error() != "UndefinedError: 'int object' has no attribute 'z'" {
		t.Errorf("got %v, line %d", err, e.Line)
	}
}

// A template may be rendered by several goroutines at once.
func TestConcurrent(t *testing.T) {
	tmpl, err := Parse("{% macro m(x) %}<{{ x }}>{% endmacro %}{% for x in l %}{{ m(x) }}{{ loop.last }}{% endfor %}", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := DecodeJSON([]byte(`{"l": [1, 2]}`))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	for range 4 {
		go func() {
			s, err := tmpl.Render(v.(*Dict), Options{})
			if err != nil {
				s = err.Error()
			}
			done <- s
		}()
	}
	for range 4 {
		if s := <-done; s != "<1>False<2>True" {
			t.Errorf("got %q", s)
		}
	}
}

func TestDecodeJSON(t *testing.T) {
	v, err := DecodeJSON([]byte(`{"b": [1, 1.0, 1e2, 123456789012345678901], "a": null, "b2": {"x": "\u00e9"}}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := repr(v)
	if want := `{'b': [1, 1.0, 100.0, 123456789012345678901], 'a': None, 'b2': {'x': 'é'}}`; err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
	for in, want := range map[string]string{
		"":       "unexpected EOF",
		"[1":     "unexpected EOF",
		"1 2":    "more than one JSON value",
		"[1] x":  "more than one JSON value",
		"{1: 2}": "invalid character '1'",
	} {
		if _, err := DecodeJSON([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

// FuzzRender looks for templates that panic, or run on.
func FuzzRender(f *testing.F) {
	for _, s := range []string{"{% for x in l %}{{ loop.index }}{% endfor %}", "{{ '%s' % s }}", "{{ s|upper|tojson }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1) }}",
		"{{ s[1:-1:2] }}{{ '{:>3}'.format(i) }}", "{%- set x %}a{% endset -%}", "{% raw %}{{ }}{% endraw %}", "{{ 2 ** 0.3 }}", "{{ l|groupby(0)|list }}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, template string) {
		out, err := render(template, `{"s": "héllo", "i": 7, "f": 2.5, "l": [[1, "a"], [2, "b"]], "d": {"a": 1}, "n": null}`,
			Limits{Source: 1 << 12, Output: 1 << 16, Steps: 1 << 16, Depth: 60})
		var s *SyntaxError
		var e *Error
		if err != nil && (out != "" || !errors.As(err, &s) && !errors.As(err, &e)) {
			t.Errorf("%q, error %v", out, err)
		}
	})
}
