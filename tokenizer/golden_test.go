package tokenizer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// goldenLine is one line of a golden file, made by the Rust library (see testdata/make.py).
type goldenLine struct {
	Kind string  `json:"kind"`
	Text string  `json:"text"`
	Pair *string `json:"pair"`

	goldenEncoding
	IDsPlain []int32 `json:"ids_plain"`
	Decoded  string  `json:"decoded"`
	Error    string  `json:"error"`

	Truncation *goldenTruncation `json:"truncation"`
	Padding    *goldenPadding    `json:"padding"`
	Texts      []string          `json:"texts"`
	Results    []goldenEncoding  `json:"results"`

	DecodedWithSpecial string    `json:"decoded_with_special"`
	Chunks             []*string `json:"chunks"`
}

type goldenEncoding struct {
	IDs         []int32   `json:"ids"`
	TypeIDs     []int32   `json:"type_ids"`
	Tokens      []string  `json:"tokens"`
	Chars       [][2]int  `json:"offsets_char"`
	Bytes       [][2]int  `json:"offsets_byte"`
	Attention   []int32   `json:"attention_mask"`
	Special     []int32   `json:"special_tokens_mask"`
	Words       []*int32  `json:"word_ids"`
	Sequences   []*int32  `json:"sequence_ids"`
	Overflowing [][]int32 `json:"overflowing_ids"`
}

type goldenTruncation struct {
	MaxLength int    `json:"max_length"`
	Stride    int    `json:"stride"`
	Strategy  string `json:"strategy"`
	Direction string `json:"direction"`
}

type goldenPadding struct {
	Direction  string `json:"direction"`
	ID         int32  `json:"pad_id"`
	TypeID     int32  `json:"pad_type_id"`
	Token      string `json:"pad_token"`
	Length     *int   `json:"length"`
	MultipleOf *int   `json:"pad_to_multiple_of"`
}

func (g *goldenTruncation) setting() *Truncation {
	if g == nil {
		return nil
	}
	t := &Truncation{MaxLength: g.MaxLength, Stride: g.Stride}
	t.Strategy = map[string]TruncationStrategy{"longest_first": LongestFirst, "only_first": OnlyFirst,
		"only_second": OnlySecond}[g.Strategy]
	if g.Direction == "left" {
		t.Direction = Left
	}
	return t
}

func (g *goldenPadding) setting() *Padding {
	if g == nil {
		return nil
	}
	p := &Padding{ID: g.ID, TypeID: g.TypeID, Token: g.Token}
	if g.Direction == "left" {
		p.Direction = Left
	}
	if g.Length != nil {
		p.Length, p.Fixed = *g.Length, true
	}
	if g.MultipleOf != nil {
		p.MultipleOf = *g.MultipleOf
	}
	return p
}

// check compares every field that the golden has.
func (g *goldenEncoding) check(e *Encoding) error {
	eq := func(name string, got, want any) error {
		if reflect.ValueOf(want).IsNil() || reflect.ValueOf(want).Len() == 0 && reflect.ValueOf(got).Len() == 0 {
			return nil
		}
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
		return nil
	}
	spans := func(s []Span) [][2]int {
		out := make([][2]int, len(s))
		for i, x := range s {
			out[i] = [2]int{x.Start, x.End}
		}
		return out
	}
	ids := func(s []*int32) []int32 {
		if s == nil {
			return nil
		}
		out := make([]int32, len(s))
		for i, x := range s {
			out[i] = -1
			if x != nil {
				out[i] = *x
			}
		}
		return out
	}
	over := [][]int32{}
	for _, o := range e.Overflowing {
		over = append(over, o.IDs)
	}
	return errors.Join(eq("ids", e.IDs, g.IDs), eq("type ids", e.TypeIDs, g.TypeIDs), eq("tokens", e.Tokens, g.Tokens),
		eq("char offsets", spans(e.CharOffsets), g.Chars), eq("byte offsets", spans(e.Offsets), g.Bytes),
		eq("attention mask", e.AttentionMask, g.Attention), eq("special mask", e.SpecialTokensMask, g.Special),
		eq("word ids", e.WordIDs, ids(g.Words)), eq("sequence ids", e.SequenceIDs, ids(g.Sequences)),
		eq("overflowing", over, g.Overflowing))
}

// checkStreamed compares the text that a stream gives of ids, to its end, with that of decode. They differ where bytes make
// U+FFFD of a character before them, which was given out.
func checkStreamed(t *Tokenizer, ids []int32, skipSpecial bool, want string) error {
	s := t.NewStream(skipSpecial)
	var got []byte
	var err error
	taken := false
	for i, id := range ids {
		if got, err = s.Append(got, id); err != nil {
			return err
		}
		text, err := t.Decode(ids[:i+1], skipSpecial)
		taken = taken || err != nil || !strings.HasPrefix(text, string(got))
	}
	if got, err = s.End(got); err != nil || string(got) != want && !(taken && strings.Contains(want, string(replacement))) {
		return fmt.Errorf("stream of %v: got %q, %v, want %q", ids, got, err, want)
	}
	return nil
}

