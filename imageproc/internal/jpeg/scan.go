package jpeg

import (
	"errors"
	"fmt"
)

// maxScans is the most scans of a file. Encoders make some ten; each costs a pass over the image, however short it is.
const maxScans = 256

// Lines takes the lines of an image.
type Lines interface {
	// Line returns where the RGB of line y goes, 3 x Width bytes, nil if nobody needs it.
	Line(y int) []byte
	// Done tells that line y is there.
	Done(y int)
}

// Decode decodes the image of h to RGB, from the top line to the last one. dst is called by one goroutine at a time, not always
// the same. Decode can be called once for a header.
func Decode(dst Lines, h *Header) error {
	d := &decoder{Header: h, dst: dst}
	if h.progressive {
		for i := range h.components {
			c := &h.components[i]
			c.coefficients = make([]int16, c.blocksX*c.blocksY*64)
		}
	}
	for scans := 0; ; {
		marker, body, err := h.segment()
		if err != nil {
			return err
		}
		switch {
		case marker == markerEOI:
			if scans == 0 {
				return errors.New("the file ends before there is an image")
			}
			if !d.complete {
				d.finish()
			}
			return nil
		case d.complete: // libjpeg takes no notice of what follows, nor do we
		case marker == markerSOS:
			if scans++; scans > maxScans {
				return fmt.Errorf("there are more than %d scans", maxScans)
			}
			if err := d.scan(body); err != nil {
				return err
			}
		case marker >= markerSOF0 && marker <= markerSOF15 && marker != markerDHT && marker != 0xcc:
			return errors.New("there are two headers of a frame")
		default:
			if err := h.table(marker, body); err != nil {
				return err
			}
		}
	}
}

type decoder struct {
	*Header
	dst      Lines
	complete bool // a scan had all of the image
	painter  painter
	bits     bitReader
	eobRun   int // blocks that are all zero, in a progressive scan
	// The parameters of a progressive scan: first and last coefficient, bit position before and now.
	first, last, high, low int
}

// makePlanes makes planes for so many rows of minimum coded units, which new rows take in turns.
func (d *decoder) makePlanes(rows int) {
	rows = min(rows, d.mcusY)
	for i := range d.components {
		c := &d.components[i]
		c.blockRows = rows * c.v
		c.plane = make([]byte, c.blocksX*c.blockRows*64)
	}
}

// line returns where in the plane the samples of row y of blocks begin. Blocks are 8 samples apart.
func (c *component) line(y int) int { return y % c.blockRows * 64 * c.blocksX }

// scan decodes a scan; body is its header.
func (d *decoder) scan(body []byte) error {
	if len(body) < 1 || len(body) != 4+2*int(body[0]) || body[0] < 1 || body[0] > 4 {
		return errors.New("the header of a scan has a wrong length")
	}
	n := int(body[0])
	d.first, d.last, d.high, d.low = int(body[1+2*n]), int(body[2+2*n]), int(body[3+2*n]>>4), int(body[3+2*n]&15)
	if !d.progressive {
		d.first, d.last, d.high, d.low = 0, 63, 0, 0
	} else if d.last > 63 || d.first > d.last || d.low > 13 || d.first == 0 && d.last != 0 || d.first > 0 && n > 1 ||
		d.high != 0 && d.high != d.low+1 {
		return errors.New("the header of a scan has wrong coefficients")
	}
	var list []*component
	blocks := 0
	for i := range n {
		id, tables := body[1+2*i], body[2+2*i]
		c := d.component(id)
		if c == nil {
			return fmt.Errorf("a scan has a component %d that the frame has not", id)
		}
		for _, other := range list {
			if other == c {
				return errors.New("a scan has a component twice")
			}
		}
		if tables>>4 > 3 || tables&15 > 3 {
			return errors.New("a scan has a wrong Huffman table")
		}
		c.dc, c.ac, c.prediction = d.huffman[0][tables>>4], d.huffman[1][tables&15], 0
		if c.dc == nil && d.first == 0 && d.high == 0 || c.ac == nil && d.last > 0 {
			return errors.New("a scan has a Huffman table that the file has not")
		}
		if c.quant == nil {
			if c.quant = d.quant[c.table]; c.quant == nil {
				return errors.New("a scan has a quantisation table that the file has not")
			}
		}
		list = append(list, c)
		blocks += c.h * c.v
	}
	if n > 1 && blocks > 10 {
		return errors.New("a scan has units of more than 10 blocks")
	}
	d.eobRun = 0
	if d.bits.data == nil { // most files have less: some 2 bits a pixel
		d.bits.data = make([]byte, 0, min(len(d.data), d.Width*d.Height/4)+padding)
	}
	d.data = d.bits.reset(d.data)
	switch {
	case !d.progressive && n == len(d.components):
		d.complete = true
		p := d.pipeline(list)
		defer p.close()
		return d.interleaved(list, p)
	case !d.progressive && list[0].plane == nil:
		d.makePlanes(d.mcusY)
	}
	if n == 1 {
		return d.single(list[0])
	}
	return d.interleaved(list, nil)
}

