package nn

import (
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A Matrix is the weight of a product as a file holds it: the rows of one or several tensors [out, in], one under the other,
// are the columns of the product's matrix. Where all its tensors are of float16, or all of bfloat16, it is packed as it is;
// any other becomes float32.
type Matrix struct {
	K, N  int // input and output features
	Parts []*loader.View
	// Transposed tells that it is one tensor [in, out], in its own order.
	Transposed bool
	// Row, if not nil, returns which row of the parts is column j of the product's matrix; otherwise it is row j.
	Row func(j int) int
}

// Pack packs the matrix for kernels.Exec.Gemm. It is to be called from a function given to loader.Scope.Then.
func (m Matrix) Pack(x *kernels.Exec) *kernels.Weights {
	s := storageOf(m)
	switch {
	case m.Transposed && s != kernels.Float32:
		return x.PackRows16(m.K, m.N, s, m.Parts[0].Row16)
	case m.Transposed:
		return x.PackRows(m.K, m.N, m.Parts[0].Row)
	case s != kernels.Float32:
		return x.Pack16(m.K, m.N, s, columns(m, (*loader.View).Row16))
	}
	return x.Pack(m.K, m.N, columns(m, (*loader.View).Row))
}

// PackGated is [Matrix.Pack] of the two matrices of a gated product, whose shapes are the same, and which are not transposed.
func PackGated(x *kernels.Exec, gate, up Matrix) *kernels.Weights {
	if s := storageOf(gate, up); s != kernels.Float32 {
		return x.PackGated16(gate.K, gate.N, s, columns(gate, (*loader.View).Row16), columns(up, (*loader.View).Row16))
	}
	return x.PackGated(gate.K, gate.N, columns(gate, (*loader.View).Row), columns(up, (*loader.View).Row))
}

// storageOf returns the type in which matrices are packed together.
func storageOf(matrices ...Matrix) kernels.Storage {
	first := matrices[0].Parts[0].DType
	for _, m := range matrices {
		for _, v := range m.Parts {
			if v.DType != first {
				return kernels.Float32
			}
		}
	}
	return storage(first)
}

// storage returns the type in which a tensor's elements are kept.
func storage(d tensor.DType) kernels.Storage {
	switch d {
	case tensor.BF16:
		return kernels.BFloat16
	case tensor.F16:
		return kernels.Float16
	}
	return kernels.Float32
}

// columns returns the function that gives the columns of the product's matrix; read reads a row of a tensor.
func columns[T float32 | uint16](m Matrix, read func(v *loader.View, i int, dst []T)) func(j int, dst []T) {
	column := func(j int, dst []T) {
		for _, v := range m.Parts {
			if j < v.Rows() {
				read(v, j, dst)
				return
			}
			j -= v.Rows()
		}
	}
	if m.Row == nil {
		return column
	}
	return func(j int, dst []T) { column(m.Row(j), dst) }
}

// rows returns all elements of a tensor.
func rows[T float32 | uint16](v *loader.View, read func(v *loader.View, i int, dst []T)) []T {
	n := v.Cols()
	all := make([]T, v.Len())
	for i := range v.Rows() {
		read(v, i, all[i*n:][:n])
	}
	return all
}
