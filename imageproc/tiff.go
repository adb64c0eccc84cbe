package imageproc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"maps"
	"slices"

	"golang.org/x/image/tiff"
)

// A tiffFile is the first page of a TIFF. golang.org/x/image decodes it; what it does not know is said in other tags that it
// knows, and put together from what it gives.
type tiffFile struct {
	data  []byte
	order byteOrder
}

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// tag returns the value of a tag of one number, 0 if there is none.
func (t *tiffFile) tag(tag uint16) int {
	return tiffTag(t.data, t.order, t.order.Uint32(t.data[4:]), tag)
}

// entries returns the entries of the directory, 12 bytes each.
func (t *tiffFile) entries() []byte {
	at := int64(t.order.Uint32(t.data[4:]))
	if at+2 > int64(len(t.data)) {
		return nil
	}
	rest := t.data[at+2:]
	return rest[:min(int(t.order.Uint16(t.data[at:])), len(rest)/12)*12]
}

// numbers returns the numbers of a tag of 16 or 32 bits, nil if they are not there.
func (t *tiffFile) numbers(tag uint16) []uint32 {
	for e := range slices.Chunk(t.entries(), 12) {
		if t.order.Uint16(e) != tag {
			continue
		}
		size, n := map[uint16]int64{3: 2, 4: 4}[t.order.Uint16(e[2:])], int64(t.order.Uint32(e[4:]))
		values := e[8:]
		if at := int64(t.order.Uint32(e[8:])); n*size > 4 {
			if at+n*size > int64(len(t.data)) {
				return nil
			}
			values = t.data[at:]
		}
		if size == 0 {
			return nil
		}
		list := make([]uint32, n)
		for i := range list {
			if size == 2 {
				list[i] = uint32(t.order.Uint16(values[2*i:]))
			} else {
				list[i] = t.order.Uint32(values[4*i:])
			}
		}
		return list
	}
	return nil
}

// with returns the file with other numbers for some tags; those of which there are none are left out.
func (t *tiffFile) with(changes map[uint16][]uint32) *tiffFile {
	kept := map[uint16][]byte{}
	for e := range slices.Chunk(t.entries(), 12) {
		kept[t.order.Uint16(e)] = e
	}
	out := bytes.Clone(t.data)
	if len(out)%2 != 0 {
		out = append(out, 0)
	}
	u16, u32 := t.order.AppendUint16, t.order.AppendUint32
	for tag, values := range changes {
		delete(kept, tag)
		if len(values) == 0 {
			continue
		}
		e := u32(u16(u16(nil, tag), 4), uint32(len(values)))
		if len(values) == 1 {
			e = u32(e, values[0])
		} else {
			e = u32(e, uint32(len(out)))
			for _, v := range values {
				out = u32(out, v)
			}
		}
		kept[tag] = e
	}
	t.order.PutUint32(out[4:], uint32(len(out)))
	out = u16(out, uint16(len(kept)))
	for _, tag := range slices.Sorted(maps.Keys(kept)) {
		out = append(out, kept[tag]...)
	}
	return &tiffFile{u32(out, 0), t.order}
}

// decode decodes the page, or says what is not supported.
func (t *tiffFile) decode(o Options) (image.Image, error) {
	c, err := tiff.DecodeConfig(bytes.NewReader(t.data))
	if err != nil {
		return nil, clean(err)
	}
	// The most pixels of one bit that a byte can stand for.
	compression := t.tag(tagCompression)
	most := map[int]int{1: 8, 5: 4096 * 8, 8: 1032 * 8, 32946: 1032 * 8, 32773: 64 * 8}[compression]
	if err := checkSize(c.Width, c.Height, o, len(t.data), most); err != nil {
		return nil, err
	}
	fax := compression == 3 || compression == 4
	// What golang.org/x/image takes for something else.
	switch {
	case t.tag(tagFillOrder) == 2 && !fax:
		return nil, errors.New("bytes whose bits stand in reverse (FillOrder 2) are not supported")
	case t.tag(tagPlanes) == 2 && t.tag(tagSamples) > 1:
		return nil, errors.New("planes of their own (PlanarConfiguration 2) are only supported for 3 or 4 colours of 8 bits")
	case compression == 3 && t.tag(tagGroup3)&1 != 0:
		return nil, errors.New("two-dimensional CCITT Group 3 is not supported")
	case t.tag(tagPredictor) > 1 && compression != 5 && compression != 8 && compression != 32946:
		return nil, errors.New("a predictor is only supported with LZW and deflate")
	}
	if n := t.tag(tagTileWidth); n != 0 && c.Width%n != 0 { // it reads the last tiles of a row as if they ended with the image
		wide := (c.Width/n + 1) * n
		if err := checkSize(wide, c.Height, o, len(t.data), most); err != nil {
			return nil, err
		}
		t = t.with(map[uint16][]uint32{tagWidth: {uint32(wide)}})
	}
	m, err := tiff.Decode(bytes.NewReader(t.data))
	if err != nil {
		return nil, clean(err)
	}
	if g, ok := m.(*image.Gray); ok && fax && t.tag(tagPhotometric) == 1 {
		for i := range g.Pix { // a run that the coding calls black is of ones, which are white here
			g.Pix[i] = ^g.Pix[i]
		}
	}
	if part, ok := m.(interface {
		SubImage(image.Rectangle) image.Image
	}); ok {
		m = part.SubImage(image.Rect(0, 0, c.Width, c.Height))
	}
	return m, nil
}

