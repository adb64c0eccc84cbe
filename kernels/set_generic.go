//go:build purego || !(amd64 || arm64)

package kernels

// machineSets returns the Sets with assembly that this machine can run: none.
func machineSets() []*Set { return nil }
