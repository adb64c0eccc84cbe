package loader

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// st makes a safetensors file from a header and n bytes of data.
func st(header string, n int) string {
	return string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + strings.Repeat("\x00", n)
}

// x makes a file with one tensor "x" from the value of its header.
func x(value string, n int) string { return st(`{"x":`+value+`}`, n) }

// corruptFiles are files that must be refused, each with the reason that is given after "loader: model.safetensors: ".
var corruptFiles = []struct{ name, file, want string }{
	{"empty", "",
		`the file has 0 bytes; a safetensors file begins with the 8-byte length of its header`},
	{"seven bytes", "\x02\x00\x00\x00\x00\x00\x00",
		`the file has 7 bytes; a safetensors file begins with the 8-byte length of its header`},
	{"header of length 0", st("", 0),
		`header: not valid JSON at byte 0: unexpected EOF`},
	{"huge header length", "\xff\xff\xff\xff\xff\xff\xff\xff{}",
		`the header's length is given as 18446744073709551615, the limit is 100000000; this is not a safetensors file`},
	{"header just over the limit", "\x01\xe1\xf5\x05\x00\x00\x00\x00{}",
		`the header's length is given as 100000001, the limit is 100000000; this is not a safetensors file`},
	{"a pointer file of Git LFS", "version https://git-lfs.github.com/spec/v1\n",
		`this is a Git LFS pointer, not the file itself: run "git lfs pull", or download the file`},
	{"a zip archive", "PK\x03\x04\x00\x00\x08\x08\x00\x00\x00\x00",
		`this is a zip archive, as PyTorch writes it (.bin, .pt), not a safetensors file`},
	{"header cut short", st(`{"x":{}}`, 0)[:12],
		`the file is cut short: its header takes 8 bytes, but only 4 follow its length`},
	{"data cut short", x(`{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`, 7),
		`the file is cut short: its tensors take 8 bytes, but only 7 are there`},
	{"data missing", x(`{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`, 0),
		`the file is cut short: its tensors take 8 bytes, but only 0 are there`},
	{"bytes at the end", x(`{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`, 9),
		`1 bytes follow the last tensor`},
	{"not UTF-8", st("{\"\xff\":{}}", 0),
		`the header is not UTF-8`},
	{"not JSON", st(`{"x":{"dtype" "F32"}}`, 0),
		`header: tensor "x": dtype: not valid JSON at byte 14: invalid character '"' after object key`},
	{"JSON cut short", st(`{"x":{"dtype":"F32"`, 0),
		`header: tensor "x": not valid JSON at byte 19: unexpected EOF`},
	{"not an object", st(`[]`, 0),
		`header: a JSON object expected, found '['`},
	{"something after the object", st(`{} {}`, 0),
		`header: '{' follows the object`},
	{"garbage after the object", st("{}\x00", 0),
		`header: not valid JSON at byte 2: invalid character '\x00' looking for beginning of value`},
	{"a tensor that is a number", x(`7`, 0),
		`header: tensor "x": a JSON object expected, found 7`},
	{"a tensor that is null", x(`null`, 0),
		`header: tensor "x": a JSON object expected, found null`},
	{"a tensor twice", st(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2),
		`header: the name "x" stands there twice`},
	{"a tensor twice, once in escapes", st(`{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0078":{}}`, 0),
		`header: the name "x" stands there twice`},
	{"a field twice", x(`{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}`, 1),
		`header: tensor "x": the name "dtype" stands there twice`},
	{"no dtype", x(`{"shape":[1],"data_offsets":[0,1]}`, 1),
		`header: tensor "x": dtype is missing`},
	{"no shape", x(`{"dtype":"U8","data_offsets":[0,1]}`, 1),
		`header: tensor "x": shape is missing`},
	{"no offsets", x(`{"dtype":"U8","shape":[1]}`, 1),
		`header: tensor "x": data_offsets are missing`},
	{"wrong dtype", x(`{"dtype":"F33","shape":[1],"data_offsets":[0,4]}`, 4),
		`header: tensor "x": dtype: "F33" is not a type of safetensors`},
	{"dtype in small letters", x(`{"dtype":"f32","shape":[1],"data_offsets":[0,4]}`, 4),
		`header: tensor "x": dtype: "f32" is not a type of safetensors`},
	{"dtype that is a number", x(`{"dtype":32,"shape":[1],"data_offsets":[0,4]}`, 4),
		`header: tensor "x": dtype: a string expected, found 32`},
	{"NaN shape", x(`{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}`, 4),
		`header: tensor "x": shape: not valid JSON at byte 29: invalid character 'N' looking for beginning of value`},
	{"negative shape", x(`{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}`, 4),
		`header: tensor "x": shape: -1 is not an integer from 0 to 9223372036854775807`},
	{"shape with a fraction", x(`{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}`, 4),
		`header: tensor "x": shape: 1.0 is not an integer from 0 to 9223372036854775807`},
	{"shape beyond 64 bits", x(`{"dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,4]}`, 4),
		`header: tensor "x": shape: 18446744073709551617 is not an integer from 0 to 9223372036854775807`},
	{"shape that is null", x(`{"dtype":"F32","shape":null,"data_offsets":[0,4]}`, 4),
		`header: tensor "x": shape: a list expected, found null`},
	{"shape of strings", x(`{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}`, 4),
		`header: tensor "x": shape: a number expected, found "1"`},
	{"product of the shape overflows", x(`{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}`, 0),
		`header: tensor "x": shape [4294967296 4294967296] is too large`},
	{"product overflows before a zero", x(`{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}`, 0),
		`header: tensor "x": shape [4294967296 4294967296 0] is too large`},
	{"bytes of the shape overflow", x(`{"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,0]}`, 0),
		`header: tensor "x": shape [1152921504606846976] of F64 is too large`},
	{"half a byte", x(`{"dtype":"F4","shape":[3],"data_offsets":[0,2]}`, 2),
		`header: tensor "x": shape [3] of F4 does not fill whole bytes`},
	{"shape larger than the data", x(`{"dtype":"F32","shape":[3],"data_offsets":[0,8]}`, 8),
		`header: tensor "x": F32 of shape [3] takes 12 bytes, but its data_offsets span 8`},
	{"offsets the wrong way round", x(`{"dtype":"U8","shape":[1],"data_offsets":[1,0]}`, 1),
		`header: tensor "x": data_offsets: the end 0 is before the begin 1`},
	{"one offset", x(`{"dtype":"U8","shape":[1],"data_offsets":[1]}`, 1),
		`header: tensor "x": data_offsets: two numbers expected, found 1`},
	{"three offsets", x(`{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}`, 1),
		`header: tensor "x": data_offsets: more than 2 numbers`},
	{"negative offset", x(`{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}`, 1),
		`header: tensor "x": data_offsets: -1 is not an integer from 0 to 9223372036854775807`},
	{"offsets at the end of the range", x(`{"dtype":"U8","shape":[1],"data_offsets":[9223372036854775806,9223372036854775807]}`, 1),
		`bytes 0 to 9223372036854775806, before tensor "x", belong to no tensor`},
	{"a hole", st(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"y":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3),
		`bytes 1 to 2, before tensor "y", belong to no tensor`},
	{"an overlap", st(`{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 4),
		`tensors "x" and "y" overlap: bytes 0 to 4 and 2 to 4`},
	{"two tensors in one place", st(`{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 4),
		`tensors "x" and "y" overlap: bytes 0 to 4 and 0 to 4`},
	{"an empty tensor inside another", st(`{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}`, 4),
		`tensors "x" and "y" overlap: bytes 0 to 4 and 2 to 2`},
	{"metadata that is not of strings", st(`{"__metadata__":{"format":1}}`, 0),
		`header: metadata "format": a string expected, found 1`},
	{"metadata that is a string", st(`{"__metadata__":"pt"}`, 0),
		`header: a JSON object expected, found "pt"`},
	{"metadata twice", st(`{"__metadata__":{},"__metadata__":{}}`, 0),
		`header: the name "__metadata__" stands there twice`},
	{"a metadata key twice", st(`{"__metadata__":{"a":"","a":""}}`, 0),
		`header: the name "a" stands there twice`},
	{"a long name", st(`{"`+strings.Repeat("long", 100)+`":1}`, 0),
		`header: tensor "` + strings.Repeat("long", 25) + `...": a JSON object expected, found 1`},
	{"an unknown field with a line break and no value", x(`{"a\nb" 1}`, 0),
		`header: tensor "x": "a\nb": not valid JSON at byte 13: expected colon after object key`},
	{"65 dimensions", x(`{"dtype":"U8","shape":[`+strings.Repeat("1,", 64)+`1],"data_offsets":[0,1]}`, 1),
		`header: tensor "x": shape: more than 64 numbers`},
	{"a long shape", x(`{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,2]}`, 2),
		`header: tensor "x": U8 of shape [1 1 1 1 1 1 1 1 ...] takes 1 bytes, but its data_offsets span 2`},
}

func TestCorrupt(t *testing.T) {
	names := make(map[string]bool)
	for _, c := range corruptFiles {
		if names[c.name] {
			t.Errorf("%s: the case is there twice", c.name)
		}
		names[c.name] = true
		w, err := Open(inMemory{"model.safetensors": []byte(c.file)})
		if err == nil {
			w.Close()
			t.Errorf("%s: no error\nwant %s", c.name, c.want)
			continue
		}
		if want := "loader: model.safetensors: " + c.want; err.Error() != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, err, want)
		}
	}
	t.Logf("%d corrupt files", len(corruptFiles))
}

