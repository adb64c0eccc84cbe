package generate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/tensor"
	"github.com/godwit-ml/godwit/tokenizer"
)

// A Model is what generation needs of an open model. It is immutable and safe for concurrent use.
type Model struct {
	Decoder arch.Decoder
	Exec    *kernels.Exec
	// Tokenizer is nil if tokens have no text; then there are no stop strings.
	Tokenizer *tokenizer.Tokenizer
	// Context is the length of the longest sequence, at most that of the Decoder's limits; 0: that of its limits.
	Context int
}

// MaxTokens returns the length of the longest sequence, prompt included.
func (m *Model) MaxTokens() int {
	lim := m.Decoder.Limits()
	n := min(lim.MaxTokens, lim.Positions)
	if m.Context > 0 {
		n = min(n, m.Context)
	}
	return n
}

// defaultChunk is how many tokens of a prompt are computed at once.
const defaultChunk = 512

// A Session continues prompts one after the other, and keeps the keys and values of the last: of a prompt that begins with the
// same tokens only the rest is computed. The tokens that come out are the same as without. A Session is for one goroutine at a
// time.
type Session struct {
	m       *Model
	options arch.CacheOptions
	seqs    []*sequence // side by side; the first stays when a prompt is done
	reused  int         // tokens of the last prompt that were in the cache

	ws       tensor.Workspace
	caches   []arch.Cache
	batch    [][]int32
	together []*sequence // of a step
	live     []*sequence // that have not ended
	first    []float32   // logits after the prompt
	probs    []float32
	values   []float32
	order    []int32
	top      []Candidate
	piece    []byte // of a text
	texts    textMaker
	running  atomic.Bool
	forget   atomic.Bool // when it no longer runs
}

// A sequence is one of those that are computed together.
type sequence struct {
	cache   arch.Cache
	ids     []int32   // of the tokens in the cache
	logits  []float32 // after the last of them
	room    []float32 // memory for them, where the Workspace does not keep them
	next    [1]int32  // the token that was chosen
	number  int       // of the sample
	sampler Sampler
	stream  *tokenizer.Stream // or nil
	stop    stopper
}

// NewSession returns a Session that has seen nothing.
func NewSession(m *Model, o arch.CacheOptions) *Session {
	if o.Chunk <= 0 {
		o.Chunk = defaultChunk
	}
	return &Session{m: m, options: o, seqs: []*sequence{{}}}
}

// Len returns the number of tokens that the session knows.
func (s *Session) Len() int { return len(s.seqs[0].ids) }

// IDs returns a copy of the tokens that the session knows: the last prompt and what followed, but for the last token. Of several
// samples they are those of one.
func (s *Session) IDs() []int32 { return append([]int32(nil), s.seqs[0].ids...) }

// Reused returns how many tokens of the last prompt did not have to be computed.
func (s *Session) Reused() int { return s.reused }

// Bytes returns how much memory keys and values take.
func (s *Session) Bytes() int {
	n := 0
	for _, q := range s.seqs {
		if q.cache != nil {
			n += q.cache.Bytes()
		}
	}
	return n
}

// Reset forgets all tokens and gives their memory back; while a sequence is being made, as soon as that has ended.
func (s *Session) Reset() {
	if s.forget.Store(true); s.begin() {
		s.end()
	}
}

// begin takes the session for a call, unless it is taken.
func (s *Session) begin() bool { return s.running.CompareAndSwap(false, true) }

// end gives it back. A Reset that comes between the two steps finds the session taken, so it is looked for again.
func (s *Session) end() {
	for again := true; again; again = s.forget.Load() && s.begin() {
		if s.forget.Swap(false) {
			s.seqs[0].forget()
		}
		s.running.Store(false)
	}
}

// forget lets go of the tokens of a sequence, and of their memory.
func (q *sequence) forget() { q.cache, q.ids = nil, q.ids[:0] }

// A MemoryError says that keys and values would take more memory than was allowed.
type MemoryError struct {
	Need, Limit int  // bytes
	Tokens      int  // of the sequence, with those that may follow
	BFloat16    bool // they are kept as bfloat16 already
}

// Error implements error.
func (e *MemoryError) Error() string {
	text := fmt.Sprintf("the keys and values of %d tokens take %s; the limit is %s: ask for fewer new tokens",
		e.Tokens, size(e.Need), size(e.Limit))
	if !e.BFloat16 {
		text += ", or keep them as bfloat16"
	}
	return text
}

