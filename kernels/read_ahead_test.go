package kernels

import "testing"

// TestReadAhead holds that what threads read ahead is the beginning of the streams that a product of one row has, whatever the shape.
func TestReadAhead(t *testing.T) {
	for _, s := range Sets() {
		for _, threads := range []int{1, 2, 3} {
			x := New(s, threads)
			for _, kn := range [][2]int{{0, 64}, {1, 1}, {7, 31}, {300, 150}, {64, 960}, {576, 1536}, {520, 4096}} {
				for _, w := range []*Weights{
					x.Pack(kn[0], kn[1], func(int, []float32) {}),
					x.PackGated16(kn[0], kn[1], BFloat16, func(int, []uint16) {}, func(int, []uint16) {}),
				} {
					x.Precede(w, w)
					checkReadAhead(t, x, w)
				}
			}
			x.Close()
		}
	}
}

func checkReadAhead(t *testing.T, x *Exec, w *Weights) {
	t.Helper()
	if w.ahead == nil {
		if x.Threads() > 1 && x.set.prefetch != nil && w.K > 0 {
			t.Errorf("%s, %d threads, k=%d n=%d: nothing is read ahead", x.set.name, x.Threads(), w.K, w.N)
		}
		return
	}
	x.follow(w, 1)
	for part, s := range *w.ahead {
		p0, p1 := w.part(part, len(*w.ahead))
		begin, end := w.address(0, p0), w.address(0, p1)
		last := s.at + uintptr(s.streams-1)*s.stride + uintptr(s.lines)*64
		if s.lines > 0 && (s.at != begin || last > end || uintptr(s.lines)*64 > s.stride) {
			t.Errorf("%s, k=%d n=%d, part %d: %+v, but its panels are from %#x to %#x", x.set.name, w.K, w.N, part, s, begin, end)
		}
		if s.lines == 0 && p1-p0 > 8 {
			t.Errorf("%s, k=%d n=%d, part %d: nothing of %d panels", x.set.name, w.K, w.N, part, p1-p0)
		}
		turn := 0
		for x.ahead.turn(part, turn) {
			turn++
		}
		if want := (s.lines + aheadLines - 1) / aheadLines; turn != want {
			t.Errorf("%s, k=%d n=%d, part %d: %d turns, want %d", x.set.name, w.K, w.N, part, turn, want)
		}
	}
	if x.follow(w, 2); x.ahead.turn(0, 0) {
		t.Errorf("%s: read ahead after a product of two rows", x.set.name)
	}
}
