package imageproc

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/godwit-ml/godwit/imageproc/internal/jpeg"
)

// Limits of what is decoded, unless [Options] give others.
const (
	// MaxPixels is the number of pixels from which on Pillow warns of a decompression bomb.
	MaxPixels = 1 << 30 / 4 / 3
	// MaxBytes is the most bytes that a file may have.
	MaxBytes = 256 << 20
)

// Options say how an image is decoded. The zero value does what load_image of Transformers does.
type Options struct {
	// MaxPixels is the most pixels that the header may promise, 0: the constant of that name. It is checked before memory is
	// taken for them.
	MaxPixels int
	// MaxBytes is the most bytes that [Load] reads, 0: the constant of that name.
	MaxBytes int64
	// White lays what is transparent over white and leaves the orientation of EXIF alone, as do_convert_rgb does with an image
	// that Pillow opened. Without it, the image is turned as EXIF says, and its colours are taken as they are, without alpha.
	White bool
}

func (o Options) pixels() int {
	if o.MaxPixels > 0 {
		return o.MaxPixels
	}
	return MaxPixels
}

// Load reads an image to its end and decodes it.
func Load(r io.Reader, o Options) (*Image, error) {
	limit := o.MaxBytes
	if limit <= 0 {
		limit = MaxBytes
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("imageproc: the image has more than %d bytes", limit)
	}
	var m Image
	if err := Decode(&m, data, o); err != nil {
		return nil, err
	}
	return &m, nil
}

// Decode decodes a JPEG, PNG, GIF (its first frame), WebP (likewise), BMP or TIFF (its first page) to RGB, in the memory of dst
// if that is enough. The pixels are those of Pillow; 16-bit gray becomes white from 256 on, as there. The errors are one line.
func Decode(dst *Image, data []byte, o Options) (err error) {
	name := ""
	defer func() {
		// The decoders of others are tested, but not by us.
		if e := recover(); e != nil {
			err = fmt.Errorf("the decoder failed: %v", e)
		}
		if err != nil {
			if name != "" {
				name += ": "
			}
			err = fmt.Errorf("imageproc: %s%w", name, err)
		}
	}()
	var decode func(*Image, []byte, Options) (int, error)
	switch name = sniff(data); name {
	case "JPEG":
		decode = decodeJPEG
	case "PNG":
		decode = decodePNG
	case "GIF":
		decode = decodeGIF
	case "WebP":
		decode = decodeWebP
	case "BMP":
		decode = decodeBMP
	case "TIFF":
		decode = decodeTIFF
	default:
		if len(data) == 0 {
			return errors.New("the image is empty: 0 bytes")
		}
		return fmt.Errorf("the format is not known: it begins with % x; known are JPEG, PNG, GIF, WebP, BMP and TIFF",
			data[:min(8, len(data))])
	}
	orientation, err := decode(dst, data, o)
	if err != nil {
		return err
	}
	if !o.White || name == "TIFF" { // Pillow turns a TIFF when it opens it
		orient(dst, orientation)
	}
	return nil
}

// sniff returns the name of the format that data begins as, or "".
func sniff(data []byte) string {
	begins := func(s string) bool { return len(data) >= len(s) && string(data[:len(s)]) == s }
	switch {
	case begins("\xff\xd8\xff"):
		return "JPEG"
	case begins("\x89PNG\r\n\x1a\n"):
		return "PNG"
	case begins("GIF87a"), begins("GIF89a"):
		return "GIF"
	case begins("RIFF") && len(data) >= 12 && string(data[8:12]) == "WEBP":
		return "WebP"
	case begins("BM"):
		return "BMP"
	case begins("II*\x00"), begins("MM\x00*"):
		return "TIFF"
	}
	return ""
}

var errShort = errors.New("the file is cut short")

// checkSize returns an error for an image without pixels or with too many. bytes is the size of the file, and most the largest
// number of pixels that one byte of the format can make, 0 if that has no limit: a file that promises more is not begun.
func checkSize(width, height int, o Options, bytes, most int) error {
	switch {
	case width < 1 || height < 1:
		return fmt.Errorf("the header says %dx%d pixels: there are none", width, height)
	case width > maxSide || height > maxSide || height > o.pixels()/width:
		return fmt.Errorf("the header says %dx%d pixels, more than the limit of %d", width, height, o.pixels())
	case most > 0 && width*height > bytes*most:
		return fmt.Errorf("%w: %d bytes cannot hold %dx%d pixels", errShort, bytes, width, height)
	}
	return nil
}

// clean takes the names of packages off an error of another decoder, and makes it one line.
func clean(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShort
	}
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	for _, name := range []string{"png", "lzw", "webp", "vp8l", "vp8", "riff", "bmp", "tiff"} {
		text = strings.TrimPrefix(text, name+": ")
	}
	return errors.New(text)
}

// readJPEG reads what stands before the pixels of a JPEG.
func readJPEG(data []byte, o Options) (h *jpeg.Header, orientation int, err error) {
	if h, err = jpeg.ReadHeader(data); err != nil {
		return nil, 0, err
	}
	// A block of 8x8 samples takes a bit or more, and there is one for 4 x 64 pixels at least.
	if err := checkSize(h.Width, h.Height, o, len(data), 8*4*64); err != nil {
		return nil, 0, err
	}
	orientation, err = exifOrientation(h.Exif, h.XMP)
	return h, orientation, err
}

func decodeJPEG(dst *Image, data []byte, o Options) (int, error) {
	h, orientation, err := readJPEG(data, o)
	if err != nil {
		return 0, err
	}
	dst.reset(h.Width, h.Height, 3)
	return orientation, jpeg.Decode((*lines)(dst), h)
}

// lines takes all lines of an image.
type lines Image

func (l *lines) Line(y int) []byte { return l.Pix[y*l.Width*3:][:l.Width*3] }
func (l *lines) Done(int)          {}
