package godwit_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/kernels"
	_ "github.com/godwit-ml/godwit/models/minilm"
	"github.com/godwit-ml/godwit/tensor"
)

// maxError returns the largest difference of vectors from the rows of a tensor, and the largest absolute element of it.
func maxError(t *testing.T, got [][]float32, want tensor.Tensor) (worst, scale float64) {
	t.Helper()
	if len(got) != want.NumRows() {
		t.Fatalf("%d vectors, want %d", len(got), want.NumRows())
	}
	for i, v := range got {
		if len(v) != want.Cols() {
			t.Fatalf("vector %d has %d elements, want %d", i, len(v), want.Cols())
		}
		for j, x := range v {
			w := float64(want.Row(i)[j])
			worst, scale = max(worst, math.Abs(float64(x)-w)), max(scale, math.Abs(w))
		}
	}
	return worst, scale
}

// TestEmbed compares embeddings, with each prompt, and similarities with sentence-transformers' own, computed in float64.
func TestEmbed(t *testing.T) {
	var ratios []float64
	for _, dir := range cases(t, "sentence-transformers") {
		name := filepath.Base(dir)
		c := readCase(t, dir)
		if c.Class != "SentenceTransformer" {
			continue // other tasks
		}
		t.Run(name, func(t *testing.T) {
			m, err := godwit.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			expected := readTensors(t, dir, "expected.safetensors")
			check := func(output string, got [][]float32) {
				t.Helper()
				want, ok := expected[output]
				if !ok {
					t.Fatalf("no %s in expected.safetensors", output)
				}
				worst, scale := maxError(t, got, want)
				if limit := c.tolerance("", output, scale); worst > limit {
					t.Errorf("%s: error %.3g, want at most %.3g", output, worst, limit)
				}
				ratios = append(ratios, worst/c.Noise[output])
			}
			for prompt := range c.Prompts {
				vecs, err := m.Embed(t.Context(), c.Sentences, godwit.WithPromptName(prompt))
				if err != nil {
					t.Fatal(err)
				}
				check("embeddings."+prompt, vecs)
			}
			vecs, err := m.Embed(t.Context(), c.Sentences)
			if err != nil {
				t.Fatal(err)
			}
			check("embeddings", vecs)
			check("similarity", m.Similarity(vecs, vecs))
		})
	}
	slices.Sort(ratios)
	t.Logf("%d outputs: error / noise of PyTorch in float32: median %.2f, largest %.2f", len(ratios), ratios[len(ratios)/2], ratios[len(ratios)-1])
}

