// Package parallel runs the parts of a computation on a few persistent threads.
//
// A [Pool] of n threads is the caller and n-1 workers. [Pool.Run] publishes a task; workers that are awake (they spin for
// some 90 µs after their last work) or get woken (they were parked) each claim slots of it, starting with
// their own, so that on successive calls a thread meets the part of the data that its cache already holds. The caller works
// too, and claims whatever nobody has begun: a worker that the system does not schedule never delays a call, unless it lost
// its core in the middle of a slot. Run creates no goroutine and allocates nothing.
//
// How a computation is cut into parts never depends on which thread runs them, so neither can its result.
//
// A [FreeList] keeps the memory that calls work in.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A Task is work that can be done in parts.
type Task interface {
	// Run does part number part of parts. The parts run at the same time, in any order, on any thread.
	Run(part, parts int)
}

const (
	// slotsPerThread bounds how finely the parts of a task are claimed.
	slotsPerThread = 8
	// spins is how often a worker looks for work before it parks, and a caller for the end before it does: about 90 µs, more than
	// what one thread does between the products of a layer.
	spins = 60000
	// yieldEvery is how often a spinning goroutine lets others run.
	yieldEvery = 4096
)

// A Pool is a fixed number of threads. It is safe for concurrent use: while one caller has the workers, the others do
// their work alone.
type Pool struct {
	// Meanwhile, if it is not nil, is what a thread does while it waits for a job or for the end of one, a little at a time: turn
	// counts the calls of one wait from 0. It returns false when nothing is left to do, and must not call Run. It is set before the
	// first Run.
	Meanwhile func(thread, turn int) bool

	threads int
	spins   int // 0 when spinning would take the cores that others need

	mu      sync.Mutex // held by the caller that has the workers
	workers []worker   // started by the first Run that can use them
	claims  []claim    // claims[s] is the number of the last job of which slot s was claimed

	// The job. task and parts are written before job is, and read only by who has claimed a slot, while the job runs.
	task    Task
	parts   int
	job     atomic.Uint64 // number of the job << slotBits | slots in it
	pending atomic.Int32  // slots of the job not finished
	waiting atomic.Bool   // the caller is parked, or about to be, on done
	done    chan struct{}
	failure atomic.Pointer[failure]
	closed  bool
}

const slotBits = 20

// stop is the job that ends the workers: a number that no claim is compared with, and no slots.
const stop = ^uint64(0)

type worker struct {
	parked atomic.Bool
	wake   chan struct{}
	_      [64]byte // workers spin on their own cache lines
}

type claim struct {
	job atomic.Uint64
	_   [56]byte
}

// A failure is a panic of a task, carried from a worker to the caller.
type failure struct{ value any }

// New returns a pool of that many threads (0: runtime.GOMAXPROCS), the caller's own included. WebAssembly has one.
// The workers start when they are first needed.
func New(threads int) *Pool {
	procs := runtime.GOMAXPROCS(0)
	if threads <= 0 {
		threads = procs
	}
	if runtime.GOARCH == "wasm" {
		threads = 1
	}
	threads = min(threads, 1<<slotBits/slotsPerThread-1)
	p := &Pool{threads: threads}
	if threads <= procs {
		p.spins = spins
	}
	return p
}

// Threads returns the number of threads that a Run may use, the caller's own included.
func (p *Pool) Threads() int { return p.threads }

// Run runs t.Run(0, parts), ..., t.Run(parts-1, parts) and returns when all have returned. If one of them panics, Run
// panics with the same value after the others have returned.
func (p *Pool) Run(parts int, t Task) {
	if parts <= 1 || p.threads == 1 || !p.mu.TryLock() {
		alone(parts, t)
		return
	}
	defer p.mu.Unlock()
	if p.closed {
		alone(parts, t)
		return
	}
	if p.workers == nil {
		p.start()
	}
	slots := min(parts, len(p.claims))
	p.task, p.parts = t, parts
	p.pending.Store(int32(slots))
	defer p.end() // also if a part ends the caller's goroutine by runtime.Goexit: nobody else may have the workers before
	job := (p.job.Load()>>slotBits+1)<<slotBits | uint64(slots)
	p.job.Store(job)
	for i := range min(slots-1, len(p.workers)) {
		p.workers[i].unpark()
	}
	p.work(job, 0)
	p.wait()
	if f := p.failure.Load(); f != nil {
		panic(f.value)
	}
}

