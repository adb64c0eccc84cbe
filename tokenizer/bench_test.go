package tokenizer

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// benchTokenizer is all-MiniLM-L6-v2's where the reference data is, else a small BERT tokenizer.
func benchTokenizer(b testing.TB) *Tokenizer {
	b.Helper()
	tok, err := Parse(benchFile(b))
	if err != nil {
		b.Fatal(err)
	}
	return tok
}

func benchFile(b testing.TB) []byte {
	if dir := os.Getenv("GODWIT_GOLDEN"); dir != "" {
		return readMaybeGzip(b, filepath.Join(dir, "tokenizers", "files", "all-minilm", "tokenizer.json"))
	}
	return readMaybeGzip(b, filepath.Join("testdata", "files", "bert-lower", "tokenizer.json"))
}

// benchLines are the lines of GODWIT_TEXT, or of the project's licence.
func benchLines(b testing.TB) []string {
	b.Helper()
	path := os.Getenv("GODWIT_TEXT")
	if path == "" {
		path = filepath.Join("..", "LICENSE")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func total(lines []string) int64 {
	n := 0
	for _, s := range lines {
		n += len(s)
	}
	return int64(n)
}

func BenchmarkAppendIDs(b *testing.B) {
	tok, lines := benchTokenizer(b), benchLines(b)
	b.SetBytes(total(lines))
	b.ReportAllocs()
	var ids []int32
	for b.Loop() {
		for _, s := range lines {
			ids, _ = tok.AppendIDs(ids[:0], s, 512)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	tok, lines := benchTokenizer(b), benchLines(b)
	b.SetBytes(total(lines))
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range lines {
			if _, err := tok.Encode(s, Options{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	tok, lines := benchTokenizer(b), benchLines(b)
	ids, err := tok.AppendIDs(nil, strings.Join(lines, " "), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(total(lines))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tok.Decode(ids, true); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	data := benchFile(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

// TestCompare is the Go side of bench/tokenizer.py: for each line on its standard input it encodes GODWIT_TEXT once
// with Encode and once with AppendIDs, and prints both times in seconds.
func TestCompare(t *testing.T) {
	dir := os.Getenv("GODWIT_COMPARE")
	if dir == "" {
		t.Skip("GODWIT_COMPARE is not set: run bench/tokenizer.py")
	}
	tok, err := Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	lines := benchLines(t)
	var ids []int32
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		start := time.Now()
		for _, s := range lines {
			if _, err := tok.Encode(s, Options{}); err != nil {
				t.Fatal(err)
			}
		}
		middle := time.Now()
		for _, s := range lines {
			if ids, err = tok.AppendIDs(ids[:0], s, 0); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Printf("compare %.9f %.9f\n", middle.Sub(start).Seconds(), time.Since(middle).Seconds())
	}
}
