//go:build unix

// Package fence has memory for tests that stands between pages which must not be touched: who reads or writes beyond a slice ends
// with a fault, and not only who leaves a trace there.
package fence

import (
	"runtime/debug"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Fences hand out slices beside such pages, as much memory as is asked for, in turns: each turn takes the same memory anew.
type Fences struct {
	t    testing.TB
	list [][]byte
	used int
	last bool // slices end at the page behind, and do not begin at the one before
}

// New returns fences that last as long as the test.
func New(t testing.TB) *Fences { return &Fences{t: t} }

// Turn begins a turn: slices end at a page that must not be touched if last, else they begin at one.
func (f *Fences) Turn(last bool) { f.used, f.last = 0, last }

// Both calls f twice, in a turn for each end of memory. A fault ends the test and says what was under way.
func (f *Fences) Both(what string, call func()) {
	f.t.Helper()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			f.t.Fatalf("%s, at the end of memory: %v: %v", what, f.last, v)
		}
	}()
	for _, last := range []bool{true, false} {
		f.Turn(last)
		call()
	}
}

// Copy returns a copy of s beside a page that must not be touched. The other end has room for others' elements.
func Copy[T any](f *Fences, s []T) []T {
	size := len(s) * int(unsafe.Sizeof(*new(T)))
	if size == 0 {
		return make([]T, 0) // a pointer to the page would be one beyond memory
	}
	if f.used == len(f.list) {
		f.list = append(f.list, nil)
	}
	if len(f.list[f.used]) < size {
		f.list[f.used] = fenced(f.t, size)
	}
	mem := f.list[f.used]
	f.used++
	if f.last {
		mem = mem[len(mem)-size:]
	}
	dst := unsafe.Slice((*T)(unsafe.Pointer(&mem[:size][0])), len(s))
	copy(dst, s)
	return dst
}

// fenced returns memory of at least that many bytes between two pages without access.
func fenced(t testing.TB, size int) []byte {
	page := unix.Getpagesize()
	size = (max(size, 1<<16) + page - 1) / page * page
	all, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Skipf("the system has no memory: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(all); err != nil {
			t.Error(err)
		}
	})
	mem := all[page:][:size:size]
	if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		t.Skipf("memory cannot be made readable: %v", err)
	}
	return mem
}
