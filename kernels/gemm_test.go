package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// gemmOracle is the definition of Gemm, element by element. up is nil, or the second matrix of a gated product.
func gemmOracle(c []float32, ldc int, a []float32, lda, m, k, n int, b, up func(i, j int) float32, e Epilogue) {
	column := make([]float32, k)
	// products sets dst to the products of all rows with column j.
	products := func(dst []float32, b func(i, j int) float32, j int) {
		for l := range column {
			column[l] = b(l, j)
		}
		for i := range dst {
			row := a[i*lda:][:k]
			dst[i] = chain(row[:min(k, 256)], column)
			for k0 := 256; k0 < k; k0 += 256 {
				dst[i] += chain(row[k0:min(k, k0+256)], column[k0:])
			}
		}
	}
	totals, ups := make([]float32, m), make([]float32, m)
	for j := range n {
		products(totals, b, j)
		if up != nil {
			products(ups, up, j)
		}
		for i, total := range totals {
			if e.Bias != nil {
				total += e.Bias[j]
			}
			if e.Act != Identity {
				one := []float32{total}
				generic.act[e.Act](one, one)
				total = one[0]
			}
			if up != nil {
				x := ups[i]
				if e.UpBias != nil {
					x += e.UpBias[j]
				}
				total *= x
			}
			if e.Scale != 0 {
				total *= e.Scale
			}
			if e.Residual != nil {
				total += e.Residual[i*e.ResidualStride+j]
			}
			c[i*ldc+j] = total
		}
	}
}

// chain returns the chain of fused multiply-adds of a with as much of b, from +0. The race detector has nothing to look for in a
// definition, and would make it slow.
//
//go:norace
func chain(a, b []float32) (x float32) {
	for l, v := range a {
		x = fma(v, b[l], x)
	}
	return x
}

// guard is what surrounds the buffers that tests hand out: a NaN that no routine makes.
var guard = math.Float32frombits(0x7fc0dead)

// guarded returns n elements that begin off elements beyond a 64-byte boundary, in a field of guards, and a function that
// reports a guard that has been overwritten.
func guarded(n, off int) (s []float32, check func() error) {
	const margin = 64
	all := aligned(margin + off + n + margin)
	for i := range all {
		all[i] = guard
	}
	s = all[margin+off:][:n:n]
	return s, func() error {
		for i, v := range all {
			if (i < margin+off || i >= margin+off+n) && math.Float32bits(v) != math.Float32bits(guard) {
				return fmt.Errorf("element %d of %d was overwritten with %v", i-margin-off, n, v)
			}
		}
		return nil
	}
}

func random(r *rand.Rand, s []float32) {
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
}

// execs returns an Exec for every Set of this machine and 1, 2 and 5 threads.
func execs(t testing.TB) []*Exec {
	var xs []*Exec
	for _, s := range Sets() {
		for _, threads := range []int{1, 2, 5} {
			x := New(s, threads)
			t.Cleanup(x.Close)
			xs = append(xs, x)
		}
	}
	return xs
}

// someOf returns those of execs that take case i: of every Set some numbers of threads, others each time. With -short, as
// emulators and the race detector run the tests, it is one of each Set, and pure Go, of which the definitions are made, in every
// fourth case.
func someOf(xs []*Exec, i int) []*Exec {
	if !testing.Short() {
		return xs[i%3 : len(xs)-2+i%3]
	}
	var some []*Exec
	for j := i % 3; j < len(xs); j += 3 {
		if xs[j].Set() != generic || i%4 == 0 || len(xs) == 3 {
			some = append(some, xs[j])
		}
	}
	return some
}

// allOf returns all of execs, or with -short some.
func allOf(xs []*Exec, i int) []*Exec {
	if testing.Short() {
		return someOf(xs, i)
	}
	return xs
}

type gemmCase struct {
	m, k, n int
	bias    bool
	act     Activation
	res     int // 0 none, 1 apart, 2 the output
	pad     int // added to the strides, and to the alignment
	storage Storage
	gated   bool
	scale   float32
	fill    func(r *rand.Rand, s []float32)
}

