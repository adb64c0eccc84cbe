// Package nn has the blocks that all families of models share: linear layers, norms, embeddings, attention. A block knows
// the names and shapes of its tensors (it is a [loader.Module]) and computes on rows of float32; it is immutable once it is
// bound, and takes all memory from a [tensor.Workspace].
//
// What a block computes with, its kernels.Exec, is given to it when it is made. Which type its weights have in the file, and
// which processor and how many threads there are, it does not see.
package nn
