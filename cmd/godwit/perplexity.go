package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit/generate"
)

func perplexityCommand(io *console) *cobra.Command {
	p := &perplexity{console: io}
	p.inside = embeddedTextModel
	c := &cobra.Command{
		Use:   "perplexity [TEXT...]",
		Short: "Say how well a model predicts texts",
		Long: `perplexity prints, for each text, the perplexity of a model: e to the power of the mean of -log p of each
token but the first, in view of those before it. Texts are the arguments, or the files given by --file, each
of them one, or all of standard input; with --input jsonl each line of those is an object with a "text".

A text of more than --window tokens is read in windows that begin --stride tokens apart; each token counts
once.

With --jsonl the output is a JSON object a line for each text: perplexity, mean_nll, ids, and nll, which holds
-log p of each id but the first.`,
		Example: `  godwit perplexity --model ./SmolLM2-135M --file chapter.txt
  godwit perplexity --model ./SmolLM2-135M --jsonl "a sentence" "another"`,
		RunE: p.run,
	}
	p.modelFlags.add(c, true)
	c.Flags().StringArrayVarP(&p.files, "file", "f", nil, "read a text from this file, - is standard input (may be repeated)")
	c.Flags().StringVar(&p.input, "input", "text", "what the input is: text, or jsonl")
	c.Flags().IntVar(&p.options.Window, "window", 0, "tokens that are read together, 0 for the model's context")
	c.Flags().IntVar(&p.options.Stride, "stride", 0, "tokens from the begin of a window to that of the next, 0 for half a window")
	c.Flags().BoolVar(&p.jsonl, "jsonl", false, "write a JSON object a line for each text, as they are done")
	return c
}

type perplexity struct {
	*console
	modelFlags
	files   []string
	input   string
	options generate.ScoreOptions
	jsonl   bool
}

// perplexityLine is the line of a text.
type perplexityLine struct {
	Perplexity float64   `json:"perplexity"`
	Mean       float64   `json:"mean_nll"`
	IDs        []int32   `json:"ids"`
	NLL        []float64 `json:"nll"`
}

func (p *perplexity) run(c *cobra.Command, args []string) error {
	if p.input != "text" && p.input != "jsonl" {
		return usagef("--input is %q, must be text or jsonl", p.input)
	}
	if p.options.Window < 0 || p.options.Stride < 0 {
		return usagef("--window and --stride are %d and %d, must not be less than 0", p.options.Window, p.options.Stride)
	}
	texts, err := p.whole(args, p.files, p.input == "jsonl")
	if err != nil {
		return err
	}
	m, err := p.open()
	if err != nil {
		return err
	}
	defer m.Close()
	if m.Info().ContextLength == 0 { // it is no decoder: no text is waited for
		return m.NewSession().Err()
	}
	p.options.Progress = func(done, total int) { p.progress("%d of %d tokens", done, total) }
	list := []perplexityLine{} // of --json
	for text, err := range texts {
		if err != nil {
			return err
		}
		r, err := m.Perplexity(c.Context(), text, p.options)
		if err != nil {
			return err
		}
		p.progressDone()
		switch line := (perplexityLine{r.Value, r.Mean, r.IDs, r.NLL}); {
		case p.jsonl:
			err = errors.Join(writeLine(p.out, line), p.out.Flush())
		case p.json:
			list = append(list, line)
		default:
			_, err = fmt.Fprintf(p.out, "perplexity %.4f of %s (mean NLL %.5f)\n", r.Value, tokens(len(r.NLL)), r.Mean)
		}
		if err != nil {
			return err
		}
	}
	if p.json && !p.jsonl {
		return p.writeJSON(list)
	}
	return nil
}
