package kernels

import (
	"math"
	"unsafe"
)

// An attnUnit computes rows of a unit: a sequence and a key head.
type attnUnit struct {
	t *attnTask
	s *scratch
	sequence
	seq, kvHead int
	heads       int // so many key heads from that on
	block       keysBlock
	// The maximum, and the sum of the exponentials, of each row over the blocks so far.
	maxima, sums []float32
	near, far    ahead
	// Where the results of the block go, if it is to be folded later, or nil: O, [rows, HeadDim padded], maxima, sums.
	apart []float32
	// The keys that a block of a KV is followed by: those from lo up to hi of a key head, or none if there is no such head.
	after struct{ head, lo, hi int }
}

// A keysBlock is a block of keys and values, or what is needed of it, in panels.
type keysBlock struct {
	k0, end int       // the keys k0 up to end of the sequence
	base    int       // key k0+base is the first in the panels; a multiple of 16
	keys    []float32 // panels of 16 keys, [HeadDim, 16]
	values  []float32 // panels of 16 columns, [rows, 16]
	rows    int
	// The same of 16 bits, which are widened as they are used, once; keys and values are nil then.
	keys16, values16 []uint16
	// Whether they are a KV's and read just once; then the routine for two rows and more, or nil, and of 16 bits the tiles for
	// few rows.
	once   bool
	kvRows func(*kvRows)
	panels *kvPanelTiles // in place of kvRows, or nil
	few    *kvTiles
}

// A queryRun is rows of a unit that lie at equal distances: tokens of one head, or the heads of one token.
type queryRun struct {
	m         int
	q, out    []float32 // from the first row on
	ldq, ldo  int
	pos, step int  // row i is at position pos + i·step of the sequence
	head      int  // and of head number head + i·(1-step)
	state     int  // where its maxima and sums are
	even      bool // the rows see the same keys of the block
	grows     bool // they all see its first key, and each one more than the row before it
}

// from returns rows i up to j of the run.
func (r *queryRun) from(i, j int) queryRun {
	p := *r
	p.m, p.state = j-i, r.state+i
	p.q, p.out = r.q[i*r.ldq:], r.out[i*r.ldo:]
	p.pos, p.head = r.pos+i*r.step, r.head+i*(1-r.step)
	return p
}

// compute computes rows r0 to r1.
func (u *attnUnit) compute(r0, r1 int) {
	state := u.s.floats(bufState, 2*(r1-r0))
	u.maxima, u.sums = state[:r1-r0], state[r1-r0:]
	lo, hi := u.seenBy(r0, r1)
	for k0 := lo / keyBlock * keyBlock; k0 < hi; k0 += keyBlock {
		u.oneBlock(k0, r0, r1)
	}
	if lo >= hi { // rows that see no keys
		for r := r0; r < r1; r++ {
			run := u.next(r, r+1, 0)
			clear(run.out[:u.t.p.HeadDim])
		}
	}
}

// seenBy returns the range of keys that one of the rows r0 to r1 sees.
func (u *attnUnit) seenBy(r0, r1 int) (lo, hi int) {
	i0, i1 := r0, r1-1 // the first and the last token
	switch {
	case u.queries == 1:
		i0, i1 = 0, 0
	case u.t.byToken(&u.sequence):
		i0, i1 = i0/u.t.group(), i1/u.t.group()
	case i0/u.queries == i1/u.queries:
		i0, i1 = i0%u.queries, i1%u.queries
	default:
		i0, i1 = 0, u.queries-1
	}
	lo, _ = u.t.span(&u.sequence, u.pos+i0)
	_, hi = u.t.span(&u.sequence, u.pos+i1)
	return lo, hi
}

// oneBlock computes the block that begins at key k0 for the rows r0 to r1.
func (u *attnUnit) oneBlock(k0, r0, r1 int) {
	lo, hi := u.seenBy(r0, r1)
	u.load(k0, max(lo, k0), min(hi, k0+keyBlock))
	after := &u.after
	if after.head, after.lo = u.kvHead, k0+keyBlock; after.lo >= hi {
		after.head, after.lo = u.kvHead+u.heads, lo
	}
	after.hi = min(hi, after.lo/keyBlock*keyBlock+keyBlock)
	for r := r0; r < r1; {
		run := u.next(r, r1, r-r0)
		r += run.m
		u.run(&run)
	}
	u.prefetchKeys()
}

