package godwit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/tensor"
)

// A Difference compares an output of a run with what was expected.
type Difference struct {
	Run    string  // prefix of the run's tensors without its dot; empty for the main run
	Output string  // name of the output
	Max    float64 // largest absolute error
	Mean   float64 // mean absolute error
	Scale  float64 // largest absolute expected value
}

// A VerifyOption changes what Verify runs.
type VerifyOption func(args map[string]map[string]any)

// WithRunArgument gives a keyword argument to the run of that name, or to "main": see [WithArgument].
func WithRunArgument(run, name string, value any) VerifyOption {
	return func(args map[string]map[string]any) {
		if args[run] == nil {
			args[run] = make(map[string]any)
		}
		args[run][name] = value
	}
}

// Verify runs the model on the inputs among the given tensors and compares its outputs with the others: a file of tensors
// made in Python says whether this program computes the same.
//
// The tensors of a run other than the main one have its name and a dot before their own (len7.input_ids). Places where a
// run's attention_mask is 0 are not compared, and tensors of integers that are no inputs are passed over. The differences
// are in the order of the runs' and outputs' names. A NaN on one side only is an infinite error. Expected values of another
// floating-point type than F32 are an error, and so is a run without any.
func (m *Model) Verify(ctx context.Context, expected map[string]tensor.Tensor, options ...VerifyOption) ([]Difference, error) {
	args := make(map[string]map[string]any)
	for _, o := range options {
		o(args)
	}
	runs := make(map[string]bool)
	for name := range expected {
		for _, input := range []string{"input_ids", "pixel_values"} {
			if run, ok := strings.CutSuffix(name, input); ok && (run == "" || strings.HasSuffix(run, ".")) {
				runs[run] = true
			}
		}
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("godwit: there is no input_ids and no pixel_values among the %d tensors: nothing to run", len(expected))
	}
	var diffs []Difference
	for _, run := range slices.Sorted(maps.Keys(runs)) {
		inputs, want := make(map[string]tensor.Tensor), make(map[string]tensor.Tensor)
		for name, t := range expected {
			name, ok := strings.CutPrefix(name, run)
			switch {
			case !ok || run == "" && belongsToOther(name, runs):
			case slices.Contains(inputNames, name):
				inputs[name] = t
			case slices.Contains(floats, t.DType), name == "generated_ids":
				want[name] = t
			}
		}
		if len(want) == 0 {
			return nil, fmt.Errorf("godwit: run %q has no outputs to compare", title(run))
		}
		opts := []ForwardOption{WithHiddenStates()}
		for name, value := range args[title(run)] {
			opts = append(opts, WithArgument(name, value))
		}
		if ids := want["generated_ids"]; len(ids.Shape) == 2 && len(inputs["input_ids"].Shape) == 2 {
			opts = append(opts, WithGenerate(ids.Shape[1]-inputs["input_ids"].Shape[1]))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got, err := m.forward(ctx, inputs, opts)
		if err != nil {
			return nil, fmt.Errorf("godwit: run %q: %w", title(run), err)
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			g, ok := got[name]
			if !ok {
				return nil, fmt.Errorf("godwit: run %q: %s (%s) has no output %s; it has %s", title(run),
					m.info.ModelType, m.info.Class, name, strings.Join(slices.Sorted(maps.Keys(got)), ", "))
			}
			d, err := compareOutput(g, want[name], inputs["attention_mask"])
			if err != nil {
				return nil, fmt.Errorf("godwit: run %q: %s: %w", title(run), name, err)
			}
			d.Run, d.Output = strings.TrimSuffix(run, "."), name
			diffs = append(diffs, d)
		}
	}
	return diffs, nil
}

// VerifyTexts compares what Embed and Similarity return for the texts with expected tensors from sentence-transformers:
// embeddings, embeddings.NAME, computed with the prompt of that name, and similarity, of all pairs of embeddings. There must
// be one of them at least; other tensors are passed over. The differences are in the order of the names.
func (m *Model) VerifyTexts(ctx context.Context, texts []string, expected map[string]tensor.Tensor) ([]Difference, error) {
	var diffs []Difference
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		prompt, prompted := strings.CutPrefix(name, "embeddings.")
		var opts []EmbedOption
		switch {
		case prompted:
			opts = append(opts, WithPromptName(prompt))
		case name != "embeddings" && name != "similarity":
			continue
		}
		got, err := m.Embed(ctx, texts, opts...)
		if err != nil {
			return nil, err
		}
		if name == "similarity" {
			got = m.Similarity(got, got)
		}
		cols := m.info.Dimensions
		if len(got) > 0 {
			cols = len(got[0])
		}
		d, err := compare(tensor.FromFloat32(slices.Concat(got...), len(got), cols), expected[name], tensor.Tensor{})
		if err != nil {
			return nil, fmt.Errorf("godwit: %s: %w", name, err)
		}
		d.Output = name
		diffs = append(diffs, d)
	}
	if len(diffs) == 0 {
		return nil, fmt.Errorf("godwit: there are no embeddings among the %d tensors: nothing to compare", len(expected))
	}
	return diffs, nil
}

