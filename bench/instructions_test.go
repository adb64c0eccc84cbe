package bench

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/godwit-ml/godwit/kernels"
)

// countsFile holds a line for each of counted: how many instructions a call takes on the AVX2 Set.
const countsFile = "instructions.txt"

// tolerance is by what part a count may differ: the Go parts of a kernel are compiled anew by each version of Go.
const tolerance = 0.005

// counted are the calls whose instructions are counted, made ready.
func counted(x *kernels.Exec) (names []string, calls []func()) {
	add := func(name string, call func()) { names, calls = append(names, name), append(calls, call) }
	for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16} {
		p := newProduct(x, m, 384, 1160) // two blocks of k, a panel that is not full
		add(fmt.Sprintf("gemm %dx%dx%d", p.m, p.k, p.n), func() { p.godwit(x) })
	}
	p := newProduct(x, 12, 384, 384)
	bias := noise(384)
	add("gemm 12x384x384 with bias and GELU", func() {
		x.Gemm(p.c, p.n, p.a, p.k, p.m, p.packed, kernels.Epilogue{Bias: bias, Act: kernels.GELU})
	})
	for _, headDim := range []int{32, 64} {
		a := newAttention(x, 100, headDim)
		add(fmt.Sprintf("attention 100x%d", headDim), func() { a.run(x) })
	}
	for _, k := range rowKernels() {
		add(k.name, func() { k.run(x) })
	}
	return names, calls
}

// TestGuardInstructions counts the instructions of kernels under valgrind's callgrind, which counts the same every time, and
// compares them with the table. It is of the AVX2 Set, the best one that valgrind knows.
func TestGuardInstructions(t *testing.T) {
	if os.Getenv("GODWIT_COUNT") != "" {
		count()
		return
	}
	if !*guardFlag {
		t.Skip("give -guard")
	}
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		t.Skip("no valgrind")
	}
	if !hasAVX2() {
		t.Skip("no AVX2")
	}
	table, err := readTable(countsFile)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	names, counts := countUnder(t, valgrind, dir)
	if *updateFlag {
		clear(table)
	}
	for i, name := range names {
		if *updateFlag {
			table[name] = counts[i]
		} else if want, known := table[name]; !known {
			t.Errorf("%s is not in %s: run with -guard -update", name, countsFile)
		} else if change := counts[i]/want - 1; math.Abs(change) > tolerance {
			t.Errorf("%s takes %.0f instructions, %+.1f %% of %.0f in %s; if that is meant, run with -guard -update",
				name, counts[i], 100*change, want, countsFile)
		} else {
			t.Logf("%-36s %10.0f, %+.2f %%", name, counts[i], 100*change)
		}
	}
	if *updateFlag {
		const head = "# Instructions a call on the AVX2 Set, one thread: go test ./bench -run GuardInstructions -guard\n"
		if err := writeTable(countsFile, head, table, "%10.0f"); err != nil {
			t.Fatal(err)
		}
	}
}

func hasAVX2() bool {
	for _, set := range kernels.Sets() {
		if set.Name() == "avx2" {
			return true
		}
	}
	return false
}

// count is the program under callgrind: it makes each call twice, and marks the end of the first and of the second.
func count() {
	x := kernels.New(nil, 1)
	defer x.Close()
	names, calls := counted(x)
	for i, call := range calls {
		call()
		mark()
		call()
		mark()
		fmt.Println("counted", names[i])
	}
}

var marks int

// mark makes callgrind write what it has counted since the mark before.
//
//go:noinline
func mark() { marks++ }

// countUnder runs this test in callgrind and returns the names and the instructions of all calls. It counts what package
// kernels and the thread pool execute, not the runtime beside it. The binary is built anew: one that go test runs has no symbols.
func countUnder(t *testing.T, valgrind, dir string) (names []string, counts []float64) {
	out, binary := filepath.Join(dir, "callgrind.out"), filepath.Join(dir, "bench.test")
	if said, err := exec.Command("go", "test", "-c", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	cmd := exec.Command(valgrind, "--tool=callgrind", "--callgrind-out-file="+out, "--compress-strings=no", "--compress-pos=no",
		"--dump-before="+markName, binary, "-test.run=^TestGuardInstructions$")
	cmd.Env = append(os.Environ(), "GODWIT_COUNT=1", "GODWIT_ISA=avx2", "GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for line := range strings.Lines(string(said)) {
		if name, ok := strings.CutPrefix(line, "counted "); ok {
			names = append(names, strings.TrimSpace(name))
			n, err := instructions(fmt.Sprintf("%s.%d", out, 2*len(names)))
			if err != nil {
				t.Fatal(err)
			}
			counts = append(counts, n)
		}
	}
	if len(names) == 0 {
		t.Fatalf("nothing counted:\n%s", said)
	}
	return names, counts
}

const markName = "github.com/godwit-ml/godwit/bench.mark"

// instructions reads a file of callgrind: lines "fn=NAME" that begin a function, "LINE COST" of its own instructions, and
// "calls=..." of which the next line is a cost of others.
func instructions(file string) (total float64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	ours, others := false, false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		switch name, isFunction := strings.CutPrefix(line, "fn="); {
		case isFunction:
			ours = strings.HasPrefix(name, "github.com/godwit-ml/godwit/kernels.") ||
				strings.HasPrefix(name, "github.com/godwit-ml/godwit/internal/parallel.") ||
				strings.HasPrefix(name, "column") // of tiles: local symbols, which have no package
		case strings.HasPrefix(line, "calls="):
			others = true
		case line != "" && line[0] >= '0' && line[0] <= '9':
			if _, cost, ok := strings.Cut(line, " "); ok && ours && !others {
				n, err := strconv.ParseFloat(cost, 64)
				if err != nil {
					return 0, fmt.Errorf("%s: %q: %w", file, line, err)
				}
				total += n
			}
			others = false
		}
	}
	return total, nil
}