func (g gemmCase) String() string {
	return fmt.Sprintf("m=%d k=%d n=%d storage=%d gated=%v bias=%v act=%d scale=%v residual=%d pad=%d", g.m, g.k, g.n, g.storage,
		g.gated, g.bias, g.act, g.scale, g.res, g.pad)
}

// narrowed returns numbers of 16 bits that are near s, and sets s to them. Float16 makes what is too small 0, and what is too
// large infinite.
func narrowed(s []float32, storage Storage) []uint16 {
	to := make([]uint16, len(s))
	for i, v := range s {
		u := math.Float32bits(v)
		to[i] = uint16(u >> 16)
		if storage == Float16 {
			switch e := int(u>>23&0xff) - 112; {
			case v != v:
				to[i] = 0x7e00
			case e >= 31:
				to[i] = 0x7c00
			case e > 0:
				to[i] = uint16(e)<<10 | uint16(u>>13&0x3ff)
			case e > -11:
				to[i] = uint16((u&0x7fffff | 0x800000) >> 13 >> (1 - e)) // subnormal
			default:
				to[i] = 0
			}
			to[i] |= uint16(u >> 31 << 15)
		}
		s[i] = storage.widen(to[i])
	}
	return to
}

// packed returns the weights of columns of k numbers, which are those of b16 if the storage has 16 bits.
func packed(x *Exec, k, n int, storage Storage, gated bool, b []float32, b16 []uint16) *Weights {
	gate, up := columns(b, k, 0), columns(b, k, n)
	gate16, up16 := columns(b16, k, 0), columns(b16, k, n)
	switch {
	case storage == Float32 && gated:
		return x.PackGated(k, n, gate, up)
	case storage == Float32:
		return x.Pack(k, n, gate)
	case gated:
		return x.PackGated16(k, n, storage, gate16, up16)
	}
	return x.Pack16(k, n, storage, gate16)
}

// columns returns the columns of b, of k numbers each, from number first on.
func columns[T any](b []T, k, first int) func(j int, dst []T) {
	return func(j int, dst []T) { copy(dst, b[(first+j)*k:][:k]) }
}

// run compares Gemm on all of xs with the oracle.
func (g gemmCase) run(t testing.TB, xs []*Exec) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(g.m*1000003+g.k*1009+g.n), 1))
	fill := g.fill
	if fill == nil {
		fill = random
	}
	lda, ldc, ldr := g.k+g.pad, g.n+g.pad, g.n+2*g.pad
	size := func(rows, ld, cols int) int { return max(0, (rows-1)*ld+cols) }
	a, checkA := guarded(size(g.m, lda, g.k), g.pad%16)
	b, bias := make([]float32, g.k*g.n), make([]float32, g.n)
	res := make([]float32, size(g.m, ldr, g.n))
	for _, s := range [][]float32{b, bias, res} {
		fill(r, s)
	}
	var upBias []float32
	if g.gated {
		second := make([]float32, g.k*g.n)
		upBias = make([]float32, g.n)
		fill(r, second)
		fill(r, upBias)
		b = append(b, second...)
	}
	var b16 []uint16
	if g.storage != Float32 {
		b16 = narrowed(b, g.storage)
	}
	for i := range g.m { // between the rows stay guards: NaN, if they were read
		fill(r, a[i*lda:][:g.k])
	}
	if g.res == 2 {
		ldr = ldc
		res = make([]float32, size(g.m, ldr, g.n))
		fill(r, res)
	}
	e := Epilogue{Act: g.act, Scale: g.scale}
	if g.bias {
		e.Bias = bias
	}
	if (g.m+g.n)%3 > 0 {
		e.UpBias = upBias
	}
	if g.res > 0 {
		e.Residual, e.ResidualStride = res, ldr
	}
	want := make([]float32, size(g.m, ldc, g.n))
	var up func(i, j int) float32
	if g.gated {
		up = func(i, j int) float32 { return b[(g.n+j)*g.k+i] }
	}
	gemmOracle(want, ldc, a, lda, g.m, g.k, g.n, func(i, j int) float32 { return b[j*g.k+i] }, up, e)
	w := packed(xs[(g.m+g.k+g.n)%len(xs)], g.k, g.n, g.storage, g.gated, b, b16)
	for _, x := range xs {
		got, check := guarded(len(want), (g.pad+3)%16)
		if g.res == 2 {
			for i := range g.m {
				copy(got[i*ldc:][:g.n], res[i*ldr:])
			}
			e.Residual = got
		}
		x.Gemm(got, ldc, a, lda, g.m, w, e)
		if err := check(); err != nil {
			t.Fatalf("%s, %d threads: %v: c: %v", x.Set().Name(), x.Threads(), g, err)
		}
		for i := range want {
			ref := want[i]
			if i%ldc >= g.n {
				ref = guard
			}
			if !same(got[i], ref) {
				t.Fatalf("%s, %d threads: %v: c[%d][%d] = %v (%#x), want %v (%#x)", x.Set().Name(), x.Threads(), g,
					i/ldc, i%ldc, got[i], math.Float32bits(got[i]), ref, math.Float32bits(ref))
			}
		}
	}
	if err := checkA(); err != nil {
		t.Fatalf("%v: a: %v", g, err)
	}
}

