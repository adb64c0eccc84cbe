package arch

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/tensor"
)

// A TextEncoder is a model that turns each token of a text into a vector in view of the whole text.
type TextEncoder interface {
	Model
	// Limits returns what the model can take.
	Limits() Limits
	// Encode returns the last hidden states of a batch that is within the limits: [tokens, hidden size], valid until the
	// Workspace is reset. It allocates nothing else.
	Encode(ws *tensor.Workspace, b *Batch) tensor.Tensor
}

// Limits are the sizes of a text model's tables, and its rule for position ids.
type Limits struct {
	Vocab      int // token ids are below this
	Types      int // so are segment ids; 0: the model has none, and ignores them
	Positions  int // so are position ids
	MaxTokens  int // the longest sequence
	HiddenSize int
	Rule       Positions
	// Pooling is how a text's embedding follows from its tokens where nothing else is said: "lasttoken" for a model whose tokens
	// see only those before them, or "", which is "mean".
	Pooling string
	// KeepHidden keeps the tokens that the mask hides in the batch, marked: they see the others, and are not seen.
	KeepHidden bool
}

// A Sink collects the outputs of a packed batch, spread to the padded shape of its inputs.
type Sink struct {
	// HiddenStates tells that hidden_states.N are wanted.
	HiddenStates bool

	rows    int     // of the padded batch
	cols    int     // length of the padded sequences
	ids     []int32 // of the padded batch
	place   []int32 // for each token, its place in the padded batch
	outputs map[string]tensor.Tensor
}

// Tokens adds an output with a row for each token: [tokens, n] becomes [rows, cols, n], with zeros where the mask is 0. It
// copies t.
func (s *Sink) Tokens(name string, t tensor.Tensor) {
	n := t.Cols()
	out := tensor.New(s.rows, s.cols, n)
	for i, p := range s.place {
		copy(out.Row(int(p)), t.Row(i))
	}
	s.outputs[name] = out
}

// TokenColumn adds an output with a number for each token: column c of t [tokens, n] becomes [rows, cols].
func (s *Sink) TokenColumn(name string, t tensor.Tensor, c int) {
	out := tensor.New(s.rows, s.cols)
	for i, p := range s.place {
		out.Data[p] = t.Row(i)[c]
	}
	s.outputs[name] = out
}

// Sequences adds an output with a row for each sequence, [sequences, n]. It copies t.
func (s *Sink) Sequences(name string, t tensor.Tensor) {
	s.outputs[name] = tensor.FromFloat32(slices.Clone(t.Data), s.rows, t.Cols())
}

// Continued adds an output of ids: input_ids, and after each row what was added to it, as much to each.
func (s *Sink) Continued(name string, added [][]int32) {
	n := s.cols + len(added[0])
	ids := make([]int64, 0, s.rows*n)
	for r := range s.rows {
		for _, id := range s.ids[r*s.cols:][:s.cols] {
			ids = append(ids, int64(id))
		}
		for _, id := range added[r] {
			ids = append(ids, int64(id))
		}
	}
	s.outputs[name] = tensor.FromInt64(ids, s.rows, n)
}

// ForwardText runs a text model on padded inputs:
//
//   - input_ids [rows, cols], any integer type;
//   - attention_mask [rows, cols], optional: tokens where it is 0 take no part, wherever they stand, and their outputs are 0;
//   - token_type_ids [rows, cols], optional, default 0;
//   - position_ids [rows, cols] or [1, cols], optional, default by the model's rule.
//
// A model that pools the first token takes the first that takes part, and zeros for a sequence without any. run is the model:
// it gets the packed batch, and gives its outputs to the Sink.
func ForwardText(inputs map[string]tensor.Tensor, opts ForwardOptions, lim Limits, run func(b *Batch, out *Sink)) (map[string]tensor.Tensor, error) {
	if err := opts.CheckArgs(); err != nil {
		return nil, err
	}
	p, err := readPadded(inputs)
	if err != nil {
		return nil, err
	}
	b, place, err := p.pack(lim)
	if err != nil {
		return nil, err
	}
	out := &Sink{HiddenStates: opts.HiddenStates, rows: p.rows, cols: p.cols, ids: p.ids, place: place, outputs: make(map[string]tensor.Tensor)}
	run(b, out)
	return out.outputs, nil
}

// padded are the inputs of a text model as Python has them. mask, types and positions may be nil.
type padded struct {
	rows, cols                  int
	ids, mask, types, positions []int32
}

// textInputs are the names that ForwardText knows.
var textInputs = []string{"input_ids", "attention_mask", "token_type_ids", "position_ids"}

