package generate_test

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/godwit-ml/godwit/generate"
	"github.com/godwit-ml/godwit/kernels"
)

// A logitsCase is a case of testdata/logits.json.gz; testdata/logits.py says what the fields are.
type logitsCase struct {
	Steps  []string        `json:"steps"`
	Config json.RawMessage `json:"config"`
	Vocab  int             `json:"vocab"`
	Prompt int             `json:"prompt"`
	IDs    []int32         `json:"ids"`
	Units  []float32       `json:"units"`
	Probs  [][2]float64    `json:"probs"`
}

func readLogitsCases(t testing.TB) []logitsCase {
	t.Helper()
	f, err := os.Open("testdata/logits.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var cases []logitsCase
	if err := json.NewDecoder(z).Decode(&cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// config returns the case's config, with what a generation_config.json does not have.
func (c *logitsCase) config(t testing.TB) *generate.Config {
	t.Helper()
	cfg, err := generate.ParseConfig(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	var more struct {
		Frequency float64 `json:"frequency_penalty"`
		Presence  float64 `json:"presence_penalty"`
	}
	if err := json.Unmarshal(c.Config, &more); err != nil {
		t.Fatal(err)
	}
	cfg.FrequencyPenalty, cfg.PresencePenalty = more.Frequency, more.Presence
	return cfg
}

// newExec returns an Exec for a test.
func newExec(t testing.TB) *kernels.Exec {
	t.Helper()
	set, err := kernels.Default()
	if err != nil {
		t.Fatal(err)
	}
	x := kernels.New(set, 1)
	t.Cleanup(x.Close)
	return x
}

// TestDistributions compares the probabilities that are left after each step, and after chains of them, with transformers'. It
// uses one Sampler for all, whose memory of the case before must not show.
func TestDistributions(t *testing.T) {
	x := newExec(t)
	var s generate.Sampler
	cases := readLogitsCases(t)
	if len(cases) < 200 {
		t.Fatalf("only %d cases", len(cases))
	}
	worst := 0.0
	for i, c := range cases {
		cfg := c.config(t)
		logits := make([]float32, c.Vocab)
		for j, u := range c.Units {
			logits[j] = u / 256
		}
		before := slices.Clone(logits)
		s.Reset(x, cfg, c.Vocab, c.Prompt, cfg.MaxLength, 0)
		ids, probs, err := s.Distribution(c.IDs, logits)
		if err != nil {
			t.Fatalf("case %d, %v: %v", i, c.Steps, err)
		}
		if !slices.Equal(logits, before) {
			t.Fatalf("case %d: the logits were changed", i)
		}
		got := make([]float64, c.Vocab)
		for j, id := range ids {
			got[id] = float64(probs[j])
		}
		for _, p := range c.Probs {
			got[int(p[0])] -= p[1]
		}
		bad := 0.0
		for _, d := range got {
			bad = max(bad, math.Abs(d))
		}
		if worst = max(worst, bad); bad > 1e-6 {
			t.Errorf("case %d, %s: a probability is off by %.3g\n%s", i, strings.Join(c.Steps, " "), bad, c.Config)
		}
	}
	t.Logf("%d cases, largest difference %.3g", len(cases), worst)
}
