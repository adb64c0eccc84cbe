package imageproc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"golang.org/x/image/webp"
)

// decodeWebP decodes a WebP, or the first frame of an animation onto its canvas. golang.org/x/image decodes the planes; how they
// become RGB is libwebp's arithmetic.
func decodeWebP(dst *Image, data []byte, o Options) (int, error) {
	w, err := readWebP(data)
	if err != nil {
		return 0, err
	}
	if err := checkSize(w.width, w.height, o, 0, 0); err != nil {
		return 0, err
	}
	orientation, err := exifOrientation(w.exif, w.xmp)
	if err != nil {
		return 0, err
	}
	still := w.still()
	config, err := webp.DecodeConfig(bytes.NewReader(still))
	if err != nil {
		return 0, clean(err)
	}
	switch {
	case config.Width < 1 || config.Height < 1:
		return 0, fmt.Errorf("the frame has %dx%d pixels: there are none", config.Width, config.Height)
	case !w.animated && (config.Width != w.width || config.Height != w.height):
		return 0, fmt.Errorf("the image of %dx%d pixels does not fill the canvas of %dx%d", config.Width, config.Height, w.width, w.height)
	case config.Width > w.width-w.x || config.Height > w.height-w.y:
		return 0, fmt.Errorf("the frame of %dx%d pixels is not on the canvas of %dx%d", config.Width, config.Height, w.width, w.height)
	}
	if !w.fits() {
		return 0, errShort
	}
	m, err := webp.Decode(bytes.NewReader(still))
	if err != nil {
		return 0, clean(err)
	}
	if !w.animated {
		webpRGB(dst, m, o.White)
		return orientation, nil
	}
	var frame Image
	webpRGB(&frame, m, o.White)
	dst.reset(w.width, w.height, 3)
	background := byte(0) // transparent black
	if o.White {
		background = 255
	}
	for i := range dst.Pix {
		dst.Pix[i] = background
	}
	for y := range frame.Height {
		copy(dst.Pix[((w.y+y)*w.width+w.x)*3:], frame.Pix[y*frame.Width*3:][:frame.Width*3])
	}
	return orientation, nil
}

// webpFile is what is used of a WebP file.
type webpFile struct {
	width, height int // of the canvas
	x, y          int // of the frame on it
	animated      bool
	alpha, pixels []byte // chunks with their headers
	exif, xmp     []byte
}

// readWebP finds the chunks.
func readWebP(data []byte) (w webpFile, err error) {
	size := int64(binary.LittleEndian.Uint32(data[4:])) + 8
	if size > int64(len(data)) {
		return w, errShort
	}
	rest := data[12:]
	for len(rest) >= 8 {
		body, whole := chunk(rest)
		if body == nil {
			return w, errShort
		}
		switch id := string(rest[:4]); id {
		case "VP8X":
			if len(body) < 10 {
				return w, errShort
			}
			w.width, w.height = int24(body[4:])+1, int24(body[7:])+1
			w.animated = body[0]&2 != 0
		case "ANMF":
			if w.pixels != nil {
				break // not the first
			}
			if len(body) < 16 {
				return w, errShort
			}
			w.x, w.y = 2*int24(body), 2*int24(body[3:])
			for in := body[16:]; len(in) >= 8; {
				b, c := chunk(in)
				if b == nil {
					return w, errShort
				}
				w.keep(string(in[:4]), c)
				in = in[len(c):]
			}
		case "EXIF":
			w.exif = body
		case "XMP ":
			w.xmp = body
		default:
			w.keep(id, whole)
		}
		rest = rest[len(whole):]
	}
	if w.pixels == nil {
		return w, errors.New("there is no image in the file")
	}
	if w.width == 0 {
		config, err := webp.DecodeConfig(bytes.NewReader(w.still()))
		if err != nil {
			return w, clean(err)
		}
		w.width, w.height = config.Width, config.Height
	}
	return w, nil
}

// keep keeps the first chunks of pixels.
func (w *webpFile) keep(id string, chunk []byte) {
	switch {
	case w.pixels != nil:
	case id == "ALPH":
		w.alpha = chunk
	case id == "VP8 " || id == "VP8L":
		w.pixels = chunk
	}
}

