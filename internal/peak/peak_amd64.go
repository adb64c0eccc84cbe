//go:build !purego

package peak

import "github.com/godwit-ml/godwit/internal/cpu"

var loops = map[string]FMA{
	"avx2":   {fmaAVX2, 12 * 8 * 2},
	"avx512": {fmaAVX512, 12 * 16 * 2},
}

//go:noescape
func fmaAVX2(n int)

//go:noescape
func fmaAVX512(n int)

//go:noescape
func readAVX(p *float32, n int)

//go:noescape
func readAVX512(p *float32, n int)

// read reads n elements, a multiple of readQuantum.
func read(p *float32, n int) {
	switch {
	case cpu.AVX512:
		readAVX512(p, n)
	case cpu.AVX2:
		readAVX(p, n)
	default:
		readGo(p, n)
	}
}
