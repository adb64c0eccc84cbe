package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/tensor"
)

const tiny = "testdata/tiny"

// command runs a command line in this process. Paths of folder dir are shown as DIR.
func command(t *testing.T, dir, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	c := &console{in: strings.NewReader(stdin), out: bufio.NewWriter(&out), err: &errs, width: 80}
	code = run(context.Background(), c, args)
	show := func(s string) string {
		if dir == "" {
			return s
		}
		return strings.ReplaceAll(strings.ReplaceAll(s, dir+string(filepath.Separator), "DIR/"), dir, "DIR")
	}
	return show(out.String()), show(errs.String()), code
}

// must runs a command line that succeeds without a word on stderr.
func must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, errs, code := command(t, "", stdin, args...)
	if code != 0 || errs != "" {
		t.Fatalf("godwit %s: exit code %d, %s", strings.Join(args, " "), code, errs)
	}
	return out
}

// reference is a line of tiny/texts.json, made by testdata/make.py.
type reference struct {
	Text      string    `json:"text"`
	Embedding []float64 `json:"embedding"`
	Query     []float64 `json:"embedding_query"`
	IDs       []int32   `json:"ids"`
	Plain     []int32   `json:"ids_plain"`
	Tokens    []string  `json:"tokens"`
	Offsets   [][2]int  `json:"offsets_char"`
	Decoded   string    `json:"decoded"`
}

func references(t *testing.T) []reference {
	t.Helper()
	b, err := os.ReadFile(tiny + "/texts.json")
	if err != nil {
		t.Fatal(err)
	}
	var refs []reference
	if err := json.Unmarshal(b, &refs); err != nil {
		t.Fatal(err)
	}
	return refs
}

