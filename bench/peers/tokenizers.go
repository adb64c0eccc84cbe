package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// tokenizers compares godwit's tokenizer with the Python package's on a text. Their ids must be equal.
func (o *options) tokenizers(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	var engines []*engine
	for _, c := range []struct {
		name string
		argv []string
	}{
		{"godwit", []string{o.self, "-serve", "godwit", "-model", o.model, "-text", file}},
		{"tokenizers", []string{o.python, filepath.Join(o.scripts, "serve_tokenizers.py"), o.model, file}},
	} {
		argv := append(o.pinned(), c.argv...)
		e, err := start(c.name, exec.Command(argv[0], argv[1:]...))
		if err != nil {
			return err
		}
		defer e.close()
		engines = append(engines, e)
		if err := e.set(cell{kind: "texts"}); err != nil {
			return err
		}
	}
	results, err := o.measure(func(string) float64 { return 0 }, engines)
	if err != nil {
		return err
	}
	fmt.Printf("Ids of %d bytes of text, one thread; the ids are equal. Machine: %s.\n\n", info.Size(), machine())
	fmt.Print("| | MB/s, best | MB/s, median | time over godwit's |\n|---|---|---|---|\n")
	for _, r := range results {
		all, size := flatten(r.Turns), float64(info.Size())
		low, high := interval(r.Turns, results[0].Turns)
		fmt.Printf("| %s | %.1f | %.1f | %.2f [%.2f, %.2f] |\n", r.Peer, size/slices.Min(all)*1e3, size/median(all)*1e3,
			median(all)/median(flatten(results[0].Turns)), low, high)
	}
	return nil
}
