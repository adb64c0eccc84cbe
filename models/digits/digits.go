// Package digits puts a tiny vision transformer inside the binary that reads handwritten digits, about 290 kB of it. Import it
// for its effect, and open the model by the name digits:
//
//	import _ "github.com/godwit-ml/godwit/models/digits"
//
//	m, err := godwit.Open("digits")
//	labels, err := m.ClassifyImages(ctx, []godwit.Image{godwit.ImageFile("digit.png")})
//
// It was trained by train.py, beside this file, on the digits of MNIST: README.md says how well it does. It is a
// ViTForImageClassification of Transformers, and reads an image of one digit of any size, light on dark or dark on light.
package digits

import (
	"embed"
	"io/fs"

	"github.com/godwit-ml/godwit/hub"
	"github.com/godwit-ml/godwit/loader"
)

// Name is the name of the model.
const Name = "digits"

func init() { hub.Register(FS, Name) }

// FS holds the files of the model. It is a loader.ByteFS: the weights are read where they lie in the binary.
var FS fs.FS = loader.Embedded(folder, "model.safetensors", weights)

//go:embed config.json preprocessor_config.json model.safetensors README.md
var folder embed.FS

//go:embed model.safetensors
var weights string
