package kernels

import (
	"syscall"
	"unsafe"
)

// hugePages asks for huge pages for memory that has not been used yet. It is advice, which the system may not take.
func hugePages(b []float32) {
	const size = 2 << 20
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(b))), 4*len(b))
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(bytes))) % size)
	if n := (len(bytes) - skip) / size * size; n > 0 {
		_ = syscall.Madvise(bytes[skip:][:n], syscall.MADV_HUGEPAGE)
	}
}
