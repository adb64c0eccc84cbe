package vit

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// patchEmbedding makes a vector of each patch of an image: a convolution whose stride is its size, or a product with the
// pixels of the patches as rows. Its tensors are weight [H, channels, patch height, patch width] and bias [H].
type patchEmbedding struct {
	channels int
	patch    pair
	hidden   int
	noBias   bool

	x *kernels.Exec
	w *kernels.Weights
	b []float32
}

// Params implements [loader.Module].
func (e *patchEmbedding) Params(s *loader.Scope) {
	w := s.Need("weight", e.hidden, e.channels, e.patch.H, e.patch.W)
	var b *loader.View
	if !e.noBias {
		b = s.Need("bias", e.hidden)
	}
	s.Then(func() {
		n := e.size()
		e.w = nn.Matrix{K: n, N: e.hidden, Parts: []*loader.View{w.Reshape(e.hidden, n)}}.Pack(e.x)
		if b != nil {
			e.b = b.Float32()
		}
	})
}

// size returns the number of values of a patch.
func (e *patchEmbedding) size() int { return e.channels * e.patch.H * e.patch.W }

// grid returns how many patches fit into an image from top to bottom and from left to right.
func (e *patchEmbedding) grid(size pair) pair { return pair{size.H / e.patch.H, size.W / e.patch.W} }

// forward writes the vectors of the patches of an image to dst [patches, H], and adds the positions [patches, H] if there are
// any.
func (e *patchEmbedding) forward(ws *tensor.Workspace, dst, image []float32, size pair, positions []float32) {
	mark := ws.Mark()
	n, g := e.size(), e.grid(size)
	patches := ws.Float32(g.H * g.W * n)
	e.x.Patches(patches, image, e.channels, size.H, size.W, e.patch.H, e.patch.W)
	e.x.Gemm(dst, e.hidden, patches, n, g.H*g.W, e.w, kernels.Epilogue{Bias: e.b, Residual: positions, ResidualStride: e.hidden})
	ws.Release(mark)
}

// special are the tokens before those of the patches, and the table of positions.
type special struct {
	f         *family
	hidden    int
	registers int
	patches   int // positions of patches; 0: there is no table

	x         *kernels.Exec
	tokens    []float32 // [tokens, H], their positions added
	positions []float32 // [patches, H], or nil
}

// count returns the number of special tokens.
func (t *special) count() int { return len(t.f.special) + t.registers }

// Params implements [loader.Module].
func (t *special) Params(s *loader.Scope) {
	shape := func(rows int) []int {
		switch {
		case !t.f.flat:
			return []int{1, rows, t.hidden}
		case rows == 1:
			return []int{t.hidden}
		}
		return []int{rows, t.hidden}
	}
	var tokens []*loader.View
	for _, name := range t.f.special {
		tokens = append(tokens, s.Need(name, shape(1)...))
	}
	if t.f.registers { // there is a tensor even for none
		tokens = append(tokens, s.Need("register_tokens", 1, t.registers, t.hidden))
	}
	var positions *loader.View
	placed := len(t.f.special) // those that have a position
	if t.patches > 0 {
		name := "position_embeddings"
		if t.f.flat {
			name = "position_embedding.weight"
		}
		positions = s.Need(name, shape(placed+t.patches)...)
	}
	s.Then(func() {
		for _, v := range tokens {
			t.tokens = append(t.tokens, v.Float32()...)
		}
		if positions != nil {
			all, n := positions.Float32(), placed*t.hidden
			t.x.Add(t.tokens[:n], t.tokens[:n], all[:n])
			t.positions = all[n:]
		}
	})
}

// A grid is what a model needs for images of one size: the tables that depend on it.
type grid struct {
	size      pair      // in patches
	resized   bool      // positions are interpolated
	positions []float32 // [patches, H], or nil
	rope      kernels.RoPE
	bias      []*gridBias // of each layer, or nil
}

// grids keeps the tables of the last sizes.
type grids struct {
	mu   sync.Mutex
	kept []*grid
}

// mostGrids is how many sizes are kept.
const mostGrids = 8

// of returns the tables for a size, which build makes if they are not there.
func (g *grids) of(size pair, resized bool, build func() *grid) *grid {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range g.kept {
		if k.size == size && k.resized == resized {
			return k
		}
	}
	k := build()
	k.size, k.resized = size, resized
	if len(g.kept) == mostGrids {
		g.kept = append(g.kept[:0], g.kept[1:]...)
	}
	g.kept = append(g.kept, k)
	return k
}

// place decides how positions are found for an image of a size, in pixels: the grid of its patches, and whether the table is
// resized. An image that the model does not take is an error.
func (m *Vision) place(size pair, interpolate bool) (g pair, resized bool, err error) {
	g = m.Patches.grid(size)
	if g.H == 0 || g.W == 0 || size.H > maxSide || size.W > maxSide || g.H*g.W > maxPatches {
		return g, false, fmt.Errorf("an image of %dx%d pixels (height x width) is not supported; want %dx%d at least, "+
			"%d at most a side, and %d patches at most", size.H, size.W, m.Patches.patch.H, m.Patches.patch.W, maxSide, maxPatches)
	}
	n := m.Special.patches
	if n == 0 {
		return g, false, nil
	}
	fits := g.H*g.W == n && size.H == size.W
	switch rule := m.f.positions; {
	case rule == alwaysResized || interpolate:
		if side := int(math.Sqrt(float64(n))); !fits && side*side != n {
			return g, false, fmt.Errorf("the positions of %d patches, which are no square, cannot be interpolated for an image of "+
				"%dx%d pixels", n, size.H, size.W)
		}
		return g, !fits, nil
	case rule == exactSize && size != m.c.Image, g.H*g.W != n:
		return g, false, fmt.Errorf("an image of %dx%d pixels does not fit the model's %dx%d; with interpolate_pos_encoding it would",
			size.H, size.W, m.c.Image.H, m.c.Image.W)
	}
	return g, false, nil
}

