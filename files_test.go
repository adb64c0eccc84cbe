package godwit_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// TestWeightFiles opens the weights of one model in other types and as several files. F64 holds them exactly, and so do F16
// and BF16 what is first rounded to them, so that the outputs are the same bits.
func TestWeightFiles(t *testing.T) {
	const dir = "testdata/models/bert/regression"
	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	file := func(tensors map[string]tensor.Tensor) *fstest.MapFile {
		var b bytes.Buffer
		if err := loader.Write(&b, tensors, nil); err != nil {
			t.Fatal(err)
		}
		return &fstest.MapFile{Data: b.Bytes()}
	}
	forward := func(files fstest.MapFS) map[string]tensor.Tensor {
		t.Helper()
		files["config.json"] = &fstest.MapFile{Data: config}
		m, err := godwit.OpenFS(files)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		out, err := m.Forward(t.Context(), map[string]tensor.Tensor{"input_ids": tensor.FromInt64([]int64{4, 5, 6, 7, 8}, 1, 5)})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	compare := func(what string, got, want map[string]tensor.Tensor) {
		t.Helper()
		for name, w := range want {
			if !slices.Equal(got[name].Data, w.Data) {
				t.Errorf("%s: %s differs", what, name)
			}
		}
	}
	weights := readTensors(t, dir, "model.safetensors")
	// Multiples of 1/128 below 2 are exact in every type.
	for name, w := range weights {
		if w.DType != tensor.F32 {
			continue
		}
		rounded := tensor.New(w.Shape...)
		for i, v := range w.Data {
			rounded.Data[i] = float32(math.RoundToEven(float64(v)*128)) / 128
		}
		weights[name] = rounded
	}
	want := forward(fstest.MapFS{"model.safetensors": file(weights)})
	for _, d := range []tensor.DType{tensor.F64, tensor.F16, tensor.BF16} {
		typed := maps.Clone(weights)
		for name, w := range weights {
			if w.DType != tensor.F32 {
				continue
			}
			var raw []byte
			for _, v := range w.Data {
				bits := math.Float32bits(v)
				switch d {
				case tensor.F64:
					raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(float64(v)))
				case tensor.BF16:
					raw = binary.LittleEndian.AppendUint16(raw, uint16(bits>>16))
				default: // no subnormal, infinity or NaN of F16 is among the weights
					half := uint16(0)
					if v != 0 {
						half = uint16(bits>>31<<15 | (bits>>23&255-112)<<10 | bits>>13&0x3ff)
					}
					raw = binary.LittleEndian.AppendUint16(raw, half)
				}
			}
			typed[name] = tensor.Tensor{DType: d, Shape: w.Shape, Raw: raw}
		}
		compare(d.String(), forward(fstest.MapFS{"model.safetensors": file(typed)}), want)
	}

	files := fstest.MapFS{}
	shards := [3]map[string]tensor.Tensor{{}, {}, {}}
	index := map[string]string{}
	for i, name := range slices.Sorted(maps.Keys(weights)) {
		shards[i%3][name] = weights[name]
		index[name] = "part" + string(rune('a'+i%3)) + ".safetensors"
	}
	for i, s := range shards {
		files["part"+string(rune('a'+i))+".safetensors"] = file(s)
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{}, "weight_map": index})
	if err != nil {
		t.Fatal(err)
	}
	files["model.safetensors.index.json"] = &fstest.MapFile{Data: text}
	compare("shards", forward(files), want)
}
