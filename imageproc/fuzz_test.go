package imageproc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fuzzDecode decodes what a fuzzer makes of the files with an ending: there may be an error of one line, or an image that is
// consistent and within the limits, and nothing else.
func fuzzDecode(f *testing.F, ending, name string) {
	files, err := filepath.Glob(filepath.Join("testdata", "cases", "src", "*"+ending))
	if err != nil || len(files) == 0 {
		f.Fatalf("no files %s: %v", ending, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if sniff(data) != name {
			return
		}
		for _, white := range []bool{false, true} {
			var m Image
			err := Decode(&m, data, Options{MaxPixels: 1 << 19, White: white})
			if err != nil {
				if text := err.Error(); strings.Contains(text, "decoder failed") || strings.Contains(text, "\n") ||
					!strings.HasPrefix(text, "imageproc: "+name+": ") {
					t.Fatal(err)
				}
				continue
			}
			if err := m.check(); err != nil || m.Channels != 3 || m.Width*m.Height > 1<<19 {
				t.Fatalf("%dx%d: %v", m.Width, m.Height, err)
			}
		}
	})
}

func FuzzJPEG(f *testing.F) { fuzzDecode(f, ".jpg", "JPEG") }
func FuzzPNG(f *testing.F)  { fuzzDecode(f, ".png", "PNG") }
func FuzzGIF(f *testing.F)  { fuzzDecode(f, ".gif", "GIF") }
func FuzzWebP(f *testing.F) { fuzzDecode(f, ".webp", "WebP") }
func FuzzBMP(f *testing.F)  { fuzzDecode(f, ".bmp", "BMP") }
func FuzzTIFF(f *testing.F) { fuzzDecode(f, ".tiff", "TIFF") }

// FuzzProcessor reads what a fuzzer makes of configurations, and processes an image with those that are right.
func FuzzProcessor(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "processors", "*", "preprocessor_config.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, 7, 5)
	}
	f.Fuzz(func(t *testing.T, config []byte, width, height int) {
		p, err := Parse(config)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %v", err)
			}
			return
		}
		width, height = 1+width&63, 1+height&63
		h, w, err := p.Shape(width, height)
		if err != nil || h > 1<<18/w {
			return
		}
		img := Image{Width: width, Height: height, Channels: 3, Pix: make([]byte, width*height*3)}
		if err := p.Process(make([]float32, 3*h*w), &img); err != nil {
			t.Fatal(err)
		}
	})
}
