//go:build !purego

package peak

var loops = map[string]FMA{"neon": {fmaNEON, 16 * 4 * 2}}

//go:noescape
func fmaNEON(n int)

//go:noescape
func readNEON(p *float32, n int)

// read reads n elements, a multiple of readQuantum.
func read(p *float32, n int) { readNEON(p, n) }
