package kernels

import "fmt"

// checkRows panics unless dst and src hold that many rows of n elements.
func checkRows(routine string, dst, src []float32, rows, n int) {
	if rows < 0 || n < 0 || len(dst) < rows*n || len(src) < rows*n {
		panic(fmt.Sprintf("kernels: %s of [%d, %d] on slices of lengths %d and %d", routine, rows, n, len(dst), len(src)))
	}
}

// A rowTask is a routine over rows [rows, n], which threads share by rows: no row's result depends on another.
type rowTask struct {
	f           func(s *Set, t *rowTask, dst, src []float32) // for some of the rows
	dst, src    []float32
	rows, n     int
	gamma, beta []float32
	eps         float32
}

// shareFrom is the number of elements from which several threads win: some 10 µs of work.
const shareFrom = 32768

// overRows runs t on one thread or on all.
func (x *Exec) overRows(t rowTask) {
	if t.rows == 0 || t.n == 0 {
		return
	}
	threads := 1
	if t.rows*t.n >= shareFrom {
		threads = min(x.Threads(), t.rows)
	}
	s := x.free.Get()
	s.rows = sharedRows{x.set, t}
	x.pool.Run(threads, &s.rows)
	s.rows = sharedRows{}
	x.free.Put(s)
}

type sharedRows struct {
	set *Set
	t   rowTask
}

// Run does rows for part of parts.
func (r *sharedRows) Run(part, parts int) {
	t := &r.t
	i, j := part*t.rows/parts*t.n, (part+1)*t.rows/parts*t.n
	t.f(r.set, t, t.dst[i:j], t.src[i:j])
}

// LayerNorm normalises each of the rows of src [rows, n] to mean 0 and variance 1 (two passes, biased variance), then
// multiplies by gamma and adds beta, both [n]; beta may be nil. dst may be src.
func (x *Exec) LayerNorm(dst, src []float32, rows, n int, gamma, beta []float32, eps float32) {
	checkRows("LayerNorm", dst, src, rows, n)
	if len(gamma) != n || beta != nil && len(beta) != n {
		panic(fmt.Sprintf("kernels: LayerNorm of rows of %d with %d gamma and %d beta", n, len(gamma), len(beta)))
	}
	if n == 0 {
		return
	}
	x.overRows(rowTask{layerNormRows, dst, src, rows, n, gamma, beta, eps})
}

func layerNormRows(s *Set, t *rowTask, dst, src []float32) {
	s.layerNorm(dst, src, t.n, t.gamma, t.beta, t.eps)
}

// Softmax replaces each of the rows of src [rows, n] by exp(x-max) · (1/sum). dst may be src.
func (x *Exec) Softmax(dst, src []float32, rows, n int) {
	checkRows("Softmax", dst, src, rows, n)
	x.overRows(rowTask{f: softmaxRows, dst: dst, src: src, rows: rows, n: n})
}

func softmaxRows(s *Set, t *rowTask, dst, src []float32) {
	for ; len(src) > 0; dst, src = dst[t.n:], src[t.n:] {
		d, a := dst[:t.n], src[:t.n]
		sum := s.expSum(d, a, s.rowMax(a))
		s.scale(d, d, 1/sum)
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

func l2Rows(s *Set, t *rowTask, dst, src []float32) {
	for ; len(src) > 0; dst, src = dst[t.n:], src[t.n:] {
		a := src[:t.n]
		s.div(dst[:t.n], a, greater(t.eps, sqrt(s.dot(a, a)))) // a NaN stays
	}
}
