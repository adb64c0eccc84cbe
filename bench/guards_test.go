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
func guards(t *testing.T) []guard {
	var all []guard
	for _, set := range kernels.Sets() {
		if peakOf(set) == 0 {
			continue // generic
		}
		x := kernels.New(set, 1)
		t.Cleanup(x.Close)
		limit := side{rate: func() float64 { return kernels.PeakFMA(set) }}
		for _, s := range [][3]int{{16, 384, 1536}, {128, 384, 384}, {128, 384, 1536}, {128, 1536, 384}, {128, 768, 3072}} {
			p := newProduct(x, s[0], s[1], s[2])
			gemm := side{work: p.flops(), run: func() { p.godwit(x) }}
			size := fmt.Sprintf("%s gemm %dx%dx%d", set.Name(), s[0], s[1], s[2])
			all = append(all, guard{size + " / FMA peak", gemm, limit, 0.93})
			if s == [3]int{128, 384, 384} {
				all = append(all, guard{size + " / gonum", gemm, side{work: p.flops(), run: p.gonum}, 0.8})
			}
		}
		p := newProduct(x, 128, 384, 1536)
		gemm := side{work: p.flops(), run: func() { p.godwit(x) }}
		for _, length := range []int{128, 512} {
			a := newAttention(length)
			all = append(all, guard{fmt.Sprintf("%s attention %d / gemm 128x384x1536", set.Name(), length),
				side{work: a.flops(), run: func() { a.run(x) }}, gemm, 0.93})
		}
		rows, out, gamma, beta := noise(128*384), make([]float32, 128*384), noise(384), noise(384)
		norm := side{work: 1, run: func() { x.LayerNorm(out, rows, 128, 384, gamma, beta, 1e-12) }}
		all = append(all, guard{set.Name() + " layer norm 128x384 / gemm 128x384x1536", norm,
			side{work: 1, run: gemm.run}, 0.85})
	}
	name := kernels.New(nil, 1).Set().Name()
	if name == "generic" {
		return all
	}
	one, two := newModel(t, 1), newModel(t, 2)
	all = append(all, guard{name + " model: batch of 32 / 32 batches of 1",
		side{work: 1, run: one.encode(32, 32)}, side{work: 1.0 / 32, run: one.encode(1, 32)}, 0.9})
	if runtime.NumCPU() > 1 {
		all = append(all, guard{name + " model: 2 threads / 1",
			side{work: 1, run: two.encode(8, 128)}, side{work: 1, run: one.encode(8, 128)}, 0.75})
	}
	return all
}

// An attention is that of MiniLM: 12 heads of 32, one sequence.
type attention struct {
	length       int
	q, k, v, out []float32
	starts       []int32
}

const heads, headDim = 12, 32

func newAttention(length int) *attention {
	n := length * heads * headDim
	return &attention{length, noise(n), noise(n), noise(n), make([]float32, n), []int32{0, int32(length)}}
}

// flops counts the two products.
func (a *attention) flops() float64 {
	return 4 * float64(a.length) * float64(a.length) * heads * headDim
}

func (a *attention) run(x *kernels.Exec) {
	const width = heads * headDim
	p := kernels.Attn{Heads: heads, KVHeads: heads, HeadDim: headDim, Scale: 0.17677669}
	x.Attention(a.out, width, a.q, width, a.k, a.v, width, a.starts, &p)
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
