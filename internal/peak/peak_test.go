package peak

import (
	"testing"
	"time"

	"github.com/godwit-ml/godwit/kernels"
)

func TestFor(t *testing.T) {
	for _, set := range kernels.Sets() {
		f, ok := For(set.Name())
		if ok != (set.Name() != "generic") {
			t.Errorf("For(%q) = _, %v", set.Name(), ok)
		}
		if !ok {
			continue
		}
		f.Run(0)
		f.Run(3)
		if ops := f.Ops(3); ops != 3*f.Ops(1) || ops <= 0 {
			t.Errorf("%s: Ops(3) = %v, Ops(1) = %v", set.Name(), ops, f.Ops(1))
		}
		if rate := f.Measure(time.Millisecond); rate <= 0 {
			t.Errorf("%s: Measure = %v", set.Name(), rate)
		}
	}
}

func TestRead(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 1 << 16} {
		Read(make([]float32, n))
	}
	if rate := MeasureRead(1<<16, time.Millisecond); rate <= 0 {
		t.Errorf("MeasureRead = %v", rate)
	}
}

func BenchmarkFMA(b *testing.B) {
	for _, set := range kernels.Sets() {
		f, ok := For(set.Name())
		if !ok {
			continue
		}
		b.Run("impl="+set.Name(), func(b *testing.B) {
			for b.Loop() {
				f.Run(1000)
			}
			b.ReportMetric(f.Ops(1000)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"16KiB", 16 << 10}, {"256KiB", 256 << 10}, {"4MiB", 4 << 20}, {"256MiB", 256 << 20}} {
		b.Run("size="+size.name, func(b *testing.B) {
			p := make([]float32, size.bytes/4)
			for i := range p {
				p[i] = 1
			}
			b.SetBytes(int64(size.bytes))
			for b.Loop() {
				Read(p)
			}
		})
	}
}
