//go:build unix

package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/godwit-ml/godwit/internal/fence"
)

// fenceSizes are lengths of rows: below, at and above blocks of every Set.
func fenceSizes() []int {
	if testing.Short() {
		return []int{1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 47, 63, 64, 65, 100, 129}
	}
	return sizes()[1:103]
}

// TestRowsFenced has every row routine of every Set read and write slices beside pages that must not be touched.
func TestRowsFenced(t *testing.T) {
	f := fence.New(t)
	r := rand.New(rand.NewPCG(5, 6))
	for _, s := range otherSets() {
		for _, n := range fenceSizes() {
			a, b, c := values(r, n, 0), values(r, n, 0), values(r, n, 0)
			for _, test := range rowTests() {
				f.Both(fmt.Sprintf("%s %s, n=%d", s.name, test.name, n), func() {
					test.f(s, fence.Copy(f, c), fence.Copy(f, a), fence.Copy(f, b), fence.Copy(f, c))
				})
			}
			f.Both(fmt.Sprintf("%s dequantize, n=%d", s.name, n), func() {
				s.dequantize(fence.Copy(f, a), fence.Copy(f, make([]int8, n)), 3)
			})
			f.Both(fmt.Sprintf("%s widen, n=%d", s.name, n), func() {
				s.widenBFloat16(fence.Copy(f, a), fence.Copy(f, make([]uint16, n)))
				s.widenFloat16(fence.Copy(f, a), fence.Copy(f, make([]uint16, n)))
			})
			for _, rows := range []int{1, 3, 4, 5, 9} {
				x := values(r, rows*n, 0)
				what := fmt.Sprintf("%s, %d rows of %d: ", s.name, rows, n)
				f.Both(what+"maxima and exponentials", func() {
					max, y := fence.Copy(f, x[:rows]), fence.Copy(f, x)
					s.rowMaxes(max, y, n, n, 0)
					s.expSums(fence.Copy(f, x[:rows]), max, y, n, n, 0)
				})
				f.Both(what+"scaled", func() { s.scaleRows(fence.Copy(f, x), fence.Copy(f, x[:rows]), n) })
				f.Both(what+"weights", func() {
					s.weigh(fence.Copy(f, x[:rows]), fence.Copy(f, x[:rows]), fence.Copy(f, x), n, n, 0)
				})
				for i := range 4 {
					f.Both(what+"norm", func() {
						p := Norm{Gamma: fence.Copy(f, a), RMS: i > 1, OnePlus: i == 3}
						if i%2 == 0 {
							p.Beta = fence.Copy(f, b)
						}
						s.norm(fence.Copy(f, x), fence.Copy(f, x), nil, &p)
						s.norm(fence.Copy(f, x), fence.Copy(f, x), fence.Copy(f, x), &p)
					})
				}
				for _, half := range []int{n / 2, n / 3} {
					if half > 0 {
						f.Both(what+"rotate", func() {
							p := RoPE{Cos: fence.Copy(f, a[:half]), Sin: fence.Copy(f, b[:half]), Dim: 2 * half}
							y, at := fence.Copy(f, x), fence.Copy(f, make([]int32, rows))
							s.rotate(y, n, n, n, at, &p)
							p.Interleaved = true
							s.rotate(y, n, n, n, at, &p)
						})
					}
				}
				for _, d := range []int{1, 7, 8, 16, 24, 33} {
					src := values(r, (n-1)*(d+rows)+d, 0)
					f.Both(fmt.Sprintf("%s, pack %d rows of %d", s.name, n, d), func() {
						y := fence.Copy(f, src)
						s.packKeys(fence.Copy(f, make([]float32, padded(n)*d)), y, d+rows, n, d)
						s.packValues(fence.Copy(f, make([]float32, padded(d)*n)), y, d+rows, n, d)
						s.packColumns(fence.Copy(f, make([]uint16, n*panelWidth)), fence.Copy(f, make([]uint16, 15*(n+d)+n)), n+d, n)
					})
				}
				f.Both(fmt.Sprintf("%s, part %d rows", s.name, rows), func() {
					ld := n + 3*panelWidth
					gate, up := make([]float32, (rows-1)*ld+2*panelWidth), make([]float32, (rows-1)*ld+2*panelWidth)
					s.part(fence.Copy(f, gate), fence.Copy(f, up), fence.Copy(f, make([]float32, rows*4*panelWidth)), ld, rows)
				})
			}
		}
	}
}