// What is read once from a KV comes from memory, which would have nothing to do while the scores of a block become weights, and from
// one block to the next. So what is read after that is asked for, a burst at a time: as many lines of 64 bytes as a core has under
// way, from where the streams begin.
const (
	burstStreams = 4 // that tiles for few rows read at a time
	burstLines   = 8 // of each
	// burstsOfValues is how many there are before values are read: one before the maxima, and one before each of the first rows
	// of exponentials.
	burstsOfValues = 4
)

// prefetchValues asks for a burst of values, from the key lo of the block on.
func (u *attnUnit) prefetchValues(lo, burst int) {
	b, prefetch := &u.block, u.t.x.set.prefetch
	if prefetch == nil {
		return
	}
	first, size := b.value((lo - b.base) * panelWidth)
	at := uintptr(unsafe.Pointer(first))
	if b.panels != nil {
		n := burstStreams * burstLines / u.heads
		prefetch(at+uintptr(burst*n*64), u.headBytes(size), u.heads, n)
		return
	}
	at += uintptr(burst * burstLines * 64)
	prefetch(at, uintptr(b.rows)*panelWidth*size, min(burstStreams, padded(u.t.p.HeadDim)/panelWidth), burstLines)
}

// weighPrefetching is weigh for rows of n scores, of which the first is that of the key lo, while the first values come from memory.
func (u *attnUnit) weighPrefetching(sum, max, scores []float32, stride, n, lo int) {
	set, done := u.t.x.set, 0
	u.prefetchValues(lo, 0)
	set.rowMaxes(max, scores, stride, n, 0)
	for ; done < min(len(max), burstsOfValues-1); done++ {
		u.prefetchValues(lo, done+1)
		set.expSums(sum[done:done+1], max[done:done+1], scores[done*stride:], stride, n, 0)
	}
	if done < len(max) {
		set.expSums(sum[done:], max[done:], scores[done*stride:], stride, n, 0)
	}
}

// prefetchKeys asks for a burst of the keys that follow.
func (u *attnUnit) prefetchKeys() {
	prefetch := u.t.x.set.prefetch
	if !u.block.once || prefetch == nil {
		return
	}
	first, size := u.keysAfter()
	if first == nil {
		return
	}
	at := uintptr(unsafe.Pointer(first))
	if u.block.panels != nil {
		prefetch(at, u.headBytes(size), u.heads, 2*burstStreams*burstLines/u.heads)
		return
	}
	panels := (u.after.hi - u.after.lo/panelWidth*panelWidth + panelWidth - 1) / panelWidth
	prefetch(at, uintptr(panels/burstStreams*panelWidth*u.t.p.HeadDim)*size, burstStreams, burstLines)
}

// headBytes returns the bytes from the panels of a key head to those of the next.
func (u *attnUnit) headBytes(size uintptr) uintptr { return uintptr(kvHeadSize(u.t.p.HeadDim)) * size }

// keysAfter returns where the keys that follow begin, or nil, and the bytes of an element.
func (u *attnUnit) keysAfter() (at *float32, size uintptr) {
	if u.after.head == u.t.p.KVHeads {
		return nil, 0
	}
	b := u.t.kv[u.seq].panels(u.after.head, u.after.lo)
	return b.key(u.after.lo % keyBlock / panelWidth * panelWidth * u.t.p.HeadDim)
}

// next returns the rows from r on, at most up to end, that are a run. Their maxima and sums begin at number state.
func (u *attnUnit) next(r, end, state int) queryRun {
	t, group := u.t, u.t.group()
	run := queryRun{state: state}
	var i, h int
	if u.queries == 1 {
		h, run.m = r, end-r
		run.ldq, run.ldo, run.even = t.p.HeadDim, t.p.HeadDim, true
	} else if t.byToken(&u.sequence) {
		i, h = r/group, r%group
		run.m = min(end-r, group-h)
		run.ldq, run.ldo, run.even = t.p.HeadDim, t.p.HeadDim, true
	} else {
		i, h = r%u.queries, r/u.queries
		run.m = min(end-r, u.queries-i)
		run.ldq, run.ldo, run.step = t.ldq, t.ldo, 1
	}
	run.pos, run.head = u.pos+i, u.kvHead*group+h
	run.q = t.q[(u.first+i)*t.ldq+run.head*t.p.HeadDim:]
	run.out = t.out[(u.first+i)*t.ldo+run.head*t.p.HeadDim:]
	return run
}

