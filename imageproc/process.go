package imageproc

import (
	"fmt"
	"math"
)

// A Processor turns an RGB image into the pixel_values of a model, as a processor of Transformers does: resize, centre crop,
// rescale, normalise, pad, as far as its configuration asks for each. It does not change after [Open] and is safe for concurrent
// use.
type Processor struct {
	class      string
	backend    Backend
	floats     bool // rescale first, and resize float32
	convertRGB bool // what is transparent becomes white
	resize     bool
	size       sizeConfig
	filter     Filter
	convNext   bool // resize and crop by cropPct
	cropPct    float64
	centerCrop bool
	crop       sizeConfig
	pad        sizeConfig // zeros are put right and below up to this size; 0: none are
	rescale    bool
	factor     float64
	normalize  bool
	mean, std  [3]float64
	values     [3][256]float32 // what a byte of a colour becomes; if floats, when it is rescaled
}

// Class returns the class of the processor without its ending, like "ViT" or "CLIP".
func (p *Processor) Class() string { return p.class }

// fillValues computes what each byte becomes: with NumPy's roundings, the product in float64, then float32 throughout; or with
// those of torchvision, where mean and deviation are scaled instead of the byte.
func (p *Processor) fillValues() {
	for c := range p.values {
		mean, std := float32(p.mean[c]), float32(p.std[c])
		rescale, normalize := p.rescale, p.normalize && !p.floats
		if p.backend == Torchvision && rescale && normalize {
			inverse := float32(1 / p.factor)
			mean, std = mean*inverse, std*inverse
			rescale = false
		}
		for v := range p.values[c] {
			x := float32(v)
			switch {
			case rescale && p.backend == Torchvision:
				x *= float32(p.factor)
			case rescale:
				x = float32(float64(v) * p.factor)
			}
			if normalize {
				x = (x - mean) / std
			}
			p.values[c][v] = x
		}
	}
}

// A plan is how an image becomes pixel_values: the size that it is resized to, and what is then cut out.
type plan struct {
	width, height       int
	x, y                axis
	outWidth, outHeight int // with what is padded
}

// An axis maps the n outputs of a crop to columns or rows of an image: output i is input i+shift if from <= i+shift < to, and
// else 0.
type axis struct{ n, shift, from, to int }

// crop cuts n out of the middle, or puts zeros around. If their number is odd, Pillow's backend puts one more before than after,
// and torchvision's one less.
func (a *axis) crop(n int, b Backend) {
	if n > a.n {
		missing := n - a.n
		if b == Pillow {
			missing++
		}
		a.shift -= missing / 2
	} else {
		a.shift += (a.n - n) / 2
	}
	a.n = n
	a.from, a.to = max(a.from, a.shift), min(a.to, a.shift+n)
}

func (l *plan) crop(height, width int, b Backend) {
	l.y.crop(height, b)
	l.x.crop(width, b)
}

// Shape returns the height and width of the pixel_values [3, height, width] of an image of that size. The error is that of an
// image that cannot be resized: a side would become 0, or the result larger than [MaxPixels].
func (p *Processor) Shape(width, height int) (outHeight, outWidth int, err error) {
	l, err := p.plan(width, height)
	return l.outHeight, l.outWidth, err
}

func (p *Processor) plan(width, height int) (plan, error) {
	if width < 1 || height < 1 || width > maxSide || height > maxSide {
		return plan{}, fmt.Errorf("imageproc: an image has %dx%d pixels: each side must be from 1 to %d", width, height, maxSide)
	}
	l := plan{width: width, height: height}
	s := p.size
	middle := p.convNext && s.shortest < warpFrom // ConvNeXT resizes to a little more, then cuts out the middle
	switch {
	case !p.resize:
		middle = false
	case middle:
		l.height, l.width = shortestEdge(height, width, int(float64(s.shortest)/p.cropPct))
	case p.convNext:
		l.height, l.width = s.shortest, s.shortest
	case s.shortest != 0 && s.longest != 0:
		l.height, l.width = shortestUpTo(height, width, s.shortest, s.longest)
	case s.shortest != 0:
		l.height, l.width = shortestEdge(height, width, s.shortest)
	case s.maxHeight != 0 && s.maxWidth != 0:
		scale := min(float64(s.maxHeight)/float64(height), float64(s.maxWidth)/float64(width))
		l.height, l.width = int(float64(float64(height)*scale)), int(float64(float64(width)*scale))
	default:
		l.height, l.width = s.height, s.width
	}
	if l.height < 1 || l.width < 1 || l.height > maxSide || l.width > maxSide {
		return plan{}, fmt.Errorf("imageproc: an image of %dx%d pixels would be resized to %dx%d", width, height, l.width, l.height)
	}
	if p.backend == Torchvision && height*l.width > MaxPixels { // rows go first, and all of them are kept
		return plan{}, fmt.Errorf("imageproc: an image of %dx%d pixels would be resized to %dx%d by way of %dx%d, more than %d pixels",
			width, height, l.width, l.height, l.width, height, MaxPixels)
	}
	l.x, l.y = axis{n: l.width, to: l.width}, axis{n: l.height, to: l.height}
	if middle {
		l.crop(s.shortest, s.shortest, p.backend)
	}
	if p.centerCrop {
		l.crop(p.crop.height, p.crop.width, p.backend)
	}
	l.outWidth, l.outHeight = l.x.n, l.y.n
	if p.pad.height != 0 {
		if l.x.n > p.pad.width || l.y.n > p.pad.height {
			return plan{}, fmt.Errorf("imageproc: an image of %dx%d pixels would be resized to %dx%d, larger than pad_size, %dx%d", width,
				height, l.x.n, l.y.n, p.pad.width, p.pad.height)
		}
		l.outWidth, l.outHeight = p.pad.width, p.pad.height
	}
	if l.outHeight > MaxPixels/l.outWidth {
		return plan{}, fmt.Errorf("imageproc: an image of %dx%d pixels would be resized to %dx%d, more than %d pixels", width, height,
			l.outWidth, l.outHeight, MaxPixels)
	}
	return l, nil
}