// TestUnusualIsFine opens files that look odd but that the format allows.
func TestUnusualIsFine(t *testing.T) {
	for _, c := range []struct{ name, file, tensors string }{
		{"no tensors", st(`{}`, 0), ``},
		{"spaces around the header", st(" \n\t{} \r\n ", 0), ``},
		{"only metadata", st(`{"__metadata__":{"a":"b"}}`, 0), ``},
		{"a scalar", x(`{"dtype":"F32","shape":[],"data_offsets":[0,4]}`, 4), `x [] 1`},
		{"an empty tensor", x(`{"dtype":"F32","shape":[3,0,9],"data_offsets":[0,0]}`, 0), `x [3 0 9] 0`},
		{"an empty tensor, huge", x(`{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}`, 0),
			`x [0 4294967296 4294967296] 0`},
		{"an empty name", st(`{"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), ` [1] 1`},
		{"an unknown field", x(`{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":{"a":[1,{}]}}`, 1), `x [1] 1`},
		{"fields and tensors in any order", st(`{"y":{"data_offsets":[1,2],"shape":[1],"dtype":"I8"},`+
			`"x":{"shape":[1],"dtype":"BOOL","data_offsets":[0,1]}}`, 2), `x [1] 1, y [1] 1`},
		{"unaligned floats", st(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},`+
			`"y":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}`, 5), `x [1] 1, y [1] 1`},
		{"4-bit elements in whole bytes", x(`{"dtype":"F4","shape":[2,3],"data_offsets":[0,3]}`, 3), `x [2 3] 6`},
		{"6-bit elements in whole bytes", x(`{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}`, 3), `x [4] 4`},
	} {
		w, err := Open(inMemory{"model.safetensors": []byte(c.file)})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, name := range w.Names() {
			v, _ := w.View(name)
			got = append(got, fmt.Sprintf("%s %v %d", name, v.Shape, v.Len()))
			if convertible(v.DType) {
				v.Float32()
			}
		}
		if s := strings.Join(got, ", "); s != c.tensors {
			t.Errorf("%s: tensors %s, want %s", c.name, s, c.tensors)
		}
		w.Close()
	}
}

// denied refuses to open one file, as a folder without the permission does.
type denied struct {
	fs.FS
	name string
}

func (d denied) Open(name string) (fs.File, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.FS.Open(name)
}

// TestCorruptFolders opens folders that must be refused; the whole text of the error counts.
func TestCorruptFolders(t *testing.T) {
	one := []byte(x(`{"dtype":"U8","shape":[1],"data_offsets":[0,1]}`, 1))
	folder := func(index string, files ...string) fstest.MapFS {
		m := fstest.MapFS{}
		if index != "" {
			m[indexFile] = &fstest.MapFile{Data: []byte(index)}
		}
		for _, f := range files {
			m[f] = &fstest.MapFile{Data: one}
		}
		return m
	}
	for _, c := range []struct {
		name string
		fsys fs.FS
		want string
	}{
		{"nothing", folder(""),
			`loader: neither model.safetensors nor model.safetensors.index.json is there (file does not exist): is this the folder of a model?`},
		{"another format", folder("", "pytorch_model.bin"),
			`loader: model.safetensors is not there: pytorch_model.bin cannot be read, save the model again with ` +
				`save_pretrained(folder, safe_serialization=True): file does not exist`},
		{"a directory", fstest.MapFS{singleFile: {Mode: fs.ModeDir}},
			`loader: model.safetensors: this is a directory, not a file`},
		{"a named pipe", fstest.MapFS{singleFile: {Mode: fs.ModeNamedPipe}},
			`loader: model.safetensors: this is not a regular file (p---------)`},
		{"no permission", denied{folder("", singleFile), singleFile},
			`loader: model.safetensors: permission denied`},
		{"no permission for the index", denied{folder(`{}`), indexFile},
			`loader: model.safetensors.index.json: permission denied`},
		{"index is not JSON", folder(`weight_map`),
			`loader: model.safetensors.index.json: not valid JSON at byte 0: invalid character 'w' looking for beginning of value`},
		{"index without a map", folder(`{"metadata":{}}`),
			`loader: model.safetensors.index.json: weight_map is missing or empty`},
		{"index with an empty map", folder(`{"weight_map":{}}`),
			`loader: model.safetensors.index.json: weight_map is missing or empty`},
		{"index with a number", folder(`{"weight_map":{"x":1}}`),
			`loader: model.safetensors.index.json: tensor "x": a string expected, found 1`},
		{"index with a tensor twice", folder(`{"weight_map":{"x":"a","x":"b"}}`),
			`loader: model.safetensors.index.json: the name "x" stands there twice`},
		{"index with more after it", folder(`{"weight_map":{"x":"a"}}}`, "a"),
			`loader: model.safetensors.index.json: not valid JSON at byte 24: invalid character '}' looking for beginning of value`},
		{"index is not UTF-8", folder("{\"weight_map\":{\"\xff\":\"a\"}}"),
			`loader: model.safetensors.index.json: the file is not UTF-8`},
		{"index points outside", folder(`{"weight_map":{"x":"../secret"}}`),
			`loader: model.safetensors.index.json: tensor "x": "../secret" is not a file in the model's folder`},
		{"index points to the root", folder(`{"weight_map":{"x":"/etc/passwd"}}`),
			`loader: model.safetensors.index.json: tensor "x": "/etc/passwd" is not a file in the model's folder`},
		{"index points to a drive", folder(`{"weight_map":{"x":"C:\\x"}}`),
			`loader: model.safetensors.index.json: tensor "x": "C:\\x" is not a file in the model's folder`},
		{"index points to the folder", folder(`{"weight_map":{"x":"."}}`),
			`loader: model.safetensors.index.json: tensor "x": "." is not a file in the model's folder`},
		{"index with a line break in a name", folder(`{"weight_map":{"x":"a\nb"}}`),
			`loader: model.safetensors.index.json: tensor "x": "a\nb" is not a file in the model's folder`},
		{"a shard is missing", folder(`{"weight_map":{"x":"a","y":"b"}}`, "a"),
			`loader: b: file does not exist: it is file 2 of the 2 that model.safetensors.index.json lists`},
		{"a shard is corrupt", fstest.MapFS{indexFile: {Data: []byte(`{"weight_map":{"x":"a"}}`)}, "a": {Data: one[:9]}},
			`loader: a: the file is cut short: its header takes 53 bytes, but only 1 follow its length`},
		{"a shard lacks a tensor", folder(`{"weight_map":{"x":"a","y":"a"}}`, "a"),
			`loader: model.safetensors.index.json: tensor "y" is listed in a but is not there`},
		{"a tensor is in another shard", fstest.MapFS{indexFile: {Data: []byte(`{"weight_map":{"x":"a","y":"b"}}`)},
			"a": {Data: one}, "b": {Data: []byte(st(`{}`, 0))}},
			`loader: model.safetensors.index.json: tensor "y" is listed in b but is not there`},
		{"two shards have a tensor", folder(`{"weight_map":{"x":"a","y":"b"}}`, "a", "b"),
			`loader: b: tensor "x" is in a too`},
		{"a shard has another tensor", folder(`{"weight_map":{"x":"a"}}`, "a"), ``},
		{"a shard has a tensor that the index lacks", fstest.MapFS{indexFile: {Data: []byte(`{"weight_map":{"x":"a"}}`)},
			"a": {Data: []byte(st(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"y":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2))}},
			`loader: model.safetensors.index.json: tensor "y" of a is not listed`},
	} {
		w, err := Open(c.fsys)
		if err == nil {
			w.Close()
			err = errors.New("")
		}
		if err.Error() != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, err, c.want)
		}
	}
}

