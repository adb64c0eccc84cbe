package godwit_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// goldenCase is a case.json: what is in expected.safetensors beside it.
type goldenCase struct {
	Class   string             `json:"class"`
	Noise   map[string]float64 `json:"noise_fp32"` // max |float32 - float64| of PyTorch itself, for each output
	Prompts map[string]string  `json:"prompts"`

	Sentences []string `json:"sentences"`
	Runs      map[string]struct {
		Args map[string]any `json:"kwargs"`
	} `json:"runs"`
}

// tolerance is the largest error that an output may have: four times that of PyTorch in float32, which sums in another order,
// and not less than what a few operations cost; and half a unit in the last place of the largest value, by which the expected
// values are off themselves, as float64 results that were rounded to float32.
func (c *goldenCase) tolerance(run, output string, scale float64) float64 {
	if run != "" {
		output = run + "." + output
	}
	return max(4*c.Noise[output], 1e-6*scale) + scale/(1<<24)
}

func readCase(t testing.TB, dir string) *goldenCase {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "case.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c goldenCase
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	return &c
}

// readTensors reads a safetensors file.
func readTensors(t testing.TB, dir, name string) map[string]tensor.Tensor {
	t.Helper()
	w, err := loader.OpenFile(os.DirFS(dir), name)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	tensors := make(map[string]tensor.Tensor)
	for _, name := range w.Names() {
		v, _ := w.View(name)
		tensors[name] = v.Tensor()
	}
	return tensors
}

// cases returns the folders of the cases of these families: those of the repository, made by testdata/models.py, and with
// GODWIT_GOLDEN also those of a folder of the same layout.
func cases(t testing.TB, families ...string) []string {
	t.Helper()
	roots := []string{filepath.Join("testdata", "models")}
	if g := os.Getenv("GODWIT_GOLDEN"); g != "" {
		roots = append(roots, filepath.Join(g, "models"))
	}
	var dirs []string
	for _, root := range roots {
		for _, f := range families {
			found, err := filepath.Glob(filepath.Join(root, f, "*", "case.json"))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range found {
				dirs = append(dirs, filepath.Dir(path))
			}
		}
	}
	if len(dirs) == 0 {
		t.Fatal("no cases")
	}
	return dirs
}

// TestForward compares every output of every run of the models of the BERT family with Transformers', computed in float64.
func TestForward(t *testing.T) {
	testForward(t, "bert", "roberta", "xlm-roberta", "camembert", "distilbert", "mpnet")
}

// decoders are the families of decoders.
var decoders = []string{"gpt2", "gpt_neo", "gpt_neox", "gptj", "phi", "phi3", "llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe",
	"qwen2_moe", "gemma", "gemma2", "gemma3_text", "smollm3", "olmo2", "granite", "starcoder2", "stablelm", "cohere", "falcon",
	"bloom", "opt"}

// TestForwardGPT does so for decoders, and compares the ids that they generate.
func TestForwardGPT(t *testing.T) {
	testForward(t, decoders...)
}

// TestForwardVision does so for models of images, and of images and texts.
func TestForwardVision(t *testing.T) {
	testForward(t, "vit", "deit", "dinov2", "dinov2_with_registers", "dinov3_vit", "beit", "swin", "clip", "siglip")
}

func testForward(t *testing.T, families ...string) {
	t.Helper()
	var ratios []float64
	dirs := cases(t, families...)
	for _, dir := range dirs {
		t.Run(filepath.Base(filepath.Dir(dir))+"/"+filepath.Base(dir), func(t *testing.T) {
			c := readCase(t, dir)
			m, err := godwit.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			expected := readTensors(t, dir, "expected.safetensors")
			for name := range expected { // of sentence-transformers' pooling, which is no output of the network
				if name == "embedding" || strings.HasSuffix(name, ".embedding") {
					delete(expected, name)
					delete(c.Noise, name)
				}
			}
			var opts []godwit.VerifyOption
			for run, r := range c.Runs {
				for name, value := range r.Args {
					opts = append(opts, godwit.WithRunArgument(run, name, value))
				}
			}
			diffs, err := m.Verify(t.Context(), expected, opts...)
			if err != nil {
				t.Fatal(err)
			}
			if len(diffs) != len(c.Noise) {
				t.Errorf("%d outputs compared, case.json has %d", len(diffs), len(c.Noise))
			}
			for _, d := range diffs {
				name := d.Output
				if d.Run != "" {
					name = d.Run + "." + name
				}
				noise, ok := c.Noise[name]
				if !ok {
					t.Errorf("%s: not in case.json", name)
				}
				if limit := c.tolerance(d.Run, d.Output, d.Scale); d.Max > limit {
					t.Errorf("%s: error %.3g, want at most %.3g (noise of PyTorch %.3g, values to %.3g)", name, d.Max, limit, noise, d.Scale)
				}
				if noise > 0 {
					ratios = append(ratios, d.Max/noise)
				}
			}
		})
	}
	if len(ratios) == 0 {
		t.Fatal("nothing was compared")
	}
	slices.Sort(ratios)
	t.Logf("%d cases, %d outputs: error / noise of PyTorch in float32: median %.2f, largest %.2f", len(dirs), len(ratios),
		ratios[len(ratios)/2], ratios[len(ratios)-1])
}
