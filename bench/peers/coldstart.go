package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/godwit-ml/godwit"
)

// phases is the engine that times itself.
const phases = "phases"

// sentence is what a fresh process embeds, or continues.
const sentence = "The quick brown fox jumps over the lazy dog."

// coldstart times fresh processes from their start to the first line of output, their first embedding or first token, taking
// turns, with warm page caches and each engine's default number of threads. The first round does not count. Of decoders, lines
// marked "start alone" tell what a process costs that loads no model, and a second table what takes how long within a process.
func (o *options) coldstart() error {
	binary, remove, err := buildGodwit()
	if err != nil {
		return err
	}
	defer remove()
	var subjects []*subject
	if o.family == decoderCells {
		subjects = o.decoderStarts(binary)
	} else {
		subjects = o.encoderStarts(binary)
	}
	for round := range o.rounds + 1 {
		for _, s := range subjects {
			ms, mib, said, err := fresh(s.argv)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if round > 0 {
				s.ms, s.mib = append(s.ms, ms), append(s.mib, mib)
				s.phase(said)
			}
		}
		slices.Reverse(subjects)
	}
	slices.SortFunc(subjects, func(a, b *subject) int { return strings.Compare(a.name, b.name) })
	fmt.Printf("Start of the process to its first result, %d rounds. Machine: %s.\n\n", o.rounds, machine())
	fmt.Print("| | minimum ms | median ms | peak resident MiB |\n|---|---|---|---|\n")
	for _, s := range subjects {
		fmt.Printf("| %s | %.0f | %.0f | %.0f |\n", s.name, slices.Min(s.ms), median(s.ms), median(s.mib))
	}
	for _, s := range subjects {
		for i, name := range s.phases {
			if i == 0 {
				fmt.Printf("\n| %s | minimum ms | median ms |\n|---|---|---|\n", s.name)
			}
			fmt.Printf("| %s | %.0f | %.0f |\n", name, slices.Min(s.took[i]), median(s.took[i]))
		}
	}
	return nil
}

// servePhases is a process that times itself on the way to its first token.
func servePhases(model string) error {
	begun := time.Now()
	m, err := godwit.Open(model)
	if err != nil {
		return err
	}
	defer m.Close()
	opened := time.Now()
	var prefilled time.Time
	text, err := godwit.Text(m.Generate(context.Background(), sentence, godwit.WithGreedy(), godwit.WithMaxTokens(1),
		godwit.WithPromptProgress(func(int, int) { prefilled = time.Now() })))
	if err != nil {
		return err
	}
	fmt.Printf("%q\n", text)
	for _, p := range []struct {
		name string
		d    time.Duration
	}{{"open: weights and tokenizer", opened.Sub(begun)}, {"prompt", prefilled.Sub(opened)}, {"choice", time.Since(prefilled)}} {
		fmt.Printf("phase %s=%.3f\n", p.name, 1e3*p.d.Seconds())
	}
	return nil
}

// A subject is a command that is started again and again.
type subject struct {
	name string
	argv []string
	ms   []float64
	mib  []float64

	phases []string    // that the process tells of itself
	took   [][]float64 // ms, by phase and round
}

// phase takes the phases from what a process said: lines "phase NAME=MS".
func (s *subject) phase(said string) {
	for line := range strings.Lines(said) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "phase ")
		name, value, _ := strings.Cut(rest, "=")
		ms, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil {
			continue
		}
		i := slices.Index(s.phases, name)
		if i < 0 {
			i, s.phases, s.took = len(s.phases), append(s.phases, name), append(s.took, nil)
		}
		s.took[i] = append(s.took[i], ms)
	}
}

// encoderStarts returns the commands that embed a sentence.
func (o *options) encoderStarts(binary string) []*subject {
	subjects := []*subject{
		{name: "godwit, embedded model", argv: []string{binary, "embed", sentence}},
		{name: "godwit, model folder", argv: []string{binary, "embed", "--model", o.model, sentence}},
	}
	for _, p := range []struct{ name, script, needs string }{
		{"onnxruntime (Python)", "coldstart_onnxruntime.py", "import onnxruntime, tokenizers"},
		{"sentence-transformers (Python)", "coldstart_sentence_transformers.py", "import sentence_transformers"},
	} {
		if exec.Command(o.python, "-c", p.needs).Run() == nil {
			subjects = append(subjects, &subject{name: p.name,
				argv: []string{o.python, filepath.Join(o.scripts, p.script), o.model, o.onnx, sentence}})
		}
	}
	return subjects
}

// decoderStarts returns the commands that continue a sentence by one token.
func (o *options) decoderStarts(binary string) []*subject {
	subjects := []*subject{
		{name: "godwit", argv: []string{binary, "generate", "--model", o.model, "--greedy", "--max-new-tokens", "1", sentence}},
		{name: "godwit, start alone", argv: []string{binary, "version"}},
		{name: "godwit, in phases", argv: []string{o.self, "-serve", phases, "-model", o.model}},
	}
	if exec.Command(o.python, "-c", "import llama_cpp, tokenizers").Run() == nil {
		subjects = append(subjects,
			&subject{name: "llama.cpp (Python)", argv: []string{o.python, filepath.Join(o.scripts, "coldstart_llamacpp.py"),
				filepath.Join(o.onnx, "own.gguf"), o.model, sentence}},
			&subject{name: "llama.cpp (Python), start alone", argv: []string{o.python, "-c",
				"import llama_cpp, numpy, tokenizers; print(0)"}})
	}
	return subjects
}

// fresh runs a command and returns the time to its first line of output, its peak resident memory, and the lines after the first.
func fresh(argv []string) (ms, mib float64, said string, err error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, "", err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, "", err
	}
	r := bufio.NewReader(stdout)
	_, firstErr := r.ReadString('\n')
	ms = float64(time.Since(begun).Nanoseconds()) / 1e6
	rest, err := io.ReadAll(r)
	if err != nil {
		return 0, 0, "", err
	}
	if err := cmd.Wait(); err != nil {
		return 0, 0, "", fmt.Errorf("%w\n%s", err, stderr.String())
	}
	if firstErr != nil {
		return 0, 0, "", fmt.Errorf("no line of output: %w", firstErr)
	}
	return ms, peakMiB(cmd.ProcessState), string(rest), nil
}
