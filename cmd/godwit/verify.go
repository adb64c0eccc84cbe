package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/internal/files"
	"github.com/godwit-ml/godwit/tensor"
)

// relativeTolerance is the tolerance where neither the user nor a case.json gives one, as a part of the largest magnitude
// among the expected values.
//
// A chain of float32 roundings over a block of 256 products wanders by about sqrt(256)·2^-24, 1e-6 of the result. A layer
// has four products, whose errors add up as a random walk: 7e-6 after 12 layers, 1e-5 after 24. The largest deviation
// among some hundred thousand values is 4 to 5 times the typical one. So honest float32 stays below 5e-5, and most wrong
// formulas (another GELU, a missing bias, another epsilon) give more than 1e-4.
const relativeTolerance = 5e-5

func verifyCommand(io *console) *cobra.Command {
	var flags modelFlags
	var tolerance float64
	c := &cobra.Command{
		Use:   "verify MODEL EXPECTED",
		Short: "Compare a model's outputs with those of another library",
		Long: `verify runs a model on the inputs in a safetensors file and compares its outputs with those in the same file,
which another library computed. It prints the maximum and mean absolute error of each output and fails if a
maximum is above the tolerance. Positions whose attention_mask is 0 are not compared.

Names are those of Python: input_ids, attention_mask, pixel_values, last_hidden_state, logits,
hidden_states.0. A file may hold several runs: the tensors of a run other than the main one have its name
before theirs, as in len7.input_ids and len7.logits. If a file case.json beside EXPECTED has "runs", the
"kwargs" of each are the keyword arguments that it had in Python.

If a file case.json beside EXPECTED has a list "sentences", then embeddings, embeddings.NAME (computed with
the prompt of that name) and similarity are what sentence-transformers returned for these.

The tolerance is --tolerance, an absolute error. Without it, if a file case.json beside EXPECTED has
noise_fp32 for an output (how far the other library in float32 was from itself in float64), it is four times
that, and at least 1e-6 of the largest expected magnitude, plus 2^-24 of it: half a unit in the last place,
by which the expected values are rounded. Otherwise it is 5e-5 of that magnitude, about what float32 gives
after 24 layers.`,
		Example: `  godwit verify ./model expected.safetensors
  godwit verify ./model expected.safetensors --tolerance 1e-4 --json`,
		Args: arguments(2, 2),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("tolerance") && !(tolerance > 0) {
				return usagef("--tolerance is %v, must be above 0", tolerance)
			}
			expected, err := readTensors(args[1])
			if err != nil {
				return err
			}
			known, err := readCase(filepath.Join(filepath.Dir(args[1]), "case.json"))
			if err != nil {
				return err
			}
			flags.model = args[0]
			m, err := flags.open()
			if err != nil {
				return err
			}
			defer m.Close()
			diffs, err := verify(c.Context(), m, expected, known)
			if err != nil {
				return err
			}
			return reportVerify(io, diffs, tolerance, known.Noise)
		},
	}
	flags.add(c, false)
	c.Flags().Float64Var(&tolerance, "tolerance", 0, "largest absolute error to accept (default: derived, see above)")
	return c
}

// verify compares all outputs among the expected tensors: those of sentences, if there are any, and those of runs.
func verify(ctx context.Context, m *godwit.Model, expected map[string]tensor.Tensor, known caseFile) ([]godwit.Difference, error) {
	if len(known.Sentences) == 0 || expected["embeddings"].Shape == nil {
		return m.Verify(ctx, expected, known.options()...)
	}
	diffs, err := m.VerifyTexts(ctx, known.Sentences, expected)
	if err != nil {
		return nil, err
	}
	rest, outputs := map[string]tensor.Tensor{}, false
	for name, t := range expected {
		if name != "similarity" && name != "embeddings" && !strings.HasPrefix(name, "embeddings.") {
			rest[name] = t
			outputs = outputs || t.DType == tensor.F32
		}
	}
	if outputs {
		runs, err := m.Verify(ctx, rest, known.options()...)
		return append(diffs, runs...), err
	}
	return diffs, nil
}

// caseFile is what verify reads of a case.json, all of it optional.
type caseFile struct {
	Noise     map[string]float64 `json:"noise_fp32"`
	Sentences []string           `json:"sentences"`
	Runs      map[string]struct {
		Args map[string]any `json:"kwargs"`
	} `json:"runs"`
}

// options returns the keyword arguments of the runs.
func (c *caseFile) options() []godwit.VerifyOption {
	var opts []godwit.VerifyOption
	for run, r := range c.Runs {
		for name, value := range r.Args {
			opts = append(opts, godwit.WithRunArgument(run, name, value))
		}
	}
	return opts
}

// readCase reads a case.json, if there is such a file.
func readCase(path string) (caseFile, error) {
	var c caseFile
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, unpath(err))
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("%s: %s", path, files.JSONCause(err))
	}
	return c, nil
}

// verified is one output in the report.
type verified struct {
	Run       string    `json:"run"`
	Output    string    `json:"output"`
	Max       jsonFloat `json:"max_abs_error"`
	Mean      jsonFloat `json:"mean_abs_error"`
	Tolerance float64   `json:"tolerance"`
	OK        bool      `json:"ok"`
}

// jsonFloat is a number that may be infinite, which JSON has no number for.
type jsonFloat float64

func (f jsonFloat) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(f), 0) || math.IsNaN(float64(f)) {
		return []byte(`"Infinity"`), nil
	}
	return json.Marshal(float64(f))
}

func reportVerify(io *console, diffs []godwit.Difference, tolerance float64, noise map[string]float64) error {
	outputs := make([]verified, len(diffs))
	failed := 0
	for i, d := range diffs {
		name, run := d.Output, d.Run
		if run == "" {
			run = "main"
		} else {
			name = run + "." + name
		}
		tol := tolerance
		if n, ok := noise[name]; tol == 0 && ok {
			tol = max(4*n, 1e-6*d.Scale) + d.Scale/(1<<24)
		} else if tol == 0 {
			tol = relativeTolerance * d.Scale
		}
		outputs[i] = verified{run, d.Output, jsonFloat(d.Max), jsonFloat(d.Mean), tol, d.Max <= tol}
		if !outputs[i].OK {
			failed++
		}
	}
	if io.json {
		if err := io.writeJSON(struct {
			OK      bool       `json:"ok"`
			Outputs []verified `json:"outputs"`
		}{failed == 0, outputs}); err != nil {
			return err
		}
	} else {
		rows := [][]string{{"run", "output", "max error", "mean error", "tolerance", ""}}
		for _, o := range outputs {
			state := "ok"
			if !o.OK {
				state = io.style("31", "FAILED")
			}
			rows = append(rows, []string{o.Run, o.Output, fmt.Sprintf("%.3g", float64(o.Max)), fmt.Sprintf("%.3g", float64(o.Mean)),
				fmt.Sprintf("%.3g", o.Tolerance), state})
		}
		io.table("llrrrl", rows)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d outputs are above the tolerance", failed, len(outputs))
	}
	return nil
}
