//go:build !nomodel

package main

import "github.com/godwit-ml/godwit/models/minilm"

// embeddedModel is the name of the model inside the binary, which commands use when none is named.
const embeddedModel = minilm.Name
