package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// kvCase is a batch of sequences whose tokens come in chunks.
type kvCase struct {
	Attn
	typ     KVType
	lengths []int
	chunks  []int // of these many tokens, in turn, for each sequence; 0: none in that turn
}

func (c kvCase) run(t testing.TB, xs []*Exec) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(c.HeadDim), uint64(c.lengths[0])))
	n, ldq, ldo := len(c.lengths), c.Heads*c.HeadDim+3, c.Heads*c.HeadDim+1
	ld := 2*c.KVHeads*c.HeadDim + 5
	q, kv := make([][]float32, n), make([][]float32, n)
	for i, m := range c.lengths {
		q[i], kv[i] = values(r, m*ldq, 0), values(r, m*ld, 0)
	}
	number := func(seq, kvHead, j, l, at int) float32 {
		x := []float32{kv[seq][j*ld+at+kvHead*c.HeadDim+l]}
		if c.typ == KVBFloat16 {
			rowsGo.widenBFloat16(x, []uint16{bfloat16(x[0])})
		}
		return x[0]
	}
	oracle := attnOracle{Attn: &c.Attn,
		key:    func(seq, kvHead, j, l int) float32 { return number(seq, kvHead, j, l, 0) },
		value:  func(seq, kvHead, j, l int) float32 { return number(seq, kvHead, j, l, c.KVHeads*c.HeadDim) },
		packed: func(int) int { return 0 },
	}
	want := make([][]float32, n)
	for i, m := range c.lengths {
		want[i] = make([]float32, m*ldo)
		for j := range m {
			for head := range c.Heads {
				copy(want[i][j*ldo+head*c.HeadDim:], oracle.row(q[i][j*ldq+head*c.HeadDim:], i, head, j, m))
			}
		}
	}
	for _, x := range xs {
		caches, done := make([]*KV, n), make([]int, n)
		for i := range caches {
			caches[i] = x.NewKV(c.KVHeads, c.HeadDim, c.typ, c.Window)
		}
		for turn := 0; ; turn++ {
			starts, rows := []int32{0}, []float32(nil)
			for i, m := range c.lengths {
				chunk := min(m-done[i], c.chunks[(turn+i)%len(c.chunks)])
				if chunk > 0 {
					k := kv[i][done[i]*ld:]
					caches[i].Append(k, k[c.KVHeads*c.HeadDim:], ld, chunk)
				}
				rows = append(rows, q[i][done[i]*ldq:(done[i]+chunk)*ldq]...)
				starts = append(starts, starts[i]+int32(chunk))
			}
			if starts[n] == 0 && turn > 3*len(c.chunks) {
				break
			}
			out, check := guarded(int(starts[n])*ldo, 3)
			x.AttentionKV(out, ldo, rows, ldq, starts, caches, &c.Attn)
			if err := check(); err != nil {
				t.Fatalf("%s, %d threads: %v", x.Set().Name(), x.Threads(), err)
			}
			for i := range c.lengths {
				for j := range int(starts[i+1] - starts[i]) {
					at := (int(starts[i]) + j) * ldo
					what := fmt.Sprintf("%s, %d threads, %+v: sequence %d, token %d", x.Set().Name(), x.Threads(), c, i, done[i]+j)
					equal(t, what, out[at:][:c.Heads*c.HeadDim], want[i][(done[i]+j)*ldo:][:c.Heads*c.HeadDim])
				}
				done[i] += int(starts[i+1] - starts[i])
			}
		}
	}
}