// load prepares the keys from lo up to hi of the block that begins at k0.
func (u *attnUnit) load(k0, lo, hi int) {
	t, b, d := u.t, &u.block, u.t.p.HeadDim
	*b = keysBlock{k0: k0, end: min(k0+keyBlock, u.sequence.keys), base: (lo - k0) / panelWidth * panelWidth}
	if t.kv != nil {
		t.kv[u.seq].load(u.s, b, u.kvHead, k0, lo, hi, u.queries == 1)
		return
	}
	u.lookAhead(k0, hi)
	b.rows = hi - k0 - b.base
	b.keys = u.s.floats(bufKeys, padded(b.rows)*d)
	b.values = u.s.floats(bufValues, b.rows*padded(d))
	at := (u.first+k0+b.base)*t.ldkv + u.kvHead*d
	t.x.set.packKeys(b.keys, t.k[at:], t.ldkv, b.rows, d)
	t.x.set.packValues(b.values, t.v[at:], t.ldkv, b.rows, d)
}

// padded returns the multiple of a panel's width that is no less than n.
func padded(n int) int { return (n + panelWidth - 1) / panelWidth * panelWidth }

// seen returns which keys, counted from the beginning of the block, row i of a run sees.
func (u *attnUnit) seen(r *queryRun, i int) (lo, hi int) {
	lo, hi = u.t.span(&u.sequence, r.pos+i*r.step)
	return max(lo, u.block.k0) - u.block.k0, min(hi, u.block.end) - u.block.k0
}

// seeing leaves of a run the rows that see some of the block.
func (u *attnUnit) seeing(r *queryRun) {
	if r.step == 0 {
		if lo, hi := u.seen(r, 0); lo >= hi {
			r.m = 0
		}
		return
	}
	// Row i sees the keys from pos+i-back up to pos+i+ahead-1.
	i, j := max(0, u.block.k0-u.t.ahead+1-r.pos), min(r.m, u.block.end+u.t.back-r.pos)
	if i >= j {
		r.m = 0
		return
	}
	*r = r.from(i, j)
}

// run computes a run for a block: the rows that see its first key, of which the last may see all of it, and those after them.
func (u *attnUnit) run(r *queryRun) {
	u.seeing(r)
	if r.even {
		u.pieces(r, 0, r.m)
		return
	}
	b := &u.block
	full, lost := max(0, b.end-u.t.ahead-r.pos), max(0, min(r.m, b.k0+u.t.back+1-r.pos))
	full = min(full, lost)
	r.grows = u.grids()
	u.pieces(r, 0, full)
	r.even, r.grows = true, false
	u.pieces(r, full, lost)
	r.even = false
	u.pieces(r, lost, r.m)
}

// pieces computes the rows i up to j of a run, some at a time, and as even as they can be.
func (u *attnUnit) pieces(r *queryRun, i, j int) {
	rows := u.t.x.set.tileRows
	step := 2 * rows
	if r.even || r.grows {
		step = max(step, scoreBytes/4/(u.block.end-u.block.k0+panelWidth)/rows*rows)
	}
	for i < j {
		m := u.pieceRows(r, i, j, step)
		p := r.from(i, i+m)
		u.piece(&p)
		i += m
	}
}

// pieceRows returns how many of the rows i up to j of a run come next, some step rows.
func (u *attnUnit) pieceRows(r *queryRun, i, j, step int) int {
	left := j - i
	m, h := left/((left+step-1)/step), u.t.x.set.gridRows
	if h == 0 || !r.even && !r.grows {
		return m
	}
	if r.grows { // rows that begin with a panel of keys multiply less that they do not see
		h *= panelWidth / 2
		m = max(h, step/h*h)
	}
	if m = (m + h - 1) / h * h; left-m <= h/2 {
		return left
	}
	return m
}

