package bert

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

const models = "../../testdata/models"

// load makes the model of a folder, whose config.json is edited first.
func load(t testing.TB, fsys fs.FS, x *kernels.Exec, edit func(string) string) (arch.Model, error) {
	t.Helper()
	text, err := fs.ReadFile(fsys, "config.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := arch.ParseConfig([]byte(edit(string(text))))
	if err != nil {
		t.Fatal(err)
	}
	w, err := loader.Open(fsys)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return arch.New(c, w, x)
}

func same(s string) string { return s }

func TestEncodeDoesNotAllocate(t *testing.T) {
	x := kernels.New(nil, 2)
	defer x.Close()
	for _, dir := range []string{"bert/old_names", "roberta/mlm", "distilbert/mlm", "mpnet/base"} {
		m, err := load(t, os.DirFS(filepath.Join(models, dir)), x, same)
		if err != nil {
			t.Fatal(err)
		}
		enc := m.(arch.TextEncoder)
		var b arch.Batch
		var ws tensor.Workspace
		pass := func() {
			b.Reset()
			b.Append([]int32{4, 5, 6, 7, 8, 9, 10}, nil, enc.Limits().Rule)
			b.Append([]int32{4, 5}, nil, enc.Limits().Rule)
			ws.Reset()
			enc.Encode(&ws, &b)
		}
		for range 3 {
			pass()
		}
		if n := testing.AllocsPerRun(20, pass); n != 0 {
			t.Errorf("%s: %g allocations a pass, want 0", dir, n)
		}
	}
}

// TestGroups runs more sequences than go through a layer together. The mask hides a token in the middle of each, so that the
// places of the others count.
func TestGroups(t *testing.T) {
	x := kernels.New(nil, 2)
	defer x.Close()
	const rows, length = 60, 8
	for _, dir := range []string{"bert/old_names", "mpnet/base"} {
		m, err := load(t, os.DirFS(filepath.Join(models, dir)), x, same)
		if err != nil {
			t.Fatal(err)
		}
		hidden := func(first, n int) map[string]tensor.Tensor {
			ids, mask := make([]int64, n*length), make([]int64, n*length)
			for i := range ids {
				row, col := first+i/length, i%length
				ids[i] = int64(4 + (row*5+col*3)%11)
				if col != 1+row%5 { // 36 sequences are a group: the next one begins with another place
					mask[i] = 1
				}
			}
			out, err := m.Forward(new(tensor.Workspace), map[string]tensor.Tensor{
				"input_ids": tensor.FromInt64(ids, n, length), "attention_mask": tensor.FromInt64(mask, n, length),
			}, arch.ForwardOptions{HiddenStates: true})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		all := hidden(0, rows)
		for i := range rows {
			for name, want := range hidden(i, 1) {
				if got := all[name].Data[i*want.Len():][:want.Len()]; !slices.Equal(got, want.Data) {
					t.Fatalf("%s: %s of sequence %d differs from what it is alone", dir, name, i)
				}
			}
		}
	}
}

// TestBuckets compares the table of MPNet's buckets with the formula that it comes from.
func TestBuckets(t *testing.T) {
	for d := -300; d <= 300; d++ {
		want, n := 0, d
		if d > 0 {
			want = 16
		} else {
			n = -d
		}
		if n < 8 {
			want += n
		} else {
			want += min(15, 8+int(math.Log(float64(n)/8)/math.Log(16)*8+1e-9))
		}
		if got := bucket(min(max(d, -far), far)); got != want {
			t.Errorf("distance %d: bucket %d, want %d", d, got, want)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	replace := func(old, new string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Fatalf("config.json does not hold %s", old)
			}
			return strings.Replace(s, old, new, 1)
		}
	}
	for _, c := range []struct {
		dir  string
		edit func(string) string
		want string
	}{
		{"bert/regression", replace(`"hidden_size": 18`, `"hidden_size": 17`), "config.json: hidden_size 17 is not a multiple of num_attention_heads 3"},
		{"bert/regression", replace(`"hidden_size": 18`, `"hidden_size": 0`), "config.json: hidden_size is 0; want 1 to 1048576"},
		{"bert/regression", replace(`"hidden_size": 18`, `"hidden_size": "big"`), `config.json: "hidden_size" is a string, not a whole number`},
		{"bert/regression", replace(`"num_hidden_layers": 2`, `"num_hidden_layers": 1000000000`), "config.json: num_hidden_layers is 1000000000; want 1 to 4096"},
		{"bert/regression", replace(`"hidden_act": "gelu"`, `"hidden_act": "gulu"`), `config.json: hidden_act: the activation "gulu" is not supported; supported are gelu,`},
		{"bert/regression", replace(`"is_decoder": false`, `"is_decoder": true`), "config.json: is_decoder or add_cross_attention is set; only encoders are supported"},
		{"bert/regression", replace(`"layer_norm_eps": 1e-12`, `"layer_norm_eps": -1`), "config.json: layer_norm_eps is -1; want 0 to 1"},
		{"bert/regression", replace(`"use_cache"`, `"position_embedding_type": "relative_key", "use_cache"`), `config.json: position_embedding_type "relative_key" is not supported; absolute is`},
		{"bert/regression", replace(`BertForSequenceClassification`, `BertLMHeadModel`), "config.json: the class BertLMHeadModel is not supported"},
		{"roberta/mlm", replace(`RobertaForMaskedLM`, `RobertaForPreTraining`), "config.json: the class RobertaForPreTraining is not supported"},
		{"roberta/mlm", replace(`"pad_token_id": 1`, `"pad_token_id": 99`), "config.json: pad_token_id is 99; the vocabulary has 60 tokens"},
		{"mpnet/base", replace(`"relative_attention_num_buckets": 32`, `"relative_attention_num_buckets": 8`), "config.json: relative_attention_num_buckets is 8; only 32 is supported"},
		{"bert/regression", replace(`"num_hidden_layers": 2`, `"num_hidden_layers": 1`), "loader: model.safetensors does not fit the model (16 unused)"},
		{"bert/regression", replace(`"vocab_size": 60`, `"vocab_size": 61`), "loader: model.safetensors does not fit the model (1 misshapen)"},
	} {
		_, err := load(t, os.DirFS(filepath.Join(models, c.dir)), x, c.edit)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.dir, err, c.want)
		}
	}
}

