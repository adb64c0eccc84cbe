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
	roofline       = flag.Bool("roofline", false, "measure products and attention against the machine (TestRoofline)")
	rooflineRounds = flag.Int("roofline.rounds", 15, "rounds of -roofline")
	rooflineOnly   = flag.String("roofline.only", "", "only rows of the table that contain one of these words (a,b,...)")
)

// A roof is one row of the table of TestRoofline: a computation, and what has been measured of it.
type roof struct {
	name    string
	flops   float64
	bytes   int  // that it reads, or 0 if they do not matter
	cold    bool // they come from memory
	copies  int  // of what it reads, which are read in turn so that none is in a cache; 0 is one
	ready   func(x *Exec) (run func())
	threads int

	x              *Exec
	run            func()
	buf            []float32 // as large as all copies of what it reads, to measure the bandwidth
	next           int       // the copy of the probe's next turn
	seconds        float64   // best
	peak, read     float64   // best
	shares, speeds []float64 // of the limit of the same round
}

func (r *roof) String() string {
	if r.cold {
		return fmt.Sprintf("threads=%d %s cold", r.threads, r.name)
	}
	return fmt.Sprintf("threads=%d %s", r.threads, r.name)
}

// limit returns the least seconds that it could take: by the multiply-adds, and by the bytes.
func (r *roof) limit(peak, read float64) (seconds float64, bound string) {
	compute, memory := r.flops/peak, float64(r.bytes)/read
	if memory > compute {
		return memory, "read"
	}
	return compute, "fma"
}

