package kernels

import "fmt"

// # How attention is computed
//
// Scores of all queries against all keys never exist at once. The work is units of (sequence, key head); the queries of
// all heads that share a key head are the rows of its unit, and threads divide the rows of all units by their cost.
//
//	for block of 512 keys:
//	    pack keys (transposed) and values into panels           stays in the second-level cache
//	    for block of queries of one head:
//	        S = scale · Q·Kᵀ + bias                             [queries, keys of the block], in tiles
//	        for each row: m = max S, S = exp(S - m), l = sum S  in the first- or second-level cache
//	        O = S·V                                             in tiles, one chain over the keys of the block
//	        fold (m, l, O) into what earlier blocks gave
//	divide by the sums
//
// With one block of keys, which is most use, there is nothing to fold, and the tiles of S·V multiply by 1/l as they store.
// What has to outlive a block of keys is the maximum and the sum of each row, and O itself, which lies in the output.

const (
	// keyBlock is the number of keys in a block. It is part of the definition of the result.
	keyBlock = 512
	// scoreBytes is about how much memory the scores of a block of queries take.
	scoreBytes = 48 << 10
)

// Attn describes an attention over a packed batch: the sequences' tokens stand one after the other without padding.
type Attn struct {
	// Heads is the number of query heads, KVHeads that of key and value heads (it divides Heads), HeadDim the size of each.
	Heads, KVHeads, HeadDim int
	// Scale multiplies the scores: usually 1/sqrt(HeadDim).
	Scale float32
	// Bias, if not nil, adds to the scaled scores.
	Bias Bias
}

// A Bias adds to attention scores: relative positions, ALiBi.
type Bias interface {
	// AddBias adds to row, the scores of query q of sequence seq in head, over the keys k0, k0+1, ...: row[i] += bias.
	// q and the keys count the tokens of the packed sequence. It is called from several goroutines.
	AddBias(row []float32, seq, head, q, k0 int)
}

