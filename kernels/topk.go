package kernels

import (
	"fmt"
	"math"
)

// Argmax returns the index of the greatest element of row, the lowest of several. NaN counts as less than every number, -Inf
// included; of an empty row it is -1.
func (x *Exec) Argmax(row []float32) int {
	if len(row) == 0 {
		return -1
	}
	m := x.set.rowMax(row)
	if !math.IsInf(float64(m), -1) {
		return x.set.above(row, math.Nextafter32(m, float32(math.Inf(-1))))
	}
	for i, v := range row {
		if v == m {
			return i
		}
	}
	return 0 // nothing but NaN
}

// TopK sets values and ids, both of the same length k, to the k greatest elements of row and their indices, in descending
// order; equal ones are in ascending order of their index. NaN counts as less than every number. It returns k, or the length
// of row if that is less. The row is scanned once for elements above the least that has been kept, some k·ln(n/k) of them
// in a row without order; an ascending row, where every element is one, takes some ten times as long.
func (x *Exec) TopK(values []float32, ids []int32, row []float32) int {
	k := min(len(values), len(row))
	if len(values) != len(ids) || int64(len(row)) > math.MaxInt32 {
		panic(fmt.Sprintf("kernels: TopK of %d elements into %d values and %d ids", len(row), len(values), len(ids)))
	}
	if k == 0 {
		return 0
	}
	h := topHeap{values[:k], ids[:k]}
	copy(h.values, row)
	for i := range h.ids {
		h.ids[i] = int32(i)
	}
	for i := k/2 - 1; i >= 0; i-- {
		h.down(i)
	}
	for i := k; i < len(row); i++ {
		least := h.values[0]
		if least == least {
			i += x.set.above(row[i:], least)
		} else {
			for i < len(row) && row[i] != row[i] {
				i++
			}
		}
		if i < len(row) {
			h.values[0], h.ids[0] = row[i], int32(i)
			h.down(0)
		}
	}
	for n := k - 1; n > 0; n-- { // the last of those that are left goes behind them
		h.swap(0, n)
		topHeap{h.values[:n], h.ids[:n]}.down(0)
	}
	return k
}

// A topHeap holds elements of a row as a binary heap, the last in TopK's order at the top.
type topHeap struct {
	values []float32
	ids    []int32
}

// after reports whether element i comes after element j in TopK's order.
func (h topHeap) after(i, j int) bool {
	v, w := h.values[i], h.values[j]
	switch {
	case v < w:
		return true
	case v > w:
		return false
	case (v == v) != (w == w): // one is NaN
		return w == w
	}
	return h.ids[i] > h.ids[j]
}

func (h topHeap) swap(i, j int) {
	h.values[i], h.values[j] = h.values[j], h.values[i]
	h.ids[i], h.ids[j] = h.ids[j], h.ids[i]
}

// down moves element i down until no child comes after it.
func (h topHeap) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h.values) {
			return
		}
		if child+1 < len(h.values) && h.after(child+1, child) {
			child++
		}
		if !h.after(child, i) {
			return
		}
		h.swap(i, child)
		i = child
	}
}
