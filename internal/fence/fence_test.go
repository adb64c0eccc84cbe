//go:build unix

package fence

import (
	"runtime/debug"
	"slices"
	"testing"
	"unsafe"
)

// TestFault proves that what stands beside a slice cannot be read, and what stands in it can.
func TestFault(t *testing.T) {
	f := New(t)
	for _, n := range []int{1, 3, 5000, 1 << 17} {
		for _, last := range []bool{true, false} {
			f.Turn(last)
			s := make([]int16, n)
			for i := range s {
				s[i] = int16(i)
			}
			c := Copy(f, s)
			if !slices.Equal(c, s) {
				t.Fatalf("a copy of %d elements is another", n)
			}
			p := unsafe.Add(unsafe.Pointer(&c[0]), -2)
			if last {
				p = unsafe.Add(unsafe.Pointer(&c[0]), 2*n)
			}
			if !faults(p) {
				t.Errorf("the element beside %d others could be read; at the end of memory: %v", n, last)
			}
		}
	}
}

// faults reports whether memory cannot be read.
func faults(p unsafe.Pointer) (yes bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { yes = recover() != nil }()
	sink = *(*int16)(p)
	return false
}

var sink int16
