package kernels

import (
	"log/slog"

	"github.com/godwit-ml/godwit/internal/parallel"
)

// An Exec executes kernels: one instruction Set and one pool of worker threads. It is safe for concurrent use; callers
// share the threads.
type Exec struct {
	set  *Set
	pool *parallel.Pool
	free parallel.FreeList[scratch]
	// weights is where those that are packed lie.
	weights arena
	// ahead is what threads read ahead while they wait.
	ahead *readAhead
}

// New returns an Exec that uses the given Set (nil: that of [Default], whose error is logged) and that many threads
// (0: runtime.GOMAXPROCS).
func New(set *Set, threads int) *Exec {
	if set == nil {
		var err error
		if set, err = Default(); err != nil {
			slog.Warn("godwit: " + err.Error() + "; using " + set.name)
		}
	}
	return newExec(set, threads)
}

func newExec(set *Set, threads int) *Exec {
	x := &Exec{set: set, pool: parallel.New(threads), ahead: &readAhead{set: set}}
	x.pool.Meanwhile = x.ahead.turn
	x.free.Most = 4 * x.Threads() // a call takes one more than threads
	return x
}

// Set returns the instruction set in use.
func (x *Exec) Set() *Set { return x.set }

// Threads returns the number of threads that a call may use, the caller's own included.
func (x *Exec) Threads() int { return x.pool.Threads() }

// Close stops the worker threads. The Exec must not be used afterwards.
func (x *Exec) Close() { x.pool.Close() }

// A scratch is what one thread needs beside the arguments of a call. An Exec keeps them for its next calls, so that they
// come to rest at the sizes that the calls need, and nothing is allocated any more.
type scratch struct {
	gemm    gemmTask
	precise preciseTask
	attn    attnTask
	rows    sharedRows
	tile    tile
	grid    grid
	kvRows  kvRows
	panels  kvPanels
	begun   []counter // see gemmTask
	copied  int       // the first of the rows of A that are copied for several groups, or -1
	buf     [nBuffers][]float32
}

// The buffers of a scratch.
const (
	bufEdge    = iota // the output of a block of keys
	bufRows           // rows of A, laid out so that they do not compete for the same cache sets
	bufSums           // sums of a product that are not stored yet
	bufWide           // panels of weights of 16 bits, widened
	bufGated          // sums of a gated product: those of gate, and those of up
	bufKeys           // panels of keys
	bufValues         // panels of values
	bufScores         // scores of a block of queries
	bufLanes          // lanes of maxima of a block of queries
	bufState          // maxima and sums of queries
	bufFactors        // what two blocks' results are multiplied by as they are folded
	bufParts          // results of blocks that are folded at the end
	nBuffers
)

// floats returns buffer number i with n elements of any value, 64-byte aligned.
func (s *scratch) floats(i, n int) []float32 {
	if len(s.buf[i]) < n {
		s.buf[i] = aligned(n)
	}
	return s.buf[i][:n]
}

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
