package jpeg

import "runtime"

// pipelineFrom is the number of pixels from which on a second thread is worth it.
const pipelineFrom = 1 << 18

// pipelineRows is how many rows of minimum coded units are under way with two threads.
const pipelineRows = 4

// A pipeline takes the rows of minimum coded units of an image from their coefficients to its lines, from top to bottom. One
// thread decodes, and transforms too, if the other is behind; a second one, if there is one, transforms and paints.
type pipeline struct {
	d    *decoder
	list []*component // as the scan has them; of a progressive image nil
	row  *mcuRow      // the one that is decoded
	free chan *mcuRow // rows whose content is no longer needed; nil: there is one thread
	work chan *mcuRow
	done chan struct{}
}

// An mcuRow is a row of minimum coded units.
type mcuRow struct {
	y           int
	transformed bool // the samples are in the planes already
	n           int  // blocks that are decoded
	blocks      []int16
	last        []uint8 // as idct takes it
}

// pipeline returns a pipeline for all of the image, and makes the planes.
func (d *decoder) pipeline(list []*component) *pipeline {
	p := &pipeline{d: d, list: list}
	if d.Width*d.Height < pipelineFrom || runtime.GOMAXPROCS(0) == 1 {
		d.makePlanes(2) // of the row above a line is needed
		p.row = new(mcuRow)
		return p
	}
	d.makePlanes(pipelineRows + 1)
	p.free, p.work, p.done = make(chan *mcuRow, pipelineRows), make(chan *mcuRow, pipelineRows), make(chan struct{})
	n := 0
	for _, c := range list {
		n += d.mcusX * c.h * c.v
	}
	for range pipelineRows {
		r := new(mcuRow)
		r.blocks, r.last = make([]int16, n*64), make([]uint8, n)
		p.free <- r
	}
	go p.run()
	return p
}

// begin takes the memory for row y.
func (p *pipeline) begin(y int) {
	if p.free != nil {
		p.row = <-p.free
	}
	p.row.y, p.row.n = y, 0
	p.row.transformed = p.free == nil || p.d.progressive || len(p.work) > 0
}

// baseline decodes the next block of the row, which is of that component and begins there in its plane.
func (p *pipeline) baseline(c *component, at int) error {
	r := p.row
	if r.transformed {
		return p.d.baseline(c, at)
	}
	b := (*[64]int16)(r.blocks[r.n*64:])
	*b = [64]int16{}
	last, err := p.d.bits.block(b, c.dc, c.ac, &c.prediction)
	r.last[r.n] = uint8(last)
	r.n++
	return err
}

// end hands the row over.
func (p *pipeline) end() {
	if p.free == nil {
		p.d.paintRow(p.row.y)
		return
	}
	p.work <- p.row
}

// close waits until all rows that were handed over are done.
func (p *pipeline) close() {
	if p.free != nil {
		close(p.work)
		<-p.done
	}
}

func (p *pipeline) run() {
	d := p.d
	for r := range p.work {
		if !r.transformed {
			p.transform(r)
		}
		d.paintRow(r.y)
		p.free <- r
	}
	close(p.done)
}

// transform makes samples of the coefficients of r.
func (p *pipeline) transform(r *mcuRow) {
	var lines [4][4]int
	for i, c := range p.list {
		for v := range c.v {
			lines[i][v] = c.line(r.y*c.v + v)
		}
	}
	n := 0
	for x := range p.d.mcusX {
		for i, c := range p.list {
			for v := range c.v {
				for h := range c.h {
					idct(c.plane[lines[i][v]+(x*c.h+h)*8:], c.blocksX*8, (*[64]int16)(r.blocks[n*64:]), c.quant, int(r.last[n]))
					n++
				}
			}
		}
	}
}
