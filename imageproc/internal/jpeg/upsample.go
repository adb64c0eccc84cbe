package jpeg

// A painter makes RGB of the planes, line by line.
type painter struct {
	y             int // the next line
	colours       func(out []byte, rows [][]byte)
	rows, buffers [][]byte // of each component
}

// paintRow writes the lines that row y of minimum coded units completes: its last ones need the first of the next row.
func (d *decoder) paintRow(y int) {
	p := &d.painter
	if p.colours == nil {
		p.colours = d.colours()
		p.rows = make([][]byte, len(d.components))
		for range d.components {
			p.buffers = append(p.buffers, make([]byte, d.Width+4)) // a factor of 4 can make up to 3 more than there are
		}
	}
	end := d.Height
	if y < d.mcusY-1 {
		end = (y+1)*8*d.maxV - d.maxV
	}
	for ; p.y < end; p.y++ {
		out := d.dst.Line(p.y)
		if out == nil {
			continue
		}
		for i := range d.components {
			p.rows[i] = d.row(&d.components[i], p.y, p.buffers[i])[:d.Width]
		}
		p.colours(out[:d.Width*3], p.rows)
		d.dst.Done(p.y)
	}
}

// row returns row y of the image of a component in full resolution, in the plane itself or in buffer.
func (d *decoder) row(c *component, y int, buffer []byte) []byte {
	fx, fy := d.maxH/c.h, d.maxV/c.v
	at := func(y int) []byte {
		y = max(0, min(y, c.height-1)) % (c.blockRows * 8)
		return c.plane[y*c.blocksX*8:][:c.width]
	}
	near := at(y / fy)
	next := y/fy + 1 // the row that is next to y on the other side
	if y%fy == 0 {
		next = y/fy - 1
	}
	switch {
	case fx == 1 && fy == 1:
		return near
	case fx == 2 && fy == 1 && c.width > 2:
		double(buffer, near)
	case fx == 2 && fy == 2 && c.width > 2:
		quadruple(buffer, near, at(next))
	case fx == 1 && fy == 2:
		// The two rows of a sample are rounded differently.
		round := 1 + y&1
		far := at(next)
		for x, v := range near {
			buffer[x] = byte((int(v)*3 + int(far[x]) + round) >> 2)
		}
	default:
		for x, v := range near {
			for i := range fx {
				buffer[x*fx+i] = v
			}
		}
	}
	return buffer
}

// double makes two samples of each: 3/4 of it and 1/4 of the one on that side, rounded down on the left and up on the right.
func double(out, in []byte) {
	n := len(in)
	out = out[:2*n]
	out[0] = in[0]
	out[1] = byte((int(in[0])*3 + int(in[1]) + 2) >> 2)
	for i := 1; i < n-1; i++ {
		v := int(in[i]) * 3
		o := out[2*i:][:2]
		o[0] = byte((v + int(in[i-1]) + 1) >> 2)
		o[1] = byte((v + int(in[i+1]) + 2) >> 2)
	}
	out[2*n-2] = byte((int(in[n-1])*3 + int(in[n-2]) + 1) >> 2)
	out[2*n-1] = in[n-1]
}

// quadruple is double in both directions: a row of near, which is 3/4, and far. It is rounded once.
func quadruple(out, near, far []byte) {
	n := len(near)
	out, far = out[:2*n], far[:n]
	sum := func(i int) int { return int(near[i])*3 + int(far[i]) }
	first := 0
	before, this := sum(0), sum(0)
	if simd && n > 17 {
		next := sum(1)
		out[0], out[1] = byte((this*3+before+8)>>4), byte((this*3+next+7)>>4)
		blocks := (n - 2) / 16
		quadrupleAVX2(&out[2], &near[1], &far[1], blocks)
		first = 1 + 16*blocks
		before, this = sum(first-1), sum(first)
	}
	for i := first; i < n-1; i++ {
		next := int(near[i+1])*3 + int(far[i+1])
		o := out[2*i:][:2]
		o[0] = byte((this*3 + before + 8) >> 4)
		o[1] = byte((this*3 + next + 7) >> 4)
		before, this = this, next
	}
	out[2*n-2] = byte((this*3 + before + 8) >> 4)
	out[2*n-1] = byte((this*4 + 7) >> 4)
}

