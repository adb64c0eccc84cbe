package generate

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// A Config says how a sequence is continued. The fields that are also in a generation_config.json mean what they mean in
// transformers. DefaultConfig and ReadConfig return complete ones; the zero Config is not valid.
type Config struct {
	// Sample draws tokens by their probability (do_sample). Otherwise the likeliest is taken, and the fields below up to Seed
	// have no effect.
	Sample      bool
	Temperature float64 // divides the logits; above 0
	TopH        float64 // share of the entropy that is kept (top_h); 0: off
	TopK        int     // candidates that are kept; 0: off
	TopP        float64 // probability that the kept candidates have together; 1: off
	MinP        float64 // least probability beside that of the likeliest; 0: off
	TypicalP    float64 // probability that the candidates have together whose surprise is nearest to the entropy; 1: off
	Epsilon     float64 // least probability (epsilon_cutoff); 0: off
	Eta         float64 // least probability beside the entropy (eta_cutoff); 0: off
	Seed        uint64  // of the random numbers

	// Unsupported names the settings of a generation_config.json that ask for a way of generating that there is none of here:
	// num_beams, penalty_alpha and the like. Without them the tokens are others, so that Check refuses them. Who does not mind
	// takes them out, as generate(num_beams=1) does in transformers.
	Unsupported []string

	RepetitionPenalty float64 // divides logits above 0, multiplies those below, of tokens that are there already; 1: off
	FrequencyPenalty  float64 // is taken from the logit of a token for each time that it was generated; 0: off
	PresencePenalty   float64 // is taken from the logit of a token that was generated; 0: off
	NoRepeatNGram     int     // no sequence of that many tokens comes twice (no_repeat_ngram_size); 0: off
	BadWords          [][]int32
	Bias              []Bias         // of two for the same sequence, the last counts
	SuppressTokens    []int32        // are never chosen
	BeginSuppress     []int32        // are not chosen first (begin_suppress_tokens)
	ForcedBOS         int32          // is chosen after a prompt of one token (forced_bos_token_id); -1: off
	ForcedEOS         []int32        // one of them is chosen last (forced_eos_token_id)
	Decay             *LengthPenalty // nil: off
	RemoveInvalid     bool           // makes finite numbers of logits that are none (remove_invalid_values)

	EOS          []int32 // ids that end the sequence (eos_token_id)
	MinLength    int     // tokens before which the model does not end the sequence, those of the prompt included
	MinNewTokens int     // new tokens before which it does not; then MinLength has no effect. A text of Stop ends it even so
	MaxLength    int     // tokens after which it ends, those of the prompt included; 0: no limit
	MaxNewTokens int     // new tokens after which it ends; then MaxLength has no effect. 0: no limit
	// Stop are texts that end the sequence, wherever the tokens are cut. The text before them is the result. One that is a
	// special token stands for its id.
	Stop []string

	// Samples is how many sequences are made, side by side, of a prompt that is computed once (num_return_sequences). More than 1
	// need Sample.
	Samples int
	// Logprobs gives each token the logarithm of its probability, and TopLogprobs that many of the likeliest tokens beside it.
	Logprobs    bool
	TopLogprobs int
	// SpecialTokens shows special tokens in the text.
	SpecialTokens bool

	// MaxCacheBytes is the most memory that keys and values may take; 0: no limit. It is checked before anything is computed, for
	// the prompt with as many tokens as may follow; no more samples are made side by side than it has room for. A Session that
	// holds more, of a longer text before, forgets it.
	MaxCacheBytes int
	// Progress, if it is not nil, is called while the prompt is computed: with the number of its tokens that are done, at first
	// those that were known from before, and of all.
	Progress func(done, total int)
}

// A Bias is added to the logit of the last token of a sequence where the others stand before it.
type Bias struct {
	IDs  []int32
	Bias float64
}

// A LengthPenalty makes the end likelier (exponential_decay_length_penalty): from Start new tokens on, the logits of the ids that
// end the sequence grow by their absolute value times Factor to the power of the tokens since then, less 1.
type LengthPenalty struct {
	Start  int
	Factor float64
}

// DefaultConfig returns what transformers does without a generation_config.json, but for max_length, of which there is none here.
func DefaultConfig() *Config {
	return &Config{Temperature: 1, TopK: 50, TopP: 1, TypicalP: 1, RepetitionPenalty: 1, ForcedBOS: -1, Samples: 1}
}

// Clone returns a copy that can be changed without changing c: its lists can be replaced and appended to.
func (c *Config) Clone() *Config {
	d := *c
	d.BadWords, d.Bias, d.EOS, d.Stop = slices.Clip(c.BadWords), slices.Clip(c.Bias), slices.Clip(c.EOS), slices.Clip(c.Stop)
	d.SuppressTokens, d.BeginSuppress = slices.Clip(c.SuppressTokens), slices.Clip(c.BeginSuppress)
	d.ForcedEOS, d.Unsupported = slices.Clip(c.ForcedEOS), slices.Clip(c.Unsupported)
	return &d
}

