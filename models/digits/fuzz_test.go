package digits_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	"github.com/godwit-ml/godwit"
)

// fuzzClassify gives the task what a fuzzer makes of images of one format: there is an error of one line that names the image
// and the format, or there are probabilities, and neither takes much memory. Inputs that do not begin as the format does are
// left to the others. mend, which may be nil, returns a second input to try, without faults that end every decoder at once.
func fuzzClassify(f *testing.F, name, ending string, mend func([]byte) []byte, begins ...string) {
	files := 0
	for _, folder := range []string{"testdata/*-?", "../../imageproc/testdata/cases/src/*"} {
		found, err := filepath.Glob(folder + ending)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range found {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
			files++
		}
	}
	if files == 0 {
		f.Fatalf("no files %s", ending)
	}
	m := open(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if !slices.ContainsFunc(begins, func(b string) bool { return beginsAs(data, b) }) {
			return
		}
		classifyAny(t, m, name, data)
		if mend != nil {
			if better := mend(data); !bytes.Equal(better, data) {
				classifyAny(t, m, name, better)
			}
		}
	})
}

// classifyAny checks the result of the task for an image of a format that may be damaged.
func classifyAny(t *testing.T, m *godwit.Model, name string, data []byte) {
	const maxPixels, maxAlloc = 1 << 18, 32 << 20
	before := allocated()
	labels, err := m.ClassifyImages(t.Context(), []godwit.Image{godwit.ImageBytes("fuzz", data)}, godwit.WithMaxPixels(maxPixels),
		godwit.WithTopLabels(0))
	if n := allocated() - before; n > maxAlloc {
		t.Fatalf("%d bytes were allocated", n)
	}
	if err != nil {
		var bad *godwit.ImageError
		if !errors.As(err, &bad) || strings.ContainsAny(err.Error(), "\n\r") || strings.Contains(err.Error(), "decoder failed") ||
			!strings.HasPrefix(err.Error(), "godwit: fuzz: imageproc: "+name+": ") {
			t.Fatal(err)
		}
		return
	}
	sum := 0.0
	for _, l := range labels[0] {
		sum += float64(l.Score)
	}
	if len(labels[0]) != 10 || math.Abs(sum-1) > 1e-5 {
		t.Fatalf("%v add up to %v", labels[0], sum)
	}
}

// allocated returns how many bytes this process has taken from its heap so far.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// pngChecksums returns a PNG whose chunks have the checksums that belong to them: a decoder reads nothing of the others.
func pngChecksums(data []byte) []byte {
	data = bytes.Clone(data)
	for rest := data[8:]; len(rest) >= 12; {
		n := binary.BigEndian.Uint32(rest)
		if uint64(n) > uint64(len(rest)-12) {
			break
		}
		binary.BigEndian.PutUint32(rest[8+n:], crc32.ChecksumIEEE(rest[4:8+n]))
		rest = rest[12+n:]
	}
	return data
}

// beginsAs reports whether data begins with pattern, in which ? is any byte.
func beginsAs(data []byte, pattern string) bool {
	for i := range len(pattern) {
		if i == len(data) || pattern[i] != '?' && pattern[i] != data[i] {
			return false
		}
	}
	return true
}

func FuzzClassifyJPEG(f *testing.F) { fuzzClassify(f, "JPEG", ".jpg", nil, "\xff\xd8\xff") }
func FuzzClassifyPNG(f *testing.F)  { fuzzClassify(f, "PNG", ".png", pngChecksums, "\x89PNG\r\n\x1a\n") }
func FuzzClassifyGIF(f *testing.F)  { fuzzClassify(f, "GIF", ".gif", nil, "GIF87a", "GIF89a") }
func FuzzClassifyWebP(f *testing.F) { fuzzClassify(f, "WebP", ".webp", nil, "RIFF????WEBP") }
func FuzzClassifyBMP(f *testing.F)  { fuzzClassify(f, "BMP", ".bmp", nil, "BM") }
func FuzzClassifyTIFF(f *testing.F) { fuzzClassify(f, "TIFF", ".tiff", nil, "II*\x00", "MM\x00*") }
