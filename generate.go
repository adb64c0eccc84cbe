package godwit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/chat"
	"github.com/godwit-ml/godwit/generate"
)

// A Token is one step of a text that is generated: its id, and the text that became final with it. See [generate.Token].
type Token = generate.Token

// A GenerateOption changes how a text is continued. Options stand over generation_config.json, or, where there is none, over what
// config.json says of it, and that over the defaults of transformers.
type GenerateOption func(*generateOptions)

type generateOptions struct {
	config  *generate.Config
	changed bool // somebody has said how many tokens may follow
	seeded  bool
	bad     []string
	cache   arch.CacheOptions
	context int
	plain   bool // nothing around a prompt
	chat    chat.Input
	name    string // of the chat template
}

// WithMaxTokens sets how many tokens are made at most; 0: as many as the model's context has room for. The default is what
// generation_config.json says; else 256 for Generate, and 0 for Chat.
func WithMaxTokens(n int) GenerateOption {
	return func(o *generateOptions) { o.config.MaxNewTokens, o.config.MaxLength, o.changed = n, 0, true }
}

// WithMinTokens lets the model not end its text before n tokens.
func WithMinTokens(n int) GenerateOption {
	return func(o *generateOptions) { o.config.MinNewTokens = n }
}

// WithGreedy takes the likeliest token each time, as WithTemperature(0) does.
func WithGreedy() GenerateOption { return WithTemperature(0) }

// WithTemperature draws tokens by their probability, after their logits were divided by t; 0 takes the likeliest each time.
func WithTemperature(t float64) GenerateOption {
	return func(o *generateOptions) {
		if o.config.Sample = t != 0; o.config.Sample {
			o.config.Temperature = t
		}
	}
}

// WithTopK draws from the k likeliest tokens; 0: from all. Where nothing else is said it is 50, as in transformers.
func WithTopK(k int) GenerateOption {
	return func(o *generateOptions) { o.config.Sample, o.config.TopK = true, k }
}

// WithTopP draws from the likeliest tokens that have a probability of p together; 1: from all.
func WithTopP(p float64) GenerateOption {
	return func(o *generateOptions) { o.config.Sample, o.config.TopP = true, p }
}

// WithMinP draws from the tokens that are at least p times as likely as the likeliest; 0: from all.
func WithMinP(p float64) GenerateOption {
	return func(o *generateOptions) { o.config.Sample, o.config.MinP = true, p }
}

// WithSeed chooses the random numbers: the same seed gives the same tokens, on every machine. Without it each call has a seed of
// its own.
func WithSeed(seed uint64) GenerateOption {
	return func(o *generateOptions) { o.config.Seed, o.seeded = seed, true }
}

// WithRepetitionPenalty divides the logits above 0 of tokens that are there already by p, and multiplies those below; 1: off.
func WithRepetitionPenalty(p float64) GenerateOption {
	return func(o *generateOptions) { o.config.RepetitionPenalty = p }
}

// WithFrequencyPenalty takes p from the logit of a token for each time that it was generated.
func WithFrequencyPenalty(p float64) GenerateOption {
	return func(o *generateOptions) { o.config.FrequencyPenalty = p }
}

// WithPresencePenalty takes p from the logit of each token that was generated.
func WithPresencePenalty(p float64) GenerateOption {
	return func(o *generateOptions) { o.config.PresencePenalty = p }
}

// WithNoRepeatNGram lets no sequence of n tokens come twice; 0: off.
func WithNoRepeatNGram(n int) GenerateOption {
	return func(o *generateOptions) { o.config.NoRepeatNGram = n }
}

// WithLogitBias adds a number to the logit of each of these ids.
func WithLogitBias(bias map[int32]float64) GenerateOption {
	return func(o *generateOptions) {
		for id, b := range bias {
			o.config.Bias = append(o.config.Bias, generate.Bias{IDs: []int32{id}, Bias: b})
		}
	}
}

