package nn

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// stored returns a random matrix whose numbers are of the given type, and the same of float32.
func stored(r *rand.Rand, d tensor.DType, rows, cols int) (is, wide tensor.Tensor) {
	wide = tensor.New(rows, cols)
	raw := make([]byte, 2*rows*cols)
	for i := range wide.Data {
		bits := uint32(r.IntN(1 << 16)) // of a number between 1/4 and 2, or its negative
		switch d {
		case tensor.F16:
			half := bits&0x8000 | 0x3400 + bits&0x0bff
			wide.Data[i] = math.Float32frombits(half&0x8000<<16 | (half&0x7fff)<<13 + (127-15)<<23)
			binary.LittleEndian.PutUint16(raw[2*i:], uint16(half))
		default:
			upper := bits&0x8000 | 0x3e80 + bits&0x17f
			wide.Data[i] = math.Float32frombits(upper << 16)
			binary.LittleEndian.PutUint16(raw[2*i:], uint16(upper))
		}
	}
	if d == tensor.F32 {
		return wide, wide
	}
	return tensor.Tensor{DType: d, Shape: []int{rows, cols}, Raw: raw}, wide
}

// A gated is a product of two tensors, gate and up, which stand one under the other in one, with the rows of each in reverse.
type gated struct {
	x *kernels.Exec
	w *kernels.Weights
}

func (g *gated) Params(s *loader.Scope) {
	w := s.Need("both", 40, 37)
	s.Then(func() {
		part := func(last int) Matrix {
			return Matrix{K: 37, N: 20, Parts: []*loader.View{w}, Row: func(j int) int { return last - j }}
		}
		g.w = PackGated(g.x, part(19), part(39))
	})
}

// TestStored compares blocks whose weights have 16 bits with those of the same weights in float32, bit for bit.
func TestStored(t *testing.T) {
	x := newExec(t)
	for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
		r := rand.New(rand.NewPCG(1, 2))
		in := random(r, 9, 37)
		weight, wide := stored(r, d, 20, 37)
		turned, turnedWide := stored(r, d, 37, 20)
		both, bothWide := stored(r, d, 40, 37)
		type blocks struct {
			Plain  Linear    `st:"plain"`
			Turned Linear    `st:"turned"`
			Fused  Fused     `st:"fused"`
			Words  Embedding `st:"words"`
			Gated  gated     `st:"gated"`
		}
		run := func(weight, turned, both tensor.Tensor) [][]float32 {
			b := blocks{Plain: NewLinear(x, 37, 20), Turned: NewLinear(x, 37, 20), Fused: NewFused(x, 37, 20, "a", "b"),
				Words: NewEmbedding(x, 20, 37), Gated: gated{x: x}}
			b.Plain.NoBias, b.Turned.Transposed = true, true
			bias := tensor.FromFloat32(wide.Data[:20], 20)
			bind(t, &b, map[string]tensor.Tensor{"plain.weight": weight, "turned.weight": turned, "turned.bias": bias,
				"fused.a.weight": weight, "fused.a.bias": bias, "fused.b.weight": wide, "fused.b.bias": bias, "words.weight": weight,
				"gated.both": both})
			if narrow := weight.DType != tensor.F32; (b.Words.narrow != nil) != narrow || (b.Words.table != nil) == narrow {
				t.Errorf("%v: the table is not held as it is", weight.DType)
			}
			var ws tensor.Workspace
			product := ws.Tensor(9, 20)
			x.Gemm(product.Data, 20, in.Data, 37, 9, b.Gated.w, kernels.Epilogue{Act: kernels.SiLU})
			return [][]float32{b.Plain.Forward(&ws, in).Data, b.Turned.Forward(&ws, in).Data, b.Fused.Forward(&ws, in).Data,
				b.Words.Lookup(&ws, []int32{3, 19, 0}).Data, product.Data}
		}
		got, want := run(weight, turned, both), run(wide, turnedWide, bothWide)
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("%v: block %d: other bits than of float32", d, i)
			}
		}
	}
	// A transposed weight is the same product.
	r := rand.New(rand.NewPCG(3, 4))
	w, b, in := random(r, 20, 37), random(r, 20), random(r, 3, 37)
	turned := tensor.New(37, 20)
	for i := range 20 {
		for j := range 37 {
			turned.Row(j)[i] = w.Row(i)[j]
		}
	}
	l, m := NewLinear(x, 37, 20), NewLinear(x, 37, 20)
	m.Transposed = true
	bind(t, &l, map[string]tensor.Tensor{"weight": w, "bias": b})
	bind(t, &m, map[string]tensor.Tensor{"weight": turned, "bias": b})
	var ws tensor.Workspace
	if !slices.Equal(l.Forward(&ws, in).Data, m.Forward(&ws, in).Data) {
		t.Error("transposed: other bits")
	}
}
