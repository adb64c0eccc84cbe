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
	// An Exec keeps memory that it works in: a measurement has one of its own, as it has its own operands.
	exec := func(threads int) *kernels.Exec {
		x := kernels.New(set, threads)
		t.Cleanup(x.Close)
		return x
	}
	add := func(name string, slack float64, sides func() (ours, yardstick side)) {
		all = append(all, guard{set.Name() + " " + name, sides, slack})
	}
	for _, s := range [][3]int{
		{128, 384, 384}, {128, 384, 1536}, {128, 1536, 384}, {128, 768, 3072}, {128, 3072, 768},
		// The weights of few rows fit the second-level cache: that further away others may use, too.
		{5, 384, 256}, {8, 384, 256}, {12, 384, 256}, {16, 384, 256},
	} {
		slack := 0.92
		if s[0] <= fewRows {
			slack = 0.88 // a thread of another on the same core uses that cache
		}
		add(fmt.Sprintf("gemm %dx%dx%d / FMA peak", s[0], s[1], s[2]), slack, func() (ours, yardstick side) {
			x := exec(1)
			return newProduct(x, s[0], s[1], s[2]).side(x), side{rate: x.PeakFMA}
		})
	}
	for _, s := range []struct {
		k, n int
		from string
	}{{384, 1536, "cache"}, {4096, 14336, "memory"}} {
		add(fmt.Sprintf("gemm 1x%dx%d / %s bandwidth", s.k, s.n, s.from), 0.85, func() (ours, yardstick side) {
			x := exec(1)
			p := newProduct(x, 1, s.k, s.n)
			return p.side(x), side{rate: func() float64 { return x.ReadBandwidth(p.b) / 2 }} // 2 flops for 4 bytes
		})
	}
	add("gemm 128x384x384 / gonum", 0.8, func() (ours, yardstick side) {
		x := exec(1)
		p := newProduct(x, 128, 384, 384)
		return p.side(x), side{work: p.flops(), run: p.gonumAlone}
	})
	for _, headDim := range []int{32, 64} {
		for _, length := range []int{128, 512} {
			add(fmt.Sprintf("attention %dx%d / its products", length, headDim), 0.93, func() (ours, yardstick side) {
				x := exec(1)
				a := newAttention(x, length, headDim)
				return side{work: a.flops(), run: func() { a.run(x) }}, side{work: a.flops(), run: func() { a.products(x) }}
			})
		}
	}
	for i, k := range rowKernels() {
		add(k.name+" / L2 bandwidth", 0.85, func() (ours, yardstick side) {
			x, k := exec(1), rowKernels()[i]
			return side{work: k.bytes, run: func() { k.run(x) }}, side{rate: l2Read(x).rate}
		})
	}
	if runtime.NumCPU() > 1 {
		add("gemm 128x384x1536: 2 threads / 1", 0.75, func() (ours, yardstick side) {
			one, two := exec(1), exec(2)
			p := newProduct(one, 128, 384, 1536)
			return p.side(two), p.side(one)
		})
	}
	return all
}

func modelGuards(t *testing.T, set string) (all []guard) {
	one := newModel(t, 1)
	all = append(all, guard{set + " model: batch of 32 / 32 batches of 1", func() (ours, yardstick side) {
		return side{work: 32, run: one.encode(32, 32)}, side{work: 1, run: one.encode(1, 32)}
	}, 0.9})
	if runtime.NumCPU() > 1 {
		two := newModel(t, 2)
		all = append(all, guard{set + " model: 2 threads / 1", func() (ours, yardstick side) {
			return side{work: 1, run: two.encode(8, 128)}, side{work: 1, run: one.encode(8, 128)}
		}, 0.75})
	}
	return all
}

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
