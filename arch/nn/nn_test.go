package nn

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

func newExec(t testing.TB) *kernels.Exec {
	x := kernels.New(nil, 2)
	t.Cleanup(x.Close)
	return x
}

// bind binds a block to tensors by way of a file.
func bind(t testing.TB, block any, tensors map[string]tensor.Tensor) {
	t.Helper()
	var file bytes.Buffer
	if err := loader.Write(&file, tensors, nil); err != nil {
		t.Fatal(err)
	}
	w, err := loader.Open(fstest.MapFS{"model.safetensors": {Data: file.Bytes()}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := loader.Bind(block, w); err != nil {
		t.Fatal(err)
	}
}

func random(r *rand.Rand, shape ...int) tensor.Tensor {
	t := tensor.New(shape...)
	for i := range t.Data {
		t.Data[i] = float32(r.NormFloat64())
	}
	return t
}

// product is x·Wᵀ + b in float64, and the sum of the absolute values of its terms.
func product(x, w, b tensor.Tensor, i, j int) (v, abs float64) {
	v, abs = float64(b.Data[j]), math.Abs(float64(b.Data[j]))
	for k, y := range w.Row(j) {
		p := float64(x.Row(i)[k]) * float64(y)
		v, abs = v+p, abs+math.Abs(p)
	}
	return v, abs
}

// near checks got against v within the rounding of a sum of n terms with that sum of absolute values: n·2⁻²⁴·abs.
func near(t *testing.T, what string, got float32, v, abs float64, n int) {
	t.Helper()
	if limit := float64(n) * abs / (1 << 24); math.Abs(float64(got)-v) > limit {
		t.Errorf("%s is %g, want %g ± %.2g", what, got, v, limit)
	}
}

func TestLinear(t *testing.T) {
	x, r := newExec(t), rand.New(rand.NewPCG(1, 2))
	in, w, b := random(r, 5, 37), random(r, 19, 37), random(r, 19)
	l := NewLinear(x, 37, 19)
	bind(t, &l, map[string]tensor.Tensor{"weight": w, "bias": b})
	var ws tensor.Workspace
	out := l.Forward(&ws, in)
	sum := random(r, 5, 19)
	before := slices.Clone(sum.Data)
	l.AddTo(sum, in)
	for i := range 5 {
		for j := range 19 {
			v, abs := product(in, w, b, i, j)
			near(t, fmt.Sprintf("Forward [%d, %d]", i, j), out.Row(i)[j], v, abs, 38)
			if got, want := sum.Row(i)[j], out.Row(i)[j]+before[i*19+j]; got != want {
				t.Errorf("AddTo [%d, %d] is %g, want %g", i, j, got, want)
			}
		}
	}
	l.Act = kernels.ReLU
	for i, v := range l.Forward(&ws, in).Data {
		if v != max(out.Data[i], 0) {
			t.Errorf("ReLU: element %d is %g, want %g", i, v, max(out.Data[i], 0))
		}
	}
}

// TestScaled compares a Linear with a scale, with and without a bias, with what it stands for.
func TestScaled(t *testing.T) {
	x, r := newExec(t), rand.New(rand.NewPCG(11, 12))
	in, w, b, scale := random(r, 5, 37), random(r, 19, 37), random(r, 19), random(r, 19)
	for _, noBias := range []bool{false, true} {
		l := NewLinear(x, 37, 19)
		l.Scaled, l.NoBias = true, noBias
		tensors := map[string]tensor.Tensor{"weight": w, "scale": scale}
		bias := tensor.New(19)
		if !noBias {
			tensors["bias"], bias = b, b
		}
		bind(t, &l, tensors)
		var ws tensor.Workspace
		out := l.Forward(&ws, in)
		for i := range 5 {
			for j := range 19 {
				v, abs := product(in, w, bias, i, j)
				s := float64(scale.Data[j])
				near(t, fmt.Sprintf("[%d, %d]", i, j), out.Row(i)[j], v*s, abs*math.Abs(s), 40)
			}
		}
	}
}

// TestFused compares a Fused with the Linears that it stands for, bit for bit.
func TestFused(t *testing.T) {
	x, r := newExec(t), rand.New(rand.NewPCG(3, 4))
	tensors := make(map[string]tensor.Tensor)
	for _, n := range []string{"query", "key", "value"} {
		tensors[n+".weight"], tensors[n+".bias"] = random(r, 18, 18), random(r, 18)
	}
	f := NewFused(x, 18, 18, "query", "key", "value")
	bind(t, &f, tensors)
	var parts struct {
		Query Linear `st:"query"`
		Key   Linear `st:"key"`
		Value Linear `st:"value"`
	}
	parts.Query, parts.Key, parts.Value = NewLinear(x, 18, 18), NewLinear(x, 18, 18), NewLinear(x, 18, 18)
	bind(t, &parts, tensors)
	var ws tensor.Workspace
	in := random(r, 7, 18)
	out := f.Forward(&ws, in)
	for p, l := range []*Linear{&parts.Query, &parts.Key, &parts.Value} {
		want := l.Forward(&ws, in)
		for i := range 7 {
			if !slices.Equal(out.Row(i)[18*p:18*p+18], want.Row(i)) {
				t.Errorf("part %d, row %d: %v, want %v", p, i, out.Row(i)[18*p:18*p+18], want.Row(i))
			}
		}
	}
}

// TestFusedWithoutBias: a part without a bias has none, and all of them may lack it.
func TestFusedWithoutBias(t *testing.T) {
	x, r := newExec(t), rand.New(rand.NewPCG(13, 14))
	tensors := map[string]tensor.Tensor{"q.weight": random(r, 6, 8), "k.weight": random(r, 6, 8), "q.bias": random(r, 6)}
	with := NewFused(x, 8, 6, "q", "k")
	with.NoBias = []string{"k"}
	bind(t, &with, tensors)
	delete(tensors, "q.bias")
	without := NewFused(x, 8, 6, "q", "k")
	without.NoBias = []string{"q", "k"}
	bind(t, &without, tensors)
	var ws tensor.Workspace
	in := random(r, 3, 8)
	a, b := with.Forward(&ws, in), without.Forward(&ws, in)
	for i := range 3 {
		for j := range 12 {
			want := b.Row(i)[j]
			if j < 6 {
				want += with.b[j]
			}
			if got := a.Row(i)[j]; got != want {
				t.Errorf("[%d, %d] is %g, want %g", i, j, got, want)
			}
		}
	}
}

// TestCausal: what the first tokens of a sequence give does not depend on those after them.
func TestCausal(t *testing.T) {
	x, r := newExec(t), rand.New(rand.NewPCG(15, 16))
	a := NewAttention(x, 2, 8)
	a.Causal = true
	qkv := random(r, 9, 48)
	var ws tensor.Workspace
	all := a.Forward(&ws, qkv, []int32{0, 9}, nil)
	few := a.Forward(&ws, tensor.FromFloat32(qkv.Data[:4*48], 4, 48), []int32{0, 4}, nil)
	if !slices.Equal(all.Data[:len(few.Data)], few.Data) {
		t.Error("tokens see those after them")
	}
}

// TestEmbedding looks up a table of float32 and one of 8-bit integers with one scale a row, or two.
func TestEmbedding(t *testing.T) {
	x, r := newExec(t), rand.New(rand.NewPCG(5, 6))
	q := tensor.Tensor{DType: tensor.I8, Shape: []int{6, 10}, Raw: make([]byte, 60)}
	for i := range q.Raw {
		q.Raw[i] = byte(r.IntN(255) - 127)
	}
	ids := []int32{5, 0, 3, 3}
	for _, groups := range []int{0, 1, 2} {
		tensors := map[string]tensor.Tensor{"weight": random(r, 6, 10)}
		want := tensors["weight"]
		if groups > 0 {
			scale := random(r, 6, groups)
			tensors = map[string]tensor.Tensor{"weight": q, "weight_scale": scale}
			want = tensor.New(6, 10)
			for i := range want.Data {
				want.Data[i] = float32(scale.Data[i/(10/groups)] * float32(int8(q.Raw[i])))
			}
		}
		e := NewEmbedding(x, 6, 10)
		bind(t, &e, tensors)
		if kept := e.q != nil; kept != (groups == 1) {
			t.Errorf("%d scales a row: kept as integers: %v", groups, kept)
		}
		var ws tensor.Workspace
		out := e.Lookup(&ws, ids)
		sum := e.Lookup(&ws, ids)
		e.AddTo(&ws, sum, ids)
		for i, id := range ids {
			if !slices.Equal(out.Row(i), want.Row(int(id))) {
				t.Errorf("%d scales a row: id %d: %v, want %v", groups, id, out.Row(i), want.Row(int(id)))
			}
			for j, v := range sum.Row(i) {
				if v != 2*want.Row(int(id))[j] {
					t.Errorf("%d scales a row: id %d added: element %d is %g, want %g", groups, id, j, v, 2*want.Row(int(id))[j])
				}
			}
		}
	}
}

func TestLayerNorm(t *testing.T) {
	x, r := newExec(t), rand.New(rand.NewPCG(7, 8))
	in, w, b := random(r, 3, 21), random(r, 21), random(r, 21)
	n := NewLayerNorm(x, 21, 1e-5)
	bind(t, &n, map[string]tensor.Tensor{"weight": w, "bias": b})
	out := tensor.FromFloat32(slices.Clone(in.Data), 3, 21)
	var ws tensor.Workspace
	if got := n.Forward(&ws, in); !slices.Equal(got.Data, func() []float32 { n.InPlace(out); return out.Data }()) {
		t.Error("Forward and InPlace differ")
	}
	for i := range 3 {
		var mean, variance float64
		for _, v := range in.Row(i) {
			mean += float64(v) / 21
		}
		for _, v := range in.Row(i) {
			variance += (float64(v) - mean) * (float64(v) - mean) / 21
		}
		for j, v := range in.Row(i) {
			d := (float64(v) - mean) / math.Sqrt(variance+1e-5) * float64(w.Data[j])
			near(t, fmt.Sprintf("[%d, %d]", i, j), out.Row(i)[j], d+float64(b.Data[j]), math.Abs(d)+math.Abs(float64(b.Data[j]))+1, 8)
		}
	}
}

func TestParseActivation(t *testing.T) {
	if a, err := ParseActivation("gelu_new"); a != kernels.GELUTanh || err != nil {
		t.Errorf("gelu_new: %v, %v", a, err)
	}
	if _, err := ParseActivation("mish"); err == nil || !strings.Contains(err.Error(), `"mish" is not supported; supported are gelu, `) {
		t.Errorf("mish: %v", err)
	}
}

// TestDoesNotAllocate runs the blocks of a layer.
func TestDoesNotAllocate(t *testing.T) {
	x, r := newExec(t), rand.New(rand.NewPCG(9, 10))
	var layer struct {
		QKV    Fused     `st:"qkv"`
		Output Linear    `st:"output"`
		Norm   LayerNorm `st:"norm"`
	}
	layer.QKV, layer.Output, layer.Norm = NewFused(x, 24, 24, "q", "k", "v"), NewLinear(x, 24, 24), NewLayerNorm(x, 24, 1e-5)
	bind(t, &layer, map[string]tensor.Tensor{
		"qkv.q.weight": random(r, 24, 24), "qkv.k.weight": random(r, 24, 24), "qkv.v.weight": random(r, 24, 24),
		"qkv.q.bias": random(r, 24), "qkv.k.bias": random(r, 24), "qkv.v.bias": random(r, 24),
		"output.weight": random(r, 24, 24), "output.bias": random(r, 24), "norm.weight": random(r, 24), "norm.bias": random(r, 24)})
	attention := NewAttention(x, 2, 12)
	in := random(r, 200, 24)
	starts := []int32{0, 50, 50, 200}
	var ws tensor.Workspace
	pass := func() {
		ws.Reset()
		h := attention.Forward(&ws, layer.QKV.Forward(&ws, in), starts, nil)
		layer.Output.AddTo(in, h)
		layer.Norm.InPlace(in)
	}
	for range 5 {
		pass()
	}
	if n := testing.AllocsPerRun(20, pass); n != 0 {
		t.Errorf("%g allocations, want 0", n)
	}
}

// TestLookupShared looks up so many vectors that threads share them, and allocates nothing.
func TestLookupShared(t *testing.T) {
	const rows, size, n = 50, 100, 400
	x := kernels.New(nil, 3)
	defer x.Close()
	table := random(rand.New(rand.NewPCG(7, 8)), rows, size)
	var block struct {
		Words Embedding `st:"words"`
	}
	block.Words = NewEmbedding(x, rows, size)
	bind(t, &block, map[string]tensor.Tensor{"words.weight": table})
	ids, more := make([]int32, n), make([]int32, n)
	for i := range ids {
		ids[i], more[i] = int32(i*7%rows), int32(i*11%rows)
	}
	var ws tensor.Workspace
	var got tensor.Tensor
	pass := func() {
		ws.Reset()
		got = block.Words.Lookup(&ws, ids)
		block.Words.AddTo(&ws, got, more)
	}
	if allocs := testing.AllocsPerRun(5, pass); allocs != 0 {
		t.Errorf("%g allocations, want 0", allocs)
	}
	for i := range ids {
		a, b := table.Row(int(ids[i])), table.Row(int(more[i]))
		for j, v := range got.Row(i) {
			if v != a[j]+b[j] {
				t.Fatalf("row %d: [%d] = %v, want %v", i, j, v, a[j]+b[j])
			}
		}
	}
}

// TestTie: a table that is also an output matrix is looked up there, and held nowhere else.
func TestTie(t *testing.T) {
	const rows, size = 35, 21 // the last panel of columns is not full
	x := newExec(t)
	table := random(rand.New(rand.NewPCG(5, 6)), rows, size)
	var block struct {
		Words   Embedding `st:"words"`
		Decoder Linear    `st:"decoder"`
	}
	block.Words, block.Decoder = NewEmbedding(x, rows, size), NewLinear(x, size, rows)
	block.Words.Tie(&block.Decoder)
	bind(t, &block, map[string]tensor.Tensor{
		"words.weight": table, "decoder.weight": table, "decoder.bias": tensor.New(rows),
	})
	if block.Words.table != nil || block.Words.q != nil {
		t.Error("the table is held twice")
	}
	ids := []int32{0, 34, 16, 15, 16}
	ws := new(tensor.Workspace)
	got := block.Words.Lookup(ws, ids)
	for i, id := range ids {
		if !slices.Equal(got.Row(i), table.Row(int(id))) {
			t.Errorf("vector of %d: %v, want %v", id, got.Row(i), table.Row(int(id)))
		}
	}
}
