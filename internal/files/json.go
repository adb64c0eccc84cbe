package files

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// JSONCause puts an error of encoding/json into words for who wrote the JSON: they speak of its fields, not of Go types.
func JSONCause(err error) string {
	var t *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return "it is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected end of JSON input" // as json.Unmarshal calls it
	case errors.As(err, &t) && t.Field != "":
		return strconv.Quote(t.Field) + " is " + article(t.Value) + ", not " + kindName(t.Type)
	case errors.As(err, &t):
		return "it is a JSON " + t.Value
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// article puts the indefinite article before the description of a JSON value, unless it is a number with its digits.
func article(value string) string {
	switch {
	case value == "array" || value == "object":
		return "an " + value
	case value == "bool":
		return "true or false"
	case strings.HasPrefix(value, "number "):
		return strings.TrimPrefix(value, "number ")
	}
	return "a " + value
}

// kindName says which JSON values a Go type takes.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindName(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	if t.Kind() >= reflect.Int && t.Kind() <= reflect.Uintptr {
		return "a whole number"
	}
	return "what is expected there"
}