// TestAttentionKV compares attention over KVs with the definition: prompts in one piece, in chunks, token by token, mixed.
func TestAttentionKV(t *testing.T) {
	xs := execs(t)
	gqa := Attn{Heads: 4, KVHeads: 2, HeadDim: 20, Scale: 0.3, Causal: true}
	window := gqa
	window.Window = 37
	wide := Attn{Heads: 2, KVHeads: 1, HeadDim: 8, Scale: 0.2, Causal: true, Window: 600, SoftCap: 4, Bias: NewALiBi(2)}
	one := Attn{Heads: 1, KVHeads: 1, HeadDim: 17, Scale: 0.3, Causal: true, Window: 300}
	three := Attn{Heads: 6, KVHeads: 2, HeadDim: 7, Scale: 0.3, Causal: true}
	four := Attn{Heads: 4, KVHeads: 1, HeadDim: 260, Scale: 0.1, Causal: true, Window: 9}
	many := Attn{Heads: 8, KVHeads: 1, HeadDim: 4, Scale: 0.2, Causal: true}
	step, longest := 1, 2000
	if testing.Short() { // the definition in Go takes long under an emulator
		step, longest = 7, 600
	}
	for i := 0; i < 40; i += step {
		c := kvCase{Attn: gqa, typ: KVType(i % 2), lengths: []int{i, 40 - i, 3}, chunks: []int{1 + i%5, i % 3, 7}}
		if i%3 == 0 {
			c.Attn = window
		}
		c.run(t, someOf(xs, i))
	}
	for i, c := range []kvCase{
		{one, KVFloat32, []int{530, 20}, []int{400, 1, 125, 3, 1, 1}},
		{one, KVFloat32, []int{600, 10}, []int{511, 1, 1, 30}},
		{one, KVBFloat16, []int{1030}, []int{515, 500, 1}},
		{wide, KVFloat32, []int{1300, 40}, []int{505, 600, 90, 1}},
		{wide, KVBFloat16, []int{700}, []int{690, 5, 2}},
		{many, KVFloat32, []int{1040, 530}, []int{1030, 1, 2, 7, 520}},
		{many, KVBFloat16, []int{1030}, []int{1026, 1, 3}},
		{three, KVBFloat16, []int{530, 40}, []int{1, 509, 1, 1}},
		{four, KVBFloat16, []int{520}, []int{516, 1}},
		{four, KVFloat32, []int{520}, []int{516, 1}},
	} {
		if c.lengths[0] <= longest {
			c.run(t, allOf(xs, i))
		}
	}
}

// TestAttentionKVNoQueries has sequences without queries among others, with so many keys that those with few are divided by
// blocks.
func TestAttentionKVNoQueries(t *testing.T) {
	const d = 4
	r := rand.New(rand.NewPCG(2, 5))
	x := New(nil, 3)
	defer x.Close()
	var caches []*KV
	for _, n := range []int{600, 700, 0, 1100} {
		c, kv := x.NewKV(1, d, KVFloat32, 0), values(r, n*d, 0)
		c.Append(kv, kv, d, n)
		caches = append(caches, c)
	}
	p := &Attn{Heads: 1, KVHeads: 1, HeadDim: d, Scale: 0.4, Causal: true}
	for _, starts := range [][]int32{{0, 0, 40, 40, 41}, {0, 40, 40, 40, 41}, {0, 1, 1, 1, 41}, {0, 40, 41, 41, 41},
		{0, 0, 0, 0, 0}} {
		n := int(starts[len(caches)])
		q, want, got := values(r, n*d, 0), make([]float32, n*d), make([]float32, n*d)
		for i, c := range caches {
			if from, to := starts[i], starts[i+1]; from < to {
				x.AttentionKV(want[from*d:], d, q[from*d:], d, []int32{0, to - from}, []*KV{c}, p)
			}
		}
		x.AttentionKV(got, d, q, d, starts, caches, p)
		equal(t, fmt.Sprint(starts), got, want)
	}
}

// TestAttentionKVMemory has many threads share the keys of a token: each needs room for the blocks that it may get, and not for
// all.
func TestAttentionKVMemory(t *testing.T) {
	const heads, d, keys, threads = 8, 1, 100 * keyBlock, 64
	x := New(nil, threads)
	defer x.Close()
	c, kv, out := x.NewKV(heads, d, KVFloat32, 0), make([]float32, keys*heads*d), make([]float32, heads*d)
	c.Append(kv, kv, heads*d, keys)
	x.AttentionKV(out, heads*d, kv, heads*d, []int32{0, 1}, []*KV{c}, &Attn{Heads: heads, KVHeads: heads, HeadDim: d, Causal: true})
	const most = heads*100/threads + 2 // blocks of a thread
	room := 0
	for range x.free.Most {
		room = max(room, len(x.free.Get().buf[bufParts]))
	}
	if room == 0 || room > threads*(2+most*(panelWidth+2)) {
		t.Errorf("%d threads have room for %d numbers, want that for at most %d blocks each", threads, room, most)
	}
}

