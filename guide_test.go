package godwit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuide runs the program with which the guide begins.
func TestGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("links a program")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command: ", err)
	}
	guide, err := os.ReadFile("docs/GUIDE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(strings.ReplaceAll(string(guide), "\r\n", "\n"), "```go\n")
	program, _, ok := strings.Cut(program, "```\n")
	if !ok {
		t.Fatal("docs/GUIDE.md has no program")
	}
	path := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(path, []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("go", "run", path)
	run.Env = append(os.Environ(), "GOOS=", "GOARCH=", "GOFLAGS=") // for this machine, also where an emulator runs the test
	out, err := run.CombinedOutput()
	if want := "[[0.57024103 0.123466186]]\n it would be, for he was in his own way.\n"; err != nil || string(out) != want {
		t.Errorf("%v: got %q, want %q", err, out, want)
	}
}
