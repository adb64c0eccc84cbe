package jinja

import "fmt"

// A SyntaxError says why a source is no template.
type SyntaxError struct {
	Line int // from 1
	Msg  string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }

// An Error ended the rendering of a template. Kind is the name of the exception that Python raises: TypeError, UndefinedError,
// TemplateError (of raise_exception), ... or LimitError, which is of this package.
type Error struct {
	Kind string
	Msg  string
	Line int // of the statement, from 1; 0 if it is not known
}

func (e *Error) Error() string { return e.Kind + ": " + e.Msg }

func errorf(kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

func typeErrorf(format string, args ...any) error  { return errorf("TypeError", format, args...) }
func valueErrorf(format string, args ...any) error { return errorf("ValueError", format, args...) }

// Limits bounds what one template may take. A field that is 0 has the value of DefaultLimits.
type Limits struct {
	Source int // bytes of a template
	Output int // bytes that it prints
	Steps  int // nodes evaluated, items passed, and bytes of text touched / 16
	Depth  int // macros, loops and expressions inside one another
}

// DefaultLimits are generous for a prompt: a template that reaches one of them is broken or hostile.
var DefaultLimits = Limits{Source: 1 << 20, Output: 16 << 20, Steps: 10_000_000, Depth: 250}

func (l Limits) filled() Limits {
	for _, f := range []struct{ v, d *int }{
		{&l.Source, &DefaultLimits.Source}, {&l.Output, &DefaultLimits.Output},
		{&l.Steps, &DefaultLimits.Steps}, {&l.Depth, &DefaultLimits.Depth},
	} {
		if *f.v == 0 {
			*f.v = *f.d
		}
	}
	return l
}
