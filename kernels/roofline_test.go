package kernels

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	roofline       = flag.Bool("roofline", false, "measure products against the machine (TestRoofline)")
	rooflineRounds = flag.Int("roofline.rounds", 15, "rounds of -roofline")
	rooflineOnly   = flag.String("roofline.only", "", "only rows of the table that contain one of these words (a,b,...)")
)

// A roof is one row of the table of TestRoofline: a product, and what has been measured of it.
type roof struct {
	m, k, n, threads int
	cold             bool // the weights come from memory
	storage          Storage
	act              Activation
	gemm             func()
	buf              []float32 // as large as the weights, to measure the bandwidth
	seconds          float64   // best
	peak, read       float64   // best
	shares           []float64 // of the limit of the same round
}

func (r *roof) String() string {
	where := ""
	if r.cold {
		where = " cold"
	}
	if r.act != Identity {
		where += " act"
	}
	if r.storage != Float32 {
		where += []string{"", " bfloat16", " float16"}[r.storage]
	}
	return fmt.Sprintf("threads=%d m=%d k=%d n=%d%s", r.threads, r.m, r.k, r.n, where)
}

// limit returns the least seconds that the product could take: by the multiply-adds, and by the bytes of the weights.
func (r *roof) limit(peak, read float64) (seconds float64, bound string) {
	compute := 2 * float64(r.m*r.k*r.n) / peak
	memory := r.bytes() / read
	if memory > compute {
		return memory, "read"
	}
	return compute, "fma"
}

// bytes is how large the weights are.
func (r *roof) bytes() float64 {
	if r.storage != Float32 {
		return 2 * float64(r.k*r.n)
	}
	return 4 * float64(r.k*r.n)
}

type probeTask struct{ f func(part, parts int) }

func (t probeTask) Run(part, parts int) { t.f(part, parts) }

// speed returns how many units a second the threads of x do that all call f, the best of some tries.
func speed(x *Exec, tries int, units float64, f func(part, parts int)) float64 {
	best := 0.0
	for range tries {
		start := time.Now()
		x.pool.Run(x.Threads(), probeTask{f})
		best = max(best, units/time.Since(start).Seconds())
	}
	return best
}

// TestRoofline measures products in interleaved rounds and prints the share of what the machine could do: the multiply-adds at
// the measured peak, or the bytes of the weights at the measured bandwidth of where they are, whichever takes longer.
// Both are measured beside each product. The best is the ratio of the best times of all rounds, the median that of the
// ratios in a round.
func TestRoofline(t *testing.T) {
	if !*roofline {
		t.Skip("without -roofline")
	}
	set, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	execs := map[int]*Exec{}
	for threads := 1; threads <= 2; threads++ {
		execs[threads] = New(set, threads)
		defer execs[threads].Close()
	}
	var table []*roof
	rng := rand.New(rand.NewPCG(1, 2))
	weights := map[[3]int]*Weights{}
	buffers := map[int][]float32{}
	add := func(r roof) {
		for threads := 1; threads <= 2; threads++ {
			r := r
			r.threads = threads
			if *rooflineOnly != "" && !slices.ContainsFunc(strings.Split(*rooflineOnly, ","), func(word string) bool {
				return strings.Contains(" "+r.String()+" ", word)
			}) {
				continue
			}
			x, m, k, n := execs[threads], r.m, r.k, r.n
			key := [3]int{k, n, int(r.storage)}
			w := weights[key]
			if w == nil {
				b := make([]float32, k)
				random(rng, b)
				if r.storage == Float32 {
					w = x.Pack(k, n, func(_ int, dst []float32) { copy(dst, b) })
				} else {
					b16 := narrowed(b, r.storage)
					w = x.Pack16(k, n, r.storage, func(_ int, dst []uint16) { copy(dst, b16) })
				}
				weights[key] = w
			}
			size := int(r.bytes()) / 4
			if buffers[size] == nil {
				buffers[size] = Buffer(size)
				for i := range buffers[size] { // untouched pages would all be one
					buffers[size][i] = 1
				}
			}
			a, c, bias := make([]float32, m*k), make([]float32, m*n), make([]float32, n)
			random(rng, a)
			r.gemm = func() { x.Gemm(c, n, a, k, m, w, Epilogue{Bias: bias, Act: r.act}) }
			r.buf = buffers[size]
			table = append(table, &r)
		}
	}
	big := [][2]int{{384, 384}, {384, 1536}, {1536, 384}, {768, 768}, {768, 3072}, {3072, 768}, {1024, 4096}}
	for _, kn := range [][2]int{{384, 1536}, {768, 3072}} {
		for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16} {
			add(roof{m: m, k: kn[0], n: kn[1]})
		}
	}
	for _, m := range []int{128, 512} {
		for _, kn := range big {
			add(roof{m: m, k: kn[0], n: kn[1]})
		}
	}
	add(roof{m: 128, k: 384, n: 1536, act: GELU})
	for _, m := range []int{1, 2, 3, 4} {
		for storage := Float32; storage <= Float16; storage++ {
			add(roof{m: m, k: 4096, n: 6144, storage: storage, cold: true})
		}
	}
	for range *rooflineRounds {
		for _, r := range table {
			x := execs[r.threads]
			fma := func() float64 {
				return speed(x, 6, float64(x.Threads()*50*set.fma(2)/2*10), func(int, int) { set.fma(500) })
			}
			r.gemm()
			peak := fma()
			reps := 0
			start := time.Now()
			for elapsed := time.Duration(0); elapsed < 400*time.Microsecond; elapsed = time.Since(start) {
				r.gemm()
				reps++
			}
			took := time.Since(start).Seconds() / float64(reps)
			peak = max(peak, fma())
			read := 1e18
			if r.m <= 16 {
				tries := max(2, 1<<22/len(r.buf))
				if r.cold {
					tries = 1 // as often as the product
				}
				read = speed(x, tries, float64(4*len(r.buf)), func(part, parts int) {
					const piece = 1 << 18
					p := r.buf[len(r.buf)*part/parts : len(r.buf)*(part+1)/parts]
					for ; len(p) > 0; p = p[min(piece, len(p)):] {
						set.read(p[:min(piece, len(p))])
					}
				})
			}
			if r.seconds == 0 || took < r.seconds {
				r.seconds = took
			}
			r.peak, r.read = max(r.peak, peak), max(r.read, read)
			least, _ := r.limit(peak, read)
			r.shares = append(r.shares, least/took)
		}
	}
	fmt.Printf("%-34s %9s %9s %9s %6s %6s %6s\n", "", "µs", "GFLOP/s", "peak", "GB/s", "best%", "med%")
	for _, r := range table {
		least, bound := r.limit(r.peak, r.read)
		slices.Sort(r.shares)
		fmt.Printf("%-34s %9.1f %9.1f %9.1f %6.1f %6.1f %6.1f %s\n", r, r.seconds*1e6, 2*float64(r.m*r.k*r.n)/r.seconds/1e9, r.peak/1e9,
			min(r.read/1e9, 9999), 100*least/r.seconds, 100*r.shares[len(r.shares)/2], bound)
	}
}
