package kernels

import "fmt"

// # How a product is computed
//
// B lies in panels: panel p holds its columns 16p to 16p+15, row after row, so that a tile reads it from front to back.
//
//	      columns 0..15   16..31                       memory of panel 0:  row 0: 16 floats, 64 bytes
//	    ┌───────────────┬──────── ─ ─                                      row 1: 16 floats
//	k   │    panel 0    │ panel 1                                          ...
//	    └───────────────┴──────── ─ ─                                      row K-1
//
// Panels are cut into blocks of 256 rows, which lie in the order in which they are read: first those of the first block of
// k, one after the other, then those of the second. A part of the result (some rows, some panels) is computed so:
//
//	for chunk of rows of A:
//	    for block of 256 of k:                          this much of the chunk stays in the second-level cache
//	        for one, two or more panels of B:           this much of the panels stays in the first-level cache
//	            for tile of rows of the chunk:          in assembly: the tile is the registers
//	                sums += chain of fused multiply-adds over k
//	    bias, activation, residual
//
// Chunks of rows are as even as they can be, and so are the tiles of a chunk (128 rows in tiles of at most 14 are eight of
// 13 and two of 12).

const (
	// panelWidth is the number of columns in a panel of packed weights, on every Set.
	panelWidth = 16
	// kBlock is the length of a chain: block sums are added. It is part of the definition of the result.
	kBlock = 256
	// chunkRows bounds a chunk: with it the part of A that should stay in the second-level cache (1 KiB a row), and the time
	// that a call of an assembly routine takes.
	chunkRows = 192
	// Rows of A whose distance makes them compete for sets of the first-level cache are copied, if there are more than
	// copyRows of them and copyPanels panels or more; copyStride is the distance of the copies.
	copyRows, copyPanels, copyStride = 4, 8, kBlock + 20
	// actPanels is to how many panels of the result an activation is applied at once: its routines like long rows, but the
	// panels should still be in the second-level cache.
	actPanels = 16
	// soloWork is the number of multiply-adds below which a second thread costs more than it brings.
	soloWork = 1 << 18
)

// Weights is the right-hand matrix B [K, N] of a product, packed into column panels. It is immutable and may be shared.
type Weights struct {
	// K and N are the numbers of rows and columns: input and output features.
	K, N int

	// For each block of 256 of k, ⌈N/16⌉ panels of [block, 16], 64-byte aligned; the columns beyond N are zero.
	panels []float32
}

// at returns where the panel that begins with column j has row i.
func (w *Weights) at(i, j int) int {
	k0 := i &^ (kBlock - 1)
	n := (w.N + panelWidth - 1) &^ (panelWidth - 1)
	return k0*n + j&^(panelWidth-1)*min(kBlock, w.K-k0) + (i-k0)*panelWidth
}

// Pack packs a matrix B [k, n], given by its columns: column(j, dst) must fill dst (length k) with column j, which for the
// weight [out, in] of a Hugging Face Linear is its row j, converted to float32. It is called from several goroutines.
func (x *Exec) Pack(k, n int, column func(j int, dst []float32)) *Weights {
	if k < 0 || n < 0 {
		panic(fmt.Sprintf("kernels: Pack(k=%d, n=%d)", k, n))
	}
	panels := (n + panelWidth - 1) / panelWidth
	w := &Weights{K: k, N: n, panels: aligned(panels * k * panelWidth)}
	x.pool.Run(min(panels, 4*x.Threads()), &packTask{w, column})
	return w
}

// Column copies column j of B to dst, which has length K. It is how a table of embeddings that is also an output matrix is
// looked up without being held twice.
func (w *Weights) Column(j int, dst []float32) {
	for k0 := 0; k0 < w.K; k0 += kBlock {
		panel := w.panels[w.at(k0, j)+j%panelWidth:]
		for i := range dst[k0:min(k0+kBlock, w.K)] {
			dst[k0+i] = panel[i*panelWidth]
		}
	}
}

type packTask struct {
	w      *Weights
	column func(j int, dst []float32)
}

func (t *packTask) Run(part, parts int) {
	w := t.w
	panels := (w.N + panelWidth - 1) / panelWidth
	col := make([]float32, w.K)
	for p := panels * part / parts; p < panels*(part+1)/parts; p++ {
		for j := p * panelWidth; j < min(w.N, (p+1)*panelWidth); j++ {
			t.column(j, col)
			for k0 := 0; k0 < w.K; k0 += kBlock {
				panel := w.panels[w.at(k0, j)+j%panelWidth:]
				for i, v := range col[k0:min(k0+kBlock, w.K)] {
					panel[i*panelWidth] = v
				}
			}
		}
	}
}

