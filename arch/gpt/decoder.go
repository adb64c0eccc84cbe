package gpt

import (
	"errors"
	"fmt"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/tensor"
)

// defaultChunk is how many tokens are appended to a cache at once, unless its options say otherwise.
const defaultChunk = 512

// A cache holds the keys and values of a sequence, and remembers by which frequencies the keys were rotated.
type cache struct {
	layers   []*kernels.KV // all that have a window have the same
	windows  []*kernels.KV // those of them
	ropes    []*rope
	chunk    int
	expected int // the length that the sequence will have at least
	span     int // the length that the frequencies of the last tokens followed
	start    int // and those of the first
}

// NewCache implements [arch.Decoder].
func (m *CausalLM) NewCache(o arch.CacheOptions) arch.Cache { return m.newCache(o) }

func (m *CausalLM) newCache(o arch.CacheOptions) *cache {
	typ, chunk := storage(o)
	c := &cache{ropes: m.c.Ropes, chunk: chunk}
	for _, l := range m.c.LayerSpecs {
		kv := m.x.NewKV(m.c.KVHeads, m.c.HeadDim, typ, l.Window)
		c.layers = append(c.layers, kv)
		if l.Window > 0 {
			c.windows = append(c.windows, kv)
		}
	}
	return c
}

// CacheBytes implements [arch.Decoder].
func (m *CausalLM) CacheBytes(o arch.CacheOptions, tokens int) int { return m.c.cacheBytes(o, tokens) }

func (c *config) cacheBytes(o arch.CacheOptions, tokens int) int {
	typ, chunk := storage(o)
	n := 0
	for _, l := range c.LayerSpecs {
		n += kernels.KVBytes(c.KVHeads, c.HeadDim, typ, l.Window, tokens, chunk)
	}
	return n
}

// A CacheSize is what the keys and values of a sequence take, known from config.json alone.
type CacheSize struct {
	Token   int // bytes of a token in all layers; of those with a sliding window as long as it sees the token
	Context int // tokens of the longest sequence that config.json, or else the default of the model's type, speaks of

	c *config
	o arch.CacheOptions
}

// ReadCacheSize returns what the cache of a decoder takes. It is an error if the model is none of this package's, or config.json
// is not right.
func ReadCacheSize(ac *arch.Config, o arch.CacheOptions) (CacheSize, error) {
	f, class := families[ac.ModelType], ac.Class()
	if f == nil || !strings.HasSuffix(class, "ForCausalLM") && !strings.HasSuffix(class, "LMHeadModel") {
		return CacheSize{}, fmt.Errorf("%s of type %s is no decoder that generates text", class, ac.ModelType)
	}
	c, err := readConfig(ac, f)
	if err != nil {
		return CacheSize{}, err
	}
	if !c.Causal {
		return CacheSize{}, errors.New("the model cannot generate: its tokens see those after them")
	}
	typ, _ := storage(o)
	const many = 1 << 20 // tokens that fill their last page
	all := kernels.KVBytes(c.KVHeads, c.HeadDim, typ, 0, many, 1)
	return CacheSize{Token: c.Layers * (all / many), Context: c.MaxPositions, c: c, o: o}, nil
}

// Bytes returns what a sequence of that many tokens takes: whole pages of 512 tokens in each layer, and of a window no more than
// it needs.
func (s CacheSize) Bytes(tokens int) int { return s.c.cacheBytes(s.o, tokens) }

// storage returns what the options say, in the terms of kernels.
func storage(o arch.CacheOptions) (typ kernels.KVType, chunk int) {
	if o.BFloat16 {
		typ = kernels.KVBFloat16
	}
	if chunk = o.Chunk; chunk == 0 {
		chunk = defaultChunk
	}
	return typ, chunk
}

// Len implements [arch.Cache].
func (c *cache) Len() int { return c.layers[0].Len() }

// Bytes implements [arch.Cache].
func (c *cache) Bytes() int {
	n := 0
	for _, kv := range c.layers {
		n += kv.Bytes()
	}
	return n
}

// Reserve implements [arch.Cache].
func (c *cache) Reserve(tokens int) { kernels.ReserveKVs(c.layers, tokens, c.chunk) }

// Truncate implements [arch.Cache].
func (c *cache) Truncate(n int) bool {
	for _, kv := range c.windows { // either all can, or the first cannot
		if !kv.Truncate(n) {
			return false
		}
	}
	for _, kv := range c.layers {
		kv.Truncate(n)
	}
	if n == 0 {
		c.expected, c.span, c.start = 0, 0, 0
	}
	return true
}

// CopyFrom implements [arch.Cache].
func (c *cache) CopyFrom(src arch.Cache) {
	from := src.(*cache)
	for i, kv := range c.layers {
		kv.CopyFrom(from.layers[i])
	}
	c.expected, c.span, c.start = from.expected, from.span, from.start
}

// Expect implements [arch.Cache].
func (c *cache) Expect(n int) {
	if c.Len() > 0 {
		panic(fmt.Sprintf("gpt: Expect(%d) of a cache that has %d tokens", n, c.Len()))
	}
	c.expected = n
}

// Grows implements [arch.Cache].
func (c *cache) Grows(n int) bool { return c.grows(c.Len(), n) }

// grows is Grows with another length than that of this sequence.
func (c *cache) grows(from, to int) bool {
	for _, r := range c.ropes {
		if c.Len() > 0 && !r.grows(c.start, c.span, from, to) {
			return false
		}
	}
	return true
}

// follow tells that the frequencies of the next tokens follow a length.
func (c *cache) follow(span int) {
	if c.span = span; c.Len() == 0 {
		c.start = span
	}
}

// Continue implements [arch.Decoder].
func (m *CausalLM) Continue(ws *tensor.Workspace, caches []arch.Cache, ids [][]int32, all bool) tensor.Tensor {
	if len(caches) != len(ids) {
		panic(fmt.Sprintf("gpt: Continue: %d caches, but ids of %d sequences", len(caches), len(ids)))
	}
	p := m.begin()
	defer m.end(p)
	n := 0
	p.starts, p.spans = ws.Int32(len(ids)+1), ws.Int32(len(ids))
	p.starts[0] = 0
	for s, more := range ids {
		c := caches[s].(*cache)
		if len(more) == 0 || len(more) > c.chunk {
			panic(fmt.Sprintf("gpt: Continue: %d tokens for sequence %d; want 1 to %d", len(more), s, c.chunk))
		}
		n += len(more)
		c.Reserve(c.Len() + len(more))
		c.follow(max(c.expected, c.Len()+len(more)))
		p.caches, p.spans[s], p.starts[s+1] = append(p.caches, c), int32(c.span), int32(n)
	}
	p.ids, p.positions, p.last = ws.Int32(n), ws.Int32(n), !all
	for s, more := range ids {
		first := p.starts[s]
		copy(p.ids[first:], more)
		for i := range more {
			p.positions[first+int32(i)] = int32(p.caches[s].Len() + i)
		}
	}
	return m.logits(ws, m.run(ws, p, nil))
}

// EndIDs implements [arch.Decoder].
func (m *CausalLM) EndIDs() []int32 { return m.c.EOS }

// PadID implements [arch.Decoder].
func (m *CausalLM) PadID() int32 { return m.c.Pad }
