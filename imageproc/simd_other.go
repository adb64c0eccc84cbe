//go:build !amd64 || purego

package imageproc

// simd is false: there are no routines for this processor.
var simd = false

func weighRGBAVX2(_, _, _, _ *byte, _ *int32, _ *int16, _, _ int) {
	panic("imageproc: no such routine")
}

func weighRowsAVX2(_, _ *byte, _ int, _ *int16, _, _ int) { panic("imageproc: no such routine") }
