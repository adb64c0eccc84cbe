package sentence

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

func exec(t *testing.T) *kernels.Exec {
	x := kernels.New(nil, 1)
	t.Cleanup(x.Close)
	return x
}

// repo makes a file system of names and texts, by turns.
func repo(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return m
}

const (
	transformer = `[{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"}`
	pooled      = transformer + `, {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}`
)

// Two texts of 3 and 1 tokens, hidden size 2. All expected values below can be computed in the head.
var (
	hidden = tensor.FromFloat32([]float32{1, -2, 3, 8, 5, 0, 7, 7}, 4, 2)
	starts = []int32{0, 3, 4}
)

func TestPooling(t *testing.T) {
	s3 := float32(math.Sqrt(3))
	for _, c := range []struct {
		config string
		prompt int
		want   []float32
	}{
		{`{"pooling_mode": "cls"}`, 0, []float32{1, -2, 7, 7}},
		{`{"pooling_mode": "lasttoken"}`, 0, []float32{5, 0, 7, 7}},
		{`{"pooling_mode": "max"}`, 0, []float32{5, 8, 7, 7}},
		{`{"pooling_mode": "mean"}`, 0, []float32{3, 2, 7, 7}},
		{`{}`, 0, []float32{3, 2, 7, 7}},
		{`{"pooling_mode": "mean_sqrt_len_tokens"}`, 0, []float32{9 / s3, 6 / s3, 7, 7}},
		{`{"pooling_mode": "weightedmean"}`, 0, []float32{22. / 6, 14. / 6, 7, 7}},
		{`{"pooling_mode": ["max", "cls"], "embedding_dimension": 2}`, 0, []float32{5, 8, 1, -2, 7, 7, 7, 7}},
		{`{"word_embedding_dimension": 2, "pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}`, 0,
			[]float32{1, -2, 3, 2, 7, 7, 7, 7}},
		// With a prompt of one token: the second text, all prompt, keeps its token.
		{`{"pooling_mode": "mean"}`, 1, []float32{3, 2, 7, 7}},
		{`{"pooling_mode": "mean", "include_prompt": false}`, 1, []float32{4, 4, 7, 7}},
		{`{"pooling_mode": "cls", "include_prompt": false}`, 1, []float32{3, 8, 7, 7}},
		{`{"pooling_mode": "max", "include_prompt": false}`, 2, []float32{5, 0, 7, 7}},
		{`{"pooling_mode": "weightedmean", "include_prompt": false}`, 1, []float32{21. / 5, 16. / 5, 7, 7}},
	} {
		p, err := Load(repo("modules.json", pooled+"]", "1_Pooling/config.json", c.config), exec(t), 2, "mean")
		if err != nil {
			t.Errorf("%s: %v", c.config, err)
			continue
		}
		got := p.Embed(new(tensor.Workspace), hidden, starts, c.prompt)
		if !slices.Equal(got.Data, c.want) || p.Dim != len(c.want)/2 {
			t.Errorf("%s, prompt of %d: %v, want %v", c.config, c.prompt, got.Data, c.want)
		}
	}
}

func TestWithoutModules(t *testing.T) {
	for mode, want := range map[string][]float32{"mean": {3, 2, 7, 7}, "lasttoken": {5, 0, 7, 7}} {
		p, err := Load(repo(), exec(t), 2, mode)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Embed(new(tensor.Workspace), hidden, starts, 0); !slices.Equal(got.Data, want) {
			t.Errorf("%s: %v, want %v", mode, got.Data, want)
		}
		if p.Similarity != "cosine" || p.Base != "." || p.MaxLength != 0 {
			t.Errorf("settings of a bare repository: %+v", p)
		}
	}
}

