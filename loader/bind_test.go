package loader

import (
	"errors"
	"slices"
	"testing"
	"testing/fstest"
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

type layer struct {
	Query  linear  `st:"attention.query"`
	Output *linear `st:"output"`
	note   string  // without a tag: not bound
}

type model struct {
	Layers []layer `st:"encoder.layer"`
	Head   *linear `st:"head"`
}

// file makes a safetensors file in memory.
func file(header string, data []byte) fstest.MapFS {
	n := len(header)
	b := append([]byte{byte(n), byte(n >> 8), byte(n >> 16), 0, 0, 0, 0, 0}, header...)
	return fstest.MapFS{"model.safetensors": {Data: append(b, data...)}}
}

func TestBind(t *testing.T) {
	fsys := file(`{"bert.encoder.layer.0.attention.query.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
		"bert.encoder.layer.0.output.weight":{"dtype":"BF16","shape":[1,1],"data_offsets":[8,10]},
		"bert.encoder.layer.0.output.bias":{"dtype":"I8","shape":[1],"data_offsets":[10,11]}}`,
		[]byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0x40, 0x40, 5})
	w, err := Open(fsys)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w, err = w.Rename(Rules{Prefixes: []string{"bert."}})
	if err != nil {
		t.Fatal(err)
	}
	m := &model{Layers: []layer{{Query: linear{In: 2, Out: 1}, Output: &linear{In: 1, Out: 1}}}}
	err = Bind(m, w)
	var be *BindError
	if !errors.As(err, &be) || len(be.Unusable) != 1 {
		t.Fatalf("got %v", err)
	}
	m.Layers[0].Output = nil
	w.rules.Ignore = []string{"*.output.*"}
	if err := Bind(m, w); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Layers[0].Query.Weight, []float32{1, 2}) {
		t.Errorf("got %v", m.Layers[0].Query.Weight)
	}
}
