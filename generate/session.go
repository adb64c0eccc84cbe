package generate

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// context returns the length of the longest sequence.
func (m *Model) context() int {
	lim := m.Decoder.Limits()
	n := min(lim.MaxTokens, lim.Positions)
	if m.Context > 0 {
		n = min(n, m.Context)
	}
	return n
}

// defaultChunk is how many tokens of a prompt are computed at once.
const defaultChunk = 512

// A Session continues sequences one after the other, and keeps the keys and values of the last: of a prompt that begins with the
// same tokens only the rest is computed. The tokens that come out are the same as without. A Session is for one goroutine at a
// time.
type Session struct {
	m       *Model
	options arch.CacheOptions
	cache   arch.Cache
	ids     []int32 // of the tokens in the cache
	reused  int     // tokens of the last prompt that were in the cache

	ws      tensor.Workspace
	caches  [1]arch.Cache
	batch   [1][]int32
	next    [1]int32
	first   []float32 // logits after the prompt
	probs   []float32
	values  []float32
	order   []int32
	top     []Candidate
	sampler Sampler
	stop    stopper
	piece   []byte // of the text
	texts   textMaker
	running bool
}

// NewSession returns a Session that has seen nothing.
func NewSession(m *Model, o arch.CacheOptions) *Session {
	if o.Chunk <= 0 {
		o.Chunk = defaultChunk
	}
	return &Session{m: m, options: o}
}

// Len returns the number of tokens that the session knows.
func (s *Session) Len() int { return len(s.ids) }

// IDs returns a copy of the tokens that the session knows: the last prompt and what followed, but for the last token.
func (s *Session) IDs() []int32 { return append([]int32(nil), s.ids...) }

// Reused returns how many tokens of the last prompt did not have to be computed.
func (s *Session) Reused() int { return s.reused }

// Bytes returns how much memory keys and values take.
func (s *Session) Bytes() int {
	if s.cache == nil {
		return 0
	}
	return s.cache.Bytes()
}

// Reset forgets all tokens and gives their memory back.
func (s *Session) Reset() { s.cache, s.ids = nil, s.ids[:0] }

// A MemoryError says that keys and values would take more memory than was allowed.
type MemoryError struct {
	Need, Limit int // bytes
	Tokens      int // of the sequence, with those that may follow
}

// Error implements error.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("the keys and values of %d tokens take %s; the limit is %s: ask for fewer new tokens, or keep them as bfloat16",
		e.Tokens, size(e.Need), size(e.Limit))
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

// keep leaves the first n tokens, or none if the cache cannot.
func (s *Session) keep(n int) {
	if s.cache == nil {
		s.cache = s.m.Decoder.NewCache(s.options)
	}
	if !s.cache.Truncate(n) {
		n = 0
		s.cache.Truncate(0)
	}
	s.ids = s.ids[:n]
}

// put computes more tokens and returns the logits after the last, valid until the next call.
func (s *Session) put(ids []int32) []float32 {
	s.ws.Reset()
	s.caches[0], s.batch[0] = s.cache, ids
	t := s.m.Decoder.Continue(&s.ws, s.caches[:], s.batch[:], false)
	s.ids = append(s.ids, ids...)
	return t.Row(0)
}

// prefill makes ids the sequence and returns the logits after the last, valid until more is computed. ids may share memory with
// s.ids as far as they are the same.
func (s *Session) prefill(ctx context.Context, ids []int32, reserve int, progress func(done, total int)) ([]float32, error) {
	same := 0
	for same < min(len(s.ids), len(ids)-1) && s.ids[same] == ids[same] {
		same++
	}
	if same < len(s.ids) || s.cache == nil {
		s.keep(same)
	}
	if len(s.ids) > 0 && !s.cache.Grows(len(ids)) {
		s.keep(0)
	}
	if len(s.ids) == 0 {
		s.cache.Expect(len(ids))
	}
	s.cache.Reserve(reserve)
	s.ids = slices.Grow(s.ids, reserve-len(s.ids))
	s.reused = len(s.ids)
	if progress != nil {
		progress(len(s.ids), len(ids))
	}
	var logits []float32
	for len(s.ids) < len(ids) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		done := len(s.ids)
		n := min(s.options.Chunk, len(ids)-done)
		logits = s.put(ids[done : done+n])
		if progress != nil {
			progress(len(s.ids), len(ids))
		}
	}
	return logits, nil
}

// more computes one more token.
func (s *Session) more(ctx context.Context, id int32) ([]float32, error) {
	if !s.cache.Grows(len(s.ids) + 1) {
		all := append(append([]int32(nil), s.ids...), id)
		s.keep(0)
		return s.prefill(ctx, all, len(all), nil)
	}
	s.next[0] = id
	return s.put(s.next[:]), nil
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
