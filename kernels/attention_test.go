package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// An attnOracle is the definition of attention, row by row. It reads element c of the key and the value of head kv at
// position j of a sequence from key and value.
type attnOracle struct {
	*Attn
	key, value func(seq, kv, j, c int) float32
	packed     func(seq int) int // what a Bias counts as position 0

	held map[[2]int][2][]float32 // the keys and values of a sequence and head, [keys, HeadDim], as far as they were read
}

// all returns the keys and values of a sequence and head.
func (a *attnOracle) all(seq, kv, keys int) (k, v []float32) {
	at, d := [2]int{seq, kv}, a.HeadDim
	if a.held == nil {
		a.held = map[[2]int][2][]float32{}
	}
	if len(a.held[at][0]) < keys*d {
		k, v = make([]float32, keys*d), make([]float32, keys*d)
		for i := range k {
			k[i], v[i] = a.key(seq, kv, i/d, i%d), a.value(seq, kv, i/d, i%d)
		}
		a.held[at] = [2][]float32{k, v}
	}
	return a.held[at][0], a.held[at][1]
}

// row computes the output of one head for the query q at position pos of a sequence of that many keys.
func (a *attnOracle) row(q []float32, seq, head, pos, keys int) []float32 {
	d, kv := a.HeadDim, head/(a.Heads/a.KVHeads)
	lo, hi := 0, keys
	if a.Window > 0 {
		lo, hi = max(0, pos-a.Window+1), min(keys, pos+a.Window)
	}
	if a.Causal {
		hi = min(hi, pos+1)
	}
	ks, vs := a.all(seq, kv, keys)
	var top, total float32
	o := make([]float32, d)
	first := true
	for k0 := lo / 512 * 512; k0 < hi; k0 += 512 {
		from, to := max(lo, k0), min(hi, k0+512)
		s := make([]float32, to-from)
		gemmOracle(s, len(s), q, 0, 1, d, len(s), func(l, j int) float32 { return ks[(from+j)*d+l] }, nil, Epilogue{})
		for j := range s {
			s[j] = float32(s[j] * a.Scale)
		}
		if a.Bias != nil {
			a.Bias.AddBias(s, seq, head, a.packed(seq)+pos, a.packed(seq)+from)
		}
		if a.SoftCap != 0 {
			for j := range s {
				s[j] = float32(tanh(s[j]/a.SoftCap) * a.SoftCap)
			}
		}
		m := rowMaxGo(s)
		var sums lanes
		block := make([]float32, d)
		for j := range s {
			e := exp(s[j] - m)
			sums[(from+j)%16] += e
			chains(block, e, vs[(from+j)*d:])
		}
		l := sums.sum()
		if first {
			top, total, o, first = m, l, block, false
			continue
		}
		t := greater(m, top)
		alpha, beta := exp(top-t), exp(m-t)
		top, total = t, float32(total*alpha)+float32(l*beta)
		for c := range o {
			o[c] = float32(o[c]*alpha) + float32(block[c]*beta)
		}
	}
	if first {
		return o
	}
	inv := 1 / total
	for c := range o {
		o[c] = float32(o[c] * inv)
	}
	return o
}

// chains takes a step of as many chains of fused multiply-adds as o has.
//
//go:norace
func chains(o []float32, e float32, v []float32) {
	for c := range o {
		o[c] = fma(e, v[c], o[c])
	}
}

// attentionOracle is the definition of Attention.
func attentionOracle(out []float32, ldo int, q []float32, ldq int, k, v []float32, ldkv int, starts []int32, p *Attn) {
	d := p.HeadDim
	a := attnOracle{Attn: p,
		key:    func(seq, kv, j, c int) float32 { return k[(int(starts[seq])+j)*ldkv+kv*d+c] },
		value:  func(seq, kv, j, c int) float32 { return v[(int(starts[seq])+j)*ldkv+kv*d+c] },
		packed: func(seq int) int { return int(starts[seq]) },
	}
	for seq := range len(starts) - 1 {
		first, end := int(starts[seq]), int(starts[seq+1])
		for head := range p.Heads {
			for i := first; i < end; i++ {
				copy(out[i*ldo+head*d:], a.row(q[i*ldq+head*d:], seq, head, i-first, end-first))
			}
		}
	}
}

// slope is a Bias like ALiBi, with a mask: in odd sequences, a query takes no part in the keys after it.
type slope struct{ starts []int32 }

func (s slope) AddBias(row []float32, seq, head, q, k0 int) {
	for i := range row {
		row[i] -= float32(head+1) * 0.03125 * float32(max(q-k0-i, k0+i-q))
		if seq%2 == 1 && k0+i > q {
			row[i] = float32(math.Inf(-1))
		}
	}
}

