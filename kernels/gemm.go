package kernels

import (
	"fmt"
	"sync/atomic"
	"unsafe"
)

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
//	    for group of panels of B:                           its sums stay in the second-level cache
//	        for block of 256 of k:                          this much of the chunk, too
//	            for one, two or more panels of the group:   this much of the panels stays in the first-level cache;
//	                                                        those of 16 bits are widened here, once for all rows
//	                for tile of rows of the chunk:          in assembly: the tile is the registers
//	                    sums += chain of fused multiply-adds over k
//	        bias, activation, times up, scale, residual
//
// Where the Set's routines do that, one call computes the same tiles of several panels.
//
// Chunks of rows are as even as they can be of whole tiles, and so are the tiles of a chunk (128 rows in tiles of at most 6 are
// eighteen of 6 and four of 5).

const (
	// panelWidth is the number of columns in a panel of packed weights, on every Set.
	panelWidth = 16
	// kBlock is the length of a chain: block sums are added. It is part of the definition of the result.
	kBlock = 256
	// chunkRows bounds a chunk, but for part of a tile: with it the part of A that should stay in the second-level cache (1 KiB a
	// row). Sums and panels need room there, too.
	chunkRows = 128
	// callRows bounds the rows of a call of an assembly routine, times the panels: it takes some 80 microseconds.
	callRows = 1152
	// A group is groupPanels panels or some more, if there are groupRows rows at least. All panels are one group if a chunk of A
	// has more than groupBytes, since it would come from the third-level cache for each.
	groupPanels, groupRows, groupBytes = 16, 32, 320 << 10
	// The rows of each of several threads are some leastPieces pieces, if there are panels enough and groupRows rows in a chunk: no
	// thread waits for a large one at the end.
	leastPieces = 8
	// Rows of A whose distance makes them compete for sets of the first-level cache are copied, if the Set's tiles want that, and
	// there are more than copyRows of them and copyPanels panels or more; copyStride is the distance of the copies.
	copyRows, copyPanels, copyStride = 4, 8, kBlock + 20
	// actPanels is to how many panels of the result an activation is applied at once: its routines like long rows, but the
	// panels should still be in the second-level cache.
	actPanels = 16
	// soloWork is the number of multiply-adds below which a second thread costs more than it brings.
	soloWork = 1 << 17
)

// An Epilogue is what happens to a product before it is stored, in this order: add Bias, apply Act, multiply by the product with
// up, to which UpBias has been added (of gated weights only), multiply by Scale, add Residual. Each step rounds once.
type Epilogue struct {
	Bias     []float32  // [N], or nil
	Act      Activation // Identity: none
	UpBias   []float32  // [N], or nil; of gated weights only
	Scale    float32    // 0: none
	Residual []float32  // [M, N] with row stride ResidualStride, or nil; may be the output itself
	// ResidualStride is the distance between rows of Residual.
	ResidualStride int
}

// Gemm computes C = epilogue(A·B), of gated weights epilogue(A·gate, A·up): a is [m, K] with row stride lda, c is [m, N] with row
// stride ldc and must not overlap a.
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
	if e.UpBias != nil && (!b.gated || len(e.UpBias) < n) {
		panic(fmt.Sprintf("kernels: Gemm: n=%d, but the bias of up has %d elements; gated weights: %v", n, len(e.UpBias), b.gated))
	}
	s := x.free.Get()
	t := &s.gemm
	*t = gemmTask{x: x, c: c, ldc: ldc, a: a, lda: lda, m: m, b: b, e: e}
	threads := x.Threads()
	if threads > 1 {
		x.follow(b, m)
	}
	switch tiles := (m + x.set.tileRows - 1) / x.set.tileRows; {
	case threads == 1 || m*b.count()*panelWidth*max(k, 1) < soloWork:
		t.Run(0, 1)
	case tiles >= 8*threads || b.units() < min(threads, m):
		parts := min(threads, m)
		t.begun = s.counters(parts)
		x.pool.Run(parts, t)
	default:
		x.pool.Run(min(threads, b.units()), t)
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
	// begun is nil if a part is panels. If it is rows, it has for each part how many of its pieces have begun: a thread that is
	// done with its own rows takes pieces from others.
	begun []counter
}

