// Package files reads the small files of a model: its configuration and its vocabulary.
package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Read returns the content of a regular file of at most limit bytes. The errors name the file; that of one that is not there
// is fs.ErrNotExist.
func Read(fsys fs.FS, name string, limit int) ([]byte, error) {
	// Look before opening: to open a named pipe would wait for its other end.
	st, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, named(name, err)
	}
	switch {
	case st.IsDir():
		return nil, fmt.Errorf("%s is a directory, not a file", name)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file (%v)", name, st.Mode().Type())
	case st.Size() > int64(limit):
		return nil, fmt.Errorf("%s has %d bytes, more than the limit of %d", name, st.Size(), limit)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, named(name, err)
	}
	defer f.Close()
	var b bytes.Buffer
	b.Grow(int(st.Size()) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(f, int64(limit)+1)); err != nil {
		return nil, named(name, err)
	}
	if b.Len() > limit { // it grew, or told a wrong size
		return nil, fmt.Errorf("%s has more bytes than the limit of %d", name, limit)
	}
	return b.Bytes(), nil
}

// Folder returns an error if the root of fsys cannot be looked into, as when the folder does not exist.
func Folder(fsys fs.FS) error {
	if _, err := fs.Stat(fsys, "."); err != nil {
		return named("the model's folder", err)
	}
	return nil
}

// NotExist is an error with a text of one's own that is fs.ErrNotExist.
type NotExist string

func (e NotExist) Error() string { return string(e) }

// Is makes errors.Is(err, fs.ErrNotExist) true.
func (NotExist) Is(target error) bool { return target == fs.ErrNotExist }

// named puts the name before an error, in place of the path that an error of package fs has.
func named(name string, err error) error {
	if p := new(fs.PathError); errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}
