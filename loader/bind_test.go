package loader

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/godwit-ml/godwit/tensor"
)

// linear is a Module as arch/nn's Linear is one.
type linear struct {
	In, Out      int
	Weight, Bias []float32
}

func (l *linear) Params(s *Scope) {
	w := s.Need("weight", l.Out, l.In)
	b := s.Optional("bias", l.Out)
	s.Then(func() {
		l.Weight = w.Float32()
		if b != nil {
			l.Bias = b.Float32()
		}
	})
}

type attention struct {
	Query linear // without a tag: not bound
	Value linear `st:"self.value"`
}

type layer struct {
	Attention attention `st:"attention"`
	Output    *linear   `st:"output.dense"`
	Norm      Module    `st:"output.LayerNorm"`
}

type base struct {
	Embeddings *linear `st:"embeddings.word_embeddings"`
	Layers     []layer `st:"encoder.layer"`
}

type headed struct {
	base
	Decoder *linear `st:"cls.decoder"`
}

// newModel returns a model of two layers: the first has a value, an output and a norm, the second only a value.
func newModel() *headed {
	value := attention{Value: linear{In: 2, Out: 1}}
	var none *linear
	return &headed{
		base: base{
			Embeddings: &linear{In: 2, Out: 3},
			Layers:     []layer{{value, &linear{In: 1, Out: 2}, &linear{In: 1, Out: 1}}, {value, nil, none}},
		},
		Decoder: &linear{In: 2, Out: 3},
	}
}

// some returns an F32 tensor of the shape whose elements are first, first+1, ...
func some(first float32, shape ...int) tensor.Tensor {
	t := tensor.New(shape...)
	for i := range t.Data {
		t.Data[i] = first + float32(i)
	}
	return t
}

// fitting returns the tensors that newModel needs, all but the decoder's.
func fitting() map[string]tensor.Tensor {
	return map[string]tensor.Tensor{
		"bert.embeddings.word_embeddings.weight":           some(10, 3, 2),
		"bert.encoder.layer.0.attention.self.value.weight": some(20, 1, 2),
		"bert.encoder.layer.0.output.dense.weight":         some(30, 2, 1),
		"bert.encoder.layer.0.output.dense.bias":           some(40, 2),
		"bert.encoder.layer.0.output.LayerNorm.gamma":      some(50, 1, 1),
		"bert.encoder.layer.0.output.LayerNorm.beta":       some(60, 1),
		"bert.encoder.layer.1.attention.self.value.weight": some(70, 1, 2),
		"bert.embeddings.position_ids":                     tensor.FromInt64([]int64{0, 1}, 1, 2),
		"cls.bias":                                         some(80, 3),
	}
}

var bertRules = Rules{
	Prefixes: []string{"bert."},
	Fallback: map[string]string{
		"cls.decoder.weight": "embeddings.word_embeddings.weight",
		"cls.decoder.bias":   "cls.bias",
	},
}

// openTensors writes tensors to memory and opens them under rules.
func openTensors(t *testing.T, tensors map[string]tensor.Tensor, r Rules) *Weights {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, tensors, nil); err != nil {
		t.Fatal(err)
	}
	w, err := Open(inMemory{singleFile: b.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	if w, err = w.Rename(r); err != nil {
		t.Fatal(err)
	}
	return w
}

func equal(t *testing.T, name string, got []float32, want ...float32) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s = %v, want %v", name, got, want)
	}
}

func TestBind(t *testing.T) {
	m := newModel()
	if err := Bind(m, openTensors(t, fitting(), bertRules)); err != nil {
		t.Fatal(err)
	}
	equal(t, "embeddings", m.Embeddings.Weight, 10, 11, 12, 13, 14, 15)
	equal(t, "value 0", m.Layers[0].Attention.Value.Weight, 20, 21)
	equal(t, "value 0 bias", m.Layers[0].Attention.Value.Bias)
	equal(t, "output", m.Layers[0].Output.Weight, 30, 31)
	equal(t, "output bias", m.Layers[0].Output.Bias, 40, 41)
	equal(t, "norm, once gamma", m.Layers[0].Norm.(*linear).Weight, 50)
	equal(t, "norm bias, once beta", m.Layers[0].Norm.(*linear).Bias, 60)
	equal(t, "value 1", m.Layers[1].Attention.Value.Weight, 70, 71)
	equal(t, "tied decoder", m.Decoder.Weight, 10, 11, 12, 13, 14, 15)
	equal(t, "decoder bias, from cls.bias", m.Decoder.Bias, 80, 81, 82)
}

// TestBindUntied: a tensor that is there wins over its fallback, which then may stay unused.
func TestBindUntied(t *testing.T) {
	tensors := fitting()
	tensors["cls.decoder.weight"] = some(100, 3, 2)
	tensors["cls.decoder.bias"] = some(110, 3)
	m := newModel()
	if err := Bind(m, openTensors(t, tensors, bertRules)); err != nil {
		t.Fatal(err)
	}
	equal(t, "decoder", m.Decoder.Weight, 100, 101, 102, 103, 104, 105)
	equal(t, "decoder bias", m.Decoder.Bias, 110, 111, 112)
}

