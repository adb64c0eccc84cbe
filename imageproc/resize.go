package imageproc

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/godwit-ml/godwit/internal/parallel"
)

// Resize makes dst the image src of the given size, with the bytes that Pillow's Image.resize gives for mode L, RGB or RGBA
// (1, 3 or 4 channels; alpha is multiplied in while the filter runs). dst's Pix is reused if it is large enough; dst and src
// must not be the same or share memory.
//
// The filter widens when an image shrinks (so it is antialiased), and is separable, with weights of 22 bits after
// the point, and sums rounded to 8 bits after each axis. Pillow 13 filters rows first, unless the height loses more than twice
// what the width loses. A side that stays as it is is not filtered.
func Resize(dst, src *Image, width, height int, f Filter) error {
	if err := src.check(); err != nil {
		return err
	}
	if width < 1 || height < 1 || width > maxSide || height > maxSide {
		return fmt.Errorf("imageproc: cannot resize to %dx%d: each side must be from 1 to %d", width, height, maxSide)
	}
	if !f.valid() {
		return fmt.Errorf("imageproc: unknown filter %d", int(f))
	}
	s := scratches.Get()
	defer scratches.Put(s)
	resizeWindow(dst, src, width, height, f, Pillow, window{0, 0, width, height}, s)
	return nil
}

// maxSide is the longest side of an image.
const maxSide = 1 << 24

// A window is a part of an image: columns x0 to x1-1, rows y0 to y1-1.
type window struct{ x0, y0, x1, y1 int }

// scratch is the memory that resizing works in.
type scratch struct {
	rows   []byte // rows that one pass has resized
	lines  []byte // two lines of an image that is being decoded
	pass   pass
	source Image     // src with its alpha multiplied in
	window Image     // what Process resizes to
	line   []float32 // a row of the source, a colour after the other
	floats []float32 // rows that have their new width
}

var scratches parallel.FreeList[scratch]

// laneBuffers have two rows of an image each, a channel after the other, as pairs of 32-bit lanes. A thread takes one while it
// needs it: where SIMD does the work, or there is little, few are.
var laneBuffers parallel.FreeList[[]uint64]

// grow returns b with length n, in the same memory if that is enough.
func grow[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}

// resizeWindow makes dst the window of src resized to width x height.
func resizeWindow(dst, src *Image, width, height int, f Filter, b Backend, w window, s *scratch) {
	dst.reset(w.x1-w.x0, w.y1-w.y0, src.Channels)
	sameX, sameY := width == src.Width, height == src.Height
	switch {
	case sameX && sameY:
		copyWindow(dst, src, w)
		return
	case f == Nearest && b == Pillow:
		nearest(dst, src, width, height, w)
		return
	}
	if src.Channels == 4 {
		premultiply(&s.source, src)
		src = &s.source
	}
	c := src.Channels
	in := src.Pix
	stride := src.Width * c
	switch {
	case sameY:
		t := tables.get(tableKey{src.Width, width, w.x0, w.x1, f, b, false})
		horizontal(dst.Pix, in[w.y0*stride+t.first*c:], stride, c, dst.Height, t, s)
	case sameX:
		t := tables.get(tableKey{src.Height, height, w.y0, w.y1, f, b, false})
		vertical(dst.Pix, in[t.first*stride+w.x0*c:], stride, dst.Width*c, t, s)
	default:
		tx := tables.get(tableKey{src.Width, width, w.x0, w.x1, f, b, false})
		ty := tables.get(tableKey{src.Height, height, w.y0, w.y1, f, b, false})
		in = in[ty.first*stride+tx.first*c:]
		if columnsFirst(src.Width, src.Height, width, height, b) {
			n := (tx.last - tx.first) * c
			s.rows = grow(s.rows, n*dst.Height)
			vertical(s.rows, in, stride, n, ty, s)
			horizontal(dst.Pix, s.rows, n, c, dst.Height, tx, s)
		} else {
			n := dst.Width * c
			s.rows = grow(s.rows, n*(ty.last-ty.first))
			horizontal(s.rows, in, stride, c, ty.last-ty.first, tx, s)
			vertical(dst.Pix, s.rows, n, n, ty, s)
		}
	}
	if c == 4 {
		unpremultiply(dst)
	}
}

// columnsFirst tells whether columns are filtered before rows: Pillow's choice.
func columnsFirst(fromWidth, fromHeight, width, height int, b Backend) bool {
	return b == Pillow && height < fromHeight && fromHeight-height > 2*(fromWidth-width)
}

