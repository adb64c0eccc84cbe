package nn

import (
	"math"

	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/tensor"
)

// Attention is softmax(Q·Kᵀ/√d)·V with several heads (Vaswani et al., arXiv:1706.03762), in which every token of a sequence
// sees every other, or if it is Causal those before it and itself.
type Attention struct {
	Causal bool

	x *kernels.Exec
	p kernels.Attn
}

// NewAttention returns an attention of that many heads of headDim each.
func NewAttention(x *kernels.Exec, heads, headDim int) Attention {
	return Attention{x: x, p: kernels.Attn{Heads: heads, KVHeads: heads, HeadDim: headDim,
		Scale: float32(1 / math.Sqrt(float64(headDim)))}}
}

// Forward attends within each of the packed sequences that starts gives. qkv is [tokens, 3·heads·headDim]: queries, keys,
// values side by side. bias, which may be nil, adds to the scaled scores. The result is [tokens, heads·headDim] in the
// Workspace.
func (a *Attention) Forward(ws *tensor.Workspace, qkv tensor.Tensor, starts []int32, bias kernels.Bias) tensor.Tensor {
	n := a.p.Heads * a.p.HeadDim
	dst := ws.Tensor(qkv.NumRows(), n)
	if len(dst.Data) == 0 {
		return dst
	}
	p := a.p
	p.Bias, p.Causal = bias, a.Causal
	a.x.Attention(dst.Data, n, qkv.Data, 3*n, qkv.Data[n:], qkv.Data[2*n:], 3*n, starts, &p)
	return dst
}
