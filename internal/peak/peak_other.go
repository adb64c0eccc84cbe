//go:build purego || !(amd64 || arm64)

package peak

var loops map[string]FMA

// read reads n elements, a multiple of readQuantum.
func read(p *float32, n int) { readGo(p, n) }