// TestAttentionKVDivided has so many keys, and so many threads, that the keys of a head are divided among them, and batches of
// sequences of which some are and some are not.
func TestAttentionKVDivided(t *testing.T) {
	const heads, d = 2, 16
	r := rand.New(rand.NewPCG(1, 5))
	lengths := []int{5000, 3, 1024, 2100, 513, 9000, 512}
	p := &Attn{Heads: heads * 2, KVHeads: heads, HeadDim: d, Scale: 0.4, Causal: true}
	sets := Sets()
	if testing.Short() {
		sets = sets[:1] // how work is divided is the same for all
	}
	for _, window := range []int{0, 2000} {
		p.Window = window
		for _, set := range sets {
			one := New(set, 1)
			defer one.Close()
			var caches []*KV
			starts := []int32{0}
			for i, n := range lengths {
				c := one.NewKV(heads, d, KVFloat32, 0)
				kv := values(r, n*heads*d, 0)
				c.Append(kv, kv, heads*d, n)
				caches = append(caches, c)
				starts = append(starts, starts[i]+int32(1+i%3))
			}
			h := 2 * heads * d
			q := values(r, int(starts[len(lengths)])*h, 0)
			want, got := make([]float32, len(q)), make([]float32, len(q))
			for i := range lengths { // alone
				at := int(starts[i]) * h
				one.AttentionKV(want[at:], h, q[at:], h, []int32{0, starts[i+1] - starts[i]}, caches[i:i+1], p)
			}
			for _, threads := range []int{1, 2, 3, 7, 16, 61} {
				x := New(set, threads)
				x.AttentionKV(got, h, q, h, starts, caches, p)
				equal(t, fmt.Sprintf("%s, %d threads, window %d", set.Name(), threads, window), got, want)
				x.AttentionKV(got, h, q, h, starts[:2], caches[:1], p)
				equal(t, fmt.Sprintf("%s, %d threads, window %d: one", set.Name(), threads, window), got[:h], want[:h])
				x.Close()
			}
		}
	}
}

// TestAttentionSameBits says it in one place: one prefill without a KV, with one, in chunks, and token by token.
func TestAttentionSameBits(t *testing.T) {
	const heads, kvHeads, d = 4, 2, 24
	n := 700
	if testing.Short() {
		n = 530 // two blocks of keys all the same
	}
	r := rand.New(rand.NewPCG(11, 12))
	q, k, v := values(r, n*heads*d, 0), values(r, n*kvHeads*d, 0), values(r, n*kvHeads*d, 0)
	p := &Attn{Heads: heads, KVHeads: kvHeads, HeadDim: d, Scale: 0.2, Causal: true}
	for _, x := range allOf(execs(t), 2) {
		want := make([]float32, n*heads*d)
		x.Attention(want, heads*d, q, heads*d, k, v, kvHeads*d, []int32{0, int32(n)}, p)
		for _, chunk := range []int{n, 333, 128, 1} {
			c, got := x.NewKV(kvHeads, d, KVFloat32, 0), make([]float32, n*heads*d)
			for i := 0; i < n; i += chunk {
				m := min(chunk, n-i)
				c.Append(k[i*kvHeads*d:], v[i*kvHeads*d:], kvHeads*d, m)
				x.AttentionKV(got[i*heads*d:], heads*d, q[i*heads*d:], heads*d, []int32{0, int32(m)}, []*KV{c}, p)
			}
			equal(t, fmt.Sprintf("%s, %d threads, chunks of %d", x.Set().Name(), x.Threads(), chunk), got, want)
		}
	}
}

// TestAttentionKVAcross has queries that are not the KV's tokens.
func TestAttentionKVAcross(t *testing.T) {
	const heads, d = 2, 16
	r := rand.New(rand.NewPCG(3, 4))
	p := &Attn{Heads: heads, KVHeads: heads, HeadDim: d, Scale: 0.2}
	for _, x := range execs(t) {
		for _, keys := range []int{0, 1, 40, 600} {
			for _, n := range []int{1, 50} {
				k, v, q := values(r, keys*heads*d, 0), values(r, keys*heads*d, 0), values(r, n*heads*d, 0)
				c, got := x.NewKV(heads, d, KVFloat32, 0), values(r, n*heads*d, 0)
				c.Append(k, v, heads*d, keys)
				x.AttentionKV(got, heads*d, q, heads*d, []int32{0, int32(n)}, []*KV{c}, p)
				o := attnOracle{Attn: p, key: func(_, kv, j, l int) float32 { return k[(j*heads+kv)*d+l] },
					value: func(_, kv, j, l int) float32 { return v[(j*heads+kv)*d+l] }}
				for i := range n {
					for h := range heads {
						at := (i*heads + h) * d
						equal(t, fmt.Sprintf("%s: %d keys, query %d", x.Set().Name(), keys, i), got[at:][:d], o.row(q[at:], 0, h, i, keys))
					}
				}
			}
		}
	}
}

