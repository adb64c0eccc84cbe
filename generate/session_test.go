package generate_test

import (
	"context"
	"errors"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/generate"
	"github.com/godwit-ml/godwit/tokenizer"
)

// with returns the default config for n new tokens, changed by f.
func with(n int, f func(c *generate.Config)) *generate.Config {
	c := generate.DefaultConfig()
	c.MaxNewTokens = n
	if f != nil {
		f(c)
	}
	return c
}

func sampling(seed uint64, samples int) func(c *generate.Config) {
	return func(c *generate.Config) { c.Sample, c.Seed, c.Samples, c.Temperature = true, seed, samples, 1.5 }
}

// TestGreedy compares with the likeliest token of the fake decoder, computed one by one.
func TestGreedy(t *testing.T) {
	d := &fakeDecoder{vocab: 97, longest: 1000}
	m := newModel(t, d, nil)
	want := []int32{3, 1, 4}
	for range 30 {
		best, at := math.Inf(1), int32(0)
		for id := range int32(d.vocab) {
			scores, err := generate.Score(t.Context(), m, append(slices.Clone(want), id), generate.ScoreOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if v := scores[len(scores)-1]; v < best {
				best, at = v, id
			}
		}
		want = append(want, at)
	}
	if got := generated(t, generate.NewSession(m, arch.CacheOptions{}), want[:3], with(30, nil)); !slices.Equal(got[0], want[3:]) {
		t.Errorf("got %v, want %v", got[0], want[3:])
	}
}

// TestSamples: a sample depends on the seed and its number, and on nothing else; the prompt is computed once.
func TestSamples(t *testing.T) {
	d := &fakeDecoder{vocab: 50, longest: 1000}
	m := newModel(t, d, nil)
	prompt := make([]int32, 100)
	s := generate.NewSession(m, arch.CacheOptions{Chunk: 16})
	three := generated(t, s, prompt, with(20, sampling(7, 3)))
	if want := 100 + 3*19; d.computed != want {
		t.Errorf("%d tokens were computed, want %d", d.computed, want)
	}
	one := generated(t, generate.NewSession(m, arch.CacheOptions{}), prompt, with(20, sampling(7, 1)))
	if !slices.Equal(one[0], three[0]) {
		t.Errorf("alone %v, with others %v", one[0], three[0])
	}
	if slices.Equal(three[0], three[1]) || slices.Equal(three[1], three[2]) {
		t.Errorf("the samples are equal: %v", three)
	}
	if again := generated(t, s, prompt, with(20, sampling(7, 3))); !reflect.DeepEqual(again, three) {
		t.Errorf("again %v, want %v", again, three)
	}
	if other := generated(t, s, prompt, with(20, sampling(8, 3))); reflect.DeepEqual(other, three) {
		t.Error("another seed gives the same")
	}
	if d.beside != 3 {
		t.Errorf("%d sequences were computed together, want 3", d.beside)
	}
	d.window = 5 // the cache cannot go back to the prompt
	if narrow := generated(t, generate.NewSession(m, arch.CacheOptions{}), prompt, with(20, sampling(7, 3))); !reflect.DeepEqual(narrow, three) {
		t.Errorf("with a window %v, want %v", narrow, three)
	}
}

// TestSideBySide: samples that are computed together, in groups, and one after the other are the same, and their tokens come in
// turn.
func TestSideBySide(t *testing.T) {
	for _, v := range []struct {
		name                  string
		window, turn, dynamic int
	}{{"plain", 0, 0, 0}, {"window", 5, 0, 0}, {"turn", 0, 110, 0}, {"dynamic", 0, 0, 50}} {
		var want [][]int32
		for _, c := range []struct{ limit, beside int }{{130 << 10, 1}, {3*130<<10 + 5, 3}, {0, 8}} {
			d := &fakeDecoder{vocab: 50, longest: 1000, window: v.window, turn: v.turn, dynamic: v.dynamic, eos: []int32{7}}
			s := generate.NewSession(newModel(t, d, nil), arch.CacheOptions{Chunk: 16})
			cfg := with(30, sampling(7, 20))
			cfg.MaxCacheBytes, cfg.RepetitionPenalty, cfg.FrequencyPenalty = c.limit, 1.1, 0.1
			got, turns := make([][]int32, cfg.Samples), 0
			last := generate.Token{}
			for tok, err := range s.Generate(t.Context(), make([]int32, 100), cfg) {
				if err != nil {
					t.Fatal(err)
				}
				if tok.Sample != last.Sample {
					turns++
				}
				got[tok.Sample], last = append(got[tok.Sample], tok.ID), tok
			}
			if want == nil {
				want = got
			}
			if d.beside != c.beside || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %d sequences together, want %d: got %v, want %v", v.name, d.beside, c.beside, got, want)
			}
			if least := 19 * min(c.beside, 5); turns < least || c.beside == 1 && turns != least {
				t.Errorf("%s, %d together: the sample changes %d times", v.name, c.beside, turns)
			}
			if n := s.Bytes(); n > 140<<10 {
				t.Errorf("%s, %d together: %d bytes are kept", v.name, c.beside, n)
			}
		}
	}
}