// inputNames are the names of tensors that are inputs.
var inputNames = []string{"input_ids", "attention_mask", "token_type_ids", "position_ids", "pixel_values"}

// floats are the types of outputs. Only F32 is compared; the others are an error rather than passed over.
var floats = []tensor.DType{tensor.F32, tensor.F64, tensor.F16, tensor.BF16}

// title returns the name of a run for people.
func title(prefix string) string { return cmp.Or(strings.TrimSuffix(prefix, "."), "main") }

// belongsToOther reports whether the name carries the prefix of a run other than the main one.
func belongsToOther(name string, runs map[string]bool) bool {
	for run := range runs {
		if run != "" && strings.HasPrefix(name, run) {
			return true
		}
	}
	return false
}

// compareOutput compares two tensors of floats, or of ids, which are equal or not: their scale is 0.
func compareOutput(got, want, mask tensor.Tensor) (Difference, error) {
	if want.DType != tensor.I64 || got.DType != tensor.I64 {
		return compare(got, want, mask)
	}
	if err := want.Check(); err != nil {
		return Difference{}, err
	}
	if !slices.Equal(got.Shape, want.Shape) {
		return Difference{}, fmt.Errorf("has shape %v, expected is %v", got.Shape, want.Shape)
	}
	var d Difference
	for i := range want.Len() {
		if !slices.Equal(got.Raw[8*i:8*i+8], want.Raw[8*i:8*i+8]) {
			d.Max = 1
			d.Mean += 1 / float64(want.Len())
		}
	}
	return d, nil
}

// compare compares two tensors where the mask, which may be empty, is not 0.
func compare(got, want, mask tensor.Tensor) (Difference, error) {
	if want.DType != tensor.F32 {
		return Difference{}, fmt.Errorf("is of type %v; outputs are compared in F32: save it as float32", want.DType)
	}
	if err := want.Check(); err != nil {
		return Difference{}, err
	}
	if !slices.Equal(got.Shape, want.Shape) {
		return Difference{}, fmt.Errorf("has shape %v, expected is %v", got.Shape, want.Shape)
	}
	// The mask holds for outputs that have its two axes first, and are 0 there: others, the logits of as many labels as there
	// are tokens, only look alike.
	inner := 1
	masked := len(mask.Shape) == 2 && len(want.Shape) >= 2 && slices.Equal(mask.Shape, want.Shape[:2])
	if masked {
		inner = tensor.Elems(want.Shape[2:])
	}
	var d Difference
	n := 0
	for i, w := range want.Data {
		if masked && got.Data[i] == 0 && isZero(mask, i/inner) {
			continue
		}
		w, g := float64(w), float64(got.Data[i])
		err := math.Abs(g - w)
		switch {
		case g == w || math.IsNaN(g) && math.IsNaN(w):
			err = 0
		case math.IsNaN(err):
			err = math.Inf(1)
		}
		n++
		d.Max = max(d.Max, err)
		d.Mean += err
		d.Scale = max(d.Scale, math.Abs(w))
	}
	d.Mean /= float64(max(n, 1))
	return d, nil
}

// isZero reports whether element i is zero.
func isZero(t tensor.Tensor, i int) bool {
	if t.DType == tensor.F32 {
		return t.Data[i] == 0
	}
	size := t.DType.Bits() / 8
	for _, b := range t.Raw[i*size : (i+1)*size] {
		if b != 0 {
			return false
		}
	}
	return true
}
