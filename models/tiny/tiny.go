// Package tiny puts a tiny language model inside the binary that tells fairy tales, less than 1 MB of it. Import it for its
// effect, and open the model by the name tiny:
//
//	import _ "github.com/godwit-ml/godwit/models/tiny"
//
//	m, err := godwit.Open("tiny")
//	for tok, err := range m.Generate(ctx, "Once upon a time") { ... }
//
// It was trained by train.py, beside this file, on Andersen's fairy tales: README.md says how well it does. It is a
// LlamaForCausalLM of Transformers with weights in bfloat16, for examples and tests: its words are right, its stories are not.
package tiny

import (
	"embed"
	"io/fs"

	"github.com/godwit-ml/godwit/hub"
	"github.com/godwit-ml/godwit/loader"
)

// Name is the name of the model.
const Name = "tiny"

func init() { hub.Register(FS, Name) }

// FS holds the files of the model. It is a loader.ByteFS: the weights are read where they lie in the binary.
var FS fs.FS = loader.Embedded(folder, "model.safetensors", weights)

//go:embed config.json generation_config.json tokenizer.json tokenizer_config.json model.safetensors README.md
var folder embed.FS

//go:embed model.safetensors
var weights string
