package tiny_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"testing"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/generate"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/models/tiny"
)

// story is what seed 1 gives, on every instruction set and for any number of threads.
const story = " it would be, for he was in his own way. So the boy bowed himself in his room, and the flowers was so hard that he " +
	"should have found himself. But one day he did not believe that his heart was slight. So they came to the other inscriptions"

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

// TestPerplexity compares the loss of a sentence with what transformers 5.23 computes in float64 from the same weights.
func TestPerplexity(t *testing.T) {
	m, err := godwit.Open(tiny.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := m.Perplexity(context.Background(), "The little mermaid swam to the castle of the prince.", generate.ScoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const want, tokens = 2.454519510269165, 14
	if len(p.IDs) != tokens || math.Abs(p.Mean-want) > 1e-5*want {
		t.Errorf("%d tokens with a loss of %v, want %d and %v", len(p.IDs), p.Mean, tokens, want)
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
