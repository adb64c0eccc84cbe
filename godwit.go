// Package godwit runs transformer models from Hugging Face files on the CPU, in pure Go.
//
//	m, err := godwit.Open("sentence-transformers/all-MiniLM-L6-v2")
//	vecs, err := m.Embed(ctx, []string{"a text", "another"})
//
//	m, err := godwit.Open("HuggingFaceTB/SmolLM2-135M-Instruct")
//	for tok, err := range m.Chat(ctx, []chat.Message{chat.User("Who wrote Faust?")}) {
//		if err != nil {
//			return err
//		}
//		fmt.Print(tok.Text)
//	}
//
// A model is opened by the path of its folder, by a name that is in the local cache of the Hugging Face Hub, or by the
// name of a model inside the binary (import _ "github.com/godwit-ml/godwit/models/minilm"); see package hub. godwit never
// goes to the network.
//
// # Same bits
//
// For the same model and the same text the result is the same to the bit: for any number of threads, any batch, any order of
// the texts, and every processor.
package godwit

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/godwit-ml/godwit/arch"
	_ "github.com/godwit-ml/godwit/arch/bert" // registers its model types
	_ "github.com/godwit-ml/godwit/arch/gpt"  // registers its model types
	_ "github.com/godwit-ml/godwit/arch/vit"  // registers its model types
	"github.com/godwit-ml/godwit/hub"
	"github.com/godwit-ml/godwit/internal/sentence"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A Model is an open model: its weights, its tokenizer, and how they are used together. It is immutable and safe for
// concurrent use by many goroutines, which share its threads; a program opens a model once.
type Model struct {
	net     arch.Model
	exec    *kernels.Exec
	ownExec bool
	pool    tensor.Pool
	info    Info
	text    *textModel  // nil: not a model of texts
	image   *imageModel // nil: not a model of images
	gen     *generator  // nil: does not generate text
}

// An Option changes how a model is opened.
type Option func(*options)

type options struct {
	threads int
	exec    *kernels.Exec
}

// WithThreads sets the number of threads that a call may use, the caller's own included. Below 1 it is the default,
// runtime.GOMAXPROCS, which opening the model uses in any case; more threads than cores make nothing faster.
func WithThreads(n int) Option { return func(o *options) { o.threads = n } }

// WithExec makes the model compute on x, whatever WithThreads and GODWIT_ISA say: several models can share its threads, or
// use an instruction set of one's choice. The caller closes x, after the models.
func WithExec(x *kernels.Exec) Option { return func(o *options) { o.exec = x } }

