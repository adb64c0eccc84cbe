package kernels

// An Exec executes kernels: one instruction Set and one pool of worker threads. It is safe for concurrent use; callers
// share the threads.
type Exec struct {
	set *Set
}

// New returns an Exec that uses the given Set (nil: the best of this machine, or the one that GODWIT_ISA names) and that
// many threads (0: runtime.GOMAXPROCS).
func New(set *Set, threads int) *Exec { panic("not built yet") }

// Set returns the instruction set in use.
func (x *Exec) Set() *Set { return x.set }

// Threads returns the number of threads that a call may use, the caller's own included.
func (x *Exec) Threads() int { panic("not built yet") }

// Close stops the worker threads. The Exec must not be used afterwards.
func (x *Exec) Close() {}

// An Activation is the function that an [Epilogue] applies.
type Activation uint8

// The activations. The comments name Hugging Face's hidden_act values.
const (
	Identity  Activation = iota // no activation
	GELU                        // gelu: x/2·(1+erf(x/√2))
	GELUTanh                    // gelu_new, gelu_pytorch_tanh, gelu_fast: x/2·(1+tanh(√(2/π)·(x+0.044715x³)))
	ReLU                        // relu
	SiLU                        // silu, swish: x·sigmoid(x)
	QuickGELU                   // quick_gelu: x·sigmoid(1.702x)
	Tanh                        // tanh
	Sigmoid                     // sigmoid
)

// Weights is the right-hand matrix B [K, N] of a product, packed into column panels. It is immutable and may be shared.
type Weights struct {
	// K and N are the numbers of rows and columns: input and output features.
	K, N int
}

// Pack packs a matrix B [k, n], given by its columns: column(j, dst) must fill dst (length k) with column j, which for the
// weight [out, in] of a Hugging Face Linear is its row j, converted to float32. It is called from several goroutines.
func (x *Exec) Pack(k, n int, column func(j int, dst []float32)) *Weights { panic("not built yet") }

// An Epilogue is what happens to a product before it is stored, in this order: add Bias, apply Act, add Residual.
type Epilogue struct {
	Bias     []float32  // [N], or nil
	Act      Activation // Identity: none
	Residual []float32  // [M, N] with row stride ResidualStride, or nil; may be the output itself
	// ResidualStride is the distance between rows of Residual.
	ResidualStride int
}

// Gemm computes C = epilogue(A·B): a is [m, K] with row stride lda, c is [m, N] with row stride ldc and must not overlap a.
// One row (m = 1) is a matrix-vector product with the same bits.
func (x *Exec) Gemm(c []float32, ldc int, a []float32, lda, m int, b *Weights, e Epilogue) {
	panic("not built yet")
}

// Attn describes an attention over a packed batch: the sequences' tokens stand one after the other without padding.
type Attn struct {
	// Heads is the number of query heads, KVHeads that of key and value heads (it divides Heads), HeadDim the size of each.
	Heads, KVHeads, HeadDim int
	// Scale multiplies the scores: usually 1/sqrt(HeadDim).
	Scale float32
	// Bias, if not nil, adds to the scaled scores.
	Bias Bias
}

// A Bias adds to attention scores: relative positions, ALiBi.
type Bias interface {
	// AddBias adds to row, the scores of query q of sequence seq in head, over the keys k0, k0+1, ...: row[i] += bias.
	// q and the keys count the tokens of the packed sequence. It is called from several goroutines.
	AddBias(row []float32, seq, head, q, k0 int)
}

// Attention computes softmax(scale·Q·Kᵀ + bias)·V for each head of each sequence. Sequence s is the tokens starts[s] up to
// starts[s+1]. q and out are [tokens, Heads·HeadDim] with row strides ldq and ldo, k and v are [tokens, KVHeads·HeadDim]
// with row stride ldkv; q, k and v may be columns of one matrix, out must not overlap them.
func (x *Exec) Attention(out []float32, ldo int, q []float32, ldq int, k, v []float32, ldkv int, starts []int32, p *Attn) {
	panic("not built yet")
}
