package kernels

import "fmt"

// A Norm says how rows of len(Gamma) elements are normalised.
type Norm struct {
	// Gamma multiplies a normalised row, Beta, if not nil, is added to it: [n] each.
	Gamma, Beta []float32
	// Eps is added to the variance.
	Eps float32
	// RMS divides by the root of the mean square, and subtracts no mean (Zhang and Sennrich, arXiv:1910.07467). Otherwise
	// rows get mean 0 and variance 1, the biased one, in two passes (Ba et al., arXiv:1607.06450).
	RMS bool
	// OnePlus multiplies by 1+Gamma, as Gemma does.
	OnePlus bool
}

// Normalize computes dst = the rows of src [rows, n], normalised. dst may be src.
func (x *Exec) Normalize(dst, src []float32, rows int, p *Norm) {
	checkRows("Normalize", dst, src, rows, p.check("Normalize"))
	x.overRows(rowTask{f: normRows, dst: dst, src: src, rows: rows, n: len(p.Gamma), norm: *p})
}

// AddNormalize adds r to sum, and computes dst = the rows of that, normalised: the residual connection and the norm after
// it, in one pass over memory. sum, r and dst are [rows, n]; dst may be sum or r.
func (x *Exec) AddNormalize(dst, sum, r []float32, rows int, p *Norm) {
	n := p.check("AddNormalize")
	checkRows("AddNormalize", dst, sum, rows, n)
	checkRows("AddNormalize", r, sum, rows, n)
	x.overRows(rowTask{f: normRows, dst: dst, src: sum, add: r, rows: rows, n: n, norm: *p})
}

// LayerNorm normalises each of the rows of src [rows, n] to mean 0 and variance 1 (two passes, biased variance), then
// multiplies by gamma and adds beta, both [n]; beta may be nil. dst may be src.
func (x *Exec) LayerNorm(dst, src []float32, rows, n int, gamma, beta []float32, eps float32) {
	if len(gamma) != n {
		panic(fmt.Sprintf("kernels: LayerNorm of rows of %d with %d gamma", n, len(gamma)))
	}
	x.Normalize(dst, src, rows, &Norm{Gamma: gamma, Beta: beta, Eps: eps})
}

// check returns the length of rows; it panics if Beta has another.
func (p *Norm) check(routine string) int {
	if p.Beta != nil && len(p.Beta) != len(p.Gamma) {
		panic(fmt.Sprintf("kernels: %s with %d gamma and %d beta", routine, len(p.Gamma), len(p.Beta)))
	}
	return len(p.Gamma)
}

func normRows(s *Set, t *rowTask, i, j int) {
	i, j = i*t.n, j*t.n
	if t.add == nil {
		s.norm(t.dst[i:j], t.src[i:j], nil, &t.norm)
	} else {
		s.norm(t.dst[i:j], t.src[i:j], t.add[i:j], &t.norm)
	}
}
