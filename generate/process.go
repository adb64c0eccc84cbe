package generate

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/godwit-ml/godwit/kernels"
)

var negInf = float32(math.Inf(-1))

// A processors changes logits by what is known of the sequence. Its steps, in this order, are those of the package comment.
// Logits are float32 and each operation is rounded once, as in transformers.
type processors struct {
	c       *Config
	vocab   int
	prompt  int // tokens of the prompt
	maxLen  int // tokens at which the sequence ends, 0: unknown
	biases  []tokenBias
	bad     []tokenBias
	seen    []uint64 // the set of the ids of the sequence, for the repetition penalty
	ids     []int32  // its elements
	known   int      // tokens of the sequence that are in it
	counts  []int32  // how often each id was generated, for the penalties of frequency and presence
	counted []int32  // ids whose count is not 0
}

// A tokenBias is what is added to the logit of a token.
type tokenBias struct {
	id     int32
	always float32
	after  []prefixBias
}

// A prefixBias is added if the sequence ends with the prefix.
type prefixBias struct {
	prefix []int32
	bias   float32
}

// reset prepares for a sequence that begins with that many tokens of a prompt and has at most maxLen.
func (p *processors) reset(c *Config, vocab, prompt, maxLen int) {
	if p.c != c || p.vocab != vocab {
		p.biases, p.bad = gather(c.Bias), nil
		if len(c.BadWords) > 0 {
			var list []Bias
			for _, w := range c.BadWords {
				if len(w) == 1 && slices.Contains(c.EOS, w[0]) {
					continue // transformers does not forbid the end
				}
				list = append(list, Bias{w, math.Inf(-1)})
			}
			p.bad = gather(list)
		}
	}
	p.c, p.vocab, p.prompt, p.maxLen = c, vocab, prompt, maxLen
	p.known = 0
	for _, id := range p.ids {
		p.seen[id/64] = 0
	}
	for _, id := range p.counted {
		p.counts[id] = 0
	}
	p.ids, p.counted = p.ids[:0], p.counted[:0]
	if c.RepetitionPenalty != 1 && len(p.seen) < (vocab+63)/64 {
		p.seen = make([]uint64, (vocab+63)/64)
	}
	if (c.FrequencyPenalty != 0 || c.PresencePenalty != 0) && len(p.counts) < vocab {
		p.counts = make([]int32, vocab)
	}
}

// gather puts the biases of each token together. Those of longer sequences are added in transformers' order: by the length of the
// sequence, lengths in the order in which they appear first.
func gather(list []Bias) []tokenBias {
	var unique []Bias
	places := make(map[string]int) // of sequences, as bytes
	lengths := make(map[int]int)   // of sequences, and which came first
	var key []byte
	for _, b := range list {
		key = key[:0]
		for _, id := range b.IDs {
			key = binary.LittleEndian.AppendUint32(key, uint32(id))
		}
		if i, ok := places[string(key)]; ok {
			unique[i].Bias = b.Bias
			continue
		}
		places[string(key)] = len(unique)
		unique = append(unique, b)
		if _, ok := lengths[len(b.IDs)]; !ok {
			lengths[len(b.IDs)] = len(lengths)
		}
	}
	slices.SortStableFunc(unique, func(a, b Bias) int { return cmp.Compare(lengths[len(a.IDs)], lengths[len(b.IDs)]) })
	var out []tokenBias
	at := make(map[int32]int)
	for _, b := range unique {
		last := len(b.IDs) - 1
		id := b.IDs[last]
		i, ok := at[id]
		if !ok {
			i = len(out)
			at[id] = i
			out = append(out, tokenBias{id: id})
		}
		if last == 0 {
			out[i].always = float32(b.Bias)
		} else {
			out[i].after = append(out[i].after, prefixBias{b.IDs[:last], float32(b.Bias)})
		}
	}
	return out
}

func addBiases(scores []float32, list []tokenBias, ids []int32) {
	for i := range list {
		t := &list[i]
		sum := t.always
		for _, a := range t.after {
			if n := len(a.prefix); n <= len(ids) && slices.Equal(ids[len(ids)-n:], a.prefix) {
				sum += a.bias
			}
		}
		if sum != 0 {
			scores[t.id] += sum
		}
	}
}

