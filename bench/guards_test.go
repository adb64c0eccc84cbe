package bench

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/godwit-ml/godwit/arch"
	_ "github.com/godwit-ml/godwit/arch/bert" // registers its model types
	"github.com/godwit-ml/godwit/hub"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/models/minilm"
	"github.com/godwit-ml/godwit/tensor"
)

// guards returns the guards that this machine can measure: those of the kernels for each instruction set, those of the
// model for the set in use.
func guards(t *testing.T) (all []guard) {
	for _, set := range kernels.Sets() {
		if set.Name() != "generic" {
			all = append(all, kernelGuards(t, set)...)
		}
	}
	if set, _ := kernels.Default(); set.Name() != "generic" {
		all = append(all, modelGuards(t, set.Name())...)
	}
	return all
}

func kernelGuards(t *testing.T, set *kernels.Set) (all []guard) {
	x := kernels.New(set, 1)
	t.Cleanup(x.Close)
	add := func(name string, ours, yardstick side, slack float64) {
		all = append(all, guard{set.Name() + " " + name, ours, yardstick, slack})
	}
	peak := side{rate: x.PeakFMA}
	for _, s := range [][3]int{
		{128, 384, 384}, {128, 384, 1536}, {128, 1536, 384}, {128, 768, 3072}, {128, 3072, 768},
		{5, 384, 1536}, {8, 384, 1536}, {12, 384, 1536}, {16, 384, 1536},
	} {
		p := newProduct(x, s[0], s[1], s[2])
		add(p.String()+" / FMA peak", p.side(x), peak, 0.94)
	}
	for _, s := range []struct {
		k, n int
		from string
	}{{384, 1536, "cache"}, {4096, 14336, "memory"}} {
		p := newProduct(x, 1, s.k, s.n)
		add(p.String()+" / "+s.from+" bandwidth", p.side(x), side{rate: func() float64 { return x.ReadBandwidth(p.b) / 2 }}, 0.85)
	}
	q := newProduct(x, 128, 384, 384)
	add(q.String()+" / gonum", q.side(x), side{work: q.flops(), run: q.gonumAlone}, 0.8)
	for _, headDim := range []int{32, 64} {
		for _, length := range []int{128, 512} {
			a := newAttention(x, length, headDim)
			add(fmt.Sprintf("attention %dx%d / its products", length, headDim), side{work: a.flops(), run: func() { a.run(x) }},
				side{work: a.flops(), run: func() { a.products(x) }}, 0.93)
		}
	}
	l2 := side{rate: l2Read(x).rate}
	for _, k := range rowKernels() {
		add(k.name+" / L2 bandwidth", side{work: k.bytes, run: func() { k.run(x) }}, l2, 0.85)
	}
	if runtime.NumCPU() > 1 {
		two := kernels.New(set, 2)
		t.Cleanup(two.Close)
		p := newProduct(x, 128, 384, 1536)
		add(p.String()+": 2 threads / 1", p.side(two), p.side(x), 0.75)
	}
	return all
}

func modelGuards(t *testing.T, set string) (all []guard) {
	one := newModel(t, 1)
	all = append(all, guard{set + " model: batch of 32 / 32 batches of 1",
		side{work: 1, run: one.encode(32, 32)}, side{work: 1.0 / 32, run: one.encode(1, 32)}, 0.9})
	if runtime.NumCPU() > 1 {
		two := newModel(t, 2)
		all = append(all, guard{set + " model: 2 threads / 1",
			side{work: 1, run: two.encode(8, 128)}, side{work: 1, run: one.encode(8, 128)}, 0.75})
	}
	return all
}

// String returns the size.
func (p *product) String() string { return fmt.Sprintf("gemm %dx%dx%d", p.m, p.k, p.n) }

// side is a side of a guard, in flop/s.
func (p *product) side(x *kernels.Exec) side {
	return side{work: p.flops(), run: func() { p.godwit(x) }}
}

// A model is the embedded MiniLM on a number of threads.
type model struct {
	encoder arch.TextEncoder
	ws      tensor.Workspace
}

func newModel(t testing.TB, threads int) *model {
	fsys, err := hub.Open(minilm.Name)
	if err != nil {
		t.Fatal(err)
	}
	config, err := arch.ReadConfig(fsys)
	if err != nil {
		t.Fatal(err)
	}
	weights, err := loader.Open(fsys)
	if err != nil {
		t.Fatal(err)
	}
	defer weights.Close()
	x := kernels.New(nil, threads)
	t.Cleanup(x.Close)
	m, err := arch.New(config, weights, x)
	if err != nil {
		t.Fatal(err)
	}
	return &model{encoder: m.(arch.TextEncoder)}
}

// encode returns a function that encodes a batch of sequences of equal length.
func (m *model) encode(sequences, length int) func() {
	ids := make([]int32, length)
	for i := range ids {
		ids[i] = int32(2000 + 7*i)
	}
	var b arch.Batch
	for range sequences {
		b.Append(ids, nil, m.encoder.Limits().Rule)
	}
	return func() {
		m.ws.Reset()
		m.encoder.Encode(&m.ws, &b)
	}
}