// TestBindWithoutPrefix: the same model from a file of the base class, whose names have no prefix.
func TestBindWithoutPrefix(t *testing.T) {
	tensors := make(map[string]tensor.Tensor)
	for name, x := range fitting() {
		tensors[strings.TrimPrefix(name, "bert.")] = x
	}
	m := newModel()
	if err := Bind(m, openTensors(t, tensors, bertRules)); err != nil {
		t.Fatal(err)
	}
	equal(t, "embeddings", m.Embeddings.Weight, 10, 11, 12, 13, 14, 15)
}

// TestBindError: one error lists all that does not fit, and nothing has been done.
func TestBindError(t *testing.T) {
	tensors := fitting()
	delete(tensors, "bert.encoder.layer.0.attention.self.value.weight")
	delete(tensors, "bert.encoder.layer.1.attention.self.value.weight")
	tensors["bert.encoder.layer.0.output.dense.weight"] = some(0, 1, 2)
	tensors["bert.encoder.layer.0.output.dense.bias"] = some(0, 3)
	tensors["bert.encoder.layer.0.output.LayerNorm.gamma"] = tensor.Tensor{DType: tensor.F8E8M0, Shape: []int{1, 1}, Raw: []byte{0}}
	tensors["bert.embeddings.word_embeddings.weight"] = tensor.Tensor{DType: tensor.I8, Shape: []int{3, 2}, Raw: make([]byte, 6)}
	tensors["bert.pooler.dense.weight"] = some(0, 2, 2)
	tensors["classifier.bias"] = some(0)
	m := newModel()
	m.Decoder = nil
	err := Bind(m, openTensors(t, tensors, bertRules))
	var be *BindError
	if !errors.As(err, &be) {
		t.Fatalf("got %v, want a *BindError", err)
	}
	want := `loader: model.safetensors does not fit the model (2 missing, 2 misshapen, 2 unusable, 3 unused); do config.json and the weights belong together?
  missing: encoder.layer.0.attention.self.value.weight [1 2]
  missing: encoder.layer.1.attention.self.value.weight [1 2]
  misshapen: encoder.layer.0.output.dense.weight: want [2 1], got [1 2]
  misshapen: encoder.layer.0.output.dense.bias: want [2], got [3]
  unusable: embeddings.word_embeddings.weight: type I8 needs a scale embeddings.word_embeddings.weight_scale of shape [3] or [3 groups]
  unusable: encoder.layer.0.output.LayerNorm.weight: type F8_E8M0 is not supported
  unused: classifier.bias []
  unused: cls.bias [3]
  unused: bert.pooler.dense.weight [2 2]`
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
	if m.Layers[0].Norm.(*linear).Bias != nil {
		t.Error("a tensor was taken in, although others do not fit")
	}
}

// TestBindErrorIsShort: a model of another kind makes a long list, which is cut.
func TestBindErrorIsShort(t *testing.T) {
	tensors := make(map[string]tensor.Tensor)
	for i := range 100 {
		tensors[fmt.Sprintf("h.%02d.weight", i)] = some(0, 1)
	}
	err := Bind(newModel(), openTensors(t, tensors, Rules{}))
	lines := strings.Split(err.Error(), "\n")
	if want := "loader: model.safetensors does not fit the model (6 missing, 100 unused); do config.json and the weights belong together?"; lines[0] != want {
		t.Errorf("got %s\nwant %s", lines[0], want)
	}
	if n := len(lines); n != 1+6+20+1 {
		t.Errorf("%d lines: %v", n, err)
	}
	if got, want := lines[len(lines)-1], "  unused: and 80 more"; got != want {
		t.Errorf("last line %q, want %q", got, want)
	}
}

func TestBindIgnores(t *testing.T) {
	tensors := fitting()
	tensors["bert.pooler.dense.weight"] = some(0, 2, 2)
	tensors["encoder.rotary_emb.inv_freq"] = some(0, 2)
	r := bertRules
	r.Ignore = []string{"pooler.*"}
	if err := Bind(newModel(), openTensors(t, tensors, r)); err != nil {
		t.Fatal(err)
	}
}