// piece computes a few rows, each of which sees some of the block.
func (u *attnUnit) piece(r *queryRun) {
	t, set, d, k0 := u.t, u.t.x.set, u.t.p.HeadDim, u.block.k0
	dPad, m := padded(d), r.m
	lo, _ := u.seen(r, 0)
	_, hi := u.seen(r, m-1)
	base := lo / panelWidth * panelWidth // the scores begin here: lane 0
	n := hi - base
	stride := padded(n) + panelWidth // so that rows do not compete for the same cache sets
	scores := u.s.floats(bufScores, m*stride)
	if u.keys > keyBlock && u.grids() {
		u.lookNear(r)
	}
	plain := lo == base && t.p.Bias == nil && t.p.SoftCap == 0 && (r.even || r.grows) // all scores are as the product gives them
	lanes, taken := u.scores(scores, stride, r, n, base, plain)
	grow := 0
	if r.grows { // the first row sees fewer
		grow, hi = 1, hi-m+1
		n = hi
	}
	if !plain {
		for i := range m {
			u.adjust(scores[i*stride:][:n+i*grow], r, i, base)
		}
	}
	// The results of a row's first block are its state; those of the others are folded into it, now or at the end.
	first, _ := t.span(&u.sequence, r.pos)
	_, last := t.span(&u.sequence, r.pos+(m-1)*r.step)
	only := first >= k0 && last <= k0+keyBlock
	direct := first >= k0 && d == dPad && u.apart == nil // nothing to fold, and room for whole panels
	o, ldo, bm, bl := r.out, r.ldo, u.maxima[r.state:][:m], u.sums[r.state:][:m]
	switch {
	case u.apart != nil:
		rows := len(u.apart) / (dPad + 2)
		o, ldo = u.apart[r.state*dPad:], dPad
		bm, bl = u.apart[rows*dPad+r.state:][:m], u.apart[rows*(dPad+1)+r.state:][:m]
	case !direct:
		o, ldo = u.s.floats(bufEdge, m*(dPad+2)), dPad
		bm, bl = o[m*dPad:][:m], o[m*(dPad+1):][:m]
	}
	switch {
	case u.block.once:
		u.weighPrefetching(bl, bm, scores, stride, n, lo)
	case taken > 0:
		set.lanesMax(bm, lanes, scores[taken:], stride, n-taken, grow)
		set.expSums(bl, bm, scores, stride, n, grow)
	default:
		set.weigh(bl, bm, scores, stride, n, grow)
	}
	switch {
	case !r.even && !r.grows:
		u.edge(o, ldo, scores, stride, r, base)
	case direct && only:
		for i, l := range bl {
			bl[i] = 1 / l
		}
		u.values(o, ldo, scores[lo-base:], stride, m, lo, hi, grow, bl, 0)
		return
	default:
		u.values(o, ldo, scores[lo-base:], stride, m, lo, hi, grow, nil, 0)
	}
	if u.apart != nil {
		return
	}
	if direct {
		u.divide(r, 0)
	} else {
		u.fold(r, o, bm, bl)
	}
}

// divide divides those of the rows i and on of which the block was the last by their sums.
func (u *attnUnit) divide(r *queryRun, i int) {
	for done := u.done(r); i < done; i++ {
		row := r.out[i*r.ldo:][:u.t.p.HeadDim]
		u.t.x.set.scale(row, row, 1/u.sums[r.state+i])
	}
}

// begun and done return how many rows of a run, its first, see a key before the block, and how many none after it.
func (u *attnUnit) begun(r *queryRun) int {
	if u.block.k0 == 0 {
		return 0
	}
	return r.before(u.block.k0 + u.t.back)
}

func (u *attnUnit) done(r *queryRun) int {
	end := u.block.k0 + keyBlock
	if u.keys <= end {
		return r.m
	}
	return r.before(end - u.t.ahead + 1)
}

// before returns how many rows of a run are at positions before pos.
func (r *queryRun) before(pos int) int {
	if r.step == 0 && r.pos < pos {
		return r.m
	}
	return min(max(0, pos-r.pos), r.step*r.m)
}

// grids reports whether products of the block are grids: float32, of panels that are read more than once.
func (u *attnUnit) grids() bool {
	return !u.block.once && u.block.keys16 == nil && u.t.p.HeadDim <= kBlock
}

// beginLanes returns lanes that begin the maxima of so many rows.
func (s *scratch) beginLanes(rows int) []lanes {
	l := unsafe.Slice((*lanes)(unsafe.Pointer(unsafe.SliceData(s.floats(bufLanes, rows*panelWidth)))), rows)
	for i := range l {
		l[i] = noLanes
	}
	return l
}

// nearPanels is how many panels of keys a grid takes while it prefetches what is near: it prefetches rows of one matrix.
const nearPanels = 8

