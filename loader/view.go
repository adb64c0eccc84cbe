package loader

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/godwit-ml/godwit/tensor"
)

// A View is a tensor in a file. It is immutable and safe for concurrent use until its Weights are closed.
//
// Rows are those of a matrix: all axes but the last are folded into one. A tensor of type I8 that comes with a scale (see
// docs/FORMATS.md) has its elements multiplied by the scale of their row, or of their group in it, when they are converted to
// float32.
//
// A method that cannot read the file leaves its result unspecified and sets [Weights.Err].
type View struct {
	// Name is the tensor's name: the canonical one after [Weights.Rename].
	Name string
	// DType is the type of the elements in the file.
	DType tensor.DType
	// Shape holds the dimensions. It must not be changed.
	Shape []int

	key   string // the name in the file
	src   *source
	begin int64  // in the file
	scale *View  // of an I8 tensor, or nil: one element for each group of elements
	group int    // elements that share a scale
	other bool   // this is the scale of another tensor
	taken uint32 // bytes that have been read, in all; it may overflow
}

// Len returns the number of elements.
func (v *View) Len() int { return tensor.Elems(v.Shape) }

// Bytes returns the number of bytes that the tensor takes in the file.
func (v *View) Bytes() int { return v.Len()/8*v.DType.Bits() + v.Len()%8*v.DType.Bits()/8 }

// IsScale reports whether the tensor is the scale of an I8 tensor: how a weight is stored, not a parameter of its own.
func (v *View) IsScale() bool { return v.other }

// Cols returns the length of a row: the last dimension, 1 for a scalar.
func (v *View) Cols() int {
	if len(v.Shape) == 0 {
		return 1
	}
	return v.Shape[len(v.Shape)-1]
}

// Rows returns the number of rows: the product of all dimensions but the last.
func (v *View) Rows() int { return tensor.Elems(v.Shape[:max(len(v.Shape)-1, 0)]) }

// Reshape returns a View of the same elements in another shape. It panics if their number differs.
func (v *View) Reshape(shape ...int) *View {
	if tensor.Elems(shape) != v.Len() {
		panic(fmt.Sprintf("loader: %s: shape %v reshaped to %v", v.Name, v.Shape, shape))
	}
	w := *v
	w.Shape = shape
	return &w
}

// Row converts row i to float32 into dst, which has length Cols. It has the form that kernels.Exec.Pack asks for: row j of a
// weight [out, in] is column j of the product's matrix.
func (v *View) Row(i int, dst []float32) {
	n := v.Cols()
	if uint(i) >= uint(v.Rows()) || len(dst) != n {
		panic(fmt.Sprintf("loader: %s: row %d of shape %v into %d elements", v.Name, i, v.Shape, len(dst)))
	}
	v.convert(i*n, dst)
}

// Row16 copies row i of a tensor of type F16 or BF16, as it is, into dst, which has length Cols.
func (v *View) Row16(i int, dst []uint16) {
	n := v.Cols()
	if v.DType != tensor.F16 && v.DType != tensor.BF16 || uint(i) >= uint(v.Rows()) || len(dst) != n {
		panic(fmt.Sprintf("loader: %s: row %d of type %v and shape %v into %d elements of 16 bits", v.Name, i, v.DType, v.Shape, len(dst)))
	}
	v.src.read(v.begin+2*int64(i)*int64(n), 2*n, func(b []byte) {
		if littleEndian {
			copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), 2*n), b)
			return
		}
		for j := range dst {
			dst[j] = binary.LittleEndian.Uint16(b[2*j:])
		}
	})
	v.took(2 * n)
}

// took counts n bytes that have been read. Every 16 MB the pages that are in memory are given back, so that a tensor of
// gigabytes is not in memory twice while it is packed; what is read again comes back.
func (v *View) took(n int) {
	const piece = 16 << 20
	if now := atomic.AddUint32(&v.taken, uint32(n)); now/piece != (now-uint32(n))/piece {
		v.release()
	}
}

// Float32 returns all elements, converted, in a slice of their own.
func (v *View) Float32() []float32 {
	dst := make([]float32, v.Len())
	v.convert(0, dst)
	return dst
}

// convert converts the elements start, start+1, ... to fill dst.
func (v *View) convert(start int, dst []float32) {
	size := v.DType.Bits() / 8
	for len(dst) > 0 {
		n := len(dst)
		if v.scale != nil {
			n = min(n, v.group-start%v.group) // up to where the next scale begins
		} else {
			n = min(n, 1<<20) // bounds the buffer of a file that is read in pieces
		}
		part := dst[:n]
		var scale float32
		if v.scale != nil {
			v.scale.convert(start/v.group, part[:1]) // there, since a variable's slice would be allocated
			scale = part[0]
		}
		v.src.read(v.begin+int64(start)*int64(size), n*size, func(b []byte) { convert(part, b, v.DType) })
		v.took(n * size)
		if v.scale != nil {
			for i, q := range part {
				part[i] = float32(scale * q)
			}
		}
		start += n
		dst = dst[n:]
	}
}

// Raw returns the tensor's bytes as they are in the file, little-endian. They must not be changed: those of a [ByteFS] are
// its own; otherwise they are a copy.
func (v *View) Raw() []byte {
	n := v.Bytes()
	if v.src.static() {
		return v.src.mem[v.begin : v.begin+int64(n) : v.begin+int64(n)]
	}
	raw := make([]byte, n)
	for at := 0; at < n; at += 1 << 22 {
		part := raw[at:min(n, at+1<<22)]
		v.src.read(v.begin+int64(at), len(part), func(b []byte) { copy(part, b) })
	}
	return raw
}

// Int8 returns the elements of an I8 tensor that has a scale, and the scales: each holds for Len/len(scale) elements in
// sequence, a row of the first axis or a group in one, and an element's value is float32(scale·q). ok is false for every other
// tensor. As with Raw, q must not be changed.
func (v *View) Int8() (q []int8, scale []float32, ok bool) {
	if v.scale == nil {
		return nil, nil, false
	}
	raw := v.Raw()
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(raw))), len(raw)), v.scale.Float32(), true
}

// Tensor returns the tensor as it is in the file: F32 elements in Data, any other type in Raw.
func (v *View) Tensor() tensor.Tensor {
	t := tensor.Tensor{DType: v.DType, Shape: v.Shape}
	if v.DType == tensor.F32 {
		t.Data = v.Float32()
	} else {
		t.Raw = v.Raw()
	}
	return t
}

// release gives back the memory of mapped pages that have been read.
func (v *View) release() {
	if v.src.mapped {
		release(v.src.mem[v.begin : v.begin+int64(v.Bytes())])
	}
}

// attachScale gives an I8 tensor its scale, if s is one: floating-point, [n] or [n, groups] for n the first dimension, each
// row then being cut into that many groups of equal length.
func (v *View) attachScale(s *View) {
	if v.DType != tensor.I8 || len(v.Shape) < 2 || len(s.Shape) == 0 || v.Shape[0] == 0 || !slices.Contains(floats, s.DType) {
		return
	}
	n, groups := v.Shape[0], 1
	if len(s.Shape) == 2 {
		groups = s.Shape[1]
	}
	if row := v.Len() / n; s.Shape[0] == n && len(s.Shape) <= 2 && groups > 0 && row%groups == 0 {
		v.scale, v.group, s.other = s, max(row/groups, 1), true
	}
}

// floats are the types that a scale may have.
var floats = []tensor.DType{tensor.F32, tensor.F16, tensor.BF16, tensor.F64}
