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
		return 0, clean(err, "bmp: ")
	}
	if err := checkSize(c.Width, c.Height, o, len(data), 8); err != nil {
		return 0, err
	}
	m, err := bmp.Decode(bytes.NewReader(data))
	if err != nil {
		return 0, clean(err, "bmp: ")
	}
	convert(dst, m, o.White, false)
	return 1, nil
}

func decodeTIFF(dst *Image, data []byte, o Options) (int, error) {
	c, err := tiff.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0, clean(err, "tiff: ")
	}
	if err := checkSize(c.Width, c.Height, o, 0, 0); err != nil {
		return 0, err
	}
	m, err := tiff.Decode(bytes.NewReader(data))
	if err != nil {
		return 0, clean(err, "tiff: ")
	}
	_, gray := m.(*image.Gray16)
	convert(dst, m, o.White, gray)
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	return orientationTag(data, order, order.Uint32(data[4:])), nil
}