// plane decodes one of n planes of 8 bits.
func (t *tiffFile) plane(i, n int, o Options) (*image.Gray, error) {
	changes := map[uint16][]uint32{tagBits: {8}, tagPhotometric: {1}, tagSamples: {1}, tagPlanes: {1}, tagExtra: nil, tagSampleFormat: nil}
	for _, tag := range []uint16{tagStripOffsets, tagStripCounts, tagTileOffsets, tagTileCounts} {
		if all := t.numbers(tag); len(all) >= n {
			changes[tag] = all[i*len(all)/n : (i+1)*len(all)/n]
		}
	}
	m, err := t.with(changes).decode(o)
	if err != nil {
		return nil, err
	}
	g, ok := m.(*image.Gray)
	if !ok {
		return nil, errors.New("a plane of colours is not of 8 bits")
	}
	return g, nil
}

// planes decodes planes of 8 bits to pixels of 4 bytes.
func (t *tiffFile) planes(n int, o Options) (*image.NRGBA, error) {
	var all *image.NRGBA
	for i := range n {
		g, err := t.plane(i, n, o)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = image.NewNRGBA(g.Rect)
			for i := range all.Pix {
				all.Pix[i] = 255
			}
		}
		for y := range g.Rect.Dy() {
			out := all.Pix[y*all.Stride:]
			for x, v := range g.Pix[y*g.Stride:][:g.Rect.Dx()] {
				out[4*x+i] = v
			}
		}
	}
	return all, nil
}

func decodeTIFF(dst *Image, data []byte, o Options) (int, error) {
	if len(data) < 8 {
		return 0, errShort
	}
	t := &tiffFile{data, binary.LittleEndian}
	if data[0] == 'M' {
		t.order = binary.BigEndian
	}
	// RGB or CMYK of 8 bits, as 4 bytes: the fourth is alpha, black, or nothing.
	const rgb, cmyk = 2, 5
	samples, colours := t.tag(tagSamples), t.tag(tagPhotometric)
	whole := !slices.ContainsFunc(t.numbers(tagBits), func(v uint32) bool { return v != 8 }) && (colours == rgb || colours == cmyk)
	extra := t.numbers(tagExtra)
	white := o.White
	var m image.Image
	var err error
	switch {
	case whole && t.tag(tagPlanes) == 2 && (samples == 3 && colours == rgb || samples == 4 && (colours == cmyk || len(extra) == 1 && extra[0] == 2)):
		var all *image.NRGBA
		if all, err = t.planes(samples, o); err == nil {
			m = all
		}
	case whole && t.tag(tagPlanes) != 2 && samples == 4 && (colours == cmyk || len(extra) == 0 || extra[0] == 0):
		white = white && len(extra) == 0 // without the tag, Pillow takes the fourth for alpha
		m, err = t.with(map[uint16][]uint32{tagPhotometric: {rgb}, tagExtra: {2}}).decode(o)
	default:
		m, err = t.decode(o)
	}
	if err != nil {
		return 0, err
	}
	if all, ok := m.(*image.NRGBA); ok && colours == cmyk {
		for i := 0; i+4 <= len(all.Pix); i += 4 {
			p := all.Pix[i:][:4]
			for j := range 3 {
				p[j] = ink(p[j], p[3])
			}
			p[3] = 255
		}
	}
	_, gray := m.(*image.Gray16)
	convert(dst, m, white, gray)
	return t.tag(tagOrientation), nil
}

// ink returns what a colour and black leave of white, with Pillow's rounding.
func ink(colour, black byte) byte {
	left := 255 - black
	return byte(max(0, int(left)-int(mulDiv255(uint32(colour), uint32(left)))))
}
