package imageproc

import (
	"bytes"
	"fmt"
	stdjpeg "image/jpeg"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/godwit-ml/godwit/internal/parallel"
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

// TestManyThreads resizes on more threads than there are cores or rows: the pixels are those of one thread, and the memory does
// not grow with the threads that may take part.
func TestManyThreads(t *testing.T) {
	was := pool
	defer func() { pool = was }()
	use := func(threads int) {
		p := parallel.New(threads)
		t.Cleanup(p.Close)
		pool = func() *parallel.Pool { return p }
	}
	rng := rand.New(rand.NewPCG(1, 9))
	for _, channels := range []int{1, 3, 4} {
		src := noise(rng, 3000, 31, channels, false)
		for _, size := range [][2]int{{700, 31}, {701, 15}, {2999, 1}, {3000, 100}} {
			var want Image
			use(1)
			resizeWindow(&want, src, size[0], size[1], Lanczos, Pillow, window{0, 0, size[0], size[1]}, new(scratch))
			for _, threads := range []int{7, 200} {
				got := Image{Pix: make([]byte, len(want.Pix))}
				use(threads)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				resizeWindow(&got, src, size[0], size[1], Lanczos, Pillow, window{0, 0, size[0], size[1]}, new(scratch))
				runtime.ReadMemStats(&after)
				what := fmt.Sprintf("%d channels to %v on %d threads", channels, size, threads)
				if !bytes.Equal(got.Pix, want.Pix) {
					t.Errorf("%s: other pixels than on one", what)
				}
				if n := after.TotalAlloc - before.TotalAlloc; simd && channels == 3 && n > 3<<20 {
					t.Errorf("%s: %d bytes are allocated", what, n)
				}
			}
		}
	}
}

// TestConcurrent processes images of several sizes from several goroutines at once by one processor.
func TestConcurrent(t *testing.T) {
	p, err := Parse([]byte(`{"image_processor_type": "CLIPImageProcessor", "size": 40, "crop_size": 32}`))
	if err != nil {
		t.Fatal(err)
	}
	var images [3]Image
	var want [3][]float32
	for i := range images {
		m, _ := photo(90+31*i, 70)
		if err := FromImage(&images[i], m, Options{}); err != nil {
			t.Fatal(err)
		}
		want[i] = make([]float32, 3*32*32)
		if err := p.Process(want[i], &images[i]); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got := make([]float32, 3*32*32)
			for n := range 30 {
				i := n % len(images)
				if err := p.Process(got, &images[i]); err != nil || !slices.Equal(got, want[i]) {
					t.Errorf("image %d: its pixels differ, %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
