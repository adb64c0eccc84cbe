package loader

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/godwit-ml/godwit/tensor"
)

// TestLargeTensor reads a tensor whose pages are given back while it is read, twice.
func TestLargeTensor(t *testing.T) {
	const rows, cols = 9000, 1024 // 18 MB
	raw := make([]byte, 2*rows*cols)
	for i := range rows {
		binary.LittleEndian.PutUint16(raw[2*i*cols:], uint16(i))
	}
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	err = Write(f, map[string]tensor.Tensor{"x": {DType: tensor.BF16, Shape: []int{rows, cols}, Raw: raw}}, nil)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	w, err := Open(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	v, _ := w.View("x")
	row := make([]uint16, cols)
	for range 2 {
		for i := range rows {
			if v.Row16(i, row); row[0] != uint16(i) || row[1] != 0 {
				t.Fatalf("row %d begins with %d, %d", i, row[0], row[1])
			}
		}
	}
	if err := w.Err(); err != nil {
		t.Error(err)
	}
}