// TestAttentionKVWrongQueries has more queries than tokens, whose positions would be negative.
func TestAttentionKVWrongQueries(t *testing.T) {
	x := New(nil, 1)
	defer x.Close()
	c, rows := x.NewKV(1, 4, KVFloat32, 5), make([]float32, 9*4)
	c.Append(rows, rows, 4, 8)
	for _, p := range []Attn{{Causal: true}, {Window: 5}} {
		p.Heads, p.KVHeads, p.HeadDim = 1, 1, 4
		func() {
			defer func() {
				if v, want := recover(), "kernels: AttentionKV: 9 queries, but KV 0 has 8 tokens"; v != want {
					t.Errorf("%+v: panic %v, want %q", p, v, want)
				}
			}()
			x.AttentionKV(make([]float32, 9*4), 4, rows, 4, []int32{0, 9}, []*KV{c}, &p)
		}()
	}
}

// TestBFloat16 rounds to the nearest, ties to even; a NaN stays one.
func TestBFloat16(t *testing.T) {
	for _, c := range []struct {
		x    float32
		want uint16
	}{{1, 0x3f80}, {0x1.01p0, 0x3f80}, {0x1.010002p0, 0x3f81}, {0x1.03p0, 0x3f82}, {math.MaxFloat32, 0x7f80}, {-0x1p-133, 0x8001},
		{math.Float32frombits(0x7f800001), 0x7fc0}, {float32(math.Inf(-1)), 0xff80}} {
		if got := bfloat16(c.x); got != c.want {
			t.Errorf("bfloat16(%x) = %#x, want %#x", c.x, got, c.want)
		}
	}
}

// TestKVTiles compares the tiles for few rows of bfloat16 with the definition, with each of their flags.
func TestKVTiles(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 6))
	for _, set := range otherSets() {
		for rows := range set.kvTile {
			for w, f := range set.kvTile[rows] {
				for k := 1; f != nil && k < 20; k++ {
					cols := panelWidth << w
					a, scale := values(r, rows*(k+1), 0), values(r, rows, 0)
					b, b16 := values(r, k*cols, 2), make([]uint16, k*cols)
					for i, x := range b {
						b16[i] = bfloat16(x)
					}
					rowsGo.widenBFloat16(b, b16)
					sum, want := values(r, rows*cols, 2), make([]float32, rows*cols)
					for _, flags := range []int{0, tileLoad, tileAdd | tileScale, tileRowScale} {
						got, check := guarded(rows*cols, k%16)
						q := tile{c: &got[0], ldc: uintptr(cols) * 4, a: &a[0], lda: uintptr(k+1) * 4, k: k, rows: rows, count: 1,
							b: (*float32)(unsafe.Pointer(&b16[0])), panel: uintptr(k) * panelWidth * 2, sum: &sum[0],
							lds: uintptr(cols) * 4, flags: flags, scale: 0.3, rowScale: &scale[0]}
						f(&q)
						for p := range 1 << w {
							q.c, q.b, q.sum = &want[p*panelWidth], &b[p*k*panelWidth], &sum[p*panelWidth]
							tileGo(&q)
						}
						what := fmt.Sprintf("%s: %d rows, 2^%d panels, k=%d, flags %d", set.name, rows, w, k, flags)
						equal(t, what, got, want)
						if err := check(); err != nil {
							t.Fatalf("%s: %v", what, err)
						}
					}
				}
			}
		}
	}
}