// WithBadWords lets none of the words come: the tokens that each has alone and after a space.
func WithBadWords(words ...string) GenerateOption {
	return func(o *generateOptions) { o.bad = append(o.bad, words...) }
}

// WithStop ends the text before the first of these, wherever the tokens are cut. A special token can be named too.
func WithStop(texts ...string) GenerateOption {
	return func(o *generateOptions) { o.config.Stop = append(o.config.Stop, texts...) }
}

// WithIgnoreEOS goes on where the model would end.
func WithIgnoreEOS() GenerateOption {
	return func(o *generateOptions) { o.config.EOS = []int32{} }
}

// WithSamples makes n texts; the prompt is computed once. Up to 8 are made side by side, which takes less time than one after the
// other; each has keys and values of its own, so they are fewer if [WithCacheLimit] says so. Their tokens come in turn, and
// [Token].Sample tells them apart. More than one are an error where tokens are not drawn: they would be equal.
func WithSamples(n int) GenerateOption {
	return func(o *generateOptions) { o.config.Samples = n }
}

// WithLogprobs gives each token the logarithm of its probability, and the n likeliest tokens.
func WithLogprobs(n int) GenerateOption {
	return func(o *generateOptions) { o.config.Logprobs, o.config.TopLogprobs = true, n }
}

// WithSpecialTokens shows special tokens in the text.
func WithSpecialTokens() GenerateOption {
	return func(o *generateOptions) { o.config.SpecialTokens = true }
}

// WithPlainPrompt puts no special tokens around the prompt, as add_special_tokens=False does in transformers: for a prompt that
// has its own, like that of a chat template. It is for Generate; Chat does so anyway.
func WithPlainPrompt() GenerateOption { return func(o *generateOptions) { o.plain = true } }

// WithPromptProgress calls f while the prompt is computed with the number of its tokens that are done, from the goroutine of the
// loop.
func WithPromptProgress(f func(done, total int)) GenerateOption {
	return func(o *generateOptions) { o.config.Progress = f }
}

// WithCacheLimit sets the most memory in bytes that keys and values may take; 0: no limit. What a prompt and the tokens that may
// follow need is known before, and more is an error, a [generate.MemoryError].
func WithCacheLimit(bytes int) GenerateOption {
	return func(o *generateOptions) { o.config.MaxCacheBytes = bytes }
}

// WithContextLength sets the length of the longest sequence, prompt included. The default is config.json's
// max_position_embeddings; a model may be good for more, or a program want less. Of a session it is set once, when it is made.
func WithContextLength(n int) GenerateOption { return func(o *generateOptions) { o.context = n } }

// WithBFloat16Cache keeps keys and values in 16 bits: half the memory, and nearly the same numbers. Of a session it is set once,
// when it is made.
func WithBFloat16Cache() GenerateOption {
	return func(o *generateOptions) { o.cache.BFloat16 = true }
}

// WithPrefillChunk sets how many tokens of a prompt are computed at once, 512 if nothing is said: a matter of memory and speed,
// not of results. Of a session it is set once, when it is made.
func WithPrefillChunk(n int) GenerateOption {
	return func(o *generateOptions) { o.cache.Chunk = n }
}

// WithIgnoredSettings leaves settings out by which a model's files ask for a way of generating that there is none of here, like
// num_beams. Without them the tokens are others than those of transformers, so that they are an error otherwise.
func WithIgnoredSettings(names ...string) GenerateOption {
	return func(o *generateOptions) {
		left := func(s string) bool { return slices.Contains(names, s) }
		o.config.Unsupported = slices.DeleteFunc(slices.Clone(o.config.Unsupported), left)
	}
}

// WithConfig changes any of the settings, those that have no option of their own included, in the order of the options.
func WithConfig(change func(c *generate.Config)) GenerateOption {
	return func(o *generateOptions) { change(o.config) }
}