func readPadded(inputs map[string]tensor.Tensor) (*padded, error) {
	for name := range inputs {
		if !slices.Contains(textInputs, name) {
			return nil, fmt.Errorf("input %q is not known; a text model takes %s", name, strings.Join(textInputs, ", "))
		}
	}
	t, ok := inputs["input_ids"]
	if !ok {
		return nil, fmt.Errorf("input_ids is missing")
	}
	if len(t.Shape) != 2 {
		return nil, fmt.Errorf("input_ids has shape %v; want [sequences, tokens]", t.Shape)
	}
	p := &padded{rows: t.Shape[0], cols: t.Shape[1]}
	if t.Len() == 0 {
		return nil, fmt.Errorf("input_ids has shape %v: there is nothing to do", t.Shape)
	}
	for _, in := range []struct {
		name string
		dst  *[]int32
	}{{"input_ids", &p.ids}, {"attention_mask", &p.mask}, {"token_type_ids", &p.types}, {"position_ids", &p.positions}} {
		t, ok := inputs[in.name]
		if !ok {
			continue
		}
		v, err := integers(t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
		switch {
		case slices.Equal(t.Shape, []int{p.rows, p.cols}):
		case in.name == "position_ids" && slices.Equal(t.Shape, []int{1, p.cols}):
			v = slices.Repeat(v, p.rows)
		default:
			return nil, fmt.Errorf("%s has shape %v; input_ids has %v", in.name, t.Shape, []int{p.rows, p.cols})
		}
		*in.dst = v
	}
	return p, nil
}

// integers converts a tensor of integers, or of floats with integer values, to int32.
func integers(t tensor.Tensor) ([]int32, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	fail := func(i int, v any) error {
		return fmt.Errorf("element %d is %v, which is not an integer of 32 bits", i, v)
	}
	out := make([]int32, t.Len())
	if t.DType == tensor.F32 {
		for i, v := range t.Data {
			if !(v >= -1<<31 && v < 1<<31) || v != float32(int32(v)) {
				return nil, fail(i, v)
			}
			out[i] = int32(v)
		}
		return out, nil
	}
	for i := range out {
		switch t.DType {
		case tensor.Bool, tensor.U8:
			out[i] = int32(t.Raw[i])
		case tensor.I8:
			out[i] = int32(int8(t.Raw[i]))
		case tensor.I16:
			out[i] = int32(int16(binary.LittleEndian.Uint16(t.Raw[2*i:])))
		case tensor.U16:
			out[i] = int32(binary.LittleEndian.Uint16(t.Raw[2*i:]))
		case tensor.I32:
			out[i] = int32(binary.LittleEndian.Uint32(t.Raw[4*i:]))
		case tensor.I64:
			v := int64(binary.LittleEndian.Uint64(t.Raw[8*i:]))
			if v < math.MinInt32 || v > math.MaxInt32 {
				return nil, fail(i, v)
			}
			out[i] = int32(v)
		default:
			return nil, fmt.Errorf("type %v; want integers (I64)", t.DType)
		}
	}
	return out, nil
}

// pack drops what the mask hides, and checks ids against the limits. place holds, for each token, its place in the padded
// batch.
func (p *padded) pack(lim Limits) (b *Batch, place []int32, err error) {
	counted := p.positions == nil && lim.Rule.FromMask
	if p.positions == nil && !counted {
		for r := range p.rows {
			p.positions = lim.Rule.Append(p.positions, p.ids[r*p.cols:(r+1)*p.cols])
		}
	}
	b = &Batch{Starts: []int32{0}}
	for _, pos := range p.positions {
		b.Span = max(b.Span, int(pos)+1)
	}
	holes := false
	for r := range p.rows {
		last, next := -1, int32(0)
		for c := range p.cols {
			i := r*p.cols + c
			hidden := p.mask != nil && p.mask[i] == 0
			if hidden && !lim.KeepHidden {
				continue
			}
			if hidden && b.Hidden == nil {
				b.Hidden = make([]bool, len(p.ids))
			}
			if hidden {
				b.Hidden[len(b.IDs)] = true
			}
			holes = holes || last >= 0 && c != last+1
			last = c
			b.IDs = append(b.IDs, p.ids[i])
			if counted {
				b.Positions = append(b.Positions, next)
				next++
			} else {
				b.Positions = append(b.Positions, p.positions[i])
			}
			if p.types != nil && lim.Types > 0 {
				b.TypeIDs = append(b.TypeIDs, p.types[i])
			} else {
				b.TypeIDs = append(b.TypeIDs, 0)
			}
			b.Index = append(b.Index, int32(c))
			place = append(place, int32(i))
		}
		b.Starts = append(b.Starts, int32(len(b.IDs)))
	}
	if !holes {
		b.Index = nil
	}
	return b, place, lim.Check(b)
}

// Check returns an error if an id of the batch is outside the model's tables.
func (lim Limits) Check(b *Batch) error {
	for s := range b.Len() {
		if n := int(b.Starts[s+1] - b.Starts[s]); n > lim.MaxTokens {
			return fmt.Errorf("sequence %d has %d tokens; the model takes at most %d", s, n, lim.MaxTokens)
		}
	}
	for i, id := range b.IDs {
		switch {
		case id < 0 || int(id) >= lim.Vocab:
			return fmt.Errorf("input_ids holds %d; the vocabulary has %d tokens", id, lim.Vocab)
		case lim.Types > 0 && (b.TypeIDs[i] < 0 || int(b.TypeIDs[i]) >= lim.Types):
			return fmt.Errorf("token_type_ids holds %d; the model has %d types", b.TypeIDs[i], lim.Types)
		case b.Positions[i] < 0 || int(b.Positions[i]) >= lim.Positions:
			return fmt.Errorf("a token has position %d; the model has %d positions (is the sequence too long?)", b.Positions[i], lim.Positions)
		}
	}
	return nil
}
