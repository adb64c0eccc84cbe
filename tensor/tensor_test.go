package tensor

import (
	"math"
	"slices"
	"testing"
)

func TestElems(t *testing.T) {
	for _, c := range []struct {
		shape []int
		want  int
	}{
		{nil, 1}, {[]int{3}, 3}, {[]int{2, 3, 4}, 24}, {[]int{5, 0}, 0}, {[]int{2, -1}, -1},
		{[]int{math.MaxInt, 2}, -1}, {[]int{math.MaxInt, 2, 0}, 0}, {[]int{math.MaxInt, 1}, math.MaxInt},
	} {
		if got := Elems(c.shape); got != c.want {
			t.Errorf("Elems(%v) = %d, want %d", c.shape, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		t    Tensor
		want string
	}{
		{New(2, 3), ""}, {New(), ""}, {New(0, 3), ""}, {FromInt64([]int64{-1, 2}, 2), ""},
		{Tensor{DType: F4, Shape: []int{2, 3}, Raw: make([]byte, 3)}, ""},
		{Tensor{DType: F4, Shape: []int{3}, Raw: make([]byte, 2)}, "2 bytes are not the elements of a tensor of type F4 and shape [3]"},
		{Tensor{DType: F32, Shape: []int{2}, Raw: make([]byte, 8)}, "0 bytes are not the elements of a tensor of type F32 and shape [2]"},
		{Tensor{DType: I64, Shape: []int{1}, Raw: make([]byte, 9)}, "9 bytes are not the elements of a tensor of type I64 and shape [1]"},
		{Tensor{DType: U8, Shape: []int{-1}}, "0 bytes are not the elements of a tensor of type U8 and shape [-1]"},
		{Tensor{DType: I64, Shape: []int{1 << 61}}, "0 bytes are not the elements of a tensor of type I64 and shape [2305843009213693952]"},
		{Tensor{}, "0 bytes are not the elements of a tensor of type invalid and shape []"},
	} {
		text := ""
		if err := c.t.Check(); err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("%v %v: %q, want %q", c.t.DType, c.t.Shape, text, c.want)
		}
	}
}

func TestRows(t *testing.T) {
	m := FromFloat32([]float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 2, 3, 2)
	if m.Cols() != 2 || m.NumRows() != 6 || m.Len() != 12 || !slices.Equal(m.Row(4), []float32{8, 9}) || cap(m.Row(4)) != 2 {
		t.Errorf("%d rows of %d, row 4 is %v", m.NumRows(), m.Cols(), m.Row(4))
	}
	if s := New(); s.Cols() != 1 || s.NumRows() != 1 {
		t.Errorf("a scalar has %d rows of %d", s.NumRows(), s.Cols())
	}
	if i := FromInt64([]int64{-2}, 1); !slices.Equal(i.Raw, []byte{254, 255, 255, 255, 255, 255, 255, 255}) {
		t.Errorf("-2 is %v", i.Raw)
	}
}

func TestParseDType(t *testing.T) {
	for d := Bool; d <= U64; d++ {
		if got, ok := ParseDType(d.String()); got != d || !ok || d.Bits() == 0 {
			t.Errorf("%v of %d bits is parsed as %v, %v", d, d.Bits(), got, ok)
		}
	}
	for _, name := range []string{"", "invalid", "f32", "F128"} {
		if d, ok := ParseDType(name); ok {
			t.Errorf("%q is parsed as %v", name, d)
		}
	}
	if d := U64 + 1; d.Bits() != 0 || d.String() != "DType(23)" {
		t.Errorf("%v of %d bits", d, d.Bits())
	}
}
