package loader

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/godwit-ml/godwit/tensor"
)

// A safetensors file is the length of the header (8 bytes, little-endian), the header (a JSON object), and the data:
// the tensors' bytes one after the other without a gap.
// The format: https://github.com/huggingface/safetensors, README.md, "Format".

// maxHeader is the format's limit on the length of the header.
const maxHeader = 100_000_000

// maxRank limits the number of dimensions, as NumPy does.
const maxRank = 64

// info is one tensor of a header. Begin and end count from the start of the data.
type info struct {
	name       string
	dtype      tensor.DType
	shape      []int
	begin, end int64
}

// metadataKey is the name in the header that stands for the file's metadata, not for a tensor.
const metadataKey = "__metadata__"

// parseHeader reads and validates a header. It returns the tensors in the order of their data, which cover exactly
// dataLen bytes.
func parseHeader(header []byte, dataLen int64) ([]info, map[string]string, error) {
	if !utf8.Valid(header) {
		return nil, nil, errors.New("the header is not UTF-8")
	}
	d := &decoder{json.NewDecoder(bytes.NewReader(header))}
	d.UseNumber()

	var tensors []info
	var meta map[string]string
	err := d.object(func(name string) error {
		if name == metadataKey {
			meta = make(map[string]string)
			return d.object(func(key string) error {
				value, err := d.string()
				meta[key] = value
				return wrap(err, "metadata %s", quote(key))
			})
		}
		t, err := d.tensor(name)
		tensors = append(tensors, t)
		return wrap(err, "tensor %s", quote(name))
	})
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	return tensors, meta, layout(tensors, dataLen)
}

// layout sorts the tensors by the place of their data and checks that the data is theirs without gap or overlap.
func layout(tensors []info, dataLen int64) error {
	slices.SortStableFunc(tensors, func(a, b info) int {
		if a.begin != b.begin {
			if a.begin < b.begin {
				return -1
			}
			return 1
		}
		if a.end != b.end {
			if a.end < b.end {
				return -1
			}
			return 1
		}
		return 0
	})
	var at int64
	for i, t := range tensors {
		switch {
		case t.begin < at:
			return fmt.Errorf("tensors %s and %s overlap: bytes %d to %d and %d to %d",
				quote(tensors[i-1].name), quote(t.name), tensors[i-1].begin, at, t.begin, t.end)
		case t.begin > at:
			return fmt.Errorf("bytes %d to %d, before tensor %s, belong to no tensor", at, t.begin, quote(t.name))
		}
		at = t.end
	}
	switch {
	case at > dataLen:
		return fmt.Errorf("the file is cut short: its tensors take %d bytes, but only %d are there", at, dataLen)
	case at < dataLen:
		return fmt.Errorf("%d bytes follow the last tensor", dataLen-at)
	}
	return nil
}

// decoder reads JSON token by token, so that a repeated name is seen.
type decoder struct{ *json.Decoder }

func (d *decoder) token() (json.Token, error) {
	t, err := d.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return t, wrap(err, "not valid JSON at byte %d", d.InputOffset())
}

// delim reads one of { } [ ].
func (d *decoder) delim(want json.Delim, what string) error {
	t, err := d.token()
	if err == nil && t != want {
		err = fmt.Errorf("%s expected, found %s", what, describe(t))
	}
	return err
}

// object reads an object; value must read the value of each name. A repeated name is an error.
func (d *decoder) object(value func(name string) error) error {
	if err := d.delim('{', "a JSON object"); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.token()
		if err != nil {
			return err
		}
		name := t.(string) // the decoder accepts nothing else here
		if seen[name] {
			return fmt.Errorf("the name %s stands there twice", quote(name))
		}
		seen[name] = true
		if err := value(name); err != nil {
			return err
		}
	}
	return d.delim('}', "the end of an object")
}

// list reads a list of non-negative integers, at most limit long.
func (d *decoder) list(limit int) ([]int, error) {
	if err := d.delim('[', "a list"); err != nil {
		return nil, err
	}
	list := []int{}
	for d.More() {
		t, err := d.token()
		if err != nil {
			return nil, err
		}
		n, ok := t.(json.Number)
		if !ok {
			return nil, fmt.Errorf("a number expected, found %s", describe(t))
		}
		v, err := strconv.ParseUint(string(n), 10, 63)
		if err != nil || v > maxInt {
			return nil, fmt.Errorf("%s is not an integer from 0 to %d", shorten(string(n)), maxInt)
		}
		if len(list) == limit {
			return nil, fmt.Errorf("more than %d numbers", limit)
		}
		list = append(list, int(v))
	}
	return list, d.delim(']', "the end of a list")
}

