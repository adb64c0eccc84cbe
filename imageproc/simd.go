package imageproc

// A grouped holds the weights of a table for routines that take four taps at a time: each output has as many groups, and its
// taps end within the input, if need be behind some of weight 0.
type grouped struct {
	groups  int
	starts  []int32 // the first input of each output, from the table's first on
	weights []int16 // of each group: the weights of its taps divided by 4096, rounded down, and then what is left of each
}

// maxGroups bounds the work of one output, and callGroups that of one call, of one row or 16 columns: some ten microseconds.
const (
	maxGroups  = 1 << 9
	callGroups = 1 << 13
)

// group returns the weights of t in groups, nil if its input is too small or its outputs have too many taps.
func (t *table) group() *grouped {
	most := 0
	for _, tap := range t.taps {
		most = max(most, tap.n)
	}
	g := &grouped{groups: (most + 3) / 4}
	if !simd || t.last-t.first < 4*g.groups || g.groups > maxGroups || g.groups == 0 {
		return nil
	}
	g.starts, g.weights = make([]int32, len(t.taps)), make([]int16, len(t.taps)*g.groups*8)
	for i, tap := range t.taps {
		at := tap.at - t.first
		start := min(at, t.last-t.first-4*g.groups)
		g.starts[i] = int32(start)
		w := g.weights[i*g.groups*8:]
		for k, weight := range t.weights[tap.w:][:tap.n] {
			j := at - start + k
			v := int32(weight)
			w[j/4*8+j%4], w[j/4*8+4+j%4] = int16(v>>12), int16(v&4095)
		}
	}
	return g
}

// pairRGB is rowPairs for two rows that begin at a and b of RGB, each with 4 bytes behind it.
func (g *grouped) pairRGB(outA, outB, a, b []byte) {
	n := len(g.starts)
	for i, step := 0, max(1, callGroups/g.groups); i < n; i += step {
		weighRGBAVX2(&outA[3*i], &outB[3*i], &a[0], &b[0], &g.starts[i], &g.weights[i*g.groups*8], g.groups, min(step, n-i))
	}
}

// row makes output row i of the rows of in, which begin stride bytes apart.
func (g *grouped) row(out, in []byte, stride, i int) {
	in = in[int(g.starts[i])*stride:]
	w := &g.weights[i*g.groups*8]
	const width = 16
	for c, step := 0, max(1, callGroups/g.groups); c < len(out); {
		c = min(c, len(out)-width) // the last columns may be made twice
		blocks := min(step, (len(out)-c)/width)
		weighRowsAVX2(&out[c], &in[c], stride, w, g.groups, blocks)
		c += blocks * width
	}
}