// TestTilesFenced has every tile of every Set do the same.
func TestTilesFenced(t *testing.T) {
	f := fence.New(t)
	r := rand.New(rand.NewPCG(6, 6))
	// try calls a tile whose panels are numbers of so many bytes: up to most tiles below each other, or panels of each stream.
	try := func(what string, call func(*tile), rows, panels, size, most int, streams bool) {
		for _, k := range []int{1, 2, 4, 7, 21} {
			count := 1 + k%most
			cols, high, wide := panelWidth*panels, rows*count, panels
			if streams {
				high, wide = rows, panels*count
			}
			a, b := values(r, (high-1)*(k+3)+k, 0), values(r, k*wide*panelWidth*size/4, 0)
			c, bias, scale := values(r, high*wide*panelWidth, 0), values(r, cols, 0), values(r, high, 0)
			for _, flags := range []int{0, tileLoad | tileRowScale, tileAdd | tileScale, tileBias | tileResidual} {
				if streams {
					flags &= tileAdd | tileScale
				}
				f.Both(fmt.Sprintf("%s, k=%d, flags %d", what, k, flags), func() {
					q := tile{k: k, rows: rows, count: count, flags: flags, scale: 0.5, lda: uintptr(k+3) * 4, ldc: uintptr(wide*panelWidth) * 4,
						panel: uintptr(k*panelWidth) * uintptr(size)}
					q.c, q.a, q.b = &fence.Copy(f, c)[0], &fence.Copy(f, a)[0], &fence.Copy(f, b)[0]
					q.lds, q.ldr, q.sum, q.rowScale = q.ldc, q.ldc, q.c, &fence.Copy(f, scale)[0]
					if streams {
						q.lds, q.panel = uintptr(count*panelWidth)*4, q.panel*uintptr(count)
					} else {
						q.sum, q.residual, q.bias = &fence.Copy(f, c)[0], &fence.Copy(f, c)[0], &fence.Copy(f, bias)[0]
					}
					call(&q)
				})
			}
		}
	}
	for _, s := range otherSets() {
		var q tile
		for rows := 1; rows < 20; rows++ {
			for _, k := range []int{1, 4, 7, 13} {
				for grow := range 2 {
					n := k + grow*(rows-1) // steps of the last row
					a, b, c := values(r, rows*n, 0), values(r, 2*n*panelWidth, 0), values(r, rows*2*panelWidth, 0)
					f.Both(fmt.Sprintf("%s, grid of %d rows, k=%d, grow=%d", s.name, rows, k, grow), func() {
						s.runGrid(&q, &grid{c: &fence.Copy(f, c)[0], ldc: 2 * panelWidth * 4, a: &fence.Copy(f, a)[0], lda: uintptr(n) * 4,
							b: &fence.Copy(f, b)[0], panel: uintptr(n) * panelWidth * 4, k: k, grow: grow, rows: rows, panels: 2,
							scale: &fence.Copy(f, a[:rows])[0], scales: 4})
					})
				}
			}
		}
		of := func(what string, table *tileTable, size int) {
			for rows, list := range table.tile {
				for w, call := range list {
					if call != nil {
						try(fmt.Sprintf("%s, %s: %d rows, %d panels", s.name, what, rows, 1<<w), call, rows, 1<<w, size, 2, false)
					}
				}
			}
			for rows, list := range table.many {
				for w, call := range list {
					if call != nil {
						try(fmt.Sprintf("%s, %s: many of %d rows, %d panels", s.name, what, rows, 1<<w), call, rows, 1<<w, size, 2, false)
					}
				}
			}
		}
		of("float32", &s.tileTable, 4)
		for storage, table := range s.narrow {
			if table != nil {
				of([]string{"", "bfloat16", "float16"}[storage], table, 2)
			}
		}
		few := func(what string, tiles *kvTiles) {
			for rows, list := range tiles {
				for w, call := range list {
					if call != nil {
						try(fmt.Sprintf("%s, %s: %d rows, %d panels", s.name, what, rows, 1<<w), call, rows, 1<<w, 2, 1, false)
					}
				}
			}
		}
		few("bfloat16 KV", &s.kvTile)
		few("bfloat16", &s.narrowTile[BFloat16])
		few("float16", &s.narrowTile[Float16])
		for storage, tiles := range s.streamTile {
			for rows, list := range tiles {
				for _, tile := range list {
					try(fmt.Sprintf("%s, storage %d, %d rows, %d streams", s.name, storage, rows, tile.streams), tile.run, rows, tile.streams,
						[]int{4, 2, 2}[storage], 2, true)
				}
			}
		}
	}
}

