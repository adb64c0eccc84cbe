// Command program uses AVX-512, and ends in the way that its argument says.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"unsafe"
)

// sum adds the elements of p modulo 16, as its assembly does, to l.
//
//go:noescape
func sum(l *[16]float32, p *float32, n int)

//go:noescape
func mixed(dst *[3][16]float32, src *[16]float32)

func unknown()

func illegal()

func main() {
	switch os.Args[1] {
	case "status":
		var l [16]float32
		x := []float32{1, 2, 3}
		sum(&l, &x[0], len(x))
		os.Exit(int(l[0] + l[1] + l[2] + 1))
	case "threads":
		threads()
	case "mixed":
		var src [16]float32
		for i := range src {
			src[i] = float32(i + 1)
		}
		var dst [3][16]float32
		mixed(&dst, &src)
		fmt.Println(dst)
	case "fault":
		fault()
	case "unknown":
		unknown()
	case "illegal":
		illegal()
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "child":
		out, err := exec.Command("/bin/sh", "-c", "echo hello; exit 3").Output()
		fmt.Printf("%s%v\n", out, err)
	}
}

// fault reads from a page that may not be read, and prints what the runtime says of it.
func fault() {
	page, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		panic(err)
	}
	debug.SetPanicOnFault(true)
	defer func() {
		e := recover()
		at := e.(interface{ Addr() uintptr }).Addr()
		fmt.Println(e, "at", at-uintptr(unsafe.Pointer(&page[0])))
	}()
	sum(new([16]float32), (*float32)(unsafe.Pointer(&page[64])), 16)
}

// threads runs sum on many threads at a time, each with numbers of its own.
func threads() {
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread() // and the thread ends with the goroutine
			x := make([]float32, 77)
			for i := range x {
				x[i] = float32(g*100 + i)
			}
			for range 200 {
				var l, want [16]float32
				sum(&l, &x[0], len(x))
				for i, v := range x {
					want[i%16] += v
				}
				if l != want {
					panic(fmt.Sprint(l, " want ", want))
				}
			}
		}()
	}
	wg.Wait()
	fmt.Println("ok")
}