// colours returns the function that makes RGB of the rows of the components.
func (d *decoder) colours() func(out []byte, rows [][]byte) {
	switch len(d.components) {
	case 1:
		return paintGray
	case 4:
		if d.adobe && d.transform == 2 {
			return paintYCCK
		}
		return paintCMYK
	}
	c := d.components
	switch {
	case d.jfif:
	case d.adobe:
		if d.transform == 0 {
			return paintRGB
		}
	case c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B':
		return paintRGB
	}
	return paintYCC
}

func paintGray(out []byte, rows [][]byte) {
	for x, v := range rows[0] {
		o := out[3*x:][:3]
		o[0], o[1], o[2] = v, v, v
	}
}

func paintRGB(out []byte, rows [][]byte) {
	r, g, b := rows[0], rows[1], rows[2]
	for x := range r {
		o := out[3*x:][:3]
		o[0], o[1], o[2] = r[x], g[x], b[x]
	}
}

// The conversion from YCbCr, 16 bits after the point: what the chroma adds to red and blue, rounded, and to green, in two parts
// that are added before the fraction is dropped.
var redOf, blueOf, greenOfRed, greenOfBlue [256]int32

// limited is a value cut off to 0..255, by itself plus 256.
var limited [1024]byte

func init() {
	fix := func(millionths int64) int32 { return int32((millionths<<16 + 500000) / 1000000) }
	for i := range int32(256) {
		x := i - 128
		redOf[i] = (fix(1402000)*x + 1<<15) >> 16
		blueOf[i] = (fix(1772000)*x + 1<<15) >> 16
		greenOfRed[i] = -fix(714140) * x
		greenOfBlue[i] = -fix(344140)*x + 1<<15
	}
	for i := range limited {
		limited[i] = byte(max(0, min(i-256, 255)))
	}
}

func paintYCC(out []byte, rows [][]byte) {
	luma, blue, red := rows[0], rows[1], rows[2]
	n := len(luma)
	blue, red, out = blue[:n], red[:n], out[:3*n]
	if blocks := n / 16; simd && blocks > 0 {
		paintAVX2(&out[0], &luma[0], &blue[0], &red[0], blocks)
		luma, blue, red, out = luma[16*blocks:], blue[16*blocks:], red[16*blocks:], out[48*blocks:]
	}
	for x, v := range luma {
		b, r := blue[x], red[x]
		y := int32(v) + 256
		o := out[3*x:][:3]
		o[0] = limited[(y+redOf[r])&1023]
		o[1] = limited[(y+(greenOfBlue[b]+greenOfRed[r])>>16)&1023]
		o[2] = limited[(y+blueOf[b])&1023]
	}
}

// paintCMYK takes ink as Adobe's programs write it, 0 for all of it: a colour is what is left of the white that black leaves.
func paintCMYK(out []byte, rows [][]byte) {
	k := rows[3]
	for x := range k {
		o := out[3*x:][:3]
		for i := range o {
			o[i] = ink(rows[i][x], k[x])
		}
	}
}

func ink(colour, black byte) byte {
	v := (255-int(colour))*int(black) + 128
	return black - byte((v>>8+v)>>8)
}

// paintYCCK is paintCMYK for colours that are coded as YCbCr of their complements.
func paintYCCK(out []byte, rows [][]byte) {
	paintYCC(out, rows[:3])
	for x, k := range rows[3] {
		o := out[3*x:][:3]
		for i := range o {
			o[i] = ink(255-o[i], k)
		}
	}
}
