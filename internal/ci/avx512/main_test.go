//go:build linux && amd64

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/godwit-ml/godwit/internal/cpu"
)

// TestMain makes the test's binary the tool itself where the environment says so.
func TestMain(m *testing.M) {
	if os.Getenv("GODWIT_TEST_AVX512") != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestTool runs a program of Go's assembler's encodings under the tool, and looks at what comes out and how it ends.
func TestTool(t *testing.T) {
	if !cpu.AVX2 {
		t.Skip("no AVX2")
	}
	if cpu.AVX512 {
		t.Skip("this processor has AVX-512: nothing would be emulated")
	}
	program := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", program, "./testdata/program").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tool, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GODWIT_TEST_AVX512", "1")
	if out, err := exec.Command(tool, "true").CombinedOutput(); err != nil {
		t.Skipf("processes cannot be traced here: %v: %s", err, out)
	}
	for _, c := range []struct {
		args   []string
		status int
		signal syscall.Signal
		output string // a regular expression
	}{
		{[]string{"status"}, 7, 0, `^$`},
		{[]string{"threads"}, 0, 0, `^ok\n$`},
		{[]string{"mixed"}, 0, 0, `^\[\[2 1 4 3 6 5 8 7 0 0 0 0 0 0 0 0\] \[1 2 3 4 0 0 0 0 0 0 0 0 0 0 0 0\] ` +
			`\[2 4 6 8 5 6 7 8 9 10 11 12 13 14 15 16\]\]\n$`},
		{[]string{"fault"}, 0, 0, `^runtime error: invalid memory address or nil pointer dereference at 64\n$`},
		{[]string{"unknown"}, 2, 0, `^avx512: not emulated: EVEX.66.0F38.W0 4C at 0x[0-9a-f]+, bytes 62 f2 7d 48 4c d1 .*\n` +
			`to see it: objdump -d --start-address=0x[0-9a-f]+ --stop-address=0x[0-9a-f]+ .*/program\n$`},
		{[]string{"illegal"}, 2, 0, `^SIGILL: illegal instruction`},
		{[]string{"kill"}, -1, syscall.SIGKILL, `^$`},
		{[]string{"child"}, 0, 0, `^hello\nexit status 3\n$`},
	} {
		out, err := exec.Command(tool, append([]string{program}, c.args...)...).CombinedOutput()
		var exit *exec.ExitError
		var status syscall.WaitStatus
		if errors.As(err, &exit) {
			status = exit.Sys().(syscall.WaitStatus)
		} else if err != nil {
			t.Fatal(err)
		}
		if signaled := status.Signaled(); signaled != (c.signal != 0) || signaled && status.Signal() != c.signal ||
			!signaled && status.ExitStatus() != c.status {
			t.Errorf("%v: status %#x, want %d, signal %d", c.args, status, c.status, c.signal)
		}
		if !regexp.MustCompile(c.output).Match(out) {
			t.Errorf("%v: output\n%swant %s", c.args, out, c.output)
		}
	}
	out, err := exec.Command(tool, "-v", program, "status").CombinedOutput()
	if want := "avx512: 14 instructions in 1 stops\n"; string(out) != want {
		t.Errorf("-v: %v, %s, want %s", err, out, want)
	}
	if out, err := exec.Command(tool).CombinedOutput(); err == nil || !strings.HasPrefix(string(out), "usage: avx512 ") {
		t.Errorf("without arguments: %v, %s", err, out)
	}
}
