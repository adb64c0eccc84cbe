//go:build !purego

package kernels

import "github.com/godwit-ml/godwit/internal/cpu"

// machineSets returns the Sets with assembly that this machine can run, the best first.
func machineSets() []*Set {
	if !cpu.AVX2 {
		return nil
	}
	avx2 := generic.with("avx2")
	avx2.rowsAVX2()
	avx2.attentionAVX2()
	avx2.tilesAVX2()
	avx2.narrowTilesAVX2()
	avx2.kvTilesAVX2()
	avx2.streamTilesAVX2()
	if !cpu.AVX512 {
		return []*Set{avx2}
	}
	avx512 := avx2.with("avx512")
	avx512.check = true
	avx512.rowsAVX512()
	avx512.attentionAVX512()
	avx512.tilesAVX512()
	avx512.narrowTilesAVX512()
	avx512.streamTilesAVX512()
	avx512.kvTilesAVX512()
	return []*Set{avx512, avx2}
}
