package imageproc

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A tensor is one of a safetensors file.
type goldenTensor struct {
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
	Span  [2]int `json:"data_offsets"`
	data  []byte
}

func (t goldenTensor) floats() []float32 {
	out := make([]float32, len(t.data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.data[4*i:]))
	}
	return out
}

// image returns a tensor [H,W] or [H,W,C] as an image.
func (t goldenTensor) image() *Image {
	c := 1
	if len(t.Shape) == 3 {
		c = t.Shape[2]
	}
	return &Image{Width: t.Shape[1], Height: t.Shape[0], Channels: c, Pix: t.data}
}

// readGolden reads a safetensors file that a script of ours wrote.
func readGolden(t testing.TB, path string) map[string]goldenTensor {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(b)
	header, data := b[8:8+n], b[8+n:]
	var m map[string]goldenTensor
	if err := json.Unmarshal(header, &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range m {
		v.data = data[v.Span[0]:v.Span[1]]
		m[k] = v
	}
	return m
}

// goldenDirs are the folders with reference data: our own, and that of GODWIT_GOLDEN.
func goldenDirs() []string {
	dirs := []string{"testdata"}
	if d := os.Getenv("GODWIT_GOLDEN"); d != "" {
		dirs = append(dirs, filepath.Join(d, "images"))
	}
	return dirs
}

func eachGolden(t *testing.T, test func(t *testing.T, dir string)) {
	for _, d := range goldenDirs() {
		t.Run(filepath.Base(d), func(t *testing.T) { test(t, d) })
	}
}

// TestResizeGolden compares resizes with Pillow's, byte for byte. Tensors are named image|source, or image|filter|WxH.
func TestResizeGolden(t *testing.T) {
	names := map[string]Filter{}
	for f := range filters {
		names[Filter(f).String()] = Filter(f)
	}
	eachGolden(t, func(t *testing.T, dir string) {
		tensors := readGolden(t, filepath.Join(dir, "cases", "pil_resize.safetensors"))
		decoded := readGolden(t, filepath.Join(dir, "cases", "decoded.safetensors"))
		n := 0
		for _, key := range slices.Sorted(maps.Keys(tensors)) {
			parts := strings.Split(key, "|")
			if len(parts) != 3 {
				continue
			}
			source, ok := tensors[parts[0]+"|source"]
			if !ok {
				source, ok = decoded[parts[0]]
			}
			f, known := names[parts[1]]
			w, h, _ := strings.Cut(parts[2], "x")
			width, _ := strconv.Atoi(w)
			height, _ := strconv.Atoi(h)
			if !ok || !known {
				t.Errorf("%s: no such source or filter", key)
				continue
			}
			var got Image
			if err := Resize(&got, source.image(), width, height, f); err != nil {
				t.Errorf("%s: %v", key, err)
				continue
			}
			if want := tensors[key]; !slices.Equal([]int{got.Height, got.Width}, want.Shape[:2]) || !bytes.Equal(got.Pix, want.data) {
				t.Errorf("%s: %dx%d, pixels differ by up to %d", key, got.Width, got.Height, maxDiff(got.Pix, want.data))
			}
			n++
		}
		t.Logf("%d resizes equal", n)
	})
}

func maxDiff(a, b []byte) int {
	d := 0
	for i := range min(len(a), len(b)) {
		d = max(d, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return d
}

// A processorCase is an entry of cases.json.
type processorCase struct {
	Processor, Image, Input, Key string
	Shape                        []int
}

func readCases(t testing.TB, dir string) []processorCase {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "cases", "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Cases []processorCase }
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c.Cases
}

// TestProcessGolden compares pixel_values with those of Transformers, which they equal. Processors whose names end with _torchvision
// have that backend.
func TestProcessGolden(t *testing.T) {
	eachGolden(t, func(t *testing.T, dir string) {
		decoded := readGolden(t, filepath.Join(dir, "cases", "decoded.safetensors"))
		tensors := readGolden(t, filepath.Join(dir, "cases", "processors.safetensors"))
		for _, c := range readCases(t, dir) {
			p, err := Open(os.DirFS(filepath.Join(dir, "processors", c.Processor)))
			if err != nil {
				t.Errorf("%s: %v", c.Processor, err)
				continue
			}
			if strings.HasSuffix(c.Processor, "_torchvision") {
				if p, err = p.WithBackend(Torchvision); err != nil {
					t.Errorf("%s: %v", c.Processor, err)
					continue
				}
			}
			img := new(Image)
			if c.Input == "decoded" {
				img = decoded[c.Image].image()
			} else if data, err := os.ReadFile(filepath.Join(dir, "cases", "src", c.Image)); err != nil {
				t.Error(err)
				continue
			} else if err := Decode(img, data, Options{White: c.Input != "loaded"}); err != nil {
				t.Errorf("%s: %v", c.Key, err)
				continue
			}
			h, w, err := p.Shape(img.Width, img.Height)
			if err != nil || !slices.Equal(c.Shape, []int{3, h, w}) {
				t.Errorf("%s: shape %dx%d, %v, want %v", c.Key, h, w, err, c.Shape)
				continue
			}
			got := make([]float32, 3*h*w)
			if err := p.Process(got, img); err != nil {
				t.Errorf("%s: %v", c.Key, err)
				continue
			}
			for i, v := range tensors[c.Key].floats() {
				if v != got[i] {
					t.Errorf("%s: value %d is %v, want %v", c.Key, i, got[i], v)
					break
				}
			}
		}
	})
}

// TestDecodeGolden compares decoded images with Pillow's, byte for byte: as load_image has them, and, named image|white, as
// do_convert_rgb has them.
func TestDecodeGolden(t *testing.T) {
	eachGolden(t, func(t *testing.T, dir string) {
		tensors := readGolden(t, filepath.Join(dir, "cases", "decoded.safetensors"))
		t.Logf("%d images", len(tensors))
		for key, want := range tensors {
			name, white := strings.CutSuffix(key, "|white")
			data, err := os.ReadFile(filepath.Join(dir, "cases", "src", name))
			if err != nil {
				t.Error(err)
				continue
			}
			ways := []bool{white}
			if _, twice := tensors[key+"|white"]; !white && !twice && dir == "testdata" && !strings.HasSuffix(name, ".jpg") {
				ways = []bool{false, true} // both are the same
			}
			for _, white := range ways {
				var got Image
				if err := Decode(&got, data, Options{White: white}); err != nil {
					t.Errorf("%s: %v", key, err)
					continue
				}
				if !slices.Equal(want.Shape, []int{got.Height, got.Width, 3}) || !bytes.Equal(got.Pix, want.data) {
					t.Errorf("%s: %dx%d, want %v, pixels differ by up to %d", key, got.Width, got.Height, want.Shape, maxDiff(got.Pix, want.data))
				}
			}
		}
	})
}