// An Epilogue is what happens to a product before it is stored, in this order: add Bias, apply Act, add Residual.
type Epilogue struct {
	Bias     []float32  // [N], or nil
	Act      Activation // Identity: none
	Residual []float32  // [M, N] with row stride ResidualStride, or nil; may be the output itself
	// ResidualStride is the distance between rows of Residual.
	ResidualStride int
}

// Gemm computes C = epilogue(A·B): a is [m, K] with row stride lda, c is [m, N] with row stride ldc and must not overlap a.
// One row (m = 1) is a matrix-vector product with the same bits.
func (x *Exec) Gemm(c []float32, ldc int, a []float32, lda, m int, b *Weights, e Epilogue) {
	k, n := b.K, b.N
	if m == 0 || n == 0 {
		return
	}
	if m < 0 || lda < k && m > 1 || len(a) < (m-1)*lda+k || ldc < n && m > 1 || len(c) < (m-1)*ldc+n {
		panic(fmt.Sprintf("kernels: Gemm: m=%d k=%d n=%d, but a has %d elements (stride %d) and c %d (stride %d)",
			m, k, n, len(a), lda, len(c), ldc))
	}
	if e.Bias != nil && len(e.Bias) < n || e.Residual != nil && (m > 1 && e.ResidualStride < n ||
		len(e.Residual) < (m-1)*e.ResidualStride+n) {
		panic(fmt.Sprintf("kernels: Gemm: m=%d n=%d, but bias has %d elements and residual %d (stride %d)",
			m, n, len(e.Bias), len(e.Residual), e.ResidualStride))
	}
	s := x.free.Get()
	t := &s.gemm
	*t = gemmTask{x: x, c: c, ldc: ldc, a: a, lda: lda, m: m, b: b, e: e}
	threads := x.Threads()
	panels := (n + panelWidth - 1) / panelWidth
	switch tiles := (m + x.set.tileRows - 1) / x.set.tileRows; {
	case threads == 1 || m*n*max(k, 1) < soloWork:
		t.Run(0, 1)
	case tiles >= 8*threads || panels < threads:
		t.byRows = true
		x.pool.Run(min(threads, m), t)
	default:
		x.pool.Run(min(threads, panels), t)
	}
	*t = gemmTask{}
	x.free.Put(s)
}

// A gemmTask is a product that threads compute together: each has some rows or some panels.
type gemmTask struct {
	x      *Exec
	c, a   []float32
	ldc    int
	lda, m int
	b      *Weights
	e      Epilogue
	byRows bool
}

// Run implements parallel.Task.
func (t *gemmTask) Run(part, parts int) {
	panels := (t.b.N + panelWidth - 1) / panelWidth
	r0, r1, p0, p1 := 0, t.m, 0, panels
	if t.byRows {
		r0, r1 = t.m*part/parts, t.m*(part+1)/parts
	} else { // pairs of panels stay together, if there are enough
		unit := 1 + min(1, panels/(8*parts))
		p0, p1 = cut(panels, part, parts, unit), cut(panels, part+1, parts, unit)
	}
	if r0 == r1 || p0 == p1 {
		return
	}
	s := t.x.free.Get()
	n := r1 - r0
	chunks := (n + chunkRows - 1) / chunkRows
	for i := range chunks {
		t.chunk(s, r0+n*i/chunks, r0+n*(i+1)/chunks, p0, p1)
	}
	t.x.free.Put(s)
}

// cut returns where a part begins when n things are divided into parts at multiples of unit.
func cut(n, part, parts, unit int) int {
	return min(n, (n+unit-1)/unit*part/parts*unit)
}

// chunk computes rows r0 to r1 of panels p0 to p1.
func (t *gemmTask) chunk(s *scratch, r0, r1, p0, p1 int) {
	k, rows := t.b.K, r1-r0
	// Sums that are not final are kept aside: the output may hold the residual. (Here they lie together, too.)
	sums := s.floats(bufSums, ((p1-p0)*rows+1)*panelWidth)
	for k0 := 0; k0 == 0 || k0 < k; k0 += kBlock {
		a, lda := t.a[r0*t.lda+k0:], t.lda
		if rows > copyRows && p1-p0 >= copyPanels && compete(lda) {
			a, lda = s.copyOf(a, lda, rows, min(kBlock, k-k0))
		}
		t.block(s, a, lda, sums, r0, rows, p0, p1, k0)
	}
}

