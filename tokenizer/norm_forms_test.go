package tokenizer

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"
)

// What is passed over as composed already is what composing would leave as it is, spans included.
func TestComposed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var special []rune // characters that decompose, and those of decompositions
	for _, m := range []*runeMap{nfdMap(), nfkdMap()} {
		special = append(append(special, m.keys...), m.runes...)
	}
	random := func() rune {
		switch r.IntN(4) {
		case 0:
			return special[r.IntN(len(special))]
		case 1:
			return rune(0xA0 + r.IntN(0x3000))
		case 2:
			return rune(0x1100 + r.IntN(0x100))
		}
		for {
			if x := rune(r.IntN(utf8.MaxRune)); utf8.ValidRune(x) {
				return x
			}
		}
	}
	passed := 0
	for range 400_000 {
		s := string([]rune{random(), random(), random()}[:1+r.IntN(3)])
		for _, compat := range []bool{false, true} {
			if !composed([]byte(s), compat) {
				continue
			}
			passed++
			x := text{track: true}
			x.reset(s, 0)
			was := slices.Clone(x.a)
			recompose(&x, compat)
			if string(x.b) != s || !slices.Equal(x.a, was) {
				t.Fatalf("%+q, compat %v: became %+q %v", s, compat, x.b, x.a)
			}
		}
	}
	if passed < 10_000 {
		t.Errorf("only %d texts were passed over", passed)
	}
}
