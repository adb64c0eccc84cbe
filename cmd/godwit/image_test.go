package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	digitFiles = "../../models/digits/testdata/"
	pairFiles  = "../../testdata/images/"
)

// needInside skips a test of the model inside the binary where there is none.
func needInside(t *testing.T) {
	t.Helper()
	if embeddedImageModel() == nil {
		t.Skip("built without a model")
	}
}

func TestClassifyImage(t *testing.T) {
	needInside(t)
	const one = " 0.9580  7\n 0.0057  3\n"
	file := digitFiles + "digit-7.png"
	if got := must(t, "", "classify-image", "-k", "2", file); got != one {
		t.Errorf("got %q, want %q", got, one)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := must(t, string(data), "classify-image", "-k", "2", "--threads", "1", "-"); got != one {
		t.Errorf("standard input: got %q, want %q", got, one)
	}
	if got := must(t, "", "classify-image", "--model", "../../models/digits", "--top-k", "0", file); strings.Count(got, "\n") != 10 {
		t.Errorf("all labels: %q", got)
	}
	dir := t.TempDir()
	for _, name := range []string{"a.png", "sub/b.PNG"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("notes.txt", "no image")
	out, errs, code := command(t, dir, "", "classify-image", "-k", "2", "--batch-size", "1", dir)
	if want := "DIR/a.png\n" + one + "DIR/sub/b.PNG\n" + one; filepath.ToSlash(out) != want || errs != "" || code != 0 {
		t.Errorf("a folder: got %q, %q, %d, want %q", out, errs, code, want)
	}
	write("broken.png", string(data[:33]))
	out, errs, code = command(t, dir, "", "classify-image", "-k", "2", dir)
	if filepath.ToSlash(out) != "DIR/a.png\n"+one+"DIR/sub/b.PNG\n"+one || code != 1 ||
		errs != "godwit: DIR/broken.png: imageproc: PNG: the file is cut short\ngodwit: 1 of 3 images could not be read\n" {
		t.Errorf("a folder with a broken image: got %q, %q, %d", out, errs, code)
	}
	out, _, code = command(t, dir, "", "classify-image", "-k", "1", "--jsonl", filepath.Join(dir, "broken.png"), filepath.Join(dir, "a.png"))
	var score struct{ Labels []struct{ Score float64 } }
	lines := strings.Split(out, "\n")
	if want := `{"image":"DIR/broken.png","error":"imageproc: PNG: the file is cut short"}`; code != 1 || len(lines) != 3 || lines[0] != want {
		t.Fatalf("lines: got %q, want %q first", out, want)
	}
	if err := json.Unmarshal([]byte(lines[1]), &score); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`{"image":"DIR/a.png","labels":[{"label":"7","score":%v}]}`, float32(score.Labels[0].Score)); lines[1] != want {
		t.Errorf("got %s, want %s", lines[1], want)
	}
	var list []struct {
		Image  string
		Error  string
		Labels []struct {
			Label string
			Score float64
		}
	}
	out, _, code = command(t, dir, "", "classify-image", "--json", filepath.Join(dir, "broken.png"), filepath.Join(dir, "a.png"))
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != 1 {
		t.Fatal(code, err)
	}
	if len(list) != 2 || list[0].Error != "imageproc: PNG: the file is cut short" || len(list[1].Labels) != 5 || list[1].Labels[0].Label != "7" {
		t.Errorf("%+v", list)
	}
}

// TestDigitsNote watches on a terminal: what takes a photo for a digit says so, and only if nobody chose it.
func TestDigitsNote(t *testing.T) {
	needInside(t)
	const note = "godwit: without --model, images are taken for handwritten digits\n"
	file := digitFiles + "digit-7.png"
	for _, tt := range []struct {
		args []string
		want bool
	}{
		{[]string{"classify-image", file}, true},
		{[]string{"embed-image", file}, true},
		{[]string{"classify-image", "--model", "digits", file}, false},
	} {
		var out, errs bytes.Buffer
		c := &console{in: strings.NewReader(""), out: bufio.NewWriter(&out), err: &errs, width: 80, errTerm: true}
		if code := run(t.Context(), c, tt.args); code != 0 || strings.Contains(errs.String(), note) != tt.want {
			t.Errorf("%s: %d, %q", strings.Join(tt.args, " "), code, errs.String())
		}
	}
}

// TestZeroShotImage compares with the pipelines of Transformers.
func TestZeroShotImage(t *testing.T) {
	for _, name := range []string{"clip", "siglip"} {
		var want struct {
			Labels   []string
			Images   []string
			ZeroShot [][]struct {
				Label string
				Score float64
			} `json:"zero_shot"`
		}
		b, err := os.ReadFile(pairFiles + name + "/expected.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		for i, image := range want.Images {
			got := must(t, "", "classify-image", "--model", pairFiles+name, "--labels", strings.Join(want.Labels, " , "), pairFiles+image)
			lines := strings.Split(strings.TrimSpace(got), "\n")
			for j, w := range want.ZeroShot[i] {
				if l := fmt.Sprintf("%.4f  %s", w.Score, w.Label); strings.TrimSpace(lines[j]) != l {
					t.Errorf("%s, %s: line %d is %q, want %q", name, image, j, lines[j], l)
				}
			}
		}
	}
}

func TestEmbedImage(t *testing.T) {
	needInside(t)
	dir := t.TempDir()
	files := []string{digitFiles + "digit-1.png", digitFiles + "photo-5.jpg"}
	out := must(t, "", append([]string{"embed-image"}, files...)...)
	vecs := embeddings(t, out)
	if len(vecs) != 2 || len(vecs[0]) != 64 || !strings.HasPrefix(out, `{"image":"`+files[0]+`","embedding":[`) {
		t.Fatalf("%d vectors: %.80s", len(vecs), out)
	}
	if again := must(t, "", append([]string{"embed-image", "--threads", "1", "--batch-size", "1"}, files...)...); again != out {
		t.Error("other threads and batches give another output")
	}
	for i, v := range embeddings(t, must(t, "", append([]string{"embed-image", "--normalize"}, files...)...)) {
		sum := 0.0
		for _, x := range v {
			sum += float64(x) * float64(x)
		}
		if math.Abs(sum-1) > 1e-6 {
			t.Errorf("vector %d has length %v", i, math.Sqrt(sum))
		}
	}
	file := filepath.Join(dir, "v.safetensors")
	broken := filepath.Join(dir, "broken.png")
	if err := os.WriteFile(broken, []byte("\x89PNG\r\n\x1a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, errs, code := command(t, dir, "", append([]string{"embed-image", "--format", "safetensors", "--out", file, broken}, files...)...)
	if code != 1 || errs != "godwit: DIR/broken.png: imageproc: PNG: the file is cut short\ngodwit: 1 of 3 images could not be read\n" {
		t.Errorf("with a broken image: %d, %q", code, errs)
	}
	tensors, err := readTensors(file)
	if err != nil {
		t.Fatal(err)
	}
	e := tensors["embeddings"]
	if !slices.Equal(e.Shape, []int{2, 64}) || !slices.Equal(e.Data, slices.Concat(vecs[0], vecs[1])) {
		t.Errorf("the file has shape %v, or other values", e.Shape)
	}
	// Where all are broken there is no array, and what was in its place stays.
	for _, format := range []string{"npy", "safetensors"} {
		const kept = "kept"
		if err := os.WriteFile(file, []byte(kept), 0o644); err != nil {
			t.Fatal(err)
		}
		_, errs, code := command(t, dir, "", "embed-image", "--format", format, "--out", file, broken, broken)
		b, err := os.ReadFile(file)
		if code != 1 || !strings.HasSuffix(errs, "\ngodwit: 2 of 2 images could not be read: nothing is written\n") || string(b) != kept || err != nil {
			t.Errorf("%s of broken images: %d, %q, and the file holds %q: %v", format, code, errs, b, err)
		}
		if out, _, code := command(t, dir, "", "embed-image", "--format", format, broken, broken); code != 1 || out != "" {
			t.Errorf("%s of broken images: %d, %q", format, code, out)
		}
	}
	if out, _, code := command(t, dir, "", "embed-image", broken, broken); code != 1 || strings.Count(out, `"error":`) != 2 {
		t.Errorf("lines of broken images: %d, %q", code, out)
	}
	npy := must(t, "", append([]string{"embed-image", "--format", "npy"}, files...)...)
	if !strings.HasPrefix(npy, "\x93NUMPY") || len(npy) != 128+2*64*4 {
		t.Errorf("%d bytes of .npy", len(npy))
	}
}

func TestSimilarityImage(t *testing.T) {
	needInside(t)
	got := must(t, "", "similarity", "--model", "digits", "--image", digitFiles+"digit-7.png", "--image", digitFiles+"digit-1.png",
		"--image", digitFiles+"digit-7.png")
	lines := strings.Split(got, "\n")
	if len(lines) != 3 || lines[0] != " 1.0000  "+digitFiles+"digit-7.png" {
		t.Errorf("images alone: %q", got)
	}
	clip := []string{"similarity", "--model", pairFiles + "clip", "--image", pairFiles + "wide.jpg", "a red car", "cat"}
	if got := must(t, "", clip...); strings.Count(got, "\n") != 2 || !strings.Contains(got, "  cat\n") {
		t.Errorf("an image and texts: %q", got)
	}
	var r struct {
		Images, Texts []string
		Scores        [][]float64
	}
	if err := json.Unmarshal([]byte(must(t, "", append(clip, "--json")...)), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Images) != 1 || len(r.Texts) != 2 || len(r.Scores) != 3 || math.Abs(r.Scores[0][0]-1) > 1e-6 || r.Scores[0][1] != r.Scores[1][0] {
		t.Errorf("%+v", r)
	}
}

// TestSearchImages searches a folder of images, and finds that an index keeps what has not changed.
func TestSearchImages(t *testing.T) {
	dir := t.TempDir()
	copyImage := func(from, to string) {
		t.Helper()
		b, err := os.ReadFile(pairFiles + from)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "photos", filepath.FromSlash(to))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	copyImage("wide.jpg", "wide.jpg")
	copyImage("tall.png", "2024/tall.png")
	search := func(stderr string, args ...string) (images, embedded int, paths []string) {
		t.Helper()
		out, errs, code := command(t, dir, "", append([]string{"search", "--images", "--json", "-m", pairFiles + "clip", "cat", "--index",
			filepath.Join(dir, "index"), filepath.Join(dir, "photos")}, args...)...)
		if code != 0 || errs != stderr {
			t.Fatalf("exit code %d, %q, want %q", code, errs, stderr)
		}
		var r struct {
			Images, Embedded int
			Hits             []struct {
				Path  string
				Score float64
			}
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		for i, h := range r.Hits {
			if i > 0 && h.Score > r.Hits[i-1].Score {
				t.Errorf("hits are not in order: %+v", r.Hits)
			}
			paths = append(paths, filepath.ToSlash(h.Path))
		}
		return r.Images, r.Embedded, paths
	}
	check := func(step string, wantImages, wantEmbedded, wantHits int, stderr string, args ...string) {
		t.Helper()
		images, embedded, paths := search(stderr, args...)
		if images != wantImages || embedded != wantEmbedded || len(paths) != wantHits {
			t.Errorf("%s: %d images, %d embedded, hits %v; want %d, %d, %d", step, images, embedded, paths, wantImages, wantEmbedded, wantHits)
		}
	}
	check("at first", 2, 2, 2, "")
	check("again", 2, 0, 2, "")
	copyImage("small.png", "small.png")
	check("one more", 3, 1, 3, "")
	copyImage("small.png", "2024/tall.png")
	check("a changed one, whose content is known", 3, 0, 3, "")
	broken := filepath.Join(dir, "photos", "broken.jpg")
	if err := os.WriteFile(broken, []byte("\xff\xd8\xff\xd9"), 0o644); err != nil {
		t.Fatal(err)
	}
	check("a broken one", 3, 0, 3, "godwit: DIR/photos/broken.jpg: imageproc: JPEG: the file ends before there is an image, left out\n")
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	check("the best", 3, 0, 1, "", "-k", "1")
	// All cosines are negative: nothing is hidden, unless one asks for it.
	check("above a threshold", 3, 0, 0, "", "--threshold", "0")
	_, errs, code := command(t, dir, "", "search", "--images", "-m", pairFiles+"siglip", "cat", "--index", filepath.Join(dir, "index"),
		filepath.Join(dir, "photos"))
	if want := "godwit: the index DIR/index is made again: it was made with another model or version\n"; code != 0 || !strings.HasPrefix(errs, want) {
		t.Errorf("another model: %d, %q", code, errs)
	}
	out := must(t, "", "search", "--images", "-m", pairFiles+"clip", "-k", "1", "cat", filepath.Join(dir, "photos"))
	if strings.Count(out, "\n") != 1 || !strings.Contains(out, "  "+dir) {
		t.Errorf("text: %q", out)
	}
}

// badImageCases are rows of TestBadInput on images.
var badImageCases = []badCase{
	{name: "no image named", args: "classify-image", code: 2, want: "classify-image needs IMAGE... (see godwit classify-image --help)"},
	{name: "labels without a model", args: "classify-image|--labels|a,b|x.png", code: 2,
		want: "--labels needs --model with a model of images and texts (CLIP, SigLIP) (see godwit classify-image --help)"},
	{name: "an empty label", args: "classify-image|-m|x|--labels|a,,b|x.png", code: 2,
		want: "--labels has an empty label (see godwit classify-image --help)"},
	{name: "a hypothesis without a place", args: "classify-image|-m|x|--labels|a|--hypothesis|b|x.png", code: 2,
		want: `--hypothesis is "b", must have {} for the label (see godwit classify-image --help)`},
	{name: "a hypothesis without labels", args: "classify-image|--hypothesis|{}|x.png", code: 2,
		want: "--hypothesis needs --labels (see godwit classify-image --help)"},
	{name: "top-k below zero", args: "classify-image|-k|-1|x.png", code: 2, want: "--top-k is -1, less than 0 (see godwit classify-image --help)"},
	{name: "a batch of no images", args: "embed-image|--batch-size|0|x.png", code: 2,
		want: "--batch-size is 0, must be from 1 to 4096 (see godwit embed-image --help)"},
	{name: "pixels below zero", args: "classify-image|--max-pixels|-1|x.png", code: 2,
		want: "--max-pixels is -1, less than 1 (see godwit classify-image --help)"},
	{name: "standard input twice", args: "classify-image|-|-", code: 2,
		want: "standard input is named twice (see godwit classify-image --help)"},
	{name: "unknown format of vectors", args: "embed-image|--format|csv|x.png", code: 2,
		want: `--format is "csv", must be jsonl, npy or safetensors (see godwit embed-image --help)`},
	{name: "an image that is not there", args: "classify-image|-m|../../models/digits|DIR/no.png", code: 1, want: "DIR/no.png: no such file or directory"},
	{name: "a folder without images", args: "classify-image|-m|../../models/digits|DIR/model", code: 1, want: "DIR/model: there is no image in this folder"},
	{name: "an image that is none", stdin: "%PDF-1.7", args: "classify-image|-m|../../models/digits|-", code: 1,
		want: "standard input: imageproc: the format is not known: it begins with 25 50 44 46 2d 31 2e 37; known are JPEG, PNG, GIF, WebP, BMP and TIFF"},
	{name: "too many pixels", args: "classify-image|-m|../../models/digits|--max-pixels|783|" + digitFiles + "digit-1.png", code: 1,
		want: digitFiles + "digit-1.png: imageproc: PNG: the header says 28x28 pixels, more than the limit of 783"},
	{name: "images for a model of texts", args: "classify-image|-m|DIR/model|" + digitFiles + "digit-1.png", code: 1,
		want: "DIR/model does not take images: its model_type is bert; those of images are beit, clip, clip_vision_model, deit, dinov2, dinov2_with_registers, dinov3_vit, siglip, siglip_vision_model, swin, vit"},
	{name: "labels for a model of images", args: "classify-image|-m|../../models/digits|--labels|a,b|" + digitFiles + "digit-1.png", code: 1,
		want: "ViTForImageClassification takes no texts to compare images with; CLIP and SigLIP do"},
	{name: "a model that needs labels", args: "classify-image|-m|" + pairFiles + "clip|" + digitFiles + "digit-1.png", code: 1,
		want: pairFiles + `clip has no labels of its own: give yours, like --labels "cat,dog,a red car"`},
	{name: "similarity of one image", args: "similarity|--image|x.png", code: 2,
		want: "the image needs a TEXT, or another --image, to be compared with (see godwit similarity --help)"},
	{name: "similarity with standard input twice", args: "similarity|-m|x|--image|-|--image|-", code: 2,
		want: "standard input is named twice (see godwit similarity --help)"},
	{name: "standard input preprocessed twice", args: "preprocess|m|-|-|--out|x", code: 2,
		want: "standard input is named twice (see godwit preprocess --help)"},
	{name: "a folder preprocessed", args: "preprocess|../../models/digits|DIR/model|--out|DIR/x", code: 1, want: "DIR/model: is a folder, not a file"},
	{name: "similarity of texts to a model of images", args: "similarity|-m|../../models/digits|--image|" + digitFiles + "digit-1.png|a", code: 1,
		want: "../../models/digits does not take texts: its model_type is vit; models of texts do, and of those of images CLIP and SigLIP"},
	{name: "similarity of an image without a model", args: "similarity|--image|x.png|a", code: 2,
		want: "--image needs --model with a model of images and texts (CLIP, SigLIP), or for images alone of images (DINOv2, ViT) (see godwit similarity --help)"},
	{name: "images searched without a model", args: "search|--images|a|DIR", code: 2,
		want: "--images needs --model with a model of images and texts (CLIP, SigLIP) (see godwit search --help)"},
	{name: "images searched with a model of images", args: "search|--images|-m|../../models/digits|a|" + digitFiles, code: 1,
		want: "search: a model of type vit does not take texts; one of images and texts is needed (CLIP, SigLIP)"},
	{name: "images searched with a model of texts", args: "search|--images|-m|DIR/model|a|" + digitFiles, code: 1,
		want: "search: a model of type bert does not take images; one of images and texts is needed (CLIP, SigLIP)"},
	{name: "images searched where there are none", args: "search|--images|-m|" + pairFiles + "clip|a|DIR/model", code: 1,
		want: "there is no image to search in DIR/model"},
}

// TestHostileImages gives the command pieces of images of every format. Each is an error of one line that names the file, and
// none takes much memory.
func TestHostileImages(t *testing.T) {
	needInside(t)
	const src = "../../imageproc/testdata/cases/src/"
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"rgb.jpg", "gray_progressive.jpg", "cmyk.jpg", "restart.jpg", "rgb.png", "palette.png", "gray16.png",
		"interlaced.gif", "lossless.webp", "lossy80.webp", "rgb.bmp", "palette.bmp", "rgb_None.tiff", "rgb_tiff_lzw.tiff"} {
		b, err := os.ReadFile(src + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []int{1, 4, 7} {
			path := filepath.Join(dir, fmt.Sprintf("%d-%s", part, name))
			if err := os.WriteFile(path, b[:len(b)*part/8], 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	for name, text := range map[string]string{
		"bomb.png":  "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x01\x86\xa0\x00\x01\x86\xa0\x08\x02\x00\x00\x00",
		"empty.png": "", "text.jpg": "hello", "zero.gif": "GIF89a\x00\x00\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00;",
		"bomb.gif": "GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02\x44\x01\x00;",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out, errs, code := command(t, dir, "", append([]string{"classify-image"}, paths...)...)
	runtime.ReadMemStats(&after)
	lines := strings.Split(strings.TrimSpace(errs), "\n")
	if out != "" || code != 1 || len(lines) != len(paths)+1 {
		t.Errorf("exit code %d, %d lines for %d files; standard output %q", code, len(lines), len(paths), out)
	}
	if n := len(paths); n < 40 || lines[len(lines)-1] != fmt.Sprintf("godwit: %d of %d images could not be read", n, n) {
		t.Errorf("%d files; the last line is %s", n, lines[len(lines)-1])
	}
	for i, path := range paths {
		if want := "godwit: DIR/" + filepath.Base(path) + ": imageproc: "; !strings.HasPrefix(lines[i], want) {
			t.Errorf("got %s, want %s...", lines[i], want)
		}
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}
