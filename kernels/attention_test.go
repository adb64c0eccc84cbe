package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// attentionOracle is the definition of Attention, row by row.
func attentionOracle(out []float32, ldo int, q []float32, ldq int, k, v []float32, ldkv int, starts []int32, p *Attn) {
	d := p.HeadDim
	for seq := range len(starts) - 1 {
		first, end := int(starts[seq]), int(starts[seq+1])
		for head := range p.Heads {
			kv := head / (p.Heads / p.KVHeads) * d
			for i := first; i < end; i++ {
				var top, total float32
				o := make([]float32, d)
				for k0 := first; k0 < end; k0 += 512 {
					n := min(512, end-k0)
					row := make([]float32, n)
					gemmOracle(row, n, q[i*ldq+head*d:], 0, 1, d, n, func(l, j int) float32 { return k[(k0+j)*ldkv+kv+l] }, Epilogue{})
					for j := range row {
						row[j] = float32(row[j] * p.Scale)
					}
					if p.Bias != nil {
						p.Bias.AddBias(row, seq, head, i, k0)
					}
					m := rowMaxGo(row)
					l := expSumGo(row, row, m)
					block := make([]float32, d)
					for c := range block {
						for j := range row {
							block[c] = fma(row[j], v[(k0+j)*ldkv+kv+c], block[c])
						}
					}
					if k0 == first {
						top, total, o = m, l, block
						continue
					}
					t := greater(m, top)
					alpha, beta := exp(top-t), exp(m-t)
					top, total = t, float32(total*alpha)+float32(l*beta)
					for c := range o {
						o[c] = float32(o[c]*alpha) + float32(block[c]*beta)
					}
				}
				inv := 1 / total
				for c := range o {
					out[i*ldo+head*d+c] = float32(o[c] * inv)
				}
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
	p := &Attn{Heads: c.heads, KVHeads: c.kvHeads, HeadDim: c.d, Scale: float32(1 / math.Sqrt(float64(c.d)))}
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
	for n := range 100 { // every length, and every head size up to 99
		attnCase{2, 1, 16, []int{n, 3, 0, 17}, n%2 == 0, false}.run(t, xs[n%3:len(xs)-2+n%3])
		attnCase{1, 1, n + 1, []int{19, 0, 33}, n%2 == 1, n%5 == 0}.run(t, xs[n%3:len(xs)-2+n%3])
	}
	for _, c := range []attnCase{
		{12, 12, 32, []int{16}, false, false},
		{4, 2, 9, []int{15, 16, 17, 1, 40}, true, false},
		{6, 2, 20, []int{0, 29, 0}, false, true},
		{1, 1, 257, []int{13}, false, false},
		{1, 1, 8, []int{513}, true, false},
		{2, 1, 20, []int{511, 2}, false, true},
		{1, 1, 16, []int{0, 1031}, true, false},
	} {
		c.run(t, xs)
	}
}

func TestAttentionAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 2} {
		x := New(nil, threads)
		defer x.Close()
		q, out := make([]float32, 80*3*64), make([]float32, 80*64)
		p := &Attn{Heads: 2, KVHeads: 2, HeadDim: 32, Scale: 1, Bias: slope{}}
		starts := []int32{0, 30, 80}
		if n := testing.AllocsPerRun(20, func() {
			x.Attention(out, 64, q, 192, q[64:], q[128:], 192, starts, p)
		}); n != 0 {
			t.Errorf("%d threads: %v allocations a call, want 0", threads, n)
		}
	}
}

// FuzzAttention draws shapes and values.
func FuzzAttention(f *testing.F) {
	xs := execs(f)
	f.Add(uint8(2), uint8(1), uint8(32), uint16(40), uint8(9), true)
	f.Add(uint8(1), uint8(2), uint8(43), uint16(0), uint8(0), true) // no tokens at all
	f.Fuzz(func(t *testing.T, group, kvHeads, d uint8, n uint16, n2 uint8, bias bool) {
		kv := 1 + int(kvHeads%3)
		attnCase{kv * (1 + int(group%3)), kv, 1 + int(d%70), []int{int(n % 600), int(n2 % 40)}, bias, n2&1 == 0}.run(t, xs)
	})
}
