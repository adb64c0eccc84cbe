// Command testsum reads the output of `go test -json` and prints what a person wants to see of it: a line a package, the
// output of tests that failed, every skipped test under its reason, and the counts.
//
// It exits with status 1 if a test or a package failed, or if no test ran.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	ok, err := summarise(os.Stdout, os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// summarise prints the summary of the events in r to w and tells whether all is well.
func summarise(w io.Writer, r io.Reader) (ok bool, err error) {
	type test struct{ pkg, name string }
	var (
		passed, failed, skipped, badPackages int
		output                               = map[test]*strings.Builder{} // of tests that are still running
		reasons                              = map[string][]string{}       // of skips: tests by reason
	)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(w, lines.Text()) // what go vet and the linker print is not JSON
			continue
		}
		id := test{e.Package, e.Test}
		switch e.Action {
		case "build-output":
			fmt.Fprint(w, e.Output)
		case "output":
			if output[id] == nil {
				output[id] = new(strings.Builder)
			}
			output[id].WriteString(e.Output)
		case "pass", "fail", "skip":
			said := ""
			if b := output[id]; b != nil {
				said = b.String()
			}
			delete(output, id)
			switch {
			case e.Test == "" && e.Action == "fail":
				badPackages++
				fmt.Fprintf(w, "%sFAIL  %s  %.1fs\n", said, e.Package, e.Elapsed)
			case e.Test == "" && e.Action == "pass":
				fmt.Fprint(w, notes(said))
				fmt.Fprintf(w, "ok    %s  %.1fs\n", e.Package, e.Elapsed)
			case e.Test == "":
				fmt.Fprintf(w, "none  %s  no tests\n", e.Package)
			case e.Action == "fail":
				failed++
				fmt.Fprint(w, said)
			case e.Action == "skip":
				skipped++
				reason := digits.ReplaceAllString(why(said), "N") // one reason, whatever the number in it
				reasons[reason] = append(reasons[reason], e.Package+"."+e.Test)
			default:
				passed++
			}
		}
	}
	if err := lines.Err(); err != nil {
		return false, err
	}
	// A test binary that died leaves its tests without a verdict.
	for _, b := range output {
		fmt.Fprint(w, b.String())
	}
	if skipped > 0 {
		fmt.Fprintf(w, "skipped, by reason:\n")
		order := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
			return cmp.Or(len(reasons[b])-len(reasons[a]), strings.Compare(a, b))
		})
		for _, reason := range order {
			tests := reasons[reason]
			fmt.Fprintf(w, "%6d  %s (%s", len(tests), reason, tests[0])
			if len(tests) > 1 {
				fmt.Fprint(w, ", ...")
			}
			fmt.Fprintln(w, ")")
		}
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", passed, max(failed, badPackages), skipped)
	return failed == 0 && badPackages == 0 && passed > 0, nil
}

var digits = regexp.MustCompile(`[0-9]{2,}`)

// why returns the reason of a skip: what the test printed after `file.go:line:`.
func why(output string) string {
	reason := ""
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---") {
			continue
		}
		if _, text, found := strings.Cut(line, ".go:"); found {
			if _, text, found = strings.Cut(text, ": "); found {
				line = text
			}
		}
		reason = line
	}
	return cmp.Or(reason, "no reason given")
}

// notes returns the lines that a package that passed printed on its own behalf, such as which instruction sets its tests
// exercised.
func notes(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		if line != "PASS\n" && !strings.HasPrefix(line, "ok  \t") && !strings.HasPrefix(line, "coverage:") {
			b.WriteString(line)
		}
	}
	return b.String()
}
