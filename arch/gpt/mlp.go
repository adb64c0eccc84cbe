package gpt

import (
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A feedForward is an mlp or a mixture.
type feedForward interface {
	loader.Module
	// forward sets dst, which may be src, to the epilogue of the result for src.
	forward(ws *tensor.Workspace, dst, src tensor.Tensor, e kernels.Epilogue)
	// products returns the weights of its products in their order, or a nil if that is not always the same.
	products() []*kernels.Weights
}

// newLinear returns a linear layer as the config has them.
func newLinear(c *config, x *kernels.Exec, in, out int, bias bool) nn.Linear {
	l := nn.NewLinear(x, in, out)
	l.NoBias, l.Transposed = !bias, c.Transposed
	return l
}

// An mlp is down(act(up)), or, gated, down(act(gate)·up).
type mlp struct {
	c        *config
	inner    int
	x        *kernels.Exec
	up, down nn.Linear

	gated  *kernels.Weights // gate and up, in place of up
	biases [2][]float32     // of gate and up
}

func newMLP(c *config, inner int, x *kernels.Exec) *mlp {
	m := &mlp{c: c, inner: inner, x: x, up: newLinear(c, x, c.Hidden, inner, c.MLPBias), down: newLinear(c, x, inner, c.Hidden, c.MLPBias)}
	m.up.Act = c.Act
	return m
}

// Params implements [loader.Module].
func (m *mlp) Params(s *loader.Scope) {
	s.Bind("down_proj", &m.down)
	if !m.c.Gated {
		s.Bind("up_proj", &m.up)
		return
	}
	part := func(w *loader.View, row int) nn.Matrix {
		return nn.Matrix{K: m.c.Hidden, N: m.inner, Parts: []*loader.View{w}, Row: func(j int) int { return row + j }}
	}
	if m.c.FusedGate {
		w := s.Need("gate_up_proj.weight", 2*m.inner, m.c.Hidden)
		s.Then(func() { m.gated = nn.PackGated(m.x, part(w, 0), part(w, m.inner)) })
		return
	}
	gate, up := s.Need("gate_proj.weight", m.inner, m.c.Hidden), s.Need("up_proj.weight", m.inner, m.c.Hidden)
	var b [2]*loader.View
	if m.c.MLPBias {
		b[0], b[1] = s.Need("gate_proj.bias", m.inner), s.Need("up_proj.bias", m.inner)
	}
	s.Then(func() {
		m.gated = nn.PackGated(m.x, part(gate, 0), part(up, 0))
		if m.c.MLPBias {
			m.biases = [2][]float32{b[0].Float32(), b[1].Float32()}
		}
	})
}

func (m *mlp) products() []*kernels.Weights {
	if m.c.Gated {
		return []*kernels.Weights{m.gated, m.down.Weights()}
	}
	return []*kernels.Weights{m.up.Weights(), m.down.Weights()}
}

func (m *mlp) forward(ws *tensor.Workspace, dst, src tensor.Tensor, e kernels.Epilogue) {
	mark := ws.Mark()
	var inner nn.Strided
	if m.c.Gated {
		inner = nn.NewStrided(ws, src.NumRows(), m.inner)
		m.x.Gemm(inner.Data, inner.Stride, src.Data, m.c.Hidden, inner.Rows, m.gated,
			kernels.Epilogue{Bias: m.biases[0], Act: m.c.Act, UpBias: m.biases[1]})
	} else {
		inner = m.up.ToStrided(ws, src)
	}
	m.down.FromStrided(dst, inner, e)
	ws.Release(mark)
}
