package kernels

import (
	"fmt"

	"github.com/godwit-ml/godwit/internal/parallel"
)

// checkRows panics unless dst and src hold that many rows of n elements.
func checkRows(routine string, dst, src []float32, rows, n int) {
	if rows < 0 || n < 0 || len(dst) < rows*n || len(src) < rows*n {
		panic(fmt.Sprintf("kernels: %s of [%d, %d] on slices of lengths %d and %d", routine, rows, n, len(dst), len(src)))
	}
}

// A rowTask is a routine over rows [rows, n], which threads share by rows: no row's result depends on another.
type rowTask struct {
	f             func(s *Set, t *rowTask, i, j int) // computes the rows i to j-1
	dst, src, add []float32
	rows, n       int
	norm          Norm
	eps           float32
	state         []float32 // of Softmax: the maxima of all rows, then their sums

	lda, headDim int // of Rotate
	positions    []int32
	rope         RoPE
	image        [4]int // of Patches: height and width, and those of a patch
}

// shareFrom is the number of elements from which several threads win: some 10 µs of work.
const shareFrom = 32768

// Share runs a task over [rows, n] elements of memory on all threads if they are many, and in one part otherwise. There are no
// more parts than rows: part i of p is for the rows i·rows/p up to (i+1)·rows/p.
func (x *Exec) Share(rows, n int, t parallel.Task) {
	shareRows(x.pool, rows, n, t)
}

func shareRows(pool *parallel.Pool, rows, n int, t parallel.Task) {
	threads := 1
	if rows*n >= shareFrom {
		threads = min(pool.Threads(), rows)
	}
	pool.Run(threads, t)
}

// overRows runs t on one thread or on all.
func (x *Exec) overRows(t rowTask) {
	if t.rows == 0 || t.n == 0 {
		return
	}
	s := x.free.Get()
	t.state = s.floats(bufState, 2*t.rows)
	s.rows = sharedRows{x.set, t}
	x.Share(t.rows, t.n, &s.rows)
	s.rows = sharedRows{}
	x.free.Put(s)
}

type sharedRows struct {
	set *Set
	t   rowTask
}

// Run does rows for part of parts.
func (r *sharedRows) Run(part, parts int) {
	r.t.f(r.set, &r.t, part*r.t.rows/parts, (part+1)*r.t.rows/parts)
}

// Softmax replaces each of the rows of src [rows, n] by exp(x-max) · (1/sum). dst may be src.
func (x *Exec) Softmax(dst, src []float32, rows, n int) {
	checkRows("Softmax", dst, src, rows, n)
	x.overRows(rowTask{f: softmaxRows, dst: dst, src: src, rows: rows, n: n})
}

// softmaxRows takes the maxima of some rows, then their exponentials, so that no row waits for its own maximum.
func softmaxRows(s *Set, t *rowTask, i, j int) {
	for group := max(1, 4096/t.n); i < j; i += group { // rows that stay in the first-level cache
		rows := min(group, j-i)
		d, src := t.dst[i*t.n:][:rows*t.n], t.src[i*t.n:]
		if &d[0] != &src[0] {
			copy(d, src)
		}
		maxima, sums := t.state[i:][:rows], t.state[t.rows+i:][:rows]
		s.rowMaxes(maxima, d, t.n, t.n, 0)
		s.expSums(sums, maxima, d, t.n, t.n, 0)
		for k, sum := range sums {
			sums[k] = 1 / sum
		}
		s.scaleRows(d, sums, t.n)
	}
}

// Dot returns the sum of a[i]·b[i]: 16 lanes of fused multiply-adds, then the tree.
func (x *Exec) Dot(a, b []float32) float32 {
	sameLength("Dot", len(a), len(b), len(b))
	return x.set.dot(a, b)
}

// L2Normalize divides each of the rows of src [rows, n] by max(its L2 norm, eps). dst may be src.
func (x *Exec) L2Normalize(dst, src []float32, rows, n int, eps float32) {
	checkRows("L2Normalize", dst, src, rows, n)
	x.overRows(rowTask{f: l2Rows, dst: dst, src: src, rows: rows, n: n, eps: eps})
}

func l2Rows(s *Set, t *rowTask, i, j int) {
	for ; i < j; i++ {
		a := t.src[i*t.n:][:t.n]
		s.div(t.dst[i*t.n:][:t.n], a, greater(t.eps, sqrt(s.dot(a, a)))) // a NaN stays
	}
}
