package search

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// words counts words: a tokenizer that a test can be read against.
func words(s string) int { return len(strings.Fields(s)) }

func show(text string, ps []Passage) string {
	var b strings.Builder
	for _, p := range ps {
		fmt.Fprintf(&b, "%d-%d [%s] %q\n", p.Line, p.EndLine, p.Heading, text[p.Start:p.End])
	}
	return b.String()
}

func TestSplit(t *testing.T) {
	tests := []struct {
		name        string
		kind        Kind
		target, max int
		text, want  string
	}{
		{"empty", Markdown, 8, 20, "", ""},
		{"white space only", Plain, 8, 20, " \n\n\t\n", ""},
		{"paragraphs are joined up to the target", Plain, 8, 20,
			"one two three\n\nfour five\nsix\n\n\nseven eight nine\n",
			`1-4 [] "one two three\n\nfour five\nsix"` + "\n" + `7-7 [] "seven eight nine"` + "\n"},
		{"a longer paragraph stays whole", Plain, 2, 20, "a b\n\nc d e f\ng h\n\ni", `1-1 [] "a b"` + "\n" +
			`3-4 [] "c d e f\ng h"` + "\n" + `6-6 [] "i"` + "\n"},
		{"a paragraph over the limit is cut at lines", Plain, 8, 8, "a b c\nd e f\ng h i\nj\r\n", `1-2 [] "a b c\nd e f"` + "\n" +
			`3-4 [] "g h i\nj"` + "\n"},
		{"a line over the limit is cut at sentences, then words", Plain, 8, 8, "a b c d. e f g h? i j k l m n o p q r\n",
			`1-1 [] "a b c d. e f g h?"` + "\n" + `1-1 [] "i j k l m n o p"` + "\n" + `1-1 [] "q r"` + "\n"},
		{"headings", Markdown, 30, 60, "intro\n# Guide #\nhello\n\n## Cancel\n\nstop it\n\n## Empty\n## Next\nmore\n# Last\n",
			`1-1 [] "intro"` + "\n" + `3-3 [Guide] "hello"` + "\n" + `7-7 [Guide > Cancel] "stop it"` + "\n" +
				`9-9 [Guide] "## Empty"` + "\n" + `11-11 [Guide > Next] "more"` + "\n" + `12-12 [] "# Last"` + "\n"},
		{"underlined headings", Markdown, 30, 60, "Guide\n=====\nhello\n\nCancel\n------\nstop\n\n- item\n---\nafter\n",
			`3-3 [Guide] "hello"` + "\n" + `7-11 [Guide > Cancel] "stop\n\n- item\n---\nafter"` + "\n"},
		{"a # in code is no heading", Markdown, 30, 60, "# A\n```sh\n# comment\n\nrun\n```\nafter\n",
			`2-7 [A] "` + "```sh\\n# comment\\n\\nrun\\n```\\nafter" + `"` + "\n"},
		{"a # in plain text is no heading", Plain, 30, 60, "# A\nb\n", `1-2 [] "# A\nb"` + "\n"},
		{"a long heading is left out", Markdown, 9, 9, "# a b c d e f\nx\n", `2-2 [] "x"` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := show(tt.text, Splitter{Count: words, Target: tt.target, Max: tt.max}.Split(tt.text, tt.kind))
			if got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// FuzzSplit checks what Splitter promises of any text: passages in order and apart, on character boundaries, with true
// line numbers, within the limit, and nothing but white space and headings left out.
func FuzzSplit(f *testing.F) {
	f.Add("# A\n\ntext. More text!\n```\ncode\n\n", uint8(9), true)
	f.Add(strings.Repeat("word ", 50)+strings.Repeat("\u4e16\u754c\u3002", 40), uint8(12), false)
	f.Add("a\nb\n===\n\n\n- c\n---\n~~~\n", uint8(0), true)
	f.Fuzz(func(t *testing.T, text string, limit uint8, markdown bool) {
		if len(text) > 1<<12 {
			return
		}
		kind := Plain
		if markdown {
			kind = Markdown
		}
		// A token a byte is the finest a tokenizer goes.
		count := func(s string) int { return len(s) }
		s := Splitter{Count: count, Target: int(limit) / 2, Max: int(limit)}
		at, sum := 0, 0
		for _, p := range s.Split(text, kind) {
			if p.Start < at || p.End <= p.Start || p.End > len(text) {
				t.Fatalf("passage %+v after byte %d of %d", p, at, len(text))
			}
			at = p.End
			if got := 1 + strings.Count(text[:p.Start], "\n"); got != p.Line {
				t.Fatalf("passage %+v begins on line %d", p, got)
			}
			if got := 1 + strings.Count(text[:p.End], "\n"); got != p.EndLine {
				t.Fatalf("passage %+v ends on line %d", p, got)
			}
			if utf8.ValidString(text) && !utf8.ValidString(text[p.Start:p.End]) {
				t.Fatalf("passage %+v cuts a character: %q", p, text[p.Start:p.End])
			}
			sum += len(strings.Join(strings.Fields(text[p.Start:p.End]), ""))
		}
		if kind == Plain && sum != len(strings.Join(strings.Fields(text), "")) {
			t.Fatalf("%d of %d bytes are in a passage", sum, len(text))
		}
	})
}
