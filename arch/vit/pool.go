package vit

import (
	"math"

	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// firstTokens returns token number at of each image, [images, H], of h [images·tokens, H].
func firstTokens(ws *tensor.Workspace, h tensor.Tensor, images, at int) tensor.Tensor {
	first := ws.Tensor(images, h.Cols())
	tokens := h.NumRows() / images
	for i := range images {
		copy(first.Row(i), h.Row(i*tokens+at))
	}
	return first
}

// meanTokens returns the mean of the tokens from number from on of each image, [images, H], of h [images·tokens, H]: a chain of
// sums in float64, rounded once.
func meanTokens(ws *tensor.Workspace, h tensor.Tensor, images, from int) tensor.Tensor {
	n, tokens := h.Cols(), h.NumRows()/images
	mean := ws.Tensor(images, n)
	var sums [64]float64
	for i := range images {
		for c := 0; c < n; c += len(sums) {
			part := sums[:min(len(sums), n-c)]
			clear(part)
			for t := from; t < tokens; t++ {
				for j, v := range h.Row(i*tokens + t)[c:][:len(part)] {
					part[j] += float64(v)
				}
			}
			for j, v := range part {
				mean.Row(i)[c+j] = float32(v / float64(tokens-from))
			}
		}
	}
	return mean
}

// attentionHead pools as SigLIP does: a learned query attends to all tokens, then an MLP (Lee et al., arXiv:1810.00825, call it
// multihead attention pooling). Its tensors are those of PyTorch's MultiheadAttention.
type attentionHead struct {
	Attention probeAttention `st:"attention"`
	Probe     *probe         `st:""`
	Output    nn.Linear      `st:"attention.out_proj"` // [H, H]
	Norm      nn.LayerNorm   `st:"layernorm"`
	Up        nn.Linear      `st:"mlp.fc1"` // [I, H]
	Down      nn.Linear      `st:"mlp.fc2"` // [H, I]
}

// probe is the learned query: its tensor is probe [1, 1, H].
type probe struct {
	hidden int
	value  []float32
}

// Params implements [loader.Module].
func (p *probe) Params(s *loader.Scope) {
	v := s.Need("probe", 1, 1, p.hidden)
	s.Then(func() { p.value = v.Float32() })
}

// probeAttention has the matrices of query, key and value in one: in_proj_weight [3·H, H] and in_proj_bias [3·H].
type probeAttention struct {
	hidden, heads int

	x     *kernels.Exec
	query *kernels.Weights // [H, H]
	kv    *kernels.Weights // [H, 2·H]
	b     []float32        // [3·H]
}

// Params implements [loader.Module].
func (a *probeAttention) Params(s *loader.Scope) {
	h := a.hidden
	w, b := s.Need("in_proj_weight", 3*h, h), s.Need("in_proj_bias", 3*h)
	s.Then(func() {
		parts := []*loader.View{w}
		a.query = nn.Matrix{K: h, N: h, Parts: parts}.Pack(a.x)
		a.kv = nn.Matrix{K: h, N: 2 * h, Parts: parts, Row: func(j int) int { return h + j }}.Pack(a.x)
		a.b = b.Float32()
	})
}

func newAttentionHead(c *config, x *kernels.Exec) *attentionHead {
	h := &attentionHead{
		Attention: probeAttention{hidden: c.HiddenSize, heads: c.Heads, x: x},
		Probe:     &probe{hidden: c.HiddenSize},
		Output:    nn.NewLinear(x, c.HiddenSize, c.HiddenSize),
		Norm:      nn.NewLayerNorm(x, c.HiddenSize, float32(c.Eps)),
		Up:        nn.NewLinear(x, c.HiddenSize, c.Intermediate),
		Down:      nn.NewLinear(x, c.Intermediate, c.HiddenSize),
	}
	h.Up.Act = c.act
	return h
}

// forward returns the vectors of the images, [images, H], of h [images·tokens, H].
func (p *attentionHead) forward(ws *tensor.Workspace, h tensor.Tensor, images int) tensor.Tensor {
	out := p.Attention.forward(ws, p.Probe.value, h, images)
	out = p.Output.Forward(ws, out)
	p.Down.AddTo(out, p.Up.Forward(ws, p.Norm.Forward(ws, out)))
	return out
}

// forward returns what the query sees in each image, [images, H].
func (a *probeAttention) forward(ws *tensor.Workspace, probe []float32, h tensor.Tensor, images int) tensor.Tensor {
	n, tokens, d := a.hidden, h.NumRows()/images, a.hidden/a.heads
	out := ws.Tensor(images, n)
	mark := ws.Mark()
	q := ws.Float32(n)
	a.x.GemmPrecise(q, n, probe, n, 1, a.query, a.b, kernels.Identity)
	kv := ws.Tensor(tokens, 2*n)
	scores := ws.Tensor(a.heads, tokens)
	scale := float32(1 / math.Sqrt(float64(d)))
	for i := range images {
		a.x.Gemm(kv.Data, 2*n, h.Data[i*tokens*n:], n, tokens, a.kv, kernels.Epilogue{Bias: a.b[n:]})
		for t := range tokens {
			for head := range a.heads {
				scores.Data[head*tokens+t] = float32(scale * a.x.Dot(q[head*d:][:d], kv.Row(t)[head*d:][:d]))
			}
		}
		a.x.Softmax(scores.Data, scores.Data, a.heads, tokens)
		row := out.Row(i)
		clear(row)
		for t := range tokens {
			for head := range a.heads {
				a.x.AddScaled(row[head*d:][:d], kv.Row(t)[n+head*d:][:d], scores.Data[head*tokens+t])
			}
		}
	}
	ws.Release(mark)
	return out
}
