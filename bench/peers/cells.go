package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// A cell is something that engines are timed at: a computation and its size.
//
//	encoder 8x128           a model of texts: batch, sequence length
//	image 8                 a model of images: batch
//	prefill 512             a decoder: tokens that an empty cache gets, and the logits after the last
//	decode 128x64           a decoder: tokens in the cache, and how many follow one by one, each with its logits
//	gemm 128x384x1536       a product [m, k]·[k, n]
//	attention 512x32        attention of 12 heads: sequence length, head dim
type cell struct {
	kind string
	dims []int
}

const attentionHeads = 12

// name returns the kind and the size, as in results; for a model the name of its folder comes first.
func (o *options) name(c cell) string {
	kind := c.kind
	switch kind {
	case "encoder", "image":
		kind = filepath.Base(o.model)
	case "prefill", "decode":
		kind = filepath.Base(o.model) + "-" + kind
	}
	return kind + " " + strings.ReplaceAll(strings.Trim(fmt.Sprint(c.dims), "[]"), " ", "x")
}

// The families of cells: what is compared in a run.
const (
	kernelCells  = "kernels"
	encoderCells = "encoder"
	imageCells   = "image"
	decoderCells = "decoder"
)

// defaultCells are the texts of -cells when it is not given. The products are those of encoders with hidden sizes 384
// (MiniLM), 768 (base) and 1024 (large).
func defaultCells(family string) string {
	switch family {
	case encoderCells:
		return "1x16,1x128,1x512,32x128"
	case imageCells:
		return "1,8"
	case decoderCells:
		return "128,512,0x32,2048x16"
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

// cellKinds names the kinds of a family by how many sizes they have.
var cellKinds = map[string]map[int]string{
	kernelCells:  {2: "attention", 3: "gemm"},
	encoderCells: {2: "encoder"},
	imageCells:   {1: "image"},
	decoderCells: {1: "prefill", 2: "decode"},
}

// parseCells reads sizes separated by commas. The number of sizes says which computation of the family is meant.
func parseCells(text, family string) (cells []cell, err error) {
	for s := range strings.SplitSeq(text, ",") {
		var c cell
		for d := range strings.SplitSeq(s, "x") {
			n, err := strconv.Atoi(d)
			if err != nil || n < 0 || n == 0 && (family != decoderCells || len(c.dims) > 0) {
				return nil, fmt.Errorf("-cells: %q is not like %s", s, defaultCells(family))
			}
			c.dims = append(c.dims, n)
		}
		if c.kind = cellKinds[family][len(c.dims)]; c.kind == "" {
			return nil, fmt.Errorf("-cells: %q has %d sizes; want some like %s", s, len(c.dims), defaultCells(family))
		}
		cells = append(cells, c)
	}
	return cells, nil
}

// cost counts the floating-point operations of the cell's matrix products, two for each multiplication, and the bytes that
// have to come from memory: of a decoder's weights and cache, and of a product's weights.
func (o *options) cost(c cell) (flops, bytes float64, err error) {
	d := c.dims
	switch c.kind {
	case "gemm":
		weights := float64(d[1]) * float64(d[2])
		return 2 * float64(d[0]) * weights, 4 * weights, nil
	case "attention":
		return 4 * float64(d[0]) * float64(d[0]) * float64(attentionHeads*d[1]), 0, nil
	}
	m, err := readShape(o.model)
	if err != nil {
		return 0, 0, err
	}
	switch c.kind {
	case "prefill":
		n := float64(d[0])
		return 2*(m.body*n+m.head) + m.attention(n*(n+1)/2), (m.body + m.head) * m.elem, nil
	case "decode":
		n, pairs := float64(d[1]), 0.0
		for i := range d[1] {
			pairs += float64(d[0] + i + 1)
		}
		return 2*(m.body+m.head)*n + m.attention(pairs), (m.body+m.head)*m.elem*n + m.cache(pairs), nil
	case "image":
		n := float64(m.tokens)
		return float64(d[0]) * (2*m.patch*(n-1) + 2*m.body*n + m.attention(n*n)), 0, nil
	}
	seq := float64(d[1])
	return float64(d[0]) * (2*m.body*seq + m.attention(seq*seq)), 0, nil
}

// engines returns the names of those of the peers that compute the cell, the limit first.
func (o *options) engines(c cell) []string {
	names := []string{limit}
	for _, p := range o.peers {
		if o.family != kernelCells || strings.HasPrefix(p, "godwit") || (p == "torch") == (c.kind == "attention") {
			names = append(names, p)
		}
	}
	return names
}
