//go:build linux && amd64

// Command avx512 runs a program that uses AVX-512 on a processor that has only AVX2, for tests:
//
//	go build -o avx512 ./internal/ci/avx512
//	GODWIT_REQUIRE=avx512 go test -tags avx512emulated -exec ./avx512 -short ./kernels
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const help = `usage: avx512 [-v] PROGRAM [ARGUMENT...]

Runs a program that uses AVX-512 on a processor that has only AVX2. The program is traced. Where it stops at an instruction
that the processor does not know, the instructions from there on are emulated, up to one that the emulator does not know.
For the tests of godwit's kernels, which must believe that the processor has AVX-512:

    GODWIT_REQUIRE=avx512 go test -tags avx512emulated -exec ./avx512 -short ./kernels

The exit status is the program's; 2, with a message, if it cannot be traced or uses an instruction of AVX-512 that is not
emulated. It is then to be added in internal/ci/avx512/table.go.

What is not emulated: exceptions and rounding modes of floating-point arithmetic; AVX-512 in child processes; code that
changes. Instructions of AVX (VEX) that the emulator knows are emulated, too, and clear the upper bits of their register.
Others run natively; after that a register whose low 256 bits have changed has its upper 256 bits cleared.

  -v   print at the end how much was emulated
`

func main() {
	flag.Usage = func() { fmt.Fprint(os.Stderr, help) }
	verbose := flag.Bool("v", false, "")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	t, err := start(flag.Args())
	if err != nil {
		fail(err)
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for s := range signals {
			_ = syscall.Kill(t.pid, s.(syscall.Signal))
		}
	}()
	status, err := t.trace()
	if err != nil {
		_ = syscall.Kill(t.pid, syscall.SIGKILL)
		fail(err)
	}
	if *verbose {
		fmt.Fprintf(os.Stderr, "avx512: %d instructions in %d stops\n", t.instructions, t.stops)
	}
	if status.Signaled() { // end in the same way
		signal.Reset(status.Signal())
		_ = syscall.Kill(os.Getpid(), status.Signal())
		os.Exit(128 + int(status.Signal()))
	}
	os.Exit(status.ExitStatus())
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "avx512:", err)
	os.Exit(2)
}
