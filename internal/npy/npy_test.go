package npy

import (
	"bytes"
	"math"
	"testing"
)

// TestWriteFloat32 compares with the bytes that numpy.save writes for the same array:
//
//	numpy.save("a.npy", numpy.array([[1.5, -0.0, numpy.inf], [1e-45, 3.4028235e38, 0.1]], dtype=numpy.float32))
func TestWriteFloat32(t *testing.T) {
	rows := [][]float32{{1.5, float32(math.Copysign(0, -1)), float32(math.Inf(1))}, {1e-45, math.MaxFloat32, 0.1}}
	var got bytes.Buffer
	if err := WriteFloat32(&got, rows, 3); err != nil {
		t.Fatal(err)
	}
	want := "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" +
		"                                                          \n" +
		"\x00\x00\xc0?\x00\x00\x00\x80\x00\x00\x80\x7f\x01\x00\x00\x00\xff\xff\x7f\x7f\xcd\xcc\xcc="
	if got.String() != want {
		t.Errorf("got  %q\nwant %q", got.String(), want)
	}
}

func TestWriteFloat32Empty(t *testing.T) {
	var got bytes.Buffer
	if err := WriteFloat32(&got, nil, 384); err != nil {
		t.Fatal(err)
	}
	if got.Len() != 128 || !bytes.Contains(got.Bytes(), []byte("'shape': (0, 384), }")) {
		t.Errorf("got %q", got.String())
	}
}

func TestWriteFloat32Ragged(t *testing.T) {
	err := WriteFloat32(new(bytes.Buffer), [][]float32{{1, 2}, {3}}, 2)
	if err == nil || err.Error() != "npy: row 1 has 1 elements, want 2" {
		t.Errorf("got %v", err)
	}
}
