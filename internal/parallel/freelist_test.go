package parallel

import (
	"runtime"
	"testing"
)

func TestFreeList(t *testing.T) {
	for _, most := range []int{0, 3} {
		l := FreeList[[4]int]{Most: most}
		want := most
		if most == 0 {
			want = 2 * runtime.NumCPU()
		}
		taken := make([]*[4]int, want+5)
		for i := range taken {
			taken[i] = l.Get()
			taken[i][0] = i
		}
		for _, v := range taken {
			l.Put(v)
		}
		if len(l.free) != want {
			t.Errorf("%d are kept, want %d", len(l.free), want)
		}
		if v := l.Get(); v != taken[want-1] {
			t.Errorf("got number %d, want the last that was kept, %d", v[0], want-1)
		}
		if n := testing.AllocsPerRun(20, func() { l.Put(l.Get()) }); n != 0 {
			t.Errorf("%v allocations, want 0", n)
		}
	}
}