// A generator is what a model that generates has beside its network. A part that could not be loaded is an error of the calls
// that need it.
type generator struct {
	decoder   arch.Decoder
	context   int // the model's own
	config    *generate.Config
	from      string // the file that it is from
	configErr error
	chat      *chat.Model
	chatErr   error
}

// errNotGenerating returns the error of the tasks of decoders for another model.
func (m *Model) errNotGenerating() error {
	if strings.HasSuffix(m.info.Class, "ForCausalLM") { // use_bidirectional_attention, as of an embedding model
		return m.named(fmt.Errorf("%s does not generate text: its tokens see those after them", m.info.Class))
	}
	return m.named(fmt.Errorf("%s does not generate text; models of a class ...ForCausalLM or ...LMHeadModel do",
		cmp.Or(m.info.Class, m.info.ModelType)))
}

// named puts the model's name before an error of its files, as opening it does.
func (m *Model) named(err error) error {
	if err == nil || m.info.Name == "" {
		return err
	}
	return fmt.Errorf("%s: %w", m.info.Name, err)
}

// openGenerator prepares what generation needs. openText was called.
func (m *Model) openGenerator(c *arch.Config, base fs.FS) {
	d, ok := m.net.(arch.Decoder)
	class := c.Class()
	if !ok || !strings.HasSuffix(class, "ForCausalLM") && !strings.HasSuffix(class, "LMHeadModel") {
		return
	}
	g := &generator{decoder: d, context: contextLength(c), from: "generation_config.json"}
	g.config, g.configErr = generate.ReadConfig(base)
	if errors.Is(g.configErr, fs.ErrNotExist) {
		g.from = "config.json"
		g.config, g.configErr = generate.FromModelConfig(c.Decode)
	}
	g.chat, g.chatErr = chat.Load(base)
	m.gen = g
	lim := d.Limits()
	m.info.ContextLength = min(lim.MaxTokens, lim.Positions)
	if g.context > 0 {
		m.info.ContextLength = min(m.info.ContextLength, g.context)
	}
}

// contextLength returns the length of sequences that config.json speaks of, 0 if of none.
func contextLength(c *arch.Config) int {
	var f struct {
		MaxPositions float64 `json:"max_position_embeddings"`
		NPositions   float64 `json:"n_positions"`
	}
	if c.Decode(&f) != nil {
		return 0 // the family has read it otherwise
	}
	n := f.MaxPositions
	if n == 0 {
		n = f.NPositions
	}
	if !(n >= 1 && n < 1<<30) {
		return 0
	}
	return int(n)
}

// model returns what package generate needs.
func (g *generator) model(m *Model, context int) *generate.Model {
	return &generate.Model{Decoder: g.decoder, Exec: m.exec, Tokenizer: m.text.tok, Context: context}
}

// options returns the settings of a call.
func (g *generator) options(opts []GenerateOption) *generateOptions {
	config := g.config
	if config == nil { // it could not be read, which does not matter to all that have options
		config = generate.DefaultConfig()
	}
	o := &generateOptions{config: config.Clone(), context: g.context}
	for _, f := range opts {
		f(o)
	}
	if !o.seeded {
		o.config.Seed = rand.Uint64()
	}
	return o
}

// check returns an error if the settings of a call have a value that they cannot have. One that the model's files give is said of
// the file.
func (m *Model) check(o *generateOptions) error {
	if err := o.checkCache(); err != nil {
		return err
	}
	g, vocab := m.gen, m.gen.decoder.Limits().Vocab
	err := o.config.Check(vocab)
	if err == nil {
		return nil
	}
	own := g.config.Clone()
	own.Sample = o.config.Sample
	if fault := own.Check(vocab); fault != nil && fault.Error() == err.Error() {
		return m.named(fmt.Errorf("%s: %w", g.from, err))
	}
	return err
}

