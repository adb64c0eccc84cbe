package kernels

import (
	"fmt"
	"math"
	"unsafe"
)

// Storage is the type of the numbers in which [Weights] are stored. What is computed with them is float32: the bits of every
// result are those of weights that were widened before they were packed.
type Storage uint8

// The types of stored weights.
const (
	Float32  Storage = iota
	BFloat16         // the upper halves of float32 numbers
	Float16          // IEEE half precision
)

// widen returns a number of 16 bits, exactly.
func (s Storage) widen(v uint16) float32 {
	if s == Float16 {
		return float16(v)
	}
	return math.Float32frombits(uint32(v) << 16)
}

// Weights is the right-hand matrix B [K, N] of a product, packed into column panels, or the two matrices of a gated product.
// It is immutable and may be shared; what [Exec.Precede] tells of it is told before it is used.
type Weights struct {
	// K and N are the numbers of rows and columns: input and output features.
	K, N int

	storage Storage
	gated   bool
	// For each block of 256 of k, ⌈N/16⌉ panels of [block, 16], 64-byte aligned; the columns beyond N are zero. If the
	// weights are gated, twice as many: a panel of gate, the same of up, and so on. One of the two slices is empty.
	panels []float32
	narrow []uint16 // of BFloat16 and Float16

	ahead *beginnings // of the weights that follow, or nil
}

// count returns how many panels there are.
func (w *Weights) count() int {
	n := w.units()
	if w.gated {
		n *= 2
	}
	return n
}

// units returns of how many columns of panels threads can take some each: a panel, or one of gate and one of up.
func (w *Weights) units() int { return (w.N + panelWidth - 1) / panelWidth }

// part returns the panels of a part of a product. Pairs of them stay together, if they belong together or there are enough.
func (w *Weights) part(part, parts int) (p0, p1 int) {
	n := w.count()
	unit := 1 + min(1, n/(8*parts))
	if w.gated {
		unit = 2
	}
	return cut(n, part, parts, unit), cut(n, part+1, parts, unit)
}

// at returns where panel p has row i.
func (w *Weights) at(i, p int) int {
	k0 := i &^ (kBlock - 1)
	return (k0*w.count() + p*min(kBlock, w.K-k0) + i - k0) * panelWidth
}

// place returns the panel of a column, and its place in the panel's rows. Columns from N on are those of up.
func (w *Weights) place(j int) (p, lane int) {
	if !w.gated {
		return j / panelWidth, j % panelWidth
	}
	if j < w.N {
		return j / panelWidth * 2, j % panelWidth
	}
	return (j-w.N)/panelWidth*2 + 1, (j - w.N) % panelWidth
}

// address returns where panel p has row i in memory; it may be beyond the end.
func (w *Weights) address(i, p int) uintptr {
	if w.storage == Float32 {
		return uintptr(unsafe.Pointer(unsafe.SliceData(w.panels))) + uintptr(w.at(i, p))*4
	}
	return uintptr(unsafe.Pointer(unsafe.SliceData(w.narrow))) + uintptr(w.at(i, p))*2
}

// Pack packs a matrix B [k, n], given by its columns: column(j, dst) must fill dst (length k) with column j, which for the
// weight [out, in] of a Hugging Face Linear is its row j, converted to float32. It is called from several goroutines.
func (x *Exec) Pack(k, n int, column func(j int, dst []float32)) *Weights {
	checkPack("Pack", k, n, Float32, Float32)
	w := &Weights{K: k, N: n}
	w.panels = pack(x, w, x.weights.floats(w.count()*k*panelWidth), column, x.packPanel)
	return w
}

// Pack16 is [Exec.Pack] for numbers of 16 bits, [BFloat16] or [Float16], which stay as they are: half the memory.
func (x *Exec) Pack16(k, n int, storage Storage, column func(j int, dst []uint16)) *Weights {
	checkPack("Pack16", k, n, storage, BFloat16)
	w := &Weights{K: k, N: n, storage: storage}
	w.narrow = pack(x, w, x.weights.narrow(w.count()*k*panelWidth), column, x.set.packColumns)
	return w
}

// PackGated packs the two matrices [k, n] of a gated product (SwiGLU, GeGLU), given as those of [Exec.Pack]:
// [Exec.Gemm] computes act(A·gate)·(A·up) from them.
func (x *Exec) PackGated(k, n int, gate, up func(j int, dst []float32)) *Weights {
	checkPack("PackGated", k, n, Float32, Float32)
	w := &Weights{K: k, N: n, gated: true}
	w.panels = pack(x, w, x.weights.floats(w.count()*k*panelWidth), both(n, gate, up), x.packPanel)
	return w
}

