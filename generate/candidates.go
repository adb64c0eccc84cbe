package generate

import (
	"math"

	"github.com/godwit-ml/godwit/kernels"
)

// candidates are the tokens from which one is drawn, in ascending order of their ids, with their scores.
type candidates struct {
	x      *kernels.Exec
	all    bool      // every token is one: ids is not set, and an id is an index
	ids    []int32   // of the candidates
	scores []float32 // so are the other slices
	probs  []float32 // set by softmax
	values []float32 // those in descending order, as far as sorted was asked
	order  []int32   // the candidates of values

	room []int32   // memory of ids
	near []float32 // of typical
}

// reset makes every token a candidate. The scores are changed.
func (c *candidates) reset(x *kernels.Exec, scores []float32) {
	if cap(c.room) < len(scores) {
		c.room = make([]int32, len(scores))
		c.probs = make([]float32, len(scores))
	}
	c.x, c.all, c.ids, c.scores = x, true, nil, scores
}

// id returns the id of candidate i.
func (c *candidates) id(i int) int32 {
	if c.all {
		return int32(i)
	}
	return c.ids[i]
}

// compact leaves out the candidates whose score is -Inf, if there are others.
func (c *candidates) compact() {
	n := 0
	for i, s := range c.scores {
		if s != negInf {
			c.room[n] = c.id(i)
			c.scores[n] = s
			n++
		}
	}
	if n > 0 {
		c.all, c.ids, c.scores = false, c.room[:n], c.scores[:n]
	}
}

// softmax sets probs. They are NaN if a score is NaN or +Inf, or if all are -Inf.
func (c *candidates) softmax() []float32 {
	n := len(c.scores)
	c.probs = c.probs[:n]
	c.x.Softmax(c.probs, c.scores, 1, n)
	return c.probs
}

// sorted sets values and order to the k candidates with the greatest keys, or all if there are fewer, in descending order and
// equal ones in ascending order of their ids. It returns their number.
func (c *candidates) sorted(keys []float32, k int) int {
	k = min(k, len(keys))
	if cap(c.values) < k {
		n := max(k, 2*cap(c.values))
		c.values, c.order = make([]float32, n), make([]int32, n)
	}
	c.values, c.order = c.values[:k], c.order[:k]
	return c.x.TopK(c.values, c.order, keys)
}

// keepSorted keeps those first candidates of the order of keys for which more is true, and at least the first: more is called
// for one after the other until it says no.
func (c *candidates) keepSorted(keys []float32, more func(i int) bool) {
	kept, k := 0, 64
	for {
		n := c.sorted(keys, k)
		for kept < n && (more(int(c.order[kept])) || kept == 0) {
			kept++
		}
		if kept < n || n == len(keys) {
			break
		}
		k *= 8
	}
	if kept == len(keys) {
		return
	}
	last, id := c.values[kept-1], c.order[kept-1]
	for i, v := range keys {
		if !(v > last || v == last && int32(i) <= id) {
			c.scores[i] = negInf
		}
	}
	c.compact()
}

// surprise returns what a score is to be taken from to give -log of its probability; softmax was called.
func (c *candidates) surprise() float64 { return logTotal(c.x, c.probs, c.scores) }

// entropy returns that of the distribution; softmax was called.
func (c *candidates) entropy(surprise float64) float64 {
	sum := 0.0
	for i, p := range c.probs {
		if p > 0 {
			sum += float64(float64(p) * (surprise - float64(c.scores[i])))
		}
	}
	return sum
}

// temperature divides the scores.
func (c *candidates) temperature(t float32) {
	for i, s := range c.scores {
		c.scores[i] = s / t
	}
}

// topHTokens is how many tokens top-h looks at.
const topHTokens = 100

// topH keeps the likeliest candidates, of a hundred, as long as the sum of their terms of the entropy is at most share of it.
func (c *candidates) topH(share float64) {
	if len(c.scores) > topHTokens {
		left := topHTokens
		c.keepSorted(c.scores, func(int) bool { left--; return left >= 0 })
	}
	c.softmax()
	surprise := c.surprise()
	most := float64(c.entropy(surprise) * share)
	sum := 0.0
	c.keepSorted(c.scores, func(i int) bool {
		sum += float64(float64(c.probs[i]) * (surprise - float64(c.scores[i])))
		return sum <= most
	})
}