// scoreGrid is scores by grids. Where rows grow, a panel of keys begins with the first row that sees one of them.
func (u *attnUnit) scoreGrid(scores []float32, stride int, r *queryRun, n, base int, plain bool) (l []lanes, taken int) {
	d, q := u.t.p.HeadDim, &u.s.grid
	run := func(row, p, panels int, maxima *lanes) {
		*q = grid{
			c: &scores[row*stride+p*panelWidth], ldc: uintptr(stride) * 4, a: &r.q[row*r.ldq], lda: uintptr(r.ldq) * 4,
			b: &u.block.keys[((base-u.block.base)/panelWidth+p)*panelWidth*d], panel: uintptr(d) * panelWidth * 4,
			k: d, rows: r.m - row, panels: panels, scale: &u.t.p.Scale, maxima: maxima,
		}
		u.grid()
	}
	first := n // keys of the first row
	if r.grows {
		first -= r.m - 1
	}
	p, panels, whole := padded(first)/panelWidth, padded(n)/panelWidth, first/panelWidth
	var maxima *lanes
	if set := u.t.x.set; plain && set.lanesMax != nil && r.m >= set.maximaRows && whole > 0 {
		l, taken = u.s.beginLanes(r.m), whole*panelWidth
		maxima = &l[0]
	}
	for i := 0; i < p; {
		n := p - i
		if maxima != nil {
			n = whole - i
		}
		if u.near.left > 0 {
			n = min(n, nearPanels)
		}
		run(0, i, n, maxima)
		if i += n; i == whole {
			maxima = nil
		}
	}
	for ; p < panels; p++ {
		row := p*panelWidth + 1 - first
		if h := u.t.x.set.gridRows; h > 0 { // what a row does not see nobody reads
			row = max(0, r.m-(r.m-row+h-1)/h*h)
		}
		run(row, p, 1, nil)
	}
	return l, taken
}

// scores computes the scaled scores of a run against n keys of the block from key base on. If they are plain, it may take the
// maxima of the first of them on the way, and returns their lanes and how many keys that were.
func (u *attnUnit) scores(scores []float32, stride int, r *queryRun, n, base int, plain bool) (l []lanes, taken int) {
	if u.grids() {
		return u.scoreGrid(scores, stride, r, n, base, plain)
	}
	set, d := u.t.x.set, u.t.p.HeadDim
	panels := padded(n) / panelWidth
	h, high, low := set.split(r.m)
	p := u.keyPanels(scores, stride, r, panels, base)
	if p == 0 {
		p = u.keyRows(scores, stride, r, panels, base)
	}
	if p == 0 {
		p = u.keyStreams(scores, stride, r, panels, base)
	}
	for p < panels {
		w, few := u.width(r.m, panels-p)
		at, size := ((base-u.block.base)/panelWidth+p)*panelWidth*d, d*panelWidth<<w
		keys, k16 := u.block.keys, u.block.keys16
		switch {
		case k16 == nil:
			keys = keys[at:][:size]
		case few == nil:
			keys = u.s.floats(bufKeys, size)
			set.widenBFloat16(keys, k16[at:][:size])
		default:
			k16 = k16[at:][:size]
		}
		for i0 := 0; i0 < d; i0 += kBlock {
			q := &u.s.tile
			*q = tile{
				c: &scores[p*panelWidth], ldc: uintptr(stride) * 4, a: &r.q[i0], lda: uintptr(r.ldq) * 4,
				panel: uintptr(d) * panelWidth * 4, k: min(kBlock, d-i0), scale: u.t.p.Scale,
			}
			if keys != nil {
				q.b = &keys[i0*panelWidth]
			} else {
				q.b, q.panel = (*float32)(unsafe.Pointer(&k16[i0*panelWidth])), q.panel/2
			}
			if i0 > 0 {
				q.flags, q.sum, q.lds = tileAdd, q.c, q.ldc
			}
			if i0+kBlock >= d {
				q.flags |= tileScale
			}
			if few != nil {
				few(q)
			} else {
				set.askOn(q, high+low, w)
				set.run(q, h, high, low, w)
			}
		}
		p += 1 << w
	}
	return nil, 0
}

// keyRows is scores for two rows and more, and as many of the first panels of keys, read once, as lie in four streams. It returns
// how many these are.
func (u *attnUnit) keyRows(scores []float32, stride int, r *queryRun, panels, base int) int {
	d, b := u.t.p.HeadDim, &u.block
	groups := panels / 4
	if b.kvRows == nil || r.m == 1 || d > kBlock || groups == 0 {
		return 0
	}
	first, size := b.key((base - b.base) * d)
	panel := uintptr(d) * panelWidth * size
	q := &u.s.kvRows
	*q = kvRows{
		c: &scores[0], ldc: uintptr(stride) * 4, lds: uintptr(groups) * panelWidth * 4, a: &r.q[0], lda: uintptr(r.ldq) * 4,
		b: first, stream: uintptr(groups) * panel, k: d, count: groups, scale: u.t.p.Scale,
		nextB: panel, nextC: panelWidth * 4,
	}
	q.rows(r.m)
	b.kvRows(q)
	return groups * 4
}