// Attention computes softmax(scale·Q·Kᵀ + bias)·V for each head of each sequence. Sequence s is the tokens starts[s] up to
// starts[s+1]. q and out are [tokens, Heads·HeadDim] with row strides ldq and ldo, k and v are [tokens, KVHeads·HeadDim]
// with row stride ldkv; q, k and v may be columns of one matrix, out must not overlap them.
func (x *Exec) Attention(out []float32, ldo int, q []float32, ldq int, k, v []float32, ldkv int, starts []int32, p *Attn) {
	if len(starts) < 2 {
		return
	}
	if p.KVHeads <= 0 || p.Heads%p.KVHeads != 0 || p.HeadDim <= 0 {
		panic(fmt.Sprintf("kernels: Attention: %d heads of %d, %d key heads", p.Heads, p.HeadDim, p.KVHeads))
	}
	tokens := int(starts[len(starts)-1])
	need := func(name string, have, ld, cols int) {
		if tokens > 0 && (ld < cols || have < (tokens-1)*ld+cols) {
			panic(fmt.Sprintf("kernels: Attention: %d tokens of %d, but %s has %d elements (stride %d)",
				tokens, cols, name, have, ld))
		}
	}
	need("out", len(out), ldo, p.Heads*p.HeadDim)
	need("q", len(q), ldq, p.Heads*p.HeadDim)
	need("k", len(k), ldkv, p.KVHeads*p.HeadDim)
	need("v", len(v), ldkv, p.KVHeads*p.HeadDim)

	s := x.free.Get()
	t := &s.attn
	*t = attnTask{x: x, out: out, ldo: ldo, q: q, ldq: ldq, k: k, v: v, ldkv: ldkv, starts: starts, p: *p}
	for i := range len(starts) - 1 {
		t.cost += p.KVHeads * t.rows(i) * t.rowCost(i)
	}
	if 2*t.cost*p.HeadDim < soloWork {
		t.Run(0, 1)
	} else {
		x.pool.Run(x.Threads(), t)
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
	p              Attn
	cost           int // of all units
}

// rows returns the number of rows of a unit of sequence s: its tokens times the heads that share a key head.
func (t *attnTask) rows(s int) int {
	return int(t.starts[s+1]-t.starts[s]) * (t.p.Heads / t.p.KVHeads)
}

// rowCost returns the cost of a row of sequence s: its keys, and something for its own sake.
func (t *attnTask) rowCost(s int) int { return int(t.starts[s+1]-t.starts[s]) + 16 }

// Run implements parallel.Task: it computes the rows whose cost, added up over all units in order, falls into the part.
func (t *attnTask) Run(part, parts int) {
	s := t.x.free.Get()
	lo, hi := t.cost/parts*part+t.cost%parts*part/parts, t.cost/parts*(part+1)+t.cost%parts*(part+1)/parts
	at := 0
	for seq := range len(t.starts) - 1 {
		rows, cost := t.rows(seq), t.rowCost(seq)
		row := func(c int) int { return min(rows, max(0, (c-at+cost-1)/cost+panelWidth-1)/panelWidth*panelWidth) }
		for head := range t.p.KVHeads {
			if r0, r1 := row(lo), row(hi); r0 < r1 {
				t.unit(s, seq, head, r0, r1)
			}
			at += rows * cost
		}
	}
	t.x.free.Put(s)
}

// unit computes rows r0 to r1 of the unit of a sequence and a key head.
func (t *attnTask) unit(s *scratch, seq, kvHead, r0, r1 int) {
	set, d, group := t.x.set, t.p.HeadDim, t.p.Heads/t.p.KVHeads
	first, keys := int(t.starts[seq]), int(t.starts[seq+1]-t.starts[seq])
	dPad := (d + panelWidth - 1) / panelWidth * panelWidth
	state := s.floats(bufState, 2*(r1-r0))
	maxima, sums := state[:r1-r0], state[r1-r0:]
	for k0 := 0; k0 < keys; k0 += keyBlock {
		n := min(keyBlock, keys-k0)
		nPad := (n + panelWidth - 1) / panelWidth * panelWidth
		kp, vp := s.floats(bufKeys, nPad*d), s.floats(bufValues, n*dPad)
		at := (first+k0)*t.ldkv + kvHead*d
		set.packKeys(kp, t.k[at:], t.ldkv, n, d)
		set.packValues(vp, t.v[at:], t.ldkv, n, d)
		stride := nPad + panelWidth // so that rows do not compete for the same cache sets
		step := max(2*set.tileRows, scoreBytes/4/stride/set.tileRows*set.tileRows)
		for r := r0; r < r1; {
			q := r % keys
			m := min(r1-r, keys-q) // rows of this head; blocks are even
			m /= (m + step - 1) / step
			head := kvHead*group + r/keys
			scores := s.floats(bufScores, m*stride)
			t.scores(s, scores, stride, t.q[(first+q)*t.ldq+head*d:], m, n, kp)
			// The first block's results are the state; those of the others are folded into it.
			bm, bl := maxima[r-r0:][:m], sums[r-r0:][:m]
			o, ldo := t.out[(first+q)*t.ldo+head*d:], t.ldo
			fold := k0 > 0
			if fold || d < dPad {
				o, ldo = s.floats(bufEdge, m*(dPad+2)), dPad
				if fold {
					bm, bl = o[m*dPad:][:m], o[m*(dPad+1):][:m]
				}
			}
			for i := range m {
				row := scores[i*stride:][:n]
				if t.p.Bias != nil {
					t.p.Bias.AddBias(row, seq, head, first+q+i, first+k0)
				}
				bm[i] = set.rowMax(row)
			}
			for i := range m { // apart, so that no row waits for its own maximum
				row := scores[i*stride:][:n]
				bl[i] = set.expSum(row, row, bm[i])
			}
			only := keys <= keyBlock
			if only {
				for i, l := range bl {
					bl[i] = 1 / l
				}
			}
			t.values(s, o, ldo, scores, stride, m, n, vp, bl, only)
			dst := t.out[(first+q)*t.ldo+head*d:]
			switch {
			case fold:
				t.fold(dst, o, m, maxima[r-r0:], sums[r-r0:], bm, bl)
			case d < dPad:
				for i := range m {
					copy(dst[i*t.ldo:][:d], o[i*dPad:])
				}
			}
			r += m
		}
	}
	if keys > keyBlock {
		for r := r0; r < r1; r++ {
			o := t.out[(first+r%keys)*t.ldo+(kvHead*group+r/keys)*d:][:d]
			set.scale(o, o, 1/sums[r-r0])
		}
	}
}

// scores computes the scaled scores of m queries against n packed keys.
func (t *attnTask) scores(s *scratch, scores []float32, stride int, q []float32, m, n int, keys []float32) {
	set, d := t.x.set, t.p.HeadDim
	panels := (n + panelWidth - 1) / panelWidth
	for p := 0; p < panels; {
		w := set.width(m, panels-p)
		for i0 := 0; i0 < d; i0 += kBlock {
			s.tile = tile{
				c: &scores[p*panelWidth], ldc: uintptr(stride) * 4, a: &q[i0], lda: uintptr(t.ldq) * 4,
				b: &keys[(p*d+i0)*panelWidth], panel: uintptr(d) * panelWidth * 4, k: min(kBlock, d-i0), scale: t.p.Scale,
			}
			if i0 > 0 {
				s.tile.flags, s.tile.sum, s.tile.lds = tileAdd, s.tile.c, s.tile.ldc
			}
			if i0+kBlock >= d {
				s.tile.flags |= tileScale
			}
			set.run(&s.tile, m, w)
		}
		p += 1 << w
	}
}

// values computes O = S·V for m rows of scores over n packed values, and multiplies the rows by inv if it is the only block.
func (t *attnTask) values(s *scratch, o []float32, ldo int, scores []float32, stride, m, n int, values, inv []float32,
	only bool) {
	set := t.x.set
	panels := (t.p.HeadDim + panelWidth - 1) / panelWidth
	for p := 0; p < panels; {
		w := set.width(m, panels-p)
		s.tile = tile{
			c: &o[p*panelWidth], ldc: uintptr(ldo) * 4, a: &scores[0], lda: uintptr(stride) * 4,
			b: &values[p*n*panelWidth], panel: uintptr(n) * panelWidth * 4, k: n,
		}
		if only {
			s.tile.flags, s.tile.rowScale = tileRowScale, &inv[0]
		}
		set.run(&s.tile, m, w)
		p += 1 << w
	}
}

// fold adds a block's results (bm, bl, o) of m rows to those of the blocks before it (maxima, sums, dst).
func (t *attnTask) fold(dst, o []float32, m int, maxima, sums, bm, bl []float32) {
	set, d := t.x.set, t.p.HeadDim
	dPad := (d + panelWidth - 1) / panelWidth * panelWidth
	for i := range m {
		top := greater(bm[i], maxima[i])
		alpha, beta := exp(maxima[i]-top), exp(bm[i]-top)
		maxima[i] = top
		sums[i] = float32(sums[i]*alpha) + float32(bl[i]*beta)
		row := dst[i*t.ldo:][:d]
		set.scale(row, row, alpha)
		set.addScaled(row, o[i*dPad:][:d], beta)
	}
}
