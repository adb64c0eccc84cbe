package kernels

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNEONWords assembles every macro of neon_arm64.h with registers and elements of all sorts, and compares what a
// disassembler says with the macro's comment. Any machine can run it.
func TestNEONWords(t *testing.T) {
	objdump := ""
	for _, name := range []string{"aarch64-linux-gnu-objdump", "objdump"} {
		if out, err := exec.Command(name, "-i").Output(); err == nil && strings.Contains(string(out), "aarch64") {
			objdump = name
			break
		}
	}
	if objdump == "" {
		t.Skip("no objdump that knows aarch64 (Debian: binutils-aarch64-linux-gnu)")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to assemble with")
	}
	header, err := os.ReadFile("neon_arm64.h")
	if err != nil {
		t.Fatal(err)
	}
	macro := regexp.MustCompile(`(?m)^#define (\w+)\(([a-z, ]+)\) WORD \$\(.*\) +// (.*)$`).FindAllStringSubmatch(string(header), -1)
	if n := strings.Count(string(header), "WORD"); len(macro) != n {
		t.Fatalf("%d macros found, and %d times WORD", len(macro), n)
	}
	var source strings.Builder
	source.WriteString("#include \"neon_arm64.h\"\nTEXT ·words(SB), 4, $0-0\n") // NOSPLIT
	var want []string
	for _, m := range macro {
		for i := range 256 { // four registers in each place, four elements
			text := m[3]
			var args []string
			for j, name := range strings.Split(m[2], ", ") {
				arg := []int{0, 9, 22, 31}[i>>(2*j)%4]
				if name == "e" {
					arg = i >> (2 * j) % 4
					text = strings.ReplaceAll(text, "[e]", fmt.Sprintf("[%d]", arg))
				} else {
					text = strings.ReplaceAll(text, "v"+name+".", fmt.Sprintf("v%d.", arg))
				}
				args = append(args, fmt.Sprint(arg))
			}
			want = append(want, text)
			fmt.Fprintf(&source, "\t%s(%s)\n", m[1], strings.Join(args, ", "))
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "words.s")
	if err := os.WriteFile(file, []byte(source.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	asm := exec.Command("go", "tool", "asm", "-S", "-p", "words", "-I", ".", "-o", filepath.Join(dir, "words.o"), file)
	asm.Env = append(os.Environ(), "GOARCH=arm64", "GOOS=linux")
	listing, err := asm.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, listing)
	}
	var code []byte
	for _, line := range regexp.MustCompile(`(?m)^\t0x[0-9a-f]+((?: [0-9a-f]{2})+)  `).FindAllStringSubmatch(string(listing), -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		code = append(code, b...)
	}
	if len(code) < 4*len(want) {
		t.Fatalf("%d bytes of code for %d instructions", len(code), len(want))
	}
	binary := filepath.Join(dir, "words")
	if err := os.WriteFile(binary, code[:4*len(want)], 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(objdump, "-D", "-b", "binary", "-m", "aarch64", binary).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := regexp.MustCompile(`(?m)^ +[0-9a-f]+:\t[0-9a-f]{8} \t(.*)$`).FindAllStringSubmatch(string(out), -1)
	if len(got) != len(want) {
		t.Fatalf("%d instructions disassembled, want %d", len(got), len(want))
	}
	for i := range want {
		if text := strings.ReplaceAll(got[i][1], "\t", " "); text != want[i] {
			t.Errorf("%s is %q, want %q", strings.Split(source.String(), "\n")[2+i], text, want[i])
		}
	}
}

// TestNEONWordsAreMacros holds that no other file has encodings of its own, which nothing would check.
func TestNEONWordsAreMacros(t *testing.T) {
	files, err := filepath.Glob("*_arm64.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`\b(WORD|BYTE|LONG)\b`).Match(text) {
			t.Errorf("%s has an encoding of its own: make it a macro of neon_arm64.h", file)
		}
	}
}
