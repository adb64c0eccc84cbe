package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/godwit-ml/godwit/internal/cpu"
)

// A row is the result of one engine in one cell.
type row struct {
	Peer      string  `json:"peer"`
	Batch     int     `json:"batch"`
	Seq       int     `json:"seq"`
	Threads   int     `json:"threads"`
	Reps      int     `json:"reps"`
	Min       float64 `json:"min_ns"`
	Median    float64 `json:"median_ns"`
	GFLOPS    float64 `json:"gflops"`           // matrix products only, by the minimum
	Ratio     float64 `json:"ratio"`            // median over the first engine's
	RatioLow  float64 `json:"ratio_low"`        // 95 % bootstrap interval
	RatioHigh float64 `json:"ratio_high"`       //
	RatioMin  float64 `json:"ratio_of_minima"`  // minimum over the first engine's
	Error     float64 `json:"difference_first"` // max |output - the first engine's|, relative to the largest element
	Machine   string  `json:"machine"`
}

// agreement is how far the outputs of two correct float32 engines may lie apart, relative to the largest element. Six to
// twenty-four layers of sums over some thousand rounded terms give about 1e-6 to 1e-5; a wrong layer gives 1e-1.
const agreement = 1e-4

// compare measures all cells and writes the results.
func (o *options) compare() error {
	flops, err := readFlops(o.model)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(o.out, "results.jsonl"))
	if err != nil {
		return err
	}
	defer log.Close()
	var rows []row
	for _, cell := range o.cells {
		for _, threads := range o.threads {
			got, err := o.cell(cell[0], cell[1], threads, flops)
			if err != nil {
				return fmt.Errorf("batch %d, length %d, %d threads: %w", cell[0], cell[1], threads, err)
			}
			for _, r := range got {
				if err := json.NewEncoder(log).Encode(r); err != nil {
					return err
				}
				fmt.Fprintf(os.Stderr, "%dx%d, %d threads  %-14s min %9.3f ms  median %9.3f ms  ratio %.3f [%.3f, %.3f]  %d repetitions\n",
					r.Batch, r.Seq, r.Threads, r.Peer, r.Min/1e6, r.Median/1e6, r.Ratio, r.RatioLow, r.RatioHigh, r.Reps)
			}
			rows = append(rows, got...)
		}
	}
	t := table(rows, o.peers)
	fmt.Print(t)
	return cmp.Or(
		os.WriteFile(filepath.Join(o.out, "table.md"), []byte(t), 0o644),
		os.WriteFile(filepath.Join(o.out, "plot.svg"), []byte(plot(rows, o.peers)), 0o644),
	)
}

// cell lets all engines take turns at one batch, length and number of threads.
func (o *options) cell(batch, seq, threads int, flops func(batch, seq int) float64) ([]row, error) {
	rows, err := o.measure(agreement, func(peer string) (*exec.Cmd, error) { return o.command(peer, batch, seq, threads) })
	for i := range rows {
		r := &rows[i]
		r.Batch, r.Seq, r.Threads = batch, seq, threads
		r.GFLOPS = flops(batch, seq) / r.Min
	}
	return rows, err
}

// measure starts the engines, compares what they compute, and lets them take turns. The outputs may differ by tolerance.
func (o *options) measure(tolerance float64, command func(peer string) (*exec.Cmd, error)) ([]row, error) {
	var engines []*engine
	defer func() {
		for _, e := range engines {
			e.close()
		}
	}()
	rows := make([]row, len(o.peers))
	reps := make([]int, len(o.peers))
	var reference []float64
	for i, p := range o.peers {
		cmd, err := command(p)
		if err != nil {
			return nil, err
		}
		e, err := start(p, cmd)
		if err != nil {
			return nil, err
		}
		engines = append(engines, e)
		out, err := e.check()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			reference = out
		}
		if rows[i].Error, err = difference(out, reference); err != nil {
			return nil, fmt.Errorf("%s and %s: %w", e.name, o.peers[0], err)
		}
		if rows[i].Error > tolerance {
			return nil, fmt.Errorf("the output of %s differs from that of %s by %.1e of its largest element",
				e.name, o.peers[0], rows[i].Error)
		}
		ns, err := e.run(2)
		if err != nil {
			return nil, err
		}
		reps[i] = 1 + min(max(int(float64(o.turn)/ns[1]), 2), 2000)
	}

	order := make([]int, len(engines))
	for i := range order {
		order[i] = i
	}
	for range o.rounds {
		for _, i := range order {
			time.Sleep(20 * time.Millisecond) // threads that spin for work have gone to sleep by then
			ns, err := engines[i].run(reps[i])
			if err != nil {
				return nil, err
			}
			engines[i].turns = append(engines[i].turns, ns[1:])
		}
		slices.Reverse(order)
	}

	first := flatten(engines[0].turns)
	for i, e := range engines {
		all := flatten(e.turns)
		r := &rows[i]
		r.Peer, r.Reps, r.Machine = e.name, len(all), machine()
		r.Min, r.Median = slices.Min(all), median(all)
		r.Ratio, r.RatioMin = r.Median/median(first), r.Min/slices.Min(first)
		r.RatioLow, r.RatioHigh = interval(e.turns, engines[0].turns)
	}
	return rows, nil
}

// difference returns max |a - b| over max |b|.
func difference(a, b []float64) (float64, error) {
	if len(a) != len(b) || len(b) == 0 {
		return 0, fmt.Errorf("outputs of %d and %d elements", len(a), len(b))
	}
	var apart, largest float64
	for i := range b {
		apart = max(apart, math.Abs(a[i]-b[i]))
		largest = max(largest, math.Abs(b[i]))
	}
	return apart / largest, nil
}

// readFlops returns a function that counts the floating-point operations of the model's matrix products, two for each
// multiplication: the four projections and the two of the MLP for each token, and attention's two for each pair of tokens.
func readFlops(model string) (func(batch, seq int) float64, error) {
	data, err := os.ReadFile(filepath.Join(model, "config.json"))
	if err != nil {
		return nil, err
	}
	var c struct {
		Hidden       int `json:"hidden_size"`
		Layers       int `json:"num_hidden_layers"`
		Intermediate int `json:"intermediate_size"`
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	if c.Hidden == 0 || c.Layers == 0 || c.Intermediate == 0 {
		return nil, errors.New("config.json has no hidden_size, num_hidden_layers or intermediate_size")
	}
	return func(batch, seq int) float64 {
		tokens := float64(batch * seq)
		return float64(c.Layers) * tokens * float64(2*(4*c.Hidden*c.Hidden+2*c.Hidden*c.Intermediate)+4*seq*c.Hidden)
	}, nil
}

// machine names the class of this machine.
func machine() string {
	return fmt.Sprintf("%s/%s, %s, %d cores", runtime.GOOS, runtime.GOARCH,
		strings.Join(append([]string{cpu.Vendor()}, cpu.Features()...), " "), cpu.Cores())
}
