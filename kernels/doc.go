// Package kernels computes on float32 slices: matrix products on packed weights, attention, norms, activations. It is the
// only package with assembly for them, and the only one that knows instruction sets.
//
// # The contract
//
// For the same weights and the same input, a routine returns the same bits on every instruction set ([Set]), for any number
// of threads, any batch and any place in it. That is possible because each routine has a definition that fixes the order of
// every rounding, chosen so that it costs no speed:
//
//   - Product (Gemm): k is cut into blocks of 256 from index 0; within a block an element of the result is one chain of
//     float32 fused multiply-adds from +0 in ascending k; block sums are added in ascending order; then come bias,
//     activation and residual, each rounded on its own, in that order. Vector lanes run across columns, so that neither the
//     shape of the register tile nor the split over threads can change a result.
//   - Attention: the key index counts the keys that take part; keys go in blocks of 512 from index 0; a block gives its own
//     (max, sum, output); scores are product chains, then scaled, then biased; the sum runs over 16 lanes (index mod 16);
//     the output is a chain of fused multiply-adds from +0 in ascending key; blocks are folded in ascending order.
//   - Row reductions (sums of layer norm, softmax, L2 norm, dot): 16 virtual lanes, lane i taking elements i, i+16, ...,
//     then the tree +8, +4, +2, +1. AVX2 holds two registers, AVX-512 one, NEON four, Go an array.
//   - Functions (exp, erf, tanh): one polynomial each, of a stated error, in one order of fused multiply-adds. Square root
//     and division are IEEE. max(a, b) is a > b ? a : b.
//
// docs/KERNELS.md states the definitions in full. The pure-Go routines are the definition in code (the oracle): the tests
// compare every routine of every other Set with them, bit for bit.
package kernels
