package main

import (
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit"
)

// samplingFlags are the flags of commands that generate text. What is not given is as generation_config.json says.
type samplingFlags struct {
	most, least, topK, ngram, cacheMiB int
	context, chunk                     int
	temperature, topP, minP            float64
	repetition, frequency, presence    float64
	seed                               uint64
	greedy, bf16, ignoreEOS, special   bool
	stops, bad, biases, ignored        []string
}

// add adds the flags. most says how many tokens are generated at most if nobody does. Flags have no defaults to show: those are
// the model's.
func (s *samplingFlags) add(c *cobra.Command, most string) {
	f := c.Flags()
	f.IntVarP(&s.most, "max-new-tokens", "n", 0,
		"tokens to generate at most, 0 for what the model has room for (default: generation_config.json's, else "+most+")")
	f.IntVar(&s.least, "min-new-tokens", 0, "tokens before which the text does not end")
	f.BoolVar(&s.greedy, "greedy", false, "take the likeliest token each time")
	f.Float64VarP(&s.temperature, "temperature", "t", 0, "draw tokens; above 1 more freely, below 1 less, 0 is --greedy")
	f.IntVar(&s.topK, "top-k", 0, "draw from that many of the likeliest tokens, 0 for all")
	f.Float64Var(&s.topP, "top-p", 0, "draw from the likeliest tokens that have this probability together, 1 for all")
	f.Float64Var(&s.minP, "min-p", 0, "draw from tokens at least this many times as likely as the likeliest, 0 for all")
	f.Uint64Var(&s.seed, "seed", 0, "the same seed gives the same text on every machine (default: another each time)")
	f.Float64Var(&s.repetition, "repetition-penalty", 0, "makes tokens less likely that are there already; 1 is off")
	f.Float64Var(&s.frequency, "frequency-penalty", 0, "is taken from a token's logit for each time it was generated")
	f.Float64Var(&s.presence, "presence-penalty", 0, "is taken from a token's logit if it was generated")
	f.IntVar(&s.ngram, "no-repeat-ngram", 0, "let no sequence of that many tokens come twice, 0 is off")
	f.StringArrayVar(&s.stops, "stop", nil, "end before this text (may be repeated)")
	f.StringArrayVar(&s.bad, "bad-word", nil, "do not write this word (may be repeated)")
	f.StringArrayVar(&s.biases, "logit-bias", nil, "ID=NUMBER: add this to the logit of a token (may be repeated)")
	f.BoolVar(&s.ignoreEOS, "ignore-eos", false, "go on where the model would end")
	f.BoolVar(&s.special, "show-special-tokens", false, "show special tokens in the text")
	f.StringArrayVar(&s.ignored, "ignore-setting", nil,
		"setting of generation_config.json to leave out, like num_beams, as there are no beams (may be repeated)")
	f.IntVar(&s.context, "context-length", 0, "tokens of the longest text, prompt included, 0 for what config.json says")
	f.IntVar(&s.chunk, "prefill-chunk", 0, "tokens of a prompt that are computed at once, 0 for 512; memory grows with them")
	f.BoolVar(&s.bf16, "bf16-cache", false, "keep keys and values in 16 bits: half the memory")
	f.IntVar(&s.cacheMiB, "cache-limit", 0, "most MiB for keys and values, 0 for no limit")
}

// options returns what the flags say.
func (s *samplingFlags) options(c *cobra.Command) ([]godwit.GenerateOption, error) {
	switch {
	case s.most < 0:
		return nil, usagef("--max-new-tokens is %d, less than 0", s.most)
	case s.least < 0:
		return nil, usagef("--min-new-tokens is %d, less than 0", s.least)
	case s.most > 0 && s.least > s.most:
		return nil, usagef("--min-new-tokens is %d, more than --max-new-tokens, %d", s.least, s.most)
	case s.context < 0 || s.context > math.MaxInt32:
		return nil, usagef("--context-length is %d, must be from 0 to %d", s.context, math.MaxInt32)
	case s.chunk < 0 || s.chunk > math.MaxInt32:
		return nil, usagef("--prefill-chunk is %d, must be from 0 to %d", s.chunk, math.MaxInt32)
	case s.cacheMiB < 0 || s.cacheMiB > 1<<30:
		return nil, usagef("--cache-limit is %d MiB, must be from 0 to %d", s.cacheMiB, 1<<30)
	case s.temperature < 0:
		return nil, usagef("--temperature is %v, less than 0", s.temperature)
	case s.greedy && c.Flags().Changed("temperature") && s.temperature != 0:
		return nil, usagef("--greedy and --temperature %v: one of them", s.temperature)
	}
	bias, err := parseBiases(s.biases)
	if err != nil {
		return nil, err
	}
	var opts []godwit.GenerateOption
	set := func(flag string, o godwit.GenerateOption) {
		if c.Flags().Changed(flag) {
			opts = append(opts, o)
		}
	}
	set("top-k", godwit.WithTopK(s.topK))
	set("top-p", godwit.WithTopP(s.topP))
	set("min-p", godwit.WithMinP(s.minP))
	set("temperature", godwit.WithTemperature(s.temperature)) // after those that say that tokens are drawn
	set("greedy", godwit.WithGreedy())
	set("max-new-tokens", godwit.WithMaxTokens(s.most))
	set("min-new-tokens", godwit.WithMinTokens(s.least))
	set("seed", godwit.WithSeed(s.seed))
	set("repetition-penalty", godwit.WithRepetitionPenalty(s.repetition))
	set("frequency-penalty", godwit.WithFrequencyPenalty(s.frequency))
	set("presence-penalty", godwit.WithPresencePenalty(s.presence))
	set("no-repeat-ngram", godwit.WithNoRepeatNGram(s.ngram))
	set("stop", godwit.WithStop(s.stops...))
	set("bad-word", godwit.WithBadWords(s.bad...))
	set("logit-bias", godwit.WithLogitBias(bias))
	set("ignore-setting", godwit.WithIgnoredSettings(s.ignored...))
	if s.context > 0 {
		opts = append(opts, godwit.WithContextLength(s.context))
	}
	set("prefill-chunk", godwit.WithPrefillChunk(s.chunk))
	if s.special {
		opts = append(opts, godwit.WithSpecialTokens())
	}
	if s.ignoreEOS {
		opts = append(opts, godwit.WithIgnoreEOS())
	}
	if s.bf16 {
		opts = append(opts, godwit.WithBFloat16Cache())
	}
	if s.cacheMiB > 0 {
		opts = append(opts, godwit.WithCacheLimit(s.cacheMiB<<20))
	}
	return opts, nil
}

// parseBiases reads the values of --logit-bias.
func parseBiases(list []string) (map[int32]float64, error) {
	biases := make(map[int32]float64)
	for _, s := range list {
		left, right, _ := strings.Cut(s, "=")
		id, err := strconv.ParseInt(left, 10, 32)
		bias, err2 := strconv.ParseFloat(right, 64)
		if err != nil || err2 != nil || !(bias < math.Inf(1)) { // less than all numbers forbids a token
			return nil, usagef("--logit-bias is %q, must be ID=NUMBER", s)
		}
		biases[int32(id)] = bias
	}
	return biases, nil
}
