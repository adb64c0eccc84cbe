package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit/hub"
	"github.com/godwit-ml/godwit/internal/cpu"
	"github.com/godwit-ml/godwit/kernels"
)

func doctorCommand(io *console) *cobra.Command {
	var threads int
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Show what this machine can do",
		Long: `doctor prints the processor, the instruction sets that godwit has for it and which one is in use, the caches
and threads, and measures for about a second what one core can do at most, multiply-adds and reading of
memory, and what the matrix product reaches of that.

GODWIT_ISA=generic, avx2, avx512 or neon makes godwit use that instruction set.`,
		Example: `  godwit doctor
  GODWIT_ISA=avx2 godwit doctor --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkThreads(threads); err != nil {
				return err
			}
			d, err := examine(threads)
			if err != nil {
				return err
			}
			if io.json {
				return io.writeJSON(d)
			}
			d.print(io)
			return nil
		},
	}
	c.Flags().IntVar(&threads, "threads", 0, "threads to measure with, 0 for one for each core")
	return c
}

// diagnosis is what doctor reports.
type diagnosis struct {
	CPU        string    `json:"cpu"`
	Vendor     string    `json:"vendor,omitempty"`
	Features   []string  `json:"features"`
	Sets       []string  `json:"instruction_sets"`
	Active     string    `json:"active"`
	Forced     string    `json:"forced,omitempty"` // GODWIT_ISA
	L1         int       `json:"l1d_bytes"`
	L2         int       `json:"l2_bytes"`
	L3         int       `json:"l3_bytes"`
	Cores      int       `json:"logical_cores"`
	Threads    int       `json:"threads"`
	Peak       float64   `json:"peak_gflops,omitempty"`      // multiply-adds of one core, two operations each; none for generic
	Product    []measure `json:"product_gflops"`             // of the matrix product
	Read       float64   `json:"memory_read_gbps,omitempty"` // by one core
	Cache      string    `json:"hub_cache"`
	Models     []string  `json:"models_inside"`
	MemLimit   int64     `json:"memory_limit_bytes,omitempty"` // GOMEMLIMIT
	GoVersion  string    `json:"go"`
	Platform   string    `json:"platform"`
	GOMAXPROCS int       `json:"gomaxprocs"`
}

// measure is a speed with a number of threads.
type measure struct {
	Threads int     `json:"threads"`
	Value   float64 `json:"value"`
}

func examine(threads int) (*diagnosis, error) {
	set, err := kernels.Default()
	if err != nil {
		return nil, err
	}
	caches := cpu.DataCaches()
	d := &diagnosis{
		CPU: cpu.Brand(), Vendor: cpu.Vendor(), Features: list(cpu.Features()), Active: set.Name(), Forced: os.Getenv("GODWIT_ISA"),
		L1: caches.L1, L2: caches.L2, L3: caches.L3, Cores: cpu.Cores(),
		Cache: hub.CacheDir(), Models: list(hub.Registered()),
		GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, GOMAXPROCS: runtime.GOMAXPROCS(0),
	}
	if limit := debug.SetMemoryLimit(-1); limit < 1<<62 {
		d.MemLimit = limit
	}
	for _, s := range kernels.Sets() {
		d.Sets = append(d.Sets, s.Name())
	}
	all := kernels.New(nil, threads)
	defer all.Close()
	d.Threads = all.Threads()
	counts := []int{1}
	if d.Threads > 1 {
		counts = append(counts, d.Threads)
	}
	for _, n := range counts {
		x := kernels.New(nil, n)
		d.Product = append(d.Product, measure{n, productSpeed(x)})
		x.Close()
	}
	d.Peak = kernels.PeakFMA(set) / 1e9
	buf := kernels.Buffer(min(max(64<<20, 2*d.L3), 256<<20) / 4)
	for i := range buf {
		buf[i] = 1 // pages that were never written may all be one page of zeros
	}
	d.Read = kernels.ReadBandwidth(set, buf) / 1e9
	return d, nil
}

// measureFor is the time that a measurement takes.
const measureFor = 250 * time.Millisecond

// productSpeed returns the speed of a matrix product in GFLOP/s, a fused multiply-add counted as two: the best of many runs.
// K is one block of the definition and everything fits the caches.
func productSpeed(x *kernels.Exec) float64 {
	const m, k, n = 192, 256, 384
	a, c := make([]float32, m*k), make([]float32, m*n)
	w := x.Pack(k, n, func(j int, dst []float32) {
		for i := range dst {
			dst[i] = float32(i%7-3) / 8
		}
	})
	for i := range a {
		a[i] = float32(i%5-2) / 4
	}
	fastest := time.Duration(1 << 62)
	for begun := time.Now(); time.Since(begun) < measureFor; {
		start := time.Now()
		x.Gemm(c, n, a, k, m, w, kernels.Epilogue{})
		fastest = max(min(fastest, time.Since(start)), 1)
	}
	return 2 * m * k * n / float64(fastest.Nanoseconds())
}

func (d *diagnosis) print(io *console) {
	join := func(ms []measure, unit string) string {
		var parts []string
		for _, m := range ms {
			s := "s"
			if m.Threads == 1 {
				s = ""
			}
			parts = append(parts, fmt.Sprintf("%.1f %s with %d thread%s", m.Value, unit, m.Threads, s))
		}
		return strings.Join(parts, ", ")
	}
	name := d.CPU
	if name == "" {
		name = "unknown"
	}
	active := d.Active
	if d.Forced != "" {
		active += " (GODWIT_ISA)"
	}
	caches := fmt.Sprintf("L1 %d KiB, L2 %d KiB", d.L1>>10, d.L2>>10)
	if d.L3 > 0 {
		caches += fmt.Sprintf(", L3 %.1f MiB", float64(d.L3)/(1<<20))
	}
	features := strings.Join(d.Features, " ")
	if features == "" {
		features = "none that godwit uses"
	}
	models := strings.Join(d.Models, ", ")
	if models == "" {
		models = "none"
	}
	fma, memory := "not measured in pure Go", "not measured in pure Go"
	if d.Peak > 0 {
		memory = fmt.Sprintf("%.1f GB/s read by one core", d.Read)
		fma = fmt.Sprintf("%.1f GFLOP/s of one core", d.Peak)
	}
	io.table("ll", [][]string{
		{"processor", name},
		{"features", features},
		{"instruction sets", strings.Join(d.Sets, " ")},
		{"in use", active},
		{"caches", caches},
		{"threads", fmt.Sprintf("%d of %d logical cores", d.Threads, d.Cores)},
		{"multiply-add peak", fma},
		{"matrix product", join(d.Product, "GFLOP/s")},
		{"memory", memory},
		{"models inside", models},
		{"model cache", d.Cache},
		{"platform", d.Platform + ", " + d.GoVersion},
	})
}