// A counter counts on a cache line of its own.
type counter struct {
	atomic.Int64
	_ [56]byte
}

// counters returns n zeros.
func (s *scratch) counters(n int) []counter {
	if len(s.begun) < n {
		s.begun = make([]counter, n)
	}
	for i := range n {
		s.begun[i].Store(0)
	}
	return s.begun[:n]
}

// Run implements parallel.Task.
func (t *gemmTask) Run(part, parts int) {
	s, panels := t.x.free.Get(), t.b.count()
	s.copied = -1
	if t.begun != nil {
		for i := range parts {
			q := (part + i) % parts
			t.rows(s, t.m*q/parts, t.m*(q+1)/parts, 0, panels, &t.begun[q])
		}
	} else {
		p0, p1 := t.b.part(part, parts)
		tiles := t.x.set.streamTile[t.b.storage].of(t.m)
		switch {
		case p0 == p1:
		case tiles != nil && p1-p0 >= tiles[0].streams:
			t.fewRows(s, tiles, p0, p1)
		default:
			t.rows(s, 0, t.m, p0, p1, nil)
		}
	}
	t.x.free.Put(s)
}

// rows computes rows r0 to r1 of panels p0 to p1 in pieces, one chunk by one group each. If begun is not nil, other threads do
// the same, and it counts the pieces that one of them has begun.
func (t *gemmTask) rows(s *scratch, r0, r1, p0, p1 int, begun *counter) {
	n, h := r1-r0, t.x.set.tileRows
	unit := max(2, 1<<t.x.set.width(h, 0, p1-p0)) // panels that stay together
	chunks := (n + chunkRows - 1) / chunkRows
	groups := 1
	if most := (n + chunks - 1) / chunks; most >= groupRows {
		if 4*most*t.b.K <= groupBytes {
			groups = max(1, (p1-p0)/groupPanels)
		}
		if begun != nil {
			groups = max(groups, min((leastPieces+chunks-1)/chunks, (p1-p0)/unit))
		}
	}
	for i := 0; ; i++ {
		if begun != nil {
			i = int(begun.Add(1)) - 1
		}
		if i >= chunks*groups {
			return
		}
		c, g := i/groups, i%groups
		g0, g1 := p0+cut(p1-p0, g, groups, unit), p0+cut(p1-p0, g+1, groups, unit)
		t.chunk(s, r0+cut(n, c, chunks, h), r0+cut(n, c+1, chunks, h), g0, g1, groups > 1)
	}
}

// cut returns where a part begins when n things are divided into parts at multiples of unit.
func cut(n, part, parts, unit int) int {
	return min(n, (n+unit-1)/unit*part/parts*unit)
}

// chunk computes rows r0 to r1 of panels p0 to p1, which are one of several groups, or all that s will compute of the rows.
func (t *gemmTask) chunk(s *scratch, r0, r1, p0, p1 int, group bool) {
	k, rows := t.b.K, r1-r0
	// Sums that are not final are kept aside: the output may hold the residual. (Here they lie together, too.)
	sums := s.floats(bufSums, (p1-p0)*rows*panelWidth)
	var copies []float32
	if !t.x.set.inPlace && rows > copyRows && p1-p0 >= copyPanels && compete(t.lda) {
		blocks := 1
		if group { // what is copied for one group is there for the next
			blocks = (k + kBlock - 1) / kBlock
		}
		copies = s.floats(bufRows, blocks*rows*copyStride)
	}
	for k0 := 0; k0 == 0 || k0 < k; k0 += kBlock {
		a, lda := t.a[r0*t.lda+k0:], t.lda
		if copies != nil {
			dst := copies
			if group {
				dst = copies[k0/kBlock*rows*copyStride:]
			}
			if !group || s.copied != r0 {
				copyTo(dst, a, lda, rows, min(kBlock, k-k0))
			}
			a, lda = dst, copyStride
		}
		// What will be read after this block: panels, and A.
		after, next := t.b.address(0, p1), t.row(r1, 0)
		if k0+kBlock < k {
			after, next = t.b.address(k0+kBlock, p0), t.row(r0, k0+kBlock)
		}
		if group && k0+kBlock >= k || s.copied == r0 {
			next = 0 // it is near
		}
		t.block(s, a, lda, sums, r0, rows, p0, p1, k0, after, next)
	}
	if group && copies != nil {
		s.copied = r0
	}
}