// maxPatches is the most patches that an image may have.
const maxPatches = 1 << 16

// tables returns the tables for a grid.
func (m *Vision) tables(size pair, resized bool) *grid {
	return m.grids.of(size, resized, func() *grid {
		g := &grid{positions: m.Special.positions}
		if resized {
			side := int(math.Sqrt(float64(m.Special.patches)))
			g.positions = m.f.resample.resize(m.x, m.Special.positions, side, side, size.H, size.W, m.c.HiddenSize)
		}
		if m.f.rope {
			g.rope = axialRoPE(size, m.c.HiddenSize/m.c.Heads, m.c.Theta)
		}
		if m.Shared != nil {
			g.bias = slices.Repeat([]*gridBias{m.Shared.on(m.x, size)}, len(m.Layers))
		}
		if m.c.Relative {
			own := make([]*gridBias, len(m.Layers))
			for i := range m.Layers {
				own[i] = m.Layers[i].Bias.on(m.x, size)
				if g.bias != nil {
					own[i].add(g.bias[i])
				}
			}
			g.bias = own
		}
		return g
	})
}

// axialRoPE returns DINOv3's rotations: row 0 rotates nothing; row 1+i rotates by the place of the center of patch i, half of
// the pairs by its height, half by its width, both from -1 to 1 over the image. The roundings to float32 are upstream's.
func axialRoPE(size pair, headDim int, theta float64) kernels.RoPE {
	half, quarter := headDim/2, headDim/4
	rope := kernels.RoPE{Dim: headDim, Cos: make([]float32, (1+size.H*size.W)*half), Sin: make([]float32, (1+size.H*size.W)*half)}
	for i := range half {
		rope.Cos[i] = 1
	}
	frequencies := make([]float64, quarter)
	for i := range frequencies {
		exponent := float32(float64(i) * (4 / float64(headDim)))
		frequencies[i] = float64(1 / float32(kernels.Pow(theta, float64(exponent))))
	}
	angle := func(i, n int) float64 {
		c := float32(float32(2*((float32(i)+0.5)/float32(n))) - 1)
		return float64(float32(float32(2*math.Pi) * c))
	}
	for y := range size.H {
		for x := range size.W {
			row := (1 + y*size.W + x) * half
			for axis, a := range [2]float64{angle(y, size.H), angle(x, size.W)} {
				for i, f := range frequencies {
					sin, cos := kernels.SinCos(float64(a * f))
					rope.Cos[row+axis*quarter+i], rope.Sin[row+axis*quarter+i] = float32(cos), float32(sin)
				}
			}
		}
	}
	return rope
}

// readPixels returns pixel_values [images, channels, height, width] of the inputs.
func readPixels(inputs map[string]tensor.Tensor, channels int) (tensor.Tensor, error) {
	t, ok := inputs["pixel_values"]
	if !ok {
		return t, fmt.Errorf("pixel_values is missing")
	}
	if t.DType != tensor.F32 {
		return t, fmt.Errorf("pixel_values: type %v; want F32", t.DType)
	}
	if err := t.Check(); err != nil {
		return t, fmt.Errorf("pixel_values: %w", err)
	}
	if len(t.Shape) != 4 || t.Shape[1] != channels {
		return t, fmt.Errorf("pixel_values has shape %v; want [images, %d, height, width]", t.Shape, channels)
	}
	if t.Len() == 0 {
		return t, fmt.Errorf("pixel_values has shape %v: there is nothing to do", t.Shape)
	}
	return t, nil
}

// onlyInputs returns an error if there is an input that is not known.
func onlyInputs(inputs map[string]tensor.Tensor, known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("input %q is not known; the model takes %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// states adds the hidden states of a pass over images to the outputs.
type states struct {
	opts    arch.ForwardOptions
	prefix  string
	images  int
	outputs map[string]tensor.Tensor
}

// add adds hidden_states.N of the images from first on, if they are wanted: h has their tokens.
func (s *states) add(n, first int, h tensor.Tensor, images int) {
	if s == nil || !s.opts.HiddenStates {
		return
	}
	name := fmt.Sprintf("%shidden_states.%d", s.prefix, n)
	all, ok := s.outputs[name]
	if !ok {
		all = tensor.New(s.images, h.NumRows()/images, h.Cols())
		s.outputs[name] = all
	}
	copy(all.Data[first*h.Len()/images:], h.Data)
}

// output adds a copy of a tensor [images·rows, n] as [images, rows, n], or [images, n] if rows is 0.
func (s *states) output(name string, t tensor.Tensor, rows int) {
	shape := []int{s.images, rows, t.Cols()}
	if rows == 0 {
		shape = []int{s.images, t.Cols()}
	}
	out := tensor.New(shape...)
	copy(out.Data, t.Data)
	s.outputs[s.prefix+name] = out
}
