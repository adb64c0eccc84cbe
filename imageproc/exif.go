package imageproc

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// exifOrientation returns how an image is to be turned, 1 to 8, from its EXIF data (with or without "Exif\0\0") or else its XMP
// data; 1 if neither says it. As in Pillow, data that do not begin like a TIFF are an error, an entry that is wrong is not.
func exifOrientation(exif, xmp []byte) (int, error) {
	for bytes.HasPrefix(exif, []byte("Exif\x00\x00")) {
		exif = exif[6:]
	}
	if len(exif) > 0 {
		var order binary.ByteOrder = binary.LittleEndian
		switch {
		case bytes.HasPrefix(exif, []byte("II*\x00")) && len(exif) >= 8:
		case bytes.HasPrefix(exif, []byte("MM\x00*")) && len(exif) >= 8:
			order = binary.BigEndian
		default:
			return 0, errors.New("the EXIF data do not begin as they must")
		}
		if v := tiffTag(exif, order, order.Uint32(exif[4:]), tagOrientation); v > 0 {
			return v, nil
		}
	}
	return xmpOrientation(xmp), nil
}

// Tags of a TIFF.
const (
	tagWidth        = 256
	tagHeight       = 257
	tagBits         = 258
	tagCompression  = 259
	tagPhotometric  = 262
	tagFillOrder    = 266
	tagStripOffsets = 273
	tagOrientation  = 274
	tagSamples      = 277
	tagStripCounts  = 279
	tagPlanes       = 284
	tagGroup3       = 292
	tagPredictor    = 317
	tagTileWidth    = 322
	tagTileOffsets  = 324
	tagTileCounts   = 325
	tagExtra        = 338
	tagSampleFormat = 339
)

// tiffTag returns the value of a tag of one number in the directory of a TIFF at the offset, 0 if there is none.
func tiffTag(tiff []byte, order binary.ByteOrder, offset uint32, tag uint16) int {
	if int64(offset)+2 > int64(len(tiff)) {
		return 0
	}
	entries := tiff[offset:]
	n := int(order.Uint16(entries))
	entries = entries[2:]
	for ; n > 0 && len(entries) >= 12; n-- {
		e := entries[:12]
		entries = entries[12:]
		if order.Uint16(e) != tag || order.Uint32(e[4:]) == 0 {
			continue
		}
		switch order.Uint16(e[2:]) {
		case 1: // 8 bits
			return int(e[8])
		case 3, 8: // 16 bits
			return int(order.Uint16(e[8:]))
		case 4, 9, 13: // 32 bits
			return int(min(order.Uint32(e[8:]), 1<<31-1))
		}
	}
	return 0
}

// xmpOrientation finds tiff:Orientation="6" or <tiff:Orientation>6< in XMP data.
func xmpOrientation(xmp []byte) int {
	const tag = "tiff:Orientation"
	for {
		i := bytes.Index(xmp, []byte(tag))
		if i < 0 {
			return 1
		}
		xmp = xmp[i+len(tag):]
		v, ok := bytes.CutPrefix(xmp, []byte(`="`))
		if !ok {
			v, ok = bytes.CutPrefix(xmp, []byte(">"))
		}
		if ok && len(v) > 0 && v[0] >= '0' && v[0] <= '9' {
			return int(v[0] - '0')
		}
	}
}

// orient turns an RGB image so that it stands as orientation 1 does. What is not from 2 to 8 means nothing.
func orient(m *Image, orientation int) {
	if orientation < 2 || orientation > 8 {
		return
	}
	w, h := m.Width, m.Height
	turned := orientation >= 5 // columns become rows
	out := make([]byte, len(m.Pix))
	// Pixel (x, y) of the source goes to origin + x*stepX + y*stepY.
	newW, newH := w, h
	if turned {
		newW, newH = h, w
	}
	at := func(x, y int) int { return (y*newW + x) * 3 }
	var origin, stepX, stepY int
	switch orientation {
	case 2:
		origin, stepX, stepY = at(w-1, 0), -3, newW*3
	case 3:
		origin, stepX, stepY = at(w-1, h-1), -3, -newW*3
	case 4:
		origin, stepX, stepY = at(0, h-1), 3, -newW*3
	case 5:
		origin, stepX, stepY = at(0, 0), newW*3, 3
	case 6:
		origin, stepX, stepY = at(h-1, 0), newW*3, -3
	case 7:
		origin, stepX, stepY = at(h-1, w-1), -newW*3, -3
	case 8:
		origin, stepX, stepY = at(0, w-1), -newW*3, 3
	}
	// Blocks of 32 x 32 keep both images in the cache.
	const block = 32
	for y0 := 0; y0 < h; y0 += block {
		for x0 := 0; x0 < w; x0 += block {
			for y := y0; y < min(y0+block, h); y++ {
				to := origin + y*stepY + x0*stepX
				in := m.Pix[(y*w+x0)*3 : (y*w+min(x0+block, w))*3]
				for ; len(in) >= 3; in = in[3:] {
					o := out[to:][:3]
					o[0], o[1], o[2] = in[0], in[1], in[2]
					to += stepX
				}
			}
		}
	}
	m.Width, m.Height, m.Pix = newW, newH, out
}
