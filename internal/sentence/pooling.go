package sentence

import (
	"math"

	"github.com/godwit-ml/godwit/kernels"
)

// A pooling reduces the token vectors of one text, the rows of text [tokens, len(dst)], to one vector. The first skip rows are
// those of a prompt and take no part. Sums are chains over the tokens in ascending order.
type pooling func(x *kernels.Exec, dst, text []float32, skip int)

// The poolings by the names of pooling_mode.
var poolings = map[string]pooling{
	"cls":                  poolFirst,
	"max":                  poolMax,
	"mean":                 poolMean,
	"mean_sqrt_len_tokens": poolMeanSqrt,
	"weightedmean":         poolWeighted,
	"lasttoken":            poolLast,
}

// rows cuts off the rows to skip. If there are no others, none is skipped: a text that was cut within its prompt.
func rows(text []float32, n, skip int) []float32 {
	if skip*n < len(text) {
		return text[skip*n:]
	}
	return text
}

func poolFirst(_ *kernels.Exec, dst, text []float32, skip int) {
	copy(dst, rows(text, len(dst), skip))
}

func poolLast(_ *kernels.Exec, dst, text []float32, _ int) {
	copy(dst, text[len(text)-len(dst):])
}

func poolMax(x *kernels.Exec, dst, text []float32, skip int) {
	n := len(dst)
	text = rows(text, n, skip)
	copy(dst, text)
	for i := n; i < len(text); i += n {
		x.Max(dst, dst, text[i:i+n])
	}
}

// sum adds the rows and returns their number.
func sum(x *kernels.Exec, dst, text []float32, skip int) int {
	n := len(dst)
	text = rows(text, n, skip)
	copy(dst, text)
	for i := n; i < len(text); i += n {
		x.Add(dst, dst, text[i:i+n])
	}
	return len(text) / n
}

func divide(v []float32, d float32) {
	for i := range v {
		v[i] /= d
	}
}

func poolMean(x *kernels.Exec, dst, text []float32, skip int) {
	divide(dst, float32(sum(x, dst, text, skip)))
}

func poolMeanSqrt(x *kernels.Exec, dst, text []float32, skip int) {
	divide(dst, float32(math.Sqrt(float64(sum(x, dst, text, skip)))))
}

// poolWeighted weights a token by its position, counted from 1 at the first token of the prompt.
func poolWeighted(x *kernels.Exec, dst, text []float32, skip int) {
	n := len(dst)
	kept := rows(text, n, skip)
	first := (len(text) - len(kept)) / n
	clear(dst)
	weights := 0
	for i := 0; i < len(kept); i += n {
		w := first + i/n + 1
		x.AddScaled(dst, kept[i:i+n], float32(w))
		weights += w
	}
	divide(dst, float32(weights))
}
