package generate

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// findStop is what the stopper is to find in a text that comes character by character.
func findStop(text string, stops []string) (before, stop string) {
	for end := 1; end <= len(text); end++ {
		for _, s := range stops {
			if strings.HasSuffix(text[:end], s) && len(s) > len(stop) {
				before, stop = text[:end-len(s)], s
			}
		}
		if stop != "" {
			return before, stop
		}
	}
	return text, ""
}

// TestStopper cuts random texts in random pieces: the same stop string is found, and nothing of it is given out.
func TestStopper(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func(n int) string {
		b := make([]byte, 1+r.IntN(n))
		for i := range b {
			b[i] = "ab\n"[r.IntN(3)]
		}
		return string(b)
	}
	var s stopper
	for range 20000 {
		text := word(40)
		stops := make([]string, 1+r.IntN(3))
		for i := range stops {
			stops[i] = word(6)
		}
		before, stop := findStop(text, stops)
		s.reset(stops)
		got, found, longest := "", "", 0
		for rest := text; rest != "" && found == ""; {
			n := 1 + r.IntN(min(5, len(rest)))
			var piece []byte
			piece, found = s.push([]byte(rest[:n]))
			got, rest = got+string(piece), rest[n:]
			longest = max(longest, len(s.held)-s.given)
			if !strings.HasPrefix(before, got) {
				t.Fatalf("%q, %q: %q was given out, want the beginning of %q", text, stops, got, before)
			}
		}
		if found == "" {
			got += string(s.flush())
		}
		if got != before || found != stop || longest > 5 {
			t.Fatalf("%q, %q: got %q, %q, want %q, %q (%d bytes were held)", text, stops, got, found, before, stop, longest)
		}
	}
}

// TestPhilox compares with the known answers of the authors' library, and looks at the distribution of Uniform.
func TestPhilox(t *testing.T) {
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0)}, [2]uint32{^uint32(0), ^uint32(0)},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := philox(c.counter, c.key); got != c.want {
			t.Errorf("philox(%x, %x) = %x, want %x", c.counter, c.key, got, c.want)
		}
	}
	var cells [16]int
	for step := range uint32(1 << 14) {
		u := Uniform(5, 1, step)
		if !(u >= 0 && u < 1) {
			t.Fatalf("Uniform is %v", u)
		}
		cells[int(u*16)]++
	}
	for i, n := range cells {
		if n < 900 || n > 1150 { // 1024 ± 4 standard deviations
			t.Errorf("%d of %d numbers are in part %d of 16", n, 1<<14, i)
		}
	}
}
