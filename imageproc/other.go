package imageproc

import (
	"bytes"
	"encoding/binary"
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
	directory := order.Uint32(data[4:])
	// The most pixels of one bit that a byte can stand for.
	compression := tiffTag(data, order, directory, tagCompression)
	most := map[int]int{1: 8, 5: 4096 * 8, 8: 1032 * 8, 32946: 1032 * 8, 32773: 64 * 8}[compression]
	if err := checkSize(c.Width, c.Height, o, len(data), most); err != nil {
		return 0, err
	}
	m, err := tiff.Decode(bytes.NewReader(data))
	if err != nil {
		return 0, clean(err)
	}
	_, gray := m.(*image.Gray16)
	convert(dst, m, o.White, gray)
	return tiffTag(data, order, directory, tagOrientation), nil
}
