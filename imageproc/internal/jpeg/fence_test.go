//go:build unix

package jpeg

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/godwit-ml/godwit/internal/fence"
)

// TestFenced has the routines read and write beside pages that must not be touched.
func TestFenced(t *testing.T) {
	f := fence.New(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for last := range 2 {
		block, quant, _ := randomBlock(rng)
		f.Both("idct", func() {
			b, q := (*[64]int16)(fence.Copy(f, block[:])), (*[64]int16)(fence.Copy(f, quant[:]))
			for _, stride := range []int{8, 16, 24} {
				idct(fence.Copy(f, make([]byte, 7*stride+8)), stride, b, q, last)
			}
		})
	}
	for n := 3; n < 150; n++ {
		line := make([]byte, n)
		f.Both(fmt.Sprintf("%d samples", n), func() {
			y, blue, red := fence.Copy(f, line), fence.Copy(f, line), fence.Copy(f, line)
			double(fence.Copy(f, make([]byte, 2*n)), y)
			quadruple(fence.Copy(f, make([]byte, 2*n)), blue, red)
			paintYCC(fence.Copy(f, make([]byte, 3*n)), [][]byte{y, blue, red})
		})
	}
}
