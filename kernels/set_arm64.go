//go:build !purego

package kernels

import "github.com/godwit-ml/godwit/internal/cpu"

// machineSets returns the Sets with assembly that this machine can run, the best first.
func machineSets() []*Set {
	if !cpu.NEON {
		return nil
	}
	neon := generic.with("neon")
	neon.check = true
	neon.rowsNEON()
	neon.tilesNEON()
	return []*Set{neon}
}
