package vit

import (
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A block is a layer: attention and an MLP, each on what is normalised before it, each added to what went in. Shapes: H is the
// hidden size, I the intermediate size.
type block struct {
	Norm1  nn.LayerNorm `st:"norm1"`
	QKV    nn.Fused     `st:"attention"`        // q_proj, k_proj, v_proj: [H, H] each
	Output nn.Linear    `st:"attention.o_proj"` // [H, H]
	Norm2  nn.LayerNorm `st:"norm2"`
	Up     *nn.Linear   `st:"mlp.fc1"` // [I, H], or nil
	Gated  *gated       `st:"mlp"`     // in its place, or nil
	Down   nn.Linear    `st:"mlp.fc2"` // [H, I]

	attention   nn.Attention
	groupTokens int // about how many tokens go through the layer together
}

// blockOptions say what a block has.
type blockOptions struct {
	hidden, intermediate, heads int
	act                         kernels.Activation
	eps                         float32
	noBias                      []string // of q_proj, k_proj, v_proj
	noOutBias, noMLPBias        bool
	gated, scaled, causal       bool
}

func newBlock(o *blockOptions, x *kernels.Exec) block {
	b := block{
		Norm1:     nn.NewLayerNorm(x, o.hidden, o.eps),
		QKV:       nn.NewFused(x, o.hidden, o.hidden, "q_proj", "k_proj", "v_proj"),
		Output:    nn.NewLinear(x, o.hidden, o.hidden),
		Norm2:     nn.NewLayerNorm(x, o.hidden, o.eps),
		Down:      nn.NewLinear(x, o.intermediate, o.hidden),
		attention: nn.NewAttention(x, o.heads, o.hidden/o.heads),
	}
	b.QKV.NoBias = o.noBias
	b.Output.NoBias, b.Output.Scaled = o.noOutBias, o.scaled
	b.Down.NoBias, b.Down.Scaled = o.noMLPBias, o.scaled
	b.attention.Causal = o.causal
	b.groupTokens = nn.GroupTokens(x, 4*o.hidden*o.hidden+2*o.hidden*o.intermediate)
	if o.gated {
		b.Gated = &gated{in: o.hidden, out: o.intermediate, act: o.act, noBias: o.noMLPBias, x: x}
	} else {
		up := nn.NewLinear(x, o.hidden, o.intermediate)
		up.Act, up.NoBias = o.act, o.noMLPBias
		b.Up = &up
	}
	return b
}

// attend adds the attention of h [tokens, H] to it, within the sequences that starts gives. rope and bias may be nil.
func (b *block) attend(ws *tensor.Workspace, h tensor.Tensor, starts []int32, rope *rotation, bias kernels.Bias) {
	mark := ws.Mark()
	qkv := b.QKV.Forward(ws, b.Norm1.Forward(ws, h))
	if rope != nil {
		rope.rotate(qkv)
	}
	b.Output.AddTo(h, b.attention.Forward(ws, qkv, starts, bias))
	ws.Release(mark)
}

// mlp adds the MLP of h [tokens, H] to it.
func (b *block) mlp(ws *tensor.Workspace, h tensor.Tensor) {
	mark := ws.Mark()
	t := b.Norm2.Forward(ws, h)
	if b.Gated != nil {
		b.Down.AddFromStrided(h, b.Gated.forward(ws, t))
	} else {
		b.Down.AddFromStrided(h, b.Up.ToStrided(ws, t))
	}
	ws.Release(mark)
}

// gated is act(x·gateᵀ + b)·(x·upᵀ + c), the first half of a gated MLP. Its tensors are gate_proj and fc1, or both in one,
// weights_in, gate first.
type gated struct {
	in, out int
	act     kernels.Activation
	noBias  bool

	x          *kernels.Exec
	w          *kernels.Weights
	gateB, upB []float32
}

// Params implements [loader.Module].
func (g *gated) Params(s *loader.Scope) {
	gate, up := nn.Matrix{K: g.in, N: g.out}, nn.Matrix{K: g.in, N: g.out}
	var biases []*loader.View
	if both := s.Optional("weights_in.weight", 2*g.out, g.in); both != nil {
		gate.Parts, up.Parts = []*loader.View{both}, []*loader.View{both}
		up.Row = func(j int) int { return g.out + j }
		biases = append(biases, s.Need("weights_in.bias", 2*g.out))
	} else {
		gate.Parts = append(gate.Parts, s.Need("gate_proj.weight", g.out, g.in))
		up.Parts = append(up.Parts, s.Need("fc1.weight", g.out, g.in))
		if !g.noBias {
			biases = append(biases, s.Need("gate_proj.bias", g.out), s.Need("fc1.bias", g.out))
		}
	}
	s.Then(func() {
		g.w = nn.PackGated(g.x, gate, up)
		var b []float32
		for _, v := range biases {
			b = append(b, v.Float32()...)
		}
		if b != nil {
			g.gateB, g.upB = b[:g.out], b[g.out:]
		}
	})
}

func (g *gated) forward(ws *tensor.Workspace, src tensor.Tensor) nn.Strided {
	dst := nn.NewStrided(ws, src.NumRows(), g.out)
	g.x.Gemm(dst.Data, dst.Stride, src.Data, g.in, dst.Rows, g.w, kernels.Epilogue{Bias: g.gateB, Act: g.act, UpBias: g.upB})
	return dst
}

// A rotation is the rotary position embedding of the patches of a grid.
type rotation struct {
	x         *kernels.Exec
	rope      kernels.RoPE // row 0 rotates nothing, row 1+i is patch i's
	positions []int32      // of each token of the batch, its row
	heads     int
	headDim   int
}

// rotate rotates the queries and keys of qkv [tokens, 3·H].
func (r *rotation) rotate(qkv tensor.Tensor) {
	r.x.Rotate(qkv.Data, qkv.Cols(), 2*r.heads, r.headDim, r.positions, &r.rope)
}
