// Package generate continues sequences of tokens: the loop around an [arch.Decoder], what is done to its logits before a token is
// chosen, the choice, and where it ends.
//
//	s := generate.NewSession(&generate.Model{Decoder: dec, Exec: x, Tokenizer: tok, Context: 8192}, arch.CacheOptions{})
//	for tok, err := range s.Generate(ctx, prompt, generate.DefaultConfig()) {
//		...
//	}
//
// A [Config] has the settings of a generation_config.json under shorter names, with their meaning and their defaults in
// transformers; [ReadConfig] reads one. The root package has all this in three lines.
//
// # From logits to a token
//
// What transformers calls logits processors works on the logits in the order of transformers 5.23, each step as far as the Config
// asks for it:
//
//	Bias                     of tokens and of the last token of sequences
//	RepetitionPenalty        on every token of the prompt and of what was generated
//	NoRepeatNGram
//	BadWords
//	MinLength, MinNewTokens  no end before them
//	ForcedBOS, ForcedEOS
//	RemoveInvalid
//	Decay                    the end becomes likelier with the length
//	SuppressTokens, BeginSuppress
//	FrequencyPenalty, PresencePenalty   as OpenAI defines them, on what was generated
//
// and then, if tokens are drawn (Sample), the candidates become fewer:
//
//	Temperature, TopH, TopK, TopP, MinP, TypicalP, Epsilon, Eta
//
// Without Sample the token with the greatest logit is taken, the lowest id of several. Where tokens have to be sorted, equal ones
// stand in ascending order of their ids, and the first are kept; TopK keeps all that are equal to the last, as transformers does.
//
// # Randomness
//
// A token is drawn by a number u in [0, 1) from the cumulative distribution of the candidates in ascending order of their ids:
// the first whose sum exceeds u times the sum of all. u is a function of the seed, the number of the sample and the number of
// the token alone ([Uniform]), and all arithmetic is that of package kernels, so that the same seed gives the same tokens on
// every machine, and a sample does not depend on the others.
package generate
