package imageproc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A bmpHeader is what stands before the pixels of a BMP.
type bmpHeader struct {
	width, height int
	topDown       bool
	bits          int
	compression   uint32
	masks         [4]uint32 // of red, green, blue and alpha, if the compression says that there are some
	palette       [256][3]byte
	pixels        int // where they begin
}

// Compressions of BMP.
const (
	bmpRaw    = 0
	bmpRLE8   = 1
	bmpRLE4   = 2
	bmpFields = 3
)

// readBMP reads the header, of Windows or OS/2.
func readBMP(data []byte) (*bmpHeader, error) {
	if len(data) < 26 {
		return nil, errShort
	}
	le := binary.LittleEndian
	size := int(le.Uint32(data[14:]))
	h := &bmpHeader{pixels: int(le.Uint32(data[10:]))}
	colours, padding := 0, 4
	switch size {
	case 12: // OS/2 1
		h.width, h.height, h.bits = int(le.Uint16(data[18:])), int(le.Uint16(data[20:])), int(le.Uint16(data[24:]))
		padding = 3
	case 40, 52, 56, 64, 108, 124:
		if len(data) < 14+size {
			return nil, errShort
		}
		h.width, h.height = int(le.Uint32(data[18:])), int(le.Uint32(data[22:]))
		if data[25] == 0xff { // a negative height
			h.topDown, h.height = true, int(-int32(le.Uint32(data[22:])))
		}
		h.bits, h.compression, colours = int(le.Uint16(data[28:])), le.Uint32(data[30:]), int(le.Uint32(data[46:]))
	default:
		return nil, fmt.Errorf("a header of %d bytes is not known", size)
	}
	end := 14 + size
	if h.compression == bmpFields {
		n := 3
		switch {
		case size >= 56:
			n = 4
		case size == 40:
			end += 12
		}
		if len(data) < 54+4*n {
			return nil, errShort
		}
		for i := range n {
			h.masks[i] = le.Uint32(data[54+4*i:])
		}
	}
	if h.bits <= 8 {
		if colours == 0 {
			colours = 1 << h.bits
		}
		if colours > 1<<16 {
			return nil, fmt.Errorf("a palette of %d colours is not supported", colours)
		}
		if h.pixels == 14+size {
			h.pixels += padding * colours
		}
		for i := range h.palette { // what is not there is gray, as Pillow has it
			h.palette[i] = [3]byte{byte(i), byte(i), byte(i)}
			if at := end + i*padding; i < colours && at+3 <= len(data) {
				h.palette[i] = [3]byte{data[at+2], data[at+1], data[at]}
			}
		}
		end += colours * padding
	}
	if h.pixels == 0 {
		h.pixels = end
	}
	return h, nil
}

func decodeBMP(dst *Image, data []byte, o Options) (int, error) {
	h, err := readBMP(data)
	if err != nil {
		return 0, err
	}
	most := 8 // pixels of a byte
	if h.compression == bmpRLE8 || h.compression == bmpRLE4 {
		most = 0 // a few bytes skip many lines; memory is taken as they do it
	}
	if err := checkSize(h.width, h.height, o, len(data), most); err != nil {
		return 0, err
	}
	row, err := h.rowReader(o.White)
	if err != nil {
		return 0, err
	}
	if h.pixels < 0 || h.pixels > len(data) {
		return 0, errShort
	}
	stride := (h.width*h.bits + 31) / 32 * 4
	pixels := data[h.pixels:]
	switch {
	case h.compression == bmpRLE8, h.compression == bmpRLE4:
		if pixels, err = h.runs(data); err != nil {
			return 0, err
		}
		stride = h.width
	case len(pixels) < stride*(h.height-1)+(h.width*h.bits+7)/8:
		return 0, errShort
	}
	dst.reset(h.width, h.height, 3)
	for y := range h.height {
		line := y
		if !h.topDown {
			line = h.height - 1 - y
		}
		row(dst.Pix[line*h.width*3:][:h.width*3], pixels[y*stride:])
	}
	return 1, nil
}

// rowReader returns the function that makes RGB of a line, or says what is not supported.
func (h *bmpHeader) rowReader(white bool) (func(out, in []byte), error) {
	bits := h.bits
	switch h.compression {
	case bmpRLE8, bmpRLE4:
		if bits != 4 && bits != 8 {
			return nil, fmt.Errorf("run lengths of %d bits are not supported", bits)
		}
		bits = 8
	case bmpFields:
		return h.fieldsReader(white)
	case bmpRaw:
	default:
		return nil, fmt.Errorf("the compression (%d) is not supported", h.compression)
	}
	switch bits {
	case 1, 4, 8:
		return func(out, in []byte) {
			for x := 0; 3*x < len(out); x++ {
				at := x * bits
				copy(out[3*x:], h.palette[in[at/8]>>(8-bits-at%8)&(1<<bits-1)][:])
			}
		}, nil
	case 16:
		return bmp15, nil
	case 24, 32:
		return bmpBytes(bits/8, 2, 1, 0), nil
	}
	return nil, fmt.Errorf("pixels of %d bits are not supported", bits)
}