// chunk returns the content of the chunk that b begins with, and the whole of it; nil if it is cut short.
func chunk(b []byte) (body, whole []byte) {
	n := int64(binary.LittleEndian.Uint32(b[4:]))
	if n > int64(len(b))-8 {
		return nil, nil
	}
	end := min(8+n+n&1, int64(len(b)))
	return b[8 : 8+n], b[:end]
}

func int24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// still returns a file with the frame alone.
func (w *webpFile) still() []byte {
	chunks := [][]byte{w.pixels}
	if w.alpha != nil && string(w.pixels[:4]) == "VP8 " && len(w.pixels) >= 18 {
		// The extended header has the frame's size, which stands in the frame's own header too.
		size := w.pixels[8+6:]
		x := []byte("VP8X\x0a\x00\x00\x00\x10\x00\x00\x00")
		for _, n := range []uint16{binary.LittleEndian.Uint16(size), binary.LittleEndian.Uint16(size[2:])} {
			n = n&0x3fff - 1
			x = append(x, byte(n), byte(n>>8), 0)
		}
		chunks = [][]byte{x, w.alpha, w.pixels}
	}
	out := []byte("RIFF\x00\x00\x00\x00WEBP")
	for _, c := range chunks {
		out = append(out, c...)
		if len(c)&1 != 0 {
			out = append(out, 0)
		}
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// webpRGB makes dst the RGB pixels of m.
func webpRGB(dst *Image, m image.Image, white bool) {
	switch m := m.(type) {
	case *image.YCbCr:
		yuvToRGB(dst, m)
	case *image.NYCbCrA:
		yuvToRGB(dst, &m.YCbCr)
		if !white {
			return
		}
		for y := range dst.Height {
			row := dst.Pix[y*dst.Width*3:][:dst.Width*3]
			for x, a := range m.A[y*m.AStride:][:dst.Width] {
				if a != 255 {
					p := row[3*x:][:3]
					p[0], p[1], p[2] = overWhite(p[0], a), overWhite(p[1], a), overWhite(p[2], a)
				}
			}
		}
	default:
		convert(dst, m, white, false)
	}
}

// yuvToRGB converts the planes of a VP8 frame, chroma of half the size each way, as libwebp does: a pixel's chroma is a weighted
// mean (9, 3, 3, 1)/16 of the four samples around it, and the range of the luma is 16 to 235.
func yuvToRGB(dst *Image, m *image.YCbCr) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	dst.reset(w, h, 3)
	cw, ch := (w+1)/2, (h+1)/2
	for y := range h {
		near := y / 2
		far := near + 1 // the other row of chroma
		if y%2 == 0 {
			far = near - 1
		}
		far = max(0, min(far, ch-1))
		luma := m.Y[y*m.YStride:][:w]
		u0, u1 := m.Cb[near*m.CStride:][:cw], m.Cb[far*m.CStride:][:cw]
		v0, v1 := m.Cr[near*m.CStride:][:cw], m.Cr[far*m.CStride:][:cw]
		out := dst.Pix[y*w*3:][:w*3]
		for x := range w {
			i := x / 2
			j := i + 1
			if x%2 == 0 {
				j = i - 1
			}
			j = max(0, min(j, cw-1))
			u := upsample(u0[i], u0[j], u1[i], u1[j])
			v := upsample(v0[i], v0[j], v1[i], v1[j])
			yuvPixel(out[3*x:][:3], int(luma[x]), u, v)
		}
	}
}

// upsample returns the chroma of a pixel from the nearest sample, its neighbours in x and in y, and the diagonal one.
func upsample(near, x, y, diagonal byte) int {
	n, a, b, d := int(near), int(x), int(y), int(diagonal)
	mean := n + a + b + d + 8
	return (n + (mean+2*(a+b))>>3) >> 1
}

// yuvPixel is libwebp's conversion, in fixed point of 14 bits.
func yuvPixel(out []byte, y, u, v int) {
	y = y * 19077 >> 8
	out[0] = clip8(int64(y+v*26149>>8-14234) >> 6)
	out[1] = clip8(int64(y-u*6419>>8-v*13320>>8+8708) >> 6)
	out[2] = clip8(int64(y+u*33050>>8-17685) >> 6)
}
