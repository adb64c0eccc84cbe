//go:build !(avx512emulated && amd64)

package cpu

const emulated = false
