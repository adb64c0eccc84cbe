// Package jpeg decodes JPEG files (ITU T.81: baseline, extended sequential and progressive, with Huffman coding and 8 bits a
// sample) to RGB, with the bytes that libjpeg-turbo gives with its default settings, which are those of Pillow.
//
// The standard leaves two steps open that show in the bytes. One is the precision of the inverse cosine transform: here it is
// the "slow" integer one, with 13 bits after the point (idct.go). The other is how chroma of half the resolution becomes whole:
// here by a triangle filter, 3/4 of the nearer sample and 1/4 of the next (upsample.go). The standard library's image/jpeg
// repeats each sample instead, which moves pixels at edges by tens of levels.
//
// Unlike libjpeg, which warns and goes on, this package does not decode damaged data: they are an error.
package jpeg

import (
	"errors"
	"fmt"
)

// Markers of T.81, table B.1.
const (
	markerSOF0  = 0xc0 // baseline
	markerSOF1  = 0xc1 // extended sequential
	markerSOF2  = 0xc2 // progressive
	markerDHT   = 0xc4
	markerSOF15 = 0xcf
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDNL   = 0xdc
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP14 = 0xee
	markerTEM   = 0x01
)

var (
	errShort   = errors.New("the file is cut short")
	errDamaged = errors.New("the compressed data are damaged")
)

// A Header is what stands before the first scan.
type Header struct {
	Width, Height int
	Exif, XMP     []byte // parts of the file; Exif may be joined of several. nil: there is none

	data        []byte // the file, from the frame header on
	progressive bool
	components  []component
	maxH, maxV  int
	mcusX       int // columns and rows of minimum coded units
	mcusY       int

	// What the tables in the file were when the frame header came.
	quant     [4]*[64]int16 // in natural order
	huffman   [2][4]*huffman
	restart   int // minimum coded units between restart markers, 0: none
	jfif      bool
	adobe     bool
	transform byte // of the Adobe marker
}

// A component is a plane of the image.
type component struct {
	id           byte
	h, v         int // sampling factors
	table        int // of quantisation
	width        int // of the part that the image needs, in samples
	height       int
	blocksX      int // with those that fill up the last minimum coded unit
	blocksY      int
	quant        *[64]int16 // set by the first scan
	coefficients []int16    // progressive only: 64 a block, in natural order
	plane        []byte     // blocksX*8 wide, blockRows*8 high: row y is in row y modulo that
	blockRows    int
	dc           *huffman // of the scan
	ac           *huffman
	prediction   int32
}

// ReadHeader reads what stands before the first scan, which it checks completely. data must stay as they are.
func ReadHeader(data []byte) (*Header, error) {
	h := &Header{data: data}
	if len(data) < 2 || data[0] != 0xff || data[1] != markerSOI {
		return nil, errors.New("the file does not begin with the marker of a JPEG")
	}
	h.data = data[2:]
	for {
		marker, body, err := h.segment()
		if err != nil {
			return nil, err
		}
		switch {
		case marker == markerSOS:
			if h.Width == 0 {
				return nil, errors.New("there is a scan before the header of the frame")
			}
			h.data = data[len(data)-len(h.data)-len(body)-4:] // the scan is read by Decode
			return h, nil
		case marker == markerEOI:
			return nil, errors.New("the file ends before there is an image")
		case marker == markerSOF0 || marker == markerSOF1 || marker == markerSOF2:
			if err := h.frame(body, marker == markerSOF2); err != nil {
				return nil, err
			}
		case marker >= 0xc3 && marker <= markerSOF15 && marker != markerDHT && marker != 0xc8 && marker != 0xcc:
			return nil, fmt.Errorf("the kind of compression (SOF%d) is not supported", marker-markerSOF0)
		default:
			if err := h.table(marker, body); err != nil {
				return nil, err
			}
		}
	}
}

// segment returns the next marker and the content of its segment. What stands before a marker is skipped, as libjpeg does.
func (h *Header) segment() (byte, []byte, error) {
	d := h.data
	for {
		for len(d) > 0 && d[0] != 0xff {
			d = d[1:]
		}
		for len(d) > 0 && d[0] == 0xff {
			d = d[1:]
		}
		if len(d) == 0 {
			return 0, nil, errShort
		}
		marker := d[0]
		d = d[1:]
		switch {
		case marker == 0 || marker == markerTEM || marker >= markerRST0 && marker <= markerRST7:
			continue
		case marker == markerSOI:
			return 0, nil, errors.New("there is a second image inside the first")
		case marker == markerEOI:
			h.data = d
			return marker, nil, nil
		}
		if len(d) < 2 {
			return 0, nil, errShort
		}
		n := int(d[0])<<8 | int(d[1])
		if n < 2 {
			return 0, nil, fmt.Errorf("the length of a segment (marker %02x) is %d, less than 2", marker, n)
		}
		if n > len(d) {
			return 0, nil, errShort
		}
		h.data = d[n:]
		return marker, d[2:n], nil
	}
}