// forbid sets the scores of the ids to -Inf.
func forbid(scores []float32, ids []int32) {
	for _, id := range ids {
		if int(id) < len(scores) && id >= 0 {
			scores[id] = negInf
		}
	}
}

// only leaves nothing but the ids.
func only(scores []float32, ids ...int32) {
	for i := range scores {
		scores[i] = negInf
	}
	for _, id := range ids {
		scores[id] = 0
	}
}

// run changes scores, the logits of the token that follows ids, the sequence so far.
func (p *processors) run(scores []float32, ids []int32) {
	c := p.c
	addBiases(scores, p.biases, ids)
	if c.RepetitionPenalty != 1 {
		p.repetition(scores, ids, float32(c.RepetitionPenalty))
	}
	if c.NoRepeatNGram > 0 {
		noRepeat(scores, ids, c.NoRepeatNGram)
	}
	addBiases(scores, p.bad, ids)
	least := c.MinLength
	if c.MinNewTokens > 0 {
		least = p.prompt + c.MinNewTokens
	}
	if len(ids) < least {
		forbid(scores, c.EOS)
	}
	if c.ForcedBOS >= 0 && len(ids) == 1 {
		only(scores, c.ForcedBOS)
	}
	if len(c.ForcedEOS) > 0 && len(ids) == p.maxLen-1 {
		only(scores, c.ForcedEOS...)
	}
	if c.RemoveInvalid {
		removeInvalid(scores)
	}
	if d := c.Decay; d != nil {
		decayEnd(scores, c.EOS, d.Factor, len(ids)-p.prompt-d.Start)
	}
	forbid(scores, c.SuppressTokens)
	begin := p.prompt
	if begin == 1 && c.ForcedBOS >= 0 {
		begin++
	}
	if len(ids) == begin {
		forbid(scores, c.BeginSuppress)
	}
	if c.FrequencyPenalty != 0 || c.PresencePenalty != 0 {
		p.penalties(scores, ids)
	}
}

func (p *processors) repetition(scores []float32, ids []int32, penalty float32) {
	for ; p.known < len(ids); p.known++ {
		id := ids[p.known]
		if bit := uint64(1) << (id % 64); p.seen[id/64]&bit == 0 {
			p.seen[id/64] |= bit
			p.ids = append(p.ids, id)
		}
	}
	for _, id := range p.ids {
		if s := scores[id]; s < 0 {
			scores[id] = s * penalty
		} else {
			scores[id] = s / penalty
		}
	}
}

// noRepeat forbids each token that would complete a sequence of n tokens which is there already.
func noRepeat(scores []float32, ids []int32, n int) {
	if len(ids) < n {
		return
	}
	end := ids[len(ids)-(n-1):]
	for i := 0; i+n <= len(ids); i++ {
		if slices.Equal(ids[i:i+n-1], end) {
			scores[ids[i+n-1]] = negInf
		}
	}
}

func removeInvalid(scores []float32) {
	for i, s := range scores {
		switch {
		case s != s:
			scores[i] = 0
		case s > math.MaxFloat32:
			scores[i] = math.MaxFloat32
		case s < -math.MaxFloat32:
			scores[i] = -math.MaxFloat32
		}
	}
}

// decayEnd makes the end likelier, n tokens after it began to.
func decayEnd(scores []float32, eos []int32, factor float64, n int) {
	if n <= 0 {
		return
	}
	grow := float32(kernels.Pow(factor, float64(n)) - 1)
	for i, id := range eos {
		if int(id) >= len(scores) || slices.Contains(eos[:i], id) {
			continue
		}
		if s := scores[id]; s-s == 0 {
			scores[id] = s + float32(max(s, -s)*grow)
		}
	}
}

func (p *processors) penalties(scores []float32, ids []int32) {
	n := p.prompt
	for _, id := range p.counted {
		n += int(p.counts[id])
	}
	for ; n < len(ids); n++ {
		id := ids[n]
		if p.counts[id] == 0 {
			p.counted = append(p.counted, id)
		}
		p.counts[id]++
	}
	for _, id := range p.counted {
		scores[id] -= float32(float64(float64(p.counts[id])*p.c.FrequencyPenalty) + p.c.PresencePenalty)
	}
}
