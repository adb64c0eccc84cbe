package imageproc

import (
	"bytes"
	stdjpeg "image/jpeg"
	"runtime"
	"testing"
)

// TestThreads decodes an image that is large enough for two threads on one and on two: the pixels are the same, and an image
// that is cut short is an error on both.
func TestThreads(t *testing.T) {
	m, _ := photo(701, 503)
	var file bytes.Buffer
	if err := stdjpeg.Encode(&file, m, nil); err != nil {
		t.Fatal(err)
	}
	var images [2]Image
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for i := range images {
		runtime.GOMAXPROCS(i + 1)
		if err := Decode(&images[i], file.Bytes(), Options{}); err != nil {
			t.Fatal(err)
		}
		for n := 700; n < file.Len(); n += file.Len() / 9 {
			var short Image
			if err := Decode(&short, file.Bytes()[:n], Options{}); err == nil || err.Error() != "imageproc: JPEG: the file is cut short" {
				t.Errorf("%d threads, %d of %d bytes: %v", i+1, n, file.Len(), err)
			}
		}
	}
	if !bytes.Equal(images[0].Pix, images[1].Pix) {
		t.Error("two threads give other pixels than one")
	}
}