// weights returns the bytes of a safetensors file.
func weights(t *testing.T, tensors map[string]tensor.Tensor) string {
	var b bytes.Buffer
	if err := loader.Write(&b, tensors, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDenseAndNormalize(t *testing.T) {
	const modules = pooled + `, {"path": "2_Dense", "type": "a.Dense"}, {"path": "3_Normalize", "type": "a.Normalize"}]`
	file := weights(t, map[string]tensor.Tensor{
		"linear.weight":   tensor.FromFloat32([]float32{1, 0, 0, 1, -1, -1}, 3, 2),
		"linear.bias":     tensor.FromFloat32([]float32{-3, 0, 9}, 3),
		"residual.weight": tensor.FromFloat32([]float32{0, 2, 0, 0, 0, 0}, 3, 2),
	})
	plain := weights(t, map[string]tensor.Tensor{"linear.weight": tensor.FromFloat32([]float32{0, 1, 1, 0}, 2, 2)})
	for _, c := range []struct {
		config, file string
		want         []float32 // of the first text, (3, 2) before
	}{
		{`{"in_features": 2, "out_features": 3, "bias": true, "activation_function": "torch.nn.modules.linear.Identity", "use_residual": true}`,
			file, []float32{4 / 6., 2 / 6., 4 / 6.}},
		{`{"in_features": 2, "out_features": 2, "bias": false, "activation_function": "torch.nn.modules.activation.ReLU", "use_residual": true}`,
			plain, []float32{float32(1 / math.Sqrt2), float32(1 / math.Sqrt2)}},
		{`{"in_features": 2, "out_features": 2, "bias": false}`, // the default is tanh
			plain, []float32{0.6958, 0.7182}},
	} {
		p, err := Load(repo("modules.json", modules, "1_Pooling/config.json", "{}", "2_Dense/config.json", c.config,
			"2_Dense/model.safetensors", c.file), exec(t), 2, "mean")
		if err != nil {
			t.Errorf("%s: %v", c.config, err)
			continue
		}
		got := p.Embed(new(tensor.Workspace), hidden, starts, 0).Row(0)
		for i, w := range c.want {
			// The expected values are given to four digits.
			if len(got) != len(c.want) || math.Abs(float64(got[i]-w)) > 5e-5 {
				t.Errorf("%s: %v, want %v", c.config, got, c.want)
				break
			}
		}
	}
}

func TestSettings(t *testing.T) {
	p, err := Load(repo(
		"modules.json", strings.Replace(pooled, `"path": ""`, `"path": "0_Transformer"`, 1)+"]",
		"1_Pooling/config.json", "{}",
		"0_Transformer/sentence_roberta_config.json", `{"max_seq_length": 77, "do_lower_case": true}`,
		"config_sentence_transformers.json", `{"prompts": {"query": "query: "}, "default_prompt_name": "query", "similarity_fn_name": "dot"}`,
	), exec(t), 2, "mean")
	if err != nil {
		t.Fatal(err)
	}
	if p.Base != "0_Transformer" || p.MaxLength != 77 || !p.Lowercase || p.Prompts["query"] != "query: " || p.DefaultPrompt != "query" ||
		p.Similarity != "dot" {
		t.Errorf("%+v", p)
	}
}

func TestErrors(t *testing.T) {
	const ok = "{}"
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{"modules.json", "{"}, "modules.json: unexpected end of JSON input"},
		{[]string{"modules.json", "[]"}, "modules.json: there is no Pooling module, so the model has no sentence embedding"},
		{[]string{"modules.json", transformer + "]"}, "modules.json: there is no Pooling module, so the model has no sentence embedding"},
		{[]string{"modules.json", pooled + "]"}, "1_Pooling/config.json is missing; modules.json asks for it"},
		{[]string{"modules.json", `[{"type": "x.Pooling"}]`}, `modules.json: module 0 is a "Pooling"; a Transformer comes first, and only there`},
		{[]string{"modules.json", transformer + `, {"type": "x.Normalize"}]`}, `modules.json: module 1 is a "Normalize"; Pooling comes second, and only there`},
		{[]string{"modules.json", `[{"type": "x.Transformer", "path": "../up"}]`}, `modules.json: module 0: "../up" is not a path inside the repository`},
		{[]string{"modules.json", pooled + `, {"type": "x.LSTM"}]`, "1_Pooling/config.json", ok},
			`modules.json: module 2: "LSTM" is not supported; known are Transformer, Pooling, Dense and Normalize`},
		{[]string{"modules.json", pooled + "]", "1_Pooling/config.json", `{"pooling_mode": "median"}`},
			`1_Pooling/config.json: the pooling mode "median" is not known; known are cls, lasttoken, max, mean, mean_sqrt_len_tokens, weightedmean`},
		{[]string{"modules.json", pooled + "]", "1_Pooling/config.json", `{"embedding_dimension": 3}`},
			"1_Pooling/config.json: the embedding dimension is 3, but the hidden size of the transformer is 2"},
		{[]string{"modules.json", pooled + "]", "1_Pooling/config.json", strings.Repeat(" ", maxConfig+1)},
			"1_Pooling/config.json has 1048577 bytes, more than the limit of 1048576"},
		{[]string{"modules.json", pooled + `, {"path": "d", "type": "x.Dense"}]`, "1_Pooling/config.json", ok, "d/config.json", `{"in_features": 5, "out_features": 1}`},
			"d/config.json: in_features 5, out_features 1: the module before gives 2"},
		{[]string{"modules.json", pooled + `, {"path": "d", "type": "x.Dense"}]`, "1_Pooling/config.json", ok, "d/config.json",
			`{"in_features": 2, "out_features": 1, "activation_function": "os.system"}`},
			`d/config.json: the activation_function "os.system" is not known; known are those of torch.nn: GELU, Identity, ReLU, SiLU, Sigmoid, Tanh`},
		{[]string{"sentence_bert_config.json", `{"max_seq_length": 0}`}, "sentence_bert_config.json: max_seq_length is 0; it must be positive"},
		{[]string{"config_sentence_transformers.json", `{"default_prompt_name": "q"}`},
			`config_sentence_transformers.json: default_prompt_name is "q", but prompts has no such entry`},
		{[]string{"config_sentence_transformers.json", `{"similarity_fn_name": "angle"}`},
			`config_sentence_transformers.json: similarity_fn_name "angle" is not known; known are cosine, dot, euclidean and manhattan`},
	} {
		if _, err := Load(repo(c.files...), exec(t), 2, "mean"); err == nil || err.Error() != c.want {
			t.Errorf("%v:\n got %v\nwant %s", c.files, err, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(pooled+"]", `{"pooling_mode": ["cls", "mean"]}`, `{"max_seq_length": 4}`, `{"prompts": {"a": "b"}}`)
	f.Add(pooled+`, {"path": "1_Pooling", "type": "x.Dense"}]`, `{"in_features": 2, "out_features": 3}`, "", "")
	x := kernels.New(nil, 1)
	f.Fuzz(func(t *testing.T, modules, pooling, bert, settings string) {
		files := repo("modules.json", modules, "1_Pooling/config.json", pooling, "sentence_bert_config.json", bert,
			"config_sentence_transformers.json", settings)
		p, err := Load(files, x, 2, "mean")
		if err != nil {
			return
		}
		if got := p.Embed(new(tensor.Workspace), hidden, starts, 1); got.NumRows() != 2 || got.Cols() != p.Dim {
			t.Errorf("embeddings of shape %v, dimension %d", got.Shape, p.Dim)
		}
	})
}
