package godwit_test

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/tensor"
)

// TestNothingToAttend runs every model on a batch whose mask hides a sequence, then everything.
func TestNothingToAttend(t *testing.T) {
	for _, dir := range cases(t, "bert", "roberta", "xlm-roberta", "camembert", "distilbert", "mpnet") {
		m := open(t, dir)
		for _, mask := range [][]int64{{0, 0, 1, 1}, {0, 0, 0, 0}} {
			out, err := m.Forward(t.Context(), map[string]tensor.Tensor{
				"input_ids": tensor.FromInt64([]int64{4, 5, 6, 7}, 2, 2), "attention_mask": tensor.FromInt64(mask, 2, 2)})
			if err != nil {
				t.Fatalf("%s: %v", dir, err)
			}
			for name, o := range out {
				for i, v := range o.Data {
					if v != v {
						t.Fatalf("%s: mask %v: %s: element %d is NaN", dir, mask, name, i)
					}
				}
			}
			if h := out["last_hidden_state"]; slices.ContainsFunc(h.Data[:2*h.Cols()], func(v float32) bool { return v != 0 }) {
				t.Errorf("%s: hidden states of masked tokens are not 0", dir)
			}
		}
	}
}

// TestConcurrentEmbed embeds from several goroutines at once by one model.
func TestConcurrentEmbed(t *testing.T) {
	m := open(t, plain, godwit.WithThreads(2))
	texts := []string{"the quick brown fox", "jumps", "over the lazy dog. how do i bake bread?", ""}
	want, err := m.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				got, err := m.Embed(t.Context(), texts)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range got {
					if !slices.Equal(got[i], want[i]) {
						t.Errorf("text %d differs", i)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// copyFS returns the files of a folder, with another name for each.
func copyFS(t *testing.T, dir string, rename func(string) string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	fsys := os.DirFS(dir)
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, p)
		files[rename(p)] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestOldLayout opens a repository as sentence-transformers wrote them at first, the transformer in a folder of its own, and
// one that has its text lower-cased although its tokenizer does not ask for it.
func TestOldLayout(t *testing.T) {
	const dir = "testdata/models/sentence-transformers/legacy"
	texts := []string{"The Quick brown fox", "THE LAZY DOG"}
	want, err := open(t, dir).Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	files := copyFS(t, dir, func(p string) string {
		if path.Dir(p) == "." && p != "modules.json" && p != "config_sentence_transformers.json" {
			return "0_Transformer/" + p
		}
		return p
	})
	edit := func(name, old, new string) {
		t.Helper()
		text := string(files[name].Data)
		if !strings.Contains(text, old) {
			t.Fatalf("%s does not hold %s", name, old)
		}
		files[name].Data = []byte(strings.Replace(text, old, new, 1))
	}
	edit("modules.json", `"path": ""`, `"path": "0_Transformer"`)
	check := func(same bool) {
		t.Helper()
		m, err := godwit.OpenFS(files)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		got, err := m.Embed(t.Context(), texts)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if slices.Equal(got[i], want[i]) != same {
				t.Errorf("text %d is the same: %v, want %v", i, !same, same)
			}
		}
	}
	check(true)
	edit("0_Transformer/tokenizer.json", `"lowercase": true`, `"lowercase": false`)
	check(false)
	edit("0_Transformer/sentence_bert_config.json", `"do_lower_case": false`, `"do_lower_case": true`)
	check(true)
}
