package generate_test

import (
	"fmt"
	"iter"
	"testing"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/generate"
	"github.com/godwit-ml/godwit/tensor"
	"github.com/godwit-ml/godwit/tokenizer"
)

// A fakeDecoder is a decoder whose logits are a hash of the whole sequence.
type fakeDecoder struct {
	vocab   int
	longest int
	window  int // a cache cannot go back by more; 0: it can
	turn    int // sequences longer than that are other ones from the start; 0: none
	dynamic int // keys of longer sequences differ with the length of the prompt; 0: none
	eos     []int32
	pick    func(ids []int32) int32 // the likeliest token after the ids, or nil

	computed int // tokens
	calls    int
	beside   int // sequences of a call at most
	largest  int // piece
}

type fakeCache struct {
	d     *fakeDecoder
	ids   []int32
	hash  []uint64 // after each token
	chunk int
	long  bool
	span  int // expected
}

func (d *fakeDecoder) Forward(*tensor.Workspace, map[string]tensor.Tensor, arch.ForwardOptions) (map[string]tensor.Tensor, error) {
	return nil, fmt.Errorf("not here")
}
func (d *fakeDecoder) Encode(*tensor.Workspace, *arch.Batch) tensor.Tensor { panic("not here") }
func (d *fakeDecoder) Limits() arch.Limits {
	return arch.Limits{Vocab: d.vocab, MaxTokens: d.longest, Positions: d.longest}
}
func (d *fakeDecoder) EndIDs() []int32 { return d.eos }
func (d *fakeDecoder) PadID() int32    { return -1 }
func (d *fakeDecoder) NewCache(o arch.CacheOptions) arch.Cache {
	return &fakeCache{d: d, chunk: o.Chunk}
}
func (d *fakeDecoder) CacheBytes(o arch.CacheOptions, tokens int) int {
	if o.BFloat16 {
		return 512 * tokens
	}
	return 1024 * tokens
}

func (c *fakeCache) Len() int   { return len(c.ids) }
func (c *fakeCache) Bytes() int { return c.d.CacheBytes(arch.CacheOptions{}, cap(c.ids)) }
func (c *fakeCache) Reserve(tokens int) {
	if tokens > cap(c.ids) {
		c.ids = append(make([]int32, 0, tokens), c.ids...)
		c.hash = append(make([]uint64, 0, tokens), c.hash...)
	}
}

func (c *fakeCache) Truncate(n int) bool {
	if w := c.d.window; n > 0 && w > 0 && n < len(c.ids)-w {
		return false
	}
	c.ids, c.hash = c.ids[:n], c.hash[:n]
	if n == 0 {
		c.span = 0
	}
	return true
}

func (c *fakeCache) CopyFrom(src arch.Cache) {
	from := src.(*fakeCache)
	c.Reserve(len(from.ids))
	c.ids, c.hash, c.long, c.span = append(c.ids[:0], from.ids...), append(c.hash[:0], from.hash...), from.long, from.span
}

func (c *fakeCache) Expect(n int) {
	if len(c.ids) > 0 {
		panic("Expect of a cache with tokens")
	}
	c.span = n
}

func (c *fakeCache) Grows(n int) bool {
	if d := c.d.dynamic; d > 0 && len(c.ids) > 0 {
		return max(c.span, n) <= d || n == len(c.ids)+1
	}
	return c.d.turn == 0 || len(c.ids) == 0 || (n > c.d.turn) == c.long
}

func (d *fakeDecoder) Continue(ws *tensor.Workspace, caches []arch.Cache, ids [][]int32, all bool) tensor.Tensor {
	if len(caches) != len(ids) || all && len(ids) > 1 {
		panic(fmt.Sprintf("%d caches, ids of %d sequences", len(caches), len(ids)))
	}
	d.calls++
	d.beside = max(d.beside, len(ids))
	rows := len(ids)
	if all {
		rows = len(ids[0])
	}
	out := ws.Tensor(rows, d.vocab)
	for s, in := range ids {
		d.appendTo(caches[s].(*fakeCache), in, func(i int) []float32 {
			switch {
			case all:
				return out.Row(i)
			case i == len(in)-1:
				return out.Row(s)
			}
			return nil
		})
	}
	return out
}

// appendTo appends tokens to a sequence. row returns where the logits after token i go, or nil.
func (d *fakeDecoder) appendTo(c *fakeCache, in []int32, row func(i int) []float32) {
	if len(in) == 0 || len(in) > c.chunk || len(c.ids)+len(in) > d.longest {
		panic(fmt.Sprintf("a piece of %d tokens after %d; the chunk is %d", len(in), len(c.ids), c.chunk))
	}
	h := uint64(14695981039346656037)
	if len(c.ids) == 0 {
		if c.long = d.turn > 0 && max(len(in), c.span) > d.turn; c.long {
			h++
		}
		if d.dynamic > 0 && c.span > d.dynamic {
			h += uint64(c.span)
		}
	} else if n := len(c.ids) + len(in); n > c.span && !c.Grows(n) {
		panic("the cache does not grow to that length")
	}
	d.computed += len(in)
	d.largest = max(d.largest, len(in))
	for i, id := range in {
		if n := len(c.hash); n > 0 {
			h = c.hash[n-1]
		}
		h = (h ^ uint64(id)) * 1099511628211
		c.ids, c.hash = append(c.ids, id), append(c.hash, h)
		if r := row(i); r != nil {
			d.logits(r, c.ids, h)
		}
	}
}

func (d *fakeDecoder) logits(row []float32, ids []int32, h uint64) {
	for j := range row {
		x := (h + uint64(j)*0x9E3779B97F4A7C15)
		x ^= x >> 31
		x *= 0xBF58476D1CE4E5B9
		x ^= x >> 29
		row[j] = float32(int32(x>>32)) / (1 << 29) // -4 to 4
	}
	if d.pick != nil {
		row[d.pick(ids)] = 20
	}
}

// newModel returns a Model of the decoder, with texts if tok is not nil.
func newModel(t testing.TB, d *fakeDecoder, tok *tokenizer.Tokenizer) *generate.Model {
	return &generate.Model{Decoder: d, Exec: newExec(t), Tokenizer: tok}
}

// generated returns the ids of each sample that a Session generates; an error fails the test.
func generated(t testing.TB, s *generate.Session, prompt []int32, c *generate.Config) [][]int32 {
	t.Helper()
	out := make([][]int32, c.Samples)
	for tok, err := range s.Generate(t.Context(), prompt, c) {
		if err != nil {
			t.Fatal(err)
		}
		out[tok.Sample] = append(out[tok.Sample], tok.ID)
	}
	return out
}

// pull returns a function that makes one token of the session.
func pull(t *testing.T, s *generate.Session, c *generate.Config) (next, stop func()) {
	t.Helper()
	step, stop := iter.Pull2(s.Generate(t.Context(), []int32{1, 2, 3}, c))
	return func() {
		if _, err, ok := step(); err != nil || !ok {
			t.Fatal(err, ok)
		}
	}, stop
}
