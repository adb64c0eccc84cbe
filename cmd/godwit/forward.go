package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/loader"
)

func forwardCommand(con *console) *cobra.Command {
	var flags modelFlags
	var in, out string
	var hidden bool
	var set []string
	var generate int
	c := &cobra.Command{
		Use:   "forward MODEL --in FILE --out FILE",
		Short: "Run a model on raw tensors",
		Long: `forward runs a model on the tensors of a safetensors file and writes every output that the Hugging Face class
named in config.json returns, and always last_hidden_state.

Inputs are named and shaped as in Python: input_ids [sequences, tokens], and, optional, attention_mask,
token_type_ids and position_ids; pixel_values [images, channels, height, width]. Where the mask is 0, the
outputs of a token are 0. --set gives keyword arguments that they take in Python, as JSON.

--generate N continues each sequence of a decoder by its likeliest tokens, N at most, and writes
generated_ids: the prompt, what follows, and padding after an end of text.`,
		Example: `  godwit forward ./bert-base-uncased --in inputs.safetensors --out outputs.safetensors
  godwit forward ./model --in inputs.safetensors --out outputs.safetensors --hidden-states
  godwit forward ./vit --in pixels.safetensors --out outputs.safetensors --set interpolate_pos_encoding=true
  godwit forward ./gpt2 --in prompt.safetensors --out outputs.safetensors --generate 20`,
		Args: arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if in == "" || out == "" {
				return usagef("forward needs both --in and --out")
			}
			opts, err := parseSet(set)
			if err != nil {
				return err
			}
			inputs, err := readTensors(in)
			if err != nil {
				return err
			}
			flags.model = args[0]
			m, err := flags.open()
			if err != nil {
				return err
			}
			defer m.Close()
			if hidden {
				opts = append(opts, godwit.WithHiddenStates())
			}
			if generate < 0 {
				return usagef("--generate is %d, must be 0 or more", generate)
			}
			if generate > 0 {
				opts = append(opts, godwit.WithGenerate(generate))
			}
			outputs, err := m.Forward(c.Context(), inputs, opts...)
			if err != nil {
				return err
			}
			if err := writeFile(out, func(w io.Writer) error { return loader.Write(w, outputs, nil) }); err != nil {
				return err
			}
			shapes := map[string][]int{}
			for name, t := range outputs {
				shapes[name] = list(t.Shape)
			}
			if con.json {
				return con.writeJSON(map[string]any{"outputs": shapes})
			}
			con.printShapes(shapes)
			return nil
		},
	}
	flags.add(c, false)
	c.Flags().StringVar(&in, "in", "", "safetensors file with the inputs")
	c.Flags().StringVar(&out, "out", "", "safetensors file to write the outputs to")
	c.Flags().BoolVar(&hidden, "hidden-states", false, "also write hidden_states.N, the input of each layer")
	c.Flags().StringArrayVar(&set, "set", nil, "NAME=JSON: a keyword argument of the run (can be repeated)")
	c.Flags().IntVar(&generate, "generate", 0, "also write generated_ids: input_ids continued by at most this many likeliest tokens")
	return c
}

// parseSet reads the values of --set.
func parseSet(set []string) ([]godwit.ForwardOption, error) {
	var opts []godwit.ForwardOption
	for _, s := range set {
		name, text, _ := strings.Cut(s, "=")
		var value any
		err := json.Unmarshal([]byte(text), &value)
		_, isBool := value.(bool)
		_, isNumber := value.(float64)
		if err != nil || name == "" || !isBool && !isNumber {
			return nil, usagef("--set is %q, must be NAME=true, NAME=false or NAME=NUMBER", s)
		}
		opts = append(opts, godwit.WithArgument(name, value))
	}
	return opts, nil
}

// printShapes writes the names and shapes of outputs.
func (c *console) printShapes(shapes map[string][]int) {
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		rows = append(rows, []string{name, fmt.Sprint(shapes[name])})
	}
	c.table("ll", rows)
}
