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

// forward returns the layer's output for h [tokens, Hidden], which it overwrites, of the tokens that are wanted.
func (l *layer) forward(ws *tensor.Workspace, h tensor.Tensor, c *config, p *pass) tensor.Tensor {
	out := p.wanted(ws, h)
	mark := ws.Mark()
	switch {
	case c.Place == afterSum:
		l.Attention.forward(ws, out, h, p, onto(out, c))
		l.AttnNorm.inPlace(out)
		l.MLP.forward(ws, out, out, onto(out, c))
		l.MLPNorm.inPlace(out)
	case c.Parallel:
		in := l.AttnNorm.of(ws, h)
		mlpIn := p.wanted(ws, in)
		if l.MLPNorm != nil {
			mlpIn = l.MLPNorm.of(ws, out)
		}
		l.Attention.forward(ws, out, in, p, onto(out, c))
		l.MLP.forward(ws, out, mlpIn, onto(out, c))
	case l.AttnPostNorm != nil:
		in, result := l.AttnNorm.of(ws, h), ws.Tensor(out.NumRows(), c.Hidden)
		l.Attention.forward(ws, result, in, p, kernels.Epilogue{})
		l.AttnPostNorm.inPlace(result)
		in = l.MLPNorm.ofSum(ws, out, result, l.Attention.x)
		l.MLP.forward(ws, result, in, kernels.Epilogue{})
		l.MLPPostNorm.inPlace(result)
		l.Attention.x.Add(out.Data, out.Data, result.Data)
	default:
		in := l.AttnNorm.of(ws, h)
		l.Attention.forward(ws, out, in, p, onto(residual(out, p.wanted(ws, in), c), c))
		in = l.MLPNorm.of(ws, out)
		l.MLP.forward(ws, out, in, onto(residual(out, in, c), c))
	}
	ws.Release(mark)
	return out
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