// TestCacheLimit: memory that a session has from a longer text counts against the limit of a later call.
func TestCacheLimit(t *testing.T) {
	d := &fakeDecoder{vocab: 50, longest: 1000}
	m := newModel(t, d, nil)
	prompt := []int32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, c := range []struct {
		limit                int // KiB, of a call for 30 tokens
		held, reused, beside int // KiB after the call, tokens, samples
	}{
		{0, 200, 9, 8},   // what was taken stays
		{500, 200, 9, 8}, // and has room
		{300, 200, 9, 4}, // three of 30 KiB beside it
		{200, 200, 9, 1},
		{199, 30, 0, 6}, // it has none
		{30, 30, 0, 1},
	} {
		s := generate.NewSession(m, arch.CacheOptions{})
		generated(t, s, prompt, with(190, nil))
		if s.Bytes() != 200<<10 {
			t.Fatalf("200 tokens take %d bytes", s.Bytes())
		}
		want := generated(t, generate.NewSession(m, arch.CacheOptions{}), prompt, with(20, sampling(7, 8)))
		cfg := with(20, sampling(7, 8))
		cfg.MaxCacheBytes, d.beside = c.limit<<10, 0
		if got := generated(t, s, prompt, cfg); !reflect.DeepEqual(got, want) {
			t.Errorf("limit %d KiB: got %v, want %v", c.limit, got, want)
		}
		if s.Bytes() != c.held<<10 || s.Reused() != c.reused || d.beside != c.beside {
			t.Errorf("%d bytes, %d tokens known, %d samples together; want %+v", s.Bytes(), s.Reused(), d.beside, c)
		}
	}
}