// shortestEdge returns the height and width at which the shorter side is size; the other is cut down to a whole number.
func shortestEdge(height, width, size int) (int, int) {
	if width <= height {
		return int(float64(size*height) / float64(width)), size
	}
	return size, int(float64(size*width) / float64(height))
}

// shortestUpTo is shortestEdge, unless the longer side would be above longest: then that is longest.
func shortestUpTo(height, width, size, longest int) (int, int) {
	short, long := float64(min(height, width)), float64(max(height, width))
	edge := float64(size)
	if float64(long/short*float64(size)) > float64(longest) {
		edge = float64(float64(longest)*short) / long
		size = int(math.RoundToEven(edge))
	}
	switch {
	case height <= width && height == size, width <= height && width == size:
		return height, width
	case width < height:
		return int(float64(edge*float64(height)) / float64(width)), size
	}
	return size, int(float64(edge*float64(width)) / float64(height))
}

// Process writes the pixel_values [3, height, width] of src to dst, which must have exactly the room that Shape says. src must
// be RGB; it is not changed. Only the part of the resized image that the crop keeps is computed. In steady state (images not
// larger, sizes seen lately) nothing is allocated.
func (p *Processor) Process(dst []float32, src *Image) error {
	if err := src.check(); err != nil {
		return err
	}
	if src.Channels != 3 {
		return fmt.Errorf("imageproc: the image has %d channels, must be RGB", src.Channels)
	}
	l, err := p.plan(src.Width, src.Height)
	if err != nil {
		return err
	}
	if len(dst) != 3*l.outHeight*l.outWidth {
		return fmt.Errorf("imageproc: there is room for %d numbers, but the image gives 3 x %d x %d", len(dst), l.outHeight, l.outWidth)
	}
	s := scratches.Get()
	defer scratches.Put(s)
	if p.convertRGB && src.hasClear {
		whiten(&s.source, src)
		src = &s.source
	}
	w := window{l.x.from, l.y.from, l.x.to, l.y.to}
	if l.outHeight*l.outWidth > l.y.n*l.x.n {
		clear(dst)
	}
	if w.x0 >= w.x1 || w.y0 >= w.y1 { // nothing of the image is left
		w = window{}
	}
	if p.floats {
		p.processFloats(dst, src, &l, w, s)
		return nil
	}
	if w != (window{}) {
		f := p.filter
		if p.backend == Torchvision {
			f = torchFilter(f)
		}
		resizeWindow(&s.window, src, l.width, l.height, f, p.backend, w, s)
	}
	p.write(dst, &s.window, &l)
	return nil
}

// write writes the values of the window img, and of the zeros around it.
func (p *Processor) write(dst []float32, img *Image, l *plan) {
	plane := l.outHeight * l.outWidth
	x0, x1 := l.x.from-l.x.shift, l.x.to-l.x.shift // in the output
	for c := range p.values {
		values := &p.values[c]
		for y := range l.y.n {
			out := dst[c*plane+y*l.outWidth:][:l.x.n]
			row := y + l.y.shift
			if row < l.y.from || row >= l.y.to || x0 >= x1 {
				fill(out, values[0])
				continue
			}
			fill(out[:x0], values[0])
			fill(out[x1:], values[0])
			out = out[x0:x1]
			in := img.Pix[((row-l.y.from)*img.Width)*3+c:]
			for i := range out {
				out[i] = values[in[3*i]]
			}
		}
	}
}

func fill(s []float32, v float32) {
	for i := range s {
		s[i] = v
	}
}