// TestGemm sweeps each dimension over 0..99 while the others stand at the borders of tiles, panels and blocks.
func TestGemm(t *testing.T) {
	xs := execs(t)
	i := 0
	try := func(m, k, n int) {
		g := gemmCase{m: m, k: k, n: n, bias: i%2 == 0, res: i % 3, pad: []int{0, 1, 16, 7}[i%4]}
		if i%5 == 0 {
			g.act = Activation(1 + i/5%int(Sigmoid))
		}
		some := someOf(xs, i)
		g.run(t, some)
		if n > 0 && i%7 < 5 {
			g.storage, g.gated = Storage(i%3), i%4 < 2
			if i%5 < 2 {
				g.scale = 0.3
			}
			if !testing.Short() || i%2 == 0 {
				g.run(t, some)
			}
		}
		i++
	}
	for v := range 100 {
		for _, o := range [][2]int{{1, 1}, {33, 17}, {257, 16}, {3, 129}} {
			try(v, o[0], o[1])
		}
		for _, o := range [][2]int{{1, 31}, {6, 16}, {13, 33}, {2, 257}} {
			try(o[0], v, o[1])
		}
		for _, o := range [][2]int{{1, 255}, {5, 9}, {15, 3}, {29, 2}} {
			try(o[0], o[1], v)
		}
	}
	for _, o := range [][3]int{{1, 513, 300}, {2, 511, 161}, {131, 259, 35}, {300, 40, 70}, {7, 1025, 97}, {12, 256, 96}} {
		try(o[0], o[1], o[2])
	}
	for _, n := range []int{255, 256, 600, 663} { // activations wait for several panels
		for res := range 3 {
			gemmCase{m: 9, k: 21, n: n, bias: true, act: GELU, res: res}.run(t, allOf(xs, n+res))
		}
	}
	// Every height of the tiles of few rows, and one more, over blocks of k.
	for i, n := range []int{1, 16, 33, 64, 96, 129, 160, 300} {
		for m := 1; m <= 7; m++ {
			for storage := Float32; storage <= Float16; storage++ {
				for j, k := range []int{0, 30, 257, 517} {
					if testing.Short() && (i+m+j)%2 > 0 {
						continue
					}
					gemmCase{m: m, k: k, n: n, storage: storage, bias: m%2 == 0, gated: (m+i)%2 == 0,
						res: m % 3}.run(t, allOf(xs, m+i+k))
				}
			}
		}
	}
	for scaled := range 16 { // every way through the epilogue
		for _, m := range []int{1, 6, 40} {
			gemmCase{m: m, k: 65, n: 85, scale: -1.7, bias: scaled&1 > 0, act: Activation(scaled >> 1 & 1 * int(SiLU)),
				res: scaled >> 2 % 3, gated: scaled&8 > 0}.run(t, allOf(xs, scaled+m))
		}
	}
	for m := 1; m <= 4; m++ { // fewer panels than threads, in place: each is computed once
		for _, n := range []int{16, 48, 64} {
			gemmCase{m: m, k: 5000, n: n, res: 2, gated: n == 48}.run(t, xs)
		}
	}
	gemmCase{m: 21, k: 1024, n: 96, bias: true}.run(t, xs)  // rows that are copied
	gemmCase{m: 101, k: 512, n: 519, bias: true}.run(t, xs) // the same, for two groups of panels
	gemmCase{m: 40, k: 270, n: 270, gated: true, storage: BFloat16, act: SiLU, res: 2}.run(t, xs)
	gemmCase{m: 1, k: 3, n: 2200, bias: true}.run(t, xs[:3]) // more than a call of assembly
}

