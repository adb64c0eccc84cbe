//go:build !amd64 || purego

package jpeg

// simd is false: there are no routines for this processor.
var simd = false

func idctAVX2(_ *byte, _ int, _, _ *[64]int16) { panic("jpeg: no such routine") }

func quadrupleAVX2(_, _, _ *byte, _ int) { panic("jpeg: no such routine") }

func paintAVX2(_, _, _, _ *byte, _ int) { panic("jpeg: no such routine") }
