//go:build nomodel

package main

// embeddedModel is empty: this binary is built without a model.
const embeddedModel = ""
