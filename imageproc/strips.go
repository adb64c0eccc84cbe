package imageproc

import (
	"fmt"

	"github.com/godwit-ml/godwit/imageproc/internal/jpeg"
)

// ProcessFile is [Decode] and [Processor.Process] in one: it writes the pixel_values of an encoded image to what room returns for
// their height and width, which must have room for exactly 3 x height x width. An error of room ends it.
//
// The result is the same; but a photo, as JPEG, is not decoded as a whole. Its rows are resized as they are decoded, and what
// the crop leaves out is not even painted. Other images are decoded into keep, in its memory if that is enough.
func (p *Processor) ProcessFile(data []byte, o Options, keep *Image, room func(height, width int) ([]float32, error)) error {
	if done, err := p.strips(data, o, room); done || err != nil {
		return err
	}
	if err := Decode(keep, data, o); err != nil {
		return err
	}
	height, width, err := p.Shape(keep.Width, keep.Height)
	if err != nil {
		return err
	}
	dst, err := room(height, width)
	if err != nil {
		return err
	}
	return p.Process(dst, keep)
}

// strips is ProcessFile for a JPEG whose rows are resized first. done tells whether it is one.
func (p *Processor) strips(data []byte, o Options, room func(height, width int) ([]float32, error)) (done bool, err error) {
	if p.floats || sniff(data) != "JPEG" {
		return false, nil
	}
	h, orientation, err := readJPEG(data, o)
	if err != nil || orientation > 1 && !o.White {
		return false, nil // Decode says what is wrong
	}
	l, err := p.plan(h.Width, h.Height)
	if err != nil {
		return false, err
	}
	w := window{l.x.from, l.y.from, l.x.to, l.y.to}
	f := p.filter
	if p.backend == Torchvision {
		f = torchFilter(f)
	}
	switch {
	case w.x0 >= w.x1 || w.y0 >= w.y1:
		return false, nil
	case l.width == h.Width || l.height == h.Height || f == Nearest && p.backend == Pillow:
		return false, nil
	case columnsFirst(h.Width, h.Height, l.width, l.height, p.backend):
		return false, nil
	}
	dst, err := room(l.outHeight, l.outWidth)
	if err != nil {
		return false, err
	}
	if len(dst) != 3*l.outHeight*l.outWidth {
		return false, fmt.Errorf("imageproc: there is room for %d numbers, but the image gives 3 x %d x %d", len(dst), l.outHeight, l.outWidth)
	}
	s := scratches.Get()
	defer scratches.Put(s)
	tx := tables.get(tableKey{h.Width, l.width, w.x0, w.x1, f, p.backend, false})
	ty := tables.get(tableKey{h.Height, l.height, w.y0, w.y1, f, p.backend, false})
	n := (w.x1 - w.x0) * 3
	s.rows = grow(s.rows, n*(ty.last-ty.first))
	s.lines = grow(s.lines, 2*3*h.Width+4)
	s.pass = pass{in: s.lines[3*tx.first:], stride: 3 * h.Width, channels: 3, n: n, t: tx, horizontal: true}
	if err := jpeg.Decode(&strip{s, ty.first, ty.last}, h); err != nil {
		return false, fmt.Errorf("imageproc: JPEG: %w", err)
	}
	s.window.reset(w.x1-w.x0, w.y1-w.y0, 3)
	vertical(s.window.Pix, s.rows, n, n, ty, s)
	if l.outHeight*l.outWidth > l.y.n*l.x.n {
		clear(dst)
	}
	p.write(dst, &s.window, &l)
	return true, nil
}

// A strip resizes the lines first, ..., last-1 of an image, two at a time, into s.rows.
type strip struct {
	s           *scratch
	first, last int
}

// Line returns where line y goes.
func (t *strip) Line(y int) []byte {
	if y < t.first || y >= t.last {
		return nil
	}
	return t.s.lines[(y-t.first)%2*t.s.pass.stride:][:t.s.pass.stride]
}

// Done resizes line y and the one before it, or the last one alone.
func (t *strip) Done(y int) {
	i, p := y-t.first, &t.s.pass
	switch {
	case i%2 == 1:
		p.out = t.s.rows[(i-1)*p.n:]
		p.rowPairs(0, 2)
	case y == t.last-1:
		p.out = t.s.rows[i*p.n:]
		p.rowPairs(0, 1)
	}
}