// compete says whether six rows of a tile, so many elements apart, compete for the sets of the first-level cache: a way of it
// is 1024 elements on every machine, and the rows should be spread over it.
func compete(lda int) bool {
	d := lda % 256
	return d < 64 || d > 192
}

// copyOf copies k elements of each row of A to where they do not compete.
func (s *scratch) copyOf(a []float32, lda, rows, k int) ([]float32, int) {
	dst := s.floats(bufRows, rows*copyStride)
	for i := range rows {
		copy(dst[i*copyStride:][:k], a[i*lda:])
	}
	return dst, copyStride
}

// block adds a block of k, which begins with k0, to the sums of panels p0 to p1; the last block makes them final. a is A at
// the chunk's first row and column k0.
func (t *gemmTask) block(s *scratch, a []float32, lda int, sums []float32, r0, rows, p0, p1, k0 int) {
	set, k, n := t.x.set, t.b.K, t.b.N
	depth := min(kBlock, k-k0)
	last := k0+kBlock >= k
	h, high, low := set.split(rows)
	common := tile{lda: uintptr(lda) * 4, panel: uintptr(depth) * panelWidth * 4, k: depth}
	if k0 > 0 {
		common.flags = tileAdd
	}
	if k > 0 {
		common.a = &a[0]
	} else { // nothing is read, but the pointers are moved
		common.a, common.lda = &sums[0], 0
	}
	from := p0 // the first panel of C that waits for the activation
	for p := p0; p < p1; {
		// As many panels as a tile takes of those that are full; the one that is not goes alone, through a buffer.
		full := min(p1, n/panelWidth) - p
		w := set.width(h, high, full)
		j0 := p * panelWidth
		cols := panelWidth << w
		sum := sums[(p-p0)*panelWidth*rows:]
		p += 1 << w
		q := &s.tile
		*q = common
		q.sum, q.lds = &sum[0], uintptr(cols)*4
		q.c, q.ldc, q.b = q.sum, q.lds, q.sum
		if k > 0 {
			q.b = &t.b.panels[t.b.at(k0, j0)]
		}
		q.prefetch(high+low, w)
		if !last {
			set.run(q, h, high, low, w)
			continue
		}
		out := t.c[r0*t.ldc+j0:]
		var residual []float32
		if t.e.Bias != nil {
			bias := t.e.Bias[j0:]
			if full <= 0 {
				padded := sum[rows*cols:][:cols]
				clear(padded[copy(padded, bias[:n-j0]):])
				bias = padded
			}
			q.flags |= tileBias
			q.bias = &bias[0]
		}
		if t.e.Residual != nil {
			residual = t.e.Residual[r0*t.e.ResidualStride+j0:]
		}
		// What the last tiles store is final, unless it is too wide or the residual comes after an activation.
		if full > 0 && (t.e.Act == Identity || residual == nil) {
			q.c, q.ldc = &out[0], uintptr(t.ldc)*4
			if residual != nil {
				q.flags |= tileResidual
				q.residual, q.ldr = &residual[0], uintptr(t.e.ResidualStride)*4
			}
			set.run(q, h, high, low, w)
			if done := p == p1 || p*panelWidth > n-panelWidth; done || p-from >= actPanels {
				t.activate(t.c[r0*t.ldc+from*panelWidth:], t.ldc, rows, (p-from)*panelWidth)
				from = p
			}
			continue
		}
		set.run(q, h, high, low, w)
		t.activate(sum, cols, rows, cols)
		width := min(cols, n-j0)
		for i := range rows {
			src, dst := sum[i*cols:][:width], out[i*t.ldc:][:width]
			if residual != nil {
				set.add(dst, src, residual[i*t.e.ResidualStride:][:width])
			} else {
				copy(dst, src)
			}
		}
	}
}

// activate applies the activation to a block of c.
func (t *gemmTask) activate(c []float32, ldc, rows, cols int) {
	if t.e.Act == Identity {
		return
	}
	act := t.x.set.act[t.e.Act]
	for i := range rows {
		r := c[i*ldc:][:cols]
		act(r, r)
	}
}
