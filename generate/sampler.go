package generate

import (
	"errors"
	"slices"

	"github.com/godwit-ml/godwit/kernels"
)

// ErrNoToken means that the settings leave no token to go on with, or that the logits are not numbers.
var ErrNoToken = errors.New("no token is left to go on with: all are forbidden, or the logits are not numbers")

// A Sampler chooses tokens of one sequence by their logits, as a Config says. It is for one goroutine. Its memory is reused from
// sequence to sequence; in steady state it allocates nothing.
type Sampler struct {
	x      *kernels.Exec
	c      *Config
	p      processors
	sample uint32
	step   uint32
	scores []float32
	cand   candidates
}

// Reset prepares for sample number sample of a sequence that begins with a prompt of that many tokens and has at most maxLen
// tokens (0: any number). The config, which was checked, is not changed from then on: another one is another Config.
func (s *Sampler) Reset(x *kernels.Exec, c *Config, vocab, prompt, maxLen, sample int) {
	s.x, s.c, s.sample, s.step = x, c, uint32(sample), 0
	s.p.reset(c, vocab, prompt, maxLen)
	if len(s.scores) != vocab {
		s.scores = make([]float32, vocab)
	}
}

// Next returns the token that follows ids, the sequence with its prompt. logits, [vocabulary], are those after its last token;
// they are not changed. Each call for a sequence has all ids of the call before, and more.
func (s *Sampler) Next(ids []int32, logits []float32) (int32, error) {
	if err := s.narrow(ids, logits); err != nil {
		return 0, err
	}
	step := s.step
	s.step++
	if !s.c.Sample {
		return int32(s.x.Argmax(s.scores)), nil
	}
	return s.cand.draw(Uniform(s.c.Seed, s.sample, step)), nil
}

// Distribution returns the tokens that Next would choose from and their probabilities, in ascending order of ids. It does not
// count as a step. Without [Config].Sample, all tokens are there with the probabilities before one of the likeliest is taken.
func (s *Sampler) Distribution(ids []int32, logits []float32) ([]int32, []float32, error) {
	if err := s.narrow(ids, logits); err != nil {
		return nil, nil, err
	}
	if !s.c.Sample {
		s.cand.reset(s.x, s.scores)
		s.cand.softmax()
	}
	out := make([]int32, len(s.cand.probs))
	for i := range out {
		out[i] = s.cand.id(i)
	}
	return out, slices.Clone(s.cand.probs), nil
}

// narrow sets scores, and if a token is to be drawn the candidates and their probabilities.
func (s *Sampler) narrow(ids []int32, logits []float32) error {
	copy(s.scores, logits)
	s.p.run(s.scores, ids)
	if best := s.scores[s.x.Argmax(s.scores)]; !(best > negInf) {
		return ErrNoToken
	}
	if !s.c.Sample {
		return nil
	}
	s.cand.reset(s.x, s.scores)
	s.cand.run(s.c)
	if probs := s.cand.softmax(); probs[0] != probs[0] {
		return ErrNoToken
	}
	return nil
}
