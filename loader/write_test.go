package loader

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/godwit-ml/godwit/tensor"
)

// all returns the tensors of a file as they are.
func all(w *Weights) map[string]tensor.Tensor {
	tensors := make(map[string]tensor.Tensor)
	for _, name := range w.Names() {
		v, _ := w.View(name)
		tensors[name] = v.Tensor()
	}
	return tensors
}

// TestWriteAsPython writes the tensors of files that the safetensors library wrote, and expects the same bytes.
func TestWriteAsPython(t *testing.T) {
	for _, name := range []string{
		"types.safetensors", "plain.safetensors", "int8.safetensors", "sharded/model-00002-of-00003.safetensors",
	} {
		want, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		w, err := OpenFile(os.DirFS("testdata"), name)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		var got bytes.Buffer
		if err := Write(&got, all(w), w.Metadata()); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: wrote\n%.300q\nwant\n%.300q", name, got.Bytes(), want)
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out.safetensors")
	for _, x := range []float32{1, 2} { // the second replaces the first
		tensors := map[string]tensor.Tensor{"x": tensor.FromFloat32([]float32{x, -x}, 2)}
		if err := WriteFile(name, tensors, map[string]string{"b": "2", "a": "é\x01"}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := "\x60\x00\x00\x00\x00\x00\x00\x00" +
		`{"__metadata__":{"a":"é\u0001","b":"2"},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}` + "  " +
		"\x00\x00\x00\x40\x00\x00\x00\xc0"
	if string(got) != want {
		t.Errorf("wrote\n%q\nwant\n%q", got, want)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("files left: %v", left)
	}

	err = WriteFile(name, map[string]tensor.Tensor{"x": {DType: tensor.F32, Shape: []int{3}}}, nil)
	if err == nil {
		t.Fatal("a tensor without data was written")
	}
	if after, _ := os.ReadFile(name); !bytes.Equal(got, after) {
		t.Error("a failed write changed the file")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("files left: %v", left)
	}
}

func TestWriteErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		tensors map[string]tensor.Tensor
		meta    map[string]string
		want    string
	}{
		{"no type", map[string]tensor.Tensor{"x": {}}, nil,
			`loader: writing safetensors: tensor "x": the type is not set`},
		{"too little data", map[string]tensor.Tensor{"x": {DType: tensor.I64, Shape: []int{2, 3}, Raw: make([]byte, 40)}}, nil,
			`loader: writing safetensors: tensor "x": I64 of shape [2 3] takes 48 bytes, but 40 are given`},
		{"negative", map[string]tensor.Tensor{"x": {DType: tensor.U8, Shape: []int{-1}}}, nil,
			`loader: writing safetensors: tensor "x": shape [-1] is negative`},
		{"half a byte", map[string]tensor.Tensor{"x": {DType: tensor.F4, Shape: []int{3}, Raw: make([]byte, 2)}}, nil,
			`loader: writing safetensors: tensor "x": shape [3] of F4 does not fill whole bytes`},
		{"reserved", map[string]tensor.Tensor{"__metadata__": tensor.New(1)}, nil,
			`loader: writing safetensors: tensor "__metadata__": the name is reserved`},
		{"name", map[string]tensor.Tensor{"\xff": tensor.New(1)}, nil,
			`loader: writing safetensors: tensor "\xff": the name is not UTF-8`},
		{"metadata", nil, map[string]string{"a": "\xff"},
			`loader: writing safetensors: metadata "a" is not UTF-8`},
	} {
		err := Write(&bytes.Buffer{}, c.tensors, c.meta)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
}

// failing accepts n bytes.
type failing int

var errFull = errors.New("disk full")

func (f *failing) Write(b []byte) (int, error) {
	if len(b) > int(*f) {
		return 0, errFull
	}
	*f -= failing(len(b))
	return len(b), nil
}

func TestWriteFails(t *testing.T) {
	tensors := map[string]tensor.Tensor{"x": tensor.New(100), "y": tensor.FromInt64([]int64{1}, 1)}
	var whole bytes.Buffer
	if err := Write(&whole, tensors, nil); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 100, whole.Len() - 1} {
		f := failing(n)
		if err := Write(&f, tensors, nil); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// FuzzWrite writes what it can read, and reads the same again.
func FuzzWrite(f *testing.F) {
	for _, name := range []string{"plain.safetensors", "int8.safetensors", "types.safetensors"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := OpenFile(inMemory{"x": data}, "x")
		if err != nil {
			return
		}
		tensors := all(w)
		var b bytes.Buffer
		if err := Write(&b, tensors, w.Metadata()); err != nil {
			t.Fatal(err)
		}
		again, err := OpenFile(inMemory{"x": b.Bytes()}, "x")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(again.Names(), w.Names()) {
			t.Fatalf("names %q, want %q", again.Names(), w.Names())
		}
		for name, x := range tensors {
			v, _ := again.View(name)
			old, _ := w.View(name)
			if v.DType != x.DType || !slices.Equal(v.Shape, x.Shape) || !bytes.Equal(v.Raw(), old.Raw()) {
				t.Fatalf("%q differs", name)
			}
		}
		var c bytes.Buffer
		if err := Write(&c, all(again), again.Metadata()); err != nil || !bytes.Equal(b.Bytes(), c.Bytes()) {
			t.Fatalf("the second writing differs (%v)", err)
		}
	})
}