// TestBindInt8 binds a quantised weight; its scale is used with it, not unused.
func TestBindInt8(t *testing.T) {
	tensors := map[string]tensor.Tensor{
		"a.weight":       {DType: tensor.I8, Shape: []int{2, 2}, Raw: []byte{1, 0xff, 2, 0x7f}},
		"a.weight_scale": tensor.FromFloat32([]float32{0.5, 0.25}, 2, 1),
	}
	var m struct {
		A linear `st:"a"`
	}
	m.A = linear{In: 2, Out: 2}
	if err := Bind(&m, openTensors(t, tensors, Rules{})); err != nil {
		t.Fatal(err)
	}
	equal(t, "weight", m.A.Weight, 0.5, -0.5, 0.5, 31.75)

	tensors["a.weight_scale"] = tensor.FromFloat32([]float32{0.5, 2, 0.25, 1}, 2, 2) // two groups a row
	if err := Bind(&m, openTensors(t, tensors, Rules{})); err != nil {
		t.Fatal(err)
	}
	equal(t, "weight in groups", m.A.Weight, 0.5, -2, 0.5, 127)

	tensors["a.weight_scale"] = tensor.FromFloat32([]float32{0.5}, 1) // one for all: not this convention
	err := Bind(&m, openTensors(t, tensors, Rules{}))
	want := `loader: model.safetensors does not fit the model (1 unusable, 1 unused); do config.json and the weights belong together?
  unusable: a.weight: type I8 needs a scale a.weight_scale of shape [2] or [2 groups]
  unused: a.weight_scale [1]`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// TestIsScale tells the scale of an I8 tensor from a parameter whose name ends alike.
func TestIsScale(t *testing.T) {
	w := openTensors(t, map[string]tensor.Tensor{
		"a.weight":       {DType: tensor.I8, Shape: []int{2, 2}, Raw: []byte{1, 0xff, 2, 0x7f}},
		"a.weight_scale": tensor.New(2, 1),
		"logit":          tensor.New(1),
		"logit_scale":    tensor.New(1),
	}, Rules{})
	for _, name := range w.Names() {
		v, _ := w.View(name)
		if want := name == "a.weight_scale"; v.IsScale() != want {
			t.Errorf("%s: %v, want %v", name, v.IsScale(), want)
		}
	}
}

func TestRenameCollision(t *testing.T) {
	for _, names := range [][2]string{
		{"bert.pooler.weight", "pooler.weight"},
		{"a.LayerNorm.gamma", "a.LayerNorm.weight"},
	} {
		var b bytes.Buffer
		if err := Write(&b, map[string]tensor.Tensor{names[0]: some(0, 1), names[1]: some(0, 1)}, nil); err != nil {
			t.Fatal(err)
		}
		w, err := Open(inMemory{singleFile: b.Bytes()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Rename(bertRules)
		want := fmt.Sprintf("loader: model.safetensors: tensors %q and %q both stand for %q", names[0], names[1], names[1])
		if err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestRenameAliases(t *testing.T) {
	w := openTensors(t, map[string]tensor.Tensor{"roberta.x.parametrizations.weight.original0": some(0, 1)},
		Rules{Prefixes: []string{"bert.", "roberta."}, Aliases: []Alias{{"parametrizations.weight.original0", "weight_g"}}})
	if got := w.Names(); !slices.Equal(got, []string{"x.weight_g"}) {
		t.Errorf("names %q", got)
	}
	if !w.Has("x.weight_g") || w.Has("roberta.x.parametrizations.weight.original0") {
		t.Error("Has goes by another name")
	}
}

// panicking is a Module that is wrong.
type panicking struct{}

func (panicking) Params(s *Scope) { s.Then(func() { panic("boom") }) }

// TestBindPanics: a mistake in the program panics in the caller's goroutine, with a message that finds the mistake.
func TestBindPanics(t *testing.T) {
	w := openTensors(t, nil, Rules{})
	for _, c := range []struct {
		model any
		want  string
	}{
		{&struct {
			hidden linear `st:"x"`
		}{}, "loader: field hidden of struct { hidden loader.linear \"st:\\\"x\\\"\" } is to be bound but is not exported"},
		{&struct {
			X float32 `st:"x"`
		}{}, `loader: "x": float32 is neither a Module nor a struct`},
		{&struct {
			X panicking `st:"x"`
		}{}, "boom"},
	} {
		func() {
			defer func() {
				if r := fmt.Sprint(recover()); r != c.want {
					t.Errorf("panic %s\nwant  %s", r, c.want)
				}
			}()
			_ = Bind(c.model, w)
		}()
	}
}

// composite is a Module that fuses two tensors into one and hands on to a part.
type composite struct {
	Fused []float32
	Part  linear
}

func (c *composite) Params(s *Scope) {
	a, b := s.Need("a", 2), s.Need("b", 1)
	s.Then(func() { c.Fused = slices.Concat(a.Float32(), b.Float32()) })
	s.Bind("part", &c.Part)
	if got := s.Name("a"); got != "m.a" {
		panic("name " + got)
	}
}

func TestScopeBind(t *testing.T) {
	m := struct {
		M composite `st:"m"`
	}{composite{Part: linear{In: 1, Out: 1}}}
	w := openTensors(t, map[string]tensor.Tensor{"m.a": some(1, 2), "m.b": some(3, 1), "m.part.weight": some(4, 1, 1)}, Rules{})
	if err := Bind(&m, w); err != nil {
		t.Fatal(err)
	}
	equal(t, "fused", m.M.Fused, 1, 2, 3)
	equal(t, "part", m.M.Part.Weight, 4)
}
