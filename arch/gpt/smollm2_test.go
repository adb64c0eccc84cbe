package gpt

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// TestSmolLM2 compares SmolLM2-135M-Instruct, whose folder GODWIT_SMOLLM2 names, with what PyTorch made of the same weights,
// GODWIT_GOLDEN/real/smollm2.json: the likeliest tokens after each prompt, greedy continuations, and the likelihood of a text.
func TestSmolLM2(t *testing.T) {
	folder, golden := os.Getenv("GODWIT_SMOLLM2"), os.Getenv("GODWIT_GOLDEN")
	if folder == "" || golden == "" {
		t.Skip("GODWIT_SMOLLM2 and GODWIT_GOLDEN are not set")
	}
	text, err := os.ReadFile(filepath.Join(golden, "real", "smollm2.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Prompts []struct {
			Prompt  string
			IDs     []int32   `json:"input_ids"`
			Greedy  []int32   `json:"greedy_ids"`
			Margins []float64 `json:"greedy_margins"`
			Top     struct {
				IDs    []int32
				Values []float64
			} `json:"last_logits_top10_float64"`
		}
		Perplexity []struct {
			IDs []int32   `json:"input_ids"`
			NLL []float64 `json:"nll"`
			// Of the same in float64.
			Mean float64 `json:"mean_nll_float64"`
		}
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	m := openFolder(t, folder).(*CausalLM)
	worst := 0.0
	for _, p := range want.Prompts {
		for _, o := range []arch.CacheOptions{{}, {BFloat16: true}} {
			var ws tensor.Workspace
			c := m.NewCache(o)
			logits := m.Continue(&ws, []arch.Cache{c}, [][]int32{p.IDs}, false).Data
			values, ids := make([]float32, 10), make([]int32, 10)
			m.x.TopK(values, ids, logits)
			if !o.BFloat16 {
				if !slices.Equal(ids, p.Top.IDs) {
					t.Errorf("%.40q: the likeliest tokens are %v, want %v", p.Prompt, ids, p.Top.IDs)
				}
				for i, v := range p.Top.Values {
					worst = max(worst, math.Abs(float64(values[i])-v)/math.Abs(p.Top.Values[0]))
				}
			}
			for i, id := range p.Greedy {
				if got := int32(m.x.Argmax(logits)); got != id {
					if t.Logf("%.40q, %+v: token %d is %d, want %d, of margin %g", p.Prompt, o, i, got, id, p.Margins[i]); !o.BFloat16 {
						t.Fail()
					}
					break
				}
				ws.Reset()
				logits = m.Continue(&ws, []arch.Cache{c}, [][]int32{{id}}, false).Data
			}
		}
	}
	t.Logf("the ten likeliest: largest error %.2g of the greatest logit", worst)

	for _, p := range want.Perplexity {
		var ws tensor.Workspace
		logits := m.Continue(&ws, []arch.Cache{m.NewCache(arch.CacheOptions{Chunk: len(p.IDs)})}, [][]int32{p.IDs}, true)
		mean := 0.0
		for i, next := range p.IDs[1:] {
			row := logits.Row(i)
			sum, most := 0.0, float64(slices.Max(row))
			for _, v := range row {
				sum += math.Exp(float64(v) - most)
			}
			mean += (most + math.Log(sum) - float64(row[next])) / float64(len(p.NLL))
		}
		if math.Abs(mean/p.Mean-1) > 1e-5 {
			t.Errorf("mean negative log-likelihood %.8f, want %.8f", mean, p.Mean)
		}
		t.Logf("mean negative log-likelihood %.8f, in float64 %.8f", mean, p.Mean)
	}
}

// openFolder opens a model on two threads.
func openFolder(t testing.TB, folder string) arch.Model {
	t.Helper()
	fsys := os.DirFS(folder)
	c, err := arch.ReadConfig(fsys)
	if err != nil {
		t.Fatal(err)
	}
	w, err := loader.Open(fsys)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	x := kernels.New(nil, 2)
	t.Cleanup(x.Close)
	m, err := newModel(c, families[c.ModelType], w, x)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
