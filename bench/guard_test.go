package bench

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godwit-ml/godwit/internal/cpu"
)

var (
	guardFlag  = flag.Bool("guard", false, "measure the guarded ratios (needs a machine that is not busy) and count instructions")
	updateFlag = flag.Bool("update", false, "with -guard: write new floors and counts")
)

// floorsFile holds a line a guard: the maker of the processor, the guard's name, its floor.
const floorsFile = "guards.txt"

// A guard is a ratio of two rates measured in one run: ours over a yardstick. It says nothing about how fast the machine
// is, and does not move when another program slows both.
type guard struct {
	name string
	// sides makes ready both sides, with operands of their own.
	sides func() (ours, yardstick side)
	// slack is the part of the measured ratio that -update makes the floor: the rest is what a shared machine may take away
	// even from the best of many turns.
	slack float64
}

// A side is something with a rate: run, which does an amount of work (operations, texts: the same unit on both sides) each
// time, or what measures its rate itself.
type side struct {
	work float64
	run  func()
	rate func() float64
}

// TestGuard measures the guards and compares them with their floors. What has a floor on other processors only is measured, and
// not compared.
func TestGuard(t *testing.T) {
	if !*guardFlag {
		t.Skip("measures time; give -guard on a machine that is not busy")
	}
	table, err := readTable(floorsFile)
	if err != nil {
		t.Fatal(err)
	}
	all := guards(t)
	meters := make([]meter, len(all))
	floors := make([]float64, len(all))
	// Those below their floors are measured again: that can only bring both sides closer to the truth. A while later a neighbour
	// may be quiet, and new operands get other pages of memory, which make some per cent.
	n := rounds
	if *updateFlag {
		n = 3
	}
	for round := range n {
		again := *updateFlag
		for i, g := range all {
			floors[i] = table[cpu.Vendor()+" "+g.name]
			if round == 0 || *updateFlag || meters[i].ratio() < floors[i] {
				meters[i].measure(g)
				again = again || meters[i].ratio() < floors[i]
			}
		}
		if !again || round == n-1 {
			break
		}
		debug.FreeOSMemory()
		time.Sleep(min(time.Second<<round, 8*time.Second))
	}
	for i, g := range all {
		t.Run(strings.ReplaceAll(g.name, " ", "_"), func(t *testing.T) {
			key, ratio := cpu.Vendor()+" "+g.name, meters[i].ratio()
			_, known := table[key]
			if *updateFlag {
				table[key] = math.Floor(ratio*g.slack*100) / 100
				t.Logf("%.3f, floor %.2f, was %.2f", ratio, table[key], floors[i])
				return
			}
			switch t.Logf("%.3f, floor %.2f", ratio, floors[i]); {
			case ratio < floors[i]:
				t.Errorf("%s is %.3f, below its floor of %.2f", g.name, ratio, floors[i])
			case !known && !knownElsewhere(table, g.name):
				t.Errorf("%s has no floor in %s: run with -guard -update", key, floorsFile)
			case !known:
				t.Logf("%s has no floor in %s yet: not compared", key, floorsFile)
			}
		})
	}
	if *updateFlag {
		const head = "# Floors of the guards, by maker of the processor and instruction set: go test ./bench -run Guard -guard.\n" +
			"# With -update, the floors of this machine are written anew.\n"
		if err := writeTable(floorsFile, head, table, "%.2f"); err != nil {
			t.Fatal(err)
		}
	}
}

// knownElsewhere reports whether the table has the guard for another maker or instruction set.
func knownElsewhere(table map[string]float64, name string) bool {
	_, what, _ := strings.Cut(name, " ")
	for key := range table {
		if strings.HasSuffix(key, " "+what) {
			return true
		}
	}
	return false
}

const (
	// rounds is how often a guard is measured before it fails, over a minute: neighbours were seen to be loud for half of one.
	rounds = 9
	// enough is the time in which both sides of a guard take turns in a measurement.
	enough = 400 * time.Millisecond
)

// A meter keeps the best rate of both sides of a guard.
type meter struct{ ourBest, theirBest float64 }

// measure lets both sides take turns for a while, three times each at least.
func (m *meter) measure(g guard) {
	ours, yardstick := g.sides()
	ourTurn, theirTurn := ours.turn(), yardstick.turn()
	begun := time.Now()
	for i := 0; i < 3 || time.Since(begun) < enough; i++ {
		m.ourBest = max(m.ourBest, ourTurn())
		m.theirBest = max(m.theirBest, theirTurn())
	}
}

// turn returns a function that measures the rate once. It takes at least a quarter of a millisecond, and mostly little
// more, so that many turns fall between two interruptions by the system.
func (s side) turn() func() float64 {
	if s.rate != nil {
		return s.rate
	}
	timed := func(n int) time.Duration {
		begun := time.Now()
		for range n {
			s.run()
		}
		return time.Since(begun)
	}
	s.run()
	n := 1
	for min(timed(n), timed(n)) < 250*time.Microsecond {
		n *= 2
	}
	return func() float64 { return s.work * float64(n) / timed(n).Seconds() }
}

// ratio returns our rate over the yardstick's.
func (m *meter) ratio() float64 { return m.ourBest / m.theirBest }

// readTable reads a file of lines, a name and a number, and comments.
func readTable(file string) (map[string]float64, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	table := map[string]float64{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		number, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, line, err)
		}
		table[strings.TrimSpace(line[:at+1])] = number
	}
	return table, lines.Err()
}

// writeTable writes what readTable reads, sorted by name.
func writeTable(file, head string, table map[string]float64, format string) error {
	var b strings.Builder
	b.WriteString(head)
	for _, name := range slices.Sorted(maps.Keys(table)) {
		fmt.Fprintf(&b, "%-56s "+format+"\n", name, table[name])
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}
