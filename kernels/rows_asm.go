//go:build !purego && (amd64 || arm64)

package kernels

// piece is how many elements one call of assembly takes at most: such a call cannot be preempted, and should not hold up
// the garbage collector for more than some 10 µs. A multiple of every block, so that pieces begin at lane 0.
const piece = 16384

// unary, binary and scaled make routines on slices of routines on pieces.
func unary(f func(dst, src *float32, n int)) func(dst, src []float32) {
	return func(dst, src []float32) {
		for i := 0; i < len(dst); i += piece {
			f(&dst[i], &src[i], min(piece, len(dst)-i))
		}
	}
}

func binary(f func(dst, a, b *float32, n int)) func(dst, a, b []float32) {
	return func(dst, a, b []float32) {
		for i := 0; i < len(dst); i += piece {
			f(&dst[i], &a[i], &b[i], min(piece, len(dst)-i))
		}
	}
}

func scaled(f func(dst, src *float32, n int, s float32)) func(dst, src []float32, s float32) {
	return func(dst, src []float32, s float32) {
		for i := 0; i < len(dst); i += piece {
			f(&dst[i], &src[i], min(piece, len(dst)-i), s)
		}
	}
}

// widen makes one of a routine on pieces of a multiple of 32 elements and one for the rest.
func widen(f func(dst *float32, src *uint16, n int), rest func(dst []float32, src []uint16)) func([]float32, []uint16) {
	return func(dst []float32, src []uint16) {
		whole := len(dst) &^ 31
		for i := 0; i < whole; i += piece {
			f(&dst[i], &src[i], min(piece, whole-i))
		}
		rest(dst[whole:], src[whole:])
	}
}
