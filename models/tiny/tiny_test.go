package tiny_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/generate"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/models/tiny"
	"github.com/godwit-ml/godwit/tensor"
)

// story is what seed 1 gives, on every instruction set and for any number of threads.
const story = " it would be, for he was in his own way. So the boy bowed himself in his room, and the flowers was so hard that " +
	"he should have found himself. But one day he did not believe that his heart was slight. So they came to the other inscriptions"

func TestSets(t *testing.T) {
	for _, set := range kernels.Sets() {
		for _, threads := range []int{1, 2, 5} {
			x := kernels.New(set, threads)
			m, err := godwit.OpenFS(tiny.FS, godwit.WithExec(x))
			if err != nil {
				t.Fatal(err)
			}
			got, err := godwit.Text(m.Generate(context.Background(), "Once upon a time", godwit.WithSeed(1), godwit.WithMaxTokens(64)))
			if err != nil {
				t.Fatal(err)
			}
			if got != story {
				t.Errorf("%s, %d threads:\n got %q\nwant %q", set.Name(), threads, got, story)
			}
			m.Close()
			x.Close()
		}
	}
}

// reference is what testdata/make.py wrote.
type reference struct {
	Prompts []struct {
		Text      string
		IDs       []int64
		Logits    []float64 // after the prompt, in float64
		Noise     float64   // the error of PyTorch in float32
		New       []int32   // the ids that follow
		Continued string    // and their text
	}
	Passage struct {
		Text   string
		Tokens int
		Loss   float64
	}
}

func readReference(t *testing.T) (r reference) {
	t.Helper()
	b, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReference compares ids, logits and greedy texts with those of Transformers.
func TestReference(t *testing.T) {
	m, err := godwit.OpenFS(tiny.FS)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	tok, err := m.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range readReference(t).Prompts {
		ids, err := tok.AppendIDs(nil, want.Text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(ids, want.IDs, func(a int32, b int64) bool { return int64(a) == b }) {
			t.Errorf("%q is %v, want %v", want.Text, ids, want.IDs)
		}
		out, err := m.Forward(t.Context(), map[string]tensor.Tensor{"input_ids": tensor.FromInt64(want.IDs, 1, len(want.IDs))})
		if err != nil {
			t.Fatal(err)
		}
		logits := out["logits"].Row(len(want.IDs) - 1)
		if len(logits) != len(want.Logits) {
			t.Fatalf("%d logits, want %d", len(logits), len(want.Logits))
		}
		most := 0.0
		for i, w := range want.Logits {
			d := math.Abs(float64(logits[i]) - w)
			if most = max(most, d); !(d <= 4*want.Noise) {
				t.Errorf("%q: logit %d is %v, want %v", want.Text, i, logits[i], w)
			}
		}
		t.Logf("%q: logits are at most %.1e off, those of PyTorch %.1e", want.Text, most, want.Noise)
		list, err := godwit.Completions(m.Generate(t.Context(), want.Text, godwit.WithGreedy(), godwit.WithMaxTokens(len(want.New))))
		if err != nil {
			t.Fatal(err)
		}
		var got []int32
		for _, k := range list[0].Tokens {
			got = append(got, k.ID)
		}
		if !slices.Equal(got, want.New) || list[0].Text != want.Continued {
			t.Errorf("%q goes on with %v %q\nwant %v %q", want.Text, got, list[0].Text, want.New, want.Continued)
		}
	}
}

// TestPerplexity compares the loss of a passage that training has not seen with that of Transformers in float64.
func TestPerplexity(t *testing.T) {
	m, err := godwit.Open(tiny.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want := readReference(t).Passage
	p, err := m.Perplexity(t.Context(), want.Text, generate.ScoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.IDs) != want.Tokens || !(math.Abs(p.Mean-want.Loss) <= 1e-6*want.Loss) {
		t.Errorf("%d tokens with a loss of %v, want %d with %v", len(p.IDs), p.Mean, want.Tokens, want.Loss)
	}
}

func TestFS(t *testing.T) {
	size := 0
	err := fs.WalkDir(tiny.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(tiny.FS, path)
		size += len(b)
		return err
	})
	if err != nil || size == 0 || size > 1_000_000 {
		t.Errorf("the files have %d bytes (%v), want at most 1 MB", size, err)
	}
	lender, ok := tiny.FS.(interface{ Bytes(string) ([]byte, error) })
	if !ok {
		t.Fatal("the files lend no bytes")
	}
	if _, err := lender.Bytes("config.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("bytes of config.json: %v", err)
	}
}

func Example() {
	m, err := godwit.Open("tiny")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	text, err := godwit.Text(m.Generate(context.Background(), "Once upon a time", godwit.WithGreedy(), godwit.WithMaxTokens(28)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("Once upon a time" + text)
	// Output: Once upon a time, he had been a great deal of the world, and the miller's wife, who had been a very good thing.
}
