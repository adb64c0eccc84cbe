package kernels

import "fmt"

// checkWiden panics unless both slices have one length.
func checkWiden(routine string, n, of int) {
	if n != of {
		panic(fmt.Sprintf("kernels: %s of %d elements into %d", routine, of, n))
	}
}

// WidenBFloat16 sets dst to the bfloat16 numbers of src, the upper halves of float32 numbers: every one exactly, and each
// NaN bit by bit.
func (x *Exec) WidenBFloat16(dst []float32, src []uint16) {
	checkWiden("WidenBFloat16", len(dst), len(src))
	x.set.widenBFloat16(dst, src)
}

// WidenFloat16 sets dst to the IEEE half-precision numbers of src, every one exactly, subnormal ones included.
func (x *Exec) WidenFloat16(dst []float32, src []uint16) {
	checkWiden("WidenFloat16", len(dst), len(src))
	x.set.widenFloat16(dst, src)
}
