package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// story is how the model inside the binary goes on after "Once upon a time", by its likeliest tokens.
const story = ", he had been a great deal of the world,"

func TestGenerate(t *testing.T) {
	if embeddedTextModel() == nil {
		t.Skip("built without the model tiny")
	}
	for _, c := range []struct{ stdin, args, want string }{
		{"", "--greedy|-n|12|Once upon a time", story + "\n"},
		{"", "--temperature|0|-n|12|Once upon a time", story + "\n"},
		{"Once upon a time\n", "--greedy|-n|12", story + "\n"},
		{"", "--greedy|--echo|--stop|great deal|Once upon a time", "Once upon a time, he had been a \n"},
		{"", "--seed|1|-n|3|--samples|2|Once upon a time", " it would be\n, for they\n"},
		{"", "--greedy|-n|3|--logit-bias|12=-100|Once upon a time", ".\n\"\n"},
		{"", "--seed|3|-n|40|--samples|3|--echo|--stop|,|Once upon a time",
			"Once upon a time\nOnce upon a time he had heard of the public led \"Now\nOnce upon a time\n"},
		{"", "--seed|1|-n|12|--bf16-cache|Once upon a time", " it would be, for he was in his own way.\n"},
		{"", "--greedy|-n|12|--prefill-chunk|1|Once upon a time", story + "\n"},
		{"", "--greedy|-n|0|--context-length|12|--jsonl|Once upon a time",
			`{"prompt":"Once upon a time","sample":0,"text":", he had been a great","ids":[12,281,337,465,259,513],"finish":"context"}` + "\n"},
		{"", "--greedy|-n|5|--logit-bias|0=100|Once upon a time", "\n"},
		{"", "--greedy|-n|5|--logit-bias|0=100|--show-special-tokens|Once upon a time", "<|endoftext|>\n"},
		{`{"text": "Once upon a time"}` + "\n", "--input|jsonl|--jsonl|--greedy|-n|4",
			`{"prompt":"Once upon a time","sample":0,"text":", he had been","ids":[12,281,337,465],"finish":"length"}` + "\n"},
	} {
		if got := must(t, c.stdin, append([]string{"generate"}, strings.Split(c.args, "|")...)...); got != c.want {
			t.Errorf("generate %s: %q, want %q", c.args, got, c.want)
		}
	}
	var lines []generated
	out := must(t, "", "generate", "--json", "--greedy", "-n", "2", "--logprobs", "3", "Once upon a time")
	if err := json.Unmarshal([]byte(out), &lines); err != nil || len(lines) != 1 {
		t.Fatalf("%s: %v", out, err)
	}
	if l := lines[0]; len(l.Logprobs) != 2 || len(l.Top) != 2 || len(l.Top[0]) != 3 || l.Top[0][0].Token != "," ||
		l.Top[0][0].Logprob != l.Logprobs[0] || !(l.Top[0][1].Logprob < l.Logprobs[0]) {
		t.Errorf("%+v", l)
	}
}

// A lookingAway is a context that is done when it has been looked at often enough.
type lookingAway struct {
	context.Context
	left int
}

// Err implements [context.Context].
func (c *lookingAway) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestGenerateInterrupted: Ctrl-C leaves what came of all samples, and of the prompts before.
func TestGenerateInterrupted(t *testing.T) {
	if embeddedTextModel() == nil {
		t.Skip("built without the model tiny")
	}
	const lines = `{"prompt":"Once upon a time","sample":0,"text":" it would ","ids":[311,494,301],"finish":"stop","stop":"be"}
{"prompt":"Once upon a time","sample":1,"text":", for they are fine, and","ids":[12,336,358,459,272,609,12,269],"finish":"interrupted"}
{"prompt":"Once upon a time","sample":2,"text":", he was met with a","ids":[12,281,306,276,334,340,259],"finish":"interrupted"}
`
	const texts = "Once upon a time it would \nOnce upon a time, for they are fine, and\nOnce upon a time, he was met with a\n"
	for _, c := range []struct{ flag, want string }{{"--echo", texts}, {"--jsonl", lines}, {"--json", lines}} {
		var out, errs bytes.Buffer
		con := &console{in: strings.NewReader(""), out: bufio.NewWriter(&out), err: &errs, width: 80}
		ctx := &lookingAway{t.Context(), 19}
		code := run(ctx, con, []string{"generate", "--seed", "1", "--stop", "be", "-n", "200", "--samples", "3", c.flag, "Once upon a time"})
		got := out.String()
		if c.flag == "--json" {
			var list []generated
			if err := json.Unmarshal(out.Bytes(), &list); err != nil {
				t.Fatal(err)
			}
			got = ""
			for _, g := range list {
				line, err := json.Marshal(g)
				if err != nil {
					t.Fatal(err)
				}
				got += string(line) + "\n"
			}
		}
		if code != 1 || errs.String() != "godwit: interrupted\n" || got != c.want {
			t.Errorf("%s: exit code %d, %s\ngot  %s\nwant %s", c.flag, code, errs.String(), got, c.want)
		}
	}
}

func TestPerplexity(t *testing.T) {
	if embeddedTextModel() == nil {
		t.Skip("built without the model tiny")
	}
	const text = "Once upon a time there was a king."
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const want = "perplexity 29.6165 of 10 tokens (mean NLL 3.38833)\n"
	for _, args := range [][]string{{text}, {"--file", path}, {"--window", "11", text}} {
		if got := must(t, "", append([]string{"perplexity"}, args...)...); got != want {
			t.Errorf("perplexity %q: %q, want %q", args, got, want)
		}
	}
	if got := must(t, "", "perplexity", "the king"); !strings.HasPrefix(got, "perplexity ") || !strings.Contains(got, " of 1 token (") {
		t.Errorf("perplexity of two tokens: %q", got)
	}
	var line perplexityLine
	out := must(t, text, "perplexity", "--jsonl")
	if err := json.Unmarshal([]byte(out), &line); err != nil || len(line.IDs) != 11 || len(line.NLL) != 10 {
		t.Errorf("%s: %v", out, err)
	}
}
