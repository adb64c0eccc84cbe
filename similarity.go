package godwit

import "math"

// Similarity compares each vector of a with each of b: result[i][j] is that of a[i] and b[j], larger for more alike. What it
// computes is the model's own choice ([Info].Similarity): the cosine of the angle, the dot product, or the negated Euclidean
// or Manhattan distance. All vectors must have the same length.
func (m *Model) Similarity(a, b [][]float32) [][]float32 {
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
