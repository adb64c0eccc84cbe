package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/godwit-ml/godwit/arch"
	_ "github.com/godwit-ml/godwit/arch/bert" // registers its model types
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
	"github.com/godwit-ml/godwit/tokenizer"
)

// serveGodwit is the godwit engine: it speaks the line protocol on standard input and output.
func serveGodwit(model string, batch, seq, threads int) error {
	if _, err := kernels.Default(); err != nil {
		return err
	}
	fsys := os.DirFS(model)
	config, err := arch.ReadConfig(fsys)
	if err != nil {
		return err
	}
	weights, err := loader.Open(fsys)
	if err != nil {
		return err
	}
	x := kernels.New(nil, threads)
	defer x.Close()
	m, err := arch.New(config, weights, x)
	if err != nil {
		return err
	}
	if err := weights.Close(); err != nil {
		return err
	}
	encoder, ok := m.(arch.TextEncoder)
	if !ok {
		return fmt.Errorf("%s is not an encoder of texts", model)
	}
	var b arch.Batch
	for row := range batch {
		b.Append(ids(row, seq, encoder.Limits().Vocab), nil, encoder.Limits().Rule)
	}
	if err := encoder.Limits().Check(&b); err != nil {
		return err
	}
	var ws tensor.Workspace
	run := func() tensor.Tensor {
		ws.Reset()
		return encoder.Encode(&ws, &b)
	}
	for range 3 {
		run()
	}
	return speak(func() { run() }, func() any {
		out := run()
		return out.Row(out.NumRows() - 1)
	})
}

// serveTokenizer is the godwit engine for texts: their ids.
func serveTokenizer(model, file string) error {
	texts, err := paragraphs(file)
	if err != nil {
		return err
	}
	t, err := tokenizer.Load(os.DirFS(model))
	if err != nil {
		return err
	}
	var ids []int32
	run := func() {
		ids = ids[:0]
		for _, s := range texts {
			if ids, err = t.AppendIDs(ids, s, 0); err != nil {
				panic(err) // no text is too long
			}
		}
	}
	run()
	return speak(run, func() any { run(); return ids })
}

// paragraphs returns the parts of a text file between blank lines: as paragraphs in py/serve_tokenizers.py.
func paragraphs(file string) ([]string, error) {
	data, err := os.ReadFile(file)
	return strings.Split(strings.TrimSpace(string(data)), "\n\n"), err
}

// speak speaks the line protocol on standard input and output. run is one repetition; output returns what it computes, a
// slice of numbers.
func speak(run func(), output func() any) error {
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		line := lines.Text()
		var n int
		if line == "check" {
			fmt.Println("out", strings.Trim(fmt.Sprint(output()), "[]"))
		} else if _, err := fmt.Sscanf(line, "run %d", &n); err == nil {
			ns := make([]int64, n)
			for i := range ns {
				begun := time.Now()
				run()
				ns[i] = time.Since(begun).Nanoseconds()
			}
			fmt.Println("ns", strings.Trim(fmt.Sprint(ns), "[]"))
		}
	}
	return nil
}

// ids returns the token ids of one row: the same formula as token_ids in py/peer.py.
func ids(row, seq, vocab int) []int32 {
	low := vocab / 10
	v := make([]int32, seq)
	for i := range v {
		v[i] = int32(low + (row*seq+i)*7919%(vocab-low))
	}
	return v
}
