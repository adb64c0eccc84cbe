package sentence

import (
	"fmt"
	"math"

	"github.com/godwit-ml/godwit/kernels"
)

// A Similarity compares two embeddings; a larger value means more alike.
type Similarity uint8

// The similarities, as similarity_fn_name has them.
const (
	Cosine    Similarity = iota // the cosine of the angle
	Dot                         // the inner product
	Euclidean                   // minus the Euclidean distance
	Manhattan                   // minus the sum of the absolute differences
)

var similarities = [...]string{"cosine", "dot", "euclidean", "manhattan"}

// String returns the name that similarity_fn_name has for it.
func (s Similarity) String() string { return similarities[s] }

// ParseSimilarity returns the similarity of that name; an empty name is the cosine.
func ParseSimilarity(name string) (Similarity, error) {
	for i, n := range similarities {
		if n == name {
			return Similarity(i), nil
		}
	}
	if name == "" {
		return Cosine, nil
	}
	return 0, fmt.Errorf("the similarity %q is not known; known are cosine, dot, euclidean and manhattan", name)
}

// Of compares two embeddings of the same length.
func (s Similarity) Of(x *kernels.Exec, a, b []float32) float32 {
	switch s {
	case Dot:
		return x.Dot(a, b)
	case Euclidean:
		var sum float32
		for i := range a {
			d := a[i] - b[i]
			sum += float32(d * d)
		}
		return -sqrt(sum)
	case Manhattan:
		var sum float32
		for i := range a {
			sum += max(a[i]-b[i], b[i]-a[i])
		}
		return -sum
	default:
		const eps = 1e-12 // of torch.nn.functional.normalize
		return x.Dot(a, b) / float32(max(sqrt(x.Dot(a, a)), eps)*max(sqrt(x.Dot(b, b)), eps))
	}
}

// sqrt is the IEEE square root: the double result rounds to the correct float32.
func sqrt(v float32) float32 { return float32(math.Sqrt(float64(v))) }