// row returns where row i of A has column k0 in memory, or 0 if there is no such row.
func (t *gemmTask) row(i, k0 int) uintptr {
	if i >= t.m {
		return 0
	}
	return uintptr(unsafe.Pointer(unsafe.SliceData(t.a))) + uintptr(i*t.lda+k0)*4
}

// compete says whether six rows of a tile, so many elements apart, compete for the sets of the first-level cache: a way of it
// is 1024 elements on every machine, and the rows should be spread over it. Rows of less than a block lie one after the other.
func compete(lda int) bool {
	d := lda % 256
	return lda >= kBlock && (d < 64 || d > 192)
}

// Stride returns a distance for rows of k elements, k or more, with which [Exec.Gemm] multiplies rows of A where they lie. At
// other distances it copies them first, if they are many.
func Stride(k int) int {
	if !compete(k) {
		return k
	}
	return (k+64)/256*256 + 80
}

// copyTo copies k elements of each row of A to where they do not compete.
func copyTo(dst, a []float32, lda, rows, k int) {
	for i := range rows {
		copy(dst[i*copyStride:][:k], a[i*lda:])
	}
}

// block adds a block of k, which begins with k0, to the sums of panels p0 to p1; the last block makes them final. a is A at
// the chunk's first row and column k0; after is the address of the panels that are read next, and nextA that of A.
func (t *gemmTask) block(s *scratch, a []float32, lda int, sums []float32, r0, rows, p0, p1, k0 int, after, nextA uintptr) {
	set, b, k, n, e := t.x.set, t.b, t.b.K, t.b.N, &t.e
	depth := min(kBlock, k-k0)
	last := k0+kBlock >= k
	h, high, low := set.split(rows)
	// The tiles: those that widen, or those of few rows that do; otherwise those of float32.
	table, narrow, few := &set.tileTable, set.narrow[b.storage], (*kvTiles)(nil)
	switch {
	case narrow == nil:
		few = set.narrowTiles(b.storage, rows)
	case rows > set.narrowRows:
		narrow = nil
	default:
		table = narrow
	}
	stored := b.storage == Float32 || narrow != nil // the tiles read panels where they lie
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
		// As many panels as a tile takes of those that are full. The one that is not goes alone, and not straight to C.
		first, full := p, min(p1, n/panelWidth)-p
		if b.gated || few != nil {
			full = p1 - p
		}
		w := table.width(h, high, full)
		if few != nil {
			w = few.width(rows, full)
		}
		cols := panelWidth << w
		sum := sums[(p-p0)*panelWidth*rows:]
		across := 1 // columns of tiles that are done at once
		if few == nil && (!b.gated || w > 1) && stored {
			across = max(1, min(set.across, full>>w, callRows/(rows<<w)))
		}
		p += across << w
		q := &s.tile
		*q = common
		q.sum, q.lds = &sum[0], uintptr(cols)*4
		q.c, q.ldc, q.b = q.sum, q.lds, q.sum
		direct := false
		if last && !b.gated && few == nil && full > 0 {
			direct = t.fuse(q, r0, first*panelWidth)
		}
		switch {
		case k == 0:
		case few != nil || narrow != nil:
			q.b, q.panel = (*float32)(unsafe.Pointer(&b.narrow[b.at(k0, first)])), q.panel/2
		default:
			q.b = &b.wide(set, s, k0, first, 1<<w)[0]
		}
		if few != nil {
			q.rows, q.count = rows, 1
			few[rows][w](q)
		} else {
			next := after
			if p < p1 {
				next = b.address(k0, p)
			}
			if across > 1 {
				q.sideBySide(across, w, rows, next)
				next = b.address(k0, first+1<<w)
			}
			set.ask(q, next, high+low, w)
			if b.storage != Float32 {
				q.step /= 2
			}
			// The last columns of the block, as many as one call does, prefetch A: each tile of a column but four has a row, and
			// a call goes on where the columns before it end.
			if set.fetchRows && nextA != 0 && high+low >= 8 && p1-p < set.across {
				q.fetchRows(nextA, uintptr(t.lda)*4, max(0, set.across-(p1-first))*(high+low-4))
			}
			set.runStored(table, q, h, high, low, w)
		}
		switch {
		case !last:
		case direct:
			if done := p == p1 || p*panelWidth > n-panelWidth; done || p-from >= actPanels {
				t.activate(t.c[r0*t.ldc+from*panelWidth:], t.ldc, rows, (p-from)*panelWidth)
				from = p
			}
		case !b.gated:
			bias := e.Bias
			if few == nil && full > 0 {
				bias = nil
			}
			for i := range across {
				t.finish(sum[i*rows*cols:][:rows*cols], nil, bias, r0, rows, (first+i<<w)*panelWidth)
			}
		case w > 0:
			gate, up := t.x.parted(s, sum[:across*rows*cols], rows, cols)
			t.finish(gate, up, e.Bias, r0, rows, first/2*panelWidth)
		case first%2 == 1: // the panel before it was that of gate
			sum = sums[(first-1-p0)*panelWidth*rows:][:2*rows*panelWidth]
			t.finish(sum[:rows*panelWidth], sum[rows*panelWidth:], e.Bias, r0, rows, first/2*panelWidth)
		}
	}
}