// valueChunk is how many keys are multiplied with four panels of values at a time: these stay in the first-level cache for all
// rows.
const valueChunk = 64

// valueRows is values for two rows and more, and as many of the first panels of values, read once, as are fours. It returns how
// many these are.
func (u *attnUnit) valueRows(o []float32, ldo int, scores []float32, stride, m, lo, hi int) int {
	b, panels := &u.block, padded(u.t.p.HeadDim)/panelWidth
	if b.kvRows == nil || m == 1 {
		return 0
	}
	p := 0
	for ; p+4 <= panels; p += 4 {
		first, size := b.value((p*b.rows + lo - b.base) * panelWidth)
		q := &u.s.kvRows
		*q = kvRows{
			c: &o[p*panelWidth], ldc: uintptr(ldo) * 4, lds: panelWidth * 4, a: &scores[0], lda: uintptr(stride) * 4,
			b: first, stream: uintptr(b.rows) * panelWidth * size, k: valueChunk, count: (hi - lo) / valueChunk, scale: 1, load: 1,
			nextA: valueChunk * 4, nextB: valueChunk * panelWidth * size,
		}
		q.rows(m)
		if q.count > 0 {
			b.kvRows(q)
		}
		if done := (hi - lo) / valueChunk * valueChunk; done < hi-lo {
			q.fetch = min(done, 1)
			q.a = &scores[done]
			q.b, _ = b.value((p*b.rows + lo + done - b.base) * panelWidth)
			q.k, q.count = hi-lo-done, 1
			b.kvRows(q)
		}
	}
	return p
}

// keyPanels is scores for keys that are read once, if the Set has kvPanels. It returns how many panels these are, all or none.
func (u *attnUnit) keyPanels(scores []float32, stride int, r *queryRun, panels, base int) int {
	d, b := u.t.p.HeadDim, &u.block
	if b.panels == nil || d > kBlock {
		return 0
	}
	first, size := b.key((base - b.base) * d)
	values, _ := b.value((base - b.base) * panelWidth)
	q := &u.s.panels
	*q = kvPanels{
		c: &scores[0], ldc: uintptr(stride) * 4, a: &r.q[0], lda: uintptr(r.ldq) * 4,
		b: first, panel: uintptr(d) * panelWidth * size, k: d, count: panels, scale: u.t.p.Scale,
		after: uintptr(unsafe.Pointer(values)), afterApart: 128, afterStep: 512,
	}
	if b.panels.wide(r.m, padded(d)/panelWidth) {
		q.afterApart, q.afterStep = uintptr(b.rows)*panelWidth*size, 128
	}
	if u.heads > 1 {
		q.head = u.headBytes(size)
		b.panels.heads[u.heads][r.m/u.heads](q)
		return panels
	}
	b.panels.run(q, r.m, size)
	return panels
}

// valuePanels is values, likewise.
func (u *attnUnit) valuePanels(o []float32, ldo int, scores []float32, stride, m, lo, hi int) int {
	b, panels := &u.block, padded(u.t.p.HeadDim)/panelWidth
	if b.panels == nil || u.t.p.HeadDim > kBlock {
		return 0
	}
	first, size := b.value((lo - b.base) * panelWidth)
	keys, _ := u.keysAfter()
	if keys == nil {
		keys = first // it is in the cache
	}
	q := &u.s.panels
	*q = kvPanels{
		c: &o[0], ldc: uintptr(ldo) * 4, a: &scores[0], lda: uintptr(stride) * 4,
		b: first, panel: uintptr(b.rows) * panelWidth * size, k: hi - lo, count: panels, scale: 1,
		after: uintptr(unsafe.Pointer(keys)), afterApart: 128, afterStep: 512,
	}
	if u.heads > 1 {
		q.head = u.headBytes(size)
		b.panels.heads[u.heads][m/u.heads](q)
		return panels
	}
	b.panels.run(q, m, size)
	return panels
}

