package nn

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/kernels"
)

// activations are the values of hidden_act and their like in config.json. The forms of GELU by tanh differ from each other
// upstream only in how they are rounded.
var activations = map[string]kernels.Activation{
	"gelu":              kernels.GELU,
	"gelu_python":       kernels.GELU,
	"gelu_new":          kernels.GELUTanh,
	"gelu_fast":         kernels.GELUTanh,
	"gelu_accurate":     kernels.GELUTanh,
	"gelu_pytorch_tanh": kernels.GELUTanh,
	"gelu_python_tanh":  kernels.GELUTanh,
	"quick_gelu":        kernels.QuickGELU,
	"relu":              kernels.ReLU,
	"silu":              kernels.SiLU,
	"swish":             kernels.SiLU,
	"tanh":              kernels.Tanh,
	"sigmoid":           kernels.Sigmoid,
	"linear":            kernels.Identity,
}

// ParseActivation returns the activation that config.json calls by that name.
func ParseActivation(name string) (kernels.Activation, error) {
	a, ok := activations[name]
	if !ok {
		return 0, fmt.Errorf("the activation %q is not supported; supported are %s", name,
			strings.Join(slices.Sorted(maps.Keys(activations)), ", "))
	}
	return a, nil
}
