package nn

import "github.com/godwit-ml/godwit/kernels"

// GroupTokens returns about how many tokens of a batch should go through a layer together, whose matrices have so many elements.
// Few, if the layer stays in the third-level cache while one group follows the other: then what its steps hand on to each other
// stays in the caches, too. Otherwise the layer is read again for each group, and only memory bounds a group. No sequence's
// result depends on another's.
func GroupTokens(x *kernels.Exec, weights int) int {
	const (
		cached = 2 << 20 // elements: a quarter of a third-level cache of 32 MiB
		few    = 128     // for each thread: the rows of a chunk of a product
		many   = 2048
	)
	if weights > cached {
		return many
	}
	return min(many, few*max(2, x.Threads()))
}