// TestHeadLeftOut opens a file whose config.json names a class with a head that the file does not have, as many of
// sentence-transformers' do: it is the base model.
func TestHeadLeftOut(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	m, err := load(t, os.DirFS(filepath.Join(models, "mpnet/base")), x,
		func(s string) string { return strings.Replace(s, `"MPNetModel"`, `"MPNetForMaskedLM"`, 1) })
	if err != nil {
		t.Fatal(err)
	}
	var ws tensor.Workspace
	out, err := m.Forward(&ws, map[string]tensor.Tensor{"input_ids": tensor.FromInt64([]int64{4, 5}, 1, 2)}, arch.ForwardOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if out["pooler_output"].Data == nil || out["logits"].Data != nil {
		t.Errorf("outputs %v, want those of the base model", maps.Keys(out))
	}
}

// TestMissingTensors takes tensors away from a file.
func TestMissingTensors(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	dir := os.DirFS(filepath.Join(models, "distilbert/tokcls"))
	w, err := loader.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	tensors := make(map[string]tensor.Tensor)
	for _, name := range w.Names() {
		v, _ := w.View(name)
		tensors[name] = v.Tensor()
	}
	w.Close()
	delete(tensors, "distilbert.transformer.layer.1.attention.q_lin.weight")
	delete(tensors, "classifier.bias")
	tensors["extra"] = tensor.New(2, 3)
	var file bytes.Buffer
	if err := loader.Write(&file, tensors, nil); err != nil {
		t.Fatal(err)
	}
	config, err := fs.ReadFile(dir, "config.json")
	if err != nil {
		t.Fatal(err)
	}
	_, err = load(t, fstest.MapFS{"config.json": {Data: config}, "model.safetensors": {Data: file.Bytes()}}, x, same)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"(2 missing, 1 unused)", "missing: encoder.layer.1.attention.self.query.weight [18 18]",
		"missing: classifier.bias [5]", "unused: extra [2 3]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func FuzzConfig(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join(models, "*", "*", "config.json"))
	if err != nil || len(paths) == 0 {
		f.Fatal("no configs: ", err)
	}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := arch.ParseConfig(text)
		if err != nil {
			return
		}
		for name, family := range families {
			if cfg, err := readConfig(c, family); err == nil {
				if cfg.HiddenSize%cfg.Heads != 0 || cfg.Layers > maxLayers || cfg.Labels < 1 {
					t.Errorf("%s: %+v", name, cfg)
				}
			} else if !strings.HasPrefix(err.Error(), "config.json: ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// BenchmarkEncode runs a network of the size of all-MiniLM-L6-v2, of zeros.
func BenchmarkEncode(b *testing.B) {
	for _, set := range kernels.Sets() {
		for _, size := range [][2]int{{1, 16}, {1, 128}, {1, 512}, {32, 128}} {
			b.Run(fmt.Sprintf("impl=%s/b=%d/s=%d", set.Name(), size[0], size[1]), func(b *testing.B) {
				x := kernels.New(set, 1)
				defer x.Close()
				m := benchModel(b, x)
				var batch arch.Batch
				for range size[0] {
					batch.Append(make([]int32, size[1]), nil, m.Limits().Rule)
				}
				var ws tensor.Workspace
				b.ReportAllocs()
				for b.Loop() {
					ws.Reset()
					m.Encode(&ws, &batch)
				}
				// Per token and layer: 2·(4·384² + 2·384·1536) for the products, 4·384·S for attention.
				flops := 6 * float64(size[0]*size[1]) * (2*(4*384*384+2*384*1536) + 4*384*float64(size[1]))
				b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

func benchModel(b *testing.B, x *kernels.Exec) *Model {
	c, err := arch.ParseConfig([]byte(`{"model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536,
		"vocab_size": 100, "num_attention_heads": 12}`))
	if err != nil {
		b.Fatal(err)
	}
	cfg, err := readConfig(c, families["bert"])
	if err != nil {
		b.Fatal(err)
	}
	m := build(cfg, x)
	m.Head = none{}
	tensors := make(map[string]tensor.Tensor)
	err = loader.Bind(m, emptyWeights(b))
	bindErr, ok := err.(*loader.BindError)
	if !ok {
		b.Fatal(err)
	}
	for _, t := range bindErr.Missing {
		tensors[t.Name] = tensor.New(t.Shape...)
	}
	var file bytes.Buffer
	if err := loader.Write(&file, tensors, nil); err != nil {
		b.Fatal(err)
	}
	w, err := loader.Open(fstest.MapFS{"model.safetensors": {Data: file.Bytes()}})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	if err := loader.Bind(m, w); err != nil {
		b.Fatal(err)
	}
	return m
}

func emptyWeights(b *testing.B) *loader.Weights {
	var file bytes.Buffer
	if err := loader.Write(&file, map[string]tensor.Tensor{}, nil); err != nil {
		b.Fatal(err)
	}
	w, err := loader.Open(fstest.MapFS{"model.safetensors": {Data: file.Bytes()}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	return w
}
