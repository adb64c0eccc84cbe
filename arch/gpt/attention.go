package gpt

import (
	"math"

	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// An attention is causal self-attention.
type attention struct {
	c     *config
	spec  layerSpec
	layer int
	x     *kernels.Exec

	qkv  *kernels.Weights // all queries, all keys, all values
	bias []float32
	q, k *headNorm // or nil
	out  nn.Linear

	p      kernels.Attn
	slopes kernels.ALiBi // of roundedALiBi
}

func newAttention(c *config, layer int, x *kernels.Exec) *attention {
	spec := c.LayerSpecs[layer]
	a := &attention{c: c, spec: spec, layer: layer, x: x, out: newLinear(c, x, c.Heads*c.HeadDim, c.Hidden, c.OutBias),
		p: kernels.Attn{Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, Scale: spec.Scale, SoftCap: c.SoftCap,
			Causal: c.Causal, Window: spec.Window}}
	if c.QKNorm != noQKNorm {
		a.q = &headNorm{name: "q", mode: c.QKNorm, heads: c.Heads, dim: c.HeadDim, kind: c.QKNormKind, x: x}
		a.k = &headNorm{name: "k", mode: c.QKNorm, heads: c.KVHeads, dim: c.HeadDim, kind: c.QKNormKind, x: x}
	}
	switch c.ALiBi {
	case alibi:
		a.p.Bias = kernels.NewALiBi(c.Heads)
	case roundedALiBi:
		a.slopes = kernels.NewALiBi(c.Heads)
		for i, s := range a.slopes {
			a.slopes[i] = roundBFloat16(s)
		}
	}
	return a
}

// Params implements [loader.Module].
func (a *attention) Params(s *loader.Scope) {
	c := a.c
	nq, nk := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	n := nq + 2*nk
	w := nn.Matrix{K: c.Hidden, N: n, Transposed: c.Transposed}
	var b []*loader.View
	if c.Packing == apart {
		for i, name := range []string{"q_proj", "k_proj", "v_proj"} {
			rows := nk
			if i == 0 {
				rows = nq
			}
			w.Parts = append(w.Parts, s.Need(name+".weight", rows, c.Hidden))
			if c.QKVBias {
				b = append(b, s.Need(name+".bias", rows))
			}
		}
		w.Transposed = false
	} else {
		shape := []int{n, c.Hidden}
		if c.Transposed {
			shape = []int{c.Hidden, n}
		}
		w.Parts = append(w.Parts, s.Need("qkv_proj.weight", shape...))
		if c.Packing == grouped {
			w.Row = c.stored
		}
		if c.QKVBias {
			b = append(b, s.Need("qkv_proj.bias", n))
		}
	}
	s.Then(func() {
		a.qkv = w.Pack(a.x)
		var bias []float32
		for _, v := range b {
			bias = append(bias, v.Float32()...)
		}
		if bias != nil {
			a.bias = make([]float32, n)
			for j := range a.bias {
				a.bias[j] = bias[c.stored(j)]
			}
		}
	})
	s.Bind("o_proj", &a.out)
	if a.q != nil {
		s.Bind("", a.q)
		s.Bind("", a.k)
	}
}

// stored returns the place in the file of row j of all queries, all keys, all values.
func (c *config) stored(j int) int {
	if c.Packing != grouped {
		return j
	}
	nq, nk, d := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim, c.HeadDim
	per := c.Heads / c.KVHeads // queries of a group
	group := (per + 2) * d
	switch {
	case j < nq:
		return j/(per*d)*group + j%(per*d)
	case j < nq+nk:
		j -= nq
		return j/d*group + per*d + j%d
	}
	j -= nq + nk
	return j/d*group + (per+1)*d + j%d
}

// forward sets dst to the epilogue of the attention of src, of the tokens that are wanted. With caches, the keys and values of all
// are appended to them, and those that are there are seen too.
func (a *attention) forward(ws *tensor.Workspace, dst, src tensor.Tensor, p *pass, e kernels.Epilogue) {
	rows, c := src.NumRows(), a.c
	if rows == 0 {
		return
	}
	nq, nk := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	n := nq + 2*nk
	mark := ws.Mark()
	seen, t := ws.Tensor(dst.NumRows(), nq), ws.Tensor(rows, n)
	a.x.Gemm(t.Data, n, src.Data, c.Hidden, rows, a.qkv, kernels.Epilogue{Bias: a.bias})
	q, k, v := t.Data, t.Data[nq:], t.Data[nq+nk:]
	a.q.inPlace(q, n, rows)
	a.k.inPlace(k, n, rows)
	if a.spec.Rope >= 0 {
		r := &p.ropes[a.spec.Rope]
		a.x.Rotate(q, n, c.Heads, c.HeadDim, p.rows, r)
		a.x.Rotate(k, n, c.KVHeads, c.HeadDim, p.rows, r)
	}
	params := a.p
	if a.slopes != nil {
		p.falcon.slopes, p.falcon.scale = a.slopes, a.spec.Scale
		params.Bias = &p.falcon
	}
	if len(p.caches) == 0 {
		a.x.Attention(seen.Data, nq, q, n, k, v, n, p.starts, &params)
	} else {
		p.kv = p.kv[:0]
		for s, cache := range p.caches {
			kv, first, last := cache.layers[a.layer], int(p.starts[s]), int(p.starts[s+1])
			kv.Append(k[first*n:], v[first*n:], n, last-first)
			p.kv = append(p.kv, kv)
		}
		starts := p.starts
		if seen.NumRows() < rows {
			q, starts = lastQueries(ws, q, n, nq, starts)
			n = nq
		}
		a.x.AttentionKV(seen.Data, nq, q, n, starts, p.kv, &params)
	}
	a.out.Into(dst, seen, e)
	ws.Release(mark)
}

// lastQueries returns the rows of the last token of each sequence, the first cols columns, and where each begins.
func lastQueries(ws *tensor.Workspace, q []float32, ld, cols int, starts []int32) (last []float32, each []int32) {
	n := len(starts) - 1
	last, each = ws.Float32(n*cols), ws.Int32(n+1)
	each[0] = 0
	for s := range n {
		copy(last[s*cols:][:cols], q[(int(starts[s+1])-1)*ld:])
		each[s+1] = int32(s + 1)
	}
	return last, each
}

// A falconBias is ALiBi as Falcon was trained with it: slope times the key's place, rounded to bfloat16, and scaled as the
// scores are; and twice, as Transformers' eager attention adds it, whose outputs the tests compare with.
type falconBias struct {
	slopes kernels.ALiBi
	starts []int32 // where the keys of each sequence begin; nil: each counts its own
	scale  float32
}

// AddBias implements [kernels.Bias].
func (f *falconBias) AddBias(row []float32, seq, head, _, k0 int) {
	slope := f.slopes[head]
	if f.starts != nil {
		k0 -= int(f.starts[seq])
	}
	for i := range row {
		row[i] += 2 * float32(roundBFloat16(slope*float32(k0+i))*f.scale)
	}
}

// roundBFloat16 rounds to the nearest bfloat16, to even.
func roundBFloat16(v float32) float32 {
	u := math.Float32bits(v)
	return math.Float32frombits((u + 0x7fff + u>>16&1) &^ 0xffff)
}
