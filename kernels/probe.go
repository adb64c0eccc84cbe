package kernels

import "time"

// probes is the part of a Set that measures the machine.
type probes struct {
	// fma does n times as many independent chains of fused multiply-adds as hide their latency, 1000 flops or more each time,
	// and returns how many flops it did. nil: not measured.
	fma func(n int) int
	// read reads memory in several streams, of which it does nothing but load, and may round the length down.
	read func(p []float32)
}

// PeakFMA measures the peak of float32 fused multiply-adds of one thread on the Set, in flop/s (two a multiply-add): the
// best of a few runs of some milliseconds, with nothing but registers. It returns 0 for a Set without assembly.
func PeakFMA(s *Set) float64 {
	if s.fma == nil {
		return 0
	}
	best := 0.0
	for range 20 {
		start := time.Now()
		flops := 0
		for range 20 {
			flops += s.fma(300)
		}
		best = max(best, float64(flops)/time.Since(start).Seconds())
	}
	return best
}

// ReadBandwidth measures how fast one thread of the Set reads buf, in bytes a second: the best of a few passes. The size
// of buf says which cache is measured, or memory. It returns 0 for a Set without assembly.
func ReadBandwidth(s *Set, buf []float32) float64 {
	if s.read == nil {
		return 0
	}
	const piece = 1 << 18 // elements: no call takes more than some 50 µs
	passes := max(1, 1<<20/max(1, len(buf)))
	best := 0.0
	for range 10 {
		start := time.Now()
		for range passes {
			for p := buf; len(p) > 0; p = p[min(piece, len(p)):] {
				s.read(p[:min(piece, len(p))])
			}
		}
		best = max(best, float64(4*len(buf)*passes)/time.Since(start).Seconds())
	}
	return best
}