// copyWindow copies the window of src to dst, which has its size.
func copyWindow(dst, src *Image, w window) {
	c := src.Channels
	n := (w.x1 - w.x0) * c
	for y := w.y0; y < w.y1; y++ {
		copy(dst.Pix[(y-w.y0)*n:][:n], src.Pix[(y*src.Width+w.x0)*c:])
	}
}

// A table holds the weights of one axis, for a window of its output.
type table struct {
	taps        []taps
	weights     []uint64  // of all taps, two's complement
	floats      []float32 // in place of them
	first, last int       // the range of input that is needed
	grouped     *grouped  // the weights for SIMD, nil: not
}

// taps says which inputs make an output: from at to at+n-1, with n weights from index w.
type taps struct{ at, n, w int }

const precision = 32 - 8 - 2 // bits after the point of a weight

// newTable computes the weights that Pillow computes, in the same order, or those of PyTorch.
func newTable(k tableKey) *table {
	switch {
	case k.floats:
		return newFloatTable(k)
	case k.filter == Nearest:
		return newNearestTable(k)
	}
	r := newRow(k)
	bits := precision
	if k.backend == Torchvision {
		bits = r.torchBits()
	}
	t := &table{first: k.in}
	for i := k.lo; i < k.hi; i++ {
		from, weights := r.weights(i)
		t.taps = append(t.taps, taps{from, len(weights), len(t.weights)})
		for _, w := range weights {
			t.weights = append(t.weights, uint64(fixed(w, bits)<<(precision-bits)))
		}
		t.first, t.last = min(t.first, from), max(t.last, from+len(weights))
	}
	t.grouped = t.group()
	return t
}

// A row computes the weights of one output after the other.
type row struct {
	in, out                 int
	scale, support, inverse float64
	kernel                  func(float64) float64
	buf                     []float64
}

func newRow(k tableKey) *row {
	scale := float64(k.in) / float64(k.out)
	stretch := max(scale, 1)
	support := float64(filters[k.filter].support * stretch)
	return &row{in: k.in, out: k.out, scale: scale, support: support, inverse: 1 / stretch, kernel: filters[k.filter].kernel,
		buf: make([]float64, int(math.Ceil(support))*2+1)}
}

// weights returns the weights of output i, whose sum is 1, and the first input that they are for. They are valid until the next
// call.
func (r *row) weights(i int) (from int, weights []float64) {
	center := float64((float64(i) + 0.5) * r.scale)
	from = max(0, int(center-r.support+0.5))
	weights = r.buf[:min(r.in, int(center+r.support+0.5))-from]
	sum := 0.0
	for j := range weights {
		w := r.kernel(float64((float64(j+from) - center + 0.5) * r.inverse))
		weights[j] = w
		sum += w
	}
	if sum != 0 {
		for j := range weights {
			weights[j] /= sum
		}
	}
	return from, weights
}

// fixed returns w with bits after the point, rounded.
func fixed(w float64, bits int) int64 {
	w = float64(w * float64(int64(1)<<bits))
	if w < 0 {
		return int64(w - 0.5)
	}
	return int64(w + 0.5)
}

type tableKey struct {
	in, out int // the whole sides
	lo, hi  int // the part of out
	filter  Filter
	backend Backend
	floats  bool // weights in float32
}

// tableCache keeps the tables that were used last. It is safe for concurrent use.
type tableCache struct {
	sync.Mutex
	m     map[tableKey]*table
	order []tableKey // a ring
	next  int
}

var tables tableCache

// Memory of the cache: a table of a photo's side to a model's takes some tens of kilobytes. One beyond cachedWeights is not kept.
const (
	cachedTables  = 64
	cachedWeights = 1 << 17
)

func (c *tableCache) get(k tableKey) *table {
	c.Lock()
	t := c.m[k]
	c.Unlock()
	if t != nil {
		return t
	}
	t = newTable(k)
	if len(t.weights)+len(t.floats) > cachedWeights {
		return t
	}
	c.Lock()
	defer c.Unlock()
	if c.m == nil {
		c.m = make(map[tableKey]*table)
		c.order = make([]tableKey, cachedTables)
	}
	if c.m[k] == nil {
		delete(c.m, c.order[c.next])
		c.order[c.next] = k
		c.next = (c.next + 1) % cachedTables
	}
	c.m[k] = t
	return t
}

// half is one half of the last bit that is kept, in both lanes.
const half = 1<<(precision-1) | 1<<(precision-1+32)

