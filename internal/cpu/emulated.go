//go:build avx512emulated && amd64

package cpu

// emulated says that AVX-512 is there, whatever the processor says: for tests under internal/ci/avx512.
const emulated = true
