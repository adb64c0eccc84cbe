package chat

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/internal/jinja"
)

// An Object is a JSON object whose keys keep their order. Values are nil, bool, int, float64, string, *big.Int, []any, Object,
// or what [encoding/json] makes such values of (a map's keys are sorted). The zero Object is {}.
type Object []Field

// A Field is a key of an Object with its value.
type Field struct {
	Name  string
	Value any
}

// A Message is one turn of a conversation: an object with role and content, and with whatever else its template knows
// (tool_calls, tool_call_id, name, reasoning_content, ...). Content is a string, or a list of parts like
// {"type": "text", "text": ...}.
type Message = Object

// NewMessage returns a message of the role, with more fields after role and content if there are any.
func NewMessage(role string, content any, more ...Field) Message {
	return append(Message{{"role", role}, {"content", content}}, more...)
}

// System returns a message that tells the model how to answer.
func System(content string) Message { return NewMessage("system", content) }

// User returns a message of the user.
func User(content string) Message { return NewMessage("user", content) }

// Assistant returns a message of the model.
func Assistant(content string) Message { return NewMessage("assistant", content) }

// Get returns the value under a name.
func (o Object) Get(name string) (any, bool) {
	for _, f := range o {
		if f.Name == name {
			return f.Value, true
		}
	}
	return nil, false
}

// With returns a copy of the object with the value under the name, in its old place if it was there.
func (o Object) With(name string, value any) Object {
	c := slices.Clone(o)
	for i := range c {
		if c[i].Name == name {
			c[i].Value = value
			return c
		}
	}
	return append(c, Field{name, value})
}

// UnmarshalJSON reads an object, and the objects in it, with their keys in order. A number without fraction and exponent is an
// int, or a *big.Int if it is too large; others are float64.
func (o *Object) UnmarshalJSON(b []byte) error {
	v, err := jinja.DecodeJSON(b)
	if err != nil {
		return err
	}
	d, ok := v.(*jinja.Dict)
	if !ok {
		return fmt.Errorf("not a JSON object")
	}
	*o = fromValue(d).(Object)
	return nil
}

// MarshalJSON writes the object with its keys in order.
func (o Object) MarshalJSON() ([]byte, error) {
	v, err := toValue(o, 0)
	if err != nil {
		return nil, err
	}
	s, err := jinja.EncodeJSON(v)
	return []byte(s), err
}

// Decode reads any JSON value into the types that an Object holds.
func Decode(b []byte) (any, error) {
	v, err := jinja.DecodeJSON(b)
	if err != nil {
		return nil, err
	}
	return fromValue(v), nil
}

// fromValue turns what JSON is decoded to into the types of this package.
func fromValue(v jinja.Value) any {
	switch v := v.(type) {
	case *jinja.List:
		out := make([]any, len(v.Items))
		for i, x := range v.Items {
			out[i] = fromValue(x)
		}
		return out
	case *jinja.Dict:
		out := make(Object, 0, v.Len())
		for k, x := range v.All {
			out = append(out, Field{k.(string), fromValue(x)})
		}
		return out
	}
	return v
}

// maxDepth is how deep values may lie inside one another.
const maxDepth = 500

// toValue turns a value of Go into one that a template sees.
func toValue(v any, depth int) (jinja.Value, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("values nested more than %d deep", maxDepth)
	}
	switch v := v.(type) {
	case nil, bool, int, float64:
		return v, nil
	case *big.Int:
		return jinja.Int(v), nil
	case string:
		return strings.ToValidUTF8(v, "\ufffd"), nil
	case []any:
		return list(v, depth)
	case List:
		return list(v, depth)
	case []Object:
		return list(v, depth)
	case []string:
		return list(v, depth)
	case Object:
		d := jinja.NewDict()
		for _, f := range v {
			x, err := toValue(f.Value, depth+1)
			if err != nil {
				return nil, err
			}
			d.Set(strings.ToValidUTF8(f.Name, "\ufffd"), x)
		}
		return d, nil
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
		return nil, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jinja.DecodeJSON(b)
}

func list[T any](items []T, depth int) (jinja.Value, error) {
	l := &jinja.List{Items: make([]jinja.Value, len(items))}
	for i, x := range items {
		var err error
		if l.Items[i], err = toValue(x, depth+1); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// A List is a JSON list whose objects are [Object]s.
type List []any

// UnmarshalJSON reads a list with the keys of its objects in order; null is no list.
func (l *List) UnmarshalJSON(b []byte) error {
	v, err := Decode(b)
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok && v != nil {
		return fmt.Errorf("not a JSON list")
	}
	*l = list
	return nil
}
