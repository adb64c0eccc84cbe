package kernels

import "fmt"

// # How attention is computed
//
// Scores of all queries against all keys never exist at once. The work is units of (sequence, key head); the queries of
// all heads that share a key head are the rows of its unit, and threads divide the rows of all units by their cost.
//
//	for block of 512 keys that some row sees:
//	    pack keys (transposed) and values into panels           stays in the second-level cache; a KV holds them packed
//	    for block of queries of one head, or of all heads of one token:
//	        S = scale · Q·Kᵀ                                     [queries, keys that one of them sees], in tiles
//	        for each row: add the bias, cap; -Inf where it does not see
//	        for each row: m = max S, then S = exp(S - m), l = sum S
//	        O = S·V                                             in tiles, one chain over the keys that the row sees
//	        fold (m, l, O) into what earlier blocks gave
//	    divide the rows of which it was the last block by their sums
//
// The keys that a query sees are always a range, which does not move down from a query to the next. Rows that see the same
// part of a block take part in the same tiles, and so do rows of which each sees one more than the one before it, at the
// diagonal of a causal mask (see grid). At the far edge of a window, a tile runs over the keys that all its rows see, and the
// few that only some see are chains of one row before and after it, continued:
//
//	              keys                         rows of a tile, causal with a window of 8
//	query 20      ▒ █ █ █ █ █ █ ·  · · ·       █ one tile, all rows
//	query 21      · ▒ █ █ █ █ █ █  · · ·       ▒ before it, one row each
//	query 22      · · █ █ █ █ █ █  ░ · ·       ░ after it, one row each
//
// So a key that a query does not see is never multiplied by 0, which would matter if it were infinite. What has to outlive a
// block of keys is the maximum and the sum of each row, and O itself, which lies in the output.

const (
	// keyBlock is the number of keys in a block. It is part of the definition of the result.
	keyBlock = 512
	// scoreBytes is about how much memory the scores of a block of queries take; half as much more where the last rows would be few.
	scoreBytes = 96 << 10
	// noLimit is more than any position.
	noLimit = 1 << 40
)

// Attn describes an attention. A query at position i of its sequence sees the keys from max(0, i-Window+1), or 0 without a
// window, up to i if it is causal, up to i+Window-1 if it is not but has a window, and up to the last otherwise.
type Attn struct {
	// Heads is the number of query heads, KVHeads that of key and value heads (it divides Heads), HeadDim the size of each.
	Heads, KVHeads, HeadDim int
	// Scale multiplies the scores: usually 1/sqrt(HeadDim).
	Scale float32
	// Bias, if not nil, adds to the scaled scores.
	Bias Bias
	// SoftCap, if it is not 0, keeps the scores between -SoftCap and SoftCap, after the bias: s = SoftCap·tanh(s/SoftCap).
	SoftCap float32
	// Causal hides the keys after a query.
	Causal bool
	// Window, if it is not 0, hides the keys whose distance from a query is Window or more.
	Window int
}

// A Bias adds to attention scores: relative positions, ALiBi.
type Bias interface {
	// AddBias adds to row, the scores of query q of sequence seq in head, over the keys k0, k0+1, ...: row[i] += bias.
	// For [Exec.Attention] q and the keys count the tokens of the packed sequences, for [Exec.AttentionKV] those of their
	// own sequence. It is called from several goroutines.
	AddBias(row []float32, seq, head, q, k0 int)
}

