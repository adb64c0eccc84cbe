package kernels

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
)

// A Set is one row of the table of instruction sets: the routines at the granularity of a row or a tile, filled over those
// of the row below it. What a Set does not replace it inherits; at the bottom is pure Go.
type Set struct {
	name string
	// check is set where the routines are compared with the oracle before the Set is first chosen: instruction sets that
	// emulators and young processors get wrong.
	check bool
	rows
	tiles
	kvTile kvTiles          // of KVBFloat16
	kvRows [2]func(*kvRows) // by KVType; nil: not there
	// kvPanels, by KVType, take the place of kvRows, and of the tiles of one row for a KV that is read once. nil: not there.
	kvPanels [2]*kvPanelTiles
	// narrowTile, by Storage, are the tiles of few rows that read panels of 16 bits and widen them in registers, in
	// the form of kvTiles.
	narrowTile [3]kvTiles
	// streamTile, by Storage, are the tiles of few rows that read several panels far apart.
	streamTile [3]streamTiles
	// prefetch asks for lines of 64 bytes, so many of each of some streams, that lie stride bytes apart. nil: there is no such thing.
	prefetch func(at, stride uintptr, streams, lines int)
	probes
}

// Name returns generic, avx2, avx512 or neon.
func (s *Set) Name() string { return s.name }

// with returns a copy of the Set under another name, for the caller to replace entries.
func (s *Set) with(name string) *Set {
	c := *s
	c.name = name
	return &c
}

// generic is the row of pure Go: the oracle.
var generic = &Set{name: "generic", rows: rowsGo, tiles: tilesGo}

// Sets returns the instruction sets that this machine can run, the best first, generic last.
func Sets() []*Set { return table() }

var table = sync.OnceValue(func() []*Set { return append(machineSets(), generic) })

// names are all Sets there are, on any machine.
var names = []string{"generic", "avx2", "avx512", "neon"}

// Default returns the best Set of this machine, or the one that the environment variable GODWIT_ISA names. It fails if
// that is no name of a Set, or one that this machine (or a build with the tag purego) cannot run; it returns generic
// beside the error. A Set that must pass a self-check and does not is left out, which is logged.
func Default() (*Set, error) { return choose() }

var choose = sync.OnceValues(func() (*Set, error) { return pick(Sets(), os.Getenv("GODWIT_ISA")) })

// pick returns the first of the Sets that is called want (or any, for "") and passes its self-check.
func pick(sets []*Set, want string) (*Set, error) {
	var good []string
	for _, s := range sets {
		if want != "" && want != s.name {
			good = append(good, s.name)
			continue
		}
		if err := s.selfCheck(); err != nil {
			slog.Warn("godwit: instruction set not used", "set", s.name, "reason", err)
			continue
		}
		return s, nil
	}
	if slices.Contains(names, want) {
		return generic, fmt.Errorf("GODWIT_ISA=%s: this machine or build cannot run it; it can run %s", want,
			strings.Join(good, ", "))
	}
	return generic, fmt.Errorf("GODWIT_ISA=%s: no such instruction set; there are %s", want, strings.Join(names, ", "))
}

// selfCheck compares the Set's routines with the oracle, in less than a millisecond.
func (s *Set) selfCheck() error {
	if !s.check {
		return nil
	}
	if err := s.checkRows(); err != nil {
		return err
	}
	if err := s.checkTiles(); err != nil {
		return err
	}
	return s.checkProducts()
}

