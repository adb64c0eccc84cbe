package arch

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit/tensor"
)

func TestReadConfig(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"model_type": "bert", "architectures": ["BertModel", "Other"]}`, ""},
		{`{"model_type": "bert", "architectures": null, "id2label": null}`, ""},
		{``, "config.json: it is empty"},
		{`{}`, "config.json has no model_type"},
		{`[]`, "config.json: it is a JSON array"},
		{`{"model_type": 3}`, `config.json: "model_type" is a number, not a string`},
		{`{"model_type": "bert"} x`, "config.json: there is something after the object"},
		{`{"model_type": "bert"`, "config.json: unexpected end of JSON input"},
	} {
		config, err := ReadConfig(fstest.MapFS{"config.json": &fstest.MapFile{Data: []byte(c.text)}})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.text, err)
		case c.want == "" && config.ModelType != "bert":
			t.Errorf("%s: model_type %q", c.text, config.ModelType)
		case c.want != "" && (err == nil || err.Error() != c.want):
			t.Errorf("%s: got %v, want %s", c.text, err, c.want)
		}
	}
	if _, err := ReadConfig(fstest.MapFS{}); err == nil || !strings.HasPrefix(err.Error(), "config.json is not there") {
		t.Errorf("no file: %v", err)
	}
	c, err := ParseConfig([]byte(`{"model_type": "nobody", "architectures": ["X"]}`))
	if err != nil || c.Class() != "X" {
		t.Fatalf("class %q, %v", c.Class(), err)
	}
	if _, err := New(c, nil, nil); err == nil || !strings.Contains(err.Error(), `model_type "nobody" is not supported`) {
		t.Errorf("unknown type: %v", err)
	}
}

func TestPositions(t *testing.T) {
	ids := []int32{5, 1, 6, 7, 1}
	for _, c := range []struct {
		rule Positions
		want []int32
	}{
		{Positions{}, []int32{0, 1, 2, 3, 4}},
		{Positions{SkipPad: true, Pad: 1}, []int32{2, 1, 3, 4, 1}},
	} {
		if got := c.rule.Append(nil, ids); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.rule, got, c.want)
		}
	}
}

var testLimits = Limits{Vocab: 10, Types: 2, Positions: 6, MaxTokens: 6, HiddenSize: 3}

// echo is a model whose hidden states are the tokens' ids, types and positions.
func echo(b *Batch, out *Sink) {
	h := tensor.New(b.Tokens(), 3)
	for i := range b.Tokens() {
		copy(h.Row(i), []float32{float32(b.IDs[i]), float32(b.TypeIDs[i]), float32(b.Positions[i])})
	}
	out.Tokens("last_hidden_state", h)
	out.TokenColumn("ids", h, 0)
	first := tensor.New(b.Len(), 1)
	for s := range b.Len() {
		first.Data[s] = float32(b.Starts[s+1] - b.Starts[s])
	}
	out.Sequences("lengths", first)
}

func TestForwardText(t *testing.T) {
	var index []int32
	out, err := ForwardText(map[string]tensor.Tensor{
		"input_ids":      tensor.FromInt64([]int64{7, 8, 9, 3, 9, 9, 9, 9, 2, 0, 4, 0}, 3, 4),
		"attention_mask": tensor.FromInt64([]int64{0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0}, 3, 4),
		"token_type_ids": tensor.FromInt64([]int64{0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0}, 3, 4),
	}, ForwardOptions{}, testLimits, func(b *Batch, s *Sink) { index = b.Index; echo(b, s) })
	if err != nil {
		t.Fatal(err)
	}
	if got, want := out["ids"].Data, []float32{0, 8, 9, 3, 0, 0, 0, 0, 2, 0, 4, 0}; !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
	if got, want := out["lengths"].Data, []float32{3, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("lengths %v, want %v", got, want)
	}
	if got, want := out["last_hidden_state"].Data[9:12], []float32{3, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("id, type, position of the fourth token %v, want %v", got, want)
	}
	if want := []int32{1, 2, 3, 0, 2}; !slices.Equal(index, want) {
		t.Errorf("index %v, want %v", index, want)
	}
	if got := out["last_hidden_state"].Shape; !slices.Equal(got, []int{3, 4, 3}) {
		t.Errorf("shape %v", got)
	}
}

// TestKeepHidden: a model can ask for the tokens that the mask hides.
func TestKeepHidden(t *testing.T) {
	lim := testLimits
	lim.KeepHidden = true
	var hidden []bool
	run := func(b *Batch, s *Sink) { hidden = b.Hidden; echo(b, s) }
	inputs := map[string]tensor.Tensor{"input_ids": tensor.FromInt64([]int64{7, 8, 9, 3}, 2, 2),
		"attention_mask": tensor.FromInt64([]int64{1, 0, 0, 1}, 2, 2)}
	out, err := ForwardText(inputs, ForwardOptions{}, lim, run)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := out["ids"].Data, []float32{7, 8, 9, 3}; !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
	if want := []bool{false, true, true, false}; !slices.Equal(hidden, want) {
		t.Errorf("hidden %v, want %v", hidden, want)
	}
	delete(inputs, "attention_mask")
	if _, err = ForwardText(inputs, ForwardOptions{}, lim, run); err != nil || hidden != nil {
		t.Errorf("without a mask: hidden %v, %v", hidden, err)
	}
}

// TestForwardTextTypes gives the same ids in every type that inputs may have.
func TestForwardTextTypes(t *testing.T) {
	want := []float32{7, 0, 9}
	for _, in := range []tensor.Tensor{
		tensor.FromInt64([]int64{7, 0, 9}, 1, 3),
		tensor.FromFloat32([]float32{7, 0, 9}, 1, 3),
		{DType: tensor.U8, Shape: []int{1, 3}, Raw: []byte{7, 0, 9}},
		{DType: tensor.I8, Shape: []int{1, 3}, Raw: []byte{7, 0, 9}},
		{DType: tensor.I16, Shape: []int{1, 3}, Raw: []byte{7, 0, 0, 0, 9, 0}},
		{DType: tensor.U16, Shape: []int{1, 3}, Raw: []byte{7, 0, 0, 0, 9, 0}},
		{DType: tensor.I32, Shape: []int{1, 3}, Raw: []byte{7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0}},
	} {
		mask := tensor.Tensor{DType: tensor.Bool, Shape: []int{1, 3}, Raw: []byte{1, 1, 1}}
		out, err := ForwardText(map[string]tensor.Tensor{"input_ids": in, "attention_mask": mask}, ForwardOptions{}, testLimits, echo)
		if err != nil || !slices.Equal(out["ids"].Data, want) {
			t.Errorf("%v: %v, %v; want %v", in.DType, out["ids"].Data, err, want)
		}
	}
	negative := tensor.Tensor{DType: tensor.I16, Shape: []int{1, 1}, Raw: []byte{0xfe, 0xff}}
	if _, err := ForwardText(map[string]tensor.Tensor{"input_ids": negative}, ForwardOptions{}, testLimits, echo); err == nil ||
		err.Error() != "input_ids holds -2; the vocabulary has 10 tokens" {
		t.Errorf("-2 as I16: %v", err)
	}
}

func TestForwardTextErrors(t *testing.T) {
	i64 := func(shape []int, v ...int64) tensor.Tensor { return tensor.FromInt64(v, shape...) }
	ok := i64([]int{1, 2}, 3, 4)
	for _, c := range []struct {
		inputs map[string]tensor.Tensor
		want   string
	}{
		{nil, "input_ids is missing"},
		{map[string]tensor.Tensor{"input_ids": ok, "pixel_values": ok}, `input "pixel_values" is not known`},
		{map[string]tensor.Tensor{"input_ids": i64([]int{2}, 3, 4)}, "input_ids has shape [2]; want [sequences, tokens]"},
		{map[string]tensor.Tensor{"input_ids": i64([]int{0, 5})}, "input_ids has shape [0 5]: there is nothing to do"},
		{map[string]tensor.Tensor{"input_ids": i64([]int{1, 2}, 3, 10)}, "input_ids holds 10; the vocabulary has 10 tokens"},
		{map[string]tensor.Tensor{"input_ids": i64([]int{1, 2}, 3, -1)}, "input_ids holds -1; the vocabulary has 10 tokens"},
		{map[string]tensor.Tensor{"input_ids": i64([]int{1, 1}, 1<<40)}, "input_ids: element 0 is 1099511627776, which is not an integer of 32 bits"},
		{map[string]tensor.Tensor{"input_ids": tensor.FromFloat32([]float32{1.5}, 1, 1)}, "input_ids: element 0 is 1.5, which is not an integer of 32 bits"},
		{map[string]tensor.Tensor{"input_ids": tensor.FromFloat32([]float32{float32(math.NaN())}, 1, 1)}, "input_ids: element 0 is NaN"},
		{map[string]tensor.Tensor{"input_ids": {DType: tensor.F64, Shape: []int{1, 1}, Raw: make([]byte, 8)}}, "input_ids: type F64; want integers (I64)"},
		{map[string]tensor.Tensor{"input_ids": {DType: tensor.I64, Shape: []int{1, 3}, Raw: make([]byte, 8)}}, "input_ids: 8 bytes are not the elements of a tensor of type I64 and shape [1 3]"},
		{map[string]tensor.Tensor{"input_ids": {DType: tensor.I64, Shape: []int{-1, 3}}}, "input_ids: 0 bytes are not the elements of a tensor of type I64 and shape [-1 3]"},
		{map[string]tensor.Tensor{"input_ids": {DType: tensor.U8, Shape: []int{1 << 40, 1 << 40}}}, "input_ids: 0 bytes are not the elements"},
		{map[string]tensor.Tensor{"input_ids": {DType: tensor.I64, Shape: []int{1 << 40, 1}, Raw: make([]byte, 8)}}, "input_ids: 8 bytes are not the elements"},
		{map[string]tensor.Tensor{"input_ids": {Shape: []int{1, 3}}}, "input_ids: 0 bytes are not the elements of a tensor of type invalid"},
		{map[string]tensor.Tensor{"input_ids": {DType: tensor.F32, Shape: []int{1, 1}, Data: make([]float32, 2)}}, "input_ids: 8 bytes are not the elements"},
		{map[string]tensor.Tensor{"input_ids": tensor.FromFloat32([]float32{1 << 31}, 1, 1)}, "input_ids: element 0 is 2.1474836e+09, which is not an integer of 32 bits"},
		{map[string]tensor.Tensor{"input_ids": ok, "attention_mask": i64([]int{1, 1}, 1)}, "attention_mask has shape [1 1]; input_ids has [1 2]"},
		{map[string]tensor.Tensor{"input_ids": ok, "token_type_ids": i64([]int{1, 2}, 0, 2)}, "token_type_ids holds 2; the model has 2 types"},
		{map[string]tensor.Tensor{"input_ids": ok, "position_ids": i64([]int{1, 2}, 0, 6)}, "a token has position 6; the model has 6 positions"},
		{map[string]tensor.Tensor{"input_ids": i64([]int{1, 7}, 1, 1, 1, 1, 1, 1, 1)}, "sequence 0 has 7 tokens; the model takes at most 6"},
	} {
		_, err := ForwardText(c.inputs, ForwardOptions{}, testLimits, echo)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// FuzzForwardText gives tensors of any type, shape and content.
func FuzzForwardText(f *testing.F) {
	f.Add(uint8(tensor.I64), 1, 2, []byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}, uint8(tensor.Bool), []byte{1, 0})
	f.Add(uint8(tensor.F32), 2, 1, []byte{0, 0, 128, 63, 0, 0, 0, 64}, uint8(tensor.U8), []byte{0, 1})
	f.Add(uint8(tensor.F4), -1, 1<<40, []byte{}, uint8(99), []byte{})
	f.Fuzz(func(t *testing.T, idType uint8, rows, cols int, ids []byte, maskType uint8, mask []byte) {
		make := func(d uint8, raw []byte) tensor.Tensor {
			x := tensor.Tensor{DType: tensor.DType(d), Shape: []int{rows, cols}, Raw: raw}
			if x.DType == tensor.F32 {
				for ; len(raw) >= 4; raw = raw[4:] {
					x.Data = append(x.Data, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
				}
			}
			return x
		}
		for _, other := range []string{"attention_mask", "token_type_ids", "position_ids"} {
			out, err := ForwardText(map[string]tensor.Tensor{"input_ids": make(idType, ids), other: make(maskType, mask)},
				ForwardOptions{}, testLimits, echo)
			if err == nil && out["last_hidden_state"].Check() != nil {
				t.Errorf("%v", out["last_hidden_state"].Check())
			}
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"model_type": "bert", "architectures": ["BertModel"], "id2label": {"0": "a"}}`))
	f.Add([]byte(`{"model_type": null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig(text)
		if err == nil && c.ModelType == "" {
			t.Error("a config without a model_type")
		}
	})
}