func (d *decoder) component(id byte) *component {
	for i := range d.components {
		if d.components[i].id == id {
			return &d.components[i]
		}
	}
	return nil
}

// single decodes a scan of one component: its blocks row by row, without those that fill up units.
func (d *decoder) single(c *component) error {
	w, h := divUp(c.width, 8), divUp(c.height, 8)
	left := d.restart
	for y := range h {
		line := 0
		if !d.progressive {
			line = c.line(y)
		}
		for x := range w {
			if err := d.block(c, x, y, line); err != nil {
				return err
			}
			if left--; left == 0 && !(y == h-1 && x == w-1) {
				if err := d.restartMarker(c); err != nil {
					return err
				}
				left = d.restart
			}
		}
		if d.bits.short() {
			return errShort
		}
	}
	return nil
}

// interleaved decodes a scan of several components: of each, the blocks of one minimum coded unit, then of the next. With a
// pipeline, the scan has all of the image, and the rows go there.
func (d *decoder) interleaved(list []*component, p *pipeline) error {
	left := d.restart
	var lines [4][4]int // of each component, where its rows of blocks begin in its plane
	for y := range d.mcusY {
		if p != nil {
			p.begin(y)
		}
		if !d.progressive {
			for i, c := range list {
				for v := range c.v {
					lines[i][v] = c.line(y*c.v + v)
				}
			}
		}
		for x := range d.mcusX {
			for i, c := range list {
				for v := range c.v {
					for h := range c.h {
						var err error
						if p != nil {
							err = p.baseline(c, lines[i][v]+(x*c.h+h)*8)
						} else {
							err = d.block(c, x*c.h+h, y*c.v+v, lines[i][v])
						}
						if err != nil {
							return err
						}
					}
				}
			}
			if left--; left == 0 && !(y == d.mcusY-1 && x == d.mcusX-1) {
				if err := d.restartMarker(list...); err != nil {
					return err
				}
				left = d.restart
			}
		}
		if d.bits.short() {
			return errShort
		}
		if p != nil {
			p.end()
		}
	}
	return nil
}

// restartMarker goes to the data behind the next restart marker.
func (d *decoder) restartMarker(list ...*component) error {
	if d.bits.short() {
		return errShort
	}
	data := d.data // from the marker on, with what fills up before it
	for len(data) > 1 && data[0] == 0xff && data[1] == 0xff {
		data = data[1:]
	}
	if len(data) < 2 {
		return errShort
	}
	if data[1] < markerRST0 || data[1] > markerRST7 {
		return errDamaged
	}
	d.data = d.bits.reset(data[2:])
	d.eobRun = 0
	for _, c := range list {
		c.prediction = 0
	}
	return nil
}

// baseline decodes a block of a component into its plane.
func (d *decoder) baseline(c *component, at int) error {
	var block [64]int16
	last, err := d.bits.block(&block, c.dc, c.ac, &c.prediction)
	if err == nil {
		idct(c.plane[at:], c.blocksX*8, &block, c.quant, last)
	}
	return err
}

