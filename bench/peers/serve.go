package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/godwit-ml/godwit/arch"
	_ "github.com/godwit-ml/godwit/arch/bert" // registers its model types
	_ "github.com/godwit-ml/godwit/arch/gpt"  // registers its model types
	_ "github.com/godwit-ml/godwit/arch/vit"  // registers its model types
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
	"github.com/godwit-ml/godwit/tokenizer"
)

// A job is one repetition of a cell. It returns the last row of what it computed.
type job func() (last any)

// serveGodwit is the godwit engine: it speaks the line protocol on standard input and output. model may be "", for kernels.
func serveGodwit(model string, threads int) error {
	if _, err := kernels.Default(); err != nil {
		return err
	}
	x := kernels.New(nil, threads)
	defer x.Close()
	var m arch.Model
	if model != "" {
		var err error
		if m, err = open(model, x); err != nil {
			return err
		}
	}
	return speak(func(c cell) (job, error) {
		switch c.kind {
		case "gemm":
			return gemmJob(x, c.dims[0], c.dims[1], c.dims[2]), nil
		case "attention":
			return attentionJob(x, c.dims[0], c.dims[1]), nil
		}
		switch m := m.(type) {
		case arch.Decoder:
			return decoderJob(x, m, c), nil
		case arch.TextEncoder:
			return encoderJob(m, c.dims[0], c.dims[1])
		case arch.ImageEncoder:
			return imageJob(m, c.dims[0]), nil
		}
		return nil, fmt.Errorf("%s computes nothing like %s", model, c.kind)
	}, nil)
}

// open loads a model.
func open(model string, x *kernels.Exec) (arch.Model, error) {
	fsys := os.DirFS(model)
	config, err := arch.ReadConfig(fsys)
	if err != nil {
		return nil, err
	}
	weights, err := loader.Open(fsys)
	if err != nil {
		return nil, err
	}
	defer weights.Close()
	return arch.New(config, weights, x)
}

func encoderJob(encoder arch.TextEncoder, batch, seq int) (job, error) {
	var b arch.Batch
	for row := range batch {
		b.Append(ids(row, seq, encoder.Limits().Vocab), nil, encoder.Limits().Rule)
	}
	if err := encoder.Limits().Check(&b); err != nil {
		return nil, err
	}
	var ws tensor.Workspace
	return func() any {
		ws.Reset()
		out := encoder.Encode(&ws, &b)
		return out.Row(out.NumRows() - 1)
	}, nil
}

func imageJob(m arch.ImageEncoder, batch int) job {
	lim := m.ImageLimits()
	pixels := tensor.FromFloat32(numbers(batch*lim.Channels*lim.Height*lim.Width, 0), batch, lim.Channels, lim.Height, lim.Width)
	var ws tensor.Workspace
	return func() any {
		ws.Reset()
		out := m.EncodeImages(&ws, pixels).Tokens
		return out.Row(out.NumRows() - 1)
	}
}

// prefillChunk is how many tokens of a prompt are computed at once.
const prefillChunk = 512

// decoderJob is a prompt, or some tokens one by one after a prompt.
func decoderJob(x *kernels.Exec, m arch.Decoder, c cell) job {
	prompt, more := c.dims[0], 0
	if c.kind == "decode" {
		more = c.dims[1]
	}
	cache := m.NewCache(arch.CacheOptions{Chunk: prefillChunk})
	cache.Reserve(prompt + more)
	all := ids(0, prompt+more, m.Limits().Vocab)
	var ws tensor.Workspace
	caches, next := []arch.Cache{cache}, make([][]int32, 1)
	fill := func() (logits tensor.Tensor) {
		cache.Truncate(0)
		for chunk := range slices.Chunk(all[:prompt], prefillChunk) {
			next[0] = chunk
			ws.Reset()
			logits = m.Continue(&ws, caches, next, false)
		}
		return logits
	}
	if c.kind == "prefill" {
		return func() any { return fill().Data }
	}
	fill()
	return func() any {
		var logits tensor.Tensor
		cache.Truncate(prompt)
		for i := range more {
			next[0] = all[prompt+i:][:1]
			ws.Reset()
			logits = m.Continue(&ws, caches, next, false)
			x.Argmax(logits.Data)
		}
		return logits.Data
	}
}

func gemmJob(x *kernels.Exec, m, k, n int) job {
	a, b, c := numbers(m*k, 0), numbers(k*n, 1), make([]float32, m*n)
	packed := x.Pack(k, n, func(j int, dst []float32) {
		for i := range dst {
			dst[i] = b[i*n+j]
		}
	})
	return func() any {
		x.Gemm(c, n, a, k, m, packed, kernels.Epilogue{})
		return c[(m-1)*n:]
	}
}

