package tensor

import (
	"math/rand/v2"
	"testing"
)

// TestWorkspace takes and gives back pieces at random, and looks whether those in use keep what was written to them.
func TestWorkspace(t *testing.T) {
	type piece struct {
		data  []float32
		value float32
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var w Workspace
	for range 20 {
		w.Reset()
		var inUse []piece
		var marks []Mark
		var taken []int // how many pieces were in use at each mark
		for step := range 200 {
			data := []float32(nil)
			switch rng.IntN(6) {
			case 0:
				marks, taken = append(marks, w.Mark()), append(taken, len(inUse))
			case 1:
				if n := len(marks) - 1; n >= 0 {
					w.Release(marks[n])
					inUse, marks, taken = inUse[:taken[n]], marks[:n], taken[:n]
				}
			case 2:
				m := w.Tensor(rng.IntN(30), rng.IntN(70))
				if len(m.Data) != m.Len() {
					t.Fatalf("shape %v with %d elements", m.Shape, len(m.Data))
				}
				data = m.Data
			default:
				data = w.Float32(rng.IntN(1000))
			}
			for i := range data {
				data[i] = float32(step)
			}
			inUse = append(inUse, piece{data, float32(step)})
			for _, p := range inUse {
				for i, v := range p.data {
					if v != p.value {
						t.Fatalf("step %d: element %d of %d of step %g was overwritten with %g", step, i, len(p.data), p.value, v)
					}
				}
			}
		}
	}
}

// TestWorkspaceDoesNotAllocate repeats a pass that needs several chunks the first time.
func TestWorkspaceDoesNotAllocate(t *testing.T) {
	var pool Pool
	pass := func() {
		w := pool.Get()
		for range 3 {
			mark := w.Mark()
			w.Tensor(100, 70)
			w.Float32(10000)
			w.Release(mark)
			w.Float32(6000)
		}
		pool.Put(w)
	}
	pass()
	if n := testing.AllocsPerRun(20, pass); n != 0 {
		t.Errorf("%v allocations a pass, want 0", n)
	}
	// The most in use at once: 100·70 rounded up to the quantum and 10000, over two pieces of 6000.
	if c := pool.Get().floats.chunks; len(c) != 1 || len(c[0]) != 7008+10000+2*6000 {
		t.Errorf("%d chunks, the first of %d elements; want one of 29008", len(c), len(c[0]))
	}
}
