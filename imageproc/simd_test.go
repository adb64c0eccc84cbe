package imageproc

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// withoutSIMD runs f with the routines in Go alone, and with tables that are not known yet.
func withoutSIMD(f func()) {
	defer func(was bool) { // also if f panics
		simd = was
		clearTables()
	}(simd)
	simd = false
	clearTables()
	f()
}

func clearTables() {
	tables.Lock()
	defer tables.Unlock()
	clear(tables.m)
}

// noise returns an image of random pixels, or of the largest and smallest values alone.
func noise(rng *rand.Rand, width, height, channels int, extreme bool) *Image {
	m := &Image{Width: width, Height: height, Channels: channels, Pix: make([]byte, width*height*channels)}
	for i := range m.Pix {
		m.Pix[i] = byte(rng.Uint32())
		if extreme {
			m.Pix[i] = -(m.Pix[i] & 1)
		}
	}
	return m
}

// TestSIMD compares the bytes of SIMD routines with those of Go, for every filter and small, odd and long sides.
func TestSIMD(t *testing.T) {
	if !simd {
		t.Skip("this processor has no routines here")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	side := func() int {
		switch rng.IntN(4) {
		case 0:
			return 1 + rng.IntN(8)
		case 1:
			return 1 + rng.IntN(600)
		}
		return 1 + rng.IntN(90)
	}
	rounds := 1500
	if testing.Short() {
		rounds = 300
	}
	for round := range rounds {
		src := noise(rng, side(), side(), []int{1, 3, 3, 3, 4}[rng.IntN(5)], rng.IntN(2) == 0)
		width, height, f := side(), side(), Filter(1+rng.IntN(len(filters)-1))
		x0, y0 := rng.IntN(width), rng.IntN(height)
		w := window{x0, y0, x0 + 1 + rng.IntN(width-x0), y0 + 1 + rng.IntN(height-y0)}
		if rng.IntN(2) == 0 {
			w = window{0, 0, width, height}
		}
		var got, want Image
		backend := []Backend{Pillow, Torchvision}[rng.IntN(2)]
		resizeWindow(&got, src, width, height, f, backend, w, new(scratch))
		withoutSIMD(func() { resizeWindow(&want, src, width, height, f, backend, w, new(scratch)) })
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Fatalf("round %d: %dx%d, %d channels, to %dx%d, %v of %v, window %v: the bytes differ", round, src.Width, src.Height,
				src.Channels, width, height, f, backend, w)
		}
	}
	for _, width := range []int{2047, 2048, 2049, 4000, 9000} { // long sums; beyond maxGroups Go does it
		src := noise(rng, width, 3, 3, true)
		var got, want Image
		resizeWindow(&got, src, 3, 3, Lanczos, Pillow, window{0, 0, 3, 3}, new(scratch))
		withoutSIMD(func() { resizeWindow(&want, src, 3, 3, Lanczos, Pillow, window{0, 0, 3, 3}, new(scratch)) })
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Fatalf("%d pixels to 3: the bytes differ", width)
		}
	}
}

// TestSIMDGuards runs the routines between guards: they write what they say and nothing else, at any alignment.
func TestSIMDGuards(t *testing.T) {
	if !simd {
		t.Skip("this processor has no routines here")
	}
	rng := rand.New(rand.NewPCG(3, 4))
	const guard, room = 0x5a, 64
	var full [][]byte
	guarded := func(n, shift int) []byte {
		b := bytes.Repeat([]byte{guard}, room+shift+n+room)
		full = append(full, b)
		return b[room+shift:][:n:n]
	}
	for shift := range 17 {
		for n := 1; n < 40; n++ {
			k := tableKey{in: n + 7 + 4*shift, out: n, hi: n, filter: Bicubic}
			g := newTable(k).grouped
			if g == nil && n < 16 {
				continue // more taps than there are inputs
			}
			if g == nil {
				t.Fatalf("%+v has no groups", k)
			}
			in := noise(rng, 2*(k.in*3+4), max(n, 1), 1, false).Pix
			full = full[:0]
			g.pairRGB(guarded(3*n, shift), guarded(3*n, shift), in[:k.in*3+4], in[k.in*3+4:])
			sizes := []int{3 * n, 3 * n}
			if n >= 16 {
				g.row(guarded(n, shift), in, n, n/2)
				sizes = append(sizes, n)
			}
			for i, b := range full {
				for j, v := range b {
					if inside := j >= room+shift && j < room+shift+sizes[i]; !inside && v != guard {
						t.Fatalf("%d outputs, shift %d: byte %d of %d is overwritten", n, shift, j, len(b))
					}
				}
			}
		}
	}
}

// FuzzSIMD compares the routines with Go on what a fuzzer makes of sides, filters and pixels.
func FuzzSIMD(f *testing.F) {
	f.Add(uint16(97), uint16(60), uint16(32), uint16(20), uint8(3), uint64(1))
	f.Add(uint16(20), uint16(300), uint16(64), uint16(17), uint8(1), uint64(2))
	f.Fuzz(func(t *testing.T, width, height, toWidth, toHeight uint16, filter uint8, seed uint64) {
		const most = 700
		rng := rand.New(rand.NewPCG(seed, 0))
		src := noise(rng, 1+int(width)%most, 1+int(height)%most, 3, seed&1 == 0)
		w, h, k := 1+int(toWidth)%most, 1+int(toHeight)%most, Filter(1+int(filter)%(len(filters)-1))
		var got, want Image
		resizeWindow(&got, src, w, h, k, Pillow, window{0, 0, w, h}, new(scratch))
		withoutSIMD(func() { resizeWindow(&want, src, w, h, k, Pillow, window{0, 0, w, h}, new(scratch)) })
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Fatalf("%dx%d to %dx%d, %v: the bytes differ", src.Width, src.Height, w, h, k)
		}
	})
}