// fieldsReader is rowReader for pixels whose parts the header names: those that Pillow knows.
func (h *bmpHeader) fieldsReader(white bool) (func(out, in []byte), error) {
	rgb := [3]uint32(h.masks[:3])
	switch h.bits {
	case 16:
		switch rgb {
		case [3]uint32{0x7c00, 0x3e0, 0x1f}:
			return bmp15, nil
		case [3]uint32{0xf800, 0x7e0, 0x1f}:
			return bmp16, nil
		}
	case 24:
		if rgb == [3]uint32{0xff0000, 0xff00, 0xff} {
			return bmpBytes(3, 2, 1, 0), nil
		}
	case 32:
		switch h.masks {
		case [4]uint32{0xff0000, 0xff00, 0xff, 0}:
			return bmpBytes(4, 2, 1, 0), nil
		case [4]uint32{0xff000000, 0xff0000, 0xff00, 0}:
			return bmpBytes(4, 3, 2, 1), nil
		case [4]uint32{0xff000000, 0xff00, 0xff, 0}:
			return bmpBytes(4, 3, 1, 0), nil
		case [4]uint32{0xff000000, 0xff0000, 0xff00, 0xff}:
			return bmpAlpha(3, 2, 1, 0, white), nil
		case [4]uint32{0xff, 0xff00, 0xff0000, 0xff000000}:
			return bmpAlpha(0, 1, 2, 3, white), nil
		case [4]uint32{0xff0000, 0xff00, 0xff, 0xff000000}, [4]uint32{}:
			return bmpAlpha(2, 1, 0, 3, white), nil
		case [4]uint32{0xff000000, 0xff00, 0xff, 0xff0000}:
			return bmpAlpha(3, 1, 0, 2, white), nil
		}
	}
	return nil, fmt.Errorf("colours of %d bits with the masks %x are not supported", h.bits, h.masks)
}

// bmp15 reads pixels of 5 bits for each colour, bmp16 those with 6 for green.
func bmp15(out, in []byte) {
	for ; len(out) >= 3; out, in = out[3:], in[2:] {
		v := int(in[0]) | int(in[1])<<8
		out[0], out[1], out[2] = byte((v>>10&31)*255/31), byte((v>>5&31)*255/31), byte((v&31)*255/31)
	}
}

func bmp16(out, in []byte) {
	for ; len(out) >= 3; out, in = out[3:], in[2:] {
		v := int(in[0]) | int(in[1])<<8
		out[0], out[1], out[2] = byte((v>>11)*255/31), byte((v>>5&63)*255/63), byte((v&31)*255/31)
	}
}

// bmpBytes reads pixels of n bytes, of which red, green and blue are these.
func bmpBytes(n, r, g, b int) func(out, in []byte) {
	return func(out, in []byte) {
		for ; len(out) >= 3; out, in = out[3:], in[n:] {
			out[0], out[1], out[2] = in[r], in[g], in[b]
		}
	}
}

// bmpAlpha reads pixels of 4 bytes, of which red, green, blue and alpha are these.
func bmpAlpha(r, g, b, a int, white bool) func(out, in []byte) {
	return func(out, in []byte) {
		for ; len(out) >= 3; out, in = out[3:], in[4:] {
			rgbaRow(out[:3], []byte{in[r], in[g], in[b], in[a]}, white)
		}
	}
}

// runs returns the indices of a palette, one byte a pixel, that run lengths say. It goes on as Pillow does where they do not fit
// the lines.
func (h *bmpHeader) runs(data []byte) ([]byte, error) {
	n := h.width * h.height
	var out []byte // grows as the data ask for it
	skip := func(k int) { out = append(out, make([]byte, min(k, n-len(out)))...) }
	four := h.compression == bmpRLE4
	at, x := h.pixels, 0
	for len(out) < n {
		if len(data) < at+2 {
			return nil, errShort
		}
		count, v := int(data[at]), data[at+1]
		at += 2
		switch {
		case count > 0: // a run
			count = max(0, min(count, h.width-x))
			first, second := v, v
			if four {
				first, second = v>>4, v&15
			}
			for i := range count {
				if i%2 == 0 {
					out = append(out, first)
				} else {
					out = append(out, second)
				}
			}
			x += count
		case v == 0: // the end of a line
			skip((h.width - len(out)%h.width) % h.width)
			x = 0
		case v == 1:
			return nil, errors.New("the run lengths end before the image does")
		case v == 2: // to the right and up
			if len(data) < at+2 {
				return nil, errShort
			}
			skip(int(data[at]) + int(data[at+1])*h.width)
			at += 2
			x = len(out) % h.width
		default: // pixels
			count := min(n-len(out), int(v))
			bytes := count
			if four {
				bytes = (count + 1) / 2
			}
			if len(data) < at+bytes {
				return nil, errShort
			}
			for i := range count {
				if four {
					out = append(out, data[at+i/2]>>(4-i%2*4)&15)
				} else {
					out = append(out, data[at+i])
				}
			}
			at += bytes
			x += int(v)
			at += at % 2
		}
	}
	return out, nil
}
