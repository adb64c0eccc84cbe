package main

import (
	"os"
	"runtime"
	"testing"
)

// TestResident reads the memory of this process, of which a slice of 64 MiB is a part as soon as it is written to.
func TestResident(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc here")
	}
	before, _, err := resident(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64*mib)
	for i := range b {
		b[i] = 1
	}
	after, mapped, err := resident(os.Getpid())
	if err != nil || after < 64*mib || after < before || mapped <= 0 || mapped > after {
		t.Errorf("peak %.0f, then %.0f bytes, %.0f of files, %v", before, after, mapped, err)
	}
	runtime.KeepAlive(b)
	if _, _, err := resident(1 << 30); err == nil {
		t.Error("there is no such process, and no error")
	}
}

// TestPromptOf: a text has nearly as many tokens as are asked for, and not more.
func TestPromptOf(t *testing.T) {
	o := options{model: "../../models/tiny"}
	for _, n := range []int{20, 120, 1000} {
		text, tokens, err := o.promptOf(n)
		if err != nil || tokens > n || tokens < n-25 || len(text) < tokens {
			t.Errorf("%d: %d tokens, %d bytes, %v", n, tokens, len(text), err)
		}
	}
}
