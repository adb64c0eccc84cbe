package generate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// A Finish says why a sequence ended.
type Finish string

// The reasons.
const (
	FinishEOS     Finish = "eos"     // the model ended it
	FinishStop    Finish = "stop"    // a stop string came
	FinishLength  Finish = "length"  // MaxNewTokens or MaxLength was reached
	FinishContext Finish = "context" // the model's longest sequence was reached
)

// A Token is one step of a sequence.
type Token struct {
	Sample int   // number of the sequence, from 0
	ID     int32 // of the token
	// Text is the text that became final with this token: it may be that of several, or empty. The bytes of a character that is
	// not complete are held back, and so is what may become a stop string. At the end what is incomplete is U+FFFD.
	Text string
	// Logprob is the natural logarithm of the token's probability by the model's own logits, before anything was done to them;
	// and Top are the likeliest tokens in descending order, valid until the next token. They are there if the Config asks for
	// them.
	Logprob float64
	Top     []Candidate
	// Finish is empty before the last token of a sequence. Stop is the stop string if one was found.
	Finish Finish
	Stop   string
}

// A Candidate is a token that could have come.
type Candidate struct {
	ID      int32
	Logprob float64
}

// Generate continues the prompt and gives one token after the other, as it is chosen. Several samples are made side by side, up
// to 8 as far as MaxCacheBytes has room for their keys and values: a token of each comes in turn, until it ends. Then the next
// ones follow. A sequence that is not interrupted has a last token with Finish set; an error is the last element. The loop can be
// left at any time.
//
// ctx is looked at between tokens, and between the chunks of a prompt; its error comes wrapped. The tokens do not depend on what
// the Session knew before.
func (s *Session) Generate(ctx context.Context, prompt []int32, c *Config) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		if !s.begin() {
			yield(Token{}, errors.New("the session is in use: one sequence at a time"))
			return
		}
		defer s.end()
		r := run{s: s, yield: yield}
		if err := r.prepare(prompt, c); err != nil {
			yield(Token{}, err)
			return
		}
		if err := r.samples(ctx); err != nil {
			yield(Token{}, err)
		}
	}
}

// A run is one call of Generate.
type run struct {
	s       *Session
	c       *Config
	yield   func(Token, error) bool
	left    bool // yield said so
	prompt  []int32
	total   int // tokens at which a sequence ends
	end     Finish
	stopIDs []int32
	stops   []string
	beside  int // sequences that are computed together
}

// prepare checks the arguments, and that what may come has room.
func (r *run) prepare(prompt []int32, c *Config) error {
	m := r.s.m
	vocab := m.Decoder.Limits().Vocab
	if err := c.Check(vocab); err != nil {
		return err
	}
	if c.Samples > 1 && !c.Sample {
		return fmt.Errorf("%d samples are asked for, but the likeliest token is taken each time: they would be equal; "+
			"draw tokens, as with a temperature above 0, or ask for one", c.Samples)
	}
	if err := m.checkIDs(prompt); err != nil {
		return err
	}
	r.prompt, r.c = slices.Clone(prompt), c.Clone()
	if r.c.EOS == nil {
		r.c.EOS = slices.Clip(m.Decoder.EndIDs())
	}
	if err := r.splitStops(); err != nil {
		return err
	}
	r.total, r.end = m.MaxTokens(), FinishContext
	if len(prompt) >= r.total {
		return fmt.Errorf("the prompt has %d tokens; the model takes %d with those that follow", len(prompt), r.total)
	}
	limit := 0
	switch {
	case c.MaxNewTokens > 0:
		limit = len(prompt) + c.MaxNewTokens
	case c.MaxLength > 0:
		if limit = c.MaxLength; len(prompt) >= limit {
			return fmt.Errorf("the prompt has %d tokens; max_length is %d with those that follow", len(prompt), limit)
		}
	}
	if limit > 0 && limit <= r.total {
		r.total, r.end = limit, FinishLength
	}
	r.beside = min(c.Samples, maxBeside)
	if c.MaxCacheBytes > 0 {
		need := m.Decoder.CacheBytes(r.s.options, r.total)
		if need > c.MaxCacheBytes {
			return &MemoryError{Need: need, Limit: c.MaxCacheBytes, Tokens: r.total, BFloat16: r.s.options.BFloat16}
		}
		// A session may hold more than that from before. What is over the limit is let go of with all that it knows.
		held := r.s.Bytes()
		if held > c.MaxCacheBytes {
			held = 0
			r.s.seqs[0].forget()
		}
		r.beside = min(r.beside, 1+(c.MaxCacheBytes-max(need, held))/max(need, 1))
	}
	s := r.s
	if len(s.probs) != vocab {
		s.probs = make([]float32, vocab)
	}
	if n := min(c.TopLogprobs, vocab); len(s.top) != n {
		s.top, s.values, s.order = make([]Candidate, n), make([]float32, n), make([]int32, n)
	}
	return nil
}

// splitStops tells stop strings that are special tokens, which the text does not show, from the others.
func (r *run) splitStops() error {
	if len(r.c.Stop) == 0 {
		return nil
	}
	tok := r.s.m.Tokenizer
	if tok == nil {
		return errors.New("there are stop strings, but the model has no tokenizer")
	}
	added := tok.AddedTokens()
	for _, stop := range r.c.Stop {
		if id, ok := tok.TokenToID(stop); ok && added[id].Special && added[id].Content == stop {
			r.stopIDs = append(r.stopIDs, id)
		} else {
			r.stops = append(r.stops, stop)
		}
	}
	return nil
}

