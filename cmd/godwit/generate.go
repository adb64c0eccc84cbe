package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit"
)

func generateCommand(io *console) *cobra.Command {
	g := &generateText{console: io}
	g.inside = embeddedTextModel
	c := &cobra.Command{
		Use:   "generate [PROMPT...]",
		Short: "Continue texts",
		Long: `generate continues each prompt and prints the text as it comes. Prompts are the arguments, or the files given
by --file, each of them one, or all of standard input; with --input jsonl each line of those is an object with
a "text".

How tokens are chosen is up to the model's generation_config.json, where there is one; the flags change it.
Without --seed, a model that draws tokens writes another text each time.

With --jsonl the output is a JSON object a line for each text, with the ids of its tokens and the reason for
which it ended: eos (the model ended it), stop, length, context, or interrupted: Ctrl-C ends the command, and
what came of the texts until then is written.`,
		Example: `  godwit generate "Once upon a time"
  godwit generate --model ./SmolLM2-135M --seed 1 --temperature 0.8 --max-new-tokens 100 "The lighthouse"
  godwit generate --model ./SmolLM2-135M --greedy --stop $'\n\n' < prompt.txt
  godwit generate --model ./SmolLM2-135M --input jsonl --jsonl --temperature 1 --samples 3 < prompts.jsonl`,
		RunE: g.run,
	}
	g.modelFlags.add(c, true)
	g.samplingFlags.add(c, "256")
	c.Flags().StringArrayVarP(&g.files, "file", "f", nil, "read a prompt from this file, - is standard input (may be repeated)")
	c.Flags().StringVar(&g.input, "input", "text", "what the input is: text, or jsonl")
	c.Flags().IntVar(&g.samples, "samples", 1, "how many texts to write for each prompt; more than one need tokens that are drawn")
	c.Flags().BoolVar(&g.plain, "no-special-tokens", false, "leave out the special tokens around a prompt, for one that has its own")
	c.Flags().BoolVar(&g.echo, "echo", false, "print the prompt before its continuation")
	c.Flags().IntVar(&g.logprobs, "logprobs", -1, "with --jsonl, add the tokens' logarithms of probability, and those of that many of the likeliest")
	c.Flags().BoolVar(&g.jsonl, "jsonl", false, "write a JSON object a line for each text, as they are done")
	return c
}

type generateText struct {
	*console
	modelFlags
	samplingFlags
	files             []string
	input             string
	samples, logprobs int
	echo, jsonl       bool
	plain             bool
}

// generated is the line of a text.
type generated struct {
	Prompt   string    `json:"prompt"`
	Sample   int       `json:"sample"`
	Text     string    `json:"text"`
	IDs      []int32   `json:"ids"`
	Finish   string    `json:"finish"`
	Stop     string    `json:"stop,omitempty"`
	Logprobs []float64 `json:"logprobs,omitempty"`
	Top      [][]top   `json:"top_logprobs,omitempty"`
}

// top is a token that could have come.
type top struct {
	ID      int32   `json:"id"`
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
}

func (g *generateText) run(c *cobra.Command, args []string) error {
	opts, err := g.options(c)
	switch {
	case err != nil:
		return err
	case g.input != "text" && g.input != "jsonl":
		return usagef("--input is %q, must be text or jsonl", g.input)
	case g.samples < 1:
		return usagef("--samples is %d, less than 1", g.samples)
	case g.logprobs < -1:
		return usagef("--logprobs is %d, less than 0", g.logprobs)
	case g.logprobs >= 0 && !g.jsonl && !g.json:
		return usagef("--logprobs needs --jsonl")
	}
	prompts, err := g.whole(args, g.files, g.input == "jsonl")
	if err != nil {
		return err
	}
	m, err := g.open()
	if err != nil {
		return err
	}
	defer m.Close()
	opts = append(opts, godwit.WithSamples(g.samples))
	if g.plain {
		opts = append(opts, godwit.WithPlainPrompt())
	}
	if g.logprobs >= 0 {
		opts = append(opts, godwit.WithLogprobs(g.logprobs))
	}
	if g.errTerm {
		opts = append(opts, godwit.WithPromptProgress(func(done, total int) {
			if total > 512 {
				g.progress("prompt: %d of %d tokens", done, total)
			}
		}))
	}
	s := m.NewSession(opts...)
	if err := s.Err(); err != nil {
		return err
	}
	list := []generated{} // of --json
	err = g.texts(c.Context(), m, s, prompts, &list)
	if g.json && !g.jsonl && (err == nil || len(list) > 0) {
		err = errors.Join(g.writeJSON(list), err)
	}
	return err
}

// texts continues the prompts. What --json writes is appended to list; with an error, it is what came until then.
func (g *generateText) texts(ctx context.Context, m *godwit.Model, s *godwit.Session, prompts iter.Seq2[string, error],
	list *[]generated) error {
	for prompt, err := range prompts {
		if err != nil {
			return err
		}
		speed := speedometer{start: time.Now()}
		tokens := speed.count(s.Generate(ctx, prompt))
		switch {
		case g.jsonl:
			texts, ended := g.lines(m, prompt, tokens)
			for _, t := range texts {
				if err := errors.Join(writeLine(g.out, t), g.out.Flush()); err != nil {
					return err
				}
			}
			err = ended
		case g.json:
			var texts []generated
			texts, err = g.lines(m, prompt, tokens)
			*list = append(*list, texts...)
		default:
			err = g.stream(prompt, tokens)
		}
		if err != nil {
			return err
		}
		speed.show(g.console)
	}
	return nil
}