// key returns where element i of the keys is, and the bytes of one.
func (b *keysBlock) key(i int) (at *float32, size uintptr) { return element(b.keys, b.keys16, i) }

// value is the same of the values.
func (b *keysBlock) value(i int) (at *float32, size uintptr) { return element(b.values, b.values16, i) }

// element returns where element i of one of the two is that is not nil, and its bytes.
func element(f32 []float32, b16 []uint16, i int) (at *float32, size uintptr) {
	if b16 != nil {
		return (*float32)(unsafe.Pointer(&b16[i])), 2
	}
	return &f32[i], 4
}

// keyStreams is scores for one row and the first panels of keys, read once, as many as lie in streams. It returns how many these
// are.
func (u *attnUnit) keyStreams(scores []float32, stride int, r *queryRun, panels, base int) int {
	d, b := u.t.p.HeadDim, &u.block
	if !b.once || r.m > 1 || d > kBlock {
		return 0
	}
	storage := Float32
	if b.keys16 != nil {
		storage = BFloat16
	}
	first, size := b.key((base - b.base) * d)
	tiles := u.t.x.set.streamTile[storage].of(1)
	if tiles == nil || panels < tiles[0].streams {
		return 0
	}
	groups := panels / tiles[0].streams
	q := &u.s.tile
	*q = tile{
		c: &scores[0], ldc: uintptr(stride) * 4, lds: uintptr(groups) * panelWidth * 4, a: &r.q[0], lda: uintptr(r.ldq) * 4,
		b: first, panel: uintptr(groups*d) * panelWidth * size, k: d, count: groups, scale: u.t.p.Scale, flags: tileScale,
	}
	tiles[0].run(q)
	return groups * tiles[0].streams
}

// width returns log2 of how many panels, of those left, the next product of m rows takes, and the tile for it if that is one
// for few rows.
func (u *attnUnit) width(m, left int) (w int, few func(*tile)) {
	if k := u.block.few; k != nil {
		if w := k.width(m, left); w >= 0 {
			return w, k[m][w]
		}
	}
	h, high, _ := u.t.x.set.split(m)
	return u.t.x.set.width(h, high, left), nil
}

// adjust adds the bias to the scores of row i, which begin at key base of the block, and caps them; those that the row does
// not see become -Inf, which changes neither its maximum nor its sum.
func (u *attnUnit) adjust(row []float32, r *queryRun, i, base int) {
	t, set := u.t, u.t.x.set
	lo, hi := u.seen(r, i)
	s := row[lo-base : hi-base]
	if t.p.Bias != nil {
		pos := r.pos + i*r.step
		t.p.Bias.AddBias(s, u.seq, r.head+i*(1-r.step), u.packed+pos, u.packed+u.block.k0+lo)
	}
	if c := t.p.SoftCap; c != 0 {
		set.div(s, s, c)
		set.act[Tanh](s, s)
		set.scale(s, s, c)
	}
	for j := range row[:lo-base] {
		row[j] = float32(math.Inf(-1))
	}
	for j := hi - base; j < len(row); j++ {
		row[j] = float32(math.Inf(-1))
	}
}

