package imageproc

import (
	"bytes"
	"errors"
	"fmt"
	stdjpeg "image/jpeg"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// TestProcessFile compares ProcessFile with Decode and Process, for images of all kinds and one that two threads decode.
func TestProcessFile(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "cases", "src", "*"))
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, n := range names {
		files[filepath.Base(n)] = source(t, filepath.Base(n))
	}
	m, _ := photo(701, 503)
	var file bytes.Buffer
	if err := stdjpeg.Encode(&file, m, nil); err != nil {
		t.Fatal(err)
	}
	files["photo"], files["cut"] = file.Bytes(), file.Bytes()[:file.Len()/2]
	for _, threads := range []int{1, 2} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		for _, config := range []string{
			`{"image_processor_type": "ViTImageProcessor", "size": {"height": 12, "width": 15}}`,
			`{"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 11}, "crop_size": {"height": 7, "width": 20}}`,
			`{"image_processor_type": "SiglipImageProcessor", "size": {"height": 9, "width": 40}}`,
			`{"image_processor_type": "ViTImageProcessor", "size": [8, 6], "do_pad": true, "pad_size": {"height": 10, "width": 9}}`,
			`{"image_processor_type": "ViTImageProcessor", "size": 20, "resample": 0}`,
			`{"image_processor_type": "CLIPImageProcessor", "do_resize": false, "crop_size": 9}`,
			`{"image_processor_type": "DINOv3ViTImageProcessorFast", "size": {"height": 12, "width": 15}}`,
		} {
			for _, backend := range []Backend{Pillow, Torchvision} {
				p, err := Parse([]byte(config))
				if err != nil {
					t.Fatal(err)
				}
				if p, err = p.WithBackend(backend); err != nil {
					continue // DINOv3 has one
				}
				for name, data := range files {
					for _, white := range []bool{false, true} {
						checkFile(t, fmt.Sprintf("%s %s, threads %d, backend %v, white %v", name, config, threads, backend, white), p, data, Options{White: white})
					}
				}
			}
		}
	}
}

func checkFile(t *testing.T, what string, p *Processor, data []byte, o Options) {
	t.Helper()
	var img Image
	wantErr := Decode(&img, data, o)
	var want, got []float32
	if wantErr == nil {
		h, w, err := p.Shape(img.Width, img.Height)
		if wantErr = err; err == nil {
			want = make([]float32, 3*h*w)
			wantErr = p.Process(want, &img)
		}
	}
	var keep Image
	err := p.ProcessFile(data, o, &keep, func(h, w int) ([]float32, error) {
		got = make([]float32, 3*h*w)
		for i := range got {
			got[i] = 42 // what is there before does not show
		}
		return got, nil
	})
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Errorf("%s: error %v, want %v", what, err, wantErr)
	} else if err == nil && !slices.Equal(got, want) {
		t.Errorf("%s: other values", what)
	}
}

// TestProcessFileRoom has room fail, and give too little.
func TestProcessFileRoom(t *testing.T) {
	p, err := Parse([]byte(`{"image_processor_type": "ViTImageProcessor", "size": 8}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"s2q75b.jpg", "rgb.png"} {
		var keep Image
		none := errors.New("no room")
		err := p.ProcessFile(source(t, name), Options{}, &keep, func(int, int) ([]float32, error) { return nil, none })
		if !errors.Is(err, none) {
			t.Errorf("%s: %v", name, err)
		}
		err = p.ProcessFile(source(t, name), Options{}, &keep, func(int, int) ([]float32, error) { return make([]float32, 5), nil })
		if want := "imageproc: there is room for 5 numbers, but the image gives 3 x 8 x 8"; err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
