package sentence

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// dense is a linear layer with an activation and, if asked for, a residual connection.
type dense struct {
	in, out  int
	act      kernels.Activation
	residual bool

	exec   *kernels.Exec // packs the weights
	weight *kernels.Weights
	bias   []float32
	skip   *kernels.Weights // [in, out] of the residual connection where in and out differ, or nil
	// hasBias is read from the configuration.
	hasBias bool
}

// The activations by the last part of their class's path in torch.nn.
var activations = map[string]kernels.Activation{
	"Identity": kernels.Identity, "Tanh": kernels.Tanh, "ReLU": kernels.ReLU, "GELU": kernels.GELU, "SiLU": kernels.SiLU,
	"Sigmoid": kernels.Sigmoid,
}

// loadDense reads a Dense module: its configuration and its weights.
func (p *Pipeline) loadDense(fsys fs.FS, dir string) error {
	name := path.Join(dir, "config.json")
	c := struct {
		In       int    `json:"in_features"`
		Out      int    `json:"out_features"`
		Bias     bool   `json:"bias"`
		Act      string `json:"activation_function"`
		Residual bool   `json:"use_residual"`
		Input    string `json:"module_input_name"`
		Output   string `json:"module_output_name"`
	}{Bias: true, Act: "torch.nn.modules.activation.Tanh", Input: "sentence_embedding", Output: "sentence_embedding"}
	if err := need(fsys, name, &c); err != nil {
		return err
	}
	if c.In != p.Dim || c.Out < 1 {
		return fmt.Errorf("%s: in_features %d, out_features %d: the module before gives %d", name, c.In, c.Out, p.Dim)
	}
	if c.Input != "sentence_embedding" || c.Output != "sentence_embedding" {
		return fmt.Errorf("%s: a Dense module from %s to %s is not supported, only of sentence embeddings", name, c.Input, c.Output)
	}
	act, ok := activations[c.Act[strings.LastIndexByte(c.Act, '.')+1:]]
	if !ok || !strings.HasPrefix(c.Act, "torch.") {
		return fmt.Errorf("%s: the activation_function %q is not known; known are those of torch.nn: %s", name, c.Act,
			strings.Join(slices.Sorted(maps.Keys(activations)), ", "))
	}
	sub, err := fs.Sub(fsys, dir)
	if err != nil {
		return err
	}
	w, err := loader.Open(sub)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	defer w.Close()
	d := &dense{in: c.In, out: c.Out, act: act, residual: c.Residual, hasBias: c.Bias, exec: p.exec}
	if err := loader.Bind(d, w); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	p.Dim = c.Out
	p.stages = append(p.stages, d)
	return nil
}

// Params implements [loader.Module].
func (d *dense) Params(s *loader.Scope) {
	w := s.Need("linear.weight", d.out, d.in)
	s.Then(func() { d.weight = d.exec.Pack(d.in, d.out, w.Row) })
	if d.hasBias {
		b := s.Need("linear.bias", d.out)
		s.Then(func() { d.bias = b.Float32() })
	}
	if d.residual && d.in != d.out {
		r := s.Need("residual.weight", d.out, d.in)
		s.Then(func() { d.skip = d.exec.Pack(d.in, d.out, r.Row) })
	}
}

func (d *dense) apply(x *kernels.Exec, ws *tensor.Workspace, in tensor.Tensor) tensor.Tensor {
	n := in.NumRows()
	out := ws.Tensor(n, d.out)
	e := kernels.Epilogue{Bias: d.bias, Act: d.act}
	switch {
	case d.skip != nil:
		r := ws.Tensor(n, d.out)
		x.Gemm(r.Data, d.out, in.Data, d.in, n, d.skip, kernels.Epilogue{})
		e.Residual, e.ResidualStride = r.Data, d.out
	case d.residual:
		e.Residual, e.ResidualStride = in.Data, d.in
	}
	x.Gemm(out.Data, d.out, in.Data, d.in, n, d.weight, e)
	return out
}
