package minilm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/models/minilm"
	"github.com/godwit-ml/godwit/tensor"
)

func open(t testing.TB, opts ...godwit.Option) *godwit.Model {
	t.Helper()
	m, err := godwit.OpenFS(minilm.FS, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// needSIMD skips a test that takes minutes on the pure-Go Set.
func needSIMD(t *testing.T) {
	t.Helper()
	if set, err := kernels.Default(); err == nil && set.Name() == "generic" {
		t.Skip("the pure-Go Set would take minutes; TestSets compares its bits with the others'")
	}
}

func embed(t testing.TB, m *godwit.Model, texts []string, opts ...godwit.EmbedOption) [][]float32 {
	t.Helper()
	vecs, err := m.Embed(context.Background(), texts, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if len(vecs) != len(texts) {
		t.Fatalf("%d vectors for %d texts", len(vecs), len(texts))
	}
	return vecs
}

// dot is the inner product in float64: of unit vectors, the cosine.
func dot(a, b []float32) float64 {
	var s float64
	for i, x := range a {
		s += float64(x) * float64(b[i])
	}
	return s
}

// best returns the index of the passage that is most like the query.
func best(query []float32, passages [][]float32) int {
	top := 0
	for i, p := range passages {
		if dot(query, p) > dot(query, passages[top]) {
			top = i
		}
	}
	return top
}

// rows returns the rows of a tensor of a safetensors file.
func rows(t *testing.T, dir, file, name string) [][]float32 {
	t.Helper()
	w, err := loader.OpenFile(os.DirFS(dir), file)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	v, ok := w.View(name)
	if !ok {
		t.Fatalf("%s has no tensor %s", file, name)
	}
	all := tensor.FromFloat32(v.Float32(), v.Shape...)
	r := make([][]float32, all.NumRows())
	for i := range r {
		r[i] = all.Row(i)
	}
	return r
}

// checkCosines holds vectors against those of the original in float32. The bounds are what quantisation may cost.
func checkCosines(t *testing.T, got, want [][]float32, texts []string) {
	t.Helper()
	const each, mean = 0.998, 0.9995
	sum, low := 0.0, 1.0
	for i := range want {
		c := dot(got[i], want[i])
		if !(c >= each) {
			t.Errorf("cosine %.5f to the original for %q", c, texts[i])
		}
		sum += c
		low = min(low, c)
	}
	if m := sum / float64(len(want)); !(m >= mean) {
		t.Errorf("mean cosine to the original %.5f, want at least %g", m, mean)
	}
	t.Logf("cosine to the original: at least %.5f, mean %.5f", low, sum/float64(len(want)))
}

type texts struct{ Passages, Queries []string }

func readTexts(t *testing.T) (r texts) {
	t.Helper()
	b, err := os.ReadFile("testdata/texts.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRetrieval compares with sentence-transformers on the original weights (testdata/make.py): the vectors, and that every
// query finds the same passage.
func TestRetrieval(t *testing.T) {
	needSIMD(t)
	in := readTexts(t)
	m := open(t)
	passages, queries := embed(t, m, in.Passages), embed(t, m, in.Queries)
	wantPassages := rows(t, "testdata", "reference.safetensors", "passages")
	wantQueries := rows(t, "testdata", "reference.safetensors", "queries")
	checkCosines(t, passages, wantPassages, in.Passages)
	checkCosines(t, queries, wantQueries, in.Queries)
	for i, q := range in.Queries {
		if got, want := best(queries[i], passages), best(wantQueries[i], wantPassages); got != want {
			t.Errorf("%s\n found %s\n want  %s", q, in.Passages[got], in.Passages[want])
		}
	}
}

// TestGolden compares with the original on sentences in many languages and scripts.
func TestGolden(t *testing.T) {
	needSIMD(t)
	dir := os.Getenv("GODWIT_GOLDEN")
	if dir == "" {
		t.Skip("GODWIT_GOLDEN is not set: no reference data beyond testdata")
	}
	dir = filepath.Join(dir, "real")
	b, err := os.ReadFile(filepath.Join(dir, "minilm.json"))
	if err != nil {
		t.Fatal(err)
	}
	var in struct{ Sentences []string }
	if err := json.Unmarshal(b, &in); err != nil {
		t.Fatal(err)
	}
	checkCosines(t, embed(t, open(t), in.Sentences), rows(t, dir, "minilm.safetensors", "embeddings"), in.Sentences)
}

// hash returns a hash of the bits of vectors.
func hash(vecs [][]float32) string {
	h := fnv.New128a()
	for _, v := range vecs {
		for _, x := range v {
			u := math.Float32bits(x)
			h.Write([]byte{byte(u), byte(u >> 8), byte(u >> 16), byte(u >> 24)})
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// TestSameBits is the promise of the package comment of godwit: the number of threads, the batch, the order and the
// instruction set do not show in a single bit.
func TestSameBits(t *testing.T) {
	needSIMD(t)
	in := readTexts(t)
	all := slices.Concat(in.Passages, in.Queries, []string{"", "cat", strings.Join(in.Passages, " ")})
	for i := range 40 {
		all = append(all, in.Passages[i]+" "+in.Passages[(7*i+3)%40])
	}
	m := open(t)
	want := embed(t, m, all)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, threads := range []int{1, 2, 5} {
		m := open(t, godwit.WithThreads(threads))
		for _, batch := range []int{1, 7, 64} {
			if testing.Short() && threads+batch > 9 {
				continue
			}
			if got := embed(t, m, all, godwit.WithBatchSize(batch)); hash(got) != hash(want) {
				t.Errorf("%d threads, batches of %d: hash %s, want %s", threads, batch, hash(got), hash(want))
			}
		}
		order := rng.Perm(len(all))
		shuffled, sorted := make([]string, len(all)), make([][]float32, len(all))
		for i, j := range order {
			shuffled[i] = all[j]
		}
		for i, v := range embed(t, m, shuffled) {
			sorted[order[i]] = v
		}
		if hash(sorted) != hash(want) {
			t.Errorf("%d threads, another order: hash %s, want %s", threads, hash(sorted), hash(want))
		}
	}
	t.Logf("%d texts: hash %s", len(all), hash(want))
}

// The hashes of what TestSets embeds: of all its words, and of the first five. They are the same on every machine, and change
// only together with the model or a definition in docs/KERNELS.md.
const (
	setsHash  = "7699e6163eea477aaaf3892234ab6a06"
	setsHash5 = "d9ee704e688b38441d2e7ee77ab831c1"
)

// TestSets embeds 100 words on every instruction set of this machine. They are words, as the pure-Go Set computes each
// multiply-add exactly, by way of float64, and is some hundred times slower than the others.
func TestSets(t *testing.T) {
	in := readTexts(t)
	words := strings.Fields(strings.Join(in.Passages, " "))[:100]
	for _, set := range kernels.Sets() {
		n := len(words)
		if testing.Short() && set.Name() == "generic" {
			n = 5
		}
		x := kernels.New(set, 2)
		got := embed(t, open(t, godwit.WithExec(x)), words[:n])
		x.Close()
		if n == len(words) && hash(got) != setsHash {
			t.Errorf("%s: hash %s, want %s", set.Name(), hash(got), setsHash)
		}
		// The same on a part, so that the short test compares the Sets as well.
		if h := hash(got[:5]); h != setsHash5 {
			t.Errorf("%s: hash of the first words %s, want %s", set.Name(), h, setsHash5)
		}
	}
}

func TestNames(t *testing.T) {
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	for _, name := range []string{minilm.Name, minilm.Origin} {
		m, err := godwit.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		info := m.Info()
		m.Close()
		if info.Dimensions != 384 || info.MaxTokens != 256 {
			t.Errorf("%s: %d dimensions, %d tokens", name, info.Dimensions, info.MaxTokens)
		}
	}
	if _, err := fs.Stat(minilm.FS, "LICENSE"); err != nil {
		t.Error("the licence is not beside the model: ", err)
	}
}

func BenchmarkOpen(b *testing.B) {
	for range b.N {
		m, err := godwit.OpenFS(minilm.FS)
		if err != nil {
			b.Fatal(err)
		}
		m.Close()
	}
}

// BenchmarkEmbed measures texts a second: one short query at a time, and many passages at once.
func BenchmarkEmbed(b *testing.B) {
	passage := "A transformer layer consists of self-attention followed by a feed-forward network, each with a residual connection."
	for _, n := range []int{1, 32} {
		b.Run(fmt.Sprintf("texts=%d", n), func(b *testing.B) {
			m := open(b)
			batch := slices.Repeat([]string{passage}, n)
			b.ResetTimer()
			for range b.N {
				embed(b, m, batch)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "texts/s")
		})
	}
}