type attnCase struct {
	heads, kvHeads, d int
	lengths           []int
	bias, special     bool
	causal            bool
	window            int
	softCap           float32
}

func (c attnCase) run(t testing.TB, xs []*Exec) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(c.d), uint64(c.lengths[0])))
	starts := []int32{0}
	for _, n := range c.lengths {
		starts = append(starts, starts[len(starts)-1]+int32(n))
	}
	tokens := int(starts[len(starts)-1])
	// q, k, v are columns of one matrix, as a fused projection makes them.
	ld := (c.heads+2*c.kvHeads)*c.d + 3
	qkv, ldo := make([]float32, (tokens+1)*ld), c.heads*c.d+5 // one more, so that k and v exist without any
	random(r, qkv)
	if c.special {
		for range len(qkv) / 500 {
			qkv[r.IntN(len(qkv))] = []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 0x1p127}[r.IntN(4)]
		}
	}
	k, v := qkv[c.heads*c.d:], qkv[(c.heads+c.kvHeads)*c.d:]
	p := &Attn{Heads: c.heads, KVHeads: c.kvHeads, HeadDim: c.d, Scale: float32(1 / math.Sqrt(float64(c.d))),
		Causal: c.causal, Window: c.window, SoftCap: c.softCap}
	if c.bias {
		p.Bias = slope{starts}
	}
	want := make([]float32, max(0, (tokens-1)*ldo+c.heads*c.d))
	attentionOracle(want, ldo, qkv, ld, k, v, ld, starts, p)
	for _, x := range xs {
		name := fmt.Sprintf("%s, %d threads: %+v", x.Set().Name(), x.Threads(), c)
		got, check := guarded(len(want), 5)
		x.Attention(got, ldo, qkv, ld, k, v, ld, starts, p)
		if err := check(); err != nil {
			t.Fatalf("%s: out: %v", name, err)
		}
		for i := range want {
			ref := want[i]
			if i%ldo >= c.heads*c.d {
				ref = guard
			}
			if !same(got[i], ref) {
				t.Fatalf("%s: out[%d][%d] = %v, want %v", name, i/ldo, i%ldo, got[i], ref)
			}
		}
	}
}

func TestAttention(t *testing.T) {
	xs := execs(t)
	step, longest := 1, 2000
	if testing.Short() { // the definition in Go takes long under an emulator
		step, longest = 7, 700
	}
	for n := 0; n < 100; n += step { // every length, and every head size up to 99
		some := someOf(xs, n)
		attnCase{heads: 2, kvHeads: 1, d: 16, lengths: []int{n, 3, 0, 17}, bias: n%2 == 0}.run(t, some)
		attnCase{heads: 1, kvHeads: 1, d: n + 1, lengths: []int{19, 0, 33}, bias: n%2 == 1, special: n%5 == 0}.run(t, some)
		attnCase{heads: 2, kvHeads: 1, d: 17, lengths: []int{n, 5}, causal: true, special: n%4 == 0}.run(t, some)
		attnCase{heads: 1, kvHeads: 1, d: 16, lengths: []int{n, 40}, window: 1 + n*7%40, special: n%4 == 0}.run(t, some)
		attnCase{heads: 1, kvHeads: 1, d: 20, lengths: []int{60, 99 - n}, causal: true, window: n, softCap: float32(n % 3),
			bias: n%2 == 0}.run(t, some)
	}
	for i, c := range []attnCase{
		{heads: 12, kvHeads: 12, d: 32, lengths: []int{16}},
		{heads: 4, kvHeads: 2, d: 9, lengths: []int{15, 16, 17, 1, 40}, bias: true, softCap: 5},
		{heads: 6, kvHeads: 2, d: 20, lengths: []int{0, 29, 0}, special: true},
		{heads: 6, kvHeads: 1, d: 64, lengths: []int{3, 1, 2, 5}, causal: true, special: true}, // fewer tokens than heads
		{heads: 1, kvHeads: 1, d: 257, lengths: []int{13}},
		{heads: 1, kvHeads: 1, d: 8, lengths: []int{513}, bias: true},
		{heads: 2, kvHeads: 1, d: 20, lengths: []int{511, 2}, special: true},
		{heads: 1, kvHeads: 1, d: 16, lengths: []int{0, 1031}, bias: true},
		{heads: 1, kvHeads: 1, d: 16, lengths: []int{1031}, causal: true, special: true},
		{heads: 2, kvHeads: 1, d: 8, lengths: []int{520, 3, 530}, causal: true, bias: true},
		{heads: 1, kvHeads: 1, d: 16, lengths: []int{1100}, window: 65},
		{heads: 1, kvHeads: 1, d: 16, lengths: []int{700}, window: 600, special: true},
		{heads: 1, kvHeads: 1, d: 24, lengths: []int{1100}, causal: true, window: 512, softCap: 2},
		{heads: 1, kvHeads: 1, d: 8, lengths: []int{1600}, causal: true, window: 700, special: true},
		{heads: 1, kvHeads: 1, d: 8, lengths: []int{1100}, causal: true, window: 1},
	} {
		if slices.Max(c.lengths) <= longest {
			c.run(t, allOf(xs, i))
		}
	}
}

