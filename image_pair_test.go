package godwit_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit"
)

// pairCase is an expected.json of testdata/images.
type pairCase struct {
	Labels   []string
	Images   []string
	ZeroShot [][]godwit.LabelScore `json:"zero_shot"`
	// Hypothesis is what the first two labels get with another sentence.
	Hypothesis   []godwit.LabelScore
	Logits       [][]float64
	ImageVectors [][]float64 `json:"images_vectors"`
	TextVectors  [][]float64 `json:"texts_vectors"`
	NoiseLogits  float64     `json:"noise_logits"`
	NoiseImages  float64     `json:"noise_images"`
	NoiseTexts   float64     `json:"noise_texts"`
}

func readPairCase(t *testing.T, name string) (c pairCase, images []godwit.Image) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "images", name, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	for _, i := range c.Images {
		images = append(images, godwit.ImageFile(filepath.Join("testdata", "images", i)))
	}
	return c, images
}

// checkRows holds vectors against those of float64, to four times what PyTorch's float32 is off.
func checkRows(t *testing.T, what string, got [][]float32, want [][]float64, noise float64) {
	t.Helper()
	worst := 0.0
	for i, row := range want {
		if len(got[i]) != len(row) {
			t.Fatalf("%s %d has %d elements, want %d", what, i, len(got[i]), len(row))
		}
		for j, w := range row {
			worst = max(worst, math.Abs(float64(got[i][j])-w))
		}
	}
	if !(worst <= 4*noise) {
		t.Errorf("%s: error %.3g, that of PyTorch is %.3g", what, worst, noise)
	}
}

// checkScores holds the labels of an image against those of the pipeline in float32.
func checkScores(t *testing.T, got, want []godwit.LabelScore, noise float64) {
	t.Helper()
	for i, w := range want {
		if got[i].Label != w.Label || math.Abs(float64(got[i].Score-w.Score)) > 10*noise {
			t.Errorf("label %d is %v, want %v", i, got[i], w)
		}
	}
}

// TestImageText compares vectors, logits and zero-shot scores with those of Transformers.
func TestImageText(t *testing.T) {
	for _, name := range []string{"clip", "siglip"} {
		t.Run(name, func(t *testing.T) {
			c, images := readPairCase(t, name)
			m, err := godwit.Open("testdata/images/" + name)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			vecs, err := m.EmbedImages(t.Context(), images)
			if err != nil {
				t.Fatal(err)
			}
			checkRows(t, "image", vecs, c.ImageVectors, c.NoiseImages)
			texts, err := m.Embed(t.Context(), c.Labels)
			if err != nil {
				t.Fatal(err)
			}
			checkRows(t, "text", texts, c.TextVectors, c.NoiseTexts)
			logits, err := m.ImageTextLogits(t.Context(), images, c.Labels)
			if err != nil {
				t.Fatal(err)
			}
			checkRows(t, "logits", logits, c.Logits, c.NoiseLogits)
			for i, row := range m.Similarity(vecs, texts) { // the same up to the scale
				if a, b := slices.Index(row, slices.Max(row)), slices.Index(logits[i], slices.Max(logits[i])); a != b {
					t.Errorf("image %d is most like text %d, its logit is largest for %d", i, a, b)
				}
			}
			scores, err := m.ClassifyImagesZeroShot(t.Context(), images, c.Labels)
			if err != nil {
				t.Fatal(err)
			}
			for i := range scores {
				checkScores(t, scores[i], c.ZeroShot[i], c.NoiseLogits)
			}
			scores, err = m.ClassifyImagesZeroShot(t.Context(), images[:1], c.Labels[:2], godwit.WithHypothesis("{}, seen from above"),
				godwit.WithTopLabels(1))
			if err != nil {
				t.Fatal(err)
			}
			if len(scores[0]) != 1 {
				t.Errorf("%d labels, want 1", len(scores[0]))
			}
			checkScores(t, scores[0], c.Hypothesis[:1], c.NoiseLogits)

			long, err := m.Embed(t.Context(), []string{strings.Repeat("a photo of a dog ", 100), ""})
			if err != nil {
				t.Fatal(err)
			}
			if n := m.Info().Dimensions; len(long) != 2 || len(long[1]) != n || long[0][0] != long[0][0] {
				t.Errorf("a long text and none: %v", long)
			}
		})
	}
}

// TestImageTextErrors opens models that lack something, and expects to be told what.
func TestImageTextErrors(t *testing.T) {
	for _, tt := range []struct {
		model, without, with string // a file that is not there, or has other text
		want                 string
	}{
		{"clip", "tokenizer.json", "", "godwit: the model has no tokenizer: there is no tokenizer.json, no vocab.txt, and no vocab.json with merges.txt"},
		{"siglip", "tokenizer_config.json", "{}",
			"godwit: the model wants texts padded to 64 tokens: neither tokenizer.json nor tokenizer_config.json names the token to pad with"},
		{"siglip", "tokenizer_config.json", `{"pad_token":{"content":"<pad>"}}`,
			"godwit: the model wants texts padded to 64 tokens: neither tokenizer.json nor tokenizer_config.json names the token to pad with"},
		{"siglip", "tokenizer_config.json", `{"pad_token":{"content":"</s>"}}`, "<nil>"},
	} {
		files := fstest.MapFS{}
		for _, name := range []string{"config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"} {
			b, err := os.ReadFile(filepath.Join("testdata/images", tt.model, name))
			if err != nil {
				t.Fatal(err)
			}
			if name == tt.without {
				if tt.with == "" {
					continue
				}
				b = []byte(tt.with)
			}
			if name == "tokenizer.json" && tt.model == "siglip" {
				b = withoutPadding(t, b)
			}
			files[name] = &fstest.MapFile{Data: b}
		}
		m, err := godwit.OpenFS(files)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Embed(t.Context(), []string{"a"})
		m.Close()
		got := "<nil>"
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.model, got, tt.want)
		}
	}
	m, err := godwit.Open("testdata/images/clip")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	_, images := readPairCase(t, "clip")
	_, err = m.ClassifyImages(t.Context(), images)
	if want := "godwit: CLIPModel has no labels to choose from: give yours to ClassifyImagesZeroShot"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = m.ImageTextLogits(t.Context(), images, nil)
	if want := "godwit: there are no texts to compare the images with"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// withoutPadding takes the padding out of a tokenizer.json.
func withoutPadding(t *testing.T, b []byte) []byte {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	v["padding"] = nil
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
