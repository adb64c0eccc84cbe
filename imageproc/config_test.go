package imageproc

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"io/fs"
	"testing"
	"testing/fstest"
)

// TestConfigErrors asserts what a user reads of a configuration that cannot be used.
func TestConfigErrors(t *testing.T) {
	for _, tt := range []struct{ config, want string }{
		{`[]`, "it is a JSON array"},
		{`{}`, "it has no image_processor_type"},
		{`{"feature_extractor_type": "WhisperFeatureExtractor"}`, `feature_extractor_type "WhisperFeatureExtractor" is not supported; supported are BeitImageProcessor, ` +
			"BitImageProcessor, BlipImageProcessor, CLIPImageProcessor, ChineseCLIPImageProcessor, ConvNextImageProcessor, DINOv3ViTImageProcessor, DeiTImageProcessor, " +
			"MobileNetV1ImageProcessor, PvtImageProcessor, SiglipImageProcessor, ViTImageProcessor"},
		{`{"image_processor_type": "ViTImageProcessor", "do_pad": true, "pad_size": {"shortest_edge": 9}}`, "pad_size must have height and width"},
		{`{"image_processor_type": "ViTImageProcessorFast", "resample": 5}`, "the backend torchvision has no filter hamming"},
		{`{"image_processor_type": "ViTImageProcessor", "do_resize": "yes"}`, `do_resize is "yes", must be true or false`},
		{`{"image_processor_type": "ViTImageProcessor", "size": null}`, "size is null, but it is needed"},
		{`{"image_processor_type": "ViTImageProcessor", "size": {}}`, "size is {}, must not be empty"},
		{`{"image_processor_type": "ViTImageProcessor", "size": "224"}`, `size is "224", must be a number, a list of height and width, or an object`},
		{`{"image_processor_type": "ViTImageProcessor", "size": [1, 2, 3]}`, "size is [1,2,3], must be height and width"},
		{`{"image_processor_type": "ViTImageProcessor", "size": 99999}`, "size is 99999, must be from 1 to 32768"},
		{`{"image_processor_type": "ViTImageProcessor", "size": {"longest_edge": 9}}`, "size must have height and width, shortest_edge, or max_height and max_width"},
		{`{"image_processor_type": "ViTImageProcessor", "size": {"max_pixels": 9}}`, `size is {"max_pixels":9}, and "max_pixels" is not supported`},
		{`{"image_processor_type": "ViTImageProcessor", "do_center_crop": true}`, "there is no crop_size"},
		{`{"image_processor_type": "CLIPImageProcessor", "crop_size": {"shortest_edge": 9}}`, "crop_size must have height and width"},
		{`{"image_processor_type": "ViTImageProcessor", "resample": 8}`, "resample is 8, must be a filter's number, 0 to 7"},
		{`{"image_processor_type": "ViTImageProcessor", "rescale_factor": "x"}`, `rescale_factor is "x", must be a number`},
		{`{"image_processor_type": "ViTImageProcessor", "image_mean": [0.5, 0.5]}`, "image_mean is [0.5,0.5], must be 3 numbers, or one for all"},
		{`{"image_processor_type": "ViTImageProcessor", "image_std": 0}`, "image_std holds 0"},
		{`{"image_processor_type": "ConvNextImageProcessor", "size": {"height": 3, "width": 3}}`, "size must have shortest_edge"},
		{`{"image_processor_type": "ConvNextImageProcessor", "size": 224, "crop_pct": 0}`, "crop_pct is 0: the shortest edge to resize to would not be from 1 to 32768"},
	} {
		_, err := Parse([]byte(tt.config))
		if want := "imageproc: the configuration: " + tt.want; err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.config, err, want)
		}
	}
}

