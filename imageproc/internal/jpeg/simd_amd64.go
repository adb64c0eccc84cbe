//go:build !purego

package jpeg

import "github.com/godwit-ml/godwit/internal/cpu"

// simd tells that the routines below are used.
var simd = cpu.AVX2

// idctFactors are the constants of the routines, eight times each.
//
//nolint:unused // the assembly reads it
var idctFactors = func() (f [18][8]uint32) {
	words := func(low, high int) int32 { return int32(uint32(uint16(high))<<16 | uint32(uint16(low))) }
	for i, v := range [18]int32{
		words(fix0541+fix0765, fix0541), words(fix0541, fix0541-fix1847), // of butterfly, for the pairs 2 and 6,
		words(fix1175-fix1961, fix1175), words(fix1175, fix1175-fix0390), // 7 + 3 and 5 + 1,
		words(fix0298-fix0899, -fix0899), words(-fix0899, fix1501-fix0899), // 7 and 1,
		words(fix2053-fix2562, -fix2562), words(-fix2562, fix3072-fix2562), // 5 and 3
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
func idctAVX2(out *byte, stride int, block, quant *[64]int16)

// quadrupleAVX2 is quadruple of 16·blocks samples from near and far on: one before them and one behind are read as well.
//
//go:noescape
func quadrupleAVX2(out, near, far *byte, blocks int)

// paintAVX2 is paintYCC of 16·blocks pixels.
//
//go:noescape
func paintAVX2(out, luma, blue, red *byte, blocks int)