// TestTileLoad compares all tiles of a Set, with chains that go on from other sums, with the definition.
func TestTileLoad(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const most = 8 * panelWidth
	for _, set := range otherSets() {
		for rows := 1; rows <= set.tileRows; rows++ {
			for w, f := range set.tile[rows] {
				if f == nil {
					continue
				}
				for _, k := range []int{1, 3, 4, 9} {
					cols, all := panelWidth<<w, 3*rows
					a, b := values(r, all*k, 0), values(r, k*cols, 2)
					sum, want := values(r, all*most, 2), make([]float32, all*cols)
					got, check := guarded(all*cols, 4)
					q := tile{c: &got[0], ldc: uintptr(cols) * 4, a: &a[0], lda: uintptr(k) * 4, b: &b[0],
						panel: uintptr(k) * panelWidth * 4, k: k, rows: rows, count: 3, sum: &sum[0], lds: most * 4, flags: tileLoad}
					f(&q)
					for p := range 1 << w {
						q.c, q.b, q.sum = &want[p*panelWidth], &b[p*k*panelWidth], &sum[p*panelWidth]
						tileGo(&q)
					}
					equal(t, fmt.Sprintf("%s: tile of %d rows, 2^%d panels, k=%d", set.name, rows, w, k), got, want)
					if err := check(); err != nil {
						t.Fatalf("%s: tile of %d rows, 2^%d panels: %v", set.name, rows, w, err)
					}
				}
			}
		}
	}
}

// TestAttentionHides has infinities and NaN after the queries: their results are those of a shorter sequence.
func TestAttentionHides(t *testing.T) {
	const n, d, hidden = 600, 24, 37
	r := rand.New(rand.NewPCG(7, 8))
	for _, x := range allOf(execs(t), 1) {
		q := values(r, n*3*d, 0)
		p := &Attn{Heads: 1, KVHeads: 1, HeadDim: d, Scale: 0.2, Causal: true}
		want, got := make([]float32, n*d), make([]float32, n*d)
		x.Attention(want, d, q, 3*d, q[d:], q[2*d:], 3*d, []int32{0, n - hidden}, p)
		for i := (n - hidden) * 3 * d; i < len(q); i++ {
			q[i] = []float32{float32(math.Inf(1)), float32(math.NaN())}[i%2]
		}
		x.Attention(got, d, q, 3*d, q[d:], q[2*d:], 3*d, []int32{0, n}, p)
		equal(t, x.Set().Name(), got[:(n-hidden)*d], want[:(n-hidden)*d])
	}
}

func TestAttentionAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 2} {
		x := New(nil, threads)
		defer x.Close()
		q, out := make([]float32, 80*3*64), make([]float32, 80*64)
		starts := []int32{0, 30, 80}
		for _, p := range []*Attn{
			{Heads: 2, KVHeads: 2, HeadDim: 32, Scale: 1, Bias: slope{}},
			{Heads: 2, KVHeads: 1, HeadDim: 32, Scale: 1, Causal: true, Window: 20, SoftCap: 3, Bias: NewALiBi(2)},
		} {
			if n := testing.AllocsPerRun(20, func() {
				x.Attention(out, 64, q, 192, q[64:], q[128:], 192, starts, p)
			}); n != 0 {
				t.Errorf("%d threads: %v allocations a call, want 0", threads, n)
			}
		}
	}
}

// FuzzAttention draws shapes and values.
func FuzzAttention(f *testing.F) {
	xs := execs(f)
	f.Add(uint8(2), uint8(1), uint8(32), uint16(40), uint8(9), uint8(1), uint16(0))
	f.Add(uint8(0), uint8(0), uint8(15), uint16(599), uint8(30), uint8(6), uint16(77))
	f.Add(uint8(1), uint8(2), uint8(43), uint16(0), uint8(0), uint8(1), uint16(0)) // no tokens at all
	f.Fuzz(func(t *testing.T, group, kvHeads, d uint8, n uint16, n2, flags uint8, window uint16) {
		kv := 1 + int(kvHeads%3)
		attnCase{heads: kv * (1 + int(group%3)), kvHeads: kv, d: 1 + int(d%70), lengths: []int{int(n % 600), int(n2 % 40)},
			bias: flags&1 != 0, special: n2&1 == 0, causal: flags&2 != 0, window: int(window % 700),
			softCap: float32(flags & 4)}.run(t, xs)
	})
}