// embeddings parses the output of embed.
func embeddings(t *testing.T, out string) [][]float32 {
	t.Helper()
	var vecs [][]float32
	for line := range strings.Lines(out) {
		var v struct {
			Embedding []float32 `json:"embedding"`
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		vecs = append(vecs, v.Embedding)
	}
	return vecs
}

func TestEmbed(t *testing.T) {
	refs := references(t)
	var args, lines, objects []string
	for _, r := range refs {
		args, lines = append(args, r.Text), append(lines, r.Text)
		b, err := json.Marshal(map[string]any{"text": r.Text, "id": 1})
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, string(b))
	}
	out := must(t, "", append([]string{"embed", "--model", tiny, "--json"}, args...)...)
	vecs := embeddings(t, out)
	check := func(vecs [][]float32, want func(reference) []float64) {
		t.Helper()
		if len(vecs) != len(refs) {
			t.Fatalf("%d embeddings of %d texts", len(vecs), len(refs))
		}
		for i, r := range refs {
			for j, w := range want(r) {
				// Values lie within about 2, and PyTorch's own float32 is 5e-7 off (case.json).
				if d := math.Abs(float64(vecs[i][j]) - w); !(d <= 2e-6) {
					t.Errorf("text %d, element %d: %v, want %v", i, j, vecs[i][j], w)
				}
			}
		}
	}
	check(vecs, func(r reference) []float64 { return r.Embedding })
	check(embeddings(t, must(t, "", append([]string{"embed", "--model", tiny, "--prompt-name", "query"}, args...)...)),
		func(r reference) []float64 { return r.Query })
	check(embeddings(t, must(t, "", append([]string{"embed", "--model", tiny, "--prompt", "how do i "}, args...)...)),
		func(r reference) []float64 { return r.Query })

	dir := t.TempDir()
	file := filepath.Join(dir, "texts.txt")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\r\n")+"\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, same := range []struct {
		stdin string
		args  []string
	}{
		{strings.Join(lines, "\n"), nil},
		{strings.Join(lines, "\n") + "\n", []string{"--batch-size", "1"}},
		{strings.Join(objects, "\n\n") + "\n", []string{"--input", "jsonl", "--threads", "2", "--batch-size", "2"}},
		{"", []string{"--file", file}},
		{strings.Join(lines, "\n"), []string{"--file", "-", "--threads", "1"}},
	} {
		if got := must(t, same.stdin, append([]string{"embed", "--model", tiny}, same.args...)...); got != out {
			t.Errorf("%q: the output differs", same.args)
		}
	}

	if got := must(t, "", "embed", "--model", tiny, "--file", os.DevNull); got != "" {
		t.Errorf("no text gave %q", got)
	}
	vec := filepath.Join(dir, "v.safetensors")
	must(t, strings.Join(lines, "\n"), "embed", "--model", tiny, "--format", "safetensors", "--out", vec)
	tensors, err := readTensors(vec)
	if err != nil {
		t.Fatal(err)
	}
	e := tensors["embeddings"]
	if !slices.Equal(e.Shape, []int{len(refs), 16}) {
		t.Fatalf("shape %v", e.Shape)
	}
	npyOut := must(t, strings.Join(lines, "\n"), "embed", "--model", tiny, "--format", "npy")
	if !strings.HasPrefix(npyOut, "\x93NUMPY") || len(npyOut) != 128+4*len(refs)*16 {
		t.Errorf("npy output of %d bytes begins %.10q", len(npyOut), npyOut)
	}
	for i := range refs {
		if !slices.Equal(e.Row(i), vecs[i]) {
			t.Errorf("row %d of the safetensors file differs", i)
		}
		raw := []byte(npyOut[128+64*i:])
		if got := math.Float32frombits(uint32(raw[0]) | uint32(raw[1])<<8 | uint32(raw[2])<<16 | uint32(raw[3])<<24); got != vecs[i][0] {
			t.Errorf("row %d of the npy array begins with %v, want %v", i, got, vecs[i][0])
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

// pieces is a reader whose Read returns one piece after the other, and tells before each.
type pieces struct {
	next   []string
	before func(read int)
	read   int
}

func (p *pieces) Read(b []byte) (int, error) {
	p.before(p.read)
	if p.read == len(p.next) {
		return 0, io.EOF
	}
	p.read++
	return copy(b, p.next[p.read-1]), nil
}

// A program that writes a line and waits for the answer gets it.
func TestAnswersAtOnce(t *testing.T) {
	for _, args := range []string{"embed|--model|" + tiny, "tokenize|" + tiny + "|--jsonl", "embed|--model|" + tiny + "|--input|jsonl"} {
		line := "how do i cancel\n"
		if strings.HasSuffix(args, "jsonl") {
			line = `{"text": "how do i cancel"}` + "\n"
		}
		var out, errs bytes.Buffer
		var lines []int // of output, before each Read
		in := &pieces{next: []string{line, line + line + line[:5], line[5:] + "\n"},
			before: func(int) { lines = append(lines, strings.Count(out.String(), "\n")) }}
		if strings.HasSuffix(args, "jsonl") {
			in.next[2] = line[5:] + line
		}
		code := run(context.Background(), &console{in: in, out: bufio.NewWriter(&out), err: &errs, width: 80}, strings.Split(args, "|"))
		if code != 0 || errs.Len() != 0 || !slices.Equal(lines, []int{0, 1, 3, 5}) {
			t.Errorf("%s: exit code %d, %s, lines before each Read: %v", args, code, errs.String(), lines)
		}
	}
}

// Without --model the model in the binary is used, whatever there is of its name.
func TestEmbedInAnyFolder(t *testing.T) {
	if embeddedModel() == nil {
		t.Skip("built without the embedded model")
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("minilm", 0o755); err != nil {
		t.Fatal(err)
	}
	if v := embeddings(t, must(t, "", "embed", "some text")); len(v) != 1 || len(v[0]) != 384 {
		t.Errorf("%d vectors", len(v))
	}
}

func TestAppendEmbedding(t *testing.T) {
	v := []float32{0.1, -0, 1, 1e-7, math.SmallestNonzeroFloat32, math.MaxFloat32, 16777216, 1.0 / 3}
	got, err := appendEmbedding(nil, v)
	want := `{"embedding":[0.1,0,1,1e-07,1e-45,3.4028235e+38,1.6777216e+07,0.33333334]}` + "\n"
	if string(got) != want || err != nil {
		t.Errorf("got %s want %s", got, want)
	}
	if back := embeddings(t, string(got))[0]; !slices.Equal(back, v) {
		t.Errorf("reads back as %v", back)
	}
	if _, err := appendEmbedding(nil, []float32{0, float32(math.NaN())}); err == nil ||
		err.Error() != "element 1 of an embedding is NaN: the model overflows on this text" {
		t.Errorf("got %v", err)
	}
}

func TestTokenize(t *testing.T) {
	var in strings.Builder
	refs := references(t)
	for _, r := range refs {
		b, err := json.Marshal(map[string]string{"text": r.Text})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(b, '\n'))
	}
	lines := strings.Split(strings.TrimSpace(must(t, in.String(), "tokenize", tiny, "--jsonl")), "\n")
	if len(lines) != len(refs) {
		t.Fatalf("%d lines of %d texts", len(lines), len(refs))
	}
	for i, r := range refs {
		var got tokenized
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.IDs, r.IDs) || !slices.Equal(got.Plain, r.Plain) || !slices.Equal(got.Tokens, r.Tokens) ||
			!slices.Equal(got.OffsetsChar, r.Offsets) || got.Decoded != r.Decoded {
			t.Errorf("%q:\ngot  %+v\nwant %+v", r.Text, got, r)
		}
	}
	pair := must(t, `{"text":"is the","pair":"cat"}`, "tokenize", tiny, "--jsonl")
	if !strings.Contains(pair, `"tokens":["[CLS]","is","the","[SEP]","cat","[SEP]"]`) || !strings.Contains(pair, `"offsets_byte":[[0,0],[0,2],[3,6],[0,0],[0,3],[0,0]]`) {
		t.Errorf("pair: %s", pair)
	}
	if got, want := must(t, "", "tokenize", tiny+"/tokenizer.json", "the é cat", "--max-length", "4"),
		fmt.Sprintf(" 2  0-0  \"[CLS]\"\n%2d  0-3  \"the\"\n%2d  4-6  \"é\"\n 3  0-0  \"[SEP]\"\n4 tokens\n", 11, 29); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := must(t, "the\n\n", "tokenize", tiny, "--json", "--no-special-tokens"); !strings.HasSuffix(got,
		`{"ids":[],"ids_plain":[],"tokens":[],"offsets_byte":[],"offsets_char":[],"decoded":""}`+"\n") {
		t.Errorf("got %s", got)
	}
}

// TestForwardSet runs a model of images on an image of another size than its own, which takes a keyword argument.
func TestForwardSet(t *testing.T) {
	const vit = "../../testdata/models/vit/gray"
	expected, err := readTensors(vit + "/expected.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in, out := writeTensors(t, dir, map[string]tensor.Tensor{"pixel_values": expected["wide.pixel_values"]}), filepath.Join(dir, "out")
	if got, want := must(t, "", "forward", vit, "--in", in, "--out", out, "--set", "interpolate_pos_encoding=true"),
		"last_hidden_state  [1 11 16]\npooler_output      [1 10]\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	_, errs, code := command(t, "", "", "forward", vit, "--in", in, "--out", out)
	if want := "an image of 9x20 pixels does not fit the model's 12x12; with interpolate_pos_encoding it would"; code != 1 ||
		!strings.Contains(errs, want) {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if got := must(t, "", "verify", vit, vit+"/expected.safetensors"); !strings.Contains(got, "large  last_hidden_state") {
		t.Errorf("report %s", got)
	}
}

func TestForwardAndVerify(t *testing.T) {
	dir := t.TempDir()
	expected, err := readTensors(tiny + "/expected.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.safetensors")
	// The file has more in it than inputs; those of the main run are taken.
	in := writeTensors(t, dir, map[string]tensor.Tensor{"input_ids": expected["input_ids"], "attention_mask": expected["attention_mask"]})
	if got, want := must(t, "", "forward", tiny, "--in", in, "--out", out, "--hidden-states"),
		"hidden_states.0    [2 9 16]\nhidden_states.1    [2 9 16]\nlast_hidden_state  [2 9 16]\npooler_output      [2 16]\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	got, err := readTensors(out)
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, []string{"hidden_states.0", "hidden_states.1", "last_hidden_state", "pooler_output"}) {
		t.Errorf("outputs %q", names)
	}
	for name, g := range got {
		for i, w := range expected[name].Data {
			if d := math.Abs(float64(g.Data[i] - w)); len(g.Shape) == 3 && i/16%9 >= 5 && i/16/9 == 1 {
				continue // padding
			} else if !(d <= 4*5.3e-7) { // four times PyTorch's own error, see case.json
				t.Fatalf("%s: element %d is %v, want %v", name, i, g.Data[i], w)
			}
		}
	}

	report := must(t, "", "verify", tiny, tiny+"/expected.safetensors", "--json")
	var v struct {
		OK      bool
		Outputs []verified
	}
	if err := json.Unmarshal([]byte(report), &v); err != nil {
		t.Fatal(err)
	}
	if !v.OK || len(v.Outputs) != 6 || v.Outputs[0].Run != "main" || v.Outputs[5].Run != "len3" {
		t.Errorf("report %s", report)
	}
	_, errs, code := command(t, "", "", "verify", tiny, tiny+"/expected.safetensors", "--tolerance", "1e-12")
	if code != 1 || errs != "godwit: 6 of 6 outputs are above the tolerance\n" {
		t.Errorf("exit code %d, %s", code, errs)
	}
	// Without a case.json the tolerance is relative.
	expected["last_hidden_state"].Data[0] += 1
	table, errs, code := command(t, "", "", "verify", tiny, writeTensors(t, dir, expected))
	if code != 1 || errs != "godwit: 1 of 6 outputs are above the tolerance\n" || strings.Count(table, "FAILED") != 1 || !strings.HasPrefix(table, "run ") {
		t.Errorf("exit code %d, %s%s", code, errs, table)
	}
}

func TestInspect(t *testing.T) {
	out := must(t, "", "inspect", tiny)
	for _, want := range []string{
		"model         bert (BertModel)\n",
		"parameters    6,560 (6,560 F32)\n",
		"weights       26.2 kB in 39 tensors; about 26.2 kB in use\n",
		"longest text  24 tokens, special ones included\n",
		"vectors       16 numbers, compared by cosine\n",
		"prompts       query \"how do i \"\n",
		"licence       apache-2.0\n",
		"limitations   It knows nothing, and reads 24 tokens.\n",
		"  num_hidden_layers             2\n",
		"  encoder.layer.{0-1}.attention.self.query.weight        F32  [16 16]\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	var r inspection
	if err := json.Unmarshal([]byte(must(t, "", "inspect", tiny, "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Tensors) != 39 || r.Card.Task != "sentence-similarity" || !r.Runs || r.Vectors == nil || r.Vectors.Dimensions != 16 {
		t.Errorf("%+v", r)
	}

	// An old repository, whose transformer has a folder of its own.
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "0_Transformer"), os.DirFS(tiny)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"modules.json": `[{"idx": 0, "name": "0", "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"},
			{"idx": 1, "name": "1", "path": "0_Transformer/1_Pooling", "type": "sentence_transformers.models.Pooling"}]`,
		"sentence_bert_config.json": `{"max_seq_length": 20}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out := must(t, "", "tokenize", dir, "how do i"); !strings.HasSuffix(out, "5 tokens\n") {
		t.Errorf("tokenize: %s", out)
	}
	out = must(t, "", "inspect", dir)
	for _, want := range []string{"bert (BertModel)\n", "longest text  20 tokens", "vectors       16 numbers, compared by cosine\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// TestInspectNarrow: matrices of 16 bits stay so in use.
func TestInspectNarrow(t *testing.T) {
	out := must(t, "", "inspect", teller(t, ""))
	for _, want := range []string{
		"parameters       443,232 (443,232 BF16)\n",
		"weights          886.5 kB in 38 tensors; about 888.2 kB in use\n",
		"longest text     256 tokens, special ones included\n",
		"cache, float32   1.0 kB a token, 524.3 kB for 256 tokens\n",
		"cache, bfloat16  512 bytes a token, 262.1 kB for 256 tokens\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	var r inspection
	if err := json.Unmarshal([]byte(must(t, "", "inspect", teller(t, ""), "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if want := (cacheInfo{256, cacheSize{1024, 1024 * 512}, cacheSize{512, 512 * 512}}); r.Cache == nil || *r.Cache != want {
		t.Errorf("cache %+v, want %+v", r.Cache, want)
	}
}

func TestSearch(t *testing.T) {
	if embeddedModel() == nil {
		t.Skip("built without the embedded model")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"docs/http.md":   "# Client\n\nIntro.\n\n## Cancelling\n\nA request stops when its context is cancelled\nor its deadline has passed.\n\n## Retries\n\nFailed requests are sent again three times.\n",
		"docs/birds.txt": "\nThe bar-tailed godwit flies from Alaska to New Zealand without a stop.\n",
		"docs/x.bin":     "\x00\x01",
		"docs/bad.txt":   "caf\xe9",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	docs, index := filepath.Join(dir, "docs"), filepath.Join(dir, "index")
	search := func(args ...string) string {
		t.Helper()
		out, errs, code := command(t, dir, "", append([]string{"search"}, args...)...)
		if code != 0 || errs != "godwit: DIR/docs/bad.txt: not UTF-8 text, left out\n" {
			t.Fatalf("exit code %d, %s", code, errs)
		}
		return filepath.ToSlash(out)
	}
	first := search("how do I cancel a request?", docs, "--top", "2")
	lines := strings.Split(first, "\n")
	if !strings.HasSuffix(lines[0], "  DIR/docs/http.md:7-8  Client > Cancelling") || lines[1] != "       A request stops when its context is cancelled" ||
		lines[2] != "       or its deadline has passed." || lines[3] != "" || !strings.HasSuffix(lines[4], "  DIR/docs/http.md:12  Client > Retries") {
		t.Errorf("got\n%s", first)
	}
	for range 2 {
		if got := search("how do I cancel a request?", docs, "--top", "2", "--index", index); got != first {
			t.Errorf("with an index:\n%swithout:\n%s", got, first)
		}
	}
	var r struct {
		Files, Passages, Embedded int
		Hits                      []struct {
			Path string
			Line int
			Text string
		}
	}
	if err := json.Unmarshal([]byte(search("which bird travels far?", docs, "--index", index, "--json", "-k", "1")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Files != 2 || r.Passages != 4 || r.Embedded != 0 || len(r.Hits) != 1 || r.Hits[0].Line != 2 || !strings.HasPrefix(r.Hits[0].Text, "The bar-tailed") {
		t.Errorf("got %+v", r)
	}
}

// Names of files may hold anything; what is printed stays on its line and moves no cursor.
func TestSearchOddNames(t *testing.T) {
	if embeddedModel() == nil {
		t.Skip("built without the embedded model")
	}
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such names")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a\n\x1b[2J b.txt": "volcano", "\x1b]c.txt": "\xff\xfev\x00"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, errs, code := command(t, dir, "", "search", "volcano", dir)
	if code != 0 || !strings.HasSuffix(out, "  DIR/a??[2J b.txt:1\n       volcano\n") ||
		errs != "godwit: DIR/?]c.txt: UTF-16, not UTF-8 text, left out\n" {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	// The longest name there is: no temporary file fits beside it.
	index := filepath.Join(dir, strings.Repeat("i", 255))
	out, errs, code = command(t, dir, "", "search", "volcano", filepath.Join(dir, "a\n\x1b[2J b.txt"), "--index", index)
	if code != 1 || !strings.HasSuffix(out, "volcano\n") || !strings.HasPrefix(errs, "godwit: the index is not kept: ") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
}

func TestSimilarity(t *testing.T) {
	if embeddedModel() == nil {
		t.Skip("built without the embedded model")
	}
	lines := strings.Split(must(t, "", "similarity", "a cat sat on the mat", "stock prices fell", "a feline rested on the rug"), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], "  a feline rested on the rug") || !strings.HasSuffix(lines[1], "  stock prices fell") {
		t.Errorf("got %q", lines)
	}
	var r struct {
		Similarity string
		Scores     [][]float64
	}
	if err := json.Unmarshal([]byte(must(t, "", "similarity", "a", "b", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Similarity != "cosine" || len(r.Scores) != 2 || math.Abs(r.Scores[1][1]-1) > 1e-6 || r.Scores[0][1] != r.Scores[1][0] {
		t.Errorf("got %+v", r)
	}
}

func TestDoctorAndVersion(t *testing.T) {
	if testing.Short() {
		t.Skip("doctor measures for a second")
	}
	var d diagnosis
	if err := json.Unmarshal([]byte(must(t, "", "doctor", "--json", "--threads", "2")), &d); err != nil {
		t.Fatal(err)
	}
	if d.Threads != 2 || len(d.Product) != 2 || d.Product[0].Value <= 0 || (d.Read > 0) != (d.Peak > 0) || !slices.Contains(d.Sets, d.Active) ||
		d.Sets[len(d.Sets)-1] != "generic" {
		t.Errorf("got %+v", d)
	}
	if out := must(t, "", "version"); !strings.HasPrefix(out, "godwit ") {
		t.Errorf("got %s", out)
	}
}

// TestVerifyTexts verifies tiny against what sentence-transformers made of the texts of texts.json.
func TestVerifyTexts(t *testing.T) {
	refs := references(t)
	n := len(refs)
	var texts []string
	plain, query, scores := tensor.New(n, 16), tensor.New(n, 16), tensor.New(n, n)
	for i, r := range refs {
		texts = append(texts, r.Text)
		for j := range 16 {
			plain.Row(i)[j], query.Row(i)[j] = float32(r.Embedding[j]), float32(r.Query[j])
		}
		for k, other := range refs {
			var dot, a, b float64
			for j, x := range r.Embedding {
				dot, a, b = dot+x*other.Embedding[j], a+x*x, b+other.Embedding[j]*other.Embedding[j]
			}
			scores.Row(i)[k] = float32(dot / math.Sqrt(a*b))
		}
	}
	dir := t.TempDir()
	file := writeTensors(t, dir, map[string]tensor.Tensor{"embeddings": plain, "embeddings.query": query, "similarity": scores})
	// PyTorch's own float32 is 5e-7 off, which four times gives 2e-6; half a unit in the last place of the largest value more.
	known, err := json.Marshal(map[string]any{"sentences": texts,
		"noise_fp32": map[string]float64{"embeddings": 5e-7, "embeddings.query": 5e-7, "similarity": 5e-7}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "case.json"), known, 0o644); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(must(t, "", "verify", tiny, file), "\n")
	if len(lines) != 5 {
		t.Fatalf("got %q", lines)
	}
	for i, name := range []string{"embeddings", "embeddings.query", "similarity"} {
		largest := 0.0
		for _, v := range []tensor.Tensor{plain, query, scores}[i].Data {
			largest = max(largest, math.Abs(float64(v)))
		}
		limit := fmt.Sprintf("%.3g", 2e-6+largest/(1<<24))
		if f := strings.Fields(lines[1+i]); len(f) != 6 || f[1] != name || f[4] != limit || f[5] != "ok" {
			t.Errorf("%s: %q, want the tolerance %s", name, f, limit)
		}
	}

	query.Row(1)[3]++
	scores = tensor.New(n, 1)
	file = writeTensors(t, dir, map[string]tensor.Tensor{"embeddings": plain, "embeddings.query": query})
	if _, errs, code := command(t, dir, "", "verify", tiny, file); code != 1 || errs != "godwit: 1 of 2 outputs are above the tolerance\n" {
		t.Errorf("a wrong value: exit code %d, %s", code, errs)
	}
	file = writeTensors(t, dir, map[string]tensor.Tensor{"embeddings": plain, "similarity": scores})
	want := fmt.Sprintf("godwit: similarity: has shape [%d %d], expected is [%d 1]\n", n, n, n)
	if _, errs, code := command(t, dir, "", "verify", tiny, file); code != 1 || errs != want {
		t.Errorf("a wrong shape: exit code %d, %s", code, errs)
	}
	file = writeTensors(t, dir, map[string]tensor.Tensor{"embeddings": plain, "embeddings.none": plain})
	want = "godwit: the model has no prompt \"none\"; it has document, query\n"
	if _, errs, code := command(t, dir, "", "verify", tiny, file); code != 1 || errs != want {
		t.Errorf("a wrong prompt: exit code %d, %s", code, errs)
	}
}

func TestHelp(t *testing.T) {
	for _, c := range newRoot(&console{}).Commands() {
		if c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		out := must(t, "", c.Name(), "--help")
		for _, want := range []string{"Usage:\n  godwit " + c.Name(), "--json"} {
			if !strings.Contains(out, want) {
				t.Errorf("help of %s lacks %q", c.Name(), want)
			}
		}
		if !strings.Contains(out, "Examples:\n  ") {
			t.Errorf("help of %s has no example", c.Name())
		}
		for i, line := range strings.Split(c.Long, "\n") {
			if len(line) > 110 {
				t.Errorf("%s: line %d of the help has %d characters", c.Name(), i+1, len(line))
			}
		}
	}
	if out := must(t, "", "completion", "bash"); !strings.Contains(out, "__start_godwit") {
		t.Error("no completion script")
	}
}

// brokenPipe is an output whose reader has gone.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Err: syscall.EPIPE}
}

func TestBrokenPipe(t *testing.T) {
	var errs bytes.Buffer
	c := &console{in: strings.NewReader(""), out: bufio.NewWriterSize(brokenPipe{}, 16), err: &errs}
	if code := run(context.Background(), c, []string{"tokenize", tiny, "the cat"}); code != 0 || errs.Len() != 0 {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, args := range [][]string{{"embed", "--model", tiny, "x"}, {"tokenize", tiny, "x"}, {"search", "x", tiny, "--model", tiny},
		{"verify", tiny, tiny + "/expected.safetensors"}} {
		var out, errs bytes.Buffer
		c := &console{in: strings.NewReader(""), out: bufio.NewWriter(&out), err: &errs}
		if code := run(ctx, c, args); code != 1 || errs.String() != "godwit: interrupted\n" {
			t.Errorf("%s: exit code %d, %s", args[0], code, errs.String())
		}
	}
}

func TestTerminal(t *testing.T) {
	if got := wrap("  one two three four", 12); !slices.Equal(got, []string{"  one two", "  three four"}) {
		t.Errorf("got %q", got)
	}
	if got := wrap("abcdefghijklmnop", 6); !slices.Equal(got, []string{"abcdef", "ghijkl", "mnop"}) {
		t.Errorf("got %q", got)
	}
	text := []string{"one two three", "four five six", "- item", "", "```", "a b c d e f", "g", "```", "x", "y"}
	if got, want := reflow(text, 12), []string{"one two three four five six", "- item", "", "```", "a b c d e f", "g", "```", "x y"}; !slices.Equal(got, want) {
		t.Errorf("got %q want %q", got, want)
	}
	if got := reflow(text, 13); !slices.Equal(got, text) {
		t.Errorf("got %q", got)
	}
	if got := printable("a\tb\x1b[31m\u009b\r"); got != "a    b?[31m?" {
		t.Errorf("got %q", got)
	}
	var errs bytes.Buffer
	c := &console{in: strings.NewReader(""), out: bufio.NewWriter(io.Discard), err: &errs, inTerm: true}
	if code := run(context.Background(), c, []string{"tokenize", tiny}); code != 0 ||
		errs.String() != "godwit: reading texts from the terminal, one a line; Ctrl-D on an empty line ends them\n" {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := writeFile(path, func(w io.Writer) error { w.Write([]byte("half")); return errors.New("no") })
	if b, _ := os.ReadFile(path); err == nil || err.Error() != "no" || string(b) != "old" {
		t.Errorf("after a failure: %v, %q", err, b)
	}
	err = writeFile(path, func(w io.Writer) error { _, err := w.Write([]byte("new")); return err })
	if b, _ := os.ReadFile(path); err != nil || string(b) != "new" {
		t.Errorf("after success: %v, %q", err, b)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files", len(entries))
	}
	if err := writeFile(dir, func(io.Writer) error { return nil }); err == nil || err.Error() != dir+": is a folder, not a file" {
		t.Errorf("into a folder: %v", err)
	}

	if runtime.GOOS == "windows" {
		t.Skip("the rest is about links, permissions and devices of Unix")
	}
	link := filepath.Join(dir, "link")
	if err := errors.Join(os.Symlink("a", link), os.Chmod(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	err = writeFile(link, func(w io.Writer) error { _, err := w.Write([]byte("through")); return err })
	st, _ := os.Lstat(link)
	if b, _ := os.ReadFile(path); err != nil || string(b) != "through" || st.Mode().Type() != fs.ModeSymlink {
		t.Errorf("through a link: %v, %q, %v", err, b, st.Mode())
	}
	if st, _ := os.Stat(path); st.Mode() != 0o600 {
		t.Errorf("permissions are %v now", st.Mode())
	}
	r, w, err := os.Pipe() // stands for /dev/null, which a mistake of this function could replace
	if err != nil {
		t.Fatal(err)
	}
	pipe := fmt.Sprintf("/dev/fd/%d", w.Fd())
	if st, err := os.Stat(pipe); err != nil || st.Mode().IsRegular() {
		t.Skip("there is no /dev/fd")
	}
	err = writeFile(pipe, func(w io.Writer) error { _, err := w.Write([]byte("x")); return err })
	w.Close()
	if b, _ := io.ReadAll(r); err != nil || string(b) != "x" {
		t.Errorf("into a pipe: %v, %q", err, b)
	}
}

// TestSearchOwnDocs asks the questions that this project's documentation answers: the right page is among the first three.
func TestSearchOwnDocs(t *testing.T) {
	if embeddedModel() == nil {
		t.Skip("built without the embedded model")
	}
	if set, err := kernels.Default(); testing.Short() || err != nil || set.Name() == "generic" {
		t.Skip("embedding all pages takes long without assembly, and some seconds with it")
	}
	index := filepath.Join(t.TempDir(), "index")
	first := 0
	questions := []struct{ query, page string }{
		{"how do I cancel a request?", "GUIDE.md"},
		{"how can several models share threads?", "GUIDE.md"},
		{"why is the model inside the binary stored in 8 bits?", "0005-embedded-int8-model.md"},
		{"what happens if the index file is damaged?", "0006-search-index-is-a-cache.md"},
		{"is work done on padding tokens?", "0004-packed-batches.md"},
		{"a tensor is missing from the model file", "0003-strict-binding.md"},
		{"are results identical on different processors?", "0001-same-bits-everywhere.md"},
		{"how do I add a new subcommand?", "ARCHITECTURE.md"},
		{"what should a commit message look like?", "CONTRIBUTING.md"},
		{"what happens between the text and its vector, step by step?", "ARCHITECTURE.md"},
	}
	for _, q := range questions {
		out := must(t, "", "search", q.query, "../../docs/adr", "../../docs/GUIDE.md", "../../docs/ARCHITECTURE.md", "../../CONTRIBUTING.md",
			"--index", index, "--json", "-k", "3")
		var r struct{ Hits []struct{ Path string } }
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(r.Hits, func(h struct{ Path string }) bool { return filepath.Base(h.Path) == q.page })
		if at < 0 {
			t.Errorf("%q: %s is not among %v", q.query, q.page, r.Hits)
		}
		if at == 0 {
			first++
		}
	}
	t.Logf("%d of %d pages came first", first, len(questions))
	if first < len(questions)*7/10 {
		t.Errorf("only %d of %d pages came first", first, len(questions))
	}
}

// TestPreprocess compares the command's file with pixel_values that Transformers computed.
func TestPreprocess(t *testing.T) {
	const dir = "../../imageproc/testdata/"
	want, err := readTensors(dir + "cases/processors.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for name, image := range map[string]string{"old_vit": "w17.jpg", "nested": "exif6.jpg", "crop_odd": "exif6.jpg"} {
		out := filepath.Join(t.TempDir(), "x.safetensors")
		file := dir + "cases/src/" + image
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		must(t, string(data), "preprocess", dir+"processors/"+name, file, "-", "--out", out)
		got, err := readTensors(out)
		if err != nil {
			t.Fatal(err)
		}
		w, ok := want[name+"|"+image]
		v := got["pixel_values"]
		if !ok || !slices.Equal(v.Shape, append([]int{2}, w.Shape...)) || !slices.Equal(v.Data, append(slices.Clone(w.Data), w.Data...)) {
			t.Errorf("%s: shape %v, want twice %v, or other values", name, v.Shape, w.Shape)
		}
	}
}

func TestTemplate(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const source = "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{{ tools|tojson if tools }}{{ x }}" +
		"{% if add_generation_prompt %}[assistant]{% endif %}"
	write("chat_template.jinja", source)
	write("tokenizer_config.json", `{"bos_token": "<s>"}`)
	messages := write("messages.json", `[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "name": null}]`)
	tools := write("tools.json", `[{"z": 1, "a": "é"}]`)
	for _, c := range []struct {
		stdin string
		args  string
		want  string
	}{
		{"", dir + "|--user|hi", "<s>[user]hi[assistant]"},
		{"", dir + "|--user|hi|--system|s|--no-generation-prompt", "<s>[system]s[user]hi"},
		{"", filepath.Join(dir, "chat_template.jinja") + "|--user|hi", "[user]hi[assistant]"},
		{"", dir + "|--file|" + messages + "|--tools|" + tools, `<s>[user]a[assistant]b[{"z": 1, "a": "é"}][assistant]`},
		{"", dir + "|--file|" + messages + "|--continue", "<s>[user]a[assistant]b"},
		{"", dir + `|--user|hi|--set|x="y"|--set|bos_token=null`, "None[user]hiy[assistant]"},
		{`{"messages": [{"role": "user", "content": "a"}], "tools": [1]}`, dir, "<s>[user]a[1][assistant]"},
		{"", dir + "|--user|hi|--json", `{"prompt":"<s>[user]hi[assistant]"}` + "\n"},
		{"", dir + "|--source", source},
	} {
		if got := must(t, c.stdin, append([]string{"template"}, strings.Split(c.args, "|")...)...); got != c.want {
			t.Errorf("%s: got %q, want %q", c.args, got, c.want)
		}
	}
	lines := `{"template": "{{ messages[0].content }}{{ x }}{{ tools }}\n{{ documents }}", "messages": [{"role": "user", "content": "<é>"}], "tools": null, "add_generation_prompt": true, "kwargs": {"x": 1.0}}

{"template": "{{ messages[0].content }}!", "messages": [{"role": "user", "content": "a "}], "tools": [{}], "kwargs": {"continue_final_message": true}}
{"template": "{{ raise_exception('no') }}", "messages": []}
{"template": "a\n{{", "messages": []}
{"template": "{{ documents[0].title }}", "messages": [], "kwargs": {"documents": [{"title": "t"}]}}
`
	const want = `{"rendered":"<é>1.0None\nNone"}
{"rendered":"a "}
{"error":"TemplateError: no"}
{"error":"TemplateSyntaxError: line 2: unexpected end of template"}
{"rendered":"t"}
`
	if got := must(t, lines, "template", "--jsonl"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