// TestKVRowsFenced has the routine for the rows of a token do the same, with panels as those of keys.
func TestKVRowsFenced(t *testing.T) {
	f := fence.New(t)
	r := rand.New(rand.NewPCG(6, 7))
	for _, s := range otherSets() {
		for typ, call := range s.kvRows {
			if call == nil {
				continue
			}
			size := []int{4, 2}[typ]
			for _, k := range []int{1, 3, 4, 21, 64} {
				for rows := 2; rows <= 7; rows++ {
					count := 1 + rows%2
					a, b := values(r, (rows-1)*(k+3)+k, 0), values(r, 4*count*k*panelWidth*size/4, 0)
					c := values(r, rows*4*count*panelWidth, 0)
					f.Both(fmt.Sprintf("%s, type %d, %d rows, k=%d, %d groups", s.name, typ, rows, k, count), func() {
						q := kvRows{c: &fence.Copy(f, c)[0], ldc: uintptr(4*count*panelWidth) * 4, lds: uintptr(count*panelWidth) * 4,
							a: &fence.Copy(f, a)[0], lda: uintptr(k+3) * 4, b: &fence.Copy(f, b)[0],
							stream: uintptr(count * k * panelWidth * size), k: k, count: count, scale: 0.5, fetch: k % 2, load: k % 2,
							nextB: uintptr(k * panelWidth * size), nextC: panelWidth * 4}
						q.rows(rows)
						call(&q)
					})
				}
			}
		}
	}
}

// TestKVPanelsFenced has the routines for panels of a KV do the same.
func TestKVPanelsFenced(t *testing.T) {
	f := fence.New(t)
	r := rand.New(rand.NewPCG(6, 8))
	for _, s := range otherSets() {
		for typ, call := range s.kvPanels {
			if call == nil {
				continue
			}
			size := []int{4, 2}[typ]
			for _, k := range []int{1, 3, 4, 21, 64} {
				for rows := 1; rows <= 16; rows++ {
					count := []int{12, 4, 6, 1, 5}[rows%5]
					a, b := values(r, (rows-1)*(k+3)+k, 0), values(r, count*k*panelWidth*size/4, 0)
					c := values(r, rows*count*panelWidth, 0)
					f.Both(fmt.Sprintf("%s, type %d, %d rows, k=%d, %d panels", s.name, typ, rows, k, count), func() {
						q := kvPanels{c: &fence.Copy(f, c)[0], ldc: uintptr(count*panelWidth) * 4, a: &fence.Copy(f, a)[0],
							lda: uintptr(k+3) * 4, b: &fence.Copy(f, b)[0], panel: uintptr(k * panelWidth * size), k: k, count: count,
							scale: 0.5, afterApart: 128, afterStep: 512}
						call.run(&q, rows, uintptr(size))
						for heads := 2; heads <= kvHeads; heads++ {
							if run := call.heads[heads][rows/heads]; run != nil && rows%heads == 0 && count%heads == 0 {
								q.c, q.a, q.b = &fence.Copy(f, c)[0], &fence.Copy(f, a)[0], &fence.Copy(f, b)[0]
								q.count, q.head = count/heads, q.panel*uintptr(count/heads)
								run(&q)
							}
						}
					})
				}
			}
		}
	}
}

