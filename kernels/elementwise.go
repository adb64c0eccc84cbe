package kernels

import "fmt"

// sameLength panics if the slices of a call differ in length.
func sameLength(routine string, n, a, b int) {
	if n != a || n != b {
		panic(fmt.Sprintf("kernels: %s of slices of lengths %d, %d and %d", routine, n, a, b))
	}
}

// Activate computes dst = act(src), element by element. dst may be src.
func (x *Exec) Activate(dst, src []float32, act Activation) {
	sameLength("Activate", len(dst), len(src), len(src))
	if act == Identity {
		copy(dst, src)
		return
	}
	const row = 1024 // a row here is just a part
	whole := len(src) / row * row
	x.overRows(rowTask{f: activateRows[act], dst: dst, src: src, rows: whole / row, n: row})
	x.set.act[act](dst[whole:], src[whole:])
}

// activateRows are the activations as rowTasks have them.
var activateRows = func() (f [Sigmoid + 1]func(s *Set, t *rowTask, i, j int)) {
	for act := range f {
		f[act] = func(s *Set, t *rowTask, i, j int) { s.act[act](t.dst[i*t.n:j*t.n], t.src[i*t.n:j*t.n]) }
	}
	return f
}()

// Add computes dst = a + b, element by element. dst may be a or b.
func (x *Exec) Add(dst, a, b []float32) {
	sameLength("Add", len(dst), len(a), len(b))
	x.set.add(dst, a, b)
}

// Mul computes dst = a · b, element by element. dst may be a or b.
func (x *Exec) Mul(dst, a, b []float32) {
	sameLength("Mul", len(dst), len(a), len(b))
	x.set.mul(dst, a, b)
}

// Scale computes dst = s · src, element by element. dst may be src.
func (x *Exec) Scale(dst, src []float32, s float32) {
	sameLength("Scale", len(dst), len(src), len(src))
	x.set.scale(dst, src, s)
}

// AddScaled computes dst = dst + s · src, both operations rounded, element by element.
func (x *Exec) AddScaled(dst, src []float32, s float32) {
	sameLength("AddScaled", len(dst), len(src), len(src))
	x.set.addScaled(dst, src, s)
}

// Max computes dst = max(a, b), element by element: a where a > b, otherwise b. dst may be a or b.
func (x *Exec) Max(dst, a, b []float32) {
	sameLength("Max", len(dst), len(a), len(b))
	x.set.max(dst, a, b)
}

// Dequantize computes dst[i] = scale · float32(src[i]), rounded once.
func (x *Exec) Dequantize(dst []float32, src []int8, scale float32) {
	sameLength("Dequantize", len(dst), len(src), len(src))
	x.set.dequantize(dst, src, scale)
}