const (
	// reserveTokens is how many new tokens have memory reserved at once.
	reserveTokens = 1024
	// maxBeside is how many samples are computed together. A token of one takes the time in which the weights are read; those of
	// several take little more, until arithmetic takes longer. Each has keys and values of its own.
	maxBeside = 8
)

// samples makes all sequences.
func (r *run) samples(ctx context.Context) error {
	s, c := r.s, r.c
	defer func() {
		for _, q := range s.seqs[1:] {
			q.cache = nil
		}
	}()
	for len(s.seqs) < r.beside {
		s.seqs = append(s.seqs, new(sequence))
	}
	first := s.seqs[0]
	reserve := min(r.total, len(r.prompt)+reserveTokens)
	var err error
	if s.reused, err = s.prefill(ctx, first, r.prompt, reserve, c.Progress); err != nil {
		return err
	}
	if c.Samples > r.beside {
		s.first = append(s.first[:0], first.logits...)
	}
	for done := 0; done < c.Samples && !r.left; done += r.beside {
		if done > 0 {
			// All but the prompt is forgotten. The logits after it are known, unless the cache had to let go of it.
			if s.keep(first, len(r.prompt)); len(first.ids) < len(r.prompt) {
				if _, err := s.prefill(ctx, first, r.prompt, reserve, nil); err != nil {
					return err
				}
			}
			first.logits = s.first
		}
		group := s.seqs[:min(r.beside, c.Samples-done)]
		for i, q := range group {
			if i > 0 {
				s.copy(q, first, reserve)
			}
			r.begin(q, done+i)
		}
		if err := r.group(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

// begin prepares a sequence for a sample.
func (r *run) begin(q *sequence, number int) {
	m := r.s.m
	q.number = number
	q.sampler.Reset(m.Exec, r.c, m.Decoder.Limits().Vocab, len(r.prompt), r.total, number)
	q.stop.reset(r.stops)
	if q.stream = nil; m.Tokenizer != nil {
		q.stream = m.Tokenizer.NewStream(!r.c.SpecialTokens)
	}
}

// group makes sequences side by side, a token of each in turn. They know the prompt, and the logits after it.
func (r *run) group(ctx context.Context, seqs []*sequence) error {
	s, c := r.s, r.c
	s.live = append(s.live[:0], seqs...)
	for len(s.live) > 0 {
		going := s.live[:0]
		for _, q := range s.live {
			if err := ctx.Err(); err != nil {
				return err
			}
			id, err := q.sampler.Next(q.ids, q.logits)
			if err != nil {
				return err
			}
			t := Token{Sample: q.number, ID: id}
			if c.Logprobs || c.TopLogprobs > 0 {
				s.logprobs(&t, q.logits)
			}
			if err := r.advance(q, &t); err != nil {
				return err
			}
			if !r.yield(t, nil) {
				r.left = true
				return nil
			}
			if t.Finish == "" {
				q.next[0] = id
				going = append(going, q)
			}
		}
		if s.live = going; len(going) > 0 {
			if err := s.step(ctx, going); err != nil {
				return err
			}
		}
	}
	return nil
}

// advance sets the text of a token, and whether it is the last.
func (r *run) advance(q *sequence, t *Token) error {
	eos, stopped := slices.Contains(r.c.EOS, t.ID), slices.Contains(r.stopIDs, t.ID)
	switch {
	case stopped:
		t.Finish = FinishStop
		t.Stop, _ = r.s.m.Tokenizer.IDToToken(t.ID)
	case eos:
		t.Finish = FinishEOS
	case len(q.ids)+1 >= r.total:
		t.Finish = r.end
	}
	if q.stream == nil {
		return nil
	}
	return r.show(q, t, !stopped && (!eos || r.c.SpecialTokens))
}

// show sets the text of a token, which is a part of the text or not, and ends the sequence where a stop string is found.
func (r *run) show(q *sequence, t *Token, part bool) error {
	s := r.s
	s.piece = s.piece[:0]
	var err error
	if part {
		s.piece, err = q.stream.Append(s.piece, t.ID)
	}
	switch {
	case err != nil:
	case t.Finish != "":
		s.piece, err = q.stream.End(s.piece)
	case q.stop.ends(q.stream.Held()):
		s.piece = append(s.piece, q.stream.Held()...) // a stop string before a character that is not complete
	}
	if err != nil {
		return err
	}
	text, stop := q.stop.push(s.piece)
	switch {
	case stop != "":
		t.Finish, t.Stop = FinishStop, stop
	case t.Finish != "":
		s.piece = append(append(s.piece[:0], text...), q.stop.flush()...)
		text = s.piece
	}
	t.Text = s.texts.text(text)
	return nil
}

// logprobs sets those of a token.
func (s *Session) logprobs(t *Token, logits []float32) {
	x := s.m.Exec
	x.Softmax(s.probs, logits, 1, len(logits))
	scale := logTotal(x, s.probs, logits)
	t.Logprob = float64(logits[t.ID]) - scale
	x.TopK(s.values, s.order, logits)
	for i := range s.top {
		s.top[i] = Candidate{s.order[i], float64(s.values[i]) - scale}
	}
	t.Top = s.top
}
