package main

import (
	"strings"
	"testing"
)

// TestTable puts together what was measured in two runs of one cell, and leaves a place for an engine that a cell lacks.
func TestTable(t *testing.T) {
	const log = `
{"cell":"gemm 1x2x3","threads":1,"peer":"limit","flops":1e9,"turns_ns":[[1e7,2e7]]}
{"cell":"gemm 1x2x3","threads":1,"peer":"godwit","flops":1e6,"turns_ns":[[2e4,2e4]]}
{"cell":"gemm 1x2x3","threads":1,"peer":"mkl","flops":1e6,"turns_ns":[[3e4,3e4]]}
{"cell":"gemm 1x2x3","threads":1,"peer":"openblas","flops":1e6,"turns_ns":[[4e4,1e4]]}
{"cell":"gemm 1x2x3","threads":1,"peer":"godwit","flops":1e6,"turns_ns":[[2e4,1.25e4]]}
{"cell":"gemm 1x2x3","threads":1,"peer":"mkl","flops":1e6,"turns_ns":[[3e4,3e4]]}
{"cell":"gemm 4x5x6","threads":2,"peer":"limit","flops":1e9,"turns_ns":[[1e7]]}
{"cell":"gemm 4x5x6","threads":2,"peer":"godwit","flops":1e6,"turns_ns":[[2e4]]}
{"cell":"gemm 4x5x6","threads":2,"peer":"openblas","flops":1e6,"turns_ns":[[4e4]]}
{"cell":"attention 8x4","threads":1,"peer":"limit","flops":1e9,"turns_ns":[[1e7]]}
{"cell":"attention 8x4","threads":1,"peer":"godwit","flops":1e6,"turns_ns":[[2e4]]}`
	lines, err := readLines(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	var got string
	for _, kind := range kinds(lines) {
		got += table(kind)
	}
	const want = `| gemm | threads | limit, GFLOP/s | godwit | mkl | openblas | ratio of medians | of minima |
|---|---|---|---|---|---|---|---|
| 1x2x3 | 1 | 100.0 | 0.0125 / 0.02, 80 % | 0.03 / 0.03, 33 % | 0.01 / 0.025, 100 % | openblas 1.25 [1.25, 1.25] | openblas 0.80 |
| 4x5x6 | 2 | 100.0 | 0.02 / 0.02, 50 % | | 0.04 / 0.04, 25 % | openblas 2.00 [2.00, 2.00] | openblas 2.00 |
| attention | threads | limit, GFLOP/s | godwit | ratio of medians | of minima |
|---|---|---|---|---|---|
| 8x4 | 1 | 100.0 | 0.02 / 0.02, 50 % | | |
`
	if got != want {
		t.Errorf("table:\n%s\nwant:\n%s", got, want)
	}
}