func attentionJob(x *kernels.Exec, seq, headDim int) job {
	width := attentionHeads * headDim
	q, k, v := numbers(seq*width, 0), numbers(seq*width, 1), numbers(seq*width, 2)
	out, starts := make([]float32, seq*width), []int32{0, int32(seq)}
	p := kernels.Attn{Heads: attentionHeads, KVHeads: attentionHeads, HeadDim: headDim, Scale: 0.125}
	return func() any {
		x.Attention(out, width, q, width, k, v, width, starts, &p)
		return out[(seq-1)*width:]
	}
}

// limit is the name of the engine that computes nothing: it measures how fast the machine could be.
const limit = "limit"

// limitFlops is what a repetition of the limit counts for.
const limitFlops = 1e9

// limitBytes is the most that the limit's engine reads for a measurement of bandwidth: more than any cache holds.
const limitBytes = 256 << 20

// serveLimit is the engine that measures the limit: the peak of fused multiply-adds, or for products of few rows and decoders
// what the cache or memory that holds the weights allows, if that is less. It says how long limitFlops take at that rate.
func (o *options) serveLimit() error {
	x := kernels.New(nil, o.threads[0])
	defer x.Close()
	rate := x.PeakFMA
	return speak(func(c cell) (job, error) {
		rate = x.PeakFMA
		if c.kind == "gemm" && c.dims[0] < 16 || c.kind == "decode" {
			flops, bytes, err := o.cost(c)
			if err != nil {
				return nil, err
			}
			weights := numbers(int(min(bytes, limitBytes))/4, 1)
			rate = func() float64 { return min(x.PeakFMA(), x.ReadBandwidth(weights)*flops/bytes) }
		}
		return func() any { return []float32{} }, nil
	}, func() int64 { return int64(limitFlops / rate() * 1e9) })
}

// serveTokenizer is the godwit engine for texts: their ids.
func serveTokenizer(model, file string) error {
	texts, err := paragraphs(file)
	if err != nil {
		return err
	}
	t, err := tokenizer.Load(os.DirFS(model))
	if err != nil {
		return err
	}
	var ids []int32
	run := func() any {
		ids = ids[:0]
		for _, s := range texts {
			if ids, err = t.AppendIDs(ids, s, 0); err != nil {
				panic(err) // no text is too long
			}
		}
		return ids
	}
	return speak(func(cell) (job, error) { return run, nil }, nil)
}

// paragraphs returns the parts of a text file between blank lines: as paragraphs in py/serve_tokenizers.py.
func paragraphs(file string) ([]string, error) {
	data, err := os.ReadFile(file)
	return strings.Split(strings.TrimSpace(string(data)), "\n\n"), err
}

// speak speaks the line protocol on standard input and output: see py/peer.py. set makes ready for a cell. The time of a
// repetition in nanoseconds is what it takes, or what measure returns if that is not nil.
func speak(set func(cell) (job, error), measure func() int64) error {
	var run job
	var last any
	if measure == nil {
		measure = func() int64 {
			begun := time.Now()
			last = run()
			return time.Since(begun).Nanoseconds()
		}
	}
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) > 1 && words[0] == "cell":
			c := cell{kind: words[1]}
			for _, w := range words[2:] {
				n, err := strconv.Atoi(w)
				if err != nil {
					return err
				}
				c.dims = append(c.dims, n)
			}
			var err error
			if run, err = set(c); err != nil {
				return err
			}
			last = run()
			fmt.Println("ready")
		case len(words) == 1 && words[0] == "check":
			fmt.Println("out", strings.Trim(fmt.Sprint(last), "[]"))
		case len(words) == 2 && words[0] == "run":
			n, err := strconv.Atoi(words[1])
			if err != nil {
				return err
			}
			ns := make([]int64, n)
			for i := range ns {
				ns[i] = measure()
			}
			fmt.Println("ns", strings.Trim(fmt.Sprint(ns), "[]"))
		}
	}
	return nil
}

// ids returns the token ids of one row: the same formula as token_ids in py/peer.py.
func ids(row, seq, vocab int) []int32 {
	low := vocab / 10
	v := make([]int32, seq)
	for i := range v {
		v[i] = int32(low + (row*seq+i)*7919%(vocab-low))
	}
	return v
}

// numbers returns operand number i of a kernel, n numbers in [-1, 1]: the same formula as numbers in py/peer.py.
func numbers(n, i int) []float32 {
	v := make([]float32, n)
	for j := range v {
		v[j] = float32((j+i)*7919%2003-1001) / 1001
	}
	return v
}