const maxInt = 1<<(bits.UintSize-1) - 1

func (d *decoder) string() (string, error) {
	t, err := d.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("a string expected, found %s", describe(t))
	}
	return s, nil
}

// skip reads a value of any kind.
func (d *decoder) skip() error {
	var value json.RawMessage
	err := d.Decode(&value)
	return wrap(err, "not valid JSON at byte %d", d.InputOffset())
}

// end checks that nothing follows.
func (d *decoder) end() error {
	if t, err := d.Token(); err != io.EOF {
		if err != nil {
			return wrap(err, "not valid JSON at byte %d", d.InputOffset())
		}
		return fmt.Errorf("%s follows the object", describe(t))
	}
	return nil
}

// tensor reads {"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}. Other names are ignored, as the format's library does.
func (d *decoder) tensor(name string) (info, error) {
	t := info{name: name}
	var offsets []int
	err := d.object(func(field string) (err error) {
		switch field {
		case "dtype":
			var s string
			if s, err = d.string(); err != nil {
				break
			}
			var ok bool
			if t.dtype, ok = tensor.ParseDType(s); !ok {
				err = fmt.Errorf("%s is not a type of safetensors", quote(s))
			}
		case "shape":
			t.shape, err = d.list(maxRank)
		case "data_offsets":
			offsets, err = d.list(2)
		default:
			return wrap(d.skip(), "%s", quote(field))
		}
		return wrap(err, "%s", field)
	})
	switch {
	case err != nil:
		return t, err
	case t.dtype == tensor.Invalid:
		return t, errors.New("dtype is missing")
	case t.shape == nil:
		return t, errors.New("shape is missing")
	case offsets == nil:
		return t, errors.New("data_offsets are missing")
	case len(offsets) != 2:
		return t, fmt.Errorf("data_offsets: two numbers expected, found %d", len(offsets))
	case offsets[0] > offsets[1]:
		return t, fmt.Errorf("data_offsets: the end %d is before the begin %d", offsets[1], offsets[0])
	}
	t.begin, t.end = int64(offsets[0]), int64(offsets[1])

	size, err := byteSize(t.dtype, t.shape)
	if err != nil {
		return t, err
	}
	if size != t.end-t.begin {
		return t, fmt.Errorf("%v of shape %s takes %d bytes, but its data_offsets span %d",
			t.dtype, shapeString(t.shape), size, t.end-t.begin)
	}
	return t, nil
}

// byteSize returns the number of bytes that a tensor takes, or an error if it exceeds an int or is no whole number. The
// product of the leading dimensions of an accepted shape never overflows, even if a later one is 0.
func byteSize(d tensor.DType, shape []int) (int64, error) {
	n := uint64(1)
	for _, dim := range shape {
		hi, lo := bits.Mul64(n, uint64(dim))
		if hi != 0 || lo > maxInt {
			return 0, fmt.Errorf("shape %s is too large", shapeString(shape))
		}
		n = lo
	}
	hi, lo := bits.Mul64(n, uint64(d.Bits()))
	if hi != 0 || lo > maxInt {
		return 0, fmt.Errorf("shape %s of %v is too large", shapeString(shape), d)
	}
	if lo%8 != 0 {
		return 0, fmt.Errorf("shape %s of %v does not fill whole bytes", shapeString(shape), d)
	}
	return int64(lo / 8), nil
}

// wrap puts a place before an error; nil stays nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// describe names a JSON token in an error message.
func describe(t json.Token) string {
	switch t := t.(type) {
	case nil:
		return "null"
	case string:
		return quote(t)
	case json.Number:
		return shorten(string(t))
	case json.Delim:
		return "'" + t.String() + "'"
	}
	return fmt.Sprint(t)
}

// shorten cuts what comes from a file to a length that an error message can bear.
func shorten(s string) string {
	const limit = 100
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "..."
}

// quote quotes and shortens a name that comes from a file.
func quote(s string) string { return strconv.Quote(shorten(s)) }

// shapeString writes a shape as [2 3], shortened.
func shapeString(shape []int) string {
	const limit = 8
	if len(shape) > limit {
		return strings.TrimSuffix(fmt.Sprint(shape[:limit]), "]") + " ...]"
	}
	return fmt.Sprint(shape)
}
