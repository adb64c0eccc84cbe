package imageproc

import (
	"fmt"
	"image"
	"image/color"
)

// FromImage makes dst the RGB pixels of m, in dst's memory if that is enough. Colours of 16 bits give their high byte. Of the
// options, White and MaxPixels count.
func FromImage(dst *Image, m image.Image, o Options) error {
	b := m.Bounds()
	if b.Dx() < 1 || b.Dy() < 1 || b.Dx() > maxSide || b.Dy() > maxSide || b.Dy() > o.pixels()/b.Dx() {
		return fmt.Errorf("imageproc: an image has %dx%d pixels: there must be some, and not more than %d", b.Dx(), b.Dy(), o.pixels())
	}
	convert(dst, m, o.White, false)
	return nil
}

// convert makes dst the RGB pixels of m. With clamp, gray of 16 bits is cut off at 255, as Pillow does it.
func convert(dst *Image, m image.Image, white, clamp bool) {
	b := m.Bounds()
	w := b.Dx()
	dst.reset(w, b.Dy(), 3)
	for y := range b.Dy() {
		out := dst.Pix[y*w*3:][:w*3]
		switch m := m.(type) {
		case *image.Gray:
			grayRow(out, m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:w])
		case *image.Gray16:
			in := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:2*w]
			for x := range w {
				v := in[2*x]
				if clamp {
					v = clamp16(in[2*x], in[2*x+1])
				}
				out[3*x], out[3*x+1], out[3*x+2] = v, v, v
			}
		case *image.Paletted:
			paletteRow(out, m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:w], m.Palette, white)
		case *image.NRGBA:
			rgbaRow(out, m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:4*w], white)
		case *image.RGBA:
			in := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:4*w]
			for x := range w {
				p := in[4*x:][:4]
				r, g, b, a := p[0], p[1], p[2], p[3]
				if a != 255 && a != 0 {
					v := int64(a)
					r, g, b = clip8(255*int64(r)/v), clip8(255*int64(g)/v), clip8(255*int64(b)/v)
				}
				if white && a != 255 {
					r, g, b = overWhite(r, a), overWhite(g, a), overWhite(b, a)
				}
				out[3*x], out[3*x+1], out[3*x+2] = r, g, b
			}
		case *image.NRGBA64:
			in := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:8*w]
			for x := range w {
				p := in[8*x:][:8]
				r, g, b, a := p[0], p[2], p[4], p[6]
				if clamp {
					r, g, b = clamp16(p[0], p[1]), clamp16(p[2], p[3]), clamp16(p[4], p[5])
				}
				if white && a != 255 {
					r, g, b = overWhite(r, a), overWhite(g, a), overWhite(b, a)
				}
				out[3*x], out[3*x+1], out[3*x+2] = r, g, b
			}
		case *image.RGBA64:
			in := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:8*w]
			for x := range w {
				p := in[8*x:][:8]
				out[3*x], out[3*x+1], out[3*x+2] = p[0], p[2], p[4]
				if p[6] != 255 {
					anyPixel(out[3*x:][:3], m.RGBA64At(b.Min.X+x, b.Min.Y+y), white)
				}
			}
		default:
			for x := range w {
				anyPixel(out[3*x:][:3], m.At(b.Min.X+x, b.Min.Y+y), white)
			}
		}
	}
}

// clamp16 returns a 16-bit value, 255 if it is above that.
func clamp16(high, low byte) byte {
	if high != 0 {
		return 255
	}
	return low
}

func grayRow(out, in []byte) {
	for x, v := range in {
		o := out[3*x:][:3]
		o[0], o[1], o[2] = v, v, v
	}
}

func rgbaRow(out, in []byte, white bool) {
	for ; len(in) >= 4 && len(out) >= 3; in, out = in[4:], out[3:] {
		out[0], out[1], out[2] = in[0], in[1], in[2]
		if a := in[3]; white && a != 255 {
			out[0], out[1], out[2] = overWhite(in[0], a), overWhite(in[1], a), overWhite(in[2], a)
		}
	}
}

func paletteRow(out, in []byte, palette color.Palette, white bool) {
	var table [256][3]byte
	for i, c := range palette {
		if i < len(table) {
			anyPixel(table[i][:], c, white)
		}
	}
	for x, v := range in {
		copy(out[3*x:3*x+3], table[v][:])
	}
}

// anyPixel writes one colour.
func anyPixel(out []byte, c color.Color, white bool) {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	in := [4]byte{n.R, n.G, n.B, n.A}
	rgbaRow(out, in[:], white)
}

// overWhite lays a value with alpha over white, with the roundings of Pillow's alpha_composite.
func overWhite(v, alpha byte) byte {
	if alpha == 0 {
		return 255
	}
	t := (uint32(v)*uint32(alpha)+255*(255-uint32(alpha)))<<7 + 0x80<<7
	return byte((t>>8 + t) >> 8 >> 7)
}
