// Package bench sets godwit side by side with others and with the machine's limits.
//
//	go test ./bench -bench .                 kernels beside gonum, as a share of the measured peak; benchstat reads it
//	go test ./bench -run Guard -guard        ratios that must not fall below the floors in guards.txt
//	go test ./bench -run Guard -guard -update  measure, and write new floors (the diff shows them)
//	go run ./bench/peers -model DIR          whole models beside ONNX Runtime, PyTorch and OpenVINO
//
// docs/BENCHMARKS.md says what each measures and shows results.
package bench
