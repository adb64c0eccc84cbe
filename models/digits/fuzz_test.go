package digits_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godwit-ml/godwit"
)

// FuzzClassifyImages gives the task what a fuzzer makes of images of every format: there is an error of one line, or there are
// probabilities.
func FuzzClassifyImages(f *testing.F) {
	for _, pattern := range []string{"testdata/*-?.*", "../../imageproc/testdata/cases/src/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no files %s: %v", pattern, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	m := open(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		labels, err := m.ClassifyImages(t.Context(), []godwit.Image{godwit.ImageBytes("fuzz", data)}, godwit.WithMaxPixels(1<<18),
			godwit.WithTopLabels(0))
		if err != nil {
			var bad *godwit.ImageError
			if !errors.As(err, &bad) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "decoder failed") ||
				!strings.HasPrefix(err.Error(), "godwit: fuzz: imageproc: ") {
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
	})
}