// Open opens the model of the given name: the path of a folder, a name like org/name of the Hugging Face Hub that is in the
// local cache, or the name of a model inside the binary. If there is none, the error is a [hub.NotFoundError], which says
// which files to fetch from where.
func Open(name string, opts ...Option) (*Model, error) {
	fsys, err := hub.Open(name)
	if err != nil {
		return nil, err
	}
	m, err := OpenFS(fsys, opts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	m.info.Name = name
	return m, nil
}

// OpenFS opens the model whose files are in fsys: config.json, model.safetensors (or shards and their index), the
// tokenizer's files, and those of a sentence-transformers repository. The files can be closed and removed afterwards.
//
// The environment variable GODWIT_ISA chooses the instruction set ([kernels.Default]); one that this machine cannot run is an
// error.
func OpenFS(fsys fs.FS, opts ...Option) (*Model, error) {
	var o options
	for _, f := range opts {
		f(&o)
	}
	base, err := baseFS(fsys)
	if err != nil {
		return nil, err
	}
	config, err := arch.ReadConfig(base)
	if err != nil {
		return nil, err
	}
	weights, err := loader.Open(base)
	if err != nil {
		return nil, err
	}
	defer weights.Close()
	tok := readTokenizer(base) // while the weights are packed
	defer func() { <-tok.done }()
	m := &Model{exec: o.exec, info: newInfo(config, weights)}
	if m.exec == nil {
		set, err := kernels.Default()
		if err != nil {
			return nil, err
		}
		m.exec, m.ownExec = kernels.New(set, o.threads), true
	}
	if m.net, err = arch.New(config, weights, m.exec); err != nil {
		m.Close()
		return nil, err
	}
	m.openText(fsys, base, tok)
	m.openGenerator(config, base)
	if err := m.openImage(config, base); err != nil {
		m.Close()
		return nil, err
	}
	m.info.readCard(fsys)
	return m, nil
}

// baseFS returns the files of the transformer itself, which old sentence-transformers repositories keep in a folder of its
// own.
func baseFS(fsys fs.FS) (fs.FS, error) {
	dir, err := sentence.Base(fsys)
	if err != nil || dir == "." {
		return fsys, err
	}
	return fs.Sub(fsys, dir)
}

// Close stops the model's threads. No call may be under way, and none may follow.
func (m *Model) Close() error {
	if m.ownExec {
		m.exec.Close()
	}
	return nil
}

// Info returns what is known about the model.
func (m *Model) Info() Info {
	info := m.info
	info.Prompts, info.Labels = maps.Clone(info.Prompts), slices.Clone(info.Labels)
	return info
}

// A ForwardOption changes what Forward returns.
type ForwardOption func(*arch.ForwardOptions)

// WithHiddenStates adds hidden_states.N to the outputs, the input of layer N, for each layer: hidden_states.0 is the output
// of the embeddings, and last_hidden_state follows the last.
func WithHiddenStates() ForwardOption { return func(o *arch.ForwardOptions) { o.HiddenStates = true } }

// WithGenerate adds generated_ids to the outputs of a decoder: input_ids, each row continued by its n likeliest next tokens,
// one after the other, and filled with padding once it has ended. Fewer columns are added if all rows end before.
func WithGenerate(n int) ForwardOption { return func(o *arch.ForwardOptions) { o.Generate = n } }

// WithArgument gives a keyword argument of the run by its name in Python, true, false or a float64: interpolate_pos_encoding lets
// many models of images take images of another size. An argument that the model does not know is an error.
func WithArgument(name string, value any) ForwardOption {
	return func(o *arch.ForwardOptions) {
		if o.Args == nil {
			o.Args = make(map[string]any)
		}
		o.Args[name] = value
	}
}

// Forward runs the network on raw tensors and returns, by name, every output that the Hugging Face class of config.json's
// architectures returns (pooler_output, logits, start_logits, ...), and always last_hidden_state.
//
// The inputs are named and shaped as in Python: input_ids [sequences, tokens] of integers, and, optional, attention_mask,
// token_type_ids and position_ids; pixel_values [images, channels, height, width]. Where the mask is 0, the outputs of a token
// are 0. Inputs that do not fit the model are an error. The result is the caller's. ctx is looked at before the network runs,
// which is one piece of work, and between the tokens of WithGenerate.
func (m *Model) Forward(ctx context.Context, inputs map[string]tensor.Tensor, opts ...ForwardOption) (map[string]tensor.Tensor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	outputs, err := m.forward(ctx, inputs, opts)
	if err != nil {
		return nil, fmt.Errorf("godwit: %w", err)
	}
	return outputs, nil
}

// forward is Forward, whose errors do not name the package.
func (m *Model) forward(ctx context.Context, inputs map[string]tensor.Tensor, opts []ForwardOption) (map[string]tensor.Tensor, error) {
	o := arch.ForwardOptions{Err: ctx.Err}
	for _, f := range opts {
		f(&o)
	}
	if _, ok := m.net.(arch.Decoder); o.Generate > 0 && !ok {
		return nil, m.errNotGenerating()
	}
	ws := m.pool.Get()
	defer m.pool.Put(ws)
	return m.net.Forward(ws, inputs, o)
}
