//go:build unix

package imageproc

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/godwit-ml/godwit/internal/fence"
)

// TestResizeFenced resizes images that stand beside pages that must not be touched, by way of rows and to images that do, too.
func TestResizeFenced(t *testing.T) {
	f := fence.New(t)
	rng := rand.New(rand.NewPCG(5, 6))
	side := func() int { return 1 + rng.IntN([]int{8, 40, 200}[rng.IntN(3)]) }
	rounds := 1500
	if testing.Short() {
		rounds = 200
	}
	for round := range rounds {
		src := noise(rng, side(), side(), []int{1, 3, 3, 3, 4}[rng.IntN(5)], false)
		width, height, filter := side(), side(), Filter(rng.IntN(len(filters)))
		x0, y0 := rng.IntN(width), rng.IntN(height)
		w := window{x0, y0, x0 + 1 + rng.IntN(width-x0), y0 + 1 + rng.IntN(height-y0)}
		backend := []Backend{Pillow, Torchvision}[rng.IntN(2)]
		if backend == Torchvision {
			filter = torchFilter(filter)
		}
		var want, got Image
		var s scratch
		resizeWindow(&want, src, width, height, filter, backend, w, &s)
		rows, source := s.rows, s.source.Pix
		what := fmt.Sprintf("round %d: %dx%d, %d channels, to %dx%d, %v of %v, window %v", round, src.Width, src.Height, src.Channels,
			width, height, filter, backend, w)
		f.Both(what, func() {
			in := *src
			in.Pix = fence.Copy(f, src.Pix)
			got.Pix = fence.Copy(f, want.Pix)
			clear(got.Pix)
			s = scratch{rows: fence.Copy(f, rows), source: Image{Pix: fence.Copy(f, source)}}
			resizeWindow(&got, &in, width, height, filter, backend, w, &s)
			if !bytes.Equal(got.Pix, want.Pix) {
				t.Errorf("%s: the bytes differ", what)
			}
		})
	}
}
