package imageproc

import "fmt"

// An Image is 8-bit pixels, row by row from the top: Pix holds Height x Width x Channels bytes. Channels is 3 for RGB, which is
// what [Decode] gives and [Processor.Process] takes; [Resize] also takes 1 (gray) and 4 (RGBA, alpha not multiplied in).
type Image struct {
	Width, Height, Channels int
	Pix                     []byte
}

// reset gives m a size, in the memory that it has if that is enough. The pixels are what they happen to be.
func (m *Image) reset(width, height, channels int) {
	m.Width, m.Height, m.Channels = width, height, channels
	m.Pix = grow(m.Pix, width*height*channels)
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
