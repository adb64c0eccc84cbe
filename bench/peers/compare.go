package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/godwit-ml/godwit/internal/cpu"
)

// A result is what an engine did in one cell: a line of results.jsonl.
type result struct {
	Cell    string      `json:"cell"` // see name
	Threads int         `json:"threads"`
	Peer    string      `json:"peer"`
	Flops   float64     `json:"flops"`    // of a repetition: matrix products only
	Turns   [][]float64 `json:"turns_ns"` // of the repetitions that count, by round
	Error   float64     `json:"error"`    // max |output - the first engine's|, relative to the largest element
	Machine string      `json:"machine"`
}

// agreement is how far the outputs of two correct float32 engines may lie apart, relative to the largest element. Six to
// twenty-four layers of sums over some thousand rounded terms give about 1e-6 to 1e-5; a wrong layer gives 1e-1.
const agreement = 1e-4

// tolerance returns how far that engine's outputs may lie from the first's. llama.cpp rounds what it multiplies with weights of
// 16 bits to their type, and keys and values to float16 in any case; a wrong layer gives 1 here.
func tolerance(engine string) float64 {
	if strings.HasPrefix(engine, "llamacpp") {
		return 0.1
	}
	return agreement
}

// compare measures all cells and writes the results.
func (o *options) compare() error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	mode := os.O_TRUNC
	if o.add {
		mode = os.O_APPEND
	}
	name := filepath.Join(o.out, "results.jsonl")
	log, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|mode, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	for _, threads := range o.threads {
		if err := o.compareOn(threads, json.NewEncoder(log)); err != nil {
			return fmt.Errorf("%d threads: %w", threads, err)
		}
	}
	if _, err := log.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return o.report(log)
}

// compareOn measures all cells with a number of threads. The engines run until the last cell is done.
func (o *options) compareOn(threads int, log *json.Encoder) error {
	running := map[string]*engine{}
	defer func() {
		for _, e := range running {
			e.close()
		}
	}()
	for _, c := range o.cells {
		flops, _, err := o.cost(c)
		if err != nil {
			return err
		}
		var engines []*engine
		for _, name := range o.engines(c) {
			if running[name] == nil {
				if running[name], err = start(name, o.command(name, threads)); err != nil {
					return err
				}
			}
			e := running[name]
			engines = append(engines, e)
			if err := e.set(c); err != nil {
				return err
			}
		}
		results, err := o.measure(tolerance, engines)
		if err != nil {
			return fmt.Errorf("%s: %w", o.name(c), err)
		}
		for _, r := range results {
			r.Cell, r.Threads, r.Flops = o.name(c), threads, flops
			if r.Peer == limit {
				r.Flops = limitFlops
			}
			if err := log.Encode(r); err != nil {
				return err
			}
			all := flatten(r.Turns)
			fmt.Fprintf(os.Stderr, "%s, %d threads  %-14s min %9.4f ms  median %9.4f ms  %6.1f GFLOP/s  %d repetitions\n",
				r.Cell, r.Threads, r.Peer, slices.Min(all)/1e6, median(all)/1e6, r.Flops/slices.Min(all), len(all))
		}
	}
	return nil
}

// measure compares what the engines compute, which may differ by tolerance, and lets them take turns.
func (o *options) measure(tolerance func(engine string) float64, engines []*engine) ([]result, error) {
	results := make([]result, len(engines))
	reps := make([]int, len(engines))
	var reference []float64
	for i, e := range engines {
		r := &results[i]
		r.Peer, r.Machine = e.name, machine()
		if e.name != limit {
			out, err := e.check()
			if err != nil {
				return nil, err
			}
			if reference == nil {
				reference = out
			}
			if r.Error, err = difference(out, reference); err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
			if r.Error > tolerance(e.name) {
				return nil, fmt.Errorf("the output of %s differs by %.1e of its largest element", e.name, r.Error)
			}
		}
		ns, err := e.run(1)
		if err != nil {
			return nil, err
		}
		if ns[0] < float64(o.turn)/10 {
			if ns, err = e.run(5); err != nil {
				return nil, err
			}
		}
		reps[i] = min(max(int(float64(o.turn)/slices.Min(ns)), 1), 500)
	}

	order := make([]int, len(engines))
	for i := range order {
		order[i] = i
	}
	for range o.rounds {
		for _, i := range order {
			time.Sleep(20 * time.Millisecond) // threads that spin for work have gone to sleep by then
			n := reps[i]
			if n > 1 {
				n++ // one more, of which the time is dropped: the engine before has evicted the caches
			}
			ns, err := engines[i].run(n)
			if err != nil {
				return nil, err
			}
			results[i].Turns = append(results[i].Turns, ns[n-reps[i]:])
		}
		slices.Reverse(order)
	}
	return results, nil
}

// difference returns max |a - b| over max |b|.
func difference(a, b []float64) (float64, error) {
	if len(a) != len(b) || len(b) == 0 {
		return 0, fmt.Errorf("outputs of %d and %d elements", len(a), len(b))
	}
	var apart, largest float64
	for i := range b {
		if math.IsNaN(a[i]) {
			return 0, errors.New("an output is NaN")
		}
		apart = max(apart, math.Abs(a[i]-b[i]))
		largest = max(largest, math.Abs(b[i]))
	}
	return apart / largest, nil
}

// machine names the class of this machine.
func machine() string {
	return fmt.Sprintf("%s/%s, %s, %d cores", runtime.GOOS, runtime.GOARCH,
		strings.Join(append([]string{cpu.Vendor()}, cpu.Features()...), " "), cpu.Cores())
}