// block decodes block (x, y) of a component, whose row begins at line of the plane if there is one.
func (d *decoder) block(c *component, x, y, line int) error {
	if !d.progressive {
		return d.baseline(c, line+x*8)
	}
	block := (*[64]int16)(c.coefficients[(y*c.blocksX+x)*64:])
	switch {
	case d.first == 0 && d.high == 0:
		d.bits.fill()
		s := d.bits.symbol(c.dc)
		if s < 0 {
			return errDamaged
		}
		c.prediction += d.bits.extend(s)
		block[0] = int16(c.prediction << d.low)
		return nil
	case d.first == 0:
		d.bits.fill()
		if d.bits.bits(1) != 0 {
			block[0] |= 1 << d.low
		}
		return nil
	case d.high == 0:
		return d.acFirst(c, block)
	}
	return d.acRefine(c, block)
}

// acFirst decodes the first bits of AC coefficients.
func (d *decoder) acFirst(c *component, block *[64]int16) error {
	if d.eobRun > 0 {
		d.eobRun--
		return nil
	}
	b := &d.bits
	for k := d.first; k <= d.last; k++ {
		b.fill()
		s := b.symbol(c.ac)
		if s < 0 {
			return errDamaged
		}
		run, size := s>>4, s&15
		if size == 0 {
			if run != 15 {
				d.eobRun = 1<<run - 1
				if run > 0 {
					d.eobRun += int(b.bits(run))
				}
				return nil
			}
			k += 15
			continue
		}
		if k += run; k > 63 {
			return errDamaged
		}
		block[zigzag[k]] = int16(b.extend(size) << d.low)
	}
	return nil
}

// acRefine decodes one more bit of AC coefficients: of those that are not 0 already, and of new ones between them.
func (d *decoder) acRefine(c *component, block *[64]int16) error {
	b := &d.bits
	one := int16(1) << d.low
	k := d.first
codes:
	for k <= d.last && d.eobRun == 0 {
		b.fill()
		s := b.symbol(c.ac)
		if s < 0 {
			return errDamaged
		}
		run, size := s>>4, s&15
		value := int16(0)
		switch {
		case size == 1:
			value = -one
			if b.bits(1) != 0 {
				value = one
			}
		case size != 0:
			return errDamaged
		case run != 15:
			d.eobRun = 1 << run
			if run > 0 {
				d.eobRun += int(b.bits(run))
			}
			break codes
		}
		for ; k <= d.last; k++ { // over run zeros, refining what is not zero
			p := &block[zigzag[k]]
			if *p != 0 {
				d.refine(p, one)
			} else if run--; run < 0 {
				break
			}
		}
		if value != 0 {
			if k > d.last {
				return errDamaged
			}
			block[zigzag[k]] = value
		}
		k++
	}
	if d.eobRun > 0 {
		for ; k <= d.last; k++ {
			if p := &block[zigzag[k]]; *p != 0 {
				d.refine(p, one)
			}
		}
		d.eobRun--
	}
	return nil
}

// refine reads the next bit of a coefficient.
func (d *decoder) refine(p *int16, one int16) {
	d.bits.fill()
	if d.bits.bits(1) != 0 && *p&one == 0 {
		if *p >= 0 {
			*p += one
		} else {
			*p -= one
		}
	}
}

// finish makes the lines of an image of several scans.
func (d *decoder) finish() {
	if !d.progressive {
		for i := range d.components {
			if c := &d.components[i]; c.quant == nil { // no scan had it
				for i := range c.plane {
					c.plane[i] = 128
				}
			}
		}
		for y := range d.mcusY {
			d.paintRow(y)
		}
		return
	}
	p := d.pipeline(nil)
	defer p.close()
	for y := range d.mcusY {
		p.begin(y)
		for i := range d.components {
			c := &d.components[i]
			for v := range c.v {
				at := y*c.v + v
				samples := c.plane[c.line(at):]
				if c.quant == nil {
					samples = samples[:c.blocksX*64]
					for i := range samples {
						samples[i] = 128
					}
					continue
				}
				for x := range c.blocksX {
					idct(samples[x*8:], c.blocksX*8, (*[64]int16)(c.coefficients[(at*c.blocksX+x)*64:]), c.quant, 63)
				}
			}
		}
		p.end()
	}
}
