//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakMiB returns the largest resident memory of a process that has ended.
func peakMiB(p *os.ProcessState) float64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(usage.Maxrss) / (1 << 20) // bytes there
	}
	return float64(usage.Maxrss) / (1 << 10) // KiB elsewhere
}