// TestKnownSamples holds the bits of the random numbers: these ids are to come out everywhere, always.
func TestKnownSamples(t *testing.T) {
	m := newModel(t, &fakeDecoder{vocab: 1000, longest: 1000}, nil)
	c := with(8, sampling(1, 2))
	c.TopK, c.TopP = 0, 0.9
	got := generated(t, generate.NewSession(m, arch.CacheOptions{}), []int32{1, 2, 3}, c)
	want := [][]int32{{898, 852, 538, 43, 631, 281, 129, 511}, {120, 743, 853, 834, 193, 895, 82, 297}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestPrefix: what a session knows saves work, and does not show.
func TestPrefix(t *testing.T) {
	for _, c := range []struct {
		name         string
		window, turn int
	}{{"plain", 0, 0}, {"window", 8, 0}, {"turn", 0, 70}} {
		t.Run(c.name, func(t *testing.T) {
			d := &fakeDecoder{vocab: 30, longest: 1000, window: c.window, turn: c.turn}
			m := newModel(t, d, nil)
			s := generate.NewSession(m, arch.CacheOptions{Chunk: 16})
			prompt := []int32{1, 2, 3, 4, 5}
			for turn := range 8 {
				cfg := with(10, sampling(uint64(turn), 1+turn%2))
				fresh := generated(t, generate.NewSession(m, arch.CacheOptions{}), prompt, cfg)
				before := d.computed
				got := generated(t, s, prompt, cfg)
				if !reflect.DeepEqual(got, fresh) {
					t.Fatalf("turn %d: got %v, want %v", turn, got, fresh)
				}
				if want := len(prompt) - s.Reused() + 9*len(got); c.name == "plain" && d.computed-before != want {
					t.Errorf("turn %d: %d tokens were computed, want %d", turn, d.computed-before, want)
				}
				if c.name == "plain" && turn == 1 && s.Reused() != 14 {
					t.Errorf("%d tokens were known, want 14", s.Reused())
				}
				prompt = append(prompt, got[0]...)
				prompt = append(prompt, 7, 7, 7)
				if turn == 4 {
					prompt = append(prompt[:9:9], 8, 8) // another conversation with the same beginning
				}
			}
			if generated(t, s, prompt, with(1, nil)); c.name == "plain" {
				before := d.computed
				generated(t, s, prompt, with(1, nil)) // the same once more
				if n := d.computed - before; n != 1 {
					t.Errorf("%d tokens of a known prompt were computed, want 1", n)
				}
			}
			s.Reset()
			if s.Len() != 0 || s.Bytes() != 0 {
				t.Errorf("after Reset the session holds %d tokens, %d bytes", s.Len(), s.Bytes())
			}
		})
	}
}

// TestChunks: a prompt comes in pieces of the chunk, and progress is told.
func TestChunks(t *testing.T) {
	d := &fakeDecoder{vocab: 30, longest: 1000}
	s := generate.NewSession(newModel(t, d, nil), arch.CacheOptions{Chunk: 16})
	var told [][2]int
	c := with(1, func(c *generate.Config) {
		c.Progress = func(done, total int) { told = append(told, [2]int{done, total}) }
	})
	prompt := make([]int32, 40)
	generated(t, s, prompt, c)
	generated(t, s, append(prompt, 1, 2), c)
	want := [][2]int{{0, 40}, {16, 40}, {32, 40}, {40, 40}, {40, 42}, {42, 42}}
	if !reflect.DeepEqual(told, want) || d.largest != 16 {
		t.Errorf("got %v, pieces of at most %d; want %v", told, d.largest, want)
	}
}

// TestEnds: why a sequence ends.
func TestEnds(t *testing.T) {
	counting := func(ids []int32) int32 { return (ids[len(ids)-1] + 1) % 30 } // 1 2 3 ...
	for _, c := range []struct {
		name   string
		change func(c *generate.Config)
		want   []int32
		finish generate.Finish
	}{
		{"config.json's eos", nil, []int32{3, 4, 5, 6, 7, 8, 9}, generate.FinishEOS},
		{"own eos", func(c *generate.Config) { c.EOS = []int32{20, 5} }, []int32{3, 4, 5}, generate.FinishEOS},
		{"no eos", func(c *generate.Config) { c.EOS = []int32{} }, []int32{3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, generate.FinishLength},
		{"max_new_tokens", func(c *generate.Config) { c.MaxNewTokens = 3 }, []int32{3, 4, 5}, generate.FinishLength},
		{"max_length", func(c *generate.Config) { c.MaxNewTokens, c.MaxLength = 0, 4 }, []int32{3, 4}, generate.FinishLength},
		{"context", func(c *generate.Config) { c.MaxNewTokens, c.EOS = 0, []int32{} },
			[]int32{3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, generate.FinishContext},
		{"forced eos", func(c *generate.Config) { c.MaxNewTokens, c.ForcedEOS = 3, []int32{9} }, []int32{3, 4, 9}, generate.FinishEOS},
		{"eos of the last token", func(c *generate.Config) { c.MaxNewTokens = 7 }, []int32{3, 4, 5, 6, 7, 8, 9}, generate.FinishEOS},
	} {
		d := &fakeDecoder{vocab: 30, longest: 16, eos: []int32{9}, pick: counting}
		s := generate.NewSession(newModel(t, d, nil), arch.CacheOptions{})
		var got []int32
		var finish generate.Finish
		for tok, err := range s.Generate(t.Context(), []int32{1, 2}, with(10, c.change)) {
			if err != nil {
				t.Fatal(err)
			}
			if finish != "" {
				t.Errorf("%s: a token after the last", c.name)
			}
			got, finish = append(got, tok.ID), tok.Finish
		}
		if !slices.Equal(got, c.want) || finish != c.finish {
			t.Errorf("%s: got %v, %s; want %v, %s", c.name, got, finish, c.want, c.finish)
		}
	}
	// min_new_tokens holds the end back; then the next best token comes.
	d := &fakeDecoder{vocab: 30, longest: 1000, eos: []int32{9}, pick: func([]int32) int32 { return 9 }}
	got := generated(t, generate.NewSession(newModel(t, d, nil), arch.CacheOptions{}), []int32{1}, with(10, func(c *generate.Config) { c.MinNewTokens = 4 }))
	if len(got[0]) != 5 || slices.Index(got[0], 9) != 4 {
		t.Errorf("min_new_tokens: got %v, want 9 as the fifth", got[0])
	}
}

// TestText: the pieces of a text are those of whole characters, and together they are what the tokenizer decodes of the ids,
// wherever the end is.
func TestText(t *testing.T) {
	data, err := os.ReadFile("../models/tiny/tokenizer.json") // byte-level: these characters are several tokens each
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := tok.AppendIDs(nil, "king 中🙂 and é", 0)
	if err != nil {
		t.Fatal(err)
	}
	d := &fakeDecoder{vocab: tok.VocabSize(), longest: 1000, pick: func(seen []int32) int32 { return ids[len(seen)-1] }}
	incomplete := 0
	for n := 1; n <= len(ids); n++ {
		want, err := tok.Decode(ids[:n], true)
		if err != nil {
			t.Fatal(err)
		}
		for _, stop := range []string{"never", "\uFFFD", "🙂 and"} {
			want, _, stopped := strings.Cut(want, stop)
			if strings.HasSuffix(want, "\uFFFD") {
				incomplete++
			}
			got, finish := "", generate.Finish("")
			for tok, err := range generate.NewSession(newModel(t, d, tok), arch.CacheOptions{}).Generate(t.Context(), []int32{1},
				with(n, func(c *generate.Config) { c.Stop = []string{stop} })) {
				if err != nil {
					t.Fatal(err)
				}
				if tok.Finish == "" && strings.Contains(tok.Text, "\uFFFD") {
					t.Errorf("%d tokens: %q is not whole characters", n, tok.Text)
				}
				got, finish = got+tok.Text, tok.Finish
			}
			if got != want || (finish == generate.FinishStop) != stopped {
				t.Errorf("%d tokens, stop %q: got %q, %s; want %q, %v", n, stop, got, finish, want, stopped)
			}
		}
	}
	if incomplete < 5 {
		t.Errorf("%d texts end within a character", incomplete)
	}
}

// TestStopBeforeCharacter: a stop string ends the text with the token that completes it, also where that token begins a character, as
// in transformers.
func TestStopBeforeCharacter(t *testing.T) {
	tok, err := tokenizer.Parse([]byte(`{"version": "1.0", "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
		"decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "merges": [["b", "Ġ"], ["Ġ", "Ã"]],
		"vocab": {"a": 0, "b": 1, "Ġ": 2, "Ã": 3, "©": 4, "bĠ": 5, "ĠÃ": 6}}}`))
	if err != nil {
		t.Fatal(err)
	}
	list := []int32{0, 1, 6, 4, 0, 5, 3, 4} // ab é ab é
	for _, c := range []struct {
		stop, text string
		tokens     int
	}{
		{" ", "ab", 3}, {"b ", "a", 3}, {" é", "ab", 4}, {"é", "ab ", 4}, {"é a", "ab ", 0}, {"éa", "ab ", 5}, {"x", "ab éab é", 0},
		{"\uFFFD", "ab éab é", 0},
	} {
		d := &fakeDecoder{vocab: 7, longest: 100, pick: func(seen []int32) int32 { return list[len(seen)-1] }}
		var text string
		var last generate.Token
		n := 0
		for tok, err := range generate.NewSession(newModel(t, d, tok), arch.CacheOptions{}).Generate(t.Context(), []int32{1},
			with(len(list), func(c2 *generate.Config) { c2.Stop = []string{c.stop} })) {
			if err != nil {
				t.Fatal(err)
			}
			text, last, n = text+tok.Text, tok, n+1
		}
		if stopped := last.Finish == generate.FinishStop; stopped != (c.tokens > 0) || stopped && (n != c.tokens || text != c.text) ||
			!stopped && text != "ab éab é" {
			t.Errorf("stop %q: %q after %d tokens, %s; want %q after %d", c.stop, text, n, last.Finish, c.text, c.tokens)
		}
	}
}

// TestCancel: the context's error comes between tokens and between chunks, and the session can be used on.
func TestCancel(t *testing.T) {
	d := &fakeDecoder{vocab: 30, longest: 1000}
	s := generate.NewSession(newModel(t, d, nil), arch.CacheOptions{Chunk: 4})
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	var last error
	for _, err := range s.Generate(ctx, []int32{1, 2}, with(10, nil)) {
		if n++; n == 3 {
			cancel()
		}
		last = err
	}
	if n != 4 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d elements, the last is %v", n, last)
	}
	ctx, cancel = context.WithCancel(t.Context())
	c := with(10, func(c *generate.Config) {
		c.Progress = func(done, _ int) {
			if done == 8 {
				cancel()
			}
		}
	})
	for _, err := range s.Generate(ctx, make([]int32, 20), c) {
		last = err
	}
	if s.Len() != 8 || !errors.Is(last, context.Canceled) {
		t.Errorf("the session holds %d tokens, %v", s.Len(), last)
	}
	fresh := generated(t, generate.NewSession(newModel(t, d, nil), arch.CacheOptions{}), make([]int32, 20), with(10, nil))
	for range s.Generate(t.Context(), make([]int32, 20), with(10, nil)) {
		for _, err := range s.Generate(t.Context(), []int32{1}, with(1, nil)) {
			last = err
		}
		break
	}
	if got := "the session is in use: one sequence at a time"; last.Error() != got {
		t.Errorf("in its own loop: %v, want %s", last, got)
	}
	if got := generated(t, s, make([]int32, 20), with(10, nil)); !reflect.DeepEqual(got, fresh) {
		t.Errorf("after a loop that was left: %v, want %v", got, fresh)
	}
}

// TestErrors: what is wrong with the arguments.
func TestErrors(t *testing.T) {
	d := &fakeDecoder{vocab: 30, longest: 16}
	s := generate.NewSession(newModel(t, d, nil), arch.CacheOptions{})
	for _, c := range []struct {
		prompt []int32
		change func(c *generate.Config)
		want   string
	}{
		{nil, nil, "the prompt has no tokens; a model that puts none before a text needs a text to go on with"},
		{[]int32{1, 30}, nil, "token 1 of the prompt has the id 30; the vocabulary has 30 tokens"},
		{make([]int32, 16), nil, "the prompt has 16 tokens; the model takes 16 with those that follow"},
		{[]int32{1, 2}, func(c *generate.Config) { c.MaxNewTokens, c.MaxLength = 0, 2 }, "the prompt has 2 tokens; max_length is 2 with those that follow"},
		{[]int32{1}, func(c *generate.Config) { c.Sample, c.Temperature = true, 0 },
			"the temperature is 0; want a number above 0, or no tokens that are drawn"},
		{[]int32{1}, func(c *generate.Config) { c.Sample, c.TopP = true, math.NaN() }, "top_p is NaN; want a number from 0 to 1"},
		{[]int32{1}, func(c *generate.Config) { c.Samples = 0 }, "the number of samples is 0; want a number from 1 to 2147483647"},
		{[]int32{1}, func(c *generate.Config) { c.Samples = 2 },
			"2 samples are asked for, but the likeliest token is taken each time: they would be equal; " +
				"draw tokens, as with a temperature above 0, or ask for one"},
		{[]int32{1}, func(c *generate.Config) { c.TopLogprobs = 5000 }, "5000 likeliest tokens are asked for; want 0 to 1000"},
		{[]int32{1}, func(c *generate.Config) { c.Stop = []string{"x"} }, "there are stop strings, but the model has no tokenizer"},
		{[]int32{1}, func(c *generate.Config) { c.Stop = []string{""} }, "a stop string is empty"},
		{[]int32{1}, func(c *generate.Config) { c.Bias = []generate.Bias{{IDs: []int32{40}}} }, "sequence_bias holds the id 40; the vocabulary has 30 tokens"},
		{[]int32{1}, func(c *generate.Config) { c.BadWords = [][]int32{{}} }, "bad_words_ids holds an empty sequence"},
		{[]int32{1}, func(c *generate.Config) { c.MaxCacheBytes = 10 << 10 },
			"the keys and values of 11 tokens take 11 KiB; the limit is 10 KiB: ask for fewer new tokens, or keep them as bfloat16"},
		{[]int32{1}, func(c *generate.Config) {
			for id := range int32(30) {
				c.SuppressTokens = append(c.SuppressTokens, id)
			}
		}, "no token is left to go on with: all are forbidden, or the logits are not numbers"},
	} {
		var got []error
		for _, err := range s.Generate(t.Context(), c.prompt, with(10, c.change)) {
			got = append(got, err)
		}
		if len(got) != 1 || got[0] == nil || got[0].Error() != c.want {
			t.Errorf("got %v, want %s", got, c.want)
		}
	}
	if d.computed > 1 {
		t.Errorf("%d tokens were computed", d.computed)
	}
}

// TestNoAllocations: a token costs no memory.
func TestNoAllocations(t *testing.T) {
	d := &fakeDecoder{vocab: 300, longest: 1 << 20}
	c := with(900, func(c *generate.Config) {
		sampling(3, 1)(c)
		c.TopP, c.MinP, c.TypicalP, c.Eta, c.TopLogprobs = 0.95, 0.01, 0.99, 0.001, 5
		c.RepetitionPenalty, c.FrequencyPenalty, c.NoRepeatNGram = 1.1, 0.1, 5
		c.BadWords, c.Bias = [][]int32{{1, 2}}, []generate.Bias{{IDs: []int32{5}, Bias: -1}}
	})
	for _, greedy := range []bool{false, true} {
		c.Sample = !greedy
		s := generate.NewSession(newModel(t, d, nil), arch.CacheOptions{})
		generated(t, s, []int32{1, 2, 3}, c)
		n, allocs := 0, 0.0
		for _, err := range s.Generate(t.Context(), []int32{1, 2, 3}, c) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 20 {
				break
			}
		}
		next, stop := pull(t, s, c)
		for range 50 {
			next()
		}
		allocs = testing.AllocsPerRun(500, next)
		stop()
		if allocs != 0 {
			t.Errorf("greedy %v: %v allocations a token", greedy, allocs)
		}
	}
}

// TestMinLength: min_new_tokens stands over min_length, as in transformers.
func TestMinLength(t *testing.T) {
	d := &fakeDecoder{vocab: 50, longest: 1000, eos: []int32{7}, pick: func([]int32) int32 { return 7 }}
	for _, c := range []struct{ length, fresh, want int }{{0, 0, 1}, {0, 4, 5}, {10, 0, 6}, {10, 2, 3}, {3, 0, 1}} {
		s := generate.NewSession(newModel(t, d, nil), arch.CacheOptions{})
		got := generated(t, s, []int32{1, 2, 3, 4, 5}, with(20, func(g *generate.Config) { g.MinLength, g.MinNewTokens = c.length, c.fresh }))
		if len(got[0]) != c.want {
			t.Errorf("min_length %d, min_new_tokens %d: %d tokens, want %d", c.length, c.fresh, len(got[0]), c.want)
		}
	}
}

// TestManyBiases: the time for a list of sequences is in proportion to its length.
func TestManyBiases(t *testing.T) {
	c := with(1, nil)
	for i := range int32(100_000) {
		c.BadWords = append(c.BadWords, []int32{i, i + 1})
	}
	c.Bias = []generate.Bias{{IDs: []int32{5}, Bias: 1e9}, {IDs: []int32{9}, Bias: 1e9}, {IDs: []int32{5}, Bias: 0}}
	d := &fakeDecoder{vocab: 100_001, longest: 10}
	if got := generated(t, generate.NewSession(newModel(t, d, nil), arch.CacheOptions{}), []int32{8}, c); got[0][0] == 9 || got[0][0] == 5 {
		t.Errorf("got %v, which is forbidden or no longer wanted", got)
	}
}

// TestPrefixOfDynamic: a prompt with one token more than what is known is no token that was generated, whose keys stay.
func TestPrefixOfDynamic(t *testing.T) {
	m := newModel(t, &fakeDecoder{vocab: 30, longest: 1000, dynamic: 10}, nil)
	s := generate.NewSession(m, arch.CacheOptions{Chunk: 16})
	prompt := make([]int32, 30)
	generated(t, s, prompt, with(5, nil))
	for _, n := range []int{25, 26, 9, 10, 11} {
		next := append(prompt[:n-1:n-1], 7)
		fresh := generated(t, generate.NewSession(m, arch.CacheOptions{}), next, with(5, nil))
		if got := generated(t, s, next, with(5, nil)); !reflect.DeepEqual(got, fresh) {
			t.Errorf("a prompt of %d tokens: got %v, want %v", n, got, fresh)
		}
	}
}

// TestResetInLoop: what a loop does with its own session is put off, or an error, and spoils nothing.
func TestResetInLoop(t *testing.T) {
	m := newModel(t, &fakeDecoder{vocab: 30, longest: 1000}, nil)
	want := generated(t, generate.NewSession(m, arch.CacheOptions{}), []int32{1, 2, 3}, with(6, nil))
	s := generate.NewSession(m, arch.CacheOptions{})
	var got []int32
	c := with(6, func(c *generate.Config) { c.Progress = func(int, int) { s.Reset() } })
	for tok, err := range s.Generate(t.Context(), []int32{1, 2, 3}, c) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, tok.ID)
		s.Reset()
	}
	if !slices.Equal(got, want[0]) || s.Len() != 0 || s.Bytes() != 0 {
		t.Errorf("got %v, want %v; the session holds %d tokens", got, want[0], s.Len())
	}
	if again := generated(t, s, []int32{1, 2, 3}, with(6, nil)); !reflect.DeepEqual(again, want) || s.Len() != 8 {
		t.Errorf("again %v, want %v; the session holds %d tokens", again, want, s.Len())
	}
}

// TestTwoGoroutines: one of two that use a session at the same time gets an error.
func TestTwoGoroutines(t *testing.T) {
	m := newModel(t, &fakeDecoder{vocab: 30, longest: 1000}, nil)
	s := generate.NewSession(m, arch.CacheOptions{})
	next, stop := pull(t, s, with(6, nil))
	next()
	done := make(chan error)
	go func() {
		for _, err := range s.Generate(context.Background(), []int32{1}, with(1, nil)) {
			done <- err
		}
	}()
	if err := <-done; err == nil || err.Error() != "the session is in use: one sequence at a time" {
		t.Errorf("the error is %v", err)
	}
	stop()
}