// checkLine runs one golden line.
func checkLine(t *Tokenizer, g *goldenLine) error {
	switch g.Kind {
	case "decode":
		got, err := t.Decode(g.IDs, true)
		if err != nil || got != g.Decoded {
			return fmt.Errorf("decode: got %q, %v, want %q", got, err, g.Decoded)
		}
		if got, err = t.Decode(g.IDs, false); err != nil || got != g.DecodedWithSpecial {
			return fmt.Errorf("decode with special: got %q, %v, want %q", got, err, g.DecodedWithSpecial)
		}
		return errors.Join(checkStreamed(t, g.IDs, true, g.Decoded), checkStreamed(t, g.IDs, false, g.DecodedWithSpecial))
	case "stream":
		s := t.NewStream(true)
		for i, id := range g.IDs {
			chunk, err := s.Append(nil, id)
			if err != nil {
				return err
			}
			if want := g.Chunks[i]; (len(chunk) > 0) != (want != nil) || want != nil && string(chunk) != *want {
				return fmt.Errorf("stream, id %d of %v: got %q", i, g.IDs, chunk)
			}
		}
		return nil
	case "batch":
		list, err := t.EncodeBatch(g.Texts, Options{Truncation: g.Truncation.setting(), Padding: g.Padding.setting()})
		if err != nil {
			return err
		}
		for i, e := range list {
			if err := g.Results[i].check(e); err != nil {
				return fmt.Errorf("text %d of the batch: %w", i, err)
			}
		}
		return nil
	}
	o := Options{Truncation: g.Truncation.setting()}
	e, err := t.encode(g.Text, g.Pair, &o)
	if g.Error != "" {
		if err == nil {
			return fmt.Errorf("no error, want %q", g.Error)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := g.check(e); err != nil {
		return err
	}
	if g.Pair == nil && g.Truncation == nil {
		ids, err := t.AppendIDs(nil, g.Text, 0)
		if err != nil || !slices.Equal(ids, e.IDs) {
			return fmt.Errorf("AppendIDs: got %v, %v", ids, err)
		}
		text, err := t.Decode(e.IDs, true)
		if err != nil || text != g.Decoded {
			return fmt.Errorf("decoded: got %q, %v, want %q", text, err, g.Decoded)
		}
		for _, n := range []int{3, 4, 7, 16} {
			// The direct path cuts as Encode does.
			ids, err := t.AppendIDs(nil, g.Text, n)
			e, encErr := t.Encode(g.Text, Options{Truncation: &Truncation{MaxLength: n}})
			if (err != nil) != (encErr != nil) || err == nil && !slices.Equal(ids, e.IDs) {
				return fmt.Errorf("AppendIDs cut to %d: got %v, %v, Encode has %v", n, ids, err, encErr)
			}
		}
	}
	if g.IDsPlain != nil {
		e, err := t.encode(g.Text, g.Pair, &Options{NoSpecialTokens: true})
		if err != nil || !slices.Equal(e.IDs, g.IDsPlain) {
			return fmt.Errorf("plain ids: got %v, %v, want %v", e.IDs, err, g.IDsPlain)
		}
	}
	return nil
}

func readMaybeGzip(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return gunzip(t, path+".gz")
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func gunzip(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if _, err := bufio.NewReader(z).WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return []byte(out.String())
}

// runGoldens checks all sets below dir: files/<name>/tokenizer.json with cases/<name>.jsonl.gz.
func runGoldens(t *testing.T, dir string) {
	cases, err := filepath.Glob(filepath.Join(dir, "cases", "*.jsonl.gz"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no goldens in %s: %v", dir, err)
	}
	sets, lines := 0, 0
	for _, path := range cases {
		name := strings.TrimSuffix(filepath.Base(path), ".jsonl.gz")
		if strings.HasPrefix(name, "components-") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			tok, err := Parse(readMaybeGzip(t, filepath.Join(dir, "files", name, "tokenizer.json")))
			if err != nil {
				t.Fatal(err)
			}
			bad := 0
			for i, line := range strings.Split(strings.TrimSpace(string(gunzip(t, path))), "\n") {
				var g goldenLine
				if err := json.Unmarshal([]byte(line), &g); err != nil {
					t.Fatal(err)
				}
				lines++
				if err := checkLine(tok, &g); err != nil {
					if bad++; bad <= 3 {
						t.Errorf("line %d (%s) %q: %v", i+1, g.Kind, g.Text, err)
					}
				}
			}
			if bad > 0 {
				t.Errorf("%d lines differ", bad)
			}
			sets++
		})
	}
	t.Logf("%d sets, %d lines", sets, lines)
}

// TestGolden runs over the data that testdata/make.py made.
func TestGolden(t *testing.T) {
	runGoldens(t, "testdata")
	runComponents(t, "testdata", "normalizers", checkNormalizer)
	runComponents(t, "testdata", "pretokenizers", checkPreTokenizer)
	runComponents(t, "testdata", "decoders", checkDecoder)
}

// TestGoldenAll runs over the whole reference data, where it is.
func TestGoldenAll(t *testing.T) {
	dir := os.Getenv("GODWIT_GOLDEN")
	if dir == "" {
		t.Skip("GODWIT_GOLDEN names no folder of reference data")
	}
	runGoldens(t, filepath.Join(dir, "tokenizers"))
}

// componentLine is one component with its inputs and outputs.
type componentLine struct {
	Name      string               `json:"name"`
	Component json.RawMessage      `json:"component"`
	Cases     [][2]json.RawMessage `json:"cases"`
}

// runComponents checks cases/components-<kind>.jsonl.gz below dir; build makes the check of a component.
func runComponents(t *testing.T, dir, kind string, build func(node) (func(in, out json.RawMessage) error, error)) {
	path := filepath.Join(dir, "cases", "components-"+kind+".jsonl.gz")
	for _, line := range strings.Split(strings.TrimSpace(string(gunzip(t, path))), "\n") {
		var c componentLine
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		t.Run(kind+"/"+c.Name, func(t *testing.T) {
			check, err := build(node{raw: c.Component})
			if err != nil {
				t.Fatal(err)
			}
			bad := 0
			for _, k := range c.Cases {
				if err := check(k[0], k[1]); err != nil {
					if bad++; bad <= 3 {
						t.Errorf("%s: %v", k[0], err)
					}
				}
			}
			if bad > 0 {
				t.Errorf("%d of %d cases differ", bad, len(c.Cases))
			}
		})
	}
}

func checkNormalizer(n node) (func(in, out json.RawMessage) error, error) {
	c, err := buildNormalizer(new(builder), n)
	return func(in, out json.RawMessage) error {
		var input, want string
		if err := errors.Join(json.Unmarshal(in, &input), json.Unmarshal(out, &want)); err != nil {
			return err
		}
		for _, track := range []bool{true, false} {
			t := text{track: track}
			t.reset(input, 0)
			if err := c.normalize(&t); err != nil {
				return err
			}
			if string(t.b) != want || track && len(t.a) != len(t.b) {
				return fmt.Errorf("got %q, want %q", t.b, want)
			}
		}
		return nil
	}, err
}

func checkPreTokenizer(n node) (func(in, out json.RawMessage) error, error) {
	c, err := buildPreTokenizer(new(builder), n)
	tok := &Tokenizer{preTokenizer: c, added: &addedVocab{}}
	s := &state{text: text{track: true}}
	return func(in, out json.RawMessage) error {
		var input string
		var want [][3]json.RawMessage
		if err := errors.Join(json.Unmarshal(in, &input), json.Unmarshal(out, &want)); err != nil {
			return err
		}
		if err := tok.prepare(s, input, false); err != nil {
			return err
		}
		if len(s.pieces.list) != len(want) {
			return fmt.Errorf("got %d pieces, want %s", len(s.pieces.list), out)
		}
		for i, p := range s.pieces.list {
			var piece string
			var chars, bytes [2]int
			if err := errors.Join(json.Unmarshal(want[i][0], &piece), json.Unmarshal(want[i][1], &chars),
				json.Unmarshal(want[i][2], &bytes)); err != nil {
				return err
			}
			got, gotChars := []Span{{int(p.orig.lo), int(p.orig.hi)}}, make([]Span, 1)
			charOffsets(input, got, gotChars)
			if string(s.pieces.bytes(p)) != piece || got[0] != (Span{bytes[0], bytes[1]}) ||
				gotChars[0] != (Span{chars[0], chars[1]}) {
				return fmt.Errorf("piece %d: got %q %v %v, want %q %v %v", i, s.pieces.bytes(p), got, gotChars, piece,
					bytes, chars)
			}
		}
		return nil
	}, err
}

func checkDecoder(n node) (func(in, out json.RawMessage) error, error) {
	c, err := buildDecoder(new(builder), n)
	return func(in, out json.RawMessage) error {
		var input []string
		var want string
		if err := errors.Join(json.Unmarshal(in, &input), json.Unmarshal(out, &want)); err != nil {
			return err
		}
		var d decoding
		for _, s := range input {
			d.tokens = append(d.tokens, []byte(s))
		}
		err := c.decode(&d)
		if s := string(bytes.Join(d.tokens, nil)); err != nil || s != want {
			return fmt.Errorf("got %q, %v, want %q", s, err, want)
		}
		return nil
	}, err
}

func TestGoldenComponents(t *testing.T) {
	dir := os.Getenv("GODWIT_GOLDEN")
	if dir == "" {
		t.Skip("GODWIT_GOLDEN names no folder of reference data")
	}
	dir = filepath.Join(dir, "tokenizers")
	runComponents(t, dir, "normalizers", checkNormalizer)
	runComponents(t, dir, "pretokenizers", checkPreTokenizer)
	runComponents(t, dir, "decoders", checkDecoder)
}