// Attention computes softmax(scale·Q·Kᵀ + bias)·V for each head of each sequence of a packed batch, whose tokens stand one
// after the other without padding: sequence s is the tokens starts[s] up to starts[s+1]. q and out are
// [tokens, Heads·HeadDim] with row strides ldq and ldo, k and v are [tokens, KVHeads·HeadDim] with row stride ldkv; q, k and v
// may be columns of one matrix, out must not overlap them.
func (x *Exec) Attention(out []float32, ldo int, q []float32, ldq int, k, v []float32, ldkv int, starts []int32, p *Attn) {
	if len(starts) < 2 {
		return
	}
	p.check("Attention")
	tokens := int(starts[len(starts)-1])
	needTokens("Attention", "out", tokens, len(out), ldo, p.Heads*p.HeadDim)
	needTokens("Attention", "q", tokens, len(q), ldq, p.Heads*p.HeadDim)
	needTokens("Attention", "k", tokens, len(k), ldkv, p.KVHeads*p.HeadDim)
	needTokens("Attention", "v", tokens, len(v), ldkv, p.KVHeads*p.HeadDim)
	x.attend(attnTask{x: x, out: out, ldo: ldo, q: q, ldq: ldq, k: k, v: v, ldkv: ldkv, starts: starts, p: *p})
}

// check panics if the description makes no sense.
func (p *Attn) check(routine string) {
	if p.KVHeads <= 0 || p.Heads%p.KVHeads != 0 || p.HeadDim <= 0 || p.Window < 0 || !(p.SoftCap >= 0) {
		panic(fmt.Sprintf("kernels: %s: %d heads of %d, %d key heads, window %d, cap %v", routine, p.Heads, p.HeadDim, p.KVHeads,
			p.Window, p.SoftCap))
	}
}

// needTokens panics if a matrix is too small for that many tokens.
func needTokens(routine, name string, tokens, have, ld, cols int) {
	if tokens > 0 && (ld < cols || have < (tokens-1)*ld+cols) {
		panic(fmt.Sprintf("kernels: %s: %d tokens of %d, but %s has %d elements (stride %d)", routine, tokens, cols, name, have, ld))
	}
}

// An attention is divided into at most mostParts parts for each thread, and more than one only if they have partWork
// multiply-adds, which take some 50 µs.
const mostParts, partWork = 8, 1 << 21

// attend runs a task.
func (x *Exec) attend(task attnTask) {
	s := x.free.Get()
	t := &s.attn
	*t = task
	t.back, t.ahead = noLimit, noLimit
	if t.p.Window > 0 {
		t.back, t.ahead = t.p.Window-1, t.p.Window
	}
	if t.p.Causal {
		t.ahead = 1
	}
	for i := range len(t.starts) - 1 {
		t.cost += t.p.KVHeads * t.rowsCost(i, t.rows(i))
	}
	threads, work := x.Threads(), 2*t.cost*t.p.HeadDim
	if threads == 1 || work < soloWork {
		t.Run(0, 1)
	} else {
		parts := threads
		if t.kv != nil {
			t.partSizes(threads)
			t.parts = s.floats(bufParts, threads*t.partSize)
		}
		if t.partSize == 0 { // whole units, of which a thread that is done with its own takes others
			units := (len(t.starts) - 1) * t.p.KVHeads
			parts *= max(1, min(units, work/partWork, mostParts*threads)/threads)
		}
		x.pool.Run(parts, t)
		if t.partSize > 0 {
			t.foldParts(s, threads)
		}
	}
	*t = attnTask{}
	x.free.Put(s)
}

// An attnTask is an attention that threads compute together.
type attnTask struct {
	x              *Exec
	out, q, k, v   []float32
	ldo, ldq, ldkv int
	starts         []int32
	kv             []*KV // the keys and values, if they are not k and v
	p              Attn
	back, ahead    int // a query at position i sees the keys i-back to i+ahead-1, as far as they exist
	cost           int // of all units

	parts              []float32 // see parted
	partRows, partSize int
}

// A sequence is one of a task's.
type sequence struct {
	first   int // index of its first query in the packed batch
	queries int
	keys    int
	pos     int // position of the first query
	packed  int // what a Bias counts as position 0
}

func (t *attnTask) sequence(i int) sequence {
	first := int(t.starts[i])
	n := int(t.starts[i+1]) - first
	if t.kv != nil {
		keys := t.kv[i].tokens
		return sequence{first, n, keys, keys - n, 0}
	}
	return sequence{first, n, n, 0, first}
}

