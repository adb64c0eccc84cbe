package godwit_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/tensor"
)

// TestVerify changes what is expected, and looks at what Verify finds.
func TestVerify(t *testing.T) {
	const dir = "testdata/models/bert/regression"
	m := open(t, dir)
	expected := readTensors(t, dir, "expected.safetensors")
	changed := func(name string, i int, v float32) map[string]tensor.Tensor {
		c := maps.Clone(expected)
		old := c[name]
		c[name] = tensor.FromFloat32(slices.Clone(old.Data), old.Shape...)
		c[name].Data[i] = v
		return c
	}
	find := func(expected map[string]tensor.Tensor, run, output string) godwit.Difference {
		t.Helper()
		diffs, err := m.Verify(t.Context(), expected)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(diffs, func(d godwit.Difference) bool { return d.Run == run && d.Output == output })
		if i < 0 {
			t.Fatalf("run %q has no %s", run, output)
		}
		return diffs[i]
	}
	if d := find(expected, "holes", "logits"); d.Max > 1e-5 || d.Mean > d.Max || d.Scale < 0.01 {
		t.Errorf("unchanged: %+v", d)
	}
	if d := find(changed("holes.logits", 1, 1000), "holes", "logits"); d.Max < 900 || d.Mean < 450 || d.Scale != 1000 {
		t.Errorf("changed to 1000: %+v", d)
	}
	if d := find(changed("holes.logits", 1, float32(math.NaN())), "holes", "logits"); !math.IsInf(d.Max, 1) {
		t.Errorf("changed to NaN: %+v", d)
	}
	// The second row of the main run has 7 tokens of 12: what is expected of the last does not count.
	last := 2*12*18 - 1
	if d := find(changed("last_hidden_state", last, 1000), "", "last_hidden_state"); d.Max > 1e-5 {
		t.Errorf("changed where the mask is 0: %+v", d)
	}

	// Logits of one label for sequences of one token have the shape of the mask, and do count.
	one := map[string]tensor.Tensor{"input_ids": tensor.FromInt64([]int64{4, 5}, 2, 1),
		"attention_mask": tensor.FromInt64([]int64{1, 0}, 2, 1), "logits": tensor.FromFloat32([]float32{0, 1000}, 2, 1)}
	if d := find(one, "", "logits"); d.Max < 900 {
		t.Errorf("logits where the mask is 0: %+v", d)
	}

	renamed := maps.Clone(expected)
	renamed["holes.nothing"] = renamed["holes.logits"]
	reshaped := maps.Clone(expected)
	reshaped["logits"] = tensor.New(3, 2)
	double := maps.Clone(expected)
	double["holes.logits"] = tensor.Tensor{DType: tensor.F64, Shape: []int{1, 1}, Raw: make([]byte, 8)}
	broken := maps.Clone(expected)
	broken["logits"] = tensor.Tensor{DType: tensor.F32, Shape: []int{3, 1}, Data: make([]float32, 4)}
	inputs := map[string]tensor.Tensor{"input_ids": expected["input_ids"], "labels": expected["input_ids"]}
	for _, c := range []struct {
		expected map[string]tensor.Tensor
		want     string
	}{
		{nil, "godwit: there is no input_ids and no pixel_values among the 0 tensors: nothing to run"},
		{renamed, `godwit: run "holes": bert (BertForSequenceClassification) has no output nothing; it has hidden_states.0, hidden_states.1, last_hidden_state, logits`},
		{reshaped, `godwit: run "main": logits: has shape [3 1], expected is [3 2]`},
		{double, `godwit: run "holes": logits: is of type F64; outputs are compared in F32: save it as float32`},
		{broken, `godwit: run "main": logits: 16 bytes are not the elements of a tensor of type F32 and shape [3 1]`},
		{inputs, `godwit: run "main" has no outputs to compare`},
	} {
		if _, err := m.Verify(t.Context(), c.expected); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// TestVerifyTexts gives what cannot be compared, and a value that is wrong.
func TestVerifyTexts(t *testing.T) {
	m := open(t, plain)
	texts := []string{"the quick brown fox", "jumps"}
	vecs, err := m.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	right := tensor.FromFloat32(slices.Concat(vecs...), 2, 72)
	wrong := tensor.FromFloat32(slices.Clone(right.Data), 2, 72)
	wrong.Data[100] += 1000
	diffs, err := m.VerifyTexts(t.Context(), texts, map[string]tensor.Tensor{"embeddings": right})
	if err != nil || len(diffs) != 1 || diffs[0].Max != 0 {
		t.Errorf("its own embeddings: %+v, %v", diffs, err)
	}
	diffs, err = m.VerifyTexts(t.Context(), texts, map[string]tensor.Tensor{"embeddings": wrong})
	if err != nil || len(diffs) != 1 || math.Abs(diffs[0].Max-1000) > 1e-3 {
		t.Errorf("one element is off by 1000: %+v, %v", diffs, err)
	}
	for _, c := range []struct {
		expected map[string]tensor.Tensor
		want     string
	}{
		{map[string]tensor.Tensor{"embeddings": {DType: tensor.F64, Shape: []int{2, 72}, Raw: make([]byte, 8*144)}},
			"godwit: embeddings: is of type F64; outputs are compared in F32: save it as float32"},
		{map[string]tensor.Tensor{"embeddings": tensor.New(3, 72)}, "godwit: embeddings: has shape [2 72], expected is [3 72]"},
		{map[string]tensor.Tensor{"logits": right}, "godwit: there are no embeddings among the 1 tensors: nothing to compare"},
	} {
		if _, err := m.VerifyTexts(t.Context(), texts, c.expected); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestInfo(t *testing.T) {
	m := open(t, "testdata/models/sentence-transformers/more_modes_no_prompt")
	info := m.Info()
	if info.ModelType != "bert" || info.Class != "BertModel" || info.VocabSize != 60 || info.HiddenSize != 18 ||
		info.Dimensions != 54 || info.MaxTokens != 20 || info.Similarity != "euclidean" || info.Prompt != "query" ||
		info.Prompts["long"] != "search the fox: " {
		t.Errorf("%+v", info)
	}
	// Embeddings, two layers, pooler.
	h, i := int64(18), int64(28)
	if want := (60+24+2+2)*h + 2*(4*h*h+2*h*i+9*h+i) + h*h + h; info.Parameters != want {
		t.Errorf("%d parameters, want %d", info.Parameters, want)
	}
	if info := open(t, "minilm").Info(); info.License != "apache-2.0" || info.Parameters != 22713216 || info.Dimensions != 384 || info.MaxTokens != 256 {
		t.Errorf("minilm: %+v", info)
	}
	info.Prompts["query"] = "changed"
	if p := m.Info().Prompts["query"]; p == "changed" {
		t.Error("a caller's change of Info reaches the model")
	}
	if tok, err := m.Tokenizer(); err != nil || tok.VocabSize() < 20 {
		t.Errorf("tokenizer: %v", err)
	}
}

// TestForcedSet opens a model in a process of its own whose GODWIT_ISA is wrong.
func TestForcedSet(t *testing.T) {
	const want = "GODWIT_ISA=sse9: no such instruction set; there are generic, avx2, avx512, neon"
	if os.Getenv("GODWIT_ISA") == "sse9" {
		_, err := godwit.Open("testdata/models/bert/regression")
		fmt.Printf("error: %v\n", err)
		return
	}
	if runtime.GOOS == "js" || runtime.GOOS == "wasip1" {
		t.Skip("no processes on ", runtime.GOOS)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestForcedSet$")
	cmd.Env = append(os.Environ(), "GODWIT_ISA=sse9")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "error: testdata/models/bert/regression: "+want+"\n") {
		t.Errorf("%v: %s, want %s", err, out, want)
	}
}

func TestOpenErrors(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for _, c := range []struct {
		files fstest.MapFS
		want  string
	}{
		{fstest.MapFS{}, "config.json is not there"},
		{fstest.MapFS{"config.json": file(`{"model_type": "bert"}`)}, "loader: neither model.safetensors nor"},
		{fstest.MapFS{"config.json": file("{")}, "config.json: unexpected end of JSON input"},
		{fstest.MapFS{"modules.json": file(`[{"path": "../x"}]`)}, `modules.json: module 0: "../x" is not a path inside the repository`},
	} {
		if _, err := godwit.OpenFS(c.files); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, err := godwit.Open("nobody/nothing"); err == nil || !strings.Contains(err.Error(), "/nobody/nothing/resolve/main/model.safetensors") {
		t.Errorf("not in the cache: %v", err)
	}
	if _, err := godwit.Open("testdata/models"); err == nil || !strings.HasPrefix(err.Error(), "testdata/models: config.json is not there") {
		t.Errorf("no model: %v", err)
	}
}
