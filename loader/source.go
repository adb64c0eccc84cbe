package loader

import (
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"unsafe"
)

// A ByteFS is a file system that holds files in memory: a model inside the binary. The bytes are used without copying and
// must stay as they are for as long as a model made from them is in use.
//
// [Embedded] makes one of an embed.FS.
type ByteFS interface {
	fs.FS
	// Bytes returns the content of the named file. An error that is fs.ErrNotExist makes the loader fall back to Open.
	Bytes(name string) ([]byte, error)
}

// Embedded returns a folder that is embedded in the binary as a [ByteFS] that lends the bytes of one of its files, the weights.
// An embed.FS does not show where its bytes lie; embedding the file a second time, as a string, does, and the binary has it once:
//
//	//go:embed config.json tokenizer.json model.safetensors
//	var folder embed.FS
//
//	//go:embed model.safetensors
//	var weights string
//
//	func init() { hub.Register(loader.Embedded(folder, "model.safetensors", weights), "mine") }
func Embedded(folder embed.FS, name, content string) fs.FS {
	return embedded{folder, name, content}
}

type embedded struct {
	embed.FS
	name, content string
}

// Bytes implements [ByteFS].
func (e embedded) Bytes(name string) ([]byte, error) {
	if name != e.name {
		return nil, fs.ErrNotExist
	}
	return unsafe.Slice(unsafe.StringData(e.content), len(e.content)), nil
}

// source is an open file: either its bytes in memory or something to read them from.
type source struct {
	name   string
	size   int64
	mem    []byte // the whole file, or nil
	mapped bool   // mem is mapped: reads are guarded, and pages can be released
	file   io.ReaderAt
	stat   fs.FileInfo // of a file on disk, as it was when opened
	closer io.Closer
	failed atomic.Pointer[error] // the first failed read
}

// open opens a file for reading at any place. The errors do not name it: the caller does.
func open(fsys fs.FS, name string) (*source, error) {
	if b, ok := fsys.(ByteFS); ok {
		mem, err := b.Bytes(name)
		if err == nil {
			return &source{name: name, size: int64(len(mem)), mem: mem}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, withoutPath(err)
		}
	}
	// Look before opening: to open a named pipe would wait for its other end.
	if st, err := fs.Stat(fsys, name); err != nil {
		return nil, withoutPath(err)
	} else if err := regular(st); err != nil {
		return nil, err
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, withoutPath(err)
	}
	s, err := newSource(name, f)
	if err != nil {
		f.Close()
		return nil, withoutPath(err)
	}
	return s, nil
}

// exists reports whether there is anything of this name, readable or not.
func exists(fsys fs.FS, name string) bool {
	if b, ok := fsys.(ByteFS); ok {
		if _, err := b.Bytes(name); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	_, err := fs.Stat(fsys, name)
	return !errors.Is(err, fs.ErrNotExist)
}

// withoutPath takes the name of the file out of an error of package fs.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func regular(st fs.FileInfo) error {
	if st.IsDir() {
		return errors.New("this is a directory, not a file")
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("this is not a regular file (%v)", st.Mode().Type())
	}
	return nil
}

func newSource(name string, f fs.File) (*source, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := regular(st); err != nil {
		return nil, err
	}
	s := &source{name: name, size: st.Size(), closer: f}
	if osFile, ok := f.(*os.File); ok {
		s.file, s.stat = osFile, st
		if mem, err := mmap(osFile, s.size); err == nil {
			s.mem, s.mapped = mem, true
		} // else it is read piece by piece: mapping is only the faster way
		return s, nil
	}
	if r, ok := f.(io.ReaderAt); ok {
		s.file = r
		return s, nil
	}
	if s.mem, err = io.ReadAll(f); err != nil {
		return nil, err
	}
	s.size = int64(len(s.mem))
	return s, nil
}

// close unmaps and closes the file.
func (s *source) close() error {
	var err error
	if s.mapped {
		err = munmap(s.mem)
	}
	s.mem, s.file = nil, nil
	if s.closer != nil {
		err = errors.Join(err, s.closer.Close())
	}
	return err
}

