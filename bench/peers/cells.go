package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A cell is something that engines are timed at: a computation and its size.
//
//	encoder 8x128           a model: batch, sequence length
//	gemm 128x384x1536       a product [m, k]·[k, n]
//	attention 512x32        attention of 12 heads: sequence length, head dim
type cell struct {
	kind string
	dims []int
}

const attentionHeads = 12

// name returns the kind and the size, as in results; the kind of a model is the name of its folder.
func (o *options) name(c cell) string {
	kind := c.kind
	if kind == "encoder" {
		kind = filepath.Base(o.model)
	}
	return kind + " " + strings.ReplaceAll(strings.Trim(fmt.Sprint(c.dims), "[]"), " ", "x")
}

// defaultCells are the texts of -cells when it is not given. The products are those of encoders with hidden sizes 384
// (MiniLM), 768 (base) and 1024 (large).
func defaultCells(kernels bool) string {
	if !kernels {
		return "1x16,1x128,1x512,32x128"
	}
	var cells []string
	for _, m := range []int{128, 512} {
		for _, kn := range []string{"384x384", "384x1536", "1536x384", "768x768", "768x3072", "3072x768", "1024x4096"} {
			cells = append(cells, fmt.Sprintf("%dx%s", m, kn))
		}
	}
	for _, kn := range []string{"384x1536", "768x3072"} {
		for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 12, 16} {
			cells = append(cells, fmt.Sprintf("%dx%s", m, kn))
		}
	}
	for _, d := range []int{32, 64} {
		for _, s := range []int{128, 512, 2048} {
			cells = append(cells, fmt.Sprintf("%dx%d", s, d))
		}
	}
	return strings.Join(cells, ",")
}

// parseCells reads sizes separated by commas. The number of dimensions says what kernel is meant.
func parseCells(text string, kernels bool) (cells []cell, err error) {
	for s := range strings.SplitSeq(text, ",") {
		c := cell{kind: "encoder"}
		for d := range strings.SplitSeq(s, "x") {
			n, err := strconv.Atoi(d)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("-cells: %q is not like 1x128", s)
			}
			c.dims = append(c.dims, n)
		}
		switch {
		case kernels && len(c.dims) == 3:
			c.kind = "gemm"
		case kernels && len(c.dims) == 2:
			c.kind = "attention"
		case kernels || len(c.dims) != 2:
			return nil, fmt.Errorf("-cells: %q has %d sizes", s, len(c.dims))
		}
		cells = append(cells, c)
	}
	return cells, nil
}

// flops counts the floating-point operations of the cell's matrix products, two for each multiplication. For a model those are
// the four projections and the two of the MLP for each token, and attention's two for each pair of tokens.
func (o *options) flops(c cell) (float64, error) {
	d := c.dims
	switch c.kind {
	case "gemm":
		return 2 * float64(d[0]) * float64(d[1]) * float64(d[2]), nil
	case "attention":
		return 4 * float64(d[0]) * float64(d[0]) * float64(attentionHeads*d[1]), nil
	}
	data, err := os.ReadFile(filepath.Join(o.model, "config.json"))
	if err != nil {
		return 0, err
	}
	var m struct {
		Hidden       int `json:"hidden_size"`
		Layers       int `json:"num_hidden_layers"`
		Intermediate int `json:"intermediate_size"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return 0, fmt.Errorf("config.json: %w", err)
	}
	if m.Hidden == 0 || m.Layers == 0 || m.Intermediate == 0 {
		return 0, errors.New("config.json has no hidden_size, num_hidden_layers or intermediate_size")
	}
	token := 2*(4*m.Hidden*m.Hidden+2*m.Hidden*m.Intermediate) + 4*d[1]*m.Hidden
	return float64(d[0]) * float64(d[1]) * float64(m.Layers) * float64(token), nil
}

// engines returns the names of those of the peers that compute the cell, the limit first.
func (o *options) engines(c cell) []string {
	names := []string{limit}
	for _, p := range o.peers {
		if c.kind == "encoder" || strings.HasPrefix(p, "godwit") || (p == "torch") == (c.kind == "attention") {
			names = append(names, p)
		}
	}
	return names
}