// A pass is the work of one pass over an image, which the threads share by rows of its output.
type pass struct {
	out, in    []byte
	stride     int // of in
	channels   int
	rows       int // of out
	n          int // bytes in a row of out
	t          *table
	horizontal bool
}

// pool has the threads that large images are resized with.
var pool = sync.OnceValue(func() *parallel.Pool { return parallel.New(0) })

// parallelFrom is the number of products from which on threads are worth it.
const parallelFrom = 1 << 20

// run does the pass.
func (p *pass) run() {
	parts := 1
	if len(p.t.weights)/max(len(p.t.taps), 1)*p.rows*p.n > parallelFrom {
		parts = pool().Threads()
	}
	if parts == 1 {
		p.Run(0, 1)
		return
	}
	pool().Run(parts, p)
}

// Run does a part of the pass.
func (p *pass) Run(part, parts int) {
	if !p.horizontal {
		from, to := p.rows*part/parts, p.rows*(part+1)/parts
		p.vertical(from, to)
		return
	}
	pairs := (p.rows + 1) / 2
	from, to := pairs*part/parts*2, min(pairs*(part+1)/parts*2, p.rows)
	p.rowPairs(from, to)
}

// horizontal resizes height rows, which begin stride bytes apart with column t.first, by t into out.
func horizontal(out, in []byte, stride, channels, height int, t *table, s *scratch) {
	s.pass = pass{out: out, in: in, stride: stride, channels: channels, rows: height, n: len(t.taps) * channels, t: t,
		horizontal: true}
	s.pass.run()
}

// vertical resizes n columns of rows, which begin stride bytes apart with row t.first, by t into out.
func vertical(out, in []byte, stride, n int, t *table, s *scratch) {
	s.pass = pass{out: out, in: in, stride: stride, rows: len(t.taps), n: n, t: t}
	s.pass.run()
}

// rowPairs filters the rows from, ..., to-1, two at a time: a value of each is a 32-bit lane of a word, and a product with a
// weight is two products. That is exact: a sum of one row has less than 31 bits, and what a negative sum of the low lane borrows
// from the high one is given back at the end.
func (p *pass) rowPairs(from, to int) {
	t, channels, n := p.t, p.channels, p.n
	width := t.last - t.first
	var buffer *[]uint64
	for y := from; y < to; y += 2 {
		z := min(y+1, to-1) // the last row of an odd number is paired with itself
		a, b := p.in[y*p.stride:][:width*channels], p.in[z*p.stride:][:width*channels]
		outA, outB := p.out[y*n:][:n], p.out[z*n:][:n]
		if g := t.grouped; channels == 3 && g != nil && z*p.stride+width*3+4 <= len(p.in) {
			g.pairRGB(outA, outB, a, b)
			continue
		}
		if buffer == nil {
			buffer = laneBuffers.Get()
			*buffer = grow(*buffer, width*channels)
		}
		lanes := *buffer
		if channels == 3 {
			pair3(lanes, a, b)
			weigh3(outA, outB, lanes, t)
			continue
		}
		for c := range channels {
			for x := range width {
				lanes[x] = uint64(a[x*channels+c]) | uint64(b[x*channels+c])<<32
			}
			for i, p := range t.taps {
				sum := uint64(half)
				in := lanes[p.at-t.first:][:p.n]
				for j, w := range t.weights[p.w:][:p.n] {
					sum += in[j] * w
				}
				outA[i*channels+c], outB[i*channels+c] = clip(sum)
			}
		}
	}
	if buffer != nil {
		laneBuffers.Put(buffer)
	}
}

// pair3 writes the two rows of RGB as lanes: all of red, then green, then blue.
func pair3(lanes []uint64, a, b []byte) {
	n := len(lanes) / 3
	red := lanes[:n]
	green := lanes[n:][:n]
	blue := lanes[2*n:][:n]
	for i := range red {
		if len(a) < 3 || len(b) < 3 {
			return
		}
		red[i] = uint64(a[0]) | uint64(b[0])<<32
		green[i] = uint64(a[1]) | uint64(b[1])<<32
		blue[i] = uint64(a[2]) | uint64(b[2])<<32
		a, b = a[3:], b[3:]
	}
}

