package search

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// bag is an Embedder whose vectors count words, so that a test knows what is close to what.
type bag struct {
	dims  int
	texts []string // embedded so far
	fail  error    // what EmbedPassages returns once texts has failAt
	after int
}

func (b *bag) EmbedPassages(ctx context.Context, texts []string) ([][]float32, error) {
	if b.fail != nil && len(b.texts)+len(texts) > b.after {
		return nil, b.fail
	}
	var out [][]float32
	for _, t := range texts {
		b.texts = append(b.texts, t)
		v := make([]float32, b.dims)
		for _, w := range strings.FieldsFunc(strings.ToLower(t), func(r rune) bool { return r < 'a' || r > 'z' }) {
			h := fnv.New32a()
			h.Write([]byte(w))
			v[h.Sum32()%uint32(b.dims)]++
		}
		out = append(out, v)
	}
	return out, ctx.Err()
}

func (b *bag) EmbedQuery(ctx context.Context, q string) ([]float32, error) {
	v, err := (&bag{dims: b.dims}).EmbedPassages(ctx, []string{q})
	if err != nil {
		return nil, err
	}
	return v[0], nil
}

func (b *bag) CountTokens(s string) int { return words(s) }
func (b *bag) MaxTokens() int           { return 64 }

// write writes a file whose time is far enough in the past to be trusted.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