// size returns a number of bytes for people.
func size(n int) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", (n+1<<30-1)>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20)
	}
	return fmt.Sprintf("%d KiB", (n+1<<10-1)>>10)
}

// keep leaves the first n tokens of a sequence, or none if the cache cannot.
func (s *Session) keep(q *sequence, n int) {
	if q.cache == nil {
		q.cache = s.m.Decoder.NewCache(s.options)
	}
	if !q.cache.Truncate(n) {
		n = 0
		q.cache.Truncate(0)
	}
	q.ids = q.ids[:n]
}

// put computes the tokens of the batch, which go on with the sequences, and returns the logits after the last of each, valid
// until the next call.
func (s *Session) put(seqs []*sequence) tensor.Tensor {
	s.ws.Reset()
	s.caches = s.caches[:0]
	for i, q := range seqs {
		s.caches = append(s.caches, q.cache)
		q.ids = append(q.ids, s.batch[i]...)
	}
	return s.m.Decoder.Continue(&s.ws, s.caches, s.batch, false)
}

// prefill makes ids the sequence and sets the logits, valid until more is computed. It returns how many of the tokens were in the
// cache. ids may share memory with q.ids as far as they are the same.
func (s *Session) prefill(ctx context.Context, q *sequence, ids []int32, reserve int,
	progress func(done, total int)) (known int, err error) {
	same := 0
	for same < min(len(q.ids), len(ids)-1) && q.ids[same] == ids[same] {
		same++
	}
	if same < len(q.ids) || q.cache == nil {
		s.keep(q, same)
	}
	// To grow by one is what keys do that stay although frequencies change; of a prompt, they would have been others.
	if len(q.ids) > 0 && !(q.cache.Grows(len(ids)) && q.cache.Grows(max(len(ids), len(q.ids)+2))) {
		s.keep(q, 0)
	}
	if len(q.ids) == 0 {
		q.cache.Expect(len(ids))
	}
	q.cache.Reserve(reserve)
	q.ids = slices.Grow(q.ids, reserve-len(q.ids))
	known = len(q.ids)
	if progress != nil {
		progress(len(q.ids), len(ids))
	}
	for len(q.ids) < len(ids) {
		if err := ctx.Err(); err != nil {
			return known, err
		}
		done := len(q.ids)
		n := min(s.options.Chunk, len(ids)-done)
		s.batch = append(s.batch[:0], ids[done:done+n])
		q.logits = s.put([]*sequence{q}).Row(0)
		if progress != nil {
			progress(len(q.ids), len(ids))
		}
	}
	return known, nil
}

// copy makes a sequence the same as another, with memory for n tokens.
func (s *Session) copy(q, from *sequence, n int) {
	if q.cache == nil {
		q.cache = s.m.Decoder.NewCache(s.options)
		q.cache.Reserve(n)
	}
	q.cache.CopyFrom(from.cache)
	q.ids = append(slices.Grow(q.ids[:0], n), from.ids...)
	q.logits = from.logits
}

// step computes the tokens that were chosen for the sequences, all together, and sets the logits after them.
func (s *Session) step(ctx context.Context, seqs []*sequence) error {
	s.together = s.together[:0]
	for _, q := range seqs {
		if q.cache.Grows(len(q.ids) + 1) {
			s.together = append(s.together, q)
			continue
		}
		all := append(slices.Clone(q.ids), q.next[0])
		s.keep(q, 0)
		if _, err := s.prefill(ctx, q, all, len(all), nil); err != nil {
			return err
		}
		q.room = append(q.room[:0], q.logits...)
		q.logits = q.room
	}
	if len(s.together) == 0 {
		return nil
	}
	s.batch = s.batch[:0]
	for _, q := range s.together {
		s.batch = append(s.batch, q.next[:])
	}
	logits := s.put(s.together)
	for i, q := range s.together {
		q.logits = logits.Row(i)
	}
	return nil
}

// checkIDs returns an error if the ids are no prompt for the model.
func (m *Model) checkIDs(ids []int32) error {
	if len(ids) == 0 {
		return errors.New("the prompt has no tokens; a model that puts none before a text needs a text to go on with")
	}
	vocab := m.Decoder.Limits().Vocab
	for i, id := range ids {
		if id < 0 || int(id) >= vocab {
			return fmt.Errorf("token %d of the prompt has the id %d; the vocabulary has %d tokens", i, id, vocab)
		}
	}
	return nil
}