// TestDirectoryOnDisk: the same through the operating system.
func TestDirectoryOnDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/"+singleFile, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Open(os.DirFS(dir))
	if want := "loader: model.safetensors: this is a directory, not a file"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := OpenFile(os.DirFS(dir), "other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want an error that is fs.ErrNotExist", err)
	}
}

// FuzzOpen reads any bytes as a safetensors file, and every tensor of what is accepted.
func FuzzOpen(f *testing.F) {
	for _, c := range corruptFiles {
		f.Add([]byte(c.file))
	}
	for _, name := range []string{"plain.safetensors", "int8.safetensors", "types.safetensors"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := OpenFile(inMemory{"x": data}, "x")
		if err != nil {
			oneLine(t, err)
			return
		}
		total := 8 + int(binary.LittleEndian.Uint64(data))
		for _, name := range w.Names() {
			v, _ := w.View(name)
			if len(v.Raw()) != v.Bytes() {
				t.Fatalf("%q: %d bytes, want %d", name, len(v.Raw()), v.Bytes())
			}
			total += v.Bytes()
			if convertible(v.DType) && len(v.Float32()) != v.Len() {
				t.Fatalf("%q: %d elements", name, v.Len())
			}
			if q, scale, ok := v.Int8(); ok && (len(q) != v.Len() || len(q)%max(len(scale), 1) != 0) {
				t.Fatalf("%q: %d elements, %d scales", name, len(q), len(scale))
			}
			if v.Rows()*v.Cols() != v.Len() {
				t.Fatalf("%q: %d rows of %d elements in %v", name, v.Rows(), v.Cols(), v.Shape)
			}
		}
		if total != len(data) {
			t.Fatalf("header and tensors take %d bytes of %d", total, len(data))
		}
	})
}

// FuzzIndex reads any bytes as an index of shards.
func FuzzIndex(f *testing.F) {
	for _, s := range []string{
		`{"metadata":{"total_size":384},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"x/y"}}`,
		`{"weight_map":{"x":"../secret"}}`, `{"weight_map":{"x":"C:\\x"}}`, `{"weight_map":{"x":1}}`, `{"weight_map":{}} {}`, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		shardOf, err := parseIndex(data)
		if err != nil {
			oneLine(t, err)
			return
		}
		for _, shard := range shardOf {
			if !fs.ValidPath(shard) || strings.ContainsAny(shard, "\\\n") || len(shard) > 1000 {
				t.Fatalf("file %q", shard)
			}
		}
	})
}

// oneLine checks that an error is a line of bearable length.
func oneLine(t *testing.T, err error) {
	if s := err.Error(); strings.ContainsAny(s, "\n\r") || len(s) > 1000 {
		t.Fatalf("error of %d bytes: %q", len(s), s)
	}
}