// TestOpen finds the class of a configuration without one in config.json, and says what is missing.
func TestOpen(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	p, err := Open(fstest.MapFS{"preprocessor_config.json": file(`{"size": 30}`), "config.json": file(`{"model_type": "dinov2"}`)})
	if err != nil || p.Class() != "Bit" {
		t.Fatalf("%v, %v", p, err)
	}
	if h, w, err := p.Shape(50, 80); h != 224 || w != 224 || err != nil {
		t.Errorf("%dx%d, %v", h, w, err)
	}
	if _, err := Open(fstest.MapFS{"processor_config.json": file(`{"processor_class": "CLIPProcessor"}`)}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	p, err = Parse([]byte(`{"image_processor_type": "ViTImageProcessor", "size": {"max_height": 20, "max_width": 20}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Shape(1000, 3); err == nil || err.Error() != "imageproc: an image of 1000x3 pixels would be resized to 20x0" {
		t.Error(err)
	}
}

// TestBackend takes the backend from the class, changes it, and says what a backend lacks.
func TestBackend(t *testing.T) {
	for class, want := range map[string]Backend{"ViTImageProcessor": Pillow, "ViTImageProcessorPil": Pillow, "ViTImageProcessorFast": Torchvision,
		"DINOv3ViTImageProcessor": Torchvision} {
		p, err := Parse([]byte(`{"image_processor_type": "` + class + `", "resample": 2}`))
		if err != nil || p.Backend() != want {
			t.Errorf("%s: %v, %v", class, p, err)
			continue
		}
		if q, err := p.WithBackend(Torchvision); err != nil || q.Backend() != Torchvision {
			t.Errorf("%s: %v, %v", class, q, err)
		}
		if p.Backend() != want {
			t.Errorf("%s: the processor itself was changed", class)
		}
		_, err = p.WithBackend(Pillow)
		if class == "DINOv3ViTImageProcessor" {
			if err == nil || err.Error() != "imageproc: DINOv3ViTImageProcessor has no backend pil" {
				t.Error(err)
			}
		} else if err != nil {
			t.Error(err)
		}
	}
	for _, b := range []Backend{Pillow, Torchvision} {
		if got, err := ParseBackend(b.String()); err != nil || got != b {
			t.Errorf("%v: %v, %v", b, got, err)
		}
	}
	if _, err := ParseBackend("fast"); err == nil || err.Error() != `imageproc: backend "fast" is not known; known are pil and torchvision` {
		t.Error(err)
	}
	p, err := Parse([]byte(`{"image_processor_type": "DINOv3ViTImageProcessor"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Shape(1, 1<<20); err == nil ||
		err.Error() != "imageproc: an image of 1x1048576 pixels would be resized to 224x224 by way of 224x1048576, more than 89478485 pixels" {
		t.Error(err)
	}
	p, err = Parse([]byte(`{"image_processor_type": "ViTImageProcessor", "size": [20, 30], "do_pad": true, "pad_size": [25, 25]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Shape(9, 9); err == nil || err.Error() != "imageproc: an image of 9x9 pixels would be resized to 30x20, larger than pad_size, 25x25" {
		t.Error(err)
	}
}

// TestLimits checks the limits that a caller sets, and images that are not files.
func TestLimits(t *testing.T) {
	data := source(t, "rgb.png")
	_, err := Load(bytes.NewReader(data), Options{MaxBytes: 100})
	if err == nil || err.Error() != "imageproc: the image has more than 100 bytes" {
		t.Error(err)
	}
	_, err = Load(bytes.NewReader(data), Options{MaxPixels: 31*23 - 1})
	if err == nil || err.Error() != "imageproc: PNG: the header says 31x23 pixels, more than the limit of 712" {
		t.Error(err)
	}
	if m, err := Load(bytes.NewReader(data), Options{MaxPixels: 31 * 23, MaxBytes: int64(len(data))}); err != nil || m.Width != 31 {
		t.Error(err)
	}
	src := image.NewNRGBA64(image.Rect(5, 5, 7, 6))
	src.Set(5, 5, color.NRGBA64{0x1234, 0xabcd, 0, 0xffff})
	src.Set(6, 5, color.NRGBA64{0xffff, 0, 0, 0})
	var m Image
	for white, want := range map[bool][]byte{false: {0x12, 0xab, 0, 0xff, 0, 0}, true: {0x12, 0xab, 0, 255, 255, 255}} {
		if err := FromImage(&m, src.SubImage(src.Rect), Options{White: white}); err != nil || !bytes.Equal(m.Pix, want) {
			t.Errorf("white %v: %v, %v", white, m.Pix, err)
		}
	}
	for _, c := range []struct {
		m    image.Image
		want string
	}{
		{image.NewGray(image.Rect(0, 0, 0, 5)), "imageproc: an image has 0x5 pixels: there must be some, and not more than 11"},
		{image.NewGray(image.Rect(0, 0, 3, 4)), "imageproc: an image has 3x4 pixels: there must be some, and not more than 11"},
	} {
		if err := FromImage(&m, c.m, Options{MaxPixels: 11}); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if err := Resize(&m, &Image{Width: 2, Height: 1, Channels: 3, Pix: make([]byte, 5)}, 3, 3, Box); err == nil {
		t.Error("an image without all of its pixels is no error")
	}
}
