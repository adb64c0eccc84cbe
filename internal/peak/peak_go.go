package peak

import (
	"runtime"
	"unsafe"
)

// readGo reads n elements, a multiple of readQuantum, in Go: far below what the machine can do.
func readGo(p *float32, n int) {
	var sum float32
	for _, v := range unsafe.Slice(p, n) {
		sum += v
	}
	runtime.KeepAlive(sum)
}
