package digits_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"image"
	"image/png"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/models/digits"
)

func open(t testing.TB, opts ...godwit.Option) *godwit.Model {
	t.Helper()
	m, err := godwit.OpenFS(digits.FS, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// reference is what testdata/make.py wrote.
type reference struct {
	Images []struct {
		File   string
		Logits []float64
		Noise  float64 // the error of PyTorch in float32
	}
	HeldOut   []int `json:"held_out"` // the digit of each image on the sheet
	Predicted []int // what the model takes it for
	Accuracy  float64
}

func readReference(t testing.TB) (r reference) {
	t.Helper()
	b, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// heldOut returns the images that training has not seen.
func heldOut(t testing.TB, n int) []godwit.Image {
	t.Helper()
	f, err := os.Open("testdata/held-out.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sheet, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	images := make([]godwit.Image, n)
	for i := range images {
		x, y := i%40*28, i/40*28
		images[i] = godwit.ImageOf(sheet.(*image.Gray).SubImage(image.Rect(x, y, x+28, y+28)))
	}
	return images
}

// TestReference compares the scores of images of several kinds with those of Transformers in float64.
func TestReference(t *testing.T) {
	r := readReference(t)
	images := make([]godwit.Image, len(r.Images))
	for i := range r.Images {
		images[i] = godwit.ImageFile(filepath.Join("testdata", r.Images[i].File))
	}
	got, err := open(t).ClassifyImages(t.Context(), images, godwit.WithTopLabels(0))
	if err != nil {
		t.Fatal(err)
	}
	for i, labels := range got {
		want := r.Images[i]
		top, sum := 0.0, 0.0
		for _, x := range want.Logits {
			top = max(top, x)
		}
		for _, x := range want.Logits {
			sum += math.Exp(x - top)
		}
		if name := want.File; !strings.Contains(name, labels[0].Label) {
			t.Errorf("%s is read as %s", name, labels[0].Label)
		}
		for _, l := range labels {
			w := math.Exp(want.Logits[l.Label[0]-'0']-top) / sum
			// An error e of the logits is one of 2e of a probability at most, in proportion.
			if d := math.Abs(float64(l.Score) - w); !(d <= w*(8*want.Noise+1e-6)) {
				t.Errorf("%s: label %s has %v, want %v", want.File, l.Label, l.Score, w)
			}
		}
	}
}

// TestHeldOut reads all digits that training has not seen: each as Python reads it, and enough of them right.
func TestHeldOut(t *testing.T) {
	r := readReference(t)
	n := len(r.HeldOut)
	if set, err := kernels.Default(); testing.Short() || err == nil && set.Name() == "generic" {
		n = 20
	}
	labels, err := open(t).ClassifyImages(t.Context(), heldOut(t, n), godwit.WithTopLabels(1), godwit.WithImageBatch(32))
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, l := range labels {
		digit := int(l[0].Label[0] - '0')
		if digit != r.Predicted[i] {
			t.Errorf("image %d is read as %d, in Python as %d", i, digit, r.Predicted[i])
		}
		if digit == r.HeldOut[i] {
			right++
		}
	}
	accuracy := float64(right) / float64(n)
	if n == len(r.HeldOut) && math.Abs(accuracy-r.Accuracy) > 1e-9 {
		t.Errorf("the accuracy is %.4f, in Python %.4f", accuracy, r.Accuracy)
	}
	if accuracy < 0.97 {
		t.Errorf("the accuracy is %.4f", accuracy)
	}
	t.Logf("%d of %d are right", right, n)
}

// hash returns a hash of the bits of vectors.
func hash(vecs [][]float32) string {
	h := fnv.New128a()
	for _, v := range vecs {
		for _, x := range v {
			u := math.Float32bits(x)
			h.Write([]byte{byte(u), byte(u >> 8), byte(u >> 16), byte(u >> 24)})
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// embed returns the vector of each image, and behind it the scores of all labels.
func embed(t *testing.T, m *godwit.Model, images []godwit.Image, batch int) [][]float32 {
	t.Helper()
	vecs, err := m.EmbedImages(t.Context(), images, godwit.WithImageBatch(batch))
	if err != nil {
		t.Fatal(err)
	}
	labels, err := m.ClassifyImages(t.Context(), images, godwit.WithImageBatch(batch), godwit.WithTopLabels(0))
	if err != nil {
		t.Fatal(err)
	}
	for i, all := range labels {
		vecs[i] = vecs[i][:len(vecs[i]):len(vecs[i])]
		for _, l := range all {
			vecs[i] = append(vecs[i], l.Score)
		}
	}
	return vecs
}

// The hashes of the vectors and scores of held-out images: of the first 60, and of the first 2. They are the same on every
// machine, and change only together with the model or a definition in docs/KERNELS.md.
const (
	hash60 = "eccae66c6261a833118bc7c6bce930aa"
	hash2  = "7f77b505833c61cc646ad7747c38472a"
)

// TestSameBits is the promise of the package comment of godwit: the instruction set, the number of threads, the batch and the
// order do not show in a single bit.
func TestSameBits(t *testing.T) {
	images := heldOut(t, 60)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, set := range kernels.Sets() {
		n, want := len(images), hash60
		if set.Name() == "generic" {
			n, want = 2, hash2
		}
		for _, threads := range []int{1, 2, 5} {
			x := kernels.New(set, threads)
			m := open(t, godwit.WithExec(x))
			for _, batch := range []int{1, 7, 64} {
				order := rng.Perm(n)
				shuffled, sorted := make([]godwit.Image, n), make([][]float32, n)
				for i, j := range order {
					shuffled[i] = images[j]
				}
				for i, v := range embed(t, m, shuffled, batch) {
					sorted[order[i]] = v
				}
				if got := hash(sorted); got != want {
					t.Errorf("%s, %d threads, batches of %d: hash %s, want %s", set.Name(), threads, batch, got, want)
				}
				if set.Name() == "generic" {
					break // it takes long
				}
			}
			x.Close()
			if set.Name() == "generic" {
				break
			}
		}
		x := kernels.New(set, 2)
		if got := hash(embed(t, open(t, godwit.WithExec(x)), images[:2], 8)); got != hash2 {
			t.Errorf("%s: hash of the first two %s, want %s", set.Name(), got, hash2)
		}
		x.Close()
	}
}

func TestName(t *testing.T) {
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	m, err := godwit.Open(digits.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if info := m.Info(); info.Parameters != 141066 || info.ImageHeight != 28 || strings.Join(info.Labels, "") != "0123456789" ||
		info.License != "apache-2.0" {
		t.Errorf("%+v", info)
	}
	st, err := fs.Stat(digits.FS, "model.safetensors")
	if err != nil || st.Size() > 400_000 {
		t.Errorf("the weights have %d bytes: %v", st.Size(), err)
	}
}

// BenchmarkClassify measures digits a second.
func BenchmarkClassify(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("images=%d", n), func(b *testing.B) {
			m, images := open(b), heldOut(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.ClassifyImages(b.Context(), images, godwit.WithImageBatch(32)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