// checkRows compares the row routines with the oracle, on a row with a partial block.
func (s *Set) checkRows() error {
	const n = 141 // one of the largest blocks, and a part of the smallest
	var x, gamma, got, want [n]float32
	for i := range x {
		x[i] = float32((i*29)%n-n/2) * 0.17
		gamma[i] = float32(i%5) * 0.3
	}
	compare := func(routine string, a, b float32) error {
		if a != b || got != want {
			return fmt.Errorf("%s: %s differs from the pure-Go routine", s.name, routine)
		}
		return nil
	}
	for act := GELU; act <= Sigmoid; act++ {
		s.act[act](got[:], x[:])
		generic.act[act](want[:], x[:])
		if err := compare("an activation", 0, 0); err != nil {
			return err
		}
	}
	a, b := s.expSum(got[:], x[:], 12), generic.expSum(want[:], x[:], 12) // no less than the greatest
	if err := compare("exp", a, b); err != nil {
		return err
	}
	norm := Norm{Gamma: gamma[:], Beta: x[:], Eps: 1e-5}
	s.norm(got[:], x[:], nil, &norm)
	generic.norm(want[:], x[:], nil, &norm)
	if err := compare("layer norm", s.rowMax(x[:]), generic.rowMax(x[:])); err != nil {
		return err
	}
	norm.RMS, norm.OnePlus = true, true
	s.norm(got[:], x[:], nil, &norm)
	generic.norm(want[:], x[:], nil, &norm)
	if err := compare("RMS norm", float32(s.above(x[:], 1)), float32(generic.above(x[:], 1))); err != nil {
		return err
	}
	for _, interleaved := range []bool{false, true} {
		p := RoPE{Cos: x[:n/2], Sin: gamma[:n/2], Dim: n - 1, Interleaved: interleaved}
		s.rotate(got[:], n, n, n, []int32{0}, &p)
		generic.rotate(want[:], n, n, n, []int32{0}, &p)
	}
	if err := compare("RoPE", 0, 0); err != nil {
		return err
	}
	return compare("dot", s.dot(x[:], gamma[:]), generic.dot(x[:], gamma[:]))
}

// checkProducts compares small products and attentions with the oracle: through them, the routines that have no entry of their own
// in the two checks above, such as streams, tiles that widen, grids, and those of a KV.
func (s *Set) checkProducts() error {
	const k, n, heads, d, tokens = 6, 5 * panelWidth, 2, panelWidth, 17
	const width = heads * d
	x, oracle := newExec(s, 1), newExec(generic, 1)
	defer x.Close()
	defer oracle.Close()
	x.weights.free = aligned(3 * k * n) // the least piece of an arena would take longer than all the rest
	number := func(i int) float32 { return float32(i*29%61-30) * 0x1.5554p-4 }
	a, got, want := make([]float32, 3*tokens*width), make([]float32, tokens*n), make([]float32, tokens*n)
	for i := range a {
		a[i] = number(i)
	}
	compare := func(what string, run func(x *Exec, c []float32)) error {
		run(x, got)
		run(oracle, want)
		if !slices.Equal(got, want) {
			return fmt.Errorf("%s: %s differs from that of the pure-Go routines", s.name, what)
		}
		return nil
	}
	for storage := Float32; storage <= Float16; storage++ {
		var w *Weights
		if storage == Float32 {
			w = x.Pack(k, n, func(j int, dst []float32) { copy(dst, a[j*k:]) })
		} else {
			w = x.Pack16(k, n, storage, func(j int, dst []uint16) {
				for l := range dst {
					dst[l] = uint16(0x3c00 + (j*k+l)*37%512) // 0.0078 or 1 and more
				}
			})
		}
		for _, m := range []int{2, 5} {
			if err := compare(fmt.Sprintf("a product of %d rows", m), func(x *Exec, c []float32) {
				x.Gemm(c, n, a, k, m, w, Epilogue{})
			}); err != nil {
				return err
			}
		}
	}
	p := &Attn{Heads: heads, KVHeads: heads, HeadDim: d, Scale: 0.3}
	for _, p.Causal = range []bool{false, true} {
		if err := compare("an attention", func(x *Exec, o []float32) {
			x.Attention(o, width, a, width, a[tokens*width:], a[2*tokens*width:], width, []int32{0, tokens}, p)
		}); err != nil {
			return err
		}
	}
	for typ := KVFloat32; typ <= KVBFloat16; typ++ {
		for p.KVHeads = 1; p.KVHeads <= heads; p.KVHeads *= 2 {
			if err := compare("an attention of one token", func(x *Exec, o []float32) {
				kv := x.NewKV(p.KVHeads, d, typ, 0)
				kv.Append(a, a[tokens*width:], width, tokens)
				x.AttentionKV(o, width, a, width, []int32{0, 1}, []*KV{kv}, p)
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