// group returns the number of heads that share a key head.
func (t *attnTask) group() int { return t.p.Heads / t.p.KVHeads }

// rows returns the number of rows of a unit of sequence i: its queries times the heads that share a key head.
func (t *attnTask) rows(i int) int { return t.sequence(i).queries * t.group() }

// span returns the range of keys that the query at that position sees.
func (t *attnTask) span(q *sequence, pos int) (lo, hi int) {
	lo, hi = max(0, pos-t.back), min(q.keys, pos+t.ahead)
	return lo, max(lo, hi)
}

// rowCost is what a row costs beside its keys, in keys.
const rowCost = 16

// queriesCost returns the cost of the first n queries of a sequence in one head: the keys that they see, and something for
// their own sake.
func (t *attnTask) queriesCost(q *sequence, n int) int {
	x := q.pos + t.ahead
	below := min(max(q.keys-x, 0), n) // queries that do not see the last key
	seen := below*x + below*(below-1)/2 + (n-below)*q.keys
	above := max(0, n-max(0, t.back-q.pos)) // queries that do not see the first key
	return seen - above*max(0, q.pos-t.back) - above*(above-1)/2 + n*rowCost
}

// rowsCost returns the cost of the first n rows of a unit of sequence i.
func (t *attnTask) rowsCost(i, n int) int {
	q := t.sequence(i)
	if q.queries == 0 {
		return 0
	}
	if g := t.group(); t.byToken(&q) {
		c := t.queriesCost(&q, n/g)
		return c*g + n%g*(t.queriesCost(&q, n/g+1)-c)
	}
	return n/q.queries*t.queriesCost(&q, q.queries) + t.queriesCost(&q, n%q.queries)
}

// byToken reports whether the rows of a sequence's units are ordered by token, and not by head.
func (t *attnTask) byToken(q *sequence) bool { return q.queries < t.group() }

// Run implements parallel.Task: it computes the rows whose cost, added up over all units in order, falls into the part.
func (t *attnTask) Run(part, parts int) {
	s := t.x.free.Get()
	from, to := t.costAt(part, parts), t.costAt(part+1, parts)
	at := 0
	for i := range len(t.starts) - 1 {
		q := t.sequence(i)
		rows := t.rows(i)
		cost := t.rowsCost(i, rows)
		for head := 0; head < t.p.KVHeads; {
			u := attnUnit{t: t, s: s, seq: i, sequence: q, kvHead: head, heads: 1}
			if cost > 0 && at < to && at+cost > from { // sequences without queries cost nothing
				if at >= from && at+cost <= to { // all of it, and perhaps of others
					u.heads = t.together(i, min((to-at)/cost, t.p.KVHeads-head))
					u.compute(0, u.heads*rows)
				} else if t.byBlocks(&q) {
					if b0, b1 := t.blockAt(&q, from-at, cost), t.blockAt(&q, to-at, cost); b0 < b1 {
						u.someBlocks(part, b0, b1)
					}
				} else {
					r0, r1 := t.rowAt(i, rows, from-at), rows
					if at+cost > to {
						r1 = t.rowAt(i, rows, to-at)
					}
					if r0 < r1 {
						u.compute(r0, r1)
					}
				}
			}
			at += u.heads * cost
			head += u.heads
		}
	}
	t.x.free.Put(s)
}

// costAt returns the cost of what comes before a part.
func (t *attnTask) costAt(part, parts int) int {
	return t.cost/parts*part + t.cost%parts*part/parts
}

// rowAt returns how many of the rows of a unit of sequence i cost that much, as a multiple of 16 or all of them.
func (t *attnTask) rowAt(i, rows, cost int) int {
	if cost <= 0 {
		return 0
	}
	lo, hi := 0, rows // the least number of rows whose cost is no less is in [lo, hi]
	for lo < hi {
		if mid := (lo + hi) / 2; t.rowsCost(i, mid) < cost {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return min(rows, (lo+panelWidth-1)/panelWidth*panelWidth)
}
