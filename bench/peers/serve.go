package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/godwit-ml/godwit/arch"
	_ "github.com/godwit-ml/godwit/arch/bert" // registers its model types
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
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
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		line := lines.Text()
		var n int
		if line == "check" {
			out := run()
			values, err := json.Marshal(out.Row(out.NumRows() - 1))
			if err != nil {
				return err
			}
			fmt.Println("out", strings.NewReplacer("[", "", "]", "", ",", " ").Replace(string(values)))
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
