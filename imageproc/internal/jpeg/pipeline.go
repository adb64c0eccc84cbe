package jpeg

import "runtime"

// pipelineFrom is the number of pixels from which on a second thread is worth it.
const pipelineFrom = 1 << 18

// A pipeline transforms and paints the rows of minimum coded units of a baseline scan on a thread of its own, behind the one
// that decodes them.
type pipeline struct {
	d    *decoder
	list []*component
	row  *mcuRow      // that is being decoded
	free chan *mcuRow // rows of which the content is no longer needed
	work chan *mcuRow
	done chan struct{}
}

// An mcuRow is the coefficients of a row of minimum coded units, block after block as in the file.
type mcuRow struct {
	y      int
	n      int // blocks that were decoded
	blocks []int16
	last   []uint8 // as idct takes it
}

// pipeline returns a pipeline for a scan, nil if one is not worth it or the scan is not all of the image.
func (d *decoder) pipeline(list []*component) *pipeline {
	if d.progressive || len(list) != len(d.components) || d.Width*d.Height < pipelineFrom || runtime.GOMAXPROCS(0) == 1 {
		return nil
	}
	const depth = 4
	p := &pipeline{d: d, list: list, free: make(chan *mcuRow, depth), work: make(chan *mcuRow, depth), done: make(chan struct{})}
	n := 0
	for _, c := range list {
		n += d.mcusX * c.h * c.v
	}
	for range depth {
		p.free <- &mcuRow{blocks: make([]int16, n*64), last: make([]uint8, n)}
	}
	go p.run()
	return p
}

// begin takes the memory for row y.
func (p *pipeline) begin(y int) {
	p.row = <-p.free
	p.row.y, p.row.n = y, 0
}

// block decodes the next block of the row.
func (p *pipeline) block(c *component) error {
	b := (*[64]int16)(p.row.blocks[p.row.n*64:])
	*b = [64]int16{}
	last, err := p.d.baseline(c, b)
	p.row.last[p.row.n] = uint8(last)
	p.row.n++
	return err
}

// end hands the row over.
func (p *pipeline) end() { p.work <- p.row }

// close waits until all rows that were handed over are done.
func (p *pipeline) close() {
	close(p.work)
	<-p.done
}

func (p *pipeline) run() {
	d := p.d
	for r := range p.work {
		i := 0
		for x := range d.mcusX {
			for _, c := range p.list {
				stride := c.blocksX * 8
				for v := range c.v {
					for h := range c.h {
						out := c.plane[(r.y*c.v+v)*8*stride+(x*c.h+h)*8:]
						idct(out, stride, (*[64]int16)(r.blocks[i*64:]), c.quant, int(r.last[i]))
						i++
					}
				}
			}
		}
		y := r.y
		p.free <- r
		d.paint(min((y+1)*8*d.maxV-d.maxV, d.Height)) // the last lines need the first of the next row
	}
	close(p.done)
}