// TestKVRows compares the routine for two rows and more with the definition.
func TestKVRows(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 7))
	for _, set := range otherSets() {
		for typ, f := range set.kvRows {
			for i := 0; f != nil && i < 300; i++ {
				rows, k, count, kind := 2+i%8, 1+r.IntN(20)+i%2*r.IntN(250), 1+r.IntN(3), i%3
				load, fetch, across := i/8%2, i/16%2, i/4%2 == 0 // across: as for keys, or else as for values
				panel, lda, ldc := k*panelWidth, count*k+3, 4*count*panelWidth+5
				a, b := values(r, rows*lda, 0), values(r, 4*count*panel, kind)
				b16 := make([]uint16, len(b))
				if KVType(typ) == KVBFloat16 {
					for i, x := range b {
						b16[i] = bfloat16(x)
					}
					rowsGo.widenBFloat16(b, b16)
				}
				got, check := guarded(rows*ldc, i%16)
				copy(got, values(r, len(got), kind))
				want := slices.Clone(got)
				q := kvRows{c: &got[0], ldc: uintptr(ldc) * 4, lds: panelWidth * 4, a: &a[0], lda: uintptr(lda) * 4, b: &b[0],
					stream: uintptr(count*panel) * 4, k: k, count: count, scale: 0.3, load: load, fetch: fetch, nextB: uintptr(panel) * 4}
				if across {
					q.lds, q.nextC = uintptr(count)*panelWidth*4, panelWidth*4
				} else {
					q.nextA = uintptr(k) * 4
				}
				q.rows(rows)
				for g := range count {
					for s := range 4 {
						d := tile{ldc: q.ldc, lds: q.ldc, lda: q.lda, k: k, rows: rows, count: 1, flags: tileScale, scale: q.scale}
						if g == 0 && fetch > 0 || g > 0 && load > 0 {
							d.flags |= tileLoad
						}
						d.a, d.b = &a[g*int(q.nextA)/4], &b[(s*count+g)*panel]
						d.c = &want[s*int(q.lds)/4+g*int(q.nextC)/4]
						d.sum = d.c
						tileGo(&d)
					}
				}
				if KVType(typ) == KVBFloat16 {
					q.b, q.stream, q.nextB = (*float32)(unsafe.Pointer(&b16[0])), q.stream/2, q.nextB/2
				}
				f(&q)
				what := fmt.Sprintf("%s: type %d, %d rows, k=%d, count %d, load %d, fetch %d, across %v", set.name, typ, rows, k, count,
					load, fetch, across)
				equal(t, what, got, want)
				if err := check(); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
		}
	}
}

// TestKVPanels compares the routines for panels of a KV with the definition, with panels that are one piece and that are not, also
// where what they prefetch ends soon, or lies anywhere.
func TestKVPanels(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, set := range otherSets() {
		for typ, f := range set.kvPanels {
			for i := 0; f != nil && i < 400; i++ {
				rows, k, count, kind := 1+i%19, 1+r.IntN(20)+i%2*r.IntN(250), 1+r.IntN(9), i%3
				panel, lda, ldc := (k+i/4%2*r.IntN(5))*panelWidth, k+3, count*panelWidth+5
				a, b := values(r, rows*lda, 0), values(r, count*panel, kind)
				b16, size := make([]uint16, len(b)), uintptr(4)
				if KVType(typ) == KVBFloat16 {
					for i, x := range b {
						b16[i] = bfloat16(x)
					}
					rowsGo.widenBFloat16(b, b16)
					size = 2
				}
				got, check := guarded(rows*ldc, i%16)
				copy(got, values(r, len(got), kind))
				want := slices.Clone(got)
				for p := range count {
					tileGo(&tile{c: &want[p*panelWidth], ldc: uintptr(ldc) * 4, a: &a[0], lda: uintptr(lda) * 4, b: &b[p*panel], k: k,
						rows: rows, count: 1, flags: tileScale, scale: 0.3})
				}
				first, _ := element(b, nil, 0)
				if size == 2 {
					first, _ = element(nil, b16, 0)
				}
				q := kvPanels{c: &got[0], ldc: uintptr(ldc) * 4, a: &a[0], lda: uintptr(lda) * 4, b: first, panel: uintptr(panel) * size,
					k: k, count: count, scale: 0.3, after: uintptr(unsafe.Pointer(&a[0])), afterApart: 128, afterStep: 512}
				f.run(&q, rows, size)
				what := fmt.Sprintf("%s: type %d, %d rows, k=%d, %d panels of %d", set.name, typ, rows, k, count, panel)
				equal(t, what, got, want)
				if err := check(); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
		}
	}
}

// TestKVHeads compares the routines for several heads with those for one.
func TestKVHeads(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, set := range otherSets() {
		for typ, f := range set.kvPanels {
			if f == nil {
				continue
			}
			size := []uintptr{4, 2}[typ]
			for heads, list := range f.heads {
				for rows, call := range list {
					for k := 1; call != nil && k < 30; k++ {
						count, lda := 1+k%3, k+3
						ldc, panel := count*panelWidth+5, (k+k%2)*panelWidth
						a, b := values(r, heads*rows*lda, 0), values(r, heads*(count+1)*panel, 0)
						got, check := guarded(heads*rows*ldc, k%16)
						copy(got, values(r, len(got), 2))
						want := slices.Clone(got)
						q := kvPanels{c: &got[0], ldc: uintptr(ldc) * 4, a: &a[0], lda: uintptr(lda) * 4, b: &b[0],
							panel: uintptr(panel) * size, k: k, count: count, scale: 0.3, head: uintptr((count+1)*panel) * size}
						if size == 2 {
							b16 := make([]uint16, len(b))
							for i, x := range b {
								b16[i] = bfloat16(x)
							}
							q.b, _ = element(nil, b16, 0)
						}
						call(&q)
						for h := range heads {
							p := q
							p.c, p.a = &want[h*rows*ldc], &a[h*rows*lda]
							p.b = (*float32)(unsafe.Add(unsafe.Pointer(q.b), uintptr(h)*q.head))
							f.run(&p, rows, size)
						}
						what := fmt.Sprintf("%s: type %d, %d heads, %d rows, k=%d", set.name, typ, heads, rows, k)
						equal(t, what, got, want)
						if err := check(); err != nil {
							t.Fatalf("%s: %v", what, err)
						}
					}
				}
			}
		}
	}
}

// TestAttentionKVGroups has a token whose query heads share key heads, in any number, and compares with the Set in Go.
func TestAttentionKVGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 8))
	xs := []*Exec{New(generic, 1)}
	for _, set := range otherSets() {
		xs = append(xs, New(set, 1), New(set, 3))
	}
	for _, x := range xs {
		defer x.Close()
	}
	for i, d := range []int{64, 80, 128, 50, 272} {
		for j := range 22 {
			typ, group := KVType(j%2), 1+j/2
			keys := []int{1, 63, 64, 100, 511, 512, 530}[(group+i)%7]
			shared := 1 + (group+i)%5
			p := &Attn{Heads: shared * group, KVHeads: shared, HeadDim: d, Scale: 0.3, Causal: true, Window: group / 4 * 77}
			if group%3 == 0 {
				p.Bias, p.SoftCap = NewALiBi(p.Heads), 5
			}
			h, w := p.Heads*d, shared*d
			kv, q, want := values(r, keys*2*w, 0), values(r, h, 0), []float32(nil)
			for _, x := range xs {
				c, got := x.NewKV(shared, d, typ, p.Window), make([]float32, h)
				c.Append(kv, kv[w:], 2*w, keys)
				x.AttentionKV(got, h, q, h, []int32{0, 1}, []*KV{c}, p)
				if want == nil {
					want = got
				}
				equal(t, fmt.Sprintf("%s, %d threads: %d heads of %d, %d keys", x.Set().Name(), x.Threads(), p.Heads, d, keys), got, want)
			}
		}
	}
}

