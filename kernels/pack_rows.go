package kernels

// PackRows is [Exec.Pack] for a matrix B [k, n] that is given by its rows, as GPT-2's files have them: row(i, dst) must fill dst
// (length n) with row i.
func (x *Exec) PackRows(k, n int, row func(i int, dst []float32)) *Weights {
	checkPack("PackRows", k, n, Float32, Float32)
	w := &Weights{K: k, N: n}
	w.panels = packRows(x, w, x.weights.floats(w.count()*k*panelWidth), row)
	return w
}

// PackRows16 is [Exec.PackRows] for numbers of 16 bits, [BFloat16] or [Float16].
func (x *Exec) PackRows16(k, n int, storage Storage, row func(i int, dst []uint16)) *Weights {
	checkPack("PackRows16", k, n, storage, BFloat16)
	w := &Weights{K: k, N: n, storage: storage}
	w.narrow = packRows(x, w, x.weights.narrow(w.count()*k*panelWidth), row)
	return w
}

// packRows fills panels, those of w and zero, with the rows, and returns them.
func packRows[T float32 | uint16](x *Exec, w *Weights, panels []T, row func(i int, dst []T)) []T {
	x.pool.Run(min(w.K, 4*x.Threads()), &packRowsTask[T]{w, panels, row})
	return panels
}

// A packRowsTask packs rows, which threads share.
type packRowsTask[T float32 | uint16] struct {
	w      *Weights
	panels []T
	row    func(i int, dst []T)
}

// Run implements parallel.Task.
func (t *packRowsTask[T]) Run(part, parts int) {
	w := t.w
	src := make([]T, w.N)
	for i := w.K * part / parts; i < w.K*(part+1)/parts; i++ {
		t.row(i, src)
		for p := range w.count() {
			copy(t.panels[w.at(i, p):][:panelWidth], src[p*panelWidth:])
		}
	}
}
