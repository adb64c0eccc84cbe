// Package minilm puts the sentence embedding model all-MiniLM-L6-v2 inside the binary, about 24 MB of it. Import it for its
// effect, and open the model by the name minilm:
//
//	import _ "github.com/godwit-ml/godwit/models/minilm"
//
//	m, err := godwit.Open("minilm")
//
// It is also found under the name of its origin, sentence-transformers/all-MiniLM-L6-v2, unless the original is in the
// local cache. It turns English text of up to 256 tokens into unit vectors of 384 dimensions.
//
// The matrices and the table of word embeddings are stored as 8-bit integers with a scale for 64 elements, or for a row of the
// table; what that costs is measured in the tests. Origin and licence (Apache-2.0) are stated in README.md and LICENSE beside this file.
package minilm

import (
	"embed"
	"io/fs"

	"github.com/godwit-ml/godwit/hub"
	"github.com/godwit-ml/godwit/loader"
)

// The names of the model.
const (
	Name   = "minilm"
	Origin = "sentence-transformers/all-MiniLM-L6-v2"
)

func init() { hub.Register(FS, Name, Origin) }

// FS holds the files of the model. It is a loader.ByteFS: the weights are used where they lie in the binary.
var FS fs.FS = loader.Embedded(folder, "model.safetensors", weights)

//go:embed config.json modules.json sentence_bert_config.json config_sentence_transformers.json
//go:embed tokenizer_config.json vocab.txt 1_Pooling/config.json README.md LICENSE
//go:embed model.safetensors
var folder embed.FS

//go:embed model.safetensors
var weights string
