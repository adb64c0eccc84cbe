package vit

import (
	"bytes"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

const models = "../../testdata/models"

// load makes the model of a folder, whose config.json is edited first.
func load(t testing.TB, dir string, x *kernels.Exec, edit func(string) string) (arch.Model, error) {
	t.Helper()
	fsys := os.DirFS(filepath.Join(models, dir))
	text, err := fs.ReadFile(fsys, "config.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := arch.ParseConfig([]byte(edit(string(text))))
	if err != nil {
		t.Fatal(err)
	}
	w, err := loader.Open(fsys)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return arch.New(c, w, x)
}

func mustLoad(t testing.TB, dir string, x *kernels.Exec) arch.Model {
	t.Helper()
	m, err := load(t, dir, x, func(s string) string { return s })
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	return m
}

// encoders are models of images of every structure.
var encoders = []string{"vit/gray", "vit/imgcls", "deit/teacher", "dinov2/swiglu", "dinov2_with_registers/swiglu", "dinov3_vit/gated",
	"beit/shared", "beit/imgcls", "swin/absolute", "swin/imgcls", "clip/full", "clip/imgcls", "siglip/full", "siglip/imgcls"}

// photos returns pixels of n images that a model was made for.
func photos(lim arch.ImageLimits, n int) tensor.Tensor {
	r := rand.New(rand.NewPCG(1, 2))
	t := tensor.New(n, lim.Channels, lim.Height, lim.Width)
	for i := range t.Data {
		t.Data[i] = float32(r.NormFloat64())
	}
	return t
}

func TestEncodeDoesNotAllocate(t *testing.T) {
	x := kernels.New(nil, 2)
	defer x.Close()
	for _, dir := range encoders {
		enc := mustLoad(t, dir, x).(arch.ImageEncoder)
		pixels := photos(enc.ImageLimits(), 3)
		var ws tensor.Workspace
		pass := func() {
			ws.Reset()
			enc.EncodeImages(&ws, pixels)
		}
		for range 3 {
			pass()
		}
		if n := testing.AllocsPerRun(20, pass); n != 0 {
			t.Errorf("%s: %g allocations a pass, want 0", dir, n)
		}
		texts, ok := enc.(arch.ImageTextEncoder)
		if !ok {
			continue
		}
		var b arch.Batch
		pass = func() {
			ws.Reset()
			b.Reset()
			b.Append([]int32{4, 5, 6}, nil, texts.TextLimits().Rule)
			b.Append([]int32{7, 5}, nil, texts.TextLimits().Rule)
			texts.EncodeTexts(&ws, &b)
		}
		for range 3 {
			pass()
		}
		if n := testing.AllocsPerRun(20, pass); n != 0 {
			t.Errorf("%s: %g allocations for texts, want 0", dir, n)
		}
	}
}

// TestSameBits compares what every Set and several threads make of images, alone and in a batch.
func TestSameBits(t *testing.T) {
	for _, dir := range encoders {
		var want []float32
		for _, set := range kernels.Sets() {
			for _, threads := range []int{1, 3} {
				x := kernels.New(set, threads)
				enc := mustLoad(t, dir, x).(arch.ImageEncoder)
				pixels := photos(enc.ImageLimits(), 5)
				all := func(pixels tensor.Tensor) []float32 {
					var ws tensor.Workspace
					out := enc.EncodeImages(&ws, pixels)
					return slices.Concat(out.Tokens.Data, out.Vector.Data, out.Logits.Data)
				}
				got := all(pixels)
				if want == nil {
					want = got
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: %s with %d threads differs", dir, set.Name(), threads)
				}
				var ws tensor.Workspace
				out := enc.EncodeImages(&ws, pixels)
				n := pixels.Len() / 5
				for i := range 5 {
					one := tensor.FromFloat32(pixels.Data[i*n:][:n], append([]int{1}, pixels.Shape[1:]...)...)
					var alone tensor.Workspace
					o := enc.EncodeImages(&alone, one)
					tokens := out.Tokens.Len() / 5
					if !slices.Equal(o.Tokens.Data, out.Tokens.Data[i*tokens:][:tokens]) || !slices.Equal(o.Vector.Data, out.Vector.Row(i)) ||
						o.Logits.Data != nil && !slices.Equal(o.Logits.Data, out.Logits.Row(i)) {
						t.Errorf("%s: %s: image %d alone differs from itself in a batch", dir, set.Name(), i)
					}
				}
				x.Close()
			}
		}
	}
}

// TestGroups runs more images than go through the layers together.
func TestGroups(t *testing.T) {
	x := kernels.New(nil, 2)
	defer x.Close()
	for _, dir := range []string{"vit/imgcls", "swin/imgcls"} {
		m := mustLoad(t, dir, x)
		enc := m.(arch.ImageEncoder)
		few := photos(enc.ImageLimits(), 2)
		many := tensor.New(700, few.Shape[1], few.Shape[2], few.Shape[3])
		for i := 0; i < many.Len(); i += few.Len() {
			copy(many.Data[i:], few.Data)
		}
		var ws tensor.Workspace
		want, err := m.Forward(&ws, map[string]tensor.Tensor{"pixel_values": few}, arch.ForwardOptions{HiddenStates: true})
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Forward(&ws, map[string]tensor.Tensor{"pixel_values": many}, arch.ForwardOptions{HiddenStates: true})
		if err != nil {
			t.Fatal(err)
		}
		for name, w := range want {
			n := w.Len()
			for i := 0; i < got[name].Len(); i += n {
				if !slices.Equal(got[name].Data[i:i+n], w.Data) {
					t.Fatalf("%s: %s differs from image %d on", dir, name, i/n*2)
				}
			}
		}
	}
}

// TestBFloat16: a file of bfloat16 gives what one gives that holds the same numbers as float32.
func TestBFloat16(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	for _, dir := range []string{"vit/gray", "dinov2/swiglu", "dinov3_vit/gated", "beit/imgcls", "swin/imgcls", "clip/full", "siglip/full"} {
		fsys := os.DirFS(filepath.Join(models, dir))
		config, err := fs.ReadFile(fsys, "config.json")
		if err != nil {
			t.Fatal(err)
		}
		c, err := arch.ParseConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		w, err := loader.Open(fsys)
		if err != nil {
			t.Fatal(err)
		}
		narrow, wide := make(map[string]tensor.Tensor), make(map[string]tensor.Tensor)
		for _, name := range w.Names() {
			v, _ := w.View(name)
			f := v.Tensor()
			narrow[name], wide[name] = f, f
			if f.DType != tensor.F32 {
				continue
			}
			h := tensor.Tensor{DType: tensor.BF16, Shape: f.Shape}
			for i, e := range f.Data {
				bits := math.Float32bits(e) >> 16
				h.Raw = append(h.Raw, byte(bits), byte(bits>>8))
				f.Data[i] = math.Float32frombits(bits << 16)
			}
			narrow[name] = h
		}
		w.Close()
		var want []float32
		for _, tensors := range []map[string]tensor.Tensor{wide, narrow} {
			var file bytes.Buffer
			if err := loader.Write(&file, tensors, nil); err != nil {
				t.Fatal(err)
			}
			w, err := loader.Open(fstest.MapFS{"model.safetensors": {Data: file.Bytes()}})
			if err != nil {
				t.Fatal(err)
			}
			m, err := arch.New(c, w, x)
			if err != nil {
				t.Fatal(err)
			}
			enc := m.(arch.ImageEncoder)
			var ws tensor.Workspace
			out := enc.EncodeImages(&ws, photos(enc.ImageLimits(), 2))
			got := slices.Concat(out.Tokens.Data, out.Vector.Data, out.Logits.Data)
			if want == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("%s: bfloat16 and float32 differ", dir)
			}
		}
	}
}

// TestLimits states what models say of themselves.
func TestLimits(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	for _, c := range []struct {
		dir  string
		want arch.ImageLimits
	}{
		{"vit/gray", arch.ImageLimits{Channels: 1, Height: 12, Width: 12, Patch: 4, HiddenSize: 16, Dimensions: 10}},
		{"vit/imgcls", arch.ImageLimits{Channels: 3, Height: 8, Width: 12, Patch: 2, HiddenSize: 16, Dimensions: 16, Labels: []string{"L0", "L1", "L2"}}},
		{"dinov2/swiglu", arch.ImageLimits{Channels: 3, Height: 12, Width: 12, Patch: 4, AnySize: true, HiddenSize: 16, Dimensions: 16}},
		{"swin/absolute", arch.ImageLimits{Channels: 3, Height: 20, Width: 20, Patch: 1, HiddenSize: 16, Dimensions: 16}},
		{"clip/full", arch.ImageLimits{Channels: 3, Height: 12, Width: 12, Patch: 4, HiddenSize: 16, Dimensions: 10}},
		{"siglip/full", arch.ImageLimits{Channels: 3, Height: 12, Width: 12, Patch: 4, HiddenSize: 16, Dimensions: 16}},
	} {
		got := mustLoad(t, c.dir, x).(arch.ImageEncoder).ImageLimits()
		if labels := got.Labels; !slices.Equal(labels, c.want.Labels) {
			t.Errorf("%s: labels %q, want %q", c.dir, labels, c.want.Labels)
		}
		got.Labels, c.want.Labels = nil, nil
		if got.Channels != c.want.Channels || got.Height != c.want.Height || got.Width != c.want.Width || got.Patch != c.want.Patch ||
			got.AnySize != c.want.AnySize || got.HiddenSize != c.want.HiddenSize || got.Dimensions != c.want.Dimensions {
			t.Errorf("%s: %+v, want %+v", c.dir, got, c.want)
		}
	}
	clip, siglip := mustLoad(t, "clip/full", x).(arch.ImageTextEncoder), mustLoad(t, "siglip/full", x).(arch.ImageTextEncoder)
	if n, _, independent := clip.Match(); n <= 0 || independent || clip.PadTexts() != 0 {
		t.Errorf("CLIP: scale %g, independent %v, padded to %d", n, independent, clip.PadTexts())
	}
	if n, bias, independent := siglip.Match(); n <= 0 || bias == 0 || !independent || siglip.PadTexts() != 10 {
		t.Errorf("SigLIP: scale %g, bias %g, independent %v, padded to %d", n, bias, independent, siglip.PadTexts())
	}
}

// TestCheckImage asks for sizes that a model takes, and for those that EncodeImages would panic on.
func TestCheckImage(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	for _, c := range []struct {
		dir           string
		height, width int
		ok            bool
	}{
		{"vit/imgcls", 8, 12, true}, {"vit/imgcls", 12, 8, false}, {"dinov2/swiglu", 12, 12, true}, {"dinov2/swiglu", 40, 16, true},
		{"dinov2/swiglu", 3, 12, false}, {"dinov2/swiglu", 2000, 2000, false}, {"swin/absolute", 20, 20, true},
		{"swin/absolute", 3, 3, false}, {"clip/full", 12, 12, true}, {"clip/full", 16, 16, false},
	} {
		enc := mustLoad(t, c.dir, x).(arch.ImageEncoder)
		if err := enc.CheckImage(c.height, c.width); (err == nil) != c.ok {
			t.Errorf("%s: %d x %d pixels: error %v", c.dir, c.height, c.width, err)
		}
	}
}

// TestPairMatches compares the logits of Forward with those that come from EncodeImages, EncodeTexts and Match.
func TestPairMatches(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	for _, dir := range []string{"clip/full", "siglip/full"} {
		m := mustLoad(t, dir, x).(arch.ImageTextEncoder)
		pixels := photos(m.ImageLimits(), 2)
		ids := []int64{3, 9, 5, 3, 3, 8, 5, 3}
		if n := m.PadTexts(); n > 0 {
			ids = []int64{3, 9, 5, 3, 3, 8, 5, 3, 0, 0, 7, 8, 5, 0, 0, 0, 0, 0, 0, 0}
		}
		var ws tensor.Workspace
		out, err := m.Forward(&ws, map[string]tensor.Tensor{"pixel_values": pixels, "input_ids": tensor.FromInt64(ids, 2, len(ids)/2)},
			arch.ForwardOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var b arch.Batch
		for i := range 2 {
			var text []int32
			for _, id := range ids[i*len(ids)/2:][:len(ids)/2] {
				text = append(text, int32(id))
			}
			b.Append(text, nil, m.TextLimits().Rule)
		}
		texts := m.EncodeTexts(&ws, &b)
		images := m.EncodeImages(&ws, pixels).Vector
		x.L2Normalize(texts.Data, texts.Data, 2, texts.Cols(), 0)
		x.L2Normalize(images.Data, images.Data, 2, images.Cols(), 0)
		scale, bias, _ := m.Match()
		for i := range 2 {
			for j := range 2 {
				got, want := x.Dot(images.Row(i), texts.Row(j))*scale+bias, out["logits_per_image"].Row(i)[j]
				if d := got - want; d > 1e-4 || d < -1e-4 || want != out["logits_per_text"].Row(j)[i] {
					t.Errorf("%s: image %d and text %d: %g, Forward says %g", dir, i, j, got, want)
				}
			}
		}
		for _, one := range []map[string]tensor.Tensor{{"pixel_values": pixels}, {"input_ids": tensor.FromInt64(ids, 2, len(ids)/2)}} {
			alone, err := m.Forward(&ws, one, arch.ForwardOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for name, v := range alone {
				if !slices.Equal(v.Data, out[name].Data) {
					t.Errorf("%s: %s differs without the other input", dir, name)
				}
			}
		}
	}
}

// TestVector compares the vector of models that pool nothing with what it is said to be: the first token, or without one that
// stands for the image the mean of the patches.
func TestVector(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	for _, c := range []struct {
		dir  string
		mean bool
	}{{"vit/imgcls", false}, {"deit/teacher", false}, {"siglip/vision", true}} {
		m := mustLoad(t, c.dir, x).(arch.ImageEncoder)
		var ws tensor.Workspace
		out := m.EncodeImages(&ws, photos(m.ImageLimits(), 2))
		tokens := out.Tokens.NumRows() / 2
		for i := range 2 {
			for j, got := range out.Vector.Row(i) {
				want := float64(out.Tokens.Row(i * tokens)[j])
				if c.mean {
					want = 0
					for k := range tokens {
						want += float64(out.Tokens.Row(i*tokens + k)[j]) / float64(tokens)
					}
				}
				if math.Abs(float64(got)-want) > 1e-6 {
					t.Fatalf("%s: element %d of image %d is %g, want %g", c.dir, j, i, got, want)
				}
			}
		}
	}
}

func TestForwardErrors(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	pixels := func(shape ...int) map[string]tensor.Tensor {
		return map[string]tensor.Tensor{"pixel_values": tensor.New(shape...)}
	}
	yes := map[string]any{"interpolate_pos_encoding": true}
	for _, c := range []struct {
		dir    string
		inputs map[string]tensor.Tensor
		args   map[string]any
		want   string
	}{
		{"vit/gray", nil, nil, "pixel_values is missing"},
		{"vit/gray", pixels(1, 3, 12, 12), nil, "pixel_values has shape [1 3 12 12]; want [images, 1, height, width]"},
		{"vit/gray", pixels(1, 12, 12), nil, "pixel_values has shape [1 12 12]; want [images, 1, height, width]"},
		{"vit/gray", pixels(0, 1, 12, 12), nil, "pixel_values has shape [0 1 12 12]: there is nothing to do"},
		{"vit/gray", map[string]tensor.Tensor{"pixel_values": tensor.FromInt64(make([]int64, 144), 1, 1, 12, 12)}, nil, "pixel_values: type I64; want F32"},
		{"vit/gray", map[string]tensor.Tensor{"pixel_values": {DType: tensor.F32, Shape: []int{1, 1, 12, 12}}}, nil, "pixel_values: 0 bytes are not the elements"},
		{"vit/gray", map[string]tensor.Tensor{"pixel_values": tensor.New(1, 1, 12, 12), "input_ids": tensor.New(1)}, nil, `input "input_ids" is not known; the model takes pixel_values`},
		{"vit/gray", pixels(1, 1, 12, 16), nil, "an image of 12x16 pixels does not fit the model's 12x12; with interpolate_pos_encoding it would"},
		{"vit/gray", pixels(1, 1, 12, 12), map[string]any{"interpolate": true}, `argument "interpolate" is not known; the model takes interpolate_pos_encoding`},
		{"vit/gray", pixels(1, 1, 12, 12), map[string]any{"interpolate_pos_encoding": 1.0}, "argument interpolate_pos_encoding is 1; want true or false"},
		{"vit/gray", pixels(1, 1, 3, 12), yes, "an image of 3x12 pixels (height x width) is not supported; want 4x4 at least"},
		{"vit/gray", pixels(1, 1, 4, 20000), yes, "an image of 4x20000 pixels (height x width) is not supported"},
		{"vit/imgcls", pixels(1, 3, 8, 16), yes, "an image of 8x16 pixels does not fit"},
		{"siglip/vision", pixels(1, 3, 16, 12), nil, "an image of 16x12 pixels does not fit the model's 12x12; with interpolate_pos_encoding it would"},
		{"swin/imgcls", pixels(1, 3, 12, 12), nil, "an image of 12x12 pixels (height x width) is not supported; want 17x17 at least, that the last stage fills a window"},
		{"swin/absolute", pixels(1, 3, 24, 24), nil, "an image of 24x24 pixels does not fit the model's 20x20; with interpolate_pos_encoding it would"},
		{"swin/absolute", pixels(1, 3, 22, 24), yes, "the positions of 25 patches cannot be interpolated for an image of 22x24 pixels"},
		{"clip/full", nil, nil, "pixel_values and input_ids are missing"},
		{"clip/full", pixels(1, 3, 8, 8), nil, "an image of 8x8 pixels does not fit the model's 12x12"},
		{"clip/full", map[string]tensor.Tensor{"input_ids": tensor.FromInt64(make([]int64, 11), 1, 11)}, nil, "sequence 0 has 11 tokens; the model takes at most 10"},
		{"siglip/text", map[string]tensor.Tensor{"input_ids": tensor.FromInt64([]int64{60}, 1, 1)}, nil, "input_ids holds 60; the vocabulary has 60 tokens"},
	} {
		var ws tensor.Workspace
		_, err := mustLoad(t, c.dir, x).Forward(&ws, c.inputs, arch.ForwardOptions{Args: c.args})
		if c.dir == "vit/imgcls" { // its 12 positions are no square
			c.want = "the positions of 12 patches, which are no square, cannot be interpolated for an image of 8x16 pixels"
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.dir, err, c.want)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	x := kernels.New(nil, 1)
	defer x.Close()
	for _, c := range []struct{ dir, old, new, want string }{
		{"vit/gray", `"hidden_size": 16`, `"hidden_size": 15`, "config.json: hidden_size 15 is not a multiple of num_attention_heads 2"},
		{"vit/gray", `"patch_size": 4`, `"patch_size": 0`, "config.json: patch_size is 0; want 1 to 12"},
		{"vit/gray", `"patch_size": 4`, `"patch_size": "four"`, "config.json: a size is neither a number nor a list of two"},
		{"vit/gray", `"patch_size": 4`, `"patch_size": [4, 4, 4]`, "config.json: a size is neither a number nor a list of two"},
		{"vit/gray", `"hidden_act": "relu"`, `"hidden_act": "rule"`, `config.json: hidden_act: the activation "rule" is not supported; supported are gelu,`},
		{"vit/gray", `"pooler_act": "relu"`, `"pooler_act": "rule"`, `config.json: pooler_act: the activation "rule" is not supported`},
		{"vit/gray", `ViTModel`, `ViTForMaskedImageModeling`, "config.json: the class ViTForMaskedImageModeling is not supported; of its kind, the base model"},
		{"vit/gray", `"num_hidden_layers": 2`, `"num_hidden_layers": 1`, "loader: model.safetensors does not fit the model (13 unused)"},
		{"vit/gray", `"layer_norm_eps": 1e-12`, `"layer_norm_eps": -1`, "config.json: layer_norm_eps is -1; want 0 to 1"},
		{"dinov3_vit/gated", `"num_attention_heads": 2`, `"num_attention_heads": 8`, "config.json: 2 elements a head; want a multiple of 4"},
		{"dinov2/swiglu", `"mlp_ratio": 2`, `"mlp_ratio": -2`, "config.json: intermediate_size is 0; want 1 to 1048576"},
		{"swin/imgcls", `"window_size": 3`, `"window_size": 0`, "config.json: window_size is 0; want 1 to 64"},
		{"swin/imgcls", `"mlp_ratio": 1.5`, `"mlp_ratio": 0`, "config.json: stage 0 has 2 layers of 8 channels, 1 heads and mlp_ratio 0, which do not go together"},
		{"vit/imgcls", `"1": "L1"`, `"3": "L1"`, "config.json: id2label has 3 labels, but none for 1"},
		{"swin/imgcls", `"0": "`, `"7": "`, "config.json: id2label has 3 labels, but none for 0"},
		{"clip/full", `"projection_dim": 10,`, `"projection_dim": 0,`, "config.json: projection_dim is 0; want 1 to 1048576"},
		{"siglip/full", `"projection_size": 16`, `"projection_size": 12`, "config.json: vectors of images of 16 and of texts of 12 elements (vision_use_head: true) cannot be compared"},
		{"clip/text", `CLIPTextModel`, `CLIPModel`, "config.json: the class CLIPModel is not supported; of its kind, the text model and that with a projection are"},
	} {
		_, err := load(t, c.dir, x, func(s string) string {
			if !strings.Contains(s, c.old) {
				t.Fatalf("%s: config.json does not hold %s", c.dir, c.old)
			}
			return strings.ReplaceAll(s, c.old, c.new)
		})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.dir, err, c.want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	for _, family := range []string{"vit", "deit", "dinov*", "beit", "swin", "clip", "siglip"} {
		paths, err := filepath.Glob(filepath.Join(models, family, "*", "config.json"))
		if err != nil || len(paths) == 0 {
			f.Fatal("no configs: ", family, err)
		}
		for _, p := range paths {
			text, err := os.ReadFile(p)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := arch.ParseConfig(text)
		if err != nil {
			return
		}
		check := func(cfg *config, err error) {
			if err == nil && (cfg.HiddenSize%cfg.Heads != 0 || cfg.Patch.H < 1 || cfg.Patch.W > cfg.Image.W || len(cfg.labels) < 1) {
				t.Errorf("%+v", cfg)
			} else if err != nil && !strings.HasPrefix(err.Error(), "config.json: ") {
				t.Error(err)
			}
		}
		for _, f := range families {
			check(readConfig(c, f))
		}
		check(readConfig(c, swinFamily))
		for _, f := range pairs {
			if v, text, err := towers(c, f); err == nil {
				check(v, nil)
				check(text, nil)
			}
		}
	})
}