// measure measures it and the machine, once.
func (r *roof) measure() {
	x, set := r.x, r.x.set
	fma := func() float64 {
		return speed(x, 6, float64(x.Threads()*50*set.fma(2)/2*10), func(int, int) { set.fma(500) })
	}
	r.run()
	peak := fma()
	reps := 0
	start := time.Now()
	for elapsed := time.Duration(0); elapsed < 400*time.Microsecond; elapsed = time.Since(start) {
		r.run()
		reps++
	}
	took := time.Since(start).Seconds() / float64(reps)
	peak = max(peak, fma())
	read := 1e18
	if r.bytes > 0 {
		n := len(r.buf) / r.copies
		tries := max(2, 1<<22/n)
		if r.cold {
			tries = 1 // as often as what is measured
		}
		buf := r.buf[r.next*n:][:n]
		r.next = (r.next + 1) % r.copies
		read = speed(x, tries, float64(4*n), func(part, parts int) {
			const piece = 1 << 18
			p := buf[n*part/parts : n*(part+1)/parts]
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
	r.shares, r.speeds = append(r.shares, least/took), append(r.speeds, took)
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

// roofs returns what is measured.
func roofs() (all []*roof) {
	for _, kn := range [][2]int{{384, 1536}, {768, 3072}} {
		for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16} {
			all = append(all, productRoof(m, kn[0], kn[1], Float32, Identity))
		}
	}
	for _, m := range []int{128, 512} {
		for _, kn := range [][2]int{{384, 384}, {384, 1536}, {1536, 384}, {768, 768}, {768, 3072}, {3072, 768}, {1024, 4096}} {
			all = append(all, productRoof(m, kn[0], kn[1], Float32, Identity))
		}
	}
	for _, m := range []int{64, 112} { // some tiles of 6 rows, and two of 5
		all = append(all, productRoof(m, 768, 3072, Float32, Identity))
	}
	all = append(all, productRoof(128, 384, 1536, Float32, GELU))
	for _, m := range []int{1, 2, 3, 4} {
		for storage := Float32; storage <= Float16; storage++ {
			all = append(all, productRoof(m, 4096, 6144, storage, Identity))
		}
	}
	for _, d := range []int{32, 64} {
		for _, n := range []int{128, 512, 2048} {
			all = append(all, attentionRoof(n, d))
		}
	}
	for typ := KVFloat32; typ <= KVBFloat16; typ++ {
		for _, s := range [][3]int{{9, 3, 64}, {12, 12, 64}, {32, 8, 128}, {32, 4, 64}} {
			for _, n := range []int{512, 2048, 8192, 32768} {
				all = append(all, decodeRoof(s[0], s[1], s[2], n, 1, typ))
			}
		}
	}
	// A token of a model whose layers together are more than a cache holds.
	for typ := KVFloat32; typ <= KVBFloat16; typ++ {
		for _, n := range []int{512, 2048, 8192} {
			all = append(all, decodeRoof(9, 3, 64, n, 30, typ), decodeRoof(12, 12, 64, n, 12, typ))
		}
	}
	return all
}

// cacheBytes is what a third-level cache may hold. What is read from memory is coldBytes or more in turn, since a cache that keeps lines
// at random holds some of what is a few times its size.
const cacheBytes, coldBytes = 32 << 20, 256 << 20

func productRoof(m, k, n int, storage Storage, act Activation) *roof {
	r := &roof{name: fmt.Sprintf("m=%d k=%d n=%d", m, k, n), flops: 2 * float64(m*k*n), bytes: 4 * k * n}
	if act != Identity {
		r.name += " act"
	}
	if storage != Float32 {
		r.name, r.bytes = r.name+[]string{"", " bfloat16", " float16"}[storage], 2*k*n
	}
	r.cold, r.copies = r.bytes > cacheBytes, 1
	if r.cold {
		r.copies = (coldBytes + r.bytes - 1) / r.bytes
	}
	if m > 16 {
		r.bytes = 0
	}
	r.ready = func(x *Exec) func() {
		rng := rand.New(rand.NewPCG(1, 2))
		a, c, bias := make([]float32, m*k), make([]float32, m*n), make([]float32, n)
		random(rng, a)
		w, next := roofWeights(x, k, n, storage, r.copies), 0
		return func() {
			x.Gemm(c, n, a, k, m, w[next], Epilogue{Bias: bias, Act: act})
			next = (next + 1) % len(w)
		}
	}
	return r
}

// roofWeights returns some weights of a shape, for which there is memory once.
func roofWeights(x *Exec, k, n int, storage Storage, copies int) []*Weights {
	shape := [3]int{k, n, int(storage)}
	for len(packedRoofs[shape]) < copies {
		column := make([]float32, k)
		random(rand.New(rand.NewPCG(1, 3)), column)
		var w *Weights
		if storage == Float32 {
			w = x.Pack(k, n, func(_ int, dst []float32) { copy(dst, column) })
		} else {
			narrow := narrowed(column, storage)
			w = x.Pack16(k, n, storage, func(_ int, dst []uint16) { copy(dst, narrow) })
		}
		packedRoofs[shape] = append(packedRoofs[shape], w)
	}
	return packedRoofs[shape][:copies]
}

var packedRoofs = map[[3]int][]*Weights{}

func attentionRoof(n, d int) *roof {
	p := &Attn{Heads: 12, KVHeads: 12, HeadDim: d, Scale: 0.125}
	h := p.Heads * d
	return &roof{name: fmt.Sprintf("attention s=%d d=%d", n, d), flops: 4 * float64(n*n*h), ready: func(x *Exec) func() {
		qkv, out, starts := make([]float32, n*3*h), make([]float32, n*h), []int32{0, int32(n)}
		random(rand.New(rand.NewPCG(1, 2)), qkv)
		return func() { x.Attention(out, h, qkv, 3*h, qkv[h:], qkv[2*h:], 3*h, starts, p) }
	}}
}

// decodeRoof is a token's attention in each of some layers.
func decodeRoof(heads, kvHeads, d, n, layers int, typ KVType) *roof {
	r := &roof{name: fmt.Sprintf("decode heads=%d,%d d=%d keys=%d %s", heads, kvHeads, d, n, []string{"float32", "bfloat16"}[typ]),
		flops: 4 * float64(heads*d*n*layers), bytes: KVBytes(kvHeads, d, typ, 0, n, 1) * layers}
	if layers > 1 {
		r.name += fmt.Sprintf(" layers=%d", layers)
	}
	r.cold = r.bytes > cacheBytes
	r.ready = func(x *Exec) func() {
		p := &Attn{Heads: heads, KVHeads: kvHeads, HeadDim: d, Scale: 0.125, Causal: true}
		kvs, width := make([]*KV, layers), kvHeads*d
		for i := range kvs {
			kvs[i] = x.NewKV(kvHeads, d, typ, 0)
		}
		ReserveKVs(kvs, n, n)
		rows := make([]float32, 512*width)
		random(rand.New(rand.NewPCG(1, 2)), rows)
		for i := 0; i < n; i += 512 {
			for _, kv := range kvs {
				kv.Append(rows, rows, width, 512)
			}
		}
		q, out := make([]float32, heads*d), make([]float32, heads*d)
		starts := []int32{0, 1}
		return func() {
			for i := range kvs {
				x.AttentionKV(out, len(q), q, len(q), starts, kvs[i:][:1], p)
			}
		}
	}
	return r
}

// TestRoofline measures in interleaved rounds and prints the share of what the machine could do: the multiply-adds at the measured
// peak, or the bytes at the measured bandwidth of where they are, whichever takes longer. Both are measured beside each row. The
// best is the ratio of the best times of all rounds, the median that of the ratios in a round.
func TestRoofline(t *testing.T) {
	if !*roofline {
		t.Skip("without -roofline")
	}
	set, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	var table []*roof
	buffers := map[int][]float32{}
	for threads := 1; threads <= 2; threads++ {
		x := New(set, threads)
		defer x.Close()
		for _, r := range roofs() {
			r.x, r.threads = x, threads
			if *rooflineOnly != "" && !slices.ContainsFunc(strings.Split(*rooflineOnly, ","), func(word string) bool {
				return strings.Contains(" "+r.String()+" ", word)
			}) {
				continue
			}
			r.copies = max(r.copies, 1)
			size := r.copies * r.bytes
			if buffers[size] == nil {
				buffers[size] = Buffer(size / 4)
				for i := range buffers[size] { // untouched pages would all be one
					buffers[size][i] = 1
				}
			}
			r.run, r.buf = r.ready(x), buffers[size]
			table = append(table, r)
		}
	}
	slices.SortStableFunc(table, func(a, b *roof) int { return strings.Compare(a.name, b.name) })
	for range *rooflineRounds {
		for _, r := range table {
			r.measure()
		}
	}
	fmt.Printf("%-56s %9s %9s %9s %9s %6s %6s %6s\n", "", "µs", "median", "GFLOP/s", "peak", "GB/s", "best%", "med%")
	for _, r := range table {
		least, bound := r.limit(r.peak, r.read)
		slices.Sort(r.shares)
		slices.Sort(r.speeds)
		half := len(r.shares) / 2
		fmt.Printf("%-56s %9.1f %9.1f %9.1f %9.1f %6.1f %6.1f %6.1f %s\n", r, r.seconds*1e6, r.speeds[half]*1e6, r.flops/r.seconds/1e9,
			r.peak/1e9, min(r.read/1e9, 9999), 100*least/r.seconds, 100*r.shares[half], bound)
	}
}