// PackGated16 is [Exec.PackGated] for numbers of 16 bits, [BFloat16] or [Float16].
func (x *Exec) PackGated16(k, n int, storage Storage, gate, up func(j int, dst []uint16)) *Weights {
	checkPack("PackGated16", k, n, storage, BFloat16)
	w := &Weights{K: k, N: n, storage: storage, gated: true}
	w.narrow = pack(x, w, x.weights.narrow(w.count()*k*panelWidth), both(n, gate, up), x.set.packColumns)
	return w
}

// checkPack panics unless the shape is one and the storage at least least.
func checkPack(routine string, k, n int, storage, least Storage) {
	if k < 0 || n < 0 || storage < least || storage > Float16 {
		panic(fmt.Sprintf("kernels: %s(k=%d, n=%d), storage %d", routine, k, n, storage))
	}
}

// both returns the columns of gate, and after them those of up.
func both[T float32 | uint16](n int, gate, up func(j int, dst []T)) func(j int, dst []T) {
	return func(j int, dst []T) {
		if j < n {
			gate(j, dst)
		} else {
			up(j-n, dst)
		}
	}
}

// Column copies column j of B, widened, to dst, which has length K. Columns N to 2N-1 of gated weights are those of up. It is
// how a table of embeddings that is also an output matrix is looked up without being held twice.
func (w *Weights) Column(j int, dst []float32) {
	p, lane := w.place(j)
	for k0 := 0; k0 < w.K; k0 += kBlock {
		at, part := w.at(k0, p)+lane, dst[k0:min(k0+kBlock, w.K)]
		if w.storage == Float32 {
			panel := w.panels[at:]
			for i := range part {
				part[i] = panel[i*panelWidth]
			}
			continue
		}
		panel := w.narrow[at:]
		for i := range part {
			part[i] = w.storage.widen(panel[i*panelWidth])
		}
	}
}

// pack fills panels, those of w and zero, with the columns, and returns them. transpose makes a panel of 16 rows.
func pack[T float32 | uint16](x *Exec, w *Weights, panels []T, column func(j int, dst []T),
	transpose func(dst, src []T, ld, d int)) []T {
	x.pool.Run(min(w.count(), 4*x.Threads()), &packTask[T]{w, panels, column, transpose})
	return panels
}

// A packTask packs columns, which threads share by panels.
type packTask[T float32 | uint16] struct {
	w         *Weights
	panels    []T
	column    func(j int, dst []T)
	transpose func(dst, src []T, ld, d int)
}

// Run implements parallel.Task.
func (t *packTask[T]) Run(part, parts int) {
	w, n := t.w, t.w.count()
	cols := make([]T, panelWidth*w.K)
	for p := n * part / parts; p < n*(part+1)/parts; p++ {
		first, up := p*panelWidth, 0
		if w.gated {
			first, up = p/2*panelWidth, p%2*w.N
		}
		there := min(panelWidth, w.N-first)
		for lane := range there {
			t.column(up+first+lane, cols[lane*w.K:][:w.K])
		}
		clear(cols[there*w.K:])
		for k0 := 0; k0 < w.K; k0 += kBlock {
			t.transpose(t.panels[w.at(k0, p):], cols[k0:], w.K, min(kBlock, w.K-k0))
		}
	}
}

// packPanel is packKeys for 16 rows.
func (x *Exec) packPanel(dst, src []float32, ld, d int) { x.set.packKeys(dst, src, ld, panelWidth, d) }

// wide returns the block of k from k0 on of panels p to p+count-1 as float32: where it lies, or widened in a buffer of s.
func (w *Weights) wide(set *Set, s *scratch, k0, p, count int) []float32 {
	n := min(kBlock, w.K-k0) * count * panelWidth
	if w.storage == Float32 {
		return w.panels[w.at(k0, p):][:n]
	}
	dst, src := s.floats(bufWide, n), w.narrow[w.at(k0, p):][:n]
	if w.storage == BFloat16 {
		set.widenBFloat16(dst, src)
	} else {
		set.widenFloat16(dst, src)
	}
	return dst
}

// narrowTiles returns the Set's tiles of that many rows for panels of 16 bits, or nil: then they are widened before.
func (s *Set) narrowTiles(storage Storage, rows int) *kvTiles {
	if few := &s.narrowTile[storage]; few.width(rows, 1) >= 0 {
		return few
	}
	return nil
}
