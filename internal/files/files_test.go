package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// liar is a file system whose files say that they are empty.
type liar struct{ fstest.MapFS }

type empty struct{ fs.FileInfo }

func (empty) Size() int64 { return 0 }

func (l liar) Stat(name string) (fs.FileInfo, error) {
	st, err := l.MapFS.Stat(name)
	return empty{st}, err
}

func TestRead(t *testing.T) {
	m := fstest.MapFS{
		"a": {Data: []byte("12345678"), ModTime: time.Unix(1, 0)}, "d/x": {}, "none": {},
		"pipe": {Mode: fs.ModeNamedPipe},
	}
	for _, c := range []struct {
		fsys       fs.FS
		name       string
		limit      int
		text, want string
	}{
		{m, "a", 8, "12345678", ""},
		{m, "none", 0, "", ""},
		{m, "a", 7, "", "a has 8 bytes, more than the limit of 7"},
		{liar{m}, "a", 8, "12345678", ""},
		{liar{m}, "a", 7, "", "a has more bytes than the limit of 7"},
		{m, "d", 8, "", "d is a directory, not a file"},
		{m, "pipe", 8, "", "pipe is not a regular file (p---------)"},
		{m, "b", 8, "", "b: file does not exist"},
	} {
		text, err := Read(c.fsys, c.name, c.limit)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if string(text) != c.text || got != c.want {
			t.Errorf("%s, %d bytes: %q, %q; want %q, %q", c.name, c.limit, text, got, c.text, c.want)
		}
	}
	if _, err := Read(m, "b", 8); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("not there: %v", err)
	}
	if err := error(NotExist("gone")); err.Error() != "gone" || !errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	if err := Folder(os.DirFS(dir)); err != nil {
		t.Error(err)
	}
	err := Folder(os.DirFS(filepath.Join(dir, "none")))
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "the model's folder: ") {
		t.Error(err)
	}
}