// stream prints the texts one after the other, each with a newline at its end: the first as it comes, and what came of the next
// meanwhile when that is done. With an error, what came of all is printed.
func (g *generateText) stream(prompt string, tokens iter.Seq2[godwit.Token, error]) error {
	var waiting []sampleText
	current, begun := 0, false // the sample that is printed, and whether something is there of it
	show := func(text string, done bool) {
		if !begun && g.echo {
			fmt.Fprint(g.out, g.shown(prompt))
		}
		fmt.Fprint(g.out, g.shown(text))
		if begun = !done; done {
			fmt.Fprintln(g.out)
			current++
		}
	}
	for t, err := range tokens {
		if err != nil {
			if begun {
				show("", true)
			}
			for current < len(waiting) {
				show(string(waiting[current].text), true)
			}
			return err
		}
		g.progressDone()
		for t.Sample >= len(waiting) {
			waiting = append(waiting, sampleText{})
		}
		if w := &waiting[t.Sample]; t.Sample > current {
			w.text, w.done = append(w.text, t.Text...), t.Finish != ""
			continue
		}
		show(t.Text, t.Finish != "")
		for !begun && current < len(waiting) && (waiting[current].done || len(waiting[current].text) > 0) {
			show(string(waiting[current].text), waiting[current].done)
		}
		if err := g.out.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// sampleText is what has come of a sample.
type sampleText struct {
	text []byte
	done bool
}

// shown returns a text that may go to the output: what would steer a terminal is shown there, not obeyed.
func (g *generateText) shown(text string) string {
	if !g.outTerm {
		return text
	}
	var b strings.Builder
	for i, line := range strings.SplitAfter(text, "\n") {
		if i > 0 && line == "" {
			continue
		}
		body, newline := strings.CutSuffix(line, "\n")
		b.WriteString(printable(body))
		if newline {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// lines collects the texts of a prompt. With an error, they are what came until then.
func (g *generateText) lines(m *godwit.Model, prompt string, tokens iter.Seq2[godwit.Token, error]) ([]generated, error) {
	tok, err := m.Tokenizer()
	if err != nil {
		return nil, err
	}
	all, ended := godwit.Completions(tokens)
	list := make([]generated, len(all))
	for i, t := range all {
		l := generated{Prompt: prompt, Sample: i, Text: t.Text, IDs: []int32{}, Finish: cmp.Or(string(t.Finish), interrupted),
			Stop: t.Stop}
		for _, k := range t.Tokens {
			l.IDs = append(l.IDs, k.ID)
			if g.logprobs < 0 {
				continue
			}
			l.Logprobs = append(l.Logprobs, k.Logprob)
			if g.logprobs > 0 {
				likely := []top{}
				for _, o := range k.Top {
					text, _ := tok.IDToToken(o.ID)
					likely = append(likely, top{o.ID, text, o.Logprob})
				}
				l.Top = append(l.Top, likely)
			}
		}
		list[i] = l
	}
	return list, ended
}

// A speedometer counts tokens and the time they take: the first, with the prompt, and the others.
type speedometer struct {
	start, first time.Time
	tokens       int
}

// count passes tokens on.
func (s *speedometer) count(tokens iter.Seq2[godwit.Token, error]) iter.Seq2[godwit.Token, error] {
	return func(yield func(godwit.Token, error) bool) {
		for t, err := range tokens {
			if s.tokens++; s.tokens == 1 {
				s.first = time.Now()
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// show tells the speed to a user at a terminal.
func (s *speedometer) show(c *console) {
	if !c.errTerm || s.tokens < 2 {
		return
	}
	c.note("%d tokens, %.1f a second; the first after %.2f s", s.tokens, float64(s.tokens-1)/time.Since(s.first).Seconds(),
		s.first.Sub(s.start).Seconds())
}

// whole returns the texts that a command is to work on, newlines and all: its arguments, or files ("-" is standard input), or
// standard input if there are neither. A newline at the end of a file is not part of the text.
func (c *console) whole(args, files []string, jsonl bool) (iter.Seq2[string, error], error) {
	if len(args) > 0 || jsonl {
		records, err := c.input(args, files, jsonl)
		if err != nil {
			return nil, err
		}
		return func(yield func(string, error) bool) {
			for rec, err := range records {
				if err == nil && rec.Text == nil {
					continue // a pause
				}
				text := ""
				if err == nil {
					text = *rec.Text
				}
				if !yield(text, err) {
					return
				}
			}
		}, nil
	}
	if len(files) == 0 {
		files = []string{"-"}
	}
	return func(yield func(string, error) bool) {
		for _, name := range files {
			if !yield(c.readWhole(name)) {
				return
			}
		}
	}, nil
}

// readWhole returns a file's text without the newline at its end.
func (c *console) readWhole(name string) (string, error) {
	r, shown := c.in, "standard input"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, unpath(err))
		}
		defer f.Close()
		r, shown = f, name
	} else if c.inTerm {
		c.note("reading a text from the terminal; Ctrl-D on an empty line ends it")
	}
	data, err := io.ReadAll(io.LimitReader(r, maxLine+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", shown, unpath(err))
	case len(data) > maxLine:
		return "", fmt.Errorf("%s: longer than %d MiB", shown, maxLine>>20)
	case !utf8.Valid(data):
		return "", fmt.Errorf("%s: not valid UTF-8", shown)
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), nil
}