// static reports whether the bytes stay valid after close, so that they may be shared.
func (s *source) static() bool { return s.mem != nil && !s.mapped }

var scratch = sync.Pool{New: func() any { return new([]byte) }}

// read calls use with n bytes of the file from offset on, valid during the call. If they cannot be read, the error is kept,
// and use may not be called or may not come to its end. It is safe for concurrent use.
func (s *source) read(offset int64, n int, use func([]byte)) {
	switch {
	case s.mapped:
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer s.recoverFault()
		use(s.mem[offset : offset+int64(n)])
	case s.mem != nil:
		use(s.mem[offset : offset+int64(n)])
	default:
		buf := scratch.Get().(*[]byte)
		defer scratch.Put(buf)
		if cap(*buf) < n {
			*buf = make([]byte, n)
		}
		b := (*buf)[:n]
		if got, err := s.file.ReadAt(b, offset); got < n { // io.EOF may come with the last byte
			s.fail(fmt.Errorf("reading %d bytes at %d: %w", n, offset, withoutPath(err)))
			return
		}
		use(b)
	}
}

// recoverFault turns a memory fault into an error, and lets any other panic go on.
func (s *source) recoverFault() {
	r := recover()
	if r == nil {
		return
	}
	if err, ok := r.(runtime.Error); !ok || !s.faulted(err) {
		panic(r)
	}
	s.fail(fmt.Errorf("the file was cut short, or the disk failed, while it was being read (it had %d bytes when opened)", s.size))
}

// faulted reports whether an error of the runtime comes from reading the mapping: its address lies there, or, since emulators do
// not always tell the address, the file has become shorter.
func (s *source) faulted(err runtime.Error) bool {
	if a, ok := err.(interface{ Addr() uintptr }); ok {
		return a.Addr()-uintptr(unsafe.Pointer(unsafe.SliceData(s.mem))) < uintptr(len(s.mem))
	}
	now, statErr := s.closer.(fs.File).Stat()
	return statErr == nil && now.Size() < s.size
}

func (s *source) fail(err error) { s.failed.CompareAndSwap(nil, &err) }

// err returns the first failure, or nil.
func (s *source) err() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// checkUnchanged fails if the file on disk is no longer the one that was opened. It catches what a fault cannot: the rest of
// the last page of a file that was cut short reads as zeros, and a file can be overwritten in place.
func (s *source) checkUnchanged() {
	if s.stat == nil {
		return
	}
	now, err := s.closer.(fs.File).Stat()
	switch {
	case err != nil:
		s.fail(withoutPath(err))
	case now.Size() != s.size || !now.ModTime().Equal(s.stat.ModTime()):
		s.fail(errors.New("the file was changed while it was being read"))
	}
}

// header reads the header of the file.
func (s *source) header() ([]byte, error) {
	if s.size < 8 {
		return nil, fmt.Errorf("the file has %d bytes; a safetensors file begins with the 8-byte length of its header", s.size)
	}
	n := uint64(0)
	s.read(0, 8, func(b []byte) { n = binary.LittleEndian.Uint64(b) })
	if err := s.err(); err != nil {
		return nil, err
	}
	if n > maxHeader {
		var start [8]byte
		binary.LittleEndian.PutUint64(start[:], n)
		switch {
		case string(start[:]) == "version ":
			return nil, errors.New(`this is a Git LFS pointer, not the file itself: run "git lfs pull", or download the file`)
		case string(start[:4]) == "PK\x03\x04":
			return nil, errors.New("this is a zip archive, as PyTorch writes it (.bin, .pt), not a safetensors file")
		}
		return nil, fmt.Errorf("the header's length is given as %d, the limit is %d; this is not a safetensors file", n, maxHeader)
	}
	if int64(n) > s.size-8 {
		return nil, fmt.Errorf("the file is cut short: its header takes %d bytes, but only %d follow its length", n, s.size-8)
	}
	header := make([]byte, n)
	s.read(8, int(n), func(b []byte) { copy(header, b) })
	return header, s.err()
}