// TestGemmManyThreads has more threads than rows, panels, or both, and numbers of threads that divide none of them.
func TestGemmManyThreads(t *testing.T) {
	var xs []*Exec
	for _, threads := range []int{3, 7, 17, 64, 192} {
		x := New(Sets()[0], threads)
		defer x.Close()
		xs = append(xs, x)
	}
	for i, m := range []int{1, 2, 3, 7, 65} {
		for _, n := range []int{16, 33, 100, 272} {
			k := soloWork/(m*padded(n)) + 1 // enough for more than one thread
			gemmCase{m: m, k: k, n: n, bias: true, res: 2, storage: Storage(i % 3), gated: n%3 == 0, act: Activation(i)}.run(t, xs)
		}
	}
}

// TestGemmPieces has threads with several chunks and groups of panels each, take what others have not begun, and rows that are
// copied for all groups, in place: the bits are those of each row by itself.
func TestGemmPieces(t *testing.T) {
	const m, k, n = 290, 300, 530
	set := Sets()[0]
	if testing.Short() && set == generic {
		t.Skip("takes seconds in pure Go")
	}
	r := rand.New(rand.NewPCG(3, 5))
	a, b, c, bias := values(r, m*k, 0), values(r, 2*k*n, 0), values(r, m*n, 0), values(r, n, 0)
	one := New(set, 1)
	defer one.Close()
	for i := range 6 {
		if testing.Short() && i != 4 {
			continue
		}
		storage, gated := Storage(i%3), i > 2
		w := packed(one, k, n, storage, gated, b, narrowed(b, storage))
		e := Epilogue{Bias: bias, Act: Activation(i % 2 * int(SiLU)), ResidualStride: n}
		want := slices.Clone(c)
		for j := range m {
			row := want[j*n:][:n]
			e.Residual = row
			one.Gemm(row, n, a[j*k:], k, 1, w, e)
		}
		for _, threads := range []int{1, 2, 3, 5} {
			if testing.Short() && threads%2 > 0 {
				continue
			}
			x := New(set, threads)
			defer x.Close()
			for range threads {
				got := slices.Clone(c)
				e.Residual = got
				x.Gemm(got, n, a, k, m, w, e)
				equal(t, fmt.Sprintf("storage %d, gated %v, %d threads", storage, gated, threads), got, want)
			}
		}
	}
}

// TestGemmSpecial draws denormals, infinities and NaN.
func TestGemmSpecial(t *testing.T) {
	xs := execs(t)
	odd := []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, 0x1p-126, 0x1p-140, 0x1p-64, -0x1p-63,
		math.MaxFloat32, 0x1p100, -0x1p100, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	for few := range 8 {
		for _, m := range []int{1, 3, 6, 14} {
			g := gemmCase{m: m, k: 1 + 37*few, n: 33, bias: true, res: 1, act: Activation(few), storage: Storage(few % 3)}
			g.fill = func(r *rand.Rand, s []float32) {
				random(r, s)
				for range (len(s) >> few) / 8 {
					s[r.IntN(len(s))] = odd[r.IntN(len(odd))]
				}
			}
			g.run(t, xs)
		}
	}
}

// TestStride asks for distances that do not compete, and are not far.
func TestStride(t *testing.T) {
	for k := range 5000 {
		if d := Stride(k); d < k || d > k+143 || compete(d) || k%16 == 0 && d%16 != 0 {
			t.Errorf("Stride(%d) is %d", k, d)
		}
	}
}

func TestGemmAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 2} {
		x := New(nil, threads)
		defer x.Close()
		const k, n = 384, 100
		w := x.Pack(k, n, func(j int, dst []float32) { dst[0] = float32(j) })
		a, c := make([]float32, 20*k), make([]float32, 20*n)
		e := Epilogue{Bias: c[:n], Act: GELU, Residual: c, ResidualStride: n}
		if allocs := testing.AllocsPerRun(10, func() { x.Gemm(c, n, a, k, 20, w, e) }); allocs != 0 {
			t.Errorf("%d threads: %v allocations a call, want 0", threads, allocs)
		}
		b := make([]float32, 2*k*n)
		b16 := narrowed(b, Float16)
		e.Scale = 2
		for storage := Float32; storage <= Float16; storage++ {
			for _, m := range []int{1, 20} {
				for _, gated := range []bool{false, true} {
					w := packed(x, k, n, storage, gated, b, b16)
					if allocs := testing.AllocsPerRun(10, func() { x.Gemm(c, n, a, k, m, w, e) }); allocs != 0 {
						t.Errorf("%d threads, storage %d, gated %v, %d rows: %v allocations a call, want 0", threads, storage, gated, m, allocs)
					}
				}
			}
		}
		const many, lda, wide = 100, 1024, 600 // pieces of rows, which are copied for groups of panels
		w = x.Pack(32, wide, func(j int, dst []float32) { dst[0] = float32(j) })
		a, c = make([]float32, many*lda), make([]float32, many*wide)
		product := func() { x.Gemm(c, wide, a, lda, many, w, Epilogue{}) }
		for range x.free.Most { // threads may each have taken any of the memory by then
			product()
		}
		if allocs := testing.AllocsPerRun(10, product); allocs != 0 {
			t.Errorf("%d threads, %d rows: %v allocations a call, want 0", threads, many, allocs)
		}
	}
}

// TestWeightsColumn reads back what was packed.
func TestWeightsColumn(t *testing.T) {
	x := New(nil, 2)
	defer x.Close()
	const k, n = 300, 37
	b := values(rand.New(rand.NewPCG(3, 4)), 2*k*n, 2)
	for storage := Float32; storage <= Float16; storage++ {
		b16 := []uint16(nil)
		if storage != Float32 {
			b16 = narrowed(b, storage)
		}
		for _, gated := range []bool{false, true} {
			w := packed(x, k, n, storage, gated, b, b16)
			got := make([]float32, k)
			for j := range n {
				w.Column(j, got)
				equal(t, fmt.Sprintf("storage %d, column %d", storage, j), got, b[j*k:][:k])
				if gated {
					w.Column(n+j, got)
					equal(t, fmt.Sprintf("storage %d, column %d of up", storage, j), got, b[(n+j)*k:][:k])
				}
			}
		}
	}
}

func TestGemmWrongShape(t *testing.T) {
	x := New(nil, 1)
	defer x.Close()
	w := x.Pack(8, 4, func(j int, dst []float32) { clear(dst) })
	defer func() {
		want := "kernels: Gemm: m=2 k=8 n=4, but a has 15 elements (stride 8) and c 8 (stride 4)"
		if v := recover(); v != want {
			t.Errorf("panic %v, want %q", v, want)
		}
	}()
	x.Gemm(make([]float32, 8), 4, make([]float32, 15), 8, 2, w, Epilogue{})
}