// TestKVPages has windows, truncation and reservation: what is held, and that it is what was said.
func TestKVPages(t *testing.T) {
	x := New(nil, 1)
	defer x.Close()
	const d = 16
	rows := make([]float32, 2000*d)
	for _, c := range []struct{ window, chunk, tokens int }{{0, 1, 1500}, {0, 700, 3000}, {300, 1, 3000}, {300, 100, 3000},
		{512, 512, 5000}, {1, 1, 2000}, {513, 7, 4000}, {4000, 1, 2000}, {1025, 1000, 9000}} {
		for _, typ := range []KVType{KVFloat32, KVBFloat16} {
			kv := x.NewKV(1, d, typ, c.window)
			kv.Reserve(c.tokens, c.chunk)
			size := kv.Bytes()
			if want := KVBytes(1, d, typ, c.window, c.tokens, c.chunk); size != want {
				t.Errorf("%+v: %d bytes are reserved, want %d", c, size, want)
			}
			if n := testing.AllocsPerRun(1, func() {
				kv.Truncate(0)
				for i := 0; i < c.tokens; i += c.chunk {
					kv.Append(rows, rows, d, min(c.chunk, c.tokens-i))
				}
			}); n != 0 {
				t.Errorf("%+v: %v allocations, want 0", c, n)
			}
			if kv.Bytes() != size || kv.Len() != c.tokens {
				t.Errorf("%+v: %d bytes for %d tokens, want %d for %d", c, kv.Bytes(), kv.Len(), size, c.tokens)
			}
		}
	}
}

