package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sentence is what a fresh process embeds, or continues.
const sentence = "The quick brown fox jumps over the lazy dog."

// coldstart times fresh processes from their start to the first line of output, their first embedding or first token, taking
// turns, with warm page caches and each engine's default number of threads. The first round does not count. Of decoders, lines
// marked "start alone" tell what a process costs that loads no model.
func (o *options) coldstart() error {
	dir, err := os.MkdirTemp("", "coldstart")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	godwit := filepath.Join(dir, "godwit")
	build := exec.Command("go", "build", "-o", godwit, "github.com/godwit-ml/godwit/cmd/godwit")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build cmd/godwit: %w\n%s", err, said)
	}
	var subjects []*subject
	if o.family == decoderCells {
		subjects = o.decoderStarts(godwit)
	} else {
		subjects = o.encoderStarts(godwit)
	}
	for round := range o.rounds + 1 {
		for _, s := range subjects {
			ms, mib, err := fresh(s.argv)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if round > 0 {
				s.ms, s.mib = append(s.ms, ms), append(s.mib, mib)
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
	return nil
}

// A subject is a command that is started again and again.
type subject struct {
	name string
	argv []string
	ms   []float64
	mib  []float64
}

// encoderStarts returns the commands that embed a sentence.
func (o *options) encoderStarts(godwit string) []*subject {
	subjects := []*subject{
		{name: "godwit, embedded model", argv: []string{godwit, "embed", sentence}},
		{name: "godwit, model folder", argv: []string{godwit, "embed", "--model", o.model, sentence}},
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
func (o *options) decoderStarts(godwit string) []*subject {
	subjects := []*subject{
		{name: "godwit", argv: []string{godwit, "generate", "--model", o.model, "--greedy", "--max-new-tokens", "1", sentence}},
		{name: "godwit, start alone", argv: []string{godwit, "version"}},
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

// fresh runs a command and returns the time to its first line of output and its peak resident memory.
func fresh(argv []string) (ms, mib float64, err error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	r := bufio.NewReader(stdout)
	_, firstErr := r.ReadString('\n')
	ms = float64(time.Since(begun).Nanoseconds()) / 1e6
	if _, err := io.Copy(io.Discard, r); err != nil {
		return 0, 0, err
	}
	if err := cmd.Wait(); err != nil {
		return 0, 0, fmt.Errorf("%w\n%s", err, stderr.String())
	}
	if firstErr != nil {
		return 0, 0, fmt.Errorf("no line of output: %w", firstErr)
	}
	return ms, peakMiB(cmd.ProcessState), nil
}
