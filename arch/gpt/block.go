package gpt

import (
	"fmt"
	"strconv"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A linear is x·Wᵀ + b with options: no bias, a weight stored as [in, out].
type linear struct {
	in, out    int
	bias       bool
	transposed bool
	act        kernels.Activation

	x *kernels.Exec
	w *kernels.Weights
	b []float32
}

// Params implements [loader.Module].
func (l *linear) Params(s *loader.Scope) {
	shape := []int{l.out, l.in}
	if l.transposed {
		shape = []int{l.in, l.out}
	}
	w := s.Need("weight", shape...)
	var b *loader.View
	if l.bias {
		b = s.Need("bias", l.out)
	}
	s.Then(func() {
		l.w = l.x.Pack(l.in, l.out, columns(w, l.transposed))
		if b != nil {
			l.b = b.Float32()
		}
	})
}

// columns returns the function that gives the columns of a product with the weight [out, in], or [in, out] if transposed.
func columns(w *loader.View, transposed bool) func(j int, dst []float32) {
	if !transposed {
		return w.Row
	}
	all := w.Float32()
	n := w.Cols()
	return func(j int, dst []float32) {
		for i := range dst {
			dst[i] = all[i*n+j]
		}
	}
}

func (l *linear) forward(ws *tensor.Workspace, src tensor.Tensor) tensor.Tensor {
	dst := ws.Tensor(src.NumRows(), l.out)
	l.x.Gemm(dst.Data, l.out, src.Data, l.in, src.NumRows(), l.w, kernels.Epilogue{Bias: l.b, Act: l.act})
	return dst
}

// column copies row j of the weight [out, in] to dst.
func (l *linear) column(j int, dst []float32) { l.w.Column(j, dst) }

// A norm normalises rows.
type norm struct {
	size int
	kind normKind

	x *kernels.Exec
	p kernels.Norm
}

func newNorm(x *kernels.Exec, size int, kind normKind) *norm {
	return &norm{size: size, kind: kind, x: x}
}

// Params implements [loader.Module].
func (n *norm) Params(s *loader.Scope) {
	w := s.Need("weight", n.size)
	var b *loader.View
	if n.kind.Bias {
		b = s.Need("bias", n.size)
	}
	s.Then(func() {
		n.p = kernels.Norm{Gamma: w.Float32(), Eps: n.kind.Eps, RMS: n.kind.RMS, OnePlus: n.kind.OnePlus}
		if b != nil {
			n.p.Beta = b.Float32()
		}
	})
}

// of returns the rows of src, normalised; src itself if n is nil.
func (n *norm) of(ws *tensor.Workspace, src tensor.Tensor) tensor.Tensor {
	if n == nil {
		return src
	}
	dst := ws.Tensor(src.NumRows(), n.size)
	n.x.Normalize(dst.Data, src.Data, src.NumRows(), &n.p)
	return dst
}

// inPlace normalises the rows of t, if n is not nil.
func (n *norm) inPlace(t tensor.Tensor) {
	if n != nil {
		n.x.Normalize(t.Data, t.Data, t.NumRows(), &n.p)
	}
}

// A qkNormer normalises the heads of queries or keys.
type qkNormer struct {
	name  string
	mode  qkNorm
	heads int
	dim   int
	kind  normKind

	x     *kernels.Exec
	p     kernels.Norm // of a head, or of all for whole
	gamma []float32    // [heads·dim] for ownHead and headList
}

// Params implements [loader.Module].
func (n *qkNormer) Params(s *loader.Scope) {
	size := n.dim
	if n.mode == whole {
		size *= n.heads
	}
	var views []*loader.View
	var b *loader.View
	switch n.mode {
	case ownHead:
		views = append(views, s.Need(n.name+"_norm.weight", n.heads, n.dim))
	case headList:
		for i := range n.heads {
			views = append(views, s.Need(n.name+"_layernorm.norms."+strconv.Itoa(i)+".weight", n.dim))
		}
	default:
		views = append(views, s.Need(n.name+"_norm.weight", size))
		if n.kind.Bias {
			b = s.Need(n.name+"_norm.bias", size)
		}
	}
	s.Then(func() {
		n.p = kernels.Norm{Eps: n.kind.Eps, RMS: n.kind.RMS, OnePlus: n.kind.OnePlus}
		var gamma []float32
		for _, v := range views {
			gamma = append(gamma, v.Float32()...)
		}
		if n.mode == ownHead || n.mode == headList {
			n.gamma, gamma = gamma, make([]float32, n.dim)
			for i := range gamma {
				gamma[i] = 1
			}
		}
		n.p.Gamma = gamma
		if b != nil {
			n.p.Beta = b.Float32()
		}
	})
}

// inPlace normalises the heads·dim columns at a of rows with stride ld.
func (n *qkNormer) inPlace(ws *tensor.Workspace, a []float32, ld, rows int) {
	mark := ws.Mark()
	size := n.heads * n.dim
	t := ws.Tensor(rows, size)
	for i := range rows {
		copy(t.Row(i), a[i*ld:][:size])
	}
	n.x.Normalize(t.Data, t.Data, rows*size/len(n.p.Gamma), &n.p)
	for i := range rows {
		if n.gamma != nil {
			n.x.Mul(t.Row(i), t.Row(i), n.gamma)
		}
		copy(a[i*ld:][:size], t.Row(i))
	}
	ws.Release(mark)
}

// An attention is causal self-attention.
type attention struct {
	c    *config
	spec layerSpec
	x    *kernels.Exec

	qkv  *kernels.Weights // all queries, all keys, all values
	bias []float32
	out  linear
	q, k *qkNormer

	p      kernels.Attn
	slopes kernels.ALiBi // of roundedALiBi
}

func newAttention(c *config, spec layerSpec, x *kernels.Exec) *attention {
	a := &attention{c: c, spec: spec, x: x,
		out: linear{in: c.Heads * c.HeadDim, out: c.Hidden, bias: c.OutBias, transposed: c.Transposed, x: x},
		p: kernels.Attn{Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, Scale: spec.Scale, SoftCap: c.SoftCap,
			Causal: c.Causal, Window: spec.Window}}
	if c.QKNorm != noQKNorm {
		a.q = &qkNormer{name: "q", mode: c.QKNorm, heads: c.Heads, dim: c.HeadDim, kind: c.QKNormKind, x: x}
		a.k = &qkNormer{name: "k", mode: c.QKNorm, heads: c.KVHeads, dim: c.HeadDim, kind: c.QKNormKind, x: x}
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
	var w, b []*loader.View
	if c.Packing == apart {
		for i, name := range []string{"q_proj", "k_proj", "v_proj"} {
			rows := nk
			if i == 0 {
				rows = nq
			}
			w = append(w, s.Need(name+".weight", rows, c.Hidden))
			if c.QKVBias {
				b = append(b, s.Need(name+".bias", rows))
			}
		}
	} else {
		shape := []int{n, c.Hidden}
		if c.Transposed {
			shape = []int{c.Hidden, n}
		}
		w = append(w, s.Need("qkv_proj.weight", shape...))
		if c.QKVBias {
			b = append(b, s.Need("qkv_proj.bias", n))
		}
	}
	s.Then(func() {
		var column func(j int, dst []float32)
		if c.Packing == apart {
			column = func(j int, dst []float32) {
				switch {
				case j < nq:
					w[0].Row(j, dst)
				case j < nq+nk:
					w[1].Row(j-nq, dst)
				default:
					w[2].Row(j-nq-nk, dst)
				}
			}
		} else {
			stored := columns(w[0], c.Transposed)
			column = func(j int, dst []float32) { stored(c.stored(j), dst) }
		}
		a.qkv = a.x.Pack(c.Hidden, n, column)
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

// A state is what all layers of a pass share.
type state struct {
	b         *arch.Batch
	positions []int32 // 0, 1, 2, ...: rows of the tables
	ropes     [2]kernels.RoPE
}

func (a *attention) forward(ws *tensor.Workspace, src tensor.Tensor, st *state) tensor.Tensor {
	rows, c := src.NumRows(), a.c
	nq, nk := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	n := nq + 2*nk
	dst := ws.Tensor(rows, nq)
	mark := ws.Mark()
	t := ws.Tensor(rows, n)
	if rows > 0 {
		a.x.Gemm(t.Data, n, src.Data, c.Hidden, rows, a.qkv, kernels.Epilogue{Bias: a.bias})
		q, k, v := t.Data, t.Data[nq:], t.Data[nq+nk:]
		if a.q != nil {
			a.q.inPlace(ws, q, n, rows)
			a.k.inPlace(ws, k, n, rows)
		}
		if a.spec.Rope >= 0 {
			r := &st.ropes[a.spec.Rope]
			a.x.Rotate(q, n, c.Heads, c.HeadDim, st.positions, r)
			a.x.Rotate(k, n, c.KVHeads, c.HeadDim, st.positions, r)
		}
		p := a.p
		if a.slopes != nil {
			p.Bias = &falconBias{a.slopes, st.b.Starts, a.spec.Scale}
		}
		a.x.Attention(dst.Data, nq, q, n, k, v, n, st.b.Starts, &p)
	}
	ws.Release(mark)
	return a.out.forward(ws, dst)
}

// A falconBias is ALiBi as Falcon was trained with it: slope times the key's place, rounded to bfloat16, and scaled as the
// scores are; and twice, as Transformers' eager attention adds it, whose outputs the tests compare with.
type falconBias struct {
	slopes kernels.ALiBi
	starts []int32
	scale  float32
}

// AddBias implements [kernels.Bias].
func (f *falconBias) AddBias(row []float32, seq, head, _, k0 int) {
	slope := f.slopes[head]
	for i := range row {
		place := float32(k0 + i - int(f.starts[seq]))
		row[i] += 2 * float32(roundBFloat16(slope*place)*f.scale)
	}
}

// An mlp is down(act(up)), or down(act(gate)·up).
type mlp struct {
	c              *config
	inner          int
	x              *kernels.Exec
	gate, up, down linear
}

func newMLP(c *config, inner int, x *kernels.Exec) *mlp {
	l := func(in, out int) linear {
		return linear{in: in, out: out, bias: c.MLPBias, transposed: c.Transposed, x: x}
	}
	m := &mlp{c: c, inner: inner, x: x, gate: l(c.Hidden, inner), up: l(c.Hidden, inner), down: l(inner, c.Hidden)}
	if c.Gated {
		m.gate.act = c.Act
	} else {
		m.up.act = c.Act
	}
	return m
}

// Params implements [loader.Module].
func (m *mlp) Params(s *loader.Scope) {
	if m.c.FusedGate {
		w := s.Need("gate_up_proj.weight", 2*m.inner, m.c.Hidden)
		s.Then(func() {
			m.gate.w = m.x.Pack(m.c.Hidden, m.inner, w.Row)
			m.up.w = m.x.Pack(m.c.Hidden, m.inner, func(j int, dst []float32) { w.Row(m.inner+j, dst) })
		})
	} else {
		if m.c.Gated {
			s.Bind("gate_proj", &m.gate)
		}
		s.Bind("up_proj", &m.up)
	}
	s.Bind("down_proj", &m.down)
}

func (m *mlp) forward(ws *tensor.Workspace, src tensor.Tensor) tensor.Tensor {
	up := m.up.forward(ws, src)
	if m.c.Gated {
		m.x.Mul(up.Data, m.gate.forward(ws, src).Data, up.Data)
	}
	return m.down.forward(ws, up)
}

// A mixture sends each token to a few of many experts, which a linear layer chooses.
type mixture struct {
	spec    moeSpec
	hidden  int
	x       *kernels.Exec
	router  linear
	experts []*mlp
	shared  *mlp   // or nil
	gate    linear // of the shared expert
}

func newMixture(c *config, x *kernels.Exec) *mixture {
	m := &mixture{spec: c.MoE, hidden: c.Hidden, x: x, router: linear{in: c.Hidden, out: c.MoE.Experts, x: x}}
	for range c.MoE.Experts {
		m.experts = append(m.experts, newMLP(c, c.MoE.Inner, x))
	}
	if c.MoE.Shared > 0 {
		m.shared = newMLP(c, c.MoE.Shared, x)
		m.gate = linear{in: c.Hidden, out: 1, act: kernels.Sigmoid, x: x}
	}
	return m
}

// Params implements [loader.Module].
func (m *mixture) Params(s *loader.Scope) {
	s.Bind("gate", &m.router)
	for i, e := range m.experts {
		s.Bind("experts."+strconv.Itoa(i), e)
	}
	if m.shared != nil {
		s.Bind("shared_expert", m.shared)
		s.Bind("shared_expert_gate", &m.gate)
	}
}

// forward adds the experts' results in ascending order of their index, then the shared one's.
func (m *mixture) forward(ws *tensor.Workspace, src tensor.Tensor) tensor.Tensor {
	rows := src.NumRows()
	dst := ws.Tensor(rows, m.hidden)
	clear(dst.Data)
	weights := m.router.forward(ws, src)
	m.x.Softmax(weights.Data, weights.Data, rows, m.spec.Experts)
	for i := range rows {
		m.choose(weights.Row(i))
	}
	for e, expert := range m.experts {
		mark := ws.Mark()
		in := ws.Tensor(rows, m.hidden)
		n := 0
		for i := range rows {
			if weights.Row(i)[e] > 0 {
				copy(in.Row(n), src.Row(i))
				n++
			}
		}
		if n > 0 {
			in.Shape[0], in.Data = n, in.Data[:n*m.hidden]
			out := expert.forward(ws, in)
			n = 0
			for i := range rows {
				if w := weights.Row(i)[e]; w > 0 {
					m.x.AddScaled(dst.Row(i), out.Row(n), w)
					n++
				}
			}
		}
		ws.Release(mark)
	}
	if m.shared != nil {
		out, gate := m.shared.forward(ws, src), m.gate.forward(ws, src)
		for i := range rows {
			m.x.AddScaled(dst.Row(i), out.Row(i), gate.Data[i])
		}
	}
	return dst
}

// choose keeps the greatest of a token's probabilities, the first of equal ones, and sets the others to 0.
func (m *mixture) choose(p []float32) {
	var sum float32
	for range m.spec.TopK {
		best := -1
		for e, v := range p {
			if v > 0 && (best < 0 || v > p[best]) {
				best = e
			}
		}
		if best < 0 {
			break
		}
		p[best] = -p[best] // chosen
	}
	for e, v := range p {
		p[e] = max(-v, 0)
		sum += p[e]
	}
	if m.spec.Normalize && sum > 0 {
		for e := range p {
			p[e] /= sum
		}
	}
}

// A feedForward is an mlp or a mixture.
type feedForward interface {
	loader.Module
	forward(ws *tensor.Workspace, src tensor.Tensor) tensor.Tensor
}

// A layer is attention and a feed-forward part, with norms where there are any.
type layer struct {
	AttnNorm     *norm       `st:"attn_norm"`
	Attention    *attention  `st:"self_attn"`
	AttnPostNorm *norm       `st:"attn_post_norm"`
	MLPNorm      *norm       `st:"mlp_norm"`
	MLP          feedForward `st:"mlp"`
	MLPPostNorm  *norm       `st:"mlp_post_norm"`
}

func newLayer(c *config, i int, x *kernels.Exec) layer {
	l := layer{Attention: newAttention(c, c.LayerSpecs[i], x)}
	if c.LayerSpecs[i].MoE {
		l.MLP = newMixture(c, x)
	} else {
		l.MLP = newMLP(c, c.Inner, x)
	}
	if c.Place != after {
		l.AttnNorm, l.MLPNorm = newNorm(x, c.Hidden, c.Norm), newNorm(x, c.Hidden, c.Norm)
	}
	if c.Place == after || c.Place == around {
		l.AttnPostNorm, l.MLPPostNorm = newNorm(x, c.Hidden, c.Norm), newNorm(x, c.Hidden, c.Norm)
	}
	if c.Parallel && c.OneNorm {
		l.MLPNorm = nil
	}
	return l
}

// forward replaces h [tokens, Hidden] by the layer's output.
func (l *layer) forward(ws *tensor.Workspace, h tensor.Tensor, c *config, st *state) {
	x := l.Attention.x
	mark := ws.Mark()
	defer ws.Release(mark)
	if c.Place == afterSum {
		x.Add(h.Data, h.Data, l.Attention.forward(ws, h, st).Data)
		l.AttnNorm.inPlace(h)
		x.Add(h.Data, h.Data, l.MLP.forward(ws, h).Data)
		l.MLPNorm.inPlace(h)
		return
	}
	in := l.AttnNorm.of(ws, h)
	a := l.Attention.forward(ws, in, st)
	l.AttnPostNorm.inPlace(a)
	if c.Parallel {
		if l.MLPNorm != nil {
			in = l.MLPNorm.of(ws, h)
		}
		m := l.MLP.forward(ws, in)
		x.Add(m.Data, m.Data, a.Data)
		x.Add(h.Data, h.Data, m.Data)
		return
	}
	l.add(h, in, a, c)
	in = l.MLPNorm.of(ws, h)
	m := l.MLP.forward(ws, in)
	l.MLPPostNorm.inPlace(m)
	l.add(h, in, m, c)
}

// add adds a block's result to the residual stream.
func (l *layer) add(h, in, result tensor.Tensor, c *config) {
	x := l.Attention.x
	if c.Residual != 1 {
		x.Scale(result.Data, result.Data, c.Residual)
	}
	if c.NormedResidual {
		h.Data, in.Data = in.Data, h.Data
		x.Add(in.Data, h.Data, result.Data)
		return
	}
	x.Add(h.Data, h.Data, result.Data)
}

func layerName(i int) string { return fmt.Sprintf("hidden_states.%d", i) }
