package parallel

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// count adds one to each part's cell; a part must run exactly once a call.
type count struct {
	cells []int64
	parts int
}

func (c *count) Run(part, parts int) {
	if parts != c.parts {
		panic(fmt.Sprintf("parts = %d, want %d", parts, c.parts))
	}
	c.cells[part]++
}

func TestEveryPartRunsOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := New(threads)
		for parts := range 100 {
			c := &count{make([]int64, parts), parts}
			for range 20 {
				p.Run(parts, c)
			}
			for i, n := range c.cells {
				if n != 20 {
					t.Fatalf("threads %d: part %d of %d ran %d times in 20 calls", threads, i, parts, n)
				}
			}
		}
		p.Close()
		c := &count{make([]int64, 7), 7}
		p.Run(7, c)
		p.Close()
		if c.cells[6] != 1 {
			t.Fatalf("threads %d: a Run after Close did not run", threads)
		}
	}
}

func TestWorkersParkAndWake(t *testing.T) {
	p := New(3)
	defer p.Close()
	c := &count{make([]int64, 9), 9}
	for range 50 {
		p.Run(9, c)
		for range 200 { // long enough for the workers to park on some rounds
			runtime.Gosched()
		}
	}
	if c.cells[8] != 50 {
		t.Fatalf("part 8 ran %d times, want 50", c.cells[8])
	}
}

// slow is a task of two parts: the caller's ends once the other has begun, and the other, a worker's, once the caller has
// given up spinning.
type slow struct {
	pool  *Pool
	begun atomic.Bool
}

func (s *slow) Run(part, parts int) {
	if part == 1 {
		s.begun.Store(true)
		for !s.pool.waiting.Load() {
			runtime.Gosched()
		}
		return
	}
	for !s.begun.Load() {
		runtime.Gosched()
	}
}

func TestCallerParksAndWakes(t *testing.T) {
	for _, spins := range []int{0, spins} {
		p := New(2)
		if p.Threads() == 1 {
			t.Skip("there is one thread on ", runtime.GOARCH)
		}
		p.spins = spins
		for range 20 {
			p.Run(2, &slow{pool: p})
			if n := p.pending.Load(); n != 0 {
				t.Fatalf("Run returned with %d slots to do", n)
			}
		}
		p.Close()
	}
}

func TestConcurrentCallers(t *testing.T) {
	p := New(4)
	defer p.Close()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for i := range 300 {
				c := &count{make([]int64, i%11), i % 11}
				p.Run(len(c.cells), c)
				for j, n := range c.cells {
					if n != 1 {
						t.Errorf("part %d ran %d times", j, n)
					}
				}
			}
		})
	}
	wg.Wait()
}

type nested struct {
	pool *Pool
	n    atomic.Int64
}

func (n *nested) Run(part, parts int) {
	inner := &count{make([]int64, 3), 3}
	n.pool.Run(3, inner)
	n.n.Add(inner.cells[0] + inner.cells[1] + inner.cells[2])
}

func TestNested(t *testing.T) {
	n := &nested{pool: New(2)}
	defer n.pool.Close()
	n.pool.Run(5, n)
	if got := n.n.Load(); got != 15 {
		t.Fatalf("inner parts: %d, want 15", got)
	}
}

type faulty struct{ ran atomic.Int64 }

func (f *faulty) Run(part, parts int) {
	if part == 1 {
		panic("part 1 is bad")
	}
	f.ran.Add(1)
}

func TestPanicReachesTheCaller(t *testing.T) {
	p := New(2)
	defer p.Close()
	for range 20 {
		f := new(faulty)
		func() {
			defer func() {
				if v := recover(); v != "part 1 is bad" {
					t.Errorf("recovered %v", v)
				}
			}()
			p.Run(4, f)
		}()
		if n := f.ran.Load(); n != 3 {
			t.Fatalf("%d other parts ran, want 3", n)
		}
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	p := New(2)
	defer p.Close()
	c := &count{make([]int64, 4), 4}
	p.Run(4, c)
	if n := testing.AllocsPerRun(200, func() { p.Run(4, c) }); n != 0 {
		t.Errorf("%v allocations a call, want 0", n)
	}
}

func BenchmarkRun(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			p := New(threads)
			defer p.Close()
			c := &count{make([]int64, threads), threads}
			for b.Loop() {
				p.Run(threads, c)
			}
		})
	}
}

// TestMeanwhile has the caller wait for the worker, then the worker for the caller: each does what there is to do meanwhile, from turn
// 0 on, until nothing is left.
func TestMeanwhile(t *testing.T) {
	p := New(2)
	defer p.Close()
	if p.spins == 0 {
		t.Skip("no thread spins")
	}
	m := meanwhile{}
	p.Meanwhile = func(thread, turn int) bool {
		m.turns[thread].CompareAndSwap(int64(turn), int64(turn)+1)
		return turn < 9
	}
	for m.waits = range 2 {
		m.begun.Store(false)
		p.Run(2, &m)
	}
	if m.late.Load() {
		t.Error("a thread that waited did not do what there was to do")
	}
}

// meanwhile is a task of two parts, of which the worker does the second: the first ends once that has begun, and the thread that does
// not wait when the other has done its turns.
type meanwhile struct {
	waits       int
	turns       [2]atomic.Int64
	begun, late atomic.Bool
}

func (m *meanwhile) Run(part, parts int) {
	if part == 1 {
		m.turns[1].Store(0) // the worker has waited before
		m.begun.Store(true)
	}
	for begun := time.Now(); !m.begun.Load() || part != m.waits && m.turns[m.waits].Load() < 10; runtime.Gosched() {
		if time.Since(begun) > 5*time.Second {
			m.late.Store(true)
			return
		}
	}
}

// leaver ends the goroutine that has its part, while the others take their time.
type leaver struct {
	part  int
	ended atomic.Int32
}

func (l *leaver) Run(part, parts int) {
	if part == l.part { // the caller begins with part 0, unless it is late
		runtime.Goexit()
	}
	time.Sleep(2 * time.Millisecond)
	l.ended.Add(1)
}

// TestGoexit: the workers are free only when all parts have ended, also where one ends the caller's goroutine.
func TestGoexit(t *testing.T) {
	p := New(2)
	defer p.Close()
	for range 20 {
		l := new(leaver)
		left := make(chan int32)
		go func() {
			defer func() { left <- l.ended.Load() }()
			p.Run(2, l)
		}()
		if n := <-left; n != 1 {
			t.Fatalf("%d parts had ended when the caller's goroutine did, want 1", n)
		}
	}
}

// TestGoexitOfWorker: where parts end the goroutines of workers, others take their places.
func TestGoexitOfWorker(t *testing.T) {
	p := New(2)
	defer p.Close()
	for range 20 {
		l := &leaver{part: 1}
		left := make(chan struct{})
		go func() { // which part 1 ends, if the worker is late
			defer close(left)
			p.Run(2, l)
		}()
		<-left
	}
	m := new(meeting)
	if p.Run(2, m); m.missed.Load() {
		t.Error("the worker is gone")
	}
}

// meeting is a task of two parts that end when both have begun.
type meeting struct {
	begun  atomic.Int32
	missed atomic.Bool
}

func (m *meeting) Run(part, parts int) {
	m.begun.Add(1)
	for begun := time.Now(); m.begun.Load() < 2; runtime.Gosched() {
		if time.Since(begun) > 5*time.Second {
			m.missed.Store(true)
			return
		}
	}
}
