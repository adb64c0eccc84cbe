package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/godwit-ml/godwit/kernels"
)

// A limit is a rate that the machine cannot exceed, measured when it is asked for.
type limit struct {
	metric string // such as %peak
	rate   func() float64
}

// fmaPeak is the peak of fused multiply-adds of all threads of x, in flop/s.
func fmaPeak(x *kernels.Exec) limit { return limit{"%peak", x.PeakFMA} }

// roof is the peak, or what the reading of bytes for each flop allows, if that is less. The size of buf says from where.
func roof(x *kernels.Exec, buf []float32, bytesPerFlop float64) limit {
	return limit{"%roof", func() float64 { return min(x.PeakFMA(), x.ReadBandwidth(buf)/bytesPerFlop) }}
}

// rate runs the benchmark of a computation that does an amount of work, in flops or bytes. Beside ns/op, a mean, it reports the
// rate of the fastest quarter of a millisecond, which is what the code can do when nothing else runs, in units of 10⁹, and
// what share it is of the limit, the best of a measurement before and one after.
func rate(b *testing.B, work float64, unit string, run func(), of limit) {
	b.ReportAllocs()
	run() // the first call may start threads and make room
	most := of.rate()
	best, calls, begun := 0.0, 0, time.Now()
	for b.Loop() {
		run()
		calls++
		if d := time.Since(begun); d >= 250*time.Microsecond {
			best = max(best, work*float64(calls)/d.Seconds())
			calls, begun = 0, time.Now()
		}
	}
	if best == 0 {
		best = work * float64(b.N) / b.Elapsed().Seconds()
	}
	b.ReportMetric(best/1e9, unit)
	if most = max(most, of.rate()); most > 0 {
		b.ReportMetric(100*best/most, of.metric)
	}
}

// onSets runs a benchmark for each instruction set of this machine that has assembly, on one thread and on two.
func onSets(b *testing.B, size string, f func(b *testing.B, x *kernels.Exec)) {
	for _, set := range kernels.Sets() {
		if set.Name() == "generic" {
			continue // exact fused multiply-adds in Go: seconds
		}
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("impl=%s/threads=%d/%s", set.Name(), threads, size), func(b *testing.B) {
				x := kernels.New(set, threads)
				defer x.Close()
				f(b, x)
			})
		}
	}
}

// noise returns n numbers in [-1, 1) without a pattern, the same ones every time.
func noise(n int) []float32 {
	v := kernels.Buffer(n)
	state := uint32(1)
	for i := range v {
		state = state*1664525 + 1013904223
		v[i] = float32(int32(state)) / (1 << 31)
	}
	return v
}