// values computes O = S·V for m rows of scores over the keys lo up to hi of the block, or with grow = 1 up to hi, hi+1, .... It
// multiplies the rows by inv, if that is not nil; with tileLoad in flags the chains go on from O.
func (u *attnUnit) values(o []float32, ldo int, scores []float32, stride, m, lo, hi, grow int, inv []float32, flags int) {
	set, b := u.t.x.set, &u.block
	if flags == 0 && u.grids() {
		q := &u.s.grid
		*q = grid{
			c: &o[0], ldc: uintptr(ldo) * 4, a: &scores[0], lda: uintptr(stride) * 4,
			b: &b.values[(lo-b.base)*panelWidth], panel: uintptr(b.rows) * panelWidth * 4,
			k: hi - lo, grow: grow, rows: m, panels: padded(u.t.p.HeadDim) / panelWidth,
		}
		if inv != nil {
			q.scale, q.scales = &inv[0], 4
		}
		u.grid()
		return
	}
	panels := padded(u.t.p.HeadDim) / panelWidth
	h, high, low := set.split(m)
	p := 0
	if flags == 0 {
		p = u.valuePanels(o, ldo, scores, stride, m, lo, hi)
		if p == 0 {
			p = u.valueRows(o, ldo, scores, stride, m, lo, hi)
		}
		if inv != nil && p > 0 {
			for i := range m {
				row := o[i*ldo:][:p*panelWidth]
				set.scale(row, row, inv[i])
			}
		}
	}
	for p < panels {
		w, few := u.width(m, panels-p)
		at := (p*b.rows + lo - b.base) * panelWidth
		q := &u.s.tile
		*q = tile{
			c: &o[p*panelWidth], ldc: uintptr(ldo) * 4, a: &scores[0], lda: uintptr(stride) * 4,
			panel: uintptr(b.rows) * panelWidth * 4, k: hi - lo, flags: flags,
		}
		switch {
		case b.values16 == nil:
			q.b = &b.values[at]
		case few == nil:
			size := (hi - lo) * panelWidth
			values := u.s.floats(bufValues, keyBlock*panelWidth<<w) // as much for any number of keys: it does not grow with a text
			for i := range 1 << w {
				set.widenBFloat16(values[i*size:][:size], b.values16[at+i*b.rows*panelWidth:])
			}
			q.b, q.panel = &values[0], uintptr(size)*4
		default:
			q.b, q.panel = (*float32)(unsafe.Pointer(&b.values16[at])), q.panel/2
		}
		q.sum, q.lds = q.c, q.ldc
		if inv != nil {
			q.flags |= tileRowScale
			q.rowScale = &inv[0]
		}
		if few != nil {
			few(q)
		} else {
			set.askOn(q, high+low, w)
			set.run(q, h, high, low, w)
		}
		p += 1 << w
	}
}

// edge computes O = S·V for rows that see different keys: a tile over those that all its rows see, chains of one row over the
// others, before and after it. The scores begin at key base of the block.
func (u *attnUnit) edge(o []float32, ldo int, scores []float32, stride int, r *queryRun, base int) {
	h, high, _ := u.t.x.set.split(r.m)
	for i := 0; i < r.m; {
		rows := h
		if i < high*(h+1) {
			rows++
		}
		part := o[i*ldo:]
		row := func(j, from, to, flags int) {
			if from < to {
				u.values(part[j*ldo:], ldo, scores[(i+j)*stride+from-base:], stride, 1, from, to, 0, nil, flags)
			}
		}
		first, _ := u.seen(r, i)
		lo, _ := u.seen(r, i+rows-1) // the keys lo up to hi are those that all rows see
		_, hi := u.seen(r, i)
		if lo >= hi {
			for j := range rows {
				from, to := u.seen(r, i+j)
				row(j, from, to, 0)
			}
			i += rows
			continue
		}
		flags := 0
		if first < lo {
			flags = tileLoad
			for j := range rows {
				clear(part[j*ldo:][:padded(u.t.p.HeadDim)])
				from, _ := u.seen(r, i+j)
				row(j, from, lo, 0)
			}
		}
		u.values(part, ldo, scores[i*stride+lo-base:], stride, rows, lo, hi, 0, nil, flags)
		for j := range rows {
			_, to := u.seen(r, i+j)
			row(j, hi, to, tileLoad)
		}
		i += rows
	}
}

// fold adds a block's results (bm, bl, o) to those of the blocks before it (maxima, sums, the output), of which there are
// none in the rows that it is the first for, and divides the rows that it is the last for by their sums.
func (u *attnUnit) fold(r *queryRun, o, bm, bl []float32) {
	set, d, m, n, done := u.t.x.set, u.t.p.HeadDim, r.m, u.begun(r), u.done(r)
	dPad, factors := padded(d), u.s.floats(bufFactors, 4*n)
	maxima, sums := u.maxima[r.state:][:m], u.sums[r.state:][:m]
	factors, scale, tops := factors[:2*n], factors[2*n:3*n], factors[3*n:]
	set.max(tops, bm, maxima)
	for i, top := range tops {
		factors[2*i], factors[2*i+1] = maxima[i]-top, bm[i]-top
		maxima[i] = top
	}
	set.expSum(factors, factors, 0)
	for i := range n {
		sums[i] = float32(sums[i]*factors[2*i]) + float32(bl[i]*factors[2*i+1])
		scale[i] = 1
		if i < done {
			scale[i] = 1 / sums[i]
		}
	}
	set.folds(r.out, r.ldo, o, dPad, d, factors, scale)
	for i := n; i < m; i++ {
		maxima[i], sums[i] = bm[i], bl[i]
		copy(r.out[i*r.ldo:][:d], o[i*dPad:])
	}
	u.divide(r, n)
}