// checkCache returns an error if what is set once, when a session is made, has a value that it cannot have.
func (o *generateOptions) checkCache() error {
	switch most := math.MaxInt32; {
	case o.context < 0 || o.context > most:
		return fmt.Errorf("the context length is %d; want a number from 0 to %d", o.context, most)
	case o.cache.Chunk < 0 || o.cache.Chunk > most:
		return fmt.Errorf("the prefill chunk is %d; want a number from 0 to %d", o.cache.Chunk, most)
	}
	return nil
}

// A Session continues texts one after the other, and keeps the keys and values of the last: where the next begins with the same
// tokens, as the next turn of a conversation does, only what is new is computed. What it gives is the same as without. It is for
// one goroutine at a time; its memory goes with it.
type Session struct {
	m    *Model
	opts []GenerateOption
	s    *generate.Session
	err  error // of every call
}

// NewSession returns a Session. The options hold for all its calls, which may have more.
func (m *Model) NewSession(opts ...GenerateOption) *Session {
	s := &Session{m: m, opts: opts}
	switch {
	case m.gen == nil:
		s.err = m.errNotGenerating()
	case m.gen.configErr != nil:
		s.err = m.named(m.gen.configErr)
	case m.text.tokErr != nil:
		s.err = m.named(m.text.tokErr)
	default:
		o := m.gen.options(opts)
		if s.err = o.checkCache(); s.err == nil {
			s.s = generate.NewSession(m.gen.model(m, o.context), o.cache)
		}
	}
	return s
}

// Err returns why the session cannot generate: the model is none for that, one of its files could not be read, or a setting of
// its files or of the session's options has a value that it cannot have. Options of a call can replace some of the latter; all
// else is the error of every call. It is nil if the session can.
func (s *Session) Err() error {
	err := s.err
	if err == nil {
		err = s.m.check(s.m.gen.options(s.opts))
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("godwit: %w", err)
}

// Generate is [Model.Generate] with what the session knows.
func (s *Session) Generate(ctx context.Context, prompt string, opts ...GenerateOption) iter.Seq2[Token, error] {
	return s.tokens(ctx, opts, func(o *generateOptions) ([]int32, error) {
		const most = 256
		if c := o.config; !o.changed && c.MaxNewTokens == 0 && c.MaxLength == 0 {
			c.MaxNewTokens = most
		}
		if o.plain {
			return s.m.text.tok.AppendPlainIDs(nil, prompt, 0)
		}
		return s.m.text.tok.AppendIDs(nil, prompt, 0)
	})
}

// tokens returns those that follow a prompt.
func (s *Session) tokens(ctx context.Context, opts []GenerateOption, prompt func(o *generateOptions) ([]int32, error)) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		fail := func(err error) { yield(Token{}, fmt.Errorf("godwit: %w", err)) }
		if s.err != nil {
			fail(s.err)
			return
		}
		o := s.m.gen.options(slices.Concat(s.opts, opts))
		err := s.m.check(o)
		var ids []int32
		if err == nil {
			ids, err = prompt(o)
		}
		if err == nil {
			err = s.m.forbid(o)
		}
		if err != nil {
			fail(err)
			return
		}
		for t, err := range s.s.Generate(ctx, ids, o.config) {
			if err != nil {
				fail(err)
				return
			}
			if !yield(t, nil) {
				return
			}
		}
	}
}

// forbid adds the bad words to the config.
func (m *Model) forbid(o *generateOptions) error {
	for _, w := range o.bad {
		for _, text := range []string{w, " " + w} {
			ids, err := m.text.tok.AppendPlainIDs(nil, text, 0)
			if err != nil {
				return fmt.Errorf("the bad word %q: %w", w, err)
			}
			if len(ids) == 0 {
				return fmt.Errorf("the bad word %q has no tokens", w)
			}
			o.config.BadWords = append(o.config.BadWords, ids)
		}
	}
	return nil
}

// Reused returns how many tokens of the last prompt the session knew.
func (s *Session) Reused() int {
	if s.s == nil {
		return 0
	}
	return s.s.Reused()
}

