package imageproc

import (
	"bytes"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"testing"

	"github.com/godwit-ml/godwit/internal/race"
)

// photo returns an image with edges, gradients and noise, as an image.Image and as RGB.
func photo(width, height int) (image.Image, *Image) {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	state := uint32(1)
	for y := range height {
		for x := range width {
			state = state*1664525 + 1013904223
			noise := int(state >> 28)
			v := (x*255/width + y/7%64 + (x/97+y/131)%5*20 + noise) & 255
			m.SetNRGBA(x, y, color.NRGBA{byte(v), byte((v + x/16) & 255), byte((v*3/4 + y/32) & 255), 255})
		}
	}
	var rgb Image
	convert(&rgb, m, false, false)
	return m, &rgb
}

// BenchmarkResize resizes a photo of 12 megapixels to what models take.
func BenchmarkResize(b *testing.B) {
	_, img := photo(4000, 3000)
	for _, f := range []Filter{Bilinear, Bicubic, Lanczos} {
		for _, size := range []int{224, 384} {
			b.Run("filter="+f.String()+"/to="+number(size), func(b *testing.B) {
				b.SetBytes(int64(img.Width * img.Height)) // MB/s are megapixels
				var dst Image
				for range b.N {
					if err := Resize(&dst, img, size, size, f); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkDecodeJPEG decodes a photo of 12 megapixels, 4:2:0.
func BenchmarkDecodeJPEG(b *testing.B) {
	m, _ := photo(4000, 3000)
	var file bytes.Buffer
	if err := stdjpeg.Encode(&file, m, &stdjpeg.Options{Quality: 90}); err != nil {
		b.Fatal(err)
	}
	b.Run("impl=imageproc", func(b *testing.B) {
		b.SetBytes(12e6)
		var dst Image
		for range b.N {
			if err := Decode(&dst, file.Bytes(), Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("impl=image.jpeg", func(b *testing.B) {
		b.SetBytes(12e6)
		for range b.N {
			if _, err := stdjpeg.Decode(bytes.NewReader(file.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkProcess makes pixel_values of a decoded photo of 12 megapixels.
func BenchmarkProcess(b *testing.B) {
	_, img := photo(4000, 3000)
	p, err := Parse([]byte(`{"image_processor_type": "CLIPImageProcessor"}`))
	if err != nil {
		b.Fatal(err)
	}
	h, w, err := p.Shape(img.Width, img.Height)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, 3*h*w)
	b.SetBytes(12e6)
	for range b.N {
		if err := p.Process(dst, img); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAllocs checks that a processor allocates nothing once it has seen a size.
func TestAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	_, img := photo(120, 90)
	for name := range classes {
		p, err := Parse([]byte(`{"image_processor_type": "` + name + `ImageProcessor"}`))
		if err != nil {
			t.Fatal(err)
		}
		h, w, err := p.Shape(img.Width, img.Height)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]float32, 3*h*w)
		if n := testing.AllocsPerRun(10, func() {
			if err := p.Process(dst, img); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
