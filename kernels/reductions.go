package kernels

import "fmt"

// checkRows panics unless dst and src hold that many rows of n elements.
func checkRows(routine string, dst, src []float32, rows, n int) {
	if rows < 0 || n < 0 || len(dst) < rows*n || len(src) < rows*n {
		panic(fmt.Sprintf("kernels: %s of [%d, %d] on slices of lengths %d and %d", routine, rows, n, len(dst), len(src)))
	}
}

// LayerNorm normalises each of the rows of src [rows, n] to mean 0 and variance 1 (two passes, biased variance), then
// multiplies by gamma and adds beta, both [n]; beta may be nil. dst may be src.
func (x *Exec) LayerNorm(dst, src []float32, rows, n int, gamma, beta []float32, eps float32) {
	checkRows("LayerNorm", dst, src, rows, n)
	if len(gamma) != n || beta != nil && len(beta) != n {
		panic(fmt.Sprintf("kernels: LayerNorm of rows of %d with %d gamma and %d beta", n, len(gamma), len(beta)))
	}
	if n == 0 {
		return
	}
	x.set.layerNorm(dst[:rows*n], src[:rows*n], n, gamma, beta, eps)
}

// Softmax replaces each of the rows of src [rows, n] by exp(x-max) · (1/sum). dst may be src.
func (x *Exec) Softmax(dst, src []float32, rows, n int) {
	checkRows("Softmax", dst, src, rows, n)
	for i := range rows {
		d, s := dst[i*n:(i+1)*n], src[i*n:(i+1)*n]
		sum := x.set.expSum(d, s, x.set.rowMax(s))
		x.set.scale(d, d, 1/sum)
	}
}

// Dot returns the sum of a[i]·b[i]: 16 lanes of fused multiply-adds, then the tree.
func (x *Exec) Dot(a, b []float32) float32 {
	sameLength("Dot", len(a), len(b), len(b))
	return x.set.dot(a, b)
}

// L2Normalize divides each of the rows of src [rows, n] by max(its L2 norm, eps). dst may be src.
func (x *Exec) L2Normalize(dst, src []float32, rows, n int, eps float32) {
	checkRows("L2Normalize", dst, src, rows, n)
	for i := range rows {
		d, s := dst[i*n:(i+1)*n], src[i*n:(i+1)*n]
		x.set.div(d, s, greater(eps, sqrt(x.set.dot(s, s)))) // a NaN stays
	}
}
