package kernels

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// gridGo is the definition of a grid, on slices: c [rows, ldc], a [rows, lda], b panels of [height, 16].
func gridGo(c []float32, ldc int, a []float32, lda int, b []float32, height, rows, panels, k, grow int, scale func(i int) float32) {
	for i := range rows {
		for p := range panels {
			for j := range panelWidth {
				x := float32(0)
				for l := range k + grow*i {
					x = fma(a[i*lda+l], b[(p*height+l)*panelWidth+j], x)
				}
				c[i*ldc+p*panelWidth+j] = x * scale(i)
			}
		}
	}
}

// TestGrid compares grids of every Set with the definition: every number of rows up to two tiles of AVX-512 and more, equal and
// growing, with every kind of scale.
func TestGrid(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	var q tile
	for _, s := range Sets() {
		for rows := 1; rows < 40; rows++ {
			for _, k := range []int{1, 2, 3, 4, 5, 7, 8, 13, 16, 31, 64, 257} {
				for grow := range 2 {
					for scales := range 3 {
						if testing.Short() && (rows+k+grow+scales)%5 > 0 {
							continue
						}
						panels, height := 1+(rows+k)%5, k+rows+2
						ldc, lda := panels*panelWidth+rows%3, k+rows+1
						a, b := values(r, rows*lda, 2*(k%2)), values(r, panels*height*panelWidth, 0)
						scale := values(r, rows, 0)
						got, check := guarded((rows-1)*ldc+panels*panelWidth, rows%5)
						want := append([]float32(nil), got...)
						g := grid{c: &got[0], ldc: uintptr(ldc) * 4, a: &a[0], lda: uintptr(lda) * 4, b: &b[0],
							panel: uintptr(height) * panelWidth * 4, k: k, grow: grow, rows: rows, panels: panels,
							next: 0x1000, step: 64, pieces: 7}
						of := func(i int) float32 { return 1 }
						switch scales {
						case 1:
							g.scale = &scale[0]
							of = func(i int) float32 { return scale[0] }
						case 2:
							g.scale, g.scales = &scale[0], 4
							of = func(i int) float32 { return scale[i] }
						}
						gridGo(want, ldc, a, lda, b, height, rows, panels, k, grow, of)
						maxima := slices.Repeat([]lanes{noLanes}, rows)
						taken := s.lanesMax != nil && rows >= s.maximaRows && k%2 == 0
						if taken {
							g.maxima = &maxima[0]
						}
						s.runGrid(&q, &g)
						what := fmt.Sprintf("%s: %d rows, %d panels, k=%d, grow=%d, scales %d", s.name, rows, panels, k, grow, scales)
						equal(t, what, got, want)
						if taken {
							checkMaxima(t, s, what, maxima, got, ldc, rows, panels)
						}
						if err := check(); err != nil {
							t.Fatalf("%s: %v", what, err)
						}
					}
				}
			}
		}
	}
}

// checkMaxima compares the lanes of maxima of a grid's rows with the definition, and what lanesMax makes of them and of further
// elements, which are those of another row.
func checkMaxima(t *testing.T, s *Set, what string, l []lanes, c []float32, ldc, rows, panels int) {
	n := panels * panelWidth
	var want, got [40]float32
	for i := range rows {
		row := c[i*ldc:][:n]
		lane := noLanes
		for j, x := range row {
			lane[j%16] = greater(x, lane[j%16])
		}
		equal(t, fmt.Sprintf("%s: lanes of row %d", what, i), l[i][:], lane[:])
		want[i] = rowMaxGo(append(slices.Clip(row), c[i*ldc:][:min(n, i)]...))
	}
	for i := range rows {
		s.lanesMax(got[i:i+1], l[i:i+1], c[i*ldc:], ldc, min(n, i), 1)
	}
	equal(t, what+": maxima", got[:rows], want[:rows])
	more := 0
	if n >= rows {
		more = 1 // rows of 0, 1, 2, ... elements
	}
	s.lanesMax(got[:rows], l, c, ldc, 0, more)
	if more == 0 {
		for i := range rows {
			want[i] = rowMaxGo(c[i*ldc:][:n])
		}
	}
	equal(t, what+": maxima together", got[:rows], want[:rows])
}
