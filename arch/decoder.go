package arch

import "github.com/godwit-ml/godwit/tensor"

// A Decoder is a text model whose tokens see only those before them, and that predicts the next one.
type Decoder interface {
	TextEncoder
	// NewCache returns the memory of a new sequence.
	NewCache(o CacheOptions) Cache
	// CacheBytes returns how much memory the cache of a sequence of that many tokens takes.
	CacheBytes(o CacheOptions, tokens int) int
	// Continue appends ids[i] to the sequence of caches[i], and returns the logits after the last of them, [sequences,
	// vocabulary], or with all after each of them, [tokens, vocabulary]. They are valid until the Workspace is reset. No
	// ids[i] is empty or longer than the chunk of its cache, and no cache comes twice. The bits of the logits do not depend on how
	// a sequence was divided into calls, nor on the sequences beside it. It allocates nothing that the Workspace and reserved caches
	// have room for.
	Continue(ws *tensor.Workspace, caches []Cache, ids [][]int32, all bool) tensor.Tensor
	// EndIDs returns the ids that config.json calls eos_token_id, and PadID its pad_token_id, or -1.
	EndIDs() []int32
	PadID() int32
}

// CacheOptions choose how a Cache holds the keys and values of a sequence.
type CacheOptions struct {
	// BFloat16 rounds them to 16 bits, which takes half of the memory.
	BFloat16 bool
	// Chunk is how many tokens are appended at once at most, 0 for 512. Layers with a sliding window keep as many tokens more.
	Chunk int
}

// A Cache is what a Decoder keeps of one sequence: the keys and values of its tokens in each layer. It is used by one
// goroutine at a time.
type Cache interface {
	// Len returns the number of tokens.
	Len() int
	// Bytes returns how much memory the cache holds.
	Bytes() int
	// Reserve takes the memory for that many tokens.
	Reserve(tokens int)
	// Truncate forgets all tokens but the first n. It returns false, and does nothing, if a sliding window has already dropped
	// what others after those would see; nothing is seen by what follows n = 0.
	Truncate(n int) bool
	// CopyFrom makes the sequence a copy of that of src, another cache of the same Decoder with the same options, which stays as
	// it is.
	CopyFrom(src Cache)
	// Expect tells, of an empty cache, that its sequence will have n tokens at least: it is called before a prompt is appended,
	// perhaps in chunks. Rotary embeddings whose frequencies depend on the length take those of n tokens from the first on.
	Expect(n int)
	// Grows tells whether the sequence can grow to n tokens as it is: by one that has been generated, or by more that continue
	// what was kept of another call. It cannot where the frequencies of rotary embeddings change with that length: then the whole
	// sequence has to be computed anew, from an empty cache that expects n.
	Grows(n int) bool
}
