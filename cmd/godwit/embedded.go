//go:build !nomodel

package main

import (
	"io/fs"

	"github.com/godwit-ml/godwit/models/digits"
	"github.com/godwit-ml/godwit/models/minilm"
	fables "github.com/godwit-ml/godwit/models/tiny"
)

// embeddedModel returns the files of the model inside the binary, which commands use when none is named, whatever folder of
// its name there is.
func embeddedModel() fs.FS { return minilm.FS }

// embeddedImageModel returns the files of the one that reads images.
func embeddedImageModel() fs.FS { return digits.FS }

// embeddedTextModel returns the files of the one that continues texts.
func embeddedTextModel() fs.FS { return fables.FS }
