package kernels

import "testing"

func TestProbes(t *testing.T) {
	buf := make([]float32, 100003)
	for _, s := range Sets() {
		peak, speed := PeakFMA(s), ReadBandwidth(s, buf)
		if (s != generic) != (peak > 0) || (s != generic) != (speed > 0) {
			t.Errorf("%s: peak %g flop/s, %g bytes/s", s.Name(), peak, speed)
		}
		t.Logf("%s: %.1f GFLOP/s, %.1f GB/s from the second-level cache", s.Name(), peak/1e9, speed/1e9)
	}
}
