package godwit

import (
	"fmt"
	"math"
)

// Similarity compares each vector of a with each of b: result[i][j] is that of a[i] and b[j], larger for more alike. What it
// computes is the model's own choice ([Info].Similarity): the cosine of the angle, the dot product, or the negated Euclidean
// or Manhattan distance. All vectors must have the same length: it panics if they are of different models, or were cut to
// different [WithDimensions].
func (m *Model) Similarity(a, b [][]float32) [][]float32 {
	checkLengths(a, b)
	result := make([][]float32, len(a))
	flat := make([]float32, len(a)*len(b))
	var normA, normB []float32
	if m.info.Similarity == "cosine" {
		normA, normB = m.norms(a), m.norms(b)
	}
	for i, x := range a {
		row := flat[i*len(b) : (i+1)*len(b) : (i+1)*len(b)]
		for j, y := range b {
			switch m.info.Similarity {
			case "dot":
				row[j] = m.exec.Dot(x, y)
			case "euclidean":
				row[j] = -euclidean(x, y)
			case "manhattan":
				row[j] = -manhattan(x, y)
			default:
				row[j] = m.exec.Dot(x, y) / float32(normA[i]*normB[j])
			}
		}
		result[i] = row
	}
	return result
}

// checkLengths panics if not all vectors have the same length.
func checkLengths(a, b [][]float32) {
	want := -1
	for k, list := range [2][][]float32{a, b} {
		for i, x := range list {
			if want < 0 {
				want = len(x)
			} else if len(x) != want {
				panic(fmt.Sprintf("godwit: Similarity: %c[%d] has %d numbers, and the first vector %d", 'a'+k, i, len(x), want))
			}
		}
	}
}

// norms returns the lengths of vectors, at least 1e-12, as torch.nn.functional.normalize takes them.
func (m *Model) norms(a [][]float32) []float32 {
	n := make([]float32, len(a))
	for i, x := range a {
		n[i] = max(sqrt(m.exec.Dot(x, x)), 1e-12)
	}
	return n
}

func euclidean(a, b []float32) float32 {
	var sum float32
	for i, x := range a {
		d := x - b[i]
		sum += float32(d * d)
	}
	return sqrt(sum)
}

func manhattan(a, b []float32) float32 {
	var sum float32
	for i, x := range a {
		d := x - b[i]
		sum += max(d, -d)
	}
	return sum
}

// sqrt is the square root of IEEE 754 in float32: that of a float32 in float64, rounded, is the same.
func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
