// Package jinja runs templates of the Jinja language as Python's transformers library runs the chat templates of models: with
// its options (trim_blocks and lstrip_blocks on, no trailing newline), its extensions (break and continue, the generation
// block) and its immutable sandbox. What a template prints is, byte for byte, what Jinja2 3.1 prints on Python 3.11.
//
// A template is text in three steps, each a file:
//
//	lexer.go   source -> tokens; whitespace control happens here
//	parser.go  tokens -> the tree of ast.go
//	eval.go    tree and variables -> text
//
// Templates speak of Python values, so most of the package is a small part of Python: values with their equality, order and
// hash (value.go), arithmetic (number.go), repr and str (repr.go), attributes, subscripts and slices (access.go), the methods
// of str, list and dict (strmethods.go, methods.go), both kinds of string formatting (percent.go, format.go), json.dumps
// (tojson.go), strftime (strftime.go) and case mapping (unicode.go). The language's own filters, tests and global functions are
// in filters.go, tests.go and globals.go.
//
// Templates come with models, from outside. They see nothing but the values that they are given, and [Limits] bounds their
// time, their memory and their output, whatever they contain.
//
// Left out, because no text of a model's prompt can depend on it: loading other templates (include, import and extends are
// errors, as they are without a loader), autoescape, and the filters pprint, random, urlize and wordwrap with the global
// lipsum. An object that Python shows with its address is shown without.
package jinja
