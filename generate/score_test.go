package generate_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/generate"
	"github.com/godwit-ml/godwit/tensor"
)

// naiveScore computes the score of ids[i] after ids[start:i] in float64.
func naiveScore(d *fakeDecoder, ids []int32, start, i int) float64 {
	var ws tensor.Workspace
	c := d.NewCache(arch.CacheOptions{Chunk: len(ids)})
	logits := d.Continue(&ws, []arch.Cache{c}, [][]int32{ids[start:i]}, false).Row(0)
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v))
	}
	return math.Log(sum) - float64(logits[ids[i]])
}

// TestScore compares with a sum in float64, in one window and in several.
func TestScore(t *testing.T) {
	d := &fakeDecoder{vocab: 40, longest: 100}
	m := newModel(t, d, nil)
	r := rand.New(rand.NewPCG(1, 1))
	ids := make([]int32, 100)
	for i := range ids {
		ids[i] = r.Int32N(40)
	}
	for _, c := range []struct{ tokens, window, stride int }{{100, 0, 0}, {2, 0, 0}, {60, 20, 5}, {60, 20, 19}, {61, 2, 1}, {20, 20, 0}, {21, 20, 0}} {
		var done int
		got, err := generate.Score(t.Context(), m, ids[:c.tokens], generate.ScoreOptions{Window: c.window, Stride: c.stride,
			Progress: func(n, _ int) { done = n }})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != c.tokens-1 || done != c.tokens {
			t.Fatalf("%+v: %d scores, %d tokens done", c, len(got), done)
		}
		window, stride := c.window, c.stride
		if window == 0 {
			window = 100
		}
		if stride == 0 {
			stride = window / 2
		}
		for i, v := range got {
			start := 0 // of the first window in which token i+1 is
			for start+window <= i+1 {
				start += stride
			}
			if want := naiveScore(d, ids, start, i+1); math.Abs(v-want) > 1e-6*max(1, want) {
				t.Errorf("%+v: score %d is %v, want %v", c, i, v, want)
			}
		}
	}
	// Of a model whose sequences depend on their length, the first tokens of a window take that of the whole.
	long := make([]int32, 3000)
	for i := range long {
		long[i] = r.Int32N(40)
	}
	turn := &fakeDecoder{vocab: 40, longest: 3000, turn: 700}
	got, err := generate.Score(t.Context(), newModel(t, turn, nil), long, generate.ScoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := naiveScore(turn, long, 0, 2999); math.Abs(got[2998]-want) > 1e-6*want {
		t.Errorf("the last score is %v, want %v", got[2998], want)
	}
	for _, c := range []struct {
		ids  []int32
		o    generate.ScoreOptions
		want string
	}{
		{ids[:1], generate.ScoreOptions{}, "the text has fewer than two tokens: there is nothing to predict"},
		{[]int32{1, 50}, generate.ScoreOptions{}, "token 1 of the prompt has the id 50; the vocabulary has 40 tokens"},
		{ids, generate.ScoreOptions{Window: 1}, "the window is 1 and the stride 1, in tokens; want 1 ≤ stride < window"},
		{ids, generate.ScoreOptions{Window: 20, Stride: 20}, "the window is 20 and the stride 20, in tokens; want 1 ≤ stride < window"},
	} {
		if _, err := generate.Score(t.Context(), m, c.ids, c.o); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// TestLogprobs compares with sums in float64.
func TestLogprobs(t *testing.T) {
	d := &fakeDecoder{vocab: 40, longest: 100}
	s := generate.NewSession(newModel(t, d, nil), arch.CacheOptions{})
	ids := []int32{1, 2, 3}
	c := with(10, sampling(1, 1))
	c.TopLogprobs = 3
	for tok, err := range s.Generate(t.Context(), ids, c) {
		if err != nil {
			t.Fatal(err)
		}
		all := make([]float64, d.vocab)
		for id := range all {
			all[id] = -naiveScore(d, append(slices.Clone(ids), int32(id)), 0, len(ids))
		}
		near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) }
		if !near(tok.Logprob, all[tok.ID]) {
			t.Errorf("logprob %v, want %v", tok.Logprob, all[tok.ID])
		}
		order := slices.Clone(all)
		slices.Sort(order)
		for i, top := range tok.Top {
			if want := order[len(order)-1-i]; all[top.ID] != want || !near(top.Logprob, want) {
				t.Errorf("number %d is %v, want %v", i, top, want)
			}
		}
		ids = append(ids, tok.ID)
	}
	if len(ids) != 13 {
		t.Errorf("%d tokens", len(ids))
	}
}

// TestLargeVocabulary: the sum over many tokens costs no accuracy.
func TestLargeVocabulary(t *testing.T) {
	d := &fakeDecoder{vocab: 100000, longest: 100}
	ids := []int32{1, 2, 3, 4, 5, 6, 7, 8}
	got, err := generate.Score(t.Context(), newModel(t, d, nil), ids, generate.ScoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if want := naiveScore(d, ids, 0, i+1); math.Abs(v-want) > 1e-7 {
			t.Errorf("score %d is %v, want %v", i, v, want)
		}
	}
}