// TestKVReserve reserves what is there already: appended, or copied. Forgetting and appending it then allocates nothing.
func TestKVReserve(t *testing.T) {
	const d, tokens = 4, 5 * keyBlock
	x := New(nil, 1)
	defer x.Close()
	rows := make([]float32, tokens*d)
	for _, reserved := range []int{tokens, keyBlock} {
		var kvs []*KV // AllocsPerRun makes a first call that does not count: each has another
		for i := range 4 {
			kv := x.NewKV(1, d, KVFloat32, 0)
			if i < 2 {
				kv.Append(rows, rows, d, tokens)
			} else {
				kv.CopyFrom(kvs[0])
			}
			kvs = append(kvs, kv)
		}
		size := kvs[0].Bytes()
		for _, kv := range kvs {
			kv.Reserve(reserved, tokens)
		}
		for _, how := range []string{"appended", "copied"} {
			if n := testing.AllocsPerRun(1, func() {
				kvs[0].Truncate(0)
				kvs[0].Append(rows, rows, d, tokens)
				if kvs[0].Bytes() != size {
					t.Errorf("%s, %d tokens reserved: %d bytes, want %d", how, reserved, kvs[0].Bytes(), size)
				}
				kvs = kvs[1:]
			}); n != 0 {
				t.Errorf("%s, %d tokens reserved: %v allocations, want 0", how, reserved, n)
			}
		}
	}
}

// TestKVTruncate forgets tokens and has others follow.
func TestKVTruncate(t *testing.T) {
	const d, n = 16, 1700
	r := rand.New(rand.NewPCG(8, 8))
	k, v, q := values(r, n*d, 0), values(r, n*d, 0), values(r, n*d, 0)
	x := New(nil, 2)
	defer x.Close()
	for _, window := range []int{0, 600} {
		p := &Attn{Heads: 1, KVHeads: 1, HeadDim: d, Scale: 0.3, Causal: true, Window: window}
		want, got := make([]float32, n*d), make([]float32, d)
		x.Attention(want, d, q, d, k, v, d, []int32{0, n}, p)
		c := x.NewKV(1, d, KVFloat32, window)
		c.Append(k, v, d, n)
		lengths := []int{n, 1650, 1537, 1536, 1200, 0, 3}
		if window > 0 { // 1624 is the least that sees nothing before token 1024, which begins a page
			lengths = []int{n, 1650, 1624, 0, 3}
		}
		for _, keep := range lengths {
			if keep > c.Len() {
				c.Append(k[c.Len()*d:], v[c.Len()*d:], d, keep-c.Len())
			}
			if !c.Truncate(keep) {
				t.Fatalf("window %d: cannot keep %d", window, keep)
			}
			if keep == n {
				continue
			}
			c.Append(q[:d*7], q, d, 7) // others
			if !c.Truncate(keep) {
				t.Fatalf("window %d: cannot keep %d", window, keep)
			}
			c.Append(k[keep*d:], v[keep*d:], d, 1)
			x.AttentionKV(got, d, q[keep*d:], d, []int32{0, 1}, []*KV{c}, p)
			equal(t, fmt.Sprintf("window %d, token %d", window, keep), got, want[keep*d:][:d])
		}
	}
	c := x.NewKV(1, d, KVFloat32, 10)
	for range 20 {
		c.Append(k, v, d, 100)
	}
	if c.Truncate(1000) || c.Len() != 2000 {
		t.Errorf("2000 tokens with a window of 10 could be cut to 1000: %d", c.Len())
	}
}

// TestKVCopy goes on with a KV and with copies of it, which held something else before, by different tokens.
func TestKVCopy(t *testing.T) {
	const heads, d, n, more = 2, 20, 1030, 70
	r := rand.New(rand.NewPCG(8, 9))
	x := New(nil, 2)
	defer x.Close()
	k, v, q := values(r, (n+more)*heads*d, 0), values(r, (n+more)*heads*d, 0), values(r, heads*d, 0)
	others := values(r, more*heads*d, 0)
	for _, window := range []int{0, 600, 30} {
		for _, typ := range []KVType{KVFloat32, KVBFloat16} {
			p := &Attn{Heads: heads, KVHeads: heads, HeadDim: d, Scale: 0.3, Causal: true, Window: window}
			next := func(c *KV, k []float32) []float32 {
				c.Append(k, v[n*heads*d:], heads*d, more)
				out := make([]float32, heads*d)
				x.AttentionKV(out, heads*d, q, heads*d, []int32{0, 1}, []*KV{c}, p)
				return out
			}
			fresh := func() *KV {
				c := x.NewKV(heads, d, typ, window)
				c.Append(k, v, heads*d, n)
				return c
			}
			want, wantOthers := next(fresh(), k[n*heads*d:]), next(fresh(), others)
			c, same, other := fresh(), x.NewKV(heads, d, typ, window), x.NewKV(heads, d, typ, window)
			same.Append(others, v, heads*d, more)
			other.Append(v, k, heads*d, n+more)
			same.CopyFrom(c)
			other.CopyFrom(c)
			bytes := other.Bytes()
			what := fmt.Sprintf("window %d, type %d: ", window, typ)
			equal(t, what+"other tokens", next(other, others), wantOthers)
			equal(t, what+"a copy", next(same, k[n*heads*d:]), want)
			equal(t, what+"the first", next(c, k[n*heads*d:]), want)
			other.CopyFrom(same)
			if other.Bytes() != bytes || other.Len() != n+more {
				t.Errorf("%s%d bytes and %d tokens, want %d and %d", what, other.Bytes(), other.Len(), bytes, n+more)
			}
		}
	}
}