// table reads a segment that is neither a frame nor a scan.
func (h *Header) table(marker byte, body []byte) error {
	switch marker {
	case markerDQT:
		return h.quantTables(body)
	case markerDHT:
		return h.huffmanTables(body)
	case markerDRI:
		if len(body) != 2 {
			return errors.New("the segment of the restart interval has not 2 bytes")
		}
		h.restart = int(body[0])<<8 | int(body[1])
	case markerDNL:
		return errors.New("the height is given after the image, which is not supported")
	case 0xcc:
		return errors.New("arithmetic coding is not supported")
	case markerAPP0:
		if len(body) >= 5 && string(body[:5]) == "JFIF\x00" {
			h.jfif = true
		}
	case markerAPP1:
		const xmp = "http://ns.adobe.com/xap/1.0/\x00"
		switch {
		case len(body) >= 6 && string(body[:6]) == "Exif\x00\x00":
			if h.Exif == nil {
				h.Exif = body
			} else {
				h.Exif = append(h.Exif[:len(h.Exif):len(h.Exif)], body[6:]...)
			}
		case len(body) >= len(xmp) && string(body[:len(xmp)]) == xmp:
			h.XMP = body[len(xmp):]
		}
	case markerAPP14:
		if len(body) >= 12 && string(body[:5]) == "Adobe" {
			h.adobe, h.transform = true, body[11]
		}
	}
	return nil
}

// zigzag gives the natural index of a coefficient from its place in the file.
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

func (h *Header) quantTables(body []byte) error {
	for len(body) > 0 {
		wide, id := body[0]>>4, body[0]&15
		body = body[1:]
		if wide > 1 || id > 3 {
			return errors.New("a quantisation table has a wrong number or precision")
		}
		n := 64 << wide
		if len(body) < n {
			return errors.New("a quantisation table is cut short")
		}
		q := new([64]int16)
		for i := range 64 {
			if wide == 0 {
				q[zigzag[i]] = int16(body[i])
			} else {
				q[zigzag[i]] = int16(body[2*i])<<8 | int16(body[2*i+1]) // those of 16 bits overflow, as in libjpeg-turbo
			}
		}
		h.quant[id] = q
		body = body[n:]
	}
	return nil
}

// frame reads the header of a frame.
func (h *Header) frame(body []byte, progressive bool) error {
	if h.Width != 0 {
		return errors.New("there are two headers of a frame")
	}
	if len(body) < 6 {
		return errors.New("the header of the frame is cut short")
	}
	if body[0] != 8 {
		return fmt.Errorf("samples of %d bits are not supported", body[0])
	}
	height, width, n := int(body[1])<<8|int(body[2]), int(body[3])<<8|int(body[4]), int(body[5])
	if width == 0 || height == 0 {
		return fmt.Errorf("the header says %dx%d pixels: there are none", width, height)
	}
	if n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("%d components are not supported", n)
	}
	if len(body) != 6+3*n {
		return errors.New("the header of the frame has a wrong length")
	}
	h.Width, h.Height, h.progressive = width, height, progressive
	h.components = make([]component, n)
	for i := range h.components {
		b := body[6+3*i:]
		c := component{id: b[0], h: int(b[1] >> 4), v: int(b[1] & 15), table: int(b[2])}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.table > 3 {
			return errors.New("a component has a wrong sampling factor or quantisation table")
		}
		for _, other := range h.components[:i] {
			if other.id == c.id {
				return errors.New("two components have the same number")
			}
		}
		h.components[i] = c
		h.maxH, h.maxV = max(h.maxH, c.h), max(h.maxV, c.v)
	}
	if n == 1 { // the scan is not interleaved: its units are single blocks, whatever the factors
		h.components[0].h, h.components[0].v, h.maxH, h.maxV = 1, 1, 1, 1
	}
	h.mcusX, h.mcusY = divUp(width, 8*h.maxH), divUp(height, 8*h.maxV)
	for i := range h.components {
		c := &h.components[i]
		if h.maxH%c.h != 0 || h.maxV%c.v != 0 {
			return errors.New("sampling factors that are no multiples are not supported")
		}
		c.width, c.height = divUp(width*c.h, h.maxH), divUp(height*c.v, h.maxV)
		c.blocksX, c.blocksY = h.mcusX*c.h, h.mcusY*c.v
	}
	return nil
}

func divUp(a, b int) int { return (a + b - 1) / b }