// search runs one search with an index file, and returns the note, how many passages were embedded, and the hits.
func search(t *testing.T, index, query string, b *bag, paths ...string) (note string, embedded int, hits []string) {
	t.Helper()
	ctx := context.Background()
	x, note, err := Open(ctx, index, b)
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files(paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x.Update(ctx, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Save(); err != nil {
		t.Fatal(err)
	}
	found, err := x.Query(ctx, query, Options{Top: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range found {
		hits = append(hits, fmt.Sprintf("%.3f %s:%d-%d [%s] %s", h.Score, filepath.Base(h.Path), h.Line, h.EndLine, h.Heading, h.Text))
	}
	return note, c.Embedded, hits
}

func TestIndex(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "docs", "a.md"), filepath.Join(dir, "docs", "b.txt")
	index := filepath.Join(dir, "index")
	write(t, a, "# Requests\n\ncancel a request\n\n# Other\nbirds fly south\n")
	write(t, b, "\ncancel the order\n")
	e := &bag{dims: 512}
	want := []string{"0.866 a.md:3-3 [Requests] cancel a request", "0.333 b.txt:2-2 [] cancel the order"}
	check := func(step string, wantEmbedded int, wantNote string, want []string) {
		t.Helper()
		note, n, hits := search(t, index, "cancel a request", e, filepath.Join(dir, "docs"))
		if n != wantEmbedded || note != wantNote || !slices.Equal(hits, want) {
			t.Fatalf("%s: embedded %d want %d\nnote %q want %q\ngot  %q\nwant %q", step, n, wantEmbedded, note, wantNote, hits, want)
		}
	}
	check("first", 3, "", want)
	before, _ := os.ReadFile(index)
	check("second", 0, "", want)
	if after, _ := os.ReadFile(index); !bytes.Equal(before, after) {
		t.Error("a search that changed nothing wrote another index")
	}
	write(t, b, "\ncancel the order now please\n")
	check("changed", 1, "", []string{want[0], "0.258 b.txt:2-2 [] cancel the order now please"})
	if err := os.Rename(a, filepath.Join(dir, "docs", "c.md")); err != nil {
		t.Fatal(err)
	}
	check("renamed", 0, "", []string{strings.Replace(want[0], "a.md", "c.md", 1), "0.258 b.txt:2-2 [] cancel the order now please"})
	if err := os.Remove(filepath.Join(dir, "docs", "c.md")); err != nil {
		t.Fatal(err)
	}
	check("removed", 0, "", []string{"0.258 b.txt:2-2 [] cancel the order now please"})
	// The same size and time, but the time is fresh: the content decides.
	if err := os.WriteFile(b, []byte("\ncancel the order yes please\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	check("fresh", 1, "", []string{"0.258 b.txt:2-2 [] cancel the order yes please"})
	if err := os.WriteFile(b, []byte("\ncancel the order no! please\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	check("fresh again", 1, "", []string{"0.258 b.txt:2-2 [] cancel the order no! please"})

	e = &bag{dims: 256}
	check("another model", 1, "the index "+index+" is made again: it was made with another model or version",
		[]string{"0.258 b.txt:2-2 [] cancel the order no! please"})
	raw, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	write(t, index, string(raw))
	check("a bit flipped", 1, "the index "+index+" is made again: it is damaged: its checksum differs",
		[]string{"0.258 b.txt:2-2 [] cancel the order no! please"})
	write(t, index, "my novel\n")
	if _, _, err := Open(context.Background(), index, e); err == nil || err.Error() != index+": is a text, not a search index; name another file" {
		t.Errorf("a text: %v", err)
	}
	write(t, index, "my sound\x00")
	check("not an index", 1, index+" is not a search index; it will be kept as index.bak", []string{"0.258 b.txt:2-2 [] cancel the order no! please"})
	if kept, _ := os.ReadFile(index + ".bak"); string(kept) != "my sound\x00" {
		t.Errorf("the file that was no index is now %q", kept)
	}
	write(t, index, "my sound, part two\x00")
	if _, _, err := Open(context.Background(), index, e); err == nil || err.Error() != index+": is not a search index; name another file" {
		t.Errorf("with a .bak in the way: %v", err)
	}
}

// TestIndexDamaged cuts and changes an index file at every byte: it is used as it was, or made again.
func TestIndexDamaged(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.txt")
	index := filepath.Join(dir, "index")
	write(t, file, "one two\n")
	e := &bag{dims: 4}
	search(t, index, "one", e, file)
	want := []Hit{{Path: "a.txt", Passage: Passage{End: 7, Line: 1, EndLine: 1}, Score: 0.70710677, Text: "one two"}}
	good, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		for _, bad := range [][]byte{good[:i], append(append(slices.Clone(good[:i]), good[i]^0x55), good[i+1:]...)} {
			if err := os.WriteFile(index, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			x, _, err := Open(context.Background(), index, e)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := x.Update(context.Background(), []string{file}, nil); err != nil {
				t.Fatal(err)
			}
			got, err := x.Query(context.Background(), "one", Options{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				got[i].Path = "a.txt"
			}
			if !slices.Equal(got, want) {
				t.Fatalf("byte %d of %d: got %+v want %+v", i, len(good), got, want)
			}
		}
	}
}

func TestIndexInterrupted(t *testing.T) {
	dir := t.TempDir()
	index := filepath.Join(dir, "index")
	for i := range 4 {
		write(t, filepath.Join(dir, fmt.Sprintf("%d.txt", i)), strings.Repeat(strings.Repeat("word ", 60)+"\n\n", flushAt/2)+fmt.Sprint(i))
	}
	files, err := Files([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := &bag{dims: 4, fail: context.Canceled, after: flushAt + 1}
	x, _, err := Open(context.Background(), index, e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Update(context.Background(), files, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if err := x.Save(); err != nil {
		t.Fatal(err)
	}
	if hits, err := x.Query(context.Background(), "word", Options{}); len(hits) != 0 || err != nil {
		t.Errorf("after an interrupted Update: %d hits, %v", len(hits), err)
	}
	e = &bag{dims: 4}
	if _, n, _ := search(t, index, "word", e, append(files, index)...); n != flushAt {
		t.Errorf("%d passages were embedded, want %d", n, flushAt)
	}
}

// TestIndexShared lets several searches with one index file run at once: each is right, and the file is whole at the end.
func TestIndexShared(t *testing.T) {
	dir := t.TempDir()
	index := filepath.Join(dir, "index")
	var files []string
	for i := range 6 {
		files = append(files, filepath.Join(dir, fmt.Sprintf("%d.txt", i)))
		write(t, files[i], fmt.Sprintf("number%c is here\n", 'a'+i))
	}
	var wg sync.WaitGroup
	for i := range files {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 5 {
				note, _, hits := search(t, index, fmt.Sprintf("number%c", 'a'+i), &bag{dims: 512}, files[:i+1]...)
				if note != "" || len(hits) == 0 || !strings.Contains(hits[0], fmt.Sprintf("%d.txt", i)) {
					t.Errorf("search %d: note %q, hits %q", i, note, hits)
				}
			}
		}()
	}
	wg.Wait()
	if left, _ := filepath.Glob(filepath.Join(dir, "index?*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.md", "a/README", "a/x.go", "a/x.bin", ".git/config", "node_modules/x.js", ".hidden.md", "a/.github/w.yml"} {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), "x")
	}
	got, err := Files([]string{dir, filepath.Join(dir, "a", "x.bin"), filepath.Join(dir, "a")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i], _ = filepath.Rel(dir, got[i])
		got[i] = filepath.ToSlash(got[i])
	}
	if want := []string{"a/README", "a/x.bin", "a/x.go", "b.md"}; !slices.Equal(got, want) {
		t.Errorf("got %q want %q", got, want)
	}
	missing := filepath.Join(dir, "nothing")
	if _, err := Files([]string{missing}, nil); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), missing+": ") {
		t.Errorf("got %v", err)
	}
}

func TestUpdateSkips(t *testing.T) {
	dir := t.TempDir()
	binary, latin := filepath.Join(dir, "a.txt"), filepath.Join(dir, "b.txt")
	gone, large := filepath.Join(dir, "c.txt"), filepath.Join(dir, "d.txt")
	write(t, binary, "a\x00b")
	write(t, latin, "caf\xe9")
	write(t, large, "")
	if err := os.Truncate(large, MaxFileSize+1); err != nil {
		t.Fatal(err)
	}
	x, err := New(context.Background(), &bag{dims: 8})
	if err != nil {
		t.Fatal(err)
	}
	c, err := x.Update(context.Background(), []string{binary, latin, gone, large}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c.Skipped[0], c.Skipped[1], c.Skipped[3]), fmt.Sprint(Skipped{binary, "binary"},
		Skipped{latin, "not UTF-8 text"}, Skipped{large, "larger than 16 MiB"}); got != want {
		t.Errorf("got %s want %s", got, want)
	}
	if c.Skipped[2].Path != gone || c.Files != 0 {
		t.Errorf("got %+v", c)
	}
}

func TestQueryOrder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.txt")
	long := strings.Repeat("x ", 64)
	write(t, file, "same\n\n"+long+"\n\nsame\n\n"+long+"\n\nother thing\n")
	x, err := New(context.Background(), &bag{dims: 512})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Update(context.Background(), []string{file}, nil); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		opt  Options
		want string
	}{
		{Options{}, "1 5 3 7 9"}, {Options{Top: 1}, "1"}, {Options{Top: 2}, "1 5"}, {Options{Top: 3}, "1 5 3"},
		{Options{MinScore: 0.5}, "1 5"}, {Options{MinScore: 2}, ""},
	} {
		hits, err := x.Query(context.Background(), "same", tt.opt)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range hits {
			got = append(got, fmt.Sprint(h.Line))
		}
		if g := strings.Join(got, " "); g != tt.want {
			t.Errorf("%+v: lines %q want %q", tt.opt, g, tt.want)
		}
	}
}

// FuzzIndex gives load lists of files and vectors that passed the checksum: it fills the Index with entries that are fit
// for use, or says that the index is damaged.
func FuzzIndex(f *testing.F) {
	good, err := json.Marshal([]fileRecord{{Path: "a", Size: 9, SHA256: strings.Repeat("0a", 32), Passages: []passageRecord{{0, 4, 1, 1, "h"}, {4, 9, 1, 2, ""}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, uint8(8), uint8(4))
	f.Add([]byte("null"), uint8(0), uint8(4))
	f.Add([]byte(`[{"path":"a","passages":[{"start":-1,"end":99}]}]`), uint8(0), uint8(4))
	f.Fuzz(func(t *testing.T, list []byte, n, dims uint8) {
		x, err := New(context.Background(), &bag{dims: 4})
		if err != nil {
			t.Fatal(err)
		}
		if x.load(list, make([]float32, n), int(dims)) != nil {
			return
		}
		for _, e := range x.entries {
			x.active = append(x.active, e)
		}
		hits, err := x.Query(context.Background(), "q", Options{MinScore: -1})
		if err != nil || len(hits) != int(n)/4 {
			t.Fatalf("%d hits, %v", len(hits), err)
		}
	})
}

// FuzzIndexFile reads any bytes as an index file.
func FuzzIndexFile(f *testing.F) {
	var buf bytes.Buffer
	err := loader.Write(&buf, map[string]tensor.Tensor{
		"files":      {DType: tensor.U8, Shape: []int{2}, Raw: []byte("[]")},
		"embeddings": tensor.New(0, 4),
	}, map[string]string{"format": formatName, "model": "", "sha256": checksum([]byte("[]"), nil)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add(buf.Bytes()[:20])
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(dir, "index")
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		x, err := New(context.Background(), &bag{dims: 4})
		if err != nil {
			t.Fatal(err)
		}
		x.model = ""
		if err := x.read(file, int64(len(data))); err == nil && len(x.entries) > 0 {
			t.Fatalf("%d entries", len(x.entries))
		}
	})
}

// BenchmarkQuery compares a query with ten thousand passages of 384 dimensions.
func BenchmarkQuery(b *testing.B) {
	x := &Index{embedder: &bag{dims: 384}, dims: 384}
	e := &entry{passages: make([]Passage, 10000), vectors: make([]float32, 10000*384)}
	for i := range e.vectors {
		e.vectors[i] = float32(i%97) / 97
	}
	x.active = []*entry{e}
	for b.Loop() {
		if _, err := x.Query(context.Background(), "word", Options{Top: 5}); err != nil {
			b.Fatal(err)
		}
	}
}