// An UnsupportedError says that a setting asks for a way of generating that there is none of here.
type UnsupportedError struct {
	Setting string // its name in generation_config.json
}

// Error implements error.
func (e *UnsupportedError) Error() string {
	return e.Setting + " asks for a way of generating that is not supported; without it, the tokens are others: " +
		"have it ignored if they may be"
}

// maxTopLogprobs bounds TopLogprobs.
const maxTopLogprobs = 1000

// Check returns an error if a field that has an effect has a value that it cannot have, for a vocabulary of that many tokens.
func (c *Config) Check(vocab int) error {
	within := func(name string, v, low, high float64) error {
		if !(v >= low && v <= high) {
			return fmt.Errorf("%s is %v; want a number from %v to %v", name, v, low, high)
		}
		return nil
	}
	positive := func(name string, v float64) error {
		switch {
		case !(v > 0):
			return fmt.Errorf("%s is %v; want a number above 0", name, v)
		case v > math.MaxFloat32 || float32(v) == 0:
			return fmt.Errorf("%s is %v; want a number from 1e-45 to 3e38", name, v)
		}
		return nil
	}
	count := func(name string, v, least int) error {
		if v < least || v > math.MaxInt32 {
			return fmt.Errorf("%s is %d; want a number from %d to %d", name, v, least, math.MaxInt32)
		}
		return nil
	}
	var errs []error
	for _, name := range c.Unsupported {
		if name != "penalty_alpha" || !c.Sample { // who draws tokens makes no contrastive search
			errs = append(errs, &UnsupportedError{name})
		}
	}
	if c.Sample {
		temperature := positive("the temperature", c.Temperature)
		if c.Temperature == 0 {
			temperature = errors.New("the temperature is 0; want a number above 0, or no tokens that are drawn")
		}
		errs = append(errs,
			temperature,
			within("top_h", c.TopH, 0, 1),
			count("top_k", c.TopK, 0),
			within("top_p", c.TopP, 0, 1),
			within("min_p", c.MinP, 0, 1),
			within("epsilon_cutoff", c.Epsilon, 0, 1),
			within("eta_cutoff", c.Eta, 0, 1),
			within("typical_p", c.TypicalP, math.SmallestNonzeroFloat64, 1))
	}
	errs = append(errs,
		positive("the repetition penalty", c.RepetitionPenalty),
		within("the frequency penalty", c.FrequencyPenalty, -1e6, 1e6),
		within("the presence penalty", c.PresencePenalty, -1e6, 1e6),
		count("no_repeat_ngram_size", c.NoRepeatNGram, 0),
		count("min_length", c.MinLength, 0),
		count("min_new_tokens", c.MinNewTokens, 0),
		count("max_length", c.MaxLength, 0),
		count("max_new_tokens", c.MaxNewTokens, 0),
		count("the number of samples", c.Samples, 1))
	if c.TopLogprobs < 0 || c.TopLogprobs > maxTopLogprobs {
		errs = append(errs, fmt.Errorf("%d likeliest tokens are asked for; want 0 to %d", c.TopLogprobs, maxTopLogprobs))
	}
	if c.MaxCacheBytes < 0 {
		errs = append(errs, fmt.Errorf("the limit of the cache is %d bytes, less than 0", c.MaxCacheBytes))
	}
	if d := c.Decay; d != nil {
		errs = append(errs, count("the start of exponential_decay_length_penalty", d.Start, 0),
			positive("the factor of exponential_decay_length_penalty", d.Factor))
	}
	if slices.Contains(c.Stop, "") {
		errs = append(errs, errors.New("a stop string is empty"))
	}
	ids := func(name string, list []int32) {
		for _, id := range list {
			if id < 0 || int(id) >= vocab {
				errs = append(errs, fmt.Errorf("%s holds the id %d; the vocabulary has %d tokens", name, id, vocab))
				return
			}
		}
	}
	ids("forced_eos_token_id", c.ForcedEOS)
	if c.ForcedBOS != -1 {
		ids("forced_bos_token_id", []int32{c.ForcedBOS})
	}
	for _, w := range c.BadWords {
		if len(w) == 0 {
			errs = append(errs, errors.New("bad_words_ids holds an empty sequence"))
		}
		ids("bad_words_ids", w)
	}
	for _, b := range c.Bias {
		if len(b.IDs) == 0 || math.IsNaN(b.Bias) {
			errs = append(errs, errors.New("sequence_bias holds a sequence without tokens, or a bias that is not a number"))
		}
		ids("sequence_bias", b.IDs)
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