// FuzzGemm draws shapes and, from raw bits, values.
func FuzzGemm(f *testing.F) {
	xs := execs(f)
	f.Add(uint8(3), uint16(300), uint8(40), uint8(7), uint64(1))
	f.Fuzz(func(t *testing.T, m uint8, k uint16, n, how uint8, seed uint64) {
		g := gemmCase{m: int(m % 32), k: int(k % 600), n: int(n % 80), bias: how&1 != 0, res: int(how>>1) % 3,
			pad: int(how>>3) % 4, act: Activation(how >> 5), storage: Storage(seed % 3), gated: seed>>2&1 != 0}
		if seed>>3&1 != 0 {
			g.scale = 0.3
		}
		g.fill = func(r *rand.Rand, s []float32) {
			bits := rand.New(rand.NewPCG(seed, uint64(len(s))))
			for i := range s {
				switch u := bits.Uint64(); u >> 60 {
				case 0:
					s[i] = math.Float32frombits(uint32(u))
				default:
					s[i] = float32(int32(u)) * 0x1p-31
				}
			}
		}
		g.run(t, xs)
	})
}

// TestNarrowRows compares products of weights of 16 bits whose panels are widened once for all rows, or by each tile, whatever the
// processor at hand has chosen.
func TestNarrowRows(t *testing.T) {
	for _, s := range otherSets() {
		if s.narrow[BFloat16] == nil {
			continue
		}
		for _, most := range []int{0, 5, math.MaxInt} {
			c := s.with(s.name)
			c.narrowRows = most
			c.narrowTile = [3]kvTiles{} // of AVX2, which needs F16C for some: nothing of AVX-512 may
			x := New(c, 2)
			for i, m := range []int{2, 4, 5, 6, 13, 33, 131} {
				for storage := BFloat16; storage <= Float16; storage++ {
					gemmCase{m: m, k: 40 + 217*(i%2), n: 80 + i%2*3, storage: storage, gated: i%3 == 1, bias: true, res: i % 3, act: SiLU}.run(t, []*Exec{x})
				}
			}
			x.Close()
		}
	}
}

// TestProductsCheck proves that the check of products finds a routine of few rows, of a grid or of a KV that is wrong by one bit.
func TestProductsCheck(t *testing.T) {
	wrong := func(c *float32) { *c = math.Nextafter32(*c, 100) }
	tile := func(f func(*tile)) func(*tile) {
		return func(t *tile) { c := t.c; f(t); wrong(c) }
	}
	for _, s := range Sets() {
		if err := s.checkProducts(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		bad := map[string]*Set{}
		change := func(what string) *Set {
			bad[what] = s.with(s.name)
			return bad[what]
		}
		for storage := range s.streamTile {
			if of := s.streamTile[storage].of(2); of != nil {
				run := of[0].run
				change(fmt.Sprint("streams ", storage)).streamTile[storage][2] = []streamTile{{of[0].streams, tile(run)}}
			}
			if table := s.narrow[storage]; table != nil {
				c, w := *table, 0
				for w < 3 && c.tile[5][w+1] != nil {
					w++
				}
				c.tile[5][w] = tile(c.tile[5][w])
				change(fmt.Sprint("narrow ", storage)).narrow[storage] = &c
			}
		}
		if s.grid != nil {
			change("grid").grid = func(g *grid) bool {
				c := g.c
				ok := s.grid(g)
				if ok {
					wrong(c)
				}
				return ok
			}
		}
		for typ, panels := range s.kvPanels {
			if panels != nil {
				c := *panels
				f := c.one[2]
				c.one[2], c.four[2] = func(q *kvPanels) { at := q.c; f(q); wrong(at) }, nil
				change(fmt.Sprint("kvPanels ", typ)).kvPanels[typ] = &c
			}
		}
		for what, b := range bad {
			if err := b.checkProducts(); err == nil {
				t.Errorf("%s: wrong %s was not found", s.name, what)
			}
		}
	}
}

// TestTileCheck proves that the check of tiles finds a routine that is wrong by one bit.
func TestTileCheck(t *testing.T) {
	for _, s := range Sets() {
		bad := s.tiles
		if err := bad.checkTiles(); err != nil {
			t.Errorf("%s: %v", s.Name(), err)
		}
		for w, f := range bad.tile[3] {
			if f != nil {
				bad.tile[3][w] = func(t *tile) {
					f(t)
					*t.c = math.Nextafter32(*t.c, 100)
				}
			}
		}
		if err := bad.checkTiles(); err == nil {
			t.Errorf("%s: a wrong tile was not found", s.Name())
		}
	}
}
