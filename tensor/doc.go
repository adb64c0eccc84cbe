// Package tensor holds what every other package passes around: the element types of safetensors ([DType]), a dense array
// ([Tensor]), and the arena that makes a forward pass free of allocations ([Workspace]).
//
// A Tensor is one concrete struct. Computation is on float32, in rows: a batch of token vectors is a Tensor [tokens,
// hidden]; shapes are checked where a model is opened, and past that point a wrong one is a bug.
package tensor
