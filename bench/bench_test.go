package bench

import (
	"sync"
	"testing"

	"github.com/godwit-ml/godwit/kernels"
)

// rate runs the benchmark and reports GFLOP/s, and what share it is of the peak of the instruction set, which is measured
// in the same run.
func rate(b *testing.B, set *kernels.Set, flops float64, run func()) {
	b.ReportAllocs()
	run() // the first call may start threads and make room
	for b.Loop() {
		run()
	}
	flops *= float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(flops/1e9, "GFLOP/s")
	if peak := peakOf(set); peak > 0 {
		b.ReportMetric(100*flops/peak, "%peak")
	}
}

var peaks sync.Map // flop/s by Set

// peakOf returns the measured FMA peak of one core in flop/s, 0 for generic.
func peakOf(set *kernels.Set) float64 {
	if v, ok := peaks.Load(set); ok {
		return v.(float64)
	}
	v := kernels.PeakFMA(set)
	peaks.Store(set, v)
	return v
}