func TestAttentionKVAllocatesNothing(t *testing.T) {
	const heads, d = 2, 32
	rows := make([]float32, 2000*heads*d)
	for _, typ := range []KVType{KVFloat32, KVBFloat16} {
		for _, threads := range []int{1, 3} {
			x := New(nil, threads)
			defer x.Close()
			kv := []*KV{x.NewKV(heads, d, typ, 0), x.NewKV(heads, d, typ, 0)}
			kv[0].Append(rows, rows, heads*d, 2000)
			kv[1].Append(rows, rows, heads*d, 100)
			out, starts := make([]float32, 91*heads*d), []int32{0, 1, 91}
			p := &Attn{Heads: heads, KVHeads: heads, HeadDim: d, Scale: 1, Causal: true}
			if n := testing.AllocsPerRun(20, func() {
				kv[1].Truncate(10)
				kv[1].Append(rows, rows, heads*d, 90)
				x.AttentionKV(out, heads*d, rows, heads*d, starts, kv, p)
			}); n != 0 {
				t.Errorf("%d threads: %v allocations a call, want 0", threads, n)
			}
		}
	}
}

// TestKVAppendShared appends so much that threads share the heads.
func TestKVAppendShared(t *testing.T) {
	const heads, d, few, many = 5, 24, 7, 700
	r := rand.New(rand.NewPCG(21, 22))
	rows := values(r, many*heads*d, 0)
	one, three := New(nil, 1), New(nil, 3)
	defer one.Close()
	defer three.Close()
	for _, typ := range []KVType{KVFloat32, KVBFloat16} {
		a, b := one.NewKV(heads, d, typ, 0), three.NewKV(heads, d, typ, 0)
		step := func(c *KV) {
			c.Truncate(0)
			c.Append(rows[many:], rows, heads*d, few)
			c.Append(rows, rows, heads*d, many)
		}
		a.Reserve(few+many, many)
		b.Reserve(few+many, many)
		step(a)
		step(b)
		for i := range a.pages {
			equal(t, fmt.Sprintf("type %d, page %d", typ, i), b.pages[i].f32, a.pages[i].f32)
			if !slices.Equal(b.pages[i].b16, a.pages[i].b16) {
				t.Errorf("type %d, page %d differs", typ, i)
			}
		}
		if n := testing.AllocsPerRun(5, func() { step(b) }); n != 0 {
			t.Errorf("%v allocations a call, want 0", n)
		}
	}
}

// FuzzAttentionKV draws shapes and chunks.
func FuzzAttentionKV(f *testing.F) {
	xs := execs(f)
	f.Add(uint8(2), uint8(1), uint8(32), uint16(40), uint8(9), uint16(0), uint8(3))
	f.Add(uint8(3), uint8(0), uint8(15), uint16(599), uint8(200), uint16(77), uint8(5))
	f.Fuzz(func(t *testing.T, group, kvHeads, d uint8, n uint16, chunk uint8, window uint16, flags uint8) {
		kv := 1 + int(kvHeads%3)
		a := Attn{Heads: kv * (1 + int(group%7)), KVHeads: kv, HeadDim: 1 + int(d%72), Scale: 0.3, Causal: true,
			Window: int(window % 700), SoftCap: float32(flags & 2)}
		kvCase{a, KVType(flags & 1), []int{int(n % 650), int(flags)}, []int{1 + int(chunk), int(n%700) / 2, 1}}.run(t, xs)
	})
}
