package gpt

import (
	"strconv"

	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A mixture sends each token to a few of many experts, which a linear layer chooses.
type mixture struct {
	spec    moeSpec
	hidden  int
	x       *kernels.Exec
	router  nn.Linear
	experts []*mlp
	shared  *mlp      // or nil
	gate    nn.Linear // of the shared expert
}

func newMixture(c *config, x *kernels.Exec) *mixture {
	m := &mixture{spec: c.MoE, hidden: c.Hidden, x: x, router: newLinear(c, x, c.Hidden, c.MoE.Experts, false)}
	for range c.MoE.Experts {
		m.experts = append(m.experts, newMLP(c, c.MoE.Inner, x))
	}
	if c.MoE.Shared > 0 {
		m.shared = newMLP(c, c.MoE.Shared, x)
		m.gate = newLinear(c, x, c.Hidden, 1, false)
		m.gate.Act = kernels.Sigmoid
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

func (m *mixture) products() []*kernels.Weights { return []*kernels.Weights{nil} }

// forward adds the experts' results in ascending order of their index, then the shared one's.
func (m *mixture) forward(ws *tensor.Workspace, dst, src tensor.Tensor, e kernels.Epilogue) {
	rows := src.NumRows()
	mark := ws.Mark()
	sum := ws.Tensor(rows, m.hidden)
	clear(sum.Data)
	weights := m.router.Forward(ws, src)
	m.x.Softmax(weights.Data, weights.Data, rows, m.spec.Experts)
	for i := range rows {
		m.choose(weights.Row(i))
	}
	for k, expert := range m.experts {
		n := 0
		for i := range rows {
			if weights.Row(i)[k] > 0 {
				n++
			}
		}
		if n > 0 {
			m.expert(ws, expert, sum, src, weights, k, n)
		}
	}
	if m.shared != nil {
		out := ws.Tensor(rows, m.hidden)
		m.shared.forward(ws, out, src, kernels.Epilogue{})
		gate := m.gate.Forward(ws, src)
		for i := range rows {
			m.x.AddScaled(sum.Row(i), out.Row(i), gate.Data[i])
		}
	}
	if e.Scale != 0 {
		m.x.Scale(sum.Data, sum.Data, e.Scale)
	}
	if e.Residual != nil {
		m.x.Add(dst.Data, e.Residual, sum.Data)
	} else {
		copy(dst.Data, sum.Data)
	}
	ws.Release(mark)
}

// expert adds the results of expert number k for the n tokens that go to it.
func (m *mixture) expert(ws *tensor.Workspace, expert *mlp, sum, src, weights tensor.Tensor, k, n int) {
	mark := ws.Mark()
	in, out := src, ws.Tensor(n, m.hidden)
	if n < src.NumRows() {
		in = ws.Tensor(n, m.hidden)
		at := 0
		for i := range src.NumRows() {
			if weights.Row(i)[k] > 0 {
				copy(in.Row(at), src.Row(i))
				at++
			}
		}
	}
	expert.forward(ws, out, in, kernels.Epilogue{})
	at := 0
	for i := range src.NumRows() {
		if w := weights.Row(i)[k]; w > 0 {
			m.x.AddScaled(sum.Row(i), out.Row(at), w)
			at++
		}
	}
	ws.Release(mark)
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