// fuse has the last tiles of a full panel, that of column j0, do what they can of the epilogue: they add the bias, and if all
// the rest but an activation can be done, too, they store to C. It reports that.
func (t *gemmTask) fuse(q *tile, r0, j0 int) bool {
	e := &t.e
	if e.Bias != nil {
		q.flags |= tileBias
		q.bias = &e.Bias[j0]
	}
	if e.Act != Identity && (e.Residual != nil || e.Scale != 0) || e.Bias != nil && e.Scale != 0 {
		return false
	}
	if e.Scale != 0 {
		q.flags |= tileScale
		q.scale = e.Scale
	}
	if e.Residual != nil {
		q.flags |= tileResidual
		q.residual, q.ldr = &e.Residual[r0*e.ResidualStride+j0], uintptr(e.ResidualStride)*4
	}
	q.c, q.ldc = &t.c[r0*t.ldc+j0], uintptr(t.ldc)*4
	return true
}

// parted returns the columns of gate and those of up of rows of sums, whose panels alternate. The sums are those of tiles of that
// many columns, side by side.
func (x *Exec) parted(s *scratch, sums []float32, rows, cols int) (gate, up []float32) {
	half := len(sums) / 2
	dst := s.floats(bufGated, 2*half)
	gate, up = dst[:half], dst[half:]
	for i := 0; i < half; i += rows * cols / 2 {
		x.set.part(gate[i/rows:], up[i/rows:], sums[2*i:][:rows*cols], half/rows, rows)
	}
	return gate, up
}

// finish stores rows of sums, which lie one after the other, from column j0 of C on: the epilogue in passes, with the bias unless
// it is nil. up are the sums of up, or nil. Columns beyond N are computed, but not stored.
func (t *gemmTask) finish(sum, up, bias []float32, r0, rows, j0 int) {
	set, e, cols := t.x.set, &t.e, len(sum)/rows
	width := min(cols, t.b.N-j0)
	add := func(sum, bias []float32) {
		for i := range rows {
			row := sum[i*cols:][:width]
			set.add(row, row, bias[j0:][:width])
		}
	}
	// Long rows are multiplied and stored in one pass.
	once := up != nil && cols > panelWidth && e.Scale == 0 && e.Residual == nil
	if bias != nil {
		add(sum, bias)
	}
	t.activate(sum, len(sum), 1, len(sum))
	if up != nil {
		if e.UpBias != nil {
			add(up, e.UpBias)
		}
		if !once {
			set.mul(sum, sum, up)
		}
	}
	if e.Scale != 0 {
		set.scale(sum, sum, e.Scale)
	}
	for i := range rows {
		src, dst := sum[i*cols:][:width], t.c[(r0+i)*t.ldc+j0:][:width]
		switch {
		case e.Residual != nil:
			set.add(dst, src, e.Residual[(r0+i)*e.ResidualStride+j0:][:width])
		case once:
			set.mul(dst, src, up[i*cols:][:width])
		default:
			copy(dst, src)
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
