package godwit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	_ "github.com/godwit-ml/godwit/models/digits"
	"github.com/godwit-ml/godwit/tensor"
)

// meanColour is a model of images that shows what the tasks do around a model: its vector is the mean of each colour, and its
// logits are that of the image, and what it is told by config.json.
type meanColour struct {
	x      *kernels.Exec
	limits arch.ImageLimits
	// batches counts the calls, most the images of the largest one.
	batches, most *atomic.Int64
}

func (m *meanColour) Forward(*tensor.Workspace, map[string]tensor.Tensor, arch.ForwardOptions) (map[string]tensor.Tensor, error) {
	return nil, errors.New("not made for that")
}

func (m *meanColour) ImageLimits() arch.ImageLimits { return m.limits }

func (m *meanColour) CheckImage(height, width int) error {
	if height*width == 12*12 {
		return errors.New("twelve by twelve is too much")
	}
	return nil
}

func (m *meanColour) EncodeImages(ws *tensor.Workspace, pixels tensor.Tensor) arch.ImageOutput {
	n := pixels.Shape[0]
	m.batches.Add(1)
	m.most.Store(max(m.most.Load(), int64(n)))
	out := arch.ImageOutput{Vector: ws.Tensor(n, 3), Logits: ws.Tensor(n, len(m.limits.Labels))}
	plane := pixels.Shape[2] * pixels.Shape[3]
	for i := range n {
		for c := range 3 {
			var sum float32
			for _, v := range pixels.Data[(i*3+c)*plane:][:plane] {
				sum += v
			}
			out.Vector.Row(i)[c] = sum / float32(plane)
		}
		for j := range m.limits.Labels {
			out.Logits.Row(i)[j] = out.Vector.Row(i)[j%3]
		}
	}
	return out
}

var (
	batches, largest atomic.Int64
)

func init() {
	arch.Register("meancolour", func(c *arch.Config, _ *loader.Weights, x *kernels.Exec) (arch.Model, error) {
		m := &meanColour{x: x, batches: &batches, most: &largest}
		var size struct {
			Size int  `json:"size"`
			Any  bool `json:"any"`
			// Channels is 3 unless config.json says otherwise.
			Channels int `json:"num_channels"`
		}
		size.Channels = 3
		if err := c.Decode(&size); err != nil {
			return nil, err
		}
		m.limits = arch.ImageLimits{Channels: size.Channels, Height: size.Size, Width: size.Size, Patch: 4, AnySize: size.Any,
			HiddenSize: 3, Dimensions: 3}
		for i := range len(c.ID2Label) {
			m.limits.Labels = append(m.limits.Labels, c.ID2Label[fmt.Sprint(i)])
		}
		return m, nil
	})
}

const (
	colours  = `{"model_type":"meancolour","size":8,"id2label":{"0":"red","1":"green","2":"blue"}`
	identity = `{"image_processor_type":"ViTImageProcessor","size":8,"do_normalize":false}`
)

// openColours opens a meanColour model.
func openColours(t testing.TB, config, processor string, opts ...godwit.Option) *godwit.Model {
	t.Helper()
	var weights bytes.Buffer
	if err := loader.Write(&weights, map[string]tensor.Tensor{"w": tensor.New(1)}, nil); err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"config.json": {Data: []byte(config + "}")}, "model.safetensors": {Data: weights.Bytes()}}
	if processor != "" {
		files["preprocessor_config.json"] = &fstest.MapFile{Data: []byte(processor)}
	}
	m, err := godwit.OpenFS(files, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// filled returns an image of one colour.
func filled(width, height int, c color.Color) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, c)
		}
	}
	return m
}