// end is the end of a Run: all parts have ended, and nothing of it is left for the next one.
func (p *Pool) end() {
	p.wait()
	p.task = nil
	p.failure.Store(nil)
}

// Close ends the workers. A Run that comes later works in its caller alone.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	p.job.Store(stop)
	for i := range p.workers {
		p.workers[i].unpark()
	}
}

func alone(parts int, t Task) {
	for i := range parts {
		t.Run(i, parts)
	}
}

func (p *Pool) start() {
	p.done = make(chan struct{}, 1)
	p.claims = make([]claim, p.threads*slotsPerThread)
	p.workers = make([]worker, p.threads-1)
	for i := range p.workers {
		w := &p.workers[i]
		w.wake = make(chan struct{}, 1)
		go p.serve(w, i+1)
	}
}

// serve is the life of a worker: thread number me of the pool. If a part ends its goroutine by runtime.Goexit, another goes on.
func (p *Pool) serve(w *worker, me int) {
	var last uint64
	defer func() {
		if last != stop {
			go p.serve(w, me)
		}
	}()
	for {
		last = p.next(w, me, last)
		if last == stop {
			return
		}
		p.work(last, me)
	}
}

// next waits for a job other than last: it spins, then parks.
func (p *Pool) next(w *worker, me int, last uint64) uint64 {
	for {
		busy := p.Meanwhile != nil
		for i := range p.spins + 1 {
			if job := p.job.Load(); job != last {
				return job
			}
			busy = busy && p.Meanwhile(me, i)
			if i%yieldEvery == yieldEvery-1 {
				runtime.Gosched()
			}
		}
		w.parked.Store(true)
		if p.job.Load() != last && w.parked.CompareAndSwap(true, false) {
			continue
		}
		<-w.wake
	}
}

// unpark wakes the worker if it is parked, or about to be. Who turns parked off owes, or is owed, nothing else.
func (w *worker) unpark() {
	if w.parked.Load() && w.parked.CompareAndSwap(true, false) {
		w.wake <- struct{}{}
	}
}

// work claims and runs slots of the job until none is left, beginning with those of thread number me. A thread that comes
// so late that the job is over, or another one runs, finds each of its slots claimed, by this job or a later one.
func (p *Pool) work(job uint64, me int) {
	slots := int(job & (1<<slotBits - 1))
	s := me * slots / p.threads
	for range slots {
		c := &p.claims[s].job
		if old := c.Load(); old < job && c.CompareAndSwap(old, job) {
			p.runSlot(s, slots)
		}
		if s++; s == slots {
			s = 0
		}
	}
}

// runSlot runs the parts of slot s: s, s+slots, ...
func (p *Pool) runSlot(s, slots int) {
	defer p.finish()
	for part := s; part < p.parts; part += slots {
		p.task.Run(part, p.parts)
	}
}

// finish is deferred by runSlot: it keeps a panic for the caller and counts the slot as done.
func (p *Pool) finish() {
	if v := recover(); v != nil {
		p.failure.CompareAndSwap(nil, &failure{v})
	}
	if p.pending.Add(-1) == 0 && p.waiting.Load() && p.waiting.CompareAndSwap(true, false) {
		p.done <- struct{}{}
	}
}

// wait returns when no slot of the job is pending: it spins, then parks. A wake-up may come from a thread that finished
// the job before this one and was held up, so it only means: look again.
func (p *Pool) wait() {
	for {
		busy := p.Meanwhile != nil
		for i := range p.spins + 1 {
			if p.pending.Load() == 0 {
				return
			}
			busy = busy && p.Meanwhile(0, i)
			if i%yieldEvery == yieldEvery-1 {
				runtime.Gosched()
			}
		}
		p.waiting.Store(true)
		if p.pending.Load() == 0 && p.waiting.CompareAndSwap(true, false) {
			return
		}
		<-p.done
	}
}