// TestMiniLM compares the embeddings of the real all-MiniLM-L6-v2 with those computed in float64.
func TestMiniLM(t *testing.T) {
	golden, dir := os.Getenv("GODWIT_GOLDEN"), os.Getenv("GODWIT_MINILM")
	if golden == "" || dir == "" {
		t.Skip("needs GODWIT_MINILM, a folder with the files of all-MiniLM-L6-v2 (models/minilm/fetch.sh), and GODWIT_GOLDEN")
	}
	text, err := os.ReadFile(filepath.Join(golden, "real", "minilm.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Sentences []string `json:"sentences"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	m, err := godwit.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	vecs, err := m.Embed(t.Context(), c.Sentences)
	if err != nil {
		t.Fatal(err)
	}
	want := readTensors(t, filepath.Join(golden, "real"), "minilm.safetensors")["embeddings"]
	worst, _ := maxError(t, vecs, want)
	least := 1.0
	for i, v := range vecs {
		var dot, a, b float64
		for j, x := range v {
			w := float64(want.Row(i)[j])
			dot, a, b = dot+float64(x)*w, a+float64(x)*float64(x), b+w*w
		}
		least = min(least, dot/math.Sqrt(a*b))
	}
	if least < 0.999999 {
		t.Errorf("least cosine %.9f, want at least 0.999999", least)
	}
	t.Logf("%d sentences: least cosine %.9f, largest error %.3g", len(vecs), least, worst)
}

const plain = "testdata/models/sentence-transformers/all_modes"

func open(t testing.TB, dir string, opts ...godwit.Option) *godwit.Model {
	t.Helper()
	m, err := godwit.Open(dir, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func TestEmbedOptions(t *testing.T) {
	m := open(t, plain)
	all, err := m.Embed(t.Context(), []string{"the quick brown fox"})
	if err != nil {
		t.Fatal(err)
	}
	cut, err := m.Embed(t.Context(), []string{"the quick brown fox"}, godwit.WithDimensions(5))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cut[0], all[0][:5]) {
		t.Errorf("5 dimensions: %v, want %v", cut[0], all[0][:5])
	}
	unit, err := m.Embed(t.Context(), []string{"the quick brown fox"}, godwit.WithDimensions(5), godwit.WithNormalize())
	if err != nil {
		t.Fatal(err)
	}
	var norm, length float64
	for i := range unit[0] {
		norm += float64(unit[0][i]) * float64(unit[0][i])
		length += float64(cut[0][i]) * float64(cut[0][i])
	}
	if math.Abs(norm-1) > 1e-6 {
		t.Errorf("squared length %g, want 1", norm)
	}
	if want := cut[0][0] / float32(math.Sqrt(length)); math.Abs(float64(unit[0][0]-want)) > 1e-6 {
		t.Errorf("first element %g, want %g: cut first, then normalised", unit[0][0], want)
	}
	prompted, err := m.Embed(t.Context(), []string{"fox"}, godwit.WithPrompt("the quick brown "))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(prompted[0], all[0]) {
		t.Error("a prompt is not the same as its text before the text")
	}
	if none, err := m.Embed(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("no texts: %v, %v", none, err)
	}
	last := 0
	_, err = m.Embed(t.Context(), make([]string, 100), godwit.WithBatchSize(30), godwit.WithProgress(func(n int) { last = n }))
	if err != nil || last != 100 {
		t.Errorf("progress ends with %d, %v; want 100", last, err)
	}
}

func TestEmbedErrors(t *testing.T) {
	m := open(t, plain)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Embed(ctx, []string{"a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := m.Forward(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, c := range []struct {
		opt  godwit.EmbedOption
		want string
	}{
		{godwit.WithPromptName("nobody"), `godwit: the model has no prompt "nobody"; it has document, query`},
		{godwit.WithBatchSize(0), "godwit: the batch size is 0; want at least 1"},
		{godwit.WithDimensions(1000), "godwit: 1000 dimensions are asked for; the model has 72"},
		{godwit.WithDimensions(-1), "godwit: -1 dimensions are asked for; the model has 72"},
	} {
		if _, err := m.Embed(t.Context(), []string{"a"}, c.opt); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	m = open(t, "minilm")
	const want = `godwit: the model has no prompt "query"; it has none`
	if _, err := m.Embed(t.Context(), []string{"a"}, godwit.WithPromptName("query")); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	m = open(t, "testdata/models/bert/old_names")
	if _, err := m.Embed(t.Context(), []string{"a"}); err == nil || !strings.Contains(err.Error(), "no tokenizer") {
		t.Errorf("without a tokenizer: %v", err)
	}
}

// TestEmbedNamesTheText looks for the number of the text in errors, also beyond the texts that are tokenized at once.
func TestEmbedNamesTheText(t *testing.T) {
	files := copyFS(t, "testdata/models/sentence-transformers/legacy", func(p string) string { return p })
	embed := func(texts []string, want string) {
		t.Helper()
		m, err := godwit.OpenFS(files)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if _, err := m.Embed(t.Context(), texts); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	files["sentence_bert_config.json"].Data = []byte(`{"max_seq_length": 1}`)
	embed([]string{"a"}, "godwit: text 0: tokenizer: 2 special tokens do not fit into the limit of 1")

	var tokenizer map[string]any
	if err := json.Unmarshal(files["tokenizer.json"].Data, &tokenizer); err != nil {
		t.Fatal(err)
	}
	tokenizer["post_processor"] = nil
	text, err := json.Marshal(tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	files["tokenizer.json"].Data = text
	embed(append(slices.Repeat([]string{"fox"}, 5000), ""),
		"godwit: text 5000 has no tokens, and this model adds none: it has no embedding")
}

// TestSimilarityLengths says which vector is not like the others.
func TestSimilarityLengths(t *testing.T) {
	m := open(t, plain)
	if got := m.Similarity(nil, [][]float32{{1, 2}}); len(got) != 0 {
		t.Errorf("nothing compared: %v", got)
	}
	if got := m.Similarity([][]float32{{1, 2}}, nil); len(got) != 1 || len(got[0]) != 0 {
		t.Errorf("compared with nothing: %v", got)
	}
	for _, c := range []struct {
		a, b [][]float32
		want string
	}{
		{[][]float32{{1, 2}}, [][]float32{{1, 2}, {1}}, "godwit: Similarity: b[1] has 1 numbers, and the first vector 2"},
		{[][]float32{{1, 2}, {1, 2, 3}}, nil, "godwit: Similarity: a[1] has 3 numbers, and the first vector 2"},
	} {
		func() {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("got %v, want %s", got, c.want)
				}
			}()
			m.Similarity(c.a, c.b)
		}()
	}
}

// TestEmbedStops cancels between two batches.
func TestEmbedStops(t *testing.T) {
	m := open(t, plain)
	ctx, cancel := context.WithCancel(t.Context())
	var done []int
	_, err := m.Embed(ctx, make([]string, 100), godwit.WithBatchSize(10), godwit.WithProgress(func(n int) {
		if done = append(done, n); n == 30 {
			cancel()
		}
	}))
	if !errors.Is(err, context.Canceled) || !slices.Equal(done, []int{10, 20, 30}) {
		t.Errorf("%v after %v", err, done)
	}
}

// TestDecoderEmbedding: where nothing says how a decoder's tokens are pooled, the last one is the embedding.
func TestDecoderEmbedding(t *testing.T) {
	files := copyFS(t, "testdata/models/llama/yarn", func(p string) string { return p })
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		text, err := os.ReadFile("testdata/models/sentence-transformers/legacy/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	m, err := godwit.OpenFS(files)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const text = "the quick brown fox"
	vecs, err := m.Embed(t.Context(), []string{text})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := m.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	ids, err := tok.AppendIDs(nil, text, m.Info().MaxTokens)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.Forward(t.Context(), map[string]tensor.Tensor{"input_ids": {DType: tensor.I32, Shape: []int{1, len(ids)}, Raw: int32s(ids)}})
	if err != nil {
		t.Fatal(err)
	}
	h := out["last_hidden_state"].Data
	if want := h[len(h)-24:]; !slices.Equal(vecs[0], want) {
		t.Errorf("the embedding is %v, the last token's hidden state %v", vecs[0], want)
	}
}

// int32s returns integers as the bytes of a tensor.
func int32s(v []int32) []byte {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(x))
	}
	return raw
}

// TestForeignTokenizer embeds with a tokenizer that has more tokens than the model.
func TestForeignTokenizer(t *testing.T) {
	files := copyFS(t, "testdata/models/sentence-transformers/legacy", func(p string) string { return p })
	delete(files, "tokenizer.json")
	words := strings.Repeat("[PAD]\n", 100) + "[UNK]\n[CLS]\n[SEP]\n[MASK]\nfox\n"
	files["vocab.txt"] = &fstest.MapFile{Data: []byte(words)}
	m, err := godwit.OpenFS(files)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const want = "godwit: the tokenizer does not fit the model: input_ids holds 101; the vocabulary has 60 tokens"
	if _, err := m.Embed(t.Context(), []string{"fox"}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestEmbedDoesNotAllocate(t *testing.T) {
	texts := []string{"the quick brown fox", "jumps", "over the lazy dog. how do i bake bread?", "", strings.Repeat("Ünïcode 世界 ", 20)}
	names := []string{plain, "testdata/models/sentence-transformers/dense_residual", "minilm"}
	if set, err := kernels.Default(); testing.Short() && err == nil && set.Name() == "generic" {
		names = names[:2] // half a minute in pure Go
	}
	for _, name := range names {
		m := open(t, name, godwit.WithThreads(2))
		embed := func() {
			if _, err := m.Embed(t.Context(), texts, godwit.WithNormalize(), godwit.WithPrompt("")); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			embed()
		}
		// The vectors and the slice of them, and the two options.
		if n := testing.AllocsPerRun(5, embed); n > 4 {
			t.Errorf("%s: %g allocations, want 4", name, n)
		}
	}
}

// TestSameBits computes the same texts in many ways.
func TestSameBits(t *testing.T) {
	texts := make([]string, 0, 120)
	words := strings.Fields("the quick brown fox jumps over lazy dog how do i bake bread at home cat query : search")
	for i := range cap(texts) {
		var s []string
		for j := range i % 23 {
			s = append(s, words[(i*7+j*j)%len(words)])
		}
		texts = append(texts, strings.Join(s, " "))
	}
	want, err := open(t, plain, godwit.WithThreads(1)).Embed(t.Context(), texts, godwit.WithBatchSize(1))
	if err != nil {
		t.Fatal(err)
	}
	reversed := slices.Clone(texts)
	slices.Reverse(reversed)
	type way struct {
		name string
		opt  godwit.Option
	}
	ways := []way{{"1 thread", godwit.WithThreads(1)}, {"2 threads", godwit.WithThreads(2)}, {"5 threads", godwit.WithThreads(5)}}
	for _, set := range kernels.Sets() {
		x := kernels.New(set, 2)
		defer x.Close()
		ways = append(ways, way{set.Name(), godwit.WithExec(x)})
	}
	for _, way := range ways {
		m := open(t, plain, way.opt)
		for _, batch := range []int{1, 7, 64} {
			for _, order := range [][]string{texts, reversed} {
				got, err := m.Embed(t.Context(), order, godwit.WithBatchSize(batch))
				if err != nil {
					t.Fatal(err)
				}
				if &order[0] == &reversed[0] {
					slices.Reverse(got)
				}
				for i := range got {
					if !slices.Equal(got[i], want[i]) {
						t.Fatalf("%s, batch %d: text %d differs", way.name, batch, i)
					}
				}
			}
		}
	}
}

// BenchmarkEmbed embeds 32 texts of 128 tokens by all-MiniLM-L6-v2.
func BenchmarkEmbed(b *testing.B) {
	m := open(b, "minilm", godwit.WithThreads(1))
	texts := slices.Repeat([]string{strings.Repeat("the quick brown fox jumps over the lazy dog ", 14)}, 32)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Embed(b.Context(), texts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*32/b.Elapsed().Seconds(), "texts/s")
}

// TestEmbedDecoder makes a sentence-transformers repository of a decoder, as Qwen3-Embedding is one: the vector of a text is that
// of its last token. Without one it is the same, but not of length 1.
func TestEmbedDecoder(t *testing.T) {
	files := wordModel(t)
	plain := openFS(t, files)
	for name, text := range map[string]string{
		"modules.json": `[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
			{"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
			{"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]`,
		"1_Pooling/config.json": `{"word_embedding_dimension": 24, "pooling_mode_mean_tokens": false, "pooling_mode_lasttoken": true}`,
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	m := openFS(t, files)
	texts := []string{"w9 w17 w4", "w30", "w1 w2 w3 w4 w5 w6"}
	vecs, err := m.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	long, err := plain.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i, ids := range [][]int64{{9, 17, 4}, {30}, {1, 2, 3, 4, 5, 6}} {
		out, err := m.Forward(t.Context(), map[string]tensor.Tensor{"input_ids": tensor.FromInt64(ids, 1, len(ids))})
		if err != nil {
			t.Fatal(err)
		}
		hidden := out["last_hidden_state"]
		last := hidden.Data[len(hidden.Data)-len(vecs[i]):]
		if !slices.Equal(long[i], last) {
			t.Errorf("%q: not the last token's vector", texts[i])
		}
		norm := 0.0
		for _, v := range last {
			norm += float64(v) * float64(v)
		}
		for j, v := range vecs[i] {
			if want := float64(last[j]) / math.Sqrt(norm); math.Abs(float64(v)-want) > 1e-6 {
				t.Fatalf("%q: element %d is %v, want %v", texts[i], j, v, want)
			}
		}
	}
}