// encode returns an image as PNG.
func encode(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestImageOrder gives images of every source and many sizes, and expects each result in its place, whatever the batch and the
// number of threads.
func TestImageOrder(t *testing.T) {
	dir := t.TempDir()
	var images []godwit.Image
	var want [][]float32
	for i := range 37 {
		c := color.NRGBA{uint8(7 * i), uint8(255 - 5*i), uint8(3 * i), 255}
		m := filled(9+i%5, 8+i%7, c)
		switch i % 4 {
		case 0:
			path := filepath.Join(dir, fmt.Sprintf("%02d.png", i))
			if err := os.WriteFile(path, encode(t, m), 0o600); err != nil {
				t.Fatal(err)
			}
			images = append(images, godwit.ImageFile(path))
		case 1:
			images = append(images, godwit.ImageBytes("bytes", encode(t, m)))
		case 2:
			images = append(images, godwit.ImageOf(m))
		case 3:
			images = append(images, godwit.ImageReader("a stream", iotest.HalfReader(bytes.NewReader(encode(t, m)))))
		}
		want = append(want, []float32{float32(c.R) / 255, float32(c.G) / 255, float32(c.B) / 255})
	}
	for _, threads := range []int{1, 2, 5} {
		m := openColours(t, colours, identity, godwit.WithThreads(threads))
		for _, batch := range []int{1, 3, 8, 100} {
			for i := range images { // streams are read once
				if i%4 == 3 {
					c := color.NRGBA{uint8(7 * i), uint8(255 - 5*i), uint8(3 * i), 255}
					images[i] = godwit.ImageReader("a stream", iotest.HalfReader(bytes.NewReader(encode(t, filled(10, 10, c)))))
				}
			}
			largest.Store(0)
			var done []int
			vecs, err := m.EmbedImages(t.Context(), images, godwit.WithImageBatch(batch),
				godwit.WithImageProgress(func(n int) { done = append(done, n) }))
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range vecs {
				for c := range v {
					if d := v[c] - want[i][c]; d > 1e-6 || d < -1e-6 {
						t.Fatalf("image %d: %v, want %v", i, v, want[i])
					}
				}
			}
			if n := largest.Load(); n != int64(min(batch, len(images))) {
				t.Errorf("the largest batch has %d images, want %d", n, batch)
			}
			if !slices.IsSorted(done) || done[len(done)-1] != len(images) {
				t.Errorf("progress: %v", done)
			}
		}
	}
}

// TestImageShapes has a processor that keeps the aspect ratio: images of unlike shape are not computed together.
func TestImageShapes(t *testing.T) {
	m := openColours(t, `{"model_type":"meancolour","size":8,"any":true`,
		`{"image_processor_type":"CLIPImageProcessor","size":{"shortest_edge":8},"do_center_crop":false,"do_normalize":false}`)
	var images []godwit.Image
	for _, width := range []int{16, 16, 8, 24, 24, 24, 8} {
		images = append(images, godwit.ImageOf(filled(width, 8, color.White)))
	}
	batches.Store(0)
	vecs, err := m.EmbedImages(t.Context(), images)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range vecs {
		if !slices.Equal(v, []float32{1, 1, 1}) {
			t.Errorf("image %d: %v", i, v)
		}
	}
	if n := batches.Load(); n != 4 {
		t.Errorf("%d batches, want 4", n)
	}
	_, err = m.EmbedImages(t.Context(), []godwit.Image{godwit.ImageOf(filled(50000, 8, color.White))})
	if want := "godwit: image 0: the processor makes 8 x 50000 pixels of it, more than 4096 in a side"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// slowImage is an image whose pixels take their time. It counts those that are read.
type slowImage struct{ read *atomic.Int64 }

func (slowImage) ColorModel() color.Model { return color.NRGBAModel }
func (slowImage) Bounds() image.Rectangle { return image.Rect(0, 0, 8, 8) }
func (s slowImage) At(int, int) color.Color {
	s.read.Add(1)
	time.Sleep(100 * time.Microsecond)
	return color.White
}

// TestImageFailure has a bad image before others: when the task has ended, nobody reads their pixels any more.
func TestImageFailure(t *testing.T) {
	m := openColours(t, colours, identity, godwit.WithThreads(2))
	var read atomic.Int64
	images := []godwit.Image{godwit.ImageBytes("bad", nil)}
	for range 12 {
		images = append(images, godwit.ImageOf(slowImage{&read}))
	}
	if _, err := m.EmbedImages(t.Context(), images); err == nil {
		t.Fatal("no error")
	}
	n := read.Load()
	time.Sleep(20 * time.Millisecond)
	if more := read.Load(); more != n {
		t.Errorf("%d pixels are read after the task, and %d during it", more-n, n)
	}
}

// TestLabels checks the scores for each kind of problem, which image-classification of Transformers tells apart.
func TestLabels(t *testing.T) {
	img := []godwit.Image{godwit.ImageOf(filled(3, 3, color.NRGBA{255, 0, 255, 255}))}
	for _, tt := range []struct {
		config string
		opts   []godwit.ImageOption
		want   string
	}{
		{colours, nil, "red 0.4223, blue 0.4223, green 0.1554"},
		{colours, []godwit.ImageOption{godwit.WithTopLabels(1)}, "red 0.4223"},
		{colours, []godwit.ImageOption{godwit.WithTopLabels(0)}, "red 0.4223, blue 0.4223, green 0.1554"},
		{colours + `,"problem_type":"multi_label_classification"`, nil, "red 0.7311, blue 0.7311, green 0.5000"},
		{colours + `,"problem_type":"regression"`, nil, "red 1.0000, blue 1.0000, green 0.0000"},
		{`{"model_type":"meancolour","size":8,"id2label":{"0":"ripe"}`, nil, "ripe 0.7311"},
	} {
		labels, err := openColours(t, tt.config, identity).ClassifyImages(t.Context(), img, tt.opts...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range labels[0] {
			got = append(got, fmt.Sprintf("%s %.4f", l.Label, l.Score))
		}
		if s := strings.Join(got, ", "); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.config, s, tt.want)
		}
	}
}

// failing is a reader that fails after some bytes.
func failing(data []byte) io.Reader {
	return io.MultiReader(bytes.NewReader(data), iotest.ErrReader(errors.New("the wire was cut")))
}

// TestBadImages asserts what is said of images and options that cannot be used, and that the others are computed where that is
// asked for.
func TestBadImages(t *testing.T) {
	m := openColours(t, colours, identity)
	dir := t.TempDir()
	good := godwit.ImageOf(filled(8, 8, color.White))
	for _, tt := range []struct {
		image godwit.Image
		opts  []godwit.ImageOption
		want  string
	}{
		{image: godwit.ImageFile(filepath.Join(dir, "no.png")), want: "DIR/no.png: no such file or directory"},
		{image: godwit.ImageFile(dir), want: "DIR: is a folder, not a file"},
		{image: godwit.ImageReader("stdin", strings.NewReader("")), want: "stdin: imageproc: the image is empty: 0 bytes"},
		{image: godwit.ImageReader("a stream", failing([]byte("\x89PNG\r\n\x1a\n"))), want: "a stream: the wire was cut"},
		{image: godwit.ImageBytes("photo.jpg", []byte("\xff\xd8\xff\xd9")),
			want: "photo.jpg: imageproc: JPEG: the file ends before there is an image"},
		{image: godwit.ImageBytes("", []byte("<svg/>")),
			want: "image 1: imageproc: the format is not known: it begins with 3c 73 76 67 2f 3e; known are JPEG, PNG, GIF, WebP, BMP and TIFF"},
		{image: godwit.ImageOf(image.NewGray(image.Rect(0, 0, 0, 5))),
			want: "image 1: imageproc: an image has 0x5 pixels: there must be some, and not more than 89478485"},
		{image: godwit.Image{}, want: "image 1: it is the zero Image: make one with ImageFile, ImageReader, ImageBytes or ImageOf"},
		{image: godwit.ImageOf(filled(20, 20, color.Black)), opts: []godwit.ImageOption{godwit.WithMaxPixels(399)},
			want: "image 1: imageproc: an image has 20x20 pixels: there must be some, and not more than 399"},
		{image: godwit.ImageBytes("large.png", encode(t, filled(20, 20, color.Black))), opts: []godwit.ImageOption{godwit.WithMaxPixels(399)},
			want: "large.png: imageproc: PNG: the header says 20x20 pixels, more than the limit of 399"},
	} {
		images := []godwit.Image{good, tt.image, good}
		_, err := m.EmbedImages(t.Context(), images, tt.opts...)
		var bad *godwit.ImageError
		if !errors.As(err, &bad) || bad.Index != 1 {
			t.Errorf("%s: the error is %v", tt.want, err)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), dir, "DIR"); got != "godwit: "+tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
		for _, batch := range []int{1, 2, 8} {
			var said []string
			vecs, err := m.EmbedImages(t.Context(), images, append(tt.opts, godwit.WithImageBatch(batch),
				godwit.WithBadImages(func(e *godwit.ImageError) { said = append(said, e.Error()) }))...)
			if err != nil || len(said) != 1 || vecs[0] == nil || vecs[1] != nil || vecs[2] == nil {
				t.Errorf("%s: with others: %v, %v, %v", tt.want, vecs, said, err)
			}
		}
	}
	for _, tt := range []struct {
		want string
		err  func() error
	}{
		{"godwit: the batch size is 0; want at least 1", func() error {
			_, err := m.EmbedImages(t.Context(), []godwit.Image{good}, godwit.WithImageBatch(0))
			return err
		}},
		{"godwit: -1 labels are asked for", func() error {
			_, err := m.ClassifyImages(t.Context(), []godwit.Image{good}, godwit.WithTopLabels(-1))
			return err
		}},
		{"godwit: the most pixels are -1; want at least 1", func() error {
			_, err := m.ClassifyImages(t.Context(), []godwit.Image{good}, godwit.WithMaxPixels(-1))
			return err
		}},
		{"godwit: meancolour has no labels to choose from", func() error {
			_, err := openColours(t, `{"model_type":"meancolour","size":8`, identity).ClassifyImages(t.Context(), []godwit.Image{good})
			return err
		}},
		{"godwit: meancolour takes no texts to compare images with; CLIP and SigLIP do", func() error {
			_, err := m.ClassifyImagesZeroShot(t.Context(), []godwit.Image{good}, []string{"a"})
			return err
		}},
		{`godwit: the hypothesis "a photo" has no {} for the label`, func() error {
			_, err := m.ClassifyImagesZeroShot(t.Context(), []godwit.Image{good}, []string{"a"}, godwit.WithHypothesis("a photo"))
			return err
		}},
		{"godwit: the model does not take texts: its model_type is meancolour; models of texts do, and of those of images CLIP and SigLIP", func() error { _, err := m.Embed(t.Context(), []string{"a"}); return err }},
		{"godwit: imageproc: preprocessor_config.json is not there: is this the folder of a model for images?",
			func() error {
				_, err := openColours(t, colours, "").EmbedImages(t.Context(), []godwit.Image{good})
				return err
			}},
		{"godwit: testdata/models/vit/gray: imageproc: preprocessor_config.json is not there: is this the folder of a model for images?",
			func() error {
				_, err := open(t, "testdata/models/vit/gray").EmbedImages(t.Context(), []godwit.Image{good})
				return err
			}},
		{"godwit: image 0: the processor makes 6 x 6 pixels of it, and the model takes 8 x 8", func() error {
			_, err := openColours(t, colours, `{"image_processor_type":"ViTImageProcessor","size":6}`).EmbedImages(t.Context(), []godwit.Image{good})
			return err
		}},
		{"godwit: image 0: twelve by twelve is too much", func() error {
			_, err := openColours(t, `{"model_type":"meancolour","size":8,"any":true`, `{"image_processor_type":"ViTImageProcessor","size":12}`).
				EmbedImages(t.Context(), []godwit.Image{good})
			return err
		}},
		{"godwit: the model takes images with num_channels 1, and the processor makes 3 channels", func() error {
			_, err := openColours(t, colours+`,"num_channels":1`, identity).EmbedImages(t.Context(), []godwit.Image{good})
			return err
		}},
		{"godwit: testdata/models/bert/regression does not take images: its model_type is bert; those of images are " +
			"beit, clip, clip_vision_model, deit, dinov2, dinov2_with_registers, dinov3_vit, siglip, siglip_vision_model, swin, vit", func() error {
			text, err := godwit.Open("testdata/models/bert/regression")
			if err != nil {
				return err
			}
			defer text.Close()
			_, err = text.EmbedImages(t.Context(), []godwit.Image{good})
			return err
		}},
	} {
		if err := tt.err(); err == nil || err.Error() != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
	if vecs, err := m.EmbedImages(t.Context(), nil); err != nil || len(vecs) != 0 {
		t.Errorf("no images: %v, %v", vecs, err)
	}
}

// TestImageCancel cancels a task on a stream that never ends, and one after its first batch.
func TestImageCancel(t *testing.T) {
	m := openColours(t, colours, identity)
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	defer out.Close()
	go cancel()
	_, err := m.EmbedImages(ctx, []godwit.Image{godwit.ImageReader("a pipe", in)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a stream: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	images := slices.Repeat([]godwit.Image{godwit.ImageOf(filled(8, 8, color.White))}, 100)
	last := 0
	_, err = m.EmbedImages(ctx, images, godwit.WithImageBatch(2), godwit.WithImageProgress(func(n int) { last = n; cancel() }))
	if !errors.Is(err, context.Canceled) || last != 2 {
		t.Errorf("after %d images: %v", last, err)
	}
}

// TestImageMemory computes many images, and finds that only some are held at a time.
func TestImageMemory(t *testing.T) {
	m := openColours(t, colours, identity)
	file := encode(t, filled(700, 700, color.White)) // 1.5 MB of pixels
	var most, held atomic.Int64
	var images []godwit.Image
	for range 200 {
		images = append(images, godwit.ImageReader("", &counted{r: bytes.NewReader(file), held: &held, most: &most}))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read := 0
	_, err := m.EmbedImages(t.Context(), images, godwit.WithImageBatch(4), godwit.WithImageProgress(func(done int) {
		read = max(read, int(held.Load())-done)
	}))
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if read > 2*4 {
		t.Errorf("%d images were read ahead", read)
	}
	// image/png makes an image for each, 4 bytes a pixel; the rest stays.
	if n := after.TotalAlloc - before.TotalAlloc; n > 200*700*700*5 {
		t.Errorf("%d bytes were allocated", n)
	}
}

// counted counts how many streams have been begun.
type counted struct {
	r          io.Reader
	held, most *atomic.Int64
	begun      bool
}

func (c *counted) Read(b []byte) (int, error) {
	if !c.begun {
		c.begun = true
		c.held.Add(1)
	}
	return c.r.Read(b)
}

func TestImageFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.png", "a/c.JPG", "a/.hidden/d.png", "a/.e.png", "a/notes.txt", "odd"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := godwit.ImageFiles([]string{dir, filepath.Join(dir, "odd"), filepath.Join(dir, "b.png")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i], _ = filepath.Rel(dir, got[i])
		got[i] = filepath.ToSlash(got[i])
	}
	if want := []string{"a/c.JPG", "b.png", "odd"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	var noted []string
	note := func(path string, err error) {
		if !errors.Is(err, godwit.ErrNoImages) {
			t.Error(err)
		}
		noted = append(noted, path)
	}
	if got, err := godwit.ImageFiles([]string{empty, dir}, note); err != nil || len(got) == 0 || !slices.Equal(noted, []string{empty}) {
		t.Errorf("with an empty folder: got %q, %v, noted %q", got, err, noted)
	}
	if _, err := godwit.ImageFiles([]string{filepath.Join(dir, "no")}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
