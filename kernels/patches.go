package kernels

import "fmt"

// Patches lays out the patches of an image, [channels, height, width], as the rows of a matrix, [patches,
// channels·size·size], which times a convolution's weight [out, channels, size, size] as [out, channels·size·size] is that
// convolution with a stride of size. Patches go from left to right, then from top to bottom; pixels that make no whole patch
// are left out. dst must not overlap image. It returns the number of patches.
func (x *Exec) Patches(dst, image []float32, channels, height, width, size int) int {
	if channels < 0 || height < 0 || width < 0 || size <= 0 || len(image) < channels*height*width {
		panic(fmt.Sprintf("kernels: Patches of %d of an image [%d, %d, %d] of %d elements", size, channels, height, width,
			len(image)))
	}
	rows, n := (height/size)*(width/size), channels*size*size
	if len(dst) < rows*n {
		panic(fmt.Sprintf("kernels: Patches: %d patches of %d into %d elements", rows, n, len(dst)))
	}
	x.overRows(rowTask{f: patchRows, dst: dst, src: image, rows: rows, n: n, image: [3]int{height, width, size}})
	return rows
}

func patchRows(_ *Set, t *rowTask, i, j int) {
	height, width, size := t.image[0], t.image[1], t.image[2]
	for ; i < j; i++ {
		dst := t.dst[i*t.n:][:t.n]
		for at := i/(width/size)*size*width + i%(width/size)*size; len(dst) > 0; at += height * width {
			line := t.src[at:] // a channel
			for y := range size {
				copy(dst[:size], line[y*width:])
				dst = dst[size:]
			}
		}
	}
}
