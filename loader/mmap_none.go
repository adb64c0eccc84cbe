//go:build !unix && !windows

package loader

import (
	"errors"
	"os"
)

// mmap is not available: the file is read piece by piece.
func mmap(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func munmap([]byte) error { return nil }

func release([]byte) {}
