//go:build !purego

package imageproc

import "github.com/godwit-ml/godwit/internal/cpu"

// simd tells that the routines below are used.
var simd = cpu.AVX2

// weighRGBAVX2 makes n pixels RGB of each of two rows: pixel i is made of the 4·groups pixels from starts[i] on, with the weights
// of a [grouped]. It reads 4 bytes beyond the last of them.
//
//go:noescape
func weighRGBAVX2(outA, outB, a, b *byte, starts *int32, weights *int16, groups, n int)

// weighRowsAVX2 makes 16·blocks bytes, each of 4·groups bytes that stand stride bytes apart.
//
//go:noescape
func weighRowsAVX2(out, in *byte, stride int, weights *int16, groups, blocks int)
