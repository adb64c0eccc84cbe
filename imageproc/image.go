package imageproc

import "fmt"

// An Image is 8-bit pixels, row by row from the top: Pix holds Height x Width x Channels bytes. Channels is 3 for RGB, which is
// what [Decode] gives and [Processor.Process] takes; [Resize] also takes 1 (gray) and 4 (RGBA, alpha not multiplied in).
//
// An Image from Decode also remembers the one colour that its file calls transparent, if it does, until it is decoded anew.
type Image struct {
	Width, Height, Channels int
	Pix                     []byte

	clear    [3]byte // the transparent colour
	hasClear bool
}

// reset gives m a size, in the memory that it has if that is enough. The pixels are what they happen to be.
func (m *Image) reset(width, height, channels int) {
	m.Width, m.Height, m.Channels, m.hasClear = width, height, channels, false
	m.Pix = grow(m.Pix, width*height*channels)
}

// setClear remembers a colour as transparent.
func (m *Image) setClear(c [3]byte) { m.clear, m.hasClear = c, true }

// whiten makes dst a copy of src with white in place of its transparent colour.
func whiten(dst, src *Image) {
	dst.reset(src.Width, src.Height, src.Channels)
	copy(dst.Pix, src.Pix)
	for p := dst.Pix; len(p) >= 3; p = p[3:] {
		if [3]byte(p) == src.clear {
			p[0], p[1], p[2] = 255, 255, 255
		}
	}
}

// check returns an error if the fields contradict each other.
func (m *Image) check() error {
	switch {
	case m.Channels != 1 && m.Channels != 3 && m.Channels != 4:
		return fmt.Errorf("imageproc: an image has %d channels, must be 1, 3 or 4", m.Channels)
	case m.Width < 1 || m.Height < 1 || m.Width > maxSide || m.Height > maxSide:
		return fmt.Errorf("imageproc: an image has %dx%d pixels: each side must be from 1 to %d", m.Width, m.Height, maxSide)
	case len(m.Pix) != m.Width*m.Height*m.Channels:
		return fmt.Errorf("imageproc: an image of %dx%d pixels and %d channels has %d bytes, must have %d", m.Width, m.Height,
			m.Channels, len(m.Pix), m.Width*m.Height*m.Channels)
	}
	return nil
}
