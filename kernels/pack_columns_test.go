package kernels

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// checkPackColumns compares the routine of every Set with the definition, for a panel of d rows from columns ld apart, at some
// place in memory, with guard words around it.
func checkPackColumns(t *testing.T, r *rand.Rand, d, ld, at int) {
	t.Helper()
	const guard = 0xA5C3
	src := make([]uint16, at+max(0, (panelWidth-1)*ld+d))
	for i := range src {
		src[i] = uint16(r.Uint32())
	}
	want := make([]uint16, d*panelWidth)
	packColumnsGo(want, src[at:], ld, d)
	for _, s := range Sets() {
		all := slices.Repeat([]uint16{guard}, at+len(want)+panelWidth)
		s.packColumns(all[at:][:len(want):len(want)], src[at:], ld, d)
		if !slices.Equal(all[at:][:len(want)], want) {
			t.Fatalf("%s: d=%d ld=%d at=%d: other numbers than the definition", s.name, d, ld, at)
		}
		for i, v := range all {
			if v != guard && (i < at || i >= at+len(want)) {
				t.Fatalf("%s: d=%d ld=%d at=%d: word %d is overwritten", s.name, d, ld, at, i)
			}
		}
	}
}

// TestPackColumns has panels of all sizes, at several places; and the definition itself.
func TestPackColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, d := range append(sizes(), 256) {
		for _, more := range []int{0, 1, 8, 345} {
			checkPackColumns(t, r, d, d+more, d%11)
		}
	}
	src := make([]uint16, panelWidth*5)
	for i := range src {
		src[i] = uint16(i)
	}
	dst := make([]uint16, panelWidth*3)
	packColumnsGo(dst, src, 5, 3)
	for i, v := range dst {
		if want := uint16(i%panelWidth*5 + i/panelWidth); v != want {
			t.Fatalf("element %d is %d, want %d", i, v, want)
		}
	}
}

func FuzzPackColumns(f *testing.F) {
	f.Add(uint64(1), uint16(17), uint16(3), uint8(1))
	f.Add(uint64(2), uint16(256), uint16(0), uint8(0))
	f.Fuzz(func(t *testing.T, seed uint64, d, more uint16, at uint8) {
		n := int(d % 700)
		checkPackColumns(t, rand.New(rand.NewPCG(seed, 0)), n, n+int(more%700), int(at%33))
	})
}

func BenchmarkPackColumns(b *testing.B) {
	const k = 576
	src, dst := make([]uint16, panelWidth*k), make([]uint16, kBlock*panelWidth)
	for _, s := range Sets() {
		b.Run(fmt.Sprintf("impl=%s/k=%d", s.name, kBlock), func(b *testing.B) {
			b.SetBytes(4 * int64(len(dst)))
			for b.Loop() {
				s.packColumns(dst, src, k, kBlock)
			}
		})
	}
}

// TestPart compares the copies of gate's columns and up's with their definition, and sees that nothing else is written.
func TestPart(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	for _, s := range otherSets() {
		for rows := 1; rows < 5; rows++ {
			for panels := 1; panels < 6; panels++ {
				for pad := range 2 {
					n := panels * panelWidth
					ld := n + 24*pad
					src, got := values(r, 2*rows*n, 0), make([]float32, 2*rows*ld)
					want := slices.Clone(got)
					s.part(got[:(rows-1)*ld+n], got[rows*ld:][:(rows-1)*ld+n], src, ld, rows)
					for i := range rows {
						for j := range 2 * n {
							want[j/panelWidth%2*rows*ld+i*ld+j/(2*panelWidth)*panelWidth+j%panelWidth] = src[2*i*n+j]
						}
					}
					equal(t, fmt.Sprintf("%s: %d rows of %d panels, %d apart", s.name, rows, panels, ld), got, want)
				}
			}
		}
	}
}
