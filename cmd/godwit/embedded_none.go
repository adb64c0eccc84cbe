//go:build nomodel

package main

import "io/fs"

// embeddedModel returns nil: this binary is built without a model.
func embeddedModel() fs.FS { return nil }

// embeddedImageModel likewise.
func embeddedImageModel() fs.FS { return nil }

// embeddedTextModel likewise.
func embeddedTextModel() fs.FS { return nil }