// topK keeps the k likeliest candidates, and those that are as likely as the last of them.
func (c *candidates) topK(k int) {
	if k >= len(c.scores) {
		return
	}
	c.sorted(c.scores, k)
	least := c.values[k-1]
	for i, s := range c.scores {
		if s < least {
			c.scores[i] = negInf
		}
	}
	c.compact()
}

// topP keeps the likeliest candidates up to the one with which they have a probability of p together.
func (c *candidates) topP(p float64) {
	probs := c.softmax()
	before := 0.0
	c.keepSorted(c.scores, func(i int) bool {
		more := before < p
		before += float64(probs[i])
		return more
	})
}

// minP keeps the candidates that are at least p times as likely as the likeliest.
func (c *candidates) minP(p float32) {
	probs := c.softmax()
	best := c.x.Argmax(probs)
	c.atLeast(p*probs[best], best)
}

// atLeast keeps the candidates with that probability, and candidate best.
func (c *candidates) atLeast(p float32, best int) {
	for i, v := range c.probs {
		if v < p && i != best {
			c.scores[i] = negInf
		}
	}
	c.compact()
}

// typical keeps the candidates whose surprise is nearest to the entropy, until they have a probability of mass together.
func (c *candidates) typical(mass float64) {
	probs := c.softmax()
	surprise := c.surprise()
	entropy := c.entropy(surprise)
	if cap(c.near) < len(probs) {
		c.near = make([]float32, len(probs))
	}
	keys := c.near[:len(probs)] // minus the distances
	for i, s := range c.scores {
		d := (surprise - float64(s)) - entropy
		keys[i] = -float32(max(d, -d))
	}
	sum, last := 0.0, float32(0)
	c.keepSorted(keys, func(i int) bool {
		if sum >= mass {
			return keys[i] >= last // as near as the last
		}
		sum += float64(probs[i])
		last = keys[i]
		return true
	})
}

// epsilon keeps the candidates of at least that probability, and the likeliest ones.
func (c *candidates) epsilon(p float32) {
	c.softmax()
	c.aboveOrBest(p)
}

// eta keeps the candidates of at least min(p, √p·exp(-entropy)), and the likeliest ones.
func (c *candidates) eta(p float32) {
	c.softmax()
	entropy := c.entropy(c.surprise())
	c.aboveOrBest(min(p, float32(math.Sqrt(float64(p))*kernels.Exp(-entropy))))
}

func (c *candidates) aboveOrBest(p float32) {
	best := c.scores[c.x.Argmax(c.scores)]
	for i, v := range c.probs {
		if v < p && c.scores[i] < best {
			c.scores[i] = negInf
		}
	}
	c.compact()
}

// run leaves the candidates that the config wants.
func (c *candidates) run(o *Config) {
	if o.Temperature != 1 {
		c.temperature(float32(o.Temperature))
	}
	if o.TopH > 0 {
		c.topH(o.TopH)
	}
	if o.TopK > 0 {
		c.topK(o.TopK)
	}
	if o.TopP < 1 {
		c.topP(o.TopP)
	}
	if o.MinP > 0 {
		c.minP(float32(o.MinP))
	}
	if o.TypicalP < 1 {
		c.typical(o.TypicalP)
	}
	if o.Epsilon > 0 && o.Epsilon < 1 {
		c.epsilon(float32(o.Epsilon))
	}
	if o.Eta > 0 && o.Eta < 1 {
		c.eta(float32(o.Eta))
	}
}

// draw returns the candidate that a number u in [0, 1) chooses: the first at which the sum of the probabilities exceeds u times
// the sum of all. softmax was called.
func (c *candidates) draw(u float64) int32 {
	total := 0.0
	for _, p := range c.probs {
		total += float64(p)
	}
	limit, sum, last := float64(u*total), 0.0, 0
	for i, p := range c.probs {
		if p == 0 {
			continue
		}
		last = i
		if sum += float64(p); sum > limit {
			break
		}
	}
	return c.id(last)
}
