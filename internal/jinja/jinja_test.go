package jinja

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// now is the time of testdata/make.py.
func now() time.Time { return time.Date(2025, 3, 9, 5, 7, 2, 1234000, time.UTC) }

// render parses and runs a template with variables in JSON.
func render(template, vars string, limits Limits) (string, error) {
	t, err := Parse(template, limits)
	if err != nil {
		return "", err
	}
	d := NewDict()
	if vars != "" {
		v, err := DecodeJSON([]byte(vars))
		if err != nil {
			return "", err
		}
		d = v.(*Dict)
	}
	return t.Render(d, Options{Now: now})
}

// kindOf is the name of the exception that Python raises.
func kindOf(err error) string {
	var s *SyntaxError
	var e *Error
	switch {
	case errors.As(err, &s):
		return "TemplateSyntaxError"
	case errors.As(err, &e):
		return e.Kind
	}
	return "none"
}

// TestCases compares with Jinja2: testdata/make.py made the expected values. GODWIT_JINJA_CASES names other files of cases.
func TestCases(t *testing.T) {
	files := append([]string{"testdata/cases.jsonl.gz"}, strings.Fields(os.Getenv("GODWIT_JINJA_CASES"))...)
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			var buf bytes.Buffer
			if _, err := buf.ReadFrom(z); err != nil {
				t.Fatal(err)
			}
			b = buf.Bytes()
		}
		n, bad, texts := 0, 0, 0
		s := bufio.NewScanner(bytes.NewReader(b))
		s.Buffer(nil, 1<<24)
		for s.Scan() {
			var c struct {
				Template string
				Vars     json.RawMessage
				Rendered *string
				Kind     string // of the error
				Error    string
			}
			if err := json.Unmarshal(s.Bytes(), &c); err != nil {
				t.Fatal(err)
			}
			n++
			got, err := render(c.Template, string(c.Vars), Limits{})
			switch {
			case c.Rendered != nil && (err != nil || got != *c.Rendered):
				bad++
				t.Errorf("%q\n got %q, %v\nwant %q", c.Template, got, err, *c.Rendered)
			case c.Rendered == nil && err == nil:
				bad++
				t.Errorf("%q\n got %q\nwant %s: %s", c.Template, got, c.Kind, c.Error)
			case c.Rendered == nil:
				var e *Error
				if kindOf(err) != c.Kind || errors.As(err, &e) && e.Msg != c.Error {
					texts++
					if os.Getenv("GODWIT_JINJA_CASES") != "" {
						t.Logf("%q\n got %v: %v\nwant %s: %s", c.Template, kindOf(err), err, c.Kind, c.Error)
					}
				}
			}
			if bad > 200 {
				t.Fatal("too many")
			}
		}
		t.Logf("%s: %d cases, %d differ, %d more have an error of another text", name, n, bad, texts)
	}
}
