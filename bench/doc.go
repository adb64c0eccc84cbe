// Package bench sets godwit side by side with others and with the machine's limits.
//
//	go test ./bench -bench .                   kernels beside gonum, as shares of the machine's limits; benchstat reads it
//	go test ./bench -run Guard -guard          ratios that must not fall below the floors in guards.txt, and instructions
//	                                           of a call, which must be those in instructions.txt (needs valgrind)
//	go test ./bench -run Guard -guard -update  measure, and write new floors and counts (the diff shows them)
//	go run ./bench/peers -model DIR            whole models beside ONNX Runtime, PyTorch and OpenVINO
//	go run ./bench/peers -kernels              products and attention beside MKL, oneDNN, OpenBLAS and PyTorch
//
// docs/BENCHMARKS.md says what each measures and shows results.
package bench
