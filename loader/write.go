package loader

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/godwit-ml/godwit/tensor"
)

// Write writes tensors as a safetensors file, the same bytes for the same tensors: widest types first, then by name, as the
// format's own library orders them. metadata may be nil. Data is written from where it is; nothing is copied whole.
func Write(w io.Writer, tensors map[string]tensor.Tensor, metadata map[string]string) error {
	names := slices.SortedFunc(maps.Keys(tensors), func(a, b string) int {
		if byType := int(tensors[b].DType) - int(tensors[a].DType); byType != 0 {
			return byType
		}
		return strings.Compare(a, b)
	})
	header, err := appendHeader(make([]byte, 8), names, tensors, metadata)
	if err != nil {
		return fmt.Errorf("loader: writing safetensors: %w", err)
	}
	binary.LittleEndian.PutUint64(header, uint64(len(header)-8))
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, name := range names {
		if err := writeData(w, tensors[name]); err != nil {
			return err
		}
	}
	return nil
}

// appendHeader appends the header to b, padded with spaces to a multiple of 8 bytes.
func appendHeader(b []byte, names []string, tensors map[string]tensor.Tensor, metadata map[string]string) ([]byte, error) {
	start := len(b)
	b = append(b, '{')
	if metadata != nil {
		b = append(b, `"`+metadataKey+`":{`...)
		for i, key := range slices.Sorted(maps.Keys(metadata)) {
			if !utf8.ValidString(key) || !utf8.ValidString(metadata[key]) {
				return nil, fmt.Errorf("metadata %s is not UTF-8", quote(key))
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, key)
			b = append(b, ':')
			b = appendString(b, metadata[key])
		}
		b = append(b, '}')
	}
	var at int64
	for i, name := range names {
		t := tensors[name]
		size, err := checkTensor(name, t)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", quote(name), err)
		}
		if at > math.MaxInt64-size {
			return nil, fmt.Errorf("tensor %s: the file would be too large", quote(name))
		}
		if i > 0 || metadata != nil {
			b = append(b, ',')
		}
		b = appendString(b, name)
		b = append(b, `:{"dtype":"`+t.DType.String()+`","shape":[`...)
		for i, dim := range t.Shape {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(dim), 10)
		}
		b = append(b, `],"data_offsets":[`...)
		b = strconv.AppendInt(b, at, 10)
		at += size
		b = append(b, ',')
		b = strconv.AppendInt(b, at, 10)
		b = append(b, `]}`...)
	}
	b = append(b, '}')
	for (len(b)-start)%8 != 0 {
		b = append(b, ' ')
	}
	if len(b)-start > maxHeader {
		return nil, fmt.Errorf("the header takes %d bytes, the limit is %d", len(b)-start, maxHeader)
	}
	return b, nil
}

// checkTensor returns the size of a tensor in the file, or why it cannot be written.
func checkTensor(name string, t tensor.Tensor) (int64, error) {
	switch {
	case name == metadataKey:
		return 0, fmt.Errorf("the name is reserved")
	case !utf8.ValidString(name):
		return 0, fmt.Errorf("the name is not UTF-8")
	case t.DType.Bits() == 0:
		return 0, fmt.Errorf("the type is not set")
	}
	for _, dim := range t.Shape {
		if dim < 0 {
			return 0, fmt.Errorf("shape %s is negative", shapeString(t.Shape))
		}
	}
	size, err := byteSize(t.DType, t.Shape)
	if err != nil {
		return 0, err
	}
	have := int64(len(t.Raw))
	if t.DType == tensor.F32 {
		have = 4 * int64(len(t.Data))
	}
	if have != size {
		return 0, fmt.Errorf("%v of shape %s takes %d bytes, but %d are given", t.DType, shapeString(t.Shape), size, have)
	}
	return size, nil
}

// appendString appends a JSON string in the form that Rust's serde_json gives it: only what must be escaped is.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\b':
			b = append(b, `\b`...)
		case c == '\f':
			b = append(b, `\f`...)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// writeData writes the elements of a tensor.
func writeData(w io.Writer, t tensor.Tensor) error {
	if t.DType != tensor.F32 {
		_, err := w.Write(t.Raw)
		return err
	}
	if littleEndian {
		_, err := w.Write(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(t.Data))), 4*len(t.Data)))
		return err
	}
	var buf []byte
	for part := range slices.Chunk(t.Data, 1<<14) {
		buf = buf[:0]
		for _, v := range part {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile writes tensors as [Write] does to a file that appears under its name only when it is complete, and replaces one
// of the same name in one step: it is written beside it and renamed.
func WriteFile(name string, tensors map[string]tensor.Tensor, metadata map[string]string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	// Small tensors are gathered; large ones pass the buffer by.
	b := bufio.NewWriterSize(f, 1<<16)
	if err := Write(b, tensors, metadata); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil { // CreateTemp's files are for their owner only
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