// weigh3 filters the lanes of pair3.
func weigh3(outA, outB []byte, lanes []uint64, t *table) {
	width := t.last - t.first
	for i, p := range t.taps {
		weights := t.weights[p.w:][:p.n]
		at := p.at - t.first
		red := lanes[at:][:len(weights)]
		green := lanes[width+at:][:len(weights)]
		blue := lanes[2*width+at:][:len(weights)]
		r, g, b := uint64(half), uint64(half), uint64(half)
		for j, w := range weights {
			r += red[j] * w
			g += green[j] * w
			b += blue[j] * w
		}
		o := outA[3*i:][:3]
		q := outB[3*i:][:3]
		o[0], q[0] = clip(r)
		o[1], q[1] = clip(g)
		o[2], q[2] = clip(b)
	}
}

// clip rounds the two sums of a word to bytes.
func clip(sum uint64) (low, high byte) {
	l := int64(int32(uint32(sum)))
	h := int64(sum-uint64(l)) >> 32
	return clip8(l >> precision), clip8(h >> precision)
}

func clip8(v int64) byte { return byte(max(0, min(v, 255))) }

// vertical filters the output rows from, ..., to-1, eight columns at a time.
func (p *pass) vertical(from, to int) {
	const mask = 0x000000ff000000ff
	t, n, stride := p.t, p.n, p.stride
	for i := from; i < to; i++ {
		tap := t.taps[i]
		weights := t.weights[tap.w:][:tap.n]
		base := p.in[(tap.at-t.first)*stride:]
		out := p.out[i*n:][:n]
		if g := t.grouped; g != nil && n >= 16 {
			g.row(out, p.in, stride, i)
			continue
		}
		x := 0
		for ; x+8 <= n; x += 8 { // 8 bytes are 4 pairs of lanes
			s0, s1, s2, s3 := uint64(half), uint64(half), uint64(half), uint64(half)
			in := base[x:]
			for j, w := range weights {
				v := binary.LittleEndian.Uint64(in)
				s0 += (v & mask) * w
				s1 += (v >> 8 & mask) * w
				s2 += (v >> 16 & mask) * w
				s3 += (v >> 24 & mask) * w
				if j < len(weights)-1 {
					in = in[stride:]
				}
			}
			o := out[x:][:8]
			o[0], o[4] = clip(s0)
			o[1], o[5] = clip(s1)
			o[2], o[6] = clip(s2)
			o[3], o[7] = clip(s3)
		}
		for ; x < n; x++ {
			sum := uint64(half)
			for j, w := range weights {
				sum += uint64(base[j*stride+x]) * w
			}
			out[x], _ = clip(sum)
		}
	}
}

// nearest takes the pixel whose area holds the centre of the new one. Positions are summed up, as Pillow does it: the error of
// the sum shows in large images.
func nearest(dst, src *Image, width, height int, w window) {
	stepX, stepY := float64(src.Width)/float64(width), float64(src.Height)/float64(height)
	c := src.Channels
	y := float64(stepY * 0.5)
	for i := range w.y1 {
		if i >= w.y0 {
			row := dst.Pix[(i-w.y0)*dst.Width*c:][:dst.Width*c]
			if int(y) >= src.Height { // the sum can end beyond the last row or column: Pillow leaves that 0
				clear(row)
			} else {
				nearestRow(row, src.Pix[int(y)*src.Width*c:][:src.Width*c], c, stepX, w)
			}
		}
		y += stepY
	}
}

func nearestRow(dst, src []byte, c int, step float64, w window) {
	x := float64(step * 0.5)
	for i := range w.x1 {
		if i >= w.x0 {
			out := dst[(i-w.x0)*c:][:c]
			if at := int(x) * c; at < len(src) {
				copy(out, src[at:])
			} else {
				clear(out)
			}
		}
		x += step
	}
}

// premultiply makes dst the RGBA image src with its colours multiplied by alpha.
func premultiply(dst, src *Image) {
	dst.reset(src.Width, src.Height, 4)
	for i := 0; i+4 <= len(src.Pix); i += 4 {
		p, q := src.Pix[i:][:4], dst.Pix[i:][:4]
		a := uint32(p[3])
		q[0], q[1], q[2], q[3] = mulDiv255(uint32(p[0]), a), mulDiv255(uint32(p[1]), a), mulDiv255(uint32(p[2]), a), p[3]
	}
}

// mulDiv255 returns a*b/255, rounded, for bytes.
func mulDiv255(a, b uint32) byte {
	v := a*b + 128
	return byte((v>>8 + v) >> 8)
}

func unpremultiply(m *Image) {
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		p := m.Pix[i:][:4]
		if a := int64(p[3]); a != 0 && a != 255 {
			p[0], p[1], p[2] = clip8(255*int64(p[0])/a), clip8(255*int64(p[1])/a), clip8(255*int64(p[2])/a)
		}
	}
}
