// Package search finds passages by meaning: it cuts text files into passages, embeds them with a sentence-embedding
// model, and ranks them by the cosine of the angle between their vector and that of a query.
//
//	paths, err := search.Files([]string{"README.md", "docs"}, nil)
//	embedder, err := search.ForModel(model)                     // or your own Embedder
//	index, note, err := search.Open(ctx, "docs.index", embedder) // or search.New(ctx, embedder): nothing is kept
//	_, err = index.Update(ctx, paths, nil)                       // reads and embeds what is new or has changed
//	err = index.Save()
//	hits, err := index.Query(ctx, "how do I cancel a request?", search.Options{Top: 5})
//
// An [Index] is exact: a query is compared with every passage. That takes about a millisecond for ten thousand passages
// of 384 dimensions, far less than embedding the query, and needs no structure beside the vectors.
//
// The index file is a cache and nothing else. It holds vectors, line numbers and content hashes, not the texts, and is
// rebuilt, as far as needed, whenever a file, the model, or the way texts are cut has changed. A damaged or foreign file
// is rebuilt too, never trusted.
package search
