//go:build unix

package loader

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmap maps a file for reading.
func mmap(f *os.File, size int64) ([]byte, error) {
	if size <= 0 || size > maxInt {
		return nil, errors.ErrUnsupported
	}
	return unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
}

func munmap(mem []byte) error { return unix.Munmap(mem) }

// release tells the system that the process has done with these mapped bytes. It keeps their place, and reads them again
// if they are wanted after all. Pages at the ends, which others may share, stay.
func release(mem []byte) {
	page := uintptr(os.Getpagesize())
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(mem)))
	head := int(-begin & (page - 1))
	tail := int((begin + uintptr(len(mem))) & (page - 1))
	if head+tail < len(mem) {
		_ = unix.Madvise(mem[head:len(mem)-tail], unix.MADV_DONTNEED) // only advice
	}
}
