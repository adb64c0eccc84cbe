package imageproc

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"image"
	"image/png"
	"io"
	"strings"
)

// decodePNG decodes a PNG with the standard library. The chunks are read before, for the size and what EXIF says.
func decodePNG(dst *Image, data []byte, o Options) (int, error) {
	h, err := readPNG(data)
	if err != nil {
		return 0, err
	}
	channels := [7]int{1, 0, 3, 1, 2, 0, 4}[h.colour]
	bits := channels * h.depth
	// A byte of a deflate stream gives at most 1032.
	if err := checkSize(h.width, h.height, o, len(data), 1032*8/bits+1); err != nil {
		return 0, err
	}
	orientation, err := exifOrientation(h.exif, h.xmp)
	if err != nil {
		return 0, err
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return 0, clean(err)
	}
	convert(dst, m, o.White, h.colour == 0)
	if c, ok := h.transparent(m); ok && !o.White {
		dst.setClear(c)
	}
	return orientation, nil
}

// transparent returns the one colour that the tRNS chunk makes transparent, as Pillow remembers it of an image that it has
// converted to RGB: of gray with 1 or 16 bits its value is taken for red, of 2 or 4 bits it is not scaled, of more than 8 bits
// the low byte counts.
func (h *pngHeader) transparent(m image.Image) (c [3]byte, ok bool) {
	t := h.trns
	p, paletted := m.(*image.Paletted)
	switch {
	case h.colour == 3 && paletted:
		i := bytes.IndexByte(t, 0)
		if i < 0 || i >= len(p.Palette) || len(bytes.Trim(t, "\xff")) != 1 {
			return c, false // none, or several with an alpha: forgotten
		}
		anyPixel(c[:], p.Palette[i], false)
		return c, true
	case h.colour == 2 && len(t) >= 6:
		return [3]byte{t[1], t[3], t[5]}, true
	case h.colour != 0 || len(t) < 2:
		return c, false
	case h.depth == 1 && (t[0]|t[1]) != 0:
		return [3]byte{255}, true
	case h.depth == 1 || h.depth == 16:
		return [3]byte{t[1]}, true
	}
	v := clamp16(t[0], t[1])
	return [3]byte{v, v, v}, true
}

var errPNG = errors.New("the header has a colour type or bit depth that there is not")

type pngHeader struct {
	width, height, depth, colour int
	exif, xmp, trns              []byte
}

// limitText is the most bytes that are unpacked of a text.
const limitText = 1 << 20

// readPNG reads the chunks of a PNG. It only has errors for its header: the decoder finds the rest.
func readPNG(data []byte) (h pngHeader, err error) {
	data = data[8:]
	if len(data) < 25 || string(data[4:8]) != "IHDR" || binary.BigEndian.Uint32(data) != 13 {
		return h, errShort
	}
	width, height := binary.BigEndian.Uint32(data[8:]), binary.BigEndian.Uint32(data[12:])
	h.depth, h.colour = int(data[16]), int(data[17])
	h.width, h.height = int(min(width, 1<<31-1)), int(min(height, 1<<31-1))
	switch depth := h.depth; {
	case h.colour == 0 && (depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16):
	case h.colour == 3 && (depth == 1 || depth == 2 || depth == 4 || depth == 8):
	case (h.colour == 2 || h.colour == 4 || h.colour == 6) && (depth == 8 || depth == 16):
	default:
		return h, errPNG
	}
	for len(data) >= 12 {
		n := int64(binary.BigEndian.Uint32(data))
		if n > int64(len(data))-12 {
			break
		}
		body := data[8 : 8+n]
		switch string(data[4:8]) {
		case "eXIf":
			h.exif = body
		case "tRNS":
			h.trns = body
		case "tEXt", "zTXt":
			if text := pngText(body, "Raw profile type exif", string(data[4:8]) == "zTXt"); text != nil && h.exif == nil {
				h.exif = rawProfile(text)
			}
		case "iTXt":
			if text := internationalText(body, "XML:com.adobe.xmp"); text != nil {
				h.xmp = text
			}
		}
		data = data[12+n:]
	}
	return h, nil
}

// pngText returns the text under the key in the body of a tEXt or zTXt chunk, nil if it has another key or is damaged.
func pngText(body []byte, key string, packed bool) []byte {
	text, ok := bytes.CutPrefix(body, []byte(key+"\x00"))
	if !ok {
		return nil
	}
	if packed {
		if len(text) < 1 || text[0] != 0 {
			return nil
		}
		return inflate(text[1:])
	}
	return text
}

// internationalText is pngText for an iTXt chunk: flag, method, language, key in that language, text.
func internationalText(body []byte, key string) []byte {
	text, ok := bytes.CutPrefix(body, []byte(key+"\x00"))
	if !ok || len(text) < 2 {
		return nil
	}
	packed := text[0] != 0
	text = text[2:]
	for range 2 {
		_, after, ok := bytes.Cut(text, []byte{0})
		if !ok {
			return nil
		}
		text = after
	}
	if packed {
		return inflate(text)
	}
	return text
}

func inflate(b []byte) []byte {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	out, err := io.ReadAll(io.LimitReader(r, limitText))
	if err != nil {
		return nil
	}
	return out
}

// rawProfile decodes what ImageMagick writes: an empty line, the name, the length, lines of hexadecimal digits.
func rawProfile(text []byte) []byte {
	lines := strings.SplitN(string(text), "\n", 4)
	if len(lines) < 4 {
		return nil
	}
	digits := strings.Join(strings.Fields(lines[3]), "")
	out, err := hex.DecodeString(digits)
	if err != nil {
		return nil
	}
	return out
}
