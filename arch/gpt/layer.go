package gpt

import (
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/tensor"
)

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
	l := layer{Attention: newAttention(c, i, x)}
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
func (l *layer) forward(ws *tensor.Workspace, h tensor.Tensor, c *config, p *pass) {
	mark := ws.Mark()
	switch {
	case c.Place == afterSum:
		l.Attention.forward(ws, h, h, p, onto(h, c))
		l.AttnNorm.inPlace(h)
		l.MLP.forward(ws, h, h, onto(h, c))
		l.MLPNorm.inPlace(h)
	case c.Parallel:
		in := l.AttnNorm.of(ws, h)
		mlpIn := in
		if l.MLPNorm != nil {
			mlpIn = l.MLPNorm.of(ws, h)
		}
		l.Attention.forward(ws, h, in, p, onto(h, c))
		l.MLP.forward(ws, h, mlpIn, onto(h, c))
	case l.AttnPostNorm != nil:
		in, result := l.AttnNorm.of(ws, h), ws.Tensor(h.NumRows(), c.Hidden)
		l.Attention.forward(ws, result, in, p, kernels.Epilogue{})
		l.AttnPostNorm.inPlace(result)
		in = l.MLPNorm.ofSum(ws, h, result, l.Attention.x)
		l.MLP.forward(ws, result, in, kernels.Epilogue{})
		l.MLPPostNorm.inPlace(result)
		l.Attention.x.Add(h.Data, h.Data, result.Data)
	default:
		in := l.AttnNorm.of(ws, h)
		l.Attention.forward(ws, h, in, p, onto(residual(h, in, c), c))
		in = l.MLPNorm.of(ws, h)
		l.MLP.forward(ws, h, in, onto(residual(h, in, c), c))
	}
	ws.Release(mark)
}

// residual returns what a block's result is added to: its input, before its norm or after it.
func residual(h, in tensor.Tensor, c *config) tensor.Tensor {
	if c.NormedResidual {
		return in
	}
	return h
}

// onto returns the epilogue that adds a block's result to the residual stream.
func onto(h tensor.Tensor, c *config) kernels.Epilogue {
	e := kernels.Epilogue{Residual: h.Data, ResidualStride: c.Hidden}
	if c.Residual != 1 {
		e.Scale = c.Residual
	}
	return e
}
