package imageproc

import (
	"compress/lzw"
	"errors"
	"io"
)

// decodeGIF decodes the first frame of a GIF onto its screen. The standard library's decoder loses the colour of the transparent
// index, which is what stays of it without alpha.
func decodeGIF(dst *Image, data []byte, o Options) (int, error) {
	g := gifReader{data: data[6:]}
	screen := g.take(7)
	if screen == nil {
		return 0, errShort
	}
	width, height := int(screen[0])|int(screen[1])<<8, int(screen[2])|int(screen[3])<<8
	palette := grayRamp()
	if screen[4]&0x80 != 0 && !g.palette(&palette, screen[4]) {
		return 0, errShort
	}
	transparent := -1
	for {
		kind := g.take(1)
		switch {
		case kind == nil:
			return 0, errShort
		case kind[0] == ';':
			return 0, errors.New("there is no image in the file")
		case kind[0] == '!':
			label := g.take(1)
			block := g.block()
			if label == nil || block == nil {
				return 0, errShort
			}
			if label[0] == 0xf9 && len(block) >= 4 && block[0]&1 != 0 {
				transparent = int(block[3])
			}
			for len(block) > 0 {
				if block = g.block(); block == nil {
					return 0, errShort
				}
			}
			continue
		case kind[0] != ',':
			continue // Pillow skips what it does not know
		}
		break
	}
	frame := g.take(9)
	if frame == nil {
		return 0, errShort
	}
	x0, y0 := int(frame[0])|int(frame[1])<<8, int(frame[2])|int(frame[3])<<8
	w, h := int(frame[4])|int(frame[5])<<8, int(frame[6])|int(frame[7])<<8
	width, height = max(width, x0+w), max(height, y0+h)
	if err := checkSize(width, height, o, 0, 0); err != nil {
		return 0, err
	}
	// Codes of 12 bits, each of up to 4096 pixels.
	if err := checkSize(max(w, 1), max(h, 1), o, len(data), 4096); err != nil {
		return 0, err
	}
	if frame[8]&0x80 != 0 {
		palette = grayRamp()
		if !g.palette(&palette, frame[8]) {
			return 0, errShort
		}
	}
	bits := g.take(1)
	if bits == nil {
		return 0, errShort
	}
	if bits[0] < 2 || bits[0] > 8 {
		return 0, errors.New("the size of the codes is not from 2 to 8 bits")
	}
	in := lzw.NewReader(&g, lzw.LSB, int(bits[0]))
	defer in.Close()
	indices := make([]byte, w*h)
	if _, err := io.ReadFull(in, indices); err != nil {
		return 0, clean(err)
	}
	dst.reset(width, height, 3)
	colour := func(i int) [3]byte {
		c := palette[i]
		if o.White && i == transparent {
			c = [3]byte{255, 255, 255}
		}
		return c
	}
	background := colour(max(transparent, 0))
	for i := 0; i < len(dst.Pix); i += 3 {
		copy(dst.Pix[i:i+3], background[:])
	}
	if transparent >= 0 {
		palette[transparent] = colour(transparent)
		if !o.White {
			dst.setClear(palette[transparent])
		}
	}
	for i := range h {
		y := i
		if frame[8]&0x40 != 0 {
			y = interlaced(i, h)
		}
		out := dst.Pix[((y0+y)*width+x0)*3:]
		for x, v := range indices[i*w:][:w] {
			copy(out[3*x:3*x+3], palette[v][:])
		}
	}
	return 1, nil
}

// interlaced returns the row that comes as number i of h.
func interlaced(i, h int) int {
	for _, pass := range [4][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		n := (h - pass[0] + pass[1] - 1) / pass[1]
		if i < n {
			return pass[0] + i*pass[1]
		}
		i -= max(n, 0)
	}
	return 0
}

func grayRamp() (p [256][3]byte) {
	for i := range p {
		p[i] = [3]byte{byte(i), byte(i), byte(i)}
	}
	return p
}

// gifReader reads the parts of a GIF. As an io.Reader and io.ByteReader it gives the content of the blocks that follow.
type gifReader struct {
	data []byte
	rest []byte // of the block that is being read
}

// take returns the next n bytes, nil if there are not as many.
func (g *gifReader) take(n int) []byte {
	if len(g.data) < n {
		return nil
	}
	b := g.data[:n:n]
	g.data = g.data[n:]
	return b
}

// palette reads a palette with the size that the flags say.
func (g *gifReader) palette(p *[256][3]byte, flags byte) bool {
	b := g.take(3 << (flags&7 + 1))
	for i := range len(b) / 3 {
		copy(p[i][:], b[3*i:])
	}
	return b != nil
}

// block returns the next block, of length 0 at the end of a sequence, nil if it is not all there.
func (g *gifReader) block() []byte {
	n := g.take(1)
	if n == nil {
		return nil
	}
	return g.take(int(n[0]))
}

func (g *gifReader) ReadByte() (byte, error) {
	if len(g.rest) == 0 {
		if g.rest = g.block(); len(g.rest) == 0 {
			return 0, io.EOF
		}
	}
	b := g.rest[0]
	g.rest = g.rest[1:]
	return b, nil
}

func (g *gifReader) Read(p []byte) (int, error) {
	b, err := g.ReadByte()
	if err != nil || len(p) == 0 {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

var _ io.ByteReader = (*gifReader)(nil)
