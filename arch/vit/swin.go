package vit

import (
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// Swin is the hierarchical transformer of Liu et al., arXiv:2103.14030. Its attention is within windows of the grid of patches;
// every other layer has them shifted by half a window, around the edges, where patches that came from opposite edges do not see
// each other. Between stages, four neighbours become one patch of twice as many channels.
type Swin struct {
	Patches   patchEmbedding `st:"embeddings.patch_embeddings.projection"` // [C, channels, patch height, patch width]
	EmbedNorm nn.LayerNorm   `st:"embeddings.norm"`
	Positions special        `st:"embeddings"` // of no special tokens
	Stages    []swinStage    `st:"encoder.layers"`
	Norm      nn.LayerNorm   `st:"layernorm"`

	Classifier *nn.Linear `st:"classifier"` // [labels, channels of the last stage], or nil

	x      *kernels.Exec
	c      *config
	limits arch.ImageLimits

	mu   sync.Mutex
	kept []*swinGrid // of the last sizes
}

// A swinStage is layers on one grid, with C channels, and what halves the grid after them.
type swinStage struct {
	Blocks []swinBlock `st:"blocks"`
	Merge  *merging    `st:"downsample"` // or nil, after the last stage
}

// A swinBlock is a layer, whose attention has a bias by relative position in the window.
type swinBlock struct {
	block
	Bias *windowBias `st:"relative_position_bias"`
}

// merging makes one token of four: [2·C, 4·C].
type merging struct {
	Norm      nn.LayerNorm `st:"norm"`
	Reduction nn.Linear    `st:"reduction"`
}

// swinFamily says how Swin's positions are stored and interpolated.
var swinFamily = &family{prefix: "swin.", positions: sameCount, resample: bicubic, aliases: []loader.Alias{
	{Old: ".attention.self.query.", New: ".attention.q_proj."},
	{Old: ".attention.self.key.", New: ".attention.k_proj."},
	{Old: ".attention.self.value.", New: ".attention.v_proj."},
	{Old: ".attention.self.relative_position_bias_table", New: ".relative_position_bias.relative_position_bias_table"},
	{Old: ".attention.relative_position_bias.", New: ".relative_position_bias."},
	{Old: ".attention.output.dense.", New: ".attention.o_proj."},
	{Old: ".intermediate.dense.", New: ".mlp.fc1."},
	{Old: ".output.dense.", New: ".mlp.fc2."},
	{Old: ".layernorm_before.", New: ".norm1."},
	{Old: ".layernorm_after.", New: ".norm2."},
}, change: func(c *config) { c.Patch, c.Eps, c.MLPRatio, c.Heads = pair{4, 4}, 1e-5, 4, 1 }}

// windowBias adds to each score a number that depends on the head and on where the key is from the query in their window. Its
// tensor is relative_position_bias_table [(2·window-1)², heads].
type windowBias struct {
	window, heads int

	x     *kernels.Exec
	table []float32 // [heads, window², window²]: query by key
}

// Params implements [loader.Module].
func (b *windowBias) Params(s *loader.Scope) {
	n, side := b.window, 2*b.window-1
	w := s.Need("relative_position_bias_table", side*side, b.heads)
	s.Then(func() {
		byDistance := w.Float32()
		b.table = make([]float32, 0, b.heads*n*n*n*n)
		for head := range b.heads {
			for q := range n * n {
				for k := range n * n {
					at := (q/n-k/n+n-1)*side + q%n - k%n + n - 1
					b.table = append(b.table, byDistance[at*b.heads+head])
				}
			}
		}
	})
}

// A shiftedBias is a windowBias on a grid of windows, which may be shifted.
type shiftedBias struct {
	*windowBias
	windows pair         // of an image
	apart   [4][]float32 // [window², window²] each, or nil: what keeps patches from opposite edges apart
}

// AddBias implements [kernels.Bias].
func (b *shiftedBias) AddBias(row []float32, seq, head, q, k0 int) {
	n := b.window * b.window
	q, k0 = q-seq*n, k0-seq*n
	b.x.Add(row, row, b.table[(head*n+q)*n+k0:][:len(row)])
	kind := 0 // 1 if the window is at the right edge, 2 if at the bottom, 3 if both
	if seq%b.windows.W == b.windows.W-1 {
		kind = 1
	}
	if seq/b.windows.W%b.windows.H == b.windows.H-1 {
		kind += 2
	}
	if apart := b.apart[kind]; apart != nil {
		b.x.Add(row, row, apart[q*n+k0:][:len(row)])
	}
}

// keepApart returns, for a window of each kind, what is added to the scores of patches that are neighbours only since the grid
// was shifted.
func keepApart(window, shift int) (kinds [4][]float32) {
	n := window * window
	for kind := 1; kind < 4; kind++ {
		region := func(i int) int { // of a patch in the window
			r := 0
			if kind&2 != 0 && i/window >= window-shift {
				r++
			}
			if kind&1 != 0 && i%window >= window-shift {
				r += 2
			}
			return r
		}
		for q := range n {
			for k := range n {
				v := float32(0)
				if region(q) != region(k) {
					v = -100
				}
				kinds[kind] = append(kinds[kind], v)
			}
		}
	}
	return kinds
}

// A swinGrid is what depends on the size of an image.
type swinGrid struct {
	size      pair // in patches
	resized   bool
	positions []float32 // [patches, C], or nil
	stages    []stageGrid
}

// A stageGrid is the grid of a stage.
type stageGrid struct {
	size, windows pair
	shift         int            // of every other layer
	bias          []*shiftedBias // of each layer
}

// place returns the tables for images of a size in pixels.
func (m *Swin) place(size pair, interpolate bool) (*swinGrid, error) {
	g := pair{(size.H + m.c.Patch.H - 1) / m.c.Patch.H, (size.W + m.c.Patch.W - 1) / m.c.Patch.W}
	least := m.c.Window
	for range len(m.Stages) - 1 {
		least = 2*least - 1
	}
	if min(g.H, g.W) < least || max(size.H, size.W) > maxSide || g.H*g.W > maxSwinPatches {
		return nil, fmt.Errorf("an image of %dx%d pixels (height x width) is not supported; want %dx%d at least, "+
			"that the last stage fills a window, %d at most a side, and %d patches at most", size.H, size.W, (least-1)*m.c.Patch.H+1,
			(least-1)*m.c.Patch.W+1, maxSide, maxSwinPatches)
	}
	resized := false
	if n := m.Positions.patches; n > 0 {
		side := int(math.Sqrt(float64(n)))
		resized = interpolate && (g.H*g.W != n || size.H != size.W)
		switch {
		case !interpolate && g.H*g.W != n:
			return nil, fmt.Errorf("an image of %dx%d pixels does not fit the model's %dx%d; with interpolate_pos_encoding it would",
				size.H, size.W, m.c.Image.H, m.c.Image.W)
		case resized && (side*side != n || size.H%m.c.Patch.H != 0 || size.W%m.c.Patch.W != 0):
			return nil, fmt.Errorf("the positions of %d patches cannot be interpolated for an image of %dx%d pixels", n, size.H, size.W)
		}
	}
	return m.tables(g, resized), nil
}

// maxSwinPatches is the most patches that an image may have.
const maxSwinPatches = 1 << 20

// tables returns the tables for a grid.
func (m *Swin) tables(size pair, resized bool) *swinGrid {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range m.kept {
		if g.size == size && g.resized == resized {
			return g
		}
	}
	g := &swinGrid{size: size, resized: resized, positions: m.Positions.positions}
	if resized {
		side := int(math.Sqrt(float64(m.Positions.patches)))
		g.positions = bicubic.resize(m.x, g.positions, side, side, size.H, size.W, m.c.EmbedDim)
	}
	w := m.c.Window
	for i := range m.Stages {
		s := stageGrid{size: size, windows: pair{(size.H + w - 1) / w, (size.W + w - 1) / w}}
		if min(size.H, size.W) > w {
			s.shift = w / 2
		}
		var apart [4][]float32
		if s.shift > 0 {
			apart = keepApart(w, s.shift)
		}
		for j := range m.Stages[i].Blocks {
			b := &shiftedBias{windowBias: m.Stages[i].Blocks[j].Bias, windows: s.windows}
			if j%2 == 1 {
				b.apart = apart
			}
			s.bias = append(s.bias, b)
		}
		g.stages = append(g.stages, s)
		size = pair{(size.H + 1) / 2, (size.W + 1) / 2}
	}
	if len(m.kept) == mostGrids {
		m.kept = append(m.kept[:0], m.kept[1:]...)
	}
	m.kept = append(m.kept, g)
	return g
}

// encode returns the last hidden states, [images·patches of the last stage, channels].
func (m *Swin) encode(ws *tensor.Workspace, pixels tensor.Tensor, g *swinGrid, out *states) tensor.Tensor {
	images, last := pixels.Shape[0], g.stages[len(g.stages)-1].size
	all := ws.Tensor(images*last.H*last.W, m.c.HiddenSize)
	group := max(1, 4*groupTokens/(g.size.H*g.size.W))
	for first := 0; first < images; first += group {
		n := min(group, images-first)
		mark := ws.Mark()
		h := m.embed(ws, pixels, first, n, g)
		out.add(0, first, h, n)
		out.reshaped(0, first, h, n, g.size)
		for i := range m.Stages {
			s := &m.Stages[i]
			for j := range s.Blocks {
				s.Blocks[j].forward(ws, h, n, &g.stages[i], j)
			}
			size := g.stages[i].size
			if s.Merge != nil {
				h = s.Merge.forward(ws, h, n, size)
				size = g.stages[i+1].size
			}
			out.add(i+1, first, h, n)
			out.reshaped(i+1, first, h, n, size)
		}
		m.Norm.InPlace(h)
		copy(all.Data[first*last.H*last.W*m.c.HiddenSize:], h.Data)
		ws.Release(mark)
	}
	return all
}

// embed returns the tokens of n images, [n·patches, C]. An image that does not fill its patches is filled up with 0.
func (m *Swin) embed(ws *tensor.Workspace, pixels tensor.Tensor, first, n int, g *swinGrid) tensor.Tensor {
	channels, size := pixels.Shape[1], pair{pixels.Shape[2], pixels.Shape[3]}
	full := pair{g.size.H * m.c.Patch.H, g.size.W * m.c.Patch.W}
	tokens := g.size.H * g.size.W
	h := ws.Tensor(n*tokens, m.c.EmbedDim)
	mark := ws.Mark()
	var padded []float32
	if full != size {
		padded = ws.Float32(channels * full.H * full.W)
		clear(padded)
	}
	for i := range n {
		image := pixels.Data[(first+i)*channels*size.H*size.W:][:channels*size.H*size.W]
		if padded != nil {
			for c := range channels {
				for y := range size.H {
					copy(padded[(c*full.H+y)*full.W:], image[(c*size.H+y)*size.W:][:size.W])
				}
			}
			image = padded
		}
		m.Patches.forward(ws, h.Data[i*tokens*m.c.EmbedDim:], image, full, nil)
	}
	ws.Release(mark)
	m.EmbedNorm.InPlace(h)
	if g.positions != nil {
		for i := range n {
			part := h.Data[i*len(g.positions):][:len(g.positions)]
			m.x.Add(part, part, g.positions)
		}
	}
	return h
}

// forward is layer number at of a stage, on h [images·patches, C].
func (b *swinBlock) forward(ws *tensor.Workspace, h tensor.Tensor, images int, g *stageGrid, at int) {
	mark := ws.Mark()
	window, shift := b.Bias.window, 0
	if at%2 == 1 {
		shift = g.shift
	}
	normal := b.Norm1.Forward(ws, h)
	n := window * window
	count := images * g.windows.H * g.windows.W
	in := ws.Tensor(count*n, h.Cols())
	from := ws.Int32(count * n) // of each token in the windows, the one of h, or -1 beyond the edge
	for i := range from {
		w := i / n
		x := (w%g.windows.W*window + i%window + shift) % (g.windows.W * window)
		y := (w/g.windows.W%g.windows.H*window + i%n/window + shift) % (g.windows.H * window)
		from[i] = -1
		if y < g.size.H && x < g.size.W {
			from[i] = int32((w/(g.windows.W*g.windows.H)*g.size.H+y)*g.size.W + x)
			copy(in.Row(i), normal.Row(int(from[i])))
		} else {
			clear(in.Row(i))
		}
	}
	starts := ws.Int32(count + 1)
	for i := range starts {
		starts[i] = int32(i * n)
	}
	out := b.Output.Forward(ws, b.attention.Forward(ws, b.QKV.Forward(ws, in), starts, g.bias[at]))
	x := b.Bias.x
	for i, t := range from {
		if t >= 0 {
			x.Add(h.Row(int(t)), h.Row(int(t)), out.Row(i))
		}
	}
	ws.Release(mark)
	b.mlp(ws, h)
}

// forward returns the tokens of a grid of half the size, [images·patches, 2·C].
func (m *merging) forward(ws *tensor.Workspace, h tensor.Tensor, images int, size pair) tensor.Tensor {
	c, half := h.Cols(), pair{(size.H + 1) / 2, (size.W + 1) / 2}
	four := ws.Tensor(images*half.H*half.W, 4*c)
	for i := range four.NumRows() {
		image, y, x := i/(half.H*half.W), i/half.W%half.H*2, i%half.W*2
		for j := range 4 { // down, then to the right
			dst := four.Row(i)[j*c:][:c]
			if y, x := y+j%2, x+j/2; y < size.H && x < size.W {
				copy(dst, h.Row((image*size.H+y)*size.W+x))
			} else {
				clear(dst)
			}
		}
	}
	m.Norm.InPlace(four)
	return m.Reduction.Forward(ws, four)
}

// reshaped adds reshaped_hidden_states.N, [images, channels, height, width], if hidden states are wanted.
func (s *states) reshaped(n, first int, h tensor.Tensor, images int, size pair) {
	if s == nil || !s.opts.HiddenStates {
		return
	}
	name := fmt.Sprintf("%sreshaped_hidden_states.%d", s.prefix, n)
	c, tokens := h.Cols(), size.H*size.W
	all, ok := s.outputs[name]
	if !ok {
		all = tensor.New(s.images, c, size.H, size.W)
		s.outputs[name] = all
	}
	for i := range images * tokens {
		for j, v := range h.Row(i) {
			all.Data[((first+i/tokens)*c+j)*tokens+i%tokens] = v
		}
	}
}

// EncodeImages implements [arch.ImageEncoder].
func (m *Swin) EncodeImages(ws *tensor.Workspace, pixels tensor.Tensor) arch.ImageOutput {
	g, err := m.place(pair{pixels.Shape[2], pixels.Shape[3]}, false)
	if err != nil {
		panic("vit: " + err.Error())
	}
	h := m.encode(ws, pixels, g, nil)
	out := arch.ImageOutput{Tokens: h, Vector: meanTokens(ws, h, pixels.Shape[0], 0)}
	if m.Classifier != nil {
		out.Logits = m.Classifier.Forward(ws, out.Vector)
	}
	return out
}

// CheckImage implements [arch.ImageEncoder].
func (m *Swin) CheckImage(height, width int) error {
	_, err := m.place(pair{height, width}, false)
	return err
}

// ImageLimits implements [arch.ImageEncoder].
func (m *Swin) ImageLimits() arch.ImageLimits { return m.limits }

// Forward implements [arch.Model].
func (m *Swin) Forward(ws *tensor.Workspace, inputs map[string]tensor.Tensor, opts arch.ForwardOptions) (map[string]tensor.Tensor, error) {
	if err := onlyInputs(inputs, "pixel_values"); err != nil {
		return nil, err
	}
	if err := opts.CheckArgs("interpolate_pos_encoding"); err != nil {
		return nil, err
	}
	pixels, err := readPixels(inputs, m.c.Channels)
	if err != nil {
		return nil, err
	}
	g, err := m.place(pair{pixels.Shape[2], pixels.Shape[3]}, opts.Flag("interpolate_pos_encoding"))
	if err != nil {
		return nil, err
	}
	images := pixels.Shape[0]
	out := &states{opts: opts, images: images, outputs: make(map[string]tensor.Tensor)}
	h := m.encode(ws, pixels, g, out)
	out.output("last_hidden_state", h, h.NumRows()/images)
	if mean := meanTokens(ws, h, images, 0); m.Classifier != nil {
		out.output("logits", m.Classifier.Forward(ws, mean), 0)
	} else {
		out.output("pooler_output", mean, 0)
	}
	return out.outputs, nil
}

func newSwin(c *arch.Config, w *loader.Weights, x *kernels.Exec) (arch.Model, error) {
	cfg, err := readConfig(c, swinFamily)
	if err != nil {
		return nil, err
	}
	stages := len(cfg.Depths)
	if stages < 1 || stages > 16 || len(cfg.StageHeads) != stages {
		return nil, fmt.Errorf("config.json: depths of %d stages and num_heads of %d; want as many, 1 to 16", stages,
			len(cfg.StageHeads))
	}
	if cfg.EmbedDim<<(stages-1) > maxDim || cfg.Eps < 0 {
		return nil, fmt.Errorf("config.json: embed_dim %d and %d stages are too large", cfg.EmbedDim, stages)
	}
	cfg.HiddenSize = cfg.EmbedDim << (stages - 1)
	if w, err = w.Rename(loader.Rules{Prefixes: []string{swinFamily.prefix}, Aliases: swinFamily.aliases,
		Ignore: []string{"embeddings.mask_token", "*relative_position_index", "*attn_mask"}}); err != nil {
		return nil, err
	}
	const fixedEps = 1e-5 // of the norms outside the layers
	e := cfg.EmbedDim
	m := &Swin{
		Patches:   patchEmbedding{channels: cfg.Channels, patch: cfg.Patch, hidden: e, x: x},
		EmbedNorm: nn.NewLayerNorm(x, e, fixedEps),
		Positions: special{f: swinFamily, hidden: e, x: x},
		Norm:      nn.NewLayerNorm(x, cfg.HiddenSize, float32(cfg.Eps)),
		x:         x, c: cfg,
		limits: arch.ImageLimits{Channels: cfg.Channels, Height: cfg.Image.H, Width: cfg.Image.W, Patch: 1,
			AnySize: !cfg.SwinAbsolute, HiddenSize: cfg.HiddenSize, Dimensions: cfg.HiddenSize},
	}
	if cfg.SwinAbsolute {
		m.Positions.patches = (cfg.Image.H / cfg.Patch.H) * (cfg.Image.W / cfg.Patch.W)
	}
	for i, depth := range cfg.Depths {
		dim, heads := e<<i, cfg.StageHeads[i]
		ratio := cfg.MLPRatio * float64(dim)
		if depth < 0 || depth > maxLayers || heads < 1 || dim%heads != 0 || !(ratio >= 1 && ratio <= maxDim) {
			return nil, fmt.Errorf("config.json: stage %d has %d layers of %d channels, %d heads and mlp_ratio %g, "+
				"which do not go together", i, depth, dim, heads, cfg.MLPRatio)
		}
		o := blockOptions{hidden: dim, intermediate: int(ratio), heads: heads, act: cfg.act, eps: float32(cfg.Eps)}
		if !cfg.QKVBias {
			o.noBias = []string{"q_proj", "k_proj", "v_proj"}
		}
		stage := swinStage{Blocks: make([]swinBlock, depth)}
		for j := range stage.Blocks {
			stage.Blocks[j] = swinBlock{block: newBlock(&o, x), Bias: &windowBias{window: cfg.Window, heads: heads, x: x}}
		}
		if i < stages-1 {
			stage.Merge = &merging{nn.NewLayerNorm(x, 4*dim, fixedEps), nn.NewLinear(x, 4*dim, 2*dim)}
			stage.Merge.Reduction.NoBias = true
		}
		m.Stages = append(m.Stages, stage)
	}
	switch class := c.Class(); {
	case strings.HasSuffix(class, "ForImageClassification"):
		if err := cfg.checkLabels(); err != nil {
			return nil, err
		}
		l := nn.NewLinear(x, cfg.HiddenSize, len(cfg.labels))
		l.Precise = true
		m.Classifier, m.limits.Labels = &l, cfg.labels
	case class == "" || strings.HasSuffix(class, "Model"):
	default:
		return nil, fmt.Errorf("config.json: the class %s is not supported; of its kind, the base model and that for "+
			"ImageClassification are", class)
	}
	if err := loader.Bind(m, w); err != nil {
		return nil, err
	}
	return m, nil
}