// TestPrefetchFenced: to ask for what must not be touched, or is not there, does nothing.
func TestPrefetchFenced(t *testing.T) {
	f := fence.New(t)
	for _, s := range otherSets() {
		if s.prefetch == nil {
			continue
		}
		f.Both(s.name, func() {
			b := fence.Copy(f, make([]float32, 16))
			for _, at := range []uintptr{0, 64, uintptr(unsafe.Pointer(&b[0]))} {
				s.prefetch(at, 4096, 4, 100)
				s.prefetch(at, 0, 1, 1)
			}
		})
	}
}

// TestProductsFenced has products and attention take all that they are given from fences: what tiles are told to read.
func TestProductsFenced(t *testing.T) {
	f := fence.New(t)
	r := rand.New(rand.NewPCG(7, 6))
	ms, ns, ks := []int{1, 2, 3, 4, 6, 7, 9, 13, 29}, []int{1, 15, 16, 17, 64, 95, 112}, []int{0, 1, 17, 256, 259}
	ds, tokens := []int{1, 8, 16, 20, 33, 64}, []int{1, 15, 16, 17, 33, 70}
	if testing.Short() {
		ms, ns, ks, ds, tokens = []int{1, 2, 3, 7}, []int{1, 17, 95}, []int{17, 259}, []int{8, 20, 33}, []int{1, 17, 33}
	}
	for _, s := range otherSets() {
		x := New(s, 1)
		defer x.Close()
		for i, m := range ms {
			for _, n := range ns {
				for _, k := range ks {
					storage, gated := Storage((i+n+k)%3), (i+n/2)%2 == 0
					b := values(r, 2*n*k, 0)
					w := packed(x, k, n, storage, gated, b, narrowed(b, storage))
					a, c := values(r, (m-1)*(k+1)+k, 0), values(r, (m-1)*(n+1)+n, 0)
					f.Both(fmt.Sprintf("%s, m=%d k=%d n=%d, storage %d, gated %v", s.name, m, k, n, storage, gated), func() {
						v := *w
						v.panels, v.narrow = fence.Copy(f, w.panels), fence.Copy(f, w.narrow)
						got := fence.Copy(f, c)
						e := Epilogue{Bias: fence.Copy(f, b[:min(n, len(b))]), Residual: got, ResidualStride: n + 1, Act: Activation(m % 3)}
						if len(e.Bias) < n {
							e.Bias = nil
						}
						if gated {
							e.UpBias = e.Bias
						}
						x.Gemm(got, n+1, fence.Copy(f, a), k+1, m, &v, e)
					})
				}
			}
		}
		for i, d := range ds {
			for _, n := range tokens {
				for typ := range KVBFloat16 + 1 {
					p := &Attn{Heads: 4, KVHeads: []int{4, 2, 1}[i%3], HeadDim: d, Scale: 0.3, Causal: n%2 > 0, Window: n * 2 / 3}
					h := p.Heads * d
					q, kv := values(r, n*h, 0), values(r, n*2*p.KVHeads*d, 0)
					f.Both(fmt.Sprintf("%s, %d heads, d=%d, %d tokens", s.name, p.KVHeads, d, n), func() {
						y, out, ld := fence.Copy(f, kv), fence.Copy(f, q), 2*p.KVHeads*d
						x.Attention(out, h, fence.Copy(f, q), h, y, y[p.KVHeads*d:], ld, []int32{0, int32(n)}, p)
						c := x.NewKV(p.KVHeads, d, typ, p.Window)
						c.Append(y, y[p.KVHeads*d:], ld, n)
						at := h * (n - 1)
						for i := range c.pages {
							page := &c.pages[i]
							page.f32, page.b16 = fence.Copy(f, page.f32), fence.Copy(f, page.b16)
						}
						x.AttentionKV(out[at:], h, fence.Copy(f, q[at:]), h, []int32{0, 1}, []*KV{c}, p)
						x.AttentionKV(out, h, fence.Copy(f, q), h, []int32{0, int32(n)}, []*KV{c}, p)
					})
				}
			}
		}
	}
}
