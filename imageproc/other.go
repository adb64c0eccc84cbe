package imageproc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

func decodeBMP(dst *Image, data []byte, o Options) (int, error) {
	c, err := bmp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0, clean(err)
	}
	if err := checkSize(c.Width, c.Height, o, len(data), 8); err != nil {
		return 0, err
	}
	m, err := bmp.Decode(bytes.NewReader(data))
	if err != nil {
		return 0, clean(err)
	}
	convert(dst, m, o.White, false)
	return 1, nil
}

func decodeTIFF(dst *Image, data []byte, o Options) (int, error) {
	c, err := tiff.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0, clean(err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	tag := func(tag uint16) int { return tiffTag(data, order, order.Uint32(data[4:]), tag) }
	// The most pixels of one bit that a byte can stand for.
	compression := tag(tagCompression)
	most := map[int]int{1: 8, 5: 4096 * 8, 8: 1032 * 8, 32946: 1032 * 8, 32773: 64 * 8}[compression]
	if err := checkSize(c.Width, c.Height, o, len(data), most); err != nil {
		return 0, err
	}
	fax := compression == 3 || compression == 4
	// What golang.org/x/image takes for something else.
	switch {
	case tag(tagFillOrder) == 2 && !fax:
		return 0, errors.New("bytes whose bits stand in reverse (FillOrder 2) are not supported")
	case tag(tagPlanes) == 2 && tag(tagPhotometric) == 2:
		return 0, errors.New("colours in planes of their own (PlanarConfiguration 2) are not supported")
	case compression == 3 && tag(tagGroup3)&1 != 0:
		return 0, errors.New("two-dimensional CCITT Group 3 is not supported")
	case tag(tagPredictor) > 1 && compression != 5 && compression != 8 && compression != 32946:
		return 0, errors.New("a predictor is only supported with LZW and deflate")
	}
	m, err := tiff.Decode(bytes.NewReader(data))
	if err != nil {
		return 0, clean(err)
	}
	gray := false
	switch g := m.(type) {
	case *image.Gray16:
		gray = true
	case *image.RGBA, *image.NRGBA:
	default: // it reads rows of tiles that end beyond the image as if they ended with it
		if n := tag(tagTileWidth); n != 0 && c.Width%n != 0 {
			return 0, errors.New("tiles that reach beyond the image are only supported with colours of 8 bits and gray of 16")
		}
		if g, ok := g.(*image.Gray); ok && fax && tag(tagPhotometric) == 1 {
			for i := range g.Pix { // a run that the coding calls black is of ones, which are white here
				g.Pix[i] = ^g.Pix[i]
			}
		}
	}
	convert(dst, m, o.White, gray)
	return tag(tagOrientation), nil
}
