package kernels

import "fmt"

// GemmPrecise computes C = act(A·B + bias) as [Exec.Gemm] does, but every sum in float64, rounded to float32 once, before the
// activation. The products are exact in float64, so that a result is the correctly rounded one but for rare cases. It is for
// heads, whose few numbers are a model's answer: pure Go, some ten times slower than Gemm. bias is [N] or nil; c must not
// overlap a. The weights may be of any storage, but not gated.
func (x *Exec) GemmPrecise(c []float32, ldc int, a []float32, lda, m int, b *Weights, bias []float32, act Activation) {
	k, n := b.K, b.N
	if m == 0 || n == 0 {
		return
	}
	if m < 0 || lda < k && m > 1 || len(a) < (m-1)*lda+k || ldc < n && m > 1 || len(c) < (m-1)*ldc+n || bias != nil && len(bias) < n {
		panic(fmt.Sprintf("kernels: GemmPrecise: m=%d k=%d n=%d, but a has %d elements (stride %d), c %d (stride %d), bias %d",
			m, k, n, len(a), lda, len(c), ldc, len(bias)))
	}
	if b.gated {
		panic("kernels: GemmPrecise: gated weights")
	}
	s := x.free.Get()
	t := &s.precise
	*t = preciseTask{x: x, c: c, ldc: ldc, a: a, lda: lda, m: m, b: b, bias: bias, act: act}
	panels := (n + panelWidth - 1) / panelWidth
	if m*n*k < soloWork/16 { // the work of one multiply-add is that of many in assembly
		t.Run(0, 1)
	} else {
		x.pool.Run(min(x.Threads(), panels), t)
	}
	*t = preciseTask{}
	x.free.Put(s)
}

// A preciseTask is a GemmPrecise that threads compute together, by panels.
type preciseTask struct {
	x          *Exec
	c, a, bias []float32
	ldc        int
	lda, m     int
	b          *Weights
	act        Activation
}

// Run implements parallel.Task.
func (t *preciseTask) Run(part, parts int) {
	k, n := t.b.K, t.b.N
	s := t.x.free.Get()
	panels := (n + panelWidth - 1) / panelWidth
	for p := panels * part / parts; p < panels*(part+1)/parts; p++ {
		j0 := p * panelWidth
		for i := range t.m {
			var sum [panelWidth]float64
			for k0 := 0; k0 < k; k0 += kBlock {
				panel := t.b.wide(t.x.set, s, k0, p, 1)
				for l, v := range t.a[i*t.lda+k0:][:min(kBlock, k-k0)] {
					w := float64(v)
					for j, b := range panel[l*panelWidth:][:panelWidth] {
						sum[j] += float64(w * float64(b))
					}
				}
			}
			out := t.c[i*t.ldc+j0:][:min(panelWidth, n-j0)]
			for j := range out {
				if t.bias != nil {
					sum[j] += float64(t.bias[j0+j])
				}
				out[j] = float32(sum[j])
			}
			if t.act != Identity {
				t.x.set.act[t.act](out, out)
			}
		}
	}
	t.x.free.Put(s)
}
