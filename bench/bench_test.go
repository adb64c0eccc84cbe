package bench

import (
	"sync"
	"testing"
	"time"

	"github.com/godwit-ml/godwit/internal/peak"
	"github.com/godwit-ml/godwit/kernels"
)

// rate runs the benchmark and reports GFLOP/s, and what share it is of the peak of the instruction set, which is measured
// in the same run.
func rate(b *testing.B, set *kernels.Set, flops float64, run func()) {
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
	gflops := flops * float64(b.N) / b.Elapsed().Seconds() / 1e9
	b.ReportMetric(gflops, "GFLOP/s")
	if most := peakOf(set); most > 0 {
		b.ReportMetric(100*gflops/most, "%peak")
	}
}

var peaks sync.Map // GFLOP/s by name of the Set

// peakOf returns the measured FMA peak of one core in GFLOP/s, or 0 for generic.
func peakOf(set *kernels.Set) float64 {
	f, ok := peak.For(set.Name())
	if !ok {
		return 0
	}
	if v, ok := peaks.Load(set.Name()); ok {
		return v.(float64)
	}
	v := f.Measure(200*time.Millisecond) / 1e9
	peaks.Store(set.Name(), v)
	return v
}
