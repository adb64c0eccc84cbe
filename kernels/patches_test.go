package kernels

import (
	"fmt"
	"testing"
)

// TestPatches compares every element with the pixel that it stands for.
func TestPatches(t *testing.T) {
	for _, c := range [][5]int{{3, 32, 48, 16, 16}, {3, 31, 45, 14, 14}, {1, 7, 5, 1, 1}, {2, 10, 10, 3, 3}, {3, 5, 5, 6, 6},
		{3, 224, 224, 32, 32}, {3, 33, 50, 8, 16}, {2, 9, 21, 4, 2}} {
		channels, height, width, ph, pw := c[0], c[1], c[2], c[3], c[4]
		image := make([]float32, channels*height*width)
		for i := range image {
			image[i] = float32(i)
		}
		rows, n := (height/ph)*(width/pw), channels*ph*pw
		for _, x := range execs(t) {
			dst, intact := guarded(rows*n, 3)
			if got := x.Patches(dst, image, channels, height, width, ph, pw); got != rows {
				t.Fatalf("%v: %d patches, want %d", c, got, rows)
			}
			if err := intact(); err != nil {
				t.Fatalf("%v: %v", c, err)
			}
			for i, v := range dst {
				row, ch, y, x := i/n, i%n/(ph*pw), i%(ph*pw)/pw, i%pw
				y += row / (width / pw) * ph
				x += row % (width / pw) * pw
				if want := float32((ch*height+y)*width + x); v != want {
					t.Fatalf("%v: row %d, element %d: pixel %g, want %g", c, row, i%n, v, want)
				}
			}
			if a := testing.AllocsPerRun(20, func() { x.Patches(dst, image, channels, height, width, ph, pw) }); a != 0 {
				t.Errorf("%v: %v allocations", c, a)
			}
		}
	}
}

func BenchmarkPatches(b *testing.B) {
	x := New(nil, 1)
	for _, size := range []int{14, 16, 32} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			image, dst := make([]float32, 3*224*224), make([]float32, 3*224*224)
			b.SetBytes(int64(8 * len(image)))
			for b.Loop() {
				x.Patches(dst, image, 3, 224, 224, size, size)
			}
		})
	}
}
