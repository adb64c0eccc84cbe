// Package peak measures what one core of this machine can do at most: float32 fused multiply-adds, and reading memory. They
// are the yardsticks that kernels are held against.
//
// The loops are assembly without anything beside the instructions that are counted. The multiply-adds run in enough
// independent chains (12, on NEON 16) to hide their latency of four or five cycles on two units; the values stay near 1. The
// reads go along four streams at once, which keeps more lines under way than one.
package peak

import (
	"time"
	"unsafe"
)

// An FMA is a loop of float32 fused multiply-adds of one instruction set.
type FMA struct {
	loop func(n int)
	ops  float64 // in one pass
}

// For returns the loop of the instruction set of that name (avx2, avx512, neon), which the machine must be able to run, and
// whether there is one: generic has none.
func For(set string) (FMA, bool) {
	f, ok := loops[set]
	return f, ok
}

// Run makes n passes.
func (f FMA) Run(n int) { f.loop(n) }

// Ops returns the floating-point operations of n passes: two for each multiply-add of each lane.
func (f FMA) Ops(n int) float64 { return f.ops * float64(n) }

// Measure returns the operations a second of one core: the best of many short runs in the given time.
func (f FMA) Measure(d time.Duration) float64 {
	const passes = 1000 // some tens of microseconds
	return best(d, func() { f.Run(passes) }) * f.Ops(passes)
}

// Read reads all of p, whose length should be a multiple of 256, and throws it away.
func Read(p []float32) {
	if n := len(p) / readQuantum * readQuantum; n > 0 {
		read(unsafe.SliceData(p), n)
	}
}

// readQuantum is the number of elements that read takes at a time.
const readQuantum = 256

// MeasureRead returns the bytes a second at which one core reads a buffer of the given size over and over: the bandwidth of
// the cache that holds it, or of the memory. It is the best of many runs in the given time.
func MeasureRead(size int, d time.Duration) float64 {
	p := make([]float32, max(size/4/readQuantum, 1)*readQuantum)
	for i := range p {
		p[i] = 1 // a page that was never written may be one and the same page of zeros
	}
	repeat := max(1, 16384/len(p)) // a run is not shorter than the clock can see
	return best(d, func() {
		for range repeat {
			Read(p)
		}
	}) * float64(4*len(p)*repeat)
}

// best returns how often a second run could be called, by the fastest of the calls within d.
func best(d time.Duration, run func()) float64 {
	run()
	fastest := time.Duration(1 << 62)
	for begun := time.Now(); ; {
		start := time.Now()
		run()
		end := time.Now()
		fastest = max(min(fastest, end.Sub(start)), 1)
		if end.Sub(begun) > d {
			return 1 / fastest.Seconds()
		}
	}
}
