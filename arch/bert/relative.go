package bert

import (
	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
)

// A relativeBias adds to each attention score a number that depends on the head and on how far the key is from the query,
// by T5's scheme of buckets (arXiv:1910.10683, section 2.1): 32 buckets, half of them for each direction; distances below
// 8 have one each, those up to 128 share the others on a logarithmic scale.
type relativeBias struct {
	heads int
	// byDistance holds the bias of head h and distance d (key minus query, beyond ±far as ±far) at h·(2·far+1) + d + far.
	byDistance []float32
}

// far is the distance from which on all have the last bucket.
const far = 91

// bucketStarts are the distances at which the buckets 8, 9, ... of a direction begin: 8·16^(i/8), rounded up.
var bucketStarts = [...]int{8, 12, 16, 23, 32, 46, 64, far}

// bucket returns the bucket of a distance, key minus query.
func bucket(d int) int {
	first := 0
	if d > 0 {
		first = 16
	} else {
		d = -d
	}
	if d < bucketStarts[0] {
		return first + d
	}
	i := 0
	for i < len(bucketStarts)-1 && d >= bucketStarts[i+1] {
		i++
	}
	return first + bucketStarts[0] + i
}

// Params implements [loader.Module].
func (r *relativeBias) Params(s *loader.Scope) {
	w := s.Need("weight", 32, r.heads)
	s.Then(func() {
		table := w.Float32()
		for h := range r.heads {
			for d := -far; d <= far; d++ {
				r.byDistance = append(r.byDistance, table[bucket(d)*r.heads+h])
			}
		}
	})
}

// of returns the bias for the tokens of a batch from number first on, or nil if r is.
func (r *relativeBias) of(b *arch.Batch, first int) kernels.Bias {
	switch {
	case r == nil:
		return nil
	case b.Index == nil:
		return r
	}
	return &indexedBias{r, b.Index[first:]}
}

// AddBias implements [kernels.Bias] for sequences whose tokens stood side by side.
func (r *relativeBias) AddBias(row []float32, _, head, q, k0 int) {
	bias := r.byDistance[head*(2*far+1):][:2*far+1]
	for i := range row {
		row[i] += bias[min(max(k0+i-q, -far), far)+far]
	}
}

// An indexedBias is the bias for a batch whose tokens had others between them, which the mask hid.
type indexedBias struct {
	*relativeBias
	index []int32 // of each token in its padded sequence
}

// AddBias implements [kernels.Bias].
func (r *indexedBias) AddBias(row []float32, _, head, q, k0 int) {
	bias := r.byDistance[head*(2*far+1):][:2*far+1]
	for i := range row {
		row[i] += bias[min(max(int(r.index[k0+i]-r.index[q]), -far), far)+far]
	}
}
