package tensor

import (
	"fmt"
	"math"
	"slices"
)

// A Tensor is a dense, row-major array: a shape, and either float32 elements, which is what is computed with, or the
// raw little-endian bytes of another type as a file holds them.
//
// A Tensor is a small header over shared storage: copying it, and Row, make views, not copies.
type Tensor struct {
	// DType is the type of the elements.
	DType DType
	// Shape holds the dimensions, the slowest first. A scalar has none.
	Shape []int
	// Data holds the elements of an F32 tensor and is nil for every other type.
	Data []float32
	// Raw holds the elements of a tensor of any other type, little-endian, without alignment.
	Raw []byte
}

// New returns an F32 tensor of zeros.
func New(shape ...int) Tensor {
	return Tensor{DType: F32, Shape: shape, Data: make([]float32, Elems(shape))}
}

// FromFloat32 returns an F32 tensor over data, which it shares. It panics if the shape does not hold len(data) elements.
func FromFloat32(data []float32, shape ...int) Tensor {
	if Elems(shape) != len(data) {
		panic(fmt.Sprintf("tensor: shape %v does not hold %d elements", shape, len(data)))
	}
	return Tensor{DType: F32, Shape: shape, Data: data}
}

// FromInt64 returns an I64 tensor holding a copy of data.
func FromInt64(data []int64, shape ...int) Tensor {
	if Elems(shape) != len(data) {
		panic(fmt.Sprintf("tensor: shape %v does not hold %d elements", shape, len(data)))
	}
	raw := make([]byte, 0, 8*len(data))
	for _, v := range data {
		u := uint64(v)
		raw = append(raw, byte(u), byte(u>>8), byte(u>>16), byte(u>>24), byte(u>>32), byte(u>>40), byte(u>>48), byte(u>>56))
	}
	return Tensor{DType: I64, Shape: shape, Raw: raw}
}

// Elems returns the number of elements of a shape, or -1 if a dimension is negative or the product exceeds an int.
func Elems(shape []int) int {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return -1
		}
		if d != 0 && n > math.MaxInt/d {
			// Too large, unless a dimension of zero still follows.
			if slices.Contains(shape, 0) {
				return 0
			}
			return -1
		}
		n *= d
	}
	return n
}

// Len returns the number of elements.
func (t Tensor) Len() int { return Elems(t.Shape) }

// Check returns an error unless Data or Raw holds exactly the elements of the shape. It is for tensors that come from
// outside; inside, they are right.
func (t Tensor) Check() error {
	have := len(t.Raw)
	if t.DType == F32 {
		have = 4 * len(t.Data)
	}
	if bits := t.DType.Bits(); bits == 0 || 8*have%bits != 0 || 8*have/bits != t.Len() {
		return fmt.Errorf("%d bytes are not the elements of a tensor of type %v and shape %v", have, t.DType, t.Shape)
	}
	return nil
}

// Cols returns the length of the last axis, 1 for a scalar.
func (t Tensor) Cols() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[len(t.Shape)-1]
}

// NumRows returns the number of rows when all axes but the last are folded into one.
func (t Tensor) NumRows() int {
	n := 1
	for _, d := range t.Shape[:max(len(t.Shape)-1, 0)] {
		n *= d
	}
	return n
}

// Row returns row i of an F32 tensor whose axes but the last are folded into one. It shares the storage.
func (t Tensor) Row(i int) []float32 {
	n := t.Cols()
	return t.Data[i*n : (i+1)*n : (i+1)*n]
}
