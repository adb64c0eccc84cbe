package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/godwit-ml/godwit/internal/files"
)

// A vocabulary of 30,000 entries is nearly all of a tokenizer.json, and a cold start should not wait for reflection:
// this file walks objects and arrays without decoding what nobody asked for. Components are then decoded with
// encoding/json, which also checks them.

// node is a value in a JSON document.
type node struct {
	raw  []byte          // the value's text
	at   int             // its offset in the document
	path string          // where it is: normalizer.normalizers[1]
	kids map[string]node // its members, if they were asked for before
}

// errorf makes an error that says where in the file it is.
func (n node) errorf(format string, args ...any) error {
	where := n.path
	if where == "" {
		where = "the file"
	}
	return fmt.Errorf("tokenizer: %s (byte %d): %s", where, n.at, fmt.Sprintf(format, args...))
}

func (n node) null() bool { return len(n.raw) == 0 || n.raw[0] == 'n' }

// decode is json.Unmarshal with the place of the error.
func (n node) decode(v any) error {
	if err := json.Unmarshal(n.raw, v); err != nil {
		return n.errorf("%s", files.JSONCause(err))
	}
	return nil
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// fields returns the members of an object. A key that stands twice counts once, with its last value.
func (n node) fields() (map[string]node, error) {
	if n.kids != nil {
		return n.kids, nil
	}
	m := make(map[string]node)
	err := n.object(func(key string, value node) error {
		m[key] = value
		return nil
	})
	return m, err
}

func (n node) object(f func(key string, value node) error) error {
	b := n.raw
	i := space(b, 0)
	if i == len(b) || b[i] != '{' {
		return n.errorf("want an object {...}, have %s", shorten(b))
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return n.atEnd(i + 1)
	}
	for {
		key, next, err := n.str(i)
		if err != nil {
			return err
		}
		i = space(b, next)
		if i == len(b) || b[i] != ':' {
			return n.syntax(i, "want ':' after a key")
		}
		i = space(b, i+1)
		end, err := n.value(i)
		if err != nil {
			return err
		}
		child := node{raw: b[i:end], at: n.at + i, path: key}
		if n.path != "" {
			child.path = n.path + "." + key
		}
		if err := f(key, child); err != nil {
			return err
		}
		i = space(b, end)
		switch {
		case i < len(b) && b[i] == ',':
			i = space(b, i+1)
		case i < len(b) && b[i] == '}':
			return n.atEnd(i + 1)
		default:
			return n.syntax(i, "want ',' or '}'")
		}
	}
}

// items returns the elements of an array.
func (n node) items() ([]node, error) {
	var list []node
	err := n.each(func(item node) error {
		item.path = fmt.Sprintf("%s[%d]", n.path, len(list))
		list = append(list, item)
		return nil
	})
	return list, err
}

// each calls f for the elements of an array, which have the array's path.
func (n node) each(f func(item node) error) error {
	b := n.raw
	i := space(b, 0)
	if i == len(b) || b[i] != '[' {
		return n.errorf("want an array [...], have %s", shorten(b))
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == ']' {
		return n.atEnd(i + 1)
	}
	for {
		end, err := n.value(i)
		if err != nil {
			return err
		}
		if err := f(node{raw: b[i:end], at: n.at + i, path: n.path}); err != nil {
			return err
		}
		i = space(b, end)
		switch {
		case i < len(b) && b[i] == ',':
			i = space(b, i+1)
		case i < len(b) && b[i] == ']':
			return n.atEnd(i + 1)
		default:
			return n.syntax(i, "want ',' or ']'")
		}
	}
}

func (n node) syntax(i int, want string) error {
	if i >= len(n.raw) {
		return n.errorf("the file ends in the middle of a value: %s", want)
	}
	return node{at: n.at + i, path: n.path}.errorf("invalid JSON: %s, have %s", want, shorten(n.raw[i:]))
}

func (n node) atEnd(i int) error {
	if j := space(n.raw, i); j != len(n.raw) {
		return n.syntax(j, "want the end")
	}
	return nil
}

// value returns where the value at i ends, without recursion.
func (n node) value(i int) (int, error) {
	b := n.raw
	start, depth := i, 0
	for i < len(b) {
		switch c := b[i]; c {
		case '"':
			end := skipString(b, i)
			if end < 0 {
				return 0, n.syntax(len(b), "want '\"'")
			}
			i = end
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return 0, n.syntax(i, "want a value")
			}
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return 0, n.syntax(i, "want a value")
			}
			i++
			continue
		default:
			j := i
			for j < len(b) && strings.IndexByte("+-.0123456789abcdefghijklmnopqrstuvwxyzE", b[j]) >= 0 {
				j++
			}
			if j == i {
				return 0, n.syntax(i, "want a value")
			}
			i = j
		}
		if depth == 0 {
			return i, nil
		}
	}
	return 0, n.syntax(start+len(b), "want a value")
}

// skipString returns the end of the string literal at b[i], or -1.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// str decodes the string literal at i and returns where it ends.
func (n node) str(i int) (string, int, error) {
	b := n.raw
	if i >= len(b) || b[i] != '"' {
		return "", 0, n.syntax(i, "want a string")
	}
	plain := true
	for j := i + 1; j < len(b); j++ {
		switch c := b[j]; {
		case c == '"':
			if plain {
				return string(b[i+1 : j]), j + 1, nil
			}
			s, err := unescape(b[i+1 : j])
			if err != "" {
				return "", 0, n.syntax(i, err)
			}
			return s, j + 1, nil
		case c == '\\':
			plain = false
			j++
		case c < ' ':
			return "", 0, n.syntax(j, "want no control character in a string")
		}
	}
	return "", 0, n.syntax(len(b), "want '\"'")
}

// unescape decodes the inside of a string literal; the second result says what is wrong with it.
func unescape(b []byte) (string, string) {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		i++
		switch b[i] {
		case '"', '\\', '/':
			out = append(out, b[i])
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := hex4(b[i+1:])
			if !ok {
				return "", `want four hexadecimal digits after \u`
			}
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+2 < len(b) && b[i+1] == '\\' && b[i+2] == 'u' {
					low, _ = hex4(b[i+3:])
				}
				r = utf16.DecodeRune(r, low)
				if r == utf8.RuneError {
					return "", `want a whole surrogate pair after \u`
				}
				i += 6
			}
			out = utf8.AppendRune(out, r)
		default:
			return "", `want a known escape after \`
		}
	}
	return string(out), ""
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func quote(s string) string { return shorten([]byte(s)) }

func shorten(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("%.40q...", b[:40])
	}
	return fmt.Sprintf("%q", b)
}
