package tokenizer

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// TestStreamGarbage streams bytes that are mostly no characters: as long as they go on, no more is held back than could become one,
// and the text is that of Decode.
func TestStreamGarbage(t *testing.T) {
	for name, spelling := range map[string]func(b byte) string{
		"bpe-gpt2": func(b byte) string { return string(byteRunes[b]) },
		// The last byte of a run of byte tokens decides whether all of it is a text: what is out by then stays.
		"bpe-llama2": func(b byte) string { return fmt.Sprintf("<0x%02X>", b) },
	} {
		tok, err := Parse(readMaybeGzip(t, filepath.Join("testdata", "files", name, "tokenizer.json")))
		if err != nil {
			t.Fatal(err)
		}
		var ids [256]int32
		for b := range ids {
			id, ok := tok.TokenToID(spelling(byte(b)))
			if !ok {
				t.Fatalf("%s: no token for byte %#x", name, b)
			}
			ids[b] = id
		}
		r := rand.New(rand.NewPCG(1, 2))
		for _, bytes := range []string{"\xa2", "\xe2\x82", "\xf0\x9f\x98", "\xff\xc3", "\xe2\x82\xacx", "\xf0\x9f\x98\x80\xc3", ""} {
			var list []int32
			for i := range 400 {
				if bytes == "" {
					list = append(list, ids[[]byte("\xc3\xe2\x82\xacx\xf0\x9f\xa2")[r.IntN(8)]])
				} else {
					list = append(list, ids[bytes[i%len(bytes)]])
				}
			}
			s := tok.NewStream(true)
			var got []byte
			for _, id := range list {
				if got, err = s.Append(got, id); err != nil {
					t.Fatal(err)
				}
				if n := len(s.ids); n > 2*(mostHeld+2) {
					t.Fatalf("%s, %q: %d tokens are kept", name, bytes, n)
				}
			}
			if got, err = s.End(got); err != nil {
				t.Fatal(err)
			}
			if want, err := tok.Decode(list, true); name == "bpe-gpt2" && (err != nil || string(got) != want) {
				t.Errorf("%s, %q:\ngot  %q\nwant %q, %v", name, bytes, got, want, err)
			}
		}
	}
}