// Tokens returns the number of tokens that the session knows.
func (s *Session) Tokens() int {
	if s.s == nil {
		return 0
	}
	return s.s.Len()
}

// CacheBytes returns how much memory keys and values take.
func (s *Session) CacheBytes() int {
	if s.s == nil {
		return 0
	}
	return s.s.Bytes()
}

// Reset forgets everything and gives the memory back; in a loop over tokens of the session, as soon as that has ended.
func (s *Session) Reset() {
	if s.s != nil {
		s.s.Reset()
	}
}

// Generate continues the prompt: it gives one token after the other, as it is chosen.
//
//	for tok, err := range m.Generate(ctx, "Once upon a time", godwit.WithMaxTokens(50)) {
//		if err != nil {
//			return err
//		}
//		fmt.Print(tok.Text)
//	}
//
// How tokens are chosen is up to the model's generation_config.json, which options change; many models are greedy unless they
// are told otherwise. The text ends where the model ends it, before a stop string, or when it is long enough: the last Token
// tells in Finish.
//
// The loop can be left at any time. When ctx is done, its error is the last element. The model can be used by other goroutines
// meanwhile. [Text] and [Completions] collect what comes.
func (m *Model) Generate(ctx context.Context, prompt string, opts ...GenerateOption) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) { m.NewSession(opts...).Generate(ctx, prompt)(yield) }
}

// CacheBytes returns how much memory the keys and values of a sequence of that many tokens take, with [WithBFloat16Cache] and
// [WithPrefillChunk] in view; the other options do not matter. It is an error of a model that does not generate, of options that
// a session could not have, and of a number of tokens that is less than 0 or more than the model takes.
func (m *Model) CacheBytes(tokens int, opts ...GenerateOption) (int, error) {
	if m.gen == nil {
		return 0, fmt.Errorf("godwit: %w", m.errNotGenerating())
	}
	o := m.gen.options(opts)
	if err := o.checkCache(); err != nil {
		return 0, fmt.Errorf("godwit: %w", err)
	}
	if most := m.gen.model(m, o.context).MaxTokens(); tokens < 0 || tokens > most {
		return 0, fmt.Errorf("godwit: the keys and values of %d tokens are asked for; want a number from 0 to %d", tokens, most)
	}
	return m.gen.decoder.CacheBytes(o.cache, tokens), nil
}

// Text returns the whole text of what Generate or Chat gives, of several samples the first. With an error, it is the text until
// then.
//
//	text, err := godwit.Text(m.Generate(ctx, "Once upon a time"))
func Text(tokens iter.Seq2[Token, error]) (string, error) {
	var b strings.Builder
	for t, err := range tokens {
		if err != nil {
			return b.String(), err
		}
		if t.Sample > 0 {
			continue
		}
		if b.WriteString(t.Text); t.Finish != "" {
			break
		}
	}
	return b.String(), nil
}

// A Completion is a whole text that was generated.
type Completion struct {
	Text   string
	Tokens []Token
	Finish generate.Finish
	Stop   string // the stop string, if that was the end
}

// Completions collects what Generate or Chat gives: a Completion for each sample. With an error, it is what came until then.
func Completions(tokens iter.Seq2[Token, error]) ([]Completion, error) {
	var list []Completion
	var texts [][]byte
	whole := func() []Completion {
		for i, text := range texts {
			list[i].Text = string(text)
		}
		return list
	}
	for t, err := range tokens {
		if err != nil {
			return whole(), err
		}
		if t.Sample == len(list) {
			list, texts = append(list, Completion{}), append(texts, nil)
		}
		c := &list[t.Sample]
		t.Top = slices.Clone(t.Top)
		c.Tokens = append(c.Tokens, t)
		texts[t.Sample] = append(texts[t.Sample], t.Text...)
		c.Finish, c.Stop = t.Finish, t.Stop
	}
	return whole(), nil
}
