package kernels

import "fmt"

// A RoPE holds the rotations of rotary position embeddings (Su et al., arXiv:2104.09864).
type RoPE struct {
	// Cos and Sin are [positions, Dim/2]: of the angle of each position and frequency.
	Cos, Sin []float32
	// Dim is how many elements of a head are rotated, its first ones. It is even; the others stay as they are.
	Dim int
	// Interleaved pairs the elements 2i and 2i+1 (GPT-J). Otherwise i is paired with i+Dim/2 (GPT-NeoX, Llama: "rotate
	// half").
	Interleaved bool
}

// Rotate rotates the heads of a, in place: a is [len(positions), heads·headDim] with row stride lda, row i a token at
// positions[i]. For a pair (a, b) of elements and its cos and sin, each line one rounding of a fused multiply-add and one
// of a product:
//
//	a' = fma(-b, sin, a·cos)
//	b' = fma(a, sin, b·cos)
func (x *Exec) Rotate(a []float32, lda, heads, headDim int, positions []int32, p *RoPE) {
	n, half := heads*headDim, p.Dim/2
	if p.Dim <= 0 || p.Dim%2 != 0 || p.Dim > headDim || heads < 0 || lda < n || len(p.Cos) != len(p.Sin) {
		panic(fmt.Sprintf("kernels: Rotate: %d of %d elements of %d heads, stride %d, %d cos, %d sin", p.Dim, headDim, heads,
			lda, len(p.Cos), len(p.Sin)))
	}
	if len(positions) > 0 && len(a) < (len(positions)-1)*lda+n {
		panic(fmt.Sprintf("kernels: Rotate: %d tokens of %d with stride %d, but %d elements", len(positions), n, lda, len(a)))
	}
	for _, pos := range positions {
		if pos < 0 || int(pos) >= len(p.Cos)/half {
			panic(fmt.Sprintf("kernels: Rotate: position %d of %d", pos, len(p.Cos)/half))
		}
	}
	x.overRows(rowTask{f: rotateRows, dst: a, lda: lda, rows: len(positions), n: n, headDim: headDim, positions: positions,
		rope: *p})
}

func rotateRows(s *Set, t *rowTask, i, j int) {
	s.rotate(t.dst[i*t.lda:], t.lda, t.n, t.headDim, t.positions[i:j], &t.rope)
}
