package kernels

import "fmt"

// Patches lays out the patches [ph, pw] of an image [channels, height, width] as the rows of a matrix
// [patches, channels·ph·pw], which times a convolution's weight [out, channels, ph, pw] as [out, channels·ph·pw] is that
// convolution with a stride of ph and pw. Patches go from left to right, then from top to bottom; pixels that make no whole
// patch are left out. dst must not overlap image. It returns the number of patches.
func (x *Exec) Patches(dst, image []float32, channels, height, width, ph, pw int) int {
	if channels < 0 || height < 0 || width < 0 || ph <= 0 || pw <= 0 || len(image) < channels*height*width {
		panic(fmt.Sprintf("kernels: Patches [%d, %d] of an image [%d, %d, %d] of %d elements", ph, pw, channels, height, width,
			len(image)))
	}
	rows, n := (height/ph)*(width/pw), channels*ph*pw
	if len(dst) < rows*n {
		panic(fmt.Sprintf("kernels: Patches: %d patches of %d into %d elements", rows, n, len(dst)))
	}
	x.overRows(rowTask{f: patchRows, dst: dst, src: image, rows: rows, n: n, image: [4]int{height, width, ph, pw}})
	return rows
}

func patchRows(_ *Set, t *rowTask, i, j int) {
	height, width, ph, pw := t.image[0], t.image[1], t.image[2], t.image[3]
	for ; i < j; i++ {
		dst := t.dst[i*t.n:][:t.n]
		for at := i/(width/pw)*ph*width + i%(width/pw)*pw; len(dst) > 0; at += height * width {
			line := t.src[at:] // a channel
			for y := range ph {
				copy(dst[:pw], line[y*width:])
				dst = dst[pw:]
			}
		}
	}
}
