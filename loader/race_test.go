//go:build race

package loader

// raceEnabled tells whether the race detector is on.
const raceEnabled = true
