package kernels

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// TestAttentionHeads has the larger head dims of models: those up to 99 are in [TestAttention].
func TestAttentionHeads(t *testing.T) {
	xs := execs(t)
	lengths := []int{70, 9}
	if testing.Short() { // the definition in Go takes long under an emulator
		lengths = []int{19, 9}
	}
	for i, d := range []int{112, 128, 160, 192, 240, 256} {
		attnCase{heads: 2, kvHeads: 1 + i%2, d: d, lengths: lengths, causal: i%3 > 0, special: i%2 > 0}.run(t, xs)
	}
}

// TestAttentionLong has a sequence of 32768 tokens. What is computed beside the output is bounded: the scores of all of its
// queries would take 4 GiB.
func TestAttentionLong(t *testing.T) {
	set, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() || set.Name() == "generic" {
		t.Skip("takes seconds in pure Go")
	}
	const tokens, d, most = 1 << 15, 16, 2 << 20
	x := New(set, 2)
	defer x.Close()
	qkv, out := make([]float32, tokens*3*d), make([]float32, tokens*d)
	random(rand.New(rand.NewPCG(3, 9)), qkv)
	p := &Attn{Heads: 1, KVHeads: 1, HeadDim: d, Scale: 0.25, Causal: true}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x.Attention(out, d, qkv, 3*d, qkv[d:], qkv[2*d:], 3*d, []int32{0, tokens}, p)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > most {
		t.Errorf("%d bytes are allocated, want at most %d", n, most)
	}
	a := attnOracle{Attn: p,
		key:   func(_, _, j, c int) float32 { return qkv[(3*j+1)*d+c] },
		value: func(_, _, j, c int) float32 { return qkv[(3*j+2)*d+c] }}
	for _, i := range []int{0, 511, 512, 1024, 16385, 30001, tokens - 1} {
		equal(t, fmt.Sprintf("token %d", i), out[i*d:(i+1)*d], a.row(qkv[3*i*d:], 0, 0, i, tokens))
	}
}
