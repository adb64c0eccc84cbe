package godwit_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/chat"
	"github.com/godwit-ml/godwit/generate"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// wordModel returns the files of a tiny Llama whose tokens are the words w0, w1, ..., one for each id. It ends with w5.
func wordModel(t *testing.T) fstest.MapFS { return wordModelOf(t, "testdata/models/llama/yarn", 60) }

// wordModelOf returns the files of a case, with a tokenizer of words for its vocabulary.
func wordModelOf(t *testing.T, dir string, words int) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if name != "config.json" && name != "generation_config.json" && !strings.HasPrefix(name, "model") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	vocab := map[string]int{}
	for i := range words {
		vocab[fmt.Sprintf("w%d", i)] = i
	}
	tok, err := json.Marshal(map[string]any{
		"added_tokens": []any{}, "pre_tokenizer": map[string]any{"type": "WhitespaceSplit"},
		"model": map[string]any{"type": "WordLevel", "vocab": vocab, "unk_token": "w0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	files["tokenizer.json"] = &fstest.MapFile{Data: tok}
	files["tokenizer_config.json"] = &fstest.MapFile{Data: []byte(
		`{"chat_template": "{% for m in messages %}{% if m.role == 'user' %}w7 {% endif %}{{ m.content }} {% endfor %}w8"}`)}
	return files
}

func openFS(t *testing.T, files fs.FS, opts ...godwit.Option) *godwit.Model {
	t.Helper()
	m, err := godwit.OpenFS(files, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// TestGenerate compares the text with the ids of Forward's greedy generation.
func TestGenerate(t *testing.T) {
	m := openFS(t, wordModel(t))
	if n := m.Info().ContextLength; n != 16 {
		t.Errorf("context length %d", n)
	}
	out, err := m.Forward(t.Context(), map[string]tensor.Tensor{"input_ids": tensor.FromInt64([]int64{9, 17, 4}, 1, 3)},
		godwit.WithGenerate(8))
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for raw := out["generated_ids"].Raw[3*8:]; len(raw) > 0; raw = raw[8:] {
		words = append(words, fmt.Sprintf("w%d", binary.LittleEndian.Uint64(raw)))
	}
	list, err := godwit.Completions(m.Generate(t.Context(), "w9 w17 w4", godwit.WithMaxTokens(8)))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	if got, want := strings.TrimSpace(list[0].Text), strings.Join(words, " "); got != want || list[0].Finish != generate.FinishLength {
		t.Errorf("%q (%s), want %q", got, list[0].Finish, want)
	}
	text, err := godwit.Text(m.Generate(t.Context(), "w9 w17 w4", godwit.WithStop(words[1])))
	if want := words[0] + " "; err != nil || text != want || words[0] == words[1] {
		t.Errorf("up to %s: %q, %v; want %q", words[1], text, err, want)
	}
	// A stop string over the border of two tokens; what WithConfig changes leaves the number of tokens as it is.
	stop := words[1][1:] + " " + words[2][:1]
	list, err = godwit.Completions(m.Generate(t.Context(), "w9 w17 w4", godwit.WithStop("nothing", stop), godwit.WithMaxTokens(8),
		godwit.WithConfig(func(c *generate.Config) { c.NoRepeatNGram = 0 })))
	if want := words[0] + " " + words[1][:1]; err != nil || list[0].Text != want || list[0].Stop != stop ||
		list[0].Finish != generate.FinishStop || len(list[0].Tokens) != 3 {
		t.Errorf("up to %q: %+v, %v; want %q", stop, list, err, want)
	}
	// Without a limit the context is the end.
	list, err = godwit.Completions(m.Generate(t.Context(), "w9 w17 w4", godwit.WithIgnoreEOS(), godwit.WithMaxTokens(0)))
	if err != nil || len(list) != 1 || len(list[0].Tokens) != 13 || list[0].Finish != generate.FinishContext {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestGenerateGolden compares greedy texts with those of Transformers' generate: of every decoder's case, with a prompt in one
// piece and in chunks, with one thread and three, and by a session that knows the prompt already.
func TestGenerateGolden(t *testing.T) {
	compared := 0
	for _, dir := range cases(t, decoders...) {
		expected := readTensors(t, dir, "expected.safetensors")
		want, ok := expected["gen.generated_ids"]
		if !ok {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `"dynamic"`) || strings.Contains(string(text), `"longrope"`) {
			continue // there, a row of Transformers' batch takes the length of the longest
		}
		var config struct {
			Vocab int   `json:"vocab_size"`
			Pad   int32 `json:"pad_token_id"`
		}
		if err := json.Unmarshal(text, &config); err != nil {
			t.Fatal(err)
		}
		files := wordModelOf(t, dir, config.Vocab)
		given := expected["gen.input_ids"]
		cols, all := given.Cols(), want.Cols()
		for _, threads := range []int{1, 3} {
			m := openFS(t, files, godwit.WithThreads(threads))
			opts := []godwit.GenerateOption{godwit.WithGreedy(), godwit.WithMaxTokens(all - cols), godwit.WithContextLength(1000)}
			session := m.NewSession(append(opts, godwit.WithPrefillChunk(2))...)
			for r := range want.Shape[0] {
				var prompt, after []string
				for i := range all {
					id := int32(binary.LittleEndian.Uint64(want.Raw[8*(r*all+i):]))
					switch {
					case i >= cols:
						after = append(after, fmt.Sprintf("w%d", id))
					case expected["gen.attention_mask"].Raw[8*(r*cols+i)] != 0:
						prompt = append(prompt, fmt.Sprintf("w%d", id))
					}
				}
				for _, how := range []string{"whole", "chunks", "known"} {
					tokens := session.Generate(t.Context(), strings.Join(prompt, " "))
					if how == "whole" {
						tokens = m.Generate(t.Context(), strings.Join(prompt, " "), opts...)
					}
					var got []string
					for tok, err := range tokens {
						if err != nil {
							t.Fatalf("%s: %v", dir, err)
						}
						got = append(got, fmt.Sprintf("w%d", tok.ID))
					}
					for len(got) < len(after) {
						got = append(got, fmt.Sprintf("w%d", config.Pad))
					}
					if !slices.Equal(got, after) {
						t.Errorf("%s, row %d, %s, %d threads: got %v, want %v", dir, r, how, threads, got, after)
					}
					compared++
				}
			}
		}
	}
	t.Logf("%d texts", compared)
}

// endsAfter is a context that is cancelled after it was asked a number of times.
type endsAfter struct {
	context.Context
	asked, most int
}

func (c *endsAfter) Err() error {
	if c.asked++; c.asked > c.most {
		return context.Canceled
	}
	return nil
}

// TestForwardGenerate: the context is asked between tokens, and what has no head for them is an error.
func TestForwardGenerate(t *testing.T) {
	inputs := map[string]tensor.Tensor{"input_ids": tensor.FromInt64([]int64{5, 6, 7}, 1, 3)}
	m := openFS(t, wordModel(t))
	ctx := &endsAfter{Context: t.Context(), most: 4}
	_, err := m.Forward(ctx, inputs, godwit.WithGenerate(8))
	if !errors.Is(err, context.Canceled) || ctx.asked != 5 {
		t.Errorf("asked %d times, %v", ctx.asked, err)
	}
	_, err = open(t, "testdata/models/bert/regression").Forward(t.Context(), inputs, godwit.WithGenerate(8))
	if want := "godwit: testdata/models/bert/regression: BertForSequenceClassification does not generate text; models of a class " +
		"...ForCausalLM or ...LMHeadModel do"; err == nil || err.Error() != want {
		t.Errorf("a BERT: %v", err)
	}
}

// TestBidirectional: a model of a decoder's class whose tokens see those after them says so.
func TestBidirectional(t *testing.T) {
	weights := map[string]tensor.Tensor{}
	for name, shape := range map[string][]int{
		"embed_tokens": {9, 4}, "norm": {4}, "layers.0.input_layernorm": {4}, "layers.0.post_attention_layernorm": {4},
		"layers.0.pre_feedforward_layernorm": {4}, "layers.0.post_feedforward_layernorm": {4}, "layers.0.self_attn.q_norm": {2},
		"layers.0.self_attn.k_norm": {2}, "layers.0.self_attn.q_proj": {4, 4}, "layers.0.self_attn.k_proj": {4, 4},
		"layers.0.self_attn.v_proj": {4, 4}, "layers.0.self_attn.o_proj": {4, 4}, "layers.0.mlp.gate_proj": {4, 4},
		"layers.0.mlp.up_proj": {4, 4}, "layers.0.mlp.down_proj": {4, 4},
	} {
		weights["model."+name+".weight"] = tensor.New(shape...)
	}
	var file bytes.Buffer
	if err := loader.Write(&file, weights, nil); err != nil {
		t.Fatal(err)
	}
	m := openFS(t, fstest.MapFS{"model.safetensors": {Data: file.Bytes()}, "config.json": {Data: []byte(`{"model_type": "gemma3_text",
		"architectures": ["Gemma3ForCausalLM"], "vocab_size": 9, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
		"num_key_value_heads": 2, "head_dim": 2, "intermediate_size": 4, "use_bidirectional_attention": true}`)}})
	err := m.NewSession().Err()
	if want := "godwit: Gemma3ForCausalLM does not generate text: its tokens see those after them"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestGenerateOptions: samples and seeds, forbidden words, and what cannot be.
func TestGenerateOptions(t *testing.T) {
	m := openFS(t, wordModel(t))
	draw := func(opts ...godwit.GenerateOption) (texts []string) {
		t.Helper()
		opts = append([]godwit.GenerateOption{godwit.WithTemperature(1), godwit.WithIgnoreEOS(), godwit.WithMaxTokens(6)}, opts...)
		list, err := godwit.Completions(m.Generate(t.Context(), "w9 w17", opts...))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			texts = append(texts, c.Text)
		}
		return texts
	}
	three := draw(godwit.WithSeed(1), godwit.WithSamples(3))
	if again := draw(godwit.WithSeed(1), godwit.WithSamples(3)); !reflect.DeepEqual(again, three) || three[0] == three[1] {
		t.Errorf("%q, again %q", three, again)
	}
	if other := draw(godwit.WithSeed(2)); other[0] == three[0] {
		t.Errorf("seeds 1 and 2 give %q", other[0])
	}
	if a, b := draw(), draw(); reflect.DeepEqual(a, b) {
		t.Errorf("two calls without a seed give %q", a)
	}
	word := strings.Fields(three[0])[0]
	if without := draw(godwit.WithSeed(1), godwit.WithBadWords(word), godwit.WithSamples(3)); strings.Contains(
		" "+strings.Join(without, " ")+" ", " "+word+" ") {
		t.Errorf("%s is forbidden, but there is %q", word, without)
	}
	for _, c := range []struct {
		prompt string
		opts   []godwit.GenerateOption
		want   string
	}{
		{"", nil, "godwit: the prompt has no tokens"},
		{"w1", []godwit.GenerateOption{godwit.WithTemperature(-1)}, "godwit: the temperature is -1; want a number above 0"},
		{"w1", []godwit.GenerateOption{godwit.WithGreedy(), godwit.WithSamples(2)},
			"godwit: 2 samples are asked for, but the likeliest token is taken each time"},
		{"w1", []godwit.GenerateOption{godwit.WithCacheLimit(1000)}, "godwit: the keys and values of 16 tokens take"},
		{"w1", []godwit.GenerateOption{godwit.WithContextLength(-1)}, "godwit: the context length is -1; want a number from 0 to"},
		{"w1", []godwit.GenerateOption{godwit.WithPrefillChunk(-2)}, "godwit: the prefill chunk is -2; want a number from 0 to"},
		{"w1", []godwit.GenerateOption{godwit.WithPrefillChunk(math.MaxInt)}, "godwit: the prefill chunk is "},
		{"w1", []godwit.GenerateOption{godwit.WithCacheLimit(-1)}, "godwit: the limit of the cache is -1 bytes, less than 0"},
		{strings.Repeat("w1 ", 16), nil, "godwit: the prompt has 16 tokens; the model takes 16 with those that follow"},
	} {
		_, err := godwit.Text(m.Generate(t.Context(), c.prompt, c.opts...))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%.20q: %v, want %s", c.prompt, err, c.want)
		}
	}
	_, err := godwit.Text(m.Generate(t.Context(), "w1", godwit.WithCacheLimit(1000), godwit.WithBFloat16Cache()))
	if want := "godwit: the keys and values of 16 tokens take 48 KiB; the limit is 1 KiB: ask for fewer new tokens"; err == nil || err.Error() != want {
		t.Errorf("bfloat16: %v, want %s", err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range m.Generate(ctx, "w9 w17", godwit.WithIgnoreEOS()) {
		if n++; err != nil {
			if !errors.Is(err, context.Canceled) || n != 4 {
				t.Errorf("element %d: %v", n, err)
			}
		} else if n == 3 {
			cancel()
		}
	}
	if n != 4 {
		t.Errorf("%d elements after the context was done at 3", n)
	}
}

// TestGenerateDoesNotAllocate counts the allocations of tokens with text, in the loop that a program writes: there are none but a
// block for every few thousand bytes of text.
func TestGenerateDoesNotAllocate(t *testing.T) {
	m := open(t, "tiny", godwit.WithThreads(2))
	for name, opts := range map[string][]godwit.GenerateOption{
		"greedy":  {godwit.WithGreedy()},
		"sampled": {godwit.WithSeed(1), godwit.WithTopP(0.9), godwit.WithRepetitionPenalty(1.1), godwit.WithLogprobs(2)},
		"stops":   {godwit.WithGreedy(), godwit.WithStop("a stop string that does not come, and is long", "\n\n\n\n")},
	} {
		opts = append(opts, godwit.WithMaxTokens(1000), godwit.WithContextLength(2000), godwit.WithIgnoreEOS())
		var before, after runtime.MemStats
		tokens, text := 0, 0
		for range 2 { // the first takes the memory that the model keeps
			tokens, text = 0, 0
			for tok, err := range m.Generate(t.Context(), "Once upon a time", opts...) {
				if err != nil {
					t.Fatal(err)
				}
				text += len(tok.Text)
				switch tokens++; tokens {
				case 100:
					runtime.ReadMemStats(&before)
				case 900:
					runtime.ReadMemStats(&after)
				}
			}
		}
		if n := after.Mallocs - before.Mallocs; n > 20 || tokens != 1000 || text < 1000 {
			t.Errorf("%s: %d allocations in 800 tokens; %d tokens and %d bytes of text in all", name, n, tokens, text)
		}
		t.Logf("%s: %d allocations in 800 tokens", name, after.Mallocs-before.Mallocs)
	}
}

// TestSamplesGolden: of every decoder's case, the samples that are computed together are those that come one after the other.
func TestSamplesGolden(t *testing.T) {
	for _, dir := range cases(t, decoders...) {
		text, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		var config struct {
			Vocab int `json:"vocab_size"`
		}
		if err := json.Unmarshal(text, &config); err != nil {
			t.Fatal(err)
		}
		m := openFS(t, wordModelOf(t, dir, config.Vocab), godwit.WithThreads(2))
		if m.Info().ContextLength == 0 {
			continue // it does not generate
		}
		opts := []godwit.GenerateOption{godwit.WithTemperature(2), godwit.WithSeed(5), godwit.WithSamples(11), godwit.WithMaxTokens(9),
			godwit.WithContextLength(1000), godwit.WithLogprobs(2), godwit.WithRepetitionPenalty(1.2)}
		together, err := godwit.Completions(m.Generate(t.Context(), "w9 w17 w4", opts...))
		if err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		room, err := m.CacheBytes(12, opts...)
		if err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		alone, err := godwit.Completions(m.Generate(t.Context(), "w9 w17 w4", append(opts, godwit.WithCacheLimit(room))...))
		if err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		if !reflect.DeepEqual(together, alone) || len(together) != 11 {
			t.Errorf("%s: got %+v, want %+v", dir, together, alone)
		}
		first, err := godwit.Text(m.Generate(t.Context(), "w9 w17 w4", opts...))
		if err != nil || first != alone[0].Text {
			t.Errorf("%s: Text is %q, %v; want %q", dir, first, err, alone[0].Text)
		}
	}
}

// BenchmarkSamples makes samples of SmolLM2-135M-Instruct, whose folder GODWIT_SMOLLM2 names, side by side.
func BenchmarkSamples(b *testing.B) {
	folder := os.Getenv("GODWIT_SMOLLM2")
	if folder == "" {
		b.Skip("GODWIT_SMOLLM2 is not set")
	}
	m, err := godwit.Open(folder)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	const tokens = 32
	for _, n := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("samples=%d", n), func(b *testing.B) {
			for b.Loop() {
				for _, err := range m.Generate(b.Context(), "Once upon a time", godwit.WithTemperature(1), godwit.WithSeed(1),
					godwit.WithSamples(n), godwit.WithMaxTokens(tokens), godwit.WithIgnoreEOS()) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.N*n*tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

// TestChat: a session computes only what is new of a conversation, and says the same as calls of their own.
func TestChat(t *testing.T) {
	m := openFS(t, wordModel(t))
	opts := []godwit.GenerateOption{godwit.WithIgnoreEOS(), godwit.WithMaxTokens(3)}
	messages := []chat.Message{chat.User("w20 w21")}
	if p, err := m.ChatPrompt(messages); err != nil || p != "w7 w20 w21 w8" {
		t.Errorf("prompt %q, %v", p, err)
	}
	s := m.NewSession(opts...)
	for turn := range 2 {
		got, err := godwit.Text(s.Chat(t.Context(), messages))
		if err != nil {
			t.Fatal(err)
		}
		want, err := godwit.Text(m.Chat(t.Context(), messages, opts...))
		if err != nil || got != want {
			t.Errorf("turn %d: %q in the session, %q alone (%v)", turn, got, want, err)
		}
		if reused := []int{0, 3}[turn]; s.Reused() != reused {
			t.Errorf("turn %d: %d tokens were known, want %d", turn, s.Reused(), reused)
		}
		messages = append(messages, chat.Assistant(strings.TrimSpace(got)), chat.User("w22"))
	}
	if s.CacheBytes() == 0 || s.Tokens() == 0 {
		t.Errorf("%d bytes, %d tokens", s.CacheBytes(), s.Tokens())
	}
	if s.Reset(); s.CacheBytes() != 0 || s.Tokens() != 0 {
		t.Errorf("after Reset: %d bytes, %d tokens", s.CacheBytes(), s.Tokens())
	}
	files := wordModel(t)
	delete(files, "tokenizer_config.json")
	_, err := godwit.Text(openFS(t, files).Chat(t.Context(), messages))
	if err == nil || !strings.HasPrefix(err.Error(), "godwit: the model cannot chat: ") {
		t.Errorf("without a template: %v", err)
	}
	_, err = godwit.Text(open(t, "testdata/models/bert/regression").Chat(t.Context(), messages))
	if want := "godwit: testdata/models/bert/regression: BertForSequenceClassification does not generate text; models of a class " +
		"...ForCausalLM or ...LMHeadModel do"; err == nil || err.Error() != want {
		t.Errorf("a BERT: %v", err)
	}
}

// TestSettingsOfFiles: what generation_config.json says, or config.json where there is none, and what does not need either.
func TestSettingsOfFiles(t *testing.T) {
	files := wordModel(t)
	delete(files, "generation_config.json")
	text := strings.Replace(string(files["config.json"].Data), "{", `{"max_length": 5, `, 1)
	files["config.json"] = &fstest.MapFile{Data: []byte(text)}
	all, err := godwit.Completions(openFS(t, files).Generate(t.Context(), "w1 w2 w3", godwit.WithIgnoreEOS()))
	if err != nil || len(all[0].Tokens) != 2 {
		t.Errorf("max_length of config.json: %v, %+v", err, all)
	}
	files["generation_config.json"] = &fstest.MapFile{Data: []byte(`{"num_beams": 3}`)}
	files["tokenizer_config.json"] = &fstest.MapFile{Data: []byte(`{"chat_template": "{{ name }}"}`)}
	m := openFS(t, files)
	messages := []chat.Message{chat.User("w1")}
	prompt, err := m.ChatPrompt(messages, godwit.WithTemplateVariable("name", "w9"))
	if err != nil || prompt != "w9" {
		t.Errorf("a prompt does not depend on generation_config.json: %q, %v", prompt, err)
	}
	if n, err := m.CacheBytes(10); err != nil || n != 98304 {
		t.Errorf("nor does the memory of a cache: %d, %v", n, err)
	}
	const beams = "generation_config.json: num_beams asks for a way of generating that is not supported; without it, the tokens are others: " +
		"have it ignored if they may be"
	if _, err := godwit.Text(m.Chat(t.Context(), messages)); err == nil || err.Error() != "godwit: "+beams {
		t.Errorf("an answer does: %v", err)
	}
	if err := m.NewSession().Err(); err == nil || err.Error() != "godwit: "+beams {
		t.Errorf("so does a session: %v", err)
	}
	want, err := godwit.Text(openFS(t, wordModel(t)).Generate(t.Context(), "w1 w2", godwit.WithGreedy()))
	if err != nil {
		t.Fatal(err)
	}
	s := m.NewSession()
	text, err = godwit.Text(s.Generate(t.Context(), "w1 w2", godwit.WithIgnoredSettings("guidance_scale", "num_beams"), godwit.WithGreedy()))
	if err != nil || text != want || want == "" {
		t.Errorf("without beams: %q, %v; want %q", text, err, want)
	}
	// The error of the file is one of the call, which an option replaces; that of an option is not said of the file.
	files["generation_config.json"] = &fstest.MapFile{Data: []byte(`{"do_sample": true, "temperature": 0}`)}
	m = openFS(t, files)
	for _, c := range []struct {
		opts []godwit.GenerateOption
		want string
	}{
		{nil, "godwit: generation_config.json: the temperature is 0; want a number above 0, or no tokens that are drawn"},
		{[]godwit.GenerateOption{godwit.WithTemperature(-1)}, "godwit: the temperature is -1; want a number above 0"},
		{[]godwit.GenerateOption{godwit.WithTopP(3)}, "godwit: generation_config.json: the temperature is 0; want a number above 0, or no tokens that are drawn"},
		{[]godwit.GenerateOption{godwit.WithGreedy()}, ""},
		{[]godwit.GenerateOption{godwit.WithTemperature(0.5)}, ""},
	} {
		got := ""
		if _, err := godwit.Text(m.Generate(t.Context(), "w1 w2", c.opts...)); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		got = ""
		if err := m.NewSession(c.opts...).Err(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("of a session: got %q, want %q", got, c.want)
		}
	}
}

// TestPlainPrompt: a prompt without the special tokens that the tokenizer puts around it.
func TestPlainPrompt(t *testing.T) {
	files := wordModel(t)
	want, err := godwit.Text(openFS(t, files).Generate(t.Context(), "w3 w9", godwit.WithGreedy()))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(files["tokenizer.json"].Data), "{", `{"post_processor": {"type": "TemplateProcessing",
		"single": [{"SpecialToken": {"id": "w3", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
		"pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
		"special_tokens": {"w3": {"id": "w3", "ids": [3], "tokens": ["w3"]}}}, `, 1)
	files["tokenizer.json"] = &fstest.MapFile{Data: []byte(text)}
	m := openFS(t, files)
	for _, c := range []struct {
		prompt string
		opts   []godwit.GenerateOption
	}{{"w9", []godwit.GenerateOption{godwit.WithGreedy()}}, {"w3 w9", []godwit.GenerateOption{godwit.WithPlainPrompt()}}} {
		if got, err := godwit.Text(m.Generate(t.Context(), c.prompt, c.opts...)); err != nil || got != want || want == "" {
			t.Errorf("%s: got %q, %v; want %q", c.prompt, got, err, want)
		}
	}
}

// TestCacheBytes: what keys and values take is known, or an error.
func TestCacheBytes(t *testing.T) {
	m := openFS(t, wordModel(t))
	for _, c := range []struct {
		tokens, bytes int
		opts          []godwit.GenerateOption
		want          string
	}{
		{16, 98304, nil, ""},
		{16, 49152, []godwit.GenerateOption{godwit.WithBFloat16Cache(), godwit.WithTopP(-3)}, ""},
		{0, 0, nil, ""},
		{-1, 0, nil, "godwit: the keys and values of -1 tokens are asked for; want a number from 0 to 16"},
		{17, 0, nil, "godwit: the keys and values of 17 tokens are asked for; want a number from 0 to 16"},
		{9, 0, []godwit.GenerateOption{godwit.WithContextLength(8)}, "godwit: the keys and values of 9 tokens are asked for; want a number from 0 to 8"},
		{9, 0, []godwit.GenerateOption{godwit.WithContextLength(-8)}, "godwit: the context length is -8; want a number from 0 to 2147483647"},
		{9, 0, []godwit.GenerateOption{godwit.WithPrefillChunk(-2)}, "godwit: the prefill chunk is -2; want a number from 0 to 2147483647"},
	} {
		n, err := m.CacheBytes(c.tokens, c.opts...)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if n != c.bytes || got != c.want {
			t.Errorf("%d tokens: %d, %q; want %d, %q", c.tokens, n, got, c.bytes, c.want)
		}
	}
	_, err := open(t, "testdata/models/bert/regression").CacheBytes(1)
	if want := "godwit: testdata/models/bert/regression: BertForSequenceClassification does not generate text; models of a class " +
		"...ForCausalLM or ...LMHeadModel do"; err == nil || err.Error() != want {
		t.Errorf("a BERT: %v", err)
	}
}

// TestStopAtSpecialToken: a special token that is a stop string is not a part of the text, shown or not.
func TestStopAtSpecialToken(t *testing.T) {
	m := open(t, "tiny")
	end := godwit.WithLogitBias(map[int32]float64{0: 1e6})
	for _, c := range []struct {
		opts   []godwit.GenerateOption
		text   string
		finish generate.Finish
	}{
		{nil, "", generate.FinishEOS},
		{[]godwit.GenerateOption{godwit.WithSpecialTokens()}, "<|endoftext|>", generate.FinishEOS},
		{[]godwit.GenerateOption{godwit.WithStop("<|endoftext|>")}, "", generate.FinishStop},
		{[]godwit.GenerateOption{godwit.WithStop("<|endoftext|>"), godwit.WithSpecialTokens()}, "", generate.FinishStop},
	} {
		list, err := godwit.Completions(m.Generate(t.Context(), "Once upon a time", append(c.opts, end)...))
		if err != nil || len(list) != 1 || list[0].Text != c.text || list[0].Finish != c.finish {
			t.Errorf("%v, %+v, want %q", err, list, c.text)
		}
	}
}

// TestStopLeavesLogits: min_new_tokens and exponential_decay_length_penalty are about the ids that end a text. A stop string that
// is a special token is as likely with them as without, and ends the text even so; so in transformers.
func TestStopLeavesLogits(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tokenizer.json": "", "config.json": "", "model.safetensors": "",
		"generation_config.json": `{"eos_token_id": 5, "exponential_decay_length_penalty": [0, 1e9]}`,
	} {
		b := []byte(text)
		if text == "" {
			var err error
			if b, err = os.ReadFile("models/tiny/" + name); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := open(t, dir)
	plain := []godwit.GenerateOption{godwit.WithLogitBias(map[int32]float64{5: math.Inf(-1)}), godwit.WithMaxTokens(9)}
	want, err := godwit.Completions(m.Generate(t.Context(), "Once upon a time", plain...))
	if err != nil {
		t.Fatal(err)
	}
	got, err := godwit.Completions(m.Generate(t.Context(), "Once upon a time", append(plain, godwit.WithStop("<|endoftext|>"))...))
	if err != nil || got[0].Text != want[0].Text || len(got[0].Tokens) != 9 {
		t.Errorf("%v, %+v; want %q", err, got, want[0].Text)
	}
	likely := godwit.WithLogitBias(map[int32]float64{0: 1e6})
	got, err = godwit.Completions(m.Generate(t.Context(), "Once upon a time", likely, godwit.WithMinTokens(4), godwit.WithMaxTokens(9),
		godwit.WithStop("<|endoftext|>")))
	if err != nil || len(got[0].Tokens) != 1 || got[0].Finish != generate.FinishStop {
		t.Errorf("min_new_tokens: %v, %+v", err, got)
	}
}

// TestCompletionsMemory: a long text is not copied with each token.
func TestCompletionsMemory(t *testing.T) {
	const n = 20_000
	tokens := func(yield func(godwit.Token, error) bool) {
		for range n {
			if !yield(godwit.Token{Text: "ten bytes."}, nil) {
				return
			}
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	all, err := godwit.Completions(tokens)
	runtime.ReadMemStats(&after)
	if err != nil || len(all) != 1 || len(all[0].Text) != 10*n || len(all[0].Tokens) != n {
		t.Fatalf("%v, %d texts", err, len(all))
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 100<<20 {
		t.Errorf("%d tokens took %d MiB", n, took>>20)
	}
}

// TestPerplexity compares with the probabilities that Forward's logits give.
func TestPerplexity(t *testing.T) {
	m := openFS(t, wordModel(t))
	p, err := m.Perplexity(t.Context(), "w9 w17 w4 w30", generate.ScoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ids := []int64{9, 17, 4, 30}
	out, err := m.Forward(t.Context(), map[string]tensor.Tensor{"input_ids": tensor.FromInt64(ids, 1, 4)})
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for i := range 3 {
		row, total := out["logits"].Row(i), 0.0
		for _, v := range row {
			total += math.Exp(float64(v))
		}
		want := math.Log(total) - float64(row[ids[i+1]])
		if math.Abs(p.NLL[i]-want) > 1e-6*want {
			t.Errorf("token %d: %v, want %v", i+1, p.NLL[i], want)
		}
		sum += want
	}
	if want := math.Exp(sum / 3); math.Abs(p.Value-want) > 1e-6*want || len(p.IDs) != 4 {
		t.Errorf("%v of %d tokens, want %v", p.Value, len(p.IDs), want)
	}
	if _, err := m.Perplexity(t.Context(), "w1", generate.ScoreOptions{}); err == nil ||
		err.Error() != "godwit: the text has fewer than two tokens: there is nothing to predict" {
		t.Errorf("one token: %v", err)
	}
}

// TestSmolLM2Text compares texts of SmolLM2-135M-Instruct, whose folder GODWIT_SMOLLM2 names, with Transformers',
// GODWIT_GOLDEN/real/smollm2.json: prompts and conversations continued greedily, and the perplexity of a text.
func TestSmolLM2Text(t *testing.T) {
	folder, golden := os.Getenv("GODWIT_SMOLLM2"), os.Getenv("GODWIT_GOLDEN")
	if folder == "" || golden == "" {
		t.Skip("GODWIT_SMOLLM2 and GODWIT_GOLDEN are not set")
	}
	text, err := os.ReadFile(filepath.Join(golden, "real", "smollm2.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Prompts []struct {
			Prompt string
			IDs    []int32 `json:"input_ids"`
			Greedy []int32 `json:"greedy_ids"`
			Text   string  `json:"greedy_text"`
		}
		Perplexity []struct {
			Text  string
			Value float64 `json:"perplexity"`
		}
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	m := open(t, folder)
	for _, p := range want.Prompts {
		list, err := godwit.Completions(m.Generate(t.Context(), p.Prompt, godwit.WithGreedy(), godwit.WithMaxTokens(len(p.Greedy)),
			godwit.WithConfig(func(c *generate.Config) { c.RepetitionPenalty = 1 })))
		if err != nil {
			t.Fatal(err)
		}
		var ids []int32
		for _, tok := range list[0].Tokens {
			ids = append(ids, tok.ID)
		}
		if !slices.Equal(ids, p.Greedy) || list[0].Text != p.Text {
			t.Errorf("%.40q: got %q, want %q", p.Prompt, list[0].Text, p.Text)
		}
	}
	for _, w := range want.Perplexity {
		p, err := m.Perplexity(t.Context(), w.Text, generate.ScoreOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(p.Value-w.Value) > 1e-4*w.Value {
			t.Errorf("perplexity %v, want %v", p.Value, w.Value)
		}
		t.Logf("perplexity %.6f, want %.6f", p.Value, w.Value)
	}
}
