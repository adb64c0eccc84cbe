package kernels

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// PeakFMA measures the peak of float32 fused multiply-adds of all threads at once, in flop/s (two a multiply-add): the best
// of a few rounds of half a millisecond, with nothing but registers. It returns 0 for a Set without assembly.
func (x *Exec) PeakFMA() float64 {
	if x.set.fma == nil {
		return 0
	}
	return x.together(5, func(int) (flops int) {
		for range 80 {
			flops += x.set.fma(300)
		}
		return flops
	})
}

// ReadBandwidth measures how fast all threads at once read buf, each a part of its own, in bytes a second: the best of a few
// passes. The size of buf says which cache is measured, or memory. It returns 0 for a Set without assembly.
func (x *Exec) ReadBandwidth(buf []float32) float64 {
	if x.set.read == nil {
		return 0
	}
	const piece = 1 << 18 // elements: no call takes more than some 50 µs
	threads := x.Threads()
	passes := max(1, 1<<23/max(1, len(buf)))
	return x.together(5, func(part int) int {
		mine := buf[len(buf)*part/threads : len(buf)*(part+1)/threads]
		for range passes {
			for p := mine; len(p) > 0; p = p[min(piece, len(p)):] {
				x.set.read(p[:min(piece, len(p))])
			}
		}
		return 4 * len(mine) * passes
	})
}

// together lets as many goroutines as x has threads call f at the same time, each with its number, for some rounds, and
// returns the best rate of a round: what the calls returned, together, by the time from the first begin to the last end.
func (x *Exec) together(rounds int, f func(part int) int) float64 {
	type span struct {
		begun, ended time.Time
		amount       int
	}
	n := x.Threads()
	spans := make([][]span, rounds)
	for r := range spans {
		spans[r] = make([]span, n)
	}
	var ready atomic.Int64
	var all sync.WaitGroup
	for part := range n {
		all.Go(func() {
			for r := range spans {
				for ready.Add(1); ready.Load() < int64(n*(r+1)); {
					runtime.Gosched()
				}
				begun := time.Now()
				amount := f(part)
				spans[r][part] = span{begun, time.Now(), amount}
			}
		})
	}
	all.Wait()
	best := 0.0
	for _, round := range spans {
		first, last, amount := round[0].begun, round[0].ended, 0
		for _, s := range round {
			if s.begun.Before(first) {
				first = s.begun
			}
			if s.ended.After(last) {
				last = s.ended
			}
			amount += s.amount
		}
		best = max(best, float64(amount)/last.Sub(first).Seconds())
	}
	return best
}
