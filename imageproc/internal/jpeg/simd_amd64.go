//go:build !purego

package jpeg

import "github.com/godwit-ml/godwit/internal/cpu"

// simd tells that the routines below are used.
var simd = cpu.AVX2

// idctFactors are the constants of the routines, eight times each.
//
//nolint:unused // the assembly reads it
var idctFactors = func() (f [22][8]uint32) {
	words := func(low, high int) int32 { return int32(uint32(uint16(high))<<16 | uint32(uint16(low))) }
	for i, v := range [22]int32{
		fix0541, fix1847, fix0765, fix1175, fix0899, fix2562, fix1961, fix0390, fix0298, fix2053, fix3072, fix1501, // of butterfly
		1 << (constBits - pass1Bits - 1), 1 << (constBits + pass1Bits + 2), -0x7f7f7f80, // rounds, and 128 in each byte
		words(8, 8), words(7, 7), // of quadruple
		words(0, 26345), words(-22554, 18734), words(-14942, 0), 1 << 15, words(128, 128), // of paintYCC, for blue and red
	} {
		for j := range f[i] {
			f[i][j] = uint32(v)
		}
	}
	return f
}()

// idctAVX2 is idct of a block that has more than its first coefficient.
//
//go:noescape
func idctAVX2(out *byte, stride int, block *[64]int16, quant *[64]int32)

// quadrupleAVX2 is quadruple of 16·blocks samples from near and far on: one before them and one behind are read as well.
//
//go:noescape
func quadrupleAVX2(out, near, far *byte, blocks int)

// paintAVX2 is paintYCC of 16·blocks pixels.
//
//go:noescape
func paintAVX2(out, luma, blue, red *byte, blocks int)
