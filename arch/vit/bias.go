package vit

import (
	"slices"

	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
)

// A relativeBias is BEiT's: it adds to each attention score a number that depends on the head and on how far the key's patch is
// from the query's, down and to the right; and one where the query, the key, or both are the special token. Its tensor is
// relative_position_bias_table [(2·height-1)·(2·width-1) + 3, heads], for a grid of patches.
type relativeBias struct {
	grid  pair
	heads int

	table []float32
}

// Params implements [loader.Module].
func (r *relativeBias) Params(s *loader.Scope) {
	w := s.Need("relative_position_bias_table", (2*r.grid.H-1)*(2*r.grid.W-1)+3, r.heads)
	s.Then(func() { r.table = w.Float32() })
}

// on returns the bias for a grid of another size, for which the table is interpolated. Upstream takes the table's height for its
// width, which matters if they differ; so do we.
func (r *relativeBias) on(x *kernels.Exec, size pair) *gridBias {
	oldH, oldW, h, w := 2*r.grid.H-1, 2*r.grid.W-1, 2*size.H-1, 2*size.W-1
	n := oldH * oldW
	table := r.table[:n*r.heads]
	if oldW != h || oldH != w {
		table = bilinear.resize(x, table, oldW, oldH, h, w, r.heads)
	}
	b := &gridBias{x: x, size: size, byDistance: make([]float32, r.heads*h*w), rest: r.table[n*r.heads:], heads: r.heads}
	for i := range h * w { // upstream's distance is from the key to the query: ours is from the query to the key
		for head := range r.heads {
			b.byDistance[(head+1)*h*w-1-i] = table[i*r.heads+head]
		}
	}
	return b
}

// A gridBias is a relativeBias for images of one size.
type gridBias struct {
	x          *kernels.Exec
	size       pair
	heads      int
	byDistance []float32 // [heads, 2·height-1, 2·width-1]: the key is that much below and to the right of the query
	rest       []float32 // [3, heads]: from the special token to a patch, from a patch to it, from it to itself
}

// add adds another bias, for the same grid.
func (b *gridBias) add(o *gridBias) {
	b.x.Add(b.byDistance, b.byDistance, o.byDistance)
	b.rest = slices.Clone(b.rest)
	b.x.Add(b.rest, b.rest, o.rest)
}

// AddBias implements [kernels.Bias].
func (b *gridBias) AddBias(row []float32, seq, head, q, k0 int) {
	first := seq * (1 + b.size.H*b.size.W)
	q, k0 = q-first, k0-first
	if q == 0 {
		for i := range row {
			if k0+i == 0 {
				row[i] += b.rest[2*b.heads+head]
			} else {
				row[i] += b.rest[head]
			}
		}
		return
	}
	if k0 == 0 && len(row) > 0 {
		row[0] += b.rest[b.heads+head]
		row, k0 = row[1:], 1
	}
	h, w := b.size.H, b.size.W
	table := b.byDistance[head*(2*h-1)*(2*w-1):]
	qy, qx := (q-1)/w, (q-1)%w
	for len(row) > 0 { // the keys of a line of patches
		y, x := (k0-1)/w, (k0-1)%w
		n := min(w-x, len(row))
		at := (y-qy+h-1)*(2*w-1) + x - qx + w - 1
		b.x.Add(row[:n], row[:n], table[at:at+n])
		row, k0 = row[n:], k0+n
	}
}
