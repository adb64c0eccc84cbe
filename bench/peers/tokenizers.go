package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// tokenizers compares godwit's tokenizer with the Python package's on a text. Their ids must be equal.
func (o *options) tokenizers(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o.peers = []string{"godwit", "tokenizers"}
	rows, err := o.measure(0, func(peer string) (*exec.Cmd, error) {
		args := append(o.pinned(), self, "-serve", "-model", o.model, "-text", file)
		if peer == "tokenizers" {
			args = append(o.pinned(), o.python, filepath.Join(o.scripts, "serve_tokenizers.py"), o.model, file)
		}
		return exec.Command(args[0], args[1:]...), nil
	})
	if err != nil {
		return err
	}
	fmt.Printf("Ids of %d bytes of text, one thread; the ids are equal. Machine: %s.\n\n", info.Size(), machine())
	fmt.Print("| | MB/s, best | MB/s, median | time over godwit's |\n|---|---|---|---|\n")
	for _, r := range rows {
		bytes := float64(info.Size())
		fmt.Printf("| %s | %.1f | %.1f | %.2f [%.2f, %.2f] |\n", r.Peer, bytes/r.Min*1e3, bytes/r.Median*1e3, r.Ratio, r.RatioLow, r.RatioHigh)
	}
	return nil
}
