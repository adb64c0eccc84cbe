package search

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// An index file is a safetensors file: vectors that anything can read, and what they are vectors of.
//
//	embeddings  F32 [passages, dims]  each of length 1, in the order of files and their passages
//	files       U8 [n]                a JSON list of fileRecord
//
// Its metadata says format ("godwit search index"), model (the fingerprint), and sha256, the checksum of the JSON and then
// the embeddings.
const (
	formatName    = "godwit search index"
	formatVersion = 1 // of the file and of the way texts are cut; part of the fingerprint
	maxIndexSize  = 8 << 30
)

type fileRecord struct {
	Path     string          `json:"path"` // relative to the folder of the index, with slashes; absolute if it cannot be
	Size     int64           `json:"size"`
	MTime    int64           `json:"mtime"` // nanoseconds since 1970, 0 if not known well enough
	SHA256   string          `json:"sha256"`
	Kind     Kind            `json:"kind"`
	Passages []passageRecord `json:"passages"`
}

type passageRecord struct {
	Start   int    `json:"start"`
	End     int    `json:"end"`
	Line    int    `json:"line"`
	EndLine int    `json:"end_line"`
	Heading string `json:"heading,omitempty"`
}

// Open returns the Index that is kept in the named file, empty if there is none. A file that was made with another model or
// that is damaged is not used and Save replaces it, and one whose kind cannot be told is kept under another name; note then says
// so. A file of text is an error.
func Open(ctx context.Context, file string, e Embedder) (x *Index, note string, err error) {
	x, err = New(ctx, e)
	if err != nil {
		return nil, "", err
	}
	return x.open(file)
}

// OpenImages is Open for an Index of images.
func OpenImages(ctx context.Context, file string, e ImageEmbedder) (x *Index, note string, err error) {
	x, err = NewImages(ctx, e)
	if err != nil {
		return nil, "", err
	}
	return x.open(file)
}

// open fills an empty Index from the named file.
func (x *Index) open(file string) (_ *Index, note string, err error) {
	x.file, err = filepath.Abs(file)
	if err != nil {
		return nil, "", err
	}
	st, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Better now than after everything is embedded.
		if _, err := os.Stat(filepath.Dir(x.file)); err != nil {
			return nil, "", fmt.Errorf("%s: %w", file, cause(err))
		}
		return x, "", nil
	case err != nil:
		return nil, "", fmt.Errorf("%s: %w", file, cause(err))
	case st.IsDir():
		return nil, "", fmt.Errorf("%s: is a folder, not an index file", file)
	case !st.Mode().IsRegular():
		return nil, "", fmt.Errorf("%s: is not a regular file", file)
	case st.Size() == 0:
		return x, "", nil
	}
	ours, err := isIndex(file)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", file, cause(err))
	}
	if _, err := os.Lstat(aside(file)); !ours && err == nil {
		return nil, "", fmt.Errorf("%s: is not a search index; name another file", file)
	}
	if !ours {
		// Damage that hides what an index was leaves no text: a text is somebody's, and named by mistake.
		if _, err := readText(file, st.Size()); err == nil && st.Size() >= 8 {
			return nil, "", fmt.Errorf("%s: is a text, not a search index; name another file", file)
		}
		x.moveAside = true
		return x, fmt.Sprintf("%s is not a search index; it will be kept as %s", file, filepath.Base(aside(file))), nil
	}
	if err := x.read(file, st.Size()); err != nil {
		clear(x.entries)
		clear(x.byHash)
		x.dirty = true
		return x, fmt.Sprintf("the index %s is made again: %v", file, err), nil
	}
	return x, "", nil
}

// isIndex reports whether a file begins as an index does, whatever its state further on.
func isIndex(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return false, err
	}
	return bytes.Contains(head[:n], []byte(formatName)), nil
}

// aside returns the name that a file which is no index is moved to.
func aside(file string) string { return file + ".bak" }

var errOtherModel = errors.New("it was made with another model or version")

// read fills the Index from its file.
func (x *Index) read(file string, size int64) error {
	if size > maxIndexSize {
		return fmt.Errorf("it has %d bytes, more than %d", size, int64(maxIndexSize))
	}
	w, err := loader.OpenFile(os.DirFS(filepath.Dir(file)), filepath.Base(file))
	if err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	defer w.Close()
	meta := w.Metadata()
	if meta["format"] != formatName {
		return errors.New("it is damaged: its metadata names no format")
	}
	if meta["model"] != x.model {
		return errOtherModel
	}
	files, ok := w.View("files")
	if !ok || files.DType != tensor.U8 {
		return errors.New("it is damaged: it has no list of files")
	}
	emb, ok := w.View("embeddings")
	if !ok || emb.DType != tensor.F32 || len(emb.Shape) != 2 {
		return errors.New("it is damaged: it has no embeddings")
	}
	list, vectors := files.Raw(), emb.Float32()
	if err := w.Err(); err != nil {
		return err
	}
	if checksum(list, vectors) != meta["sha256"] {
		return errors.New("it is damaged: its checksum differs")
	}
	return x.load(list, vectors, emb.Shape[1])
}

// load fills the Index from the content of its file, trusting none of it.
func (x *Index) load(list []byte, vectors []float32, dims int) error {
	if dims != x.dims {
		return fmt.Errorf("its vectors have %d dimensions, those of the model %d", dims, x.dims)
	}
	var records []fileRecord
	if err := json.Unmarshal(list, &records); err != nil {
		return fmt.Errorf("it is damaged: its list of files: %w", err)
	}
	for i, r := range records {
		if r.Path == "" || strings.ContainsRune(r.Path, 0) || x.entries[r.Path] != nil {
			return fmt.Errorf("it is damaged: file %d has the path %q", i, r.Path)
		}
		if b, err := hex.DecodeString(r.SHA256); err != nil || len(b) != sha256.Size {
			return fmt.Errorf("it is damaged: %s has the hash %q", r.Path, r.SHA256)
		}
		if r.Size < 0 || r.Kind > Picture || r.Size > r.Kind.maxSize() {
			return fmt.Errorf("it is damaged: %s has size %d, kind %d", r.Path, r.Size, r.Kind)
		}
		e := &entry{key: r.Path, size: r.Size, mtime: r.MTime, hash: r.SHA256, kind: r.Kind, passages: []Passage{}}
		at, line := 0, 1
		for _, p := range r.Passages {
			if p.Start < at || p.End <= p.Start || int64(p.End) > r.Size || p.Line < line || p.EndLine < p.Line {
				return fmt.Errorf("it is damaged: %s has a passage of bytes %d to %d, lines %d to %d", r.Path, p.Start, p.End, p.Line, p.EndLine)
			}
			at, line = p.End, p.EndLine
			e.passages = append(e.passages, Passage(p))
		}
		n := len(e.passages) * dims
		if n > len(vectors) {
			return errors.New("it is damaged: it has more passages than embeddings")
		}
		e.vectors, vectors = vectors[:n:n], vectors[n:]
		x.entries[e.key] = e
		x.byHash[e.hash] = e
	}
	if len(vectors) != 0 {
		return errors.New("it is damaged: it has more embeddings than passages")
	}
	return nil
}

// Save writes the Index to its file if it has changed. The file is written beside the old one and renamed: whoever reads at
// the same time sees the old one or the new one. Files that are gone are left out.
func (x *Index) Save() error {
	if !x.dirty || x.file == "" {
		return nil
	}
	x.prune()
	records := []fileRecord{}
	var vectors []float32
	rows := 0
	for _, e := range x.sorted() {
		r := fileRecord{Path: e.key, Size: e.size, MTime: e.mtime, SHA256: e.hash, Kind: e.kind, Passages: []passageRecord{}}
		for _, p := range e.passages {
			r.Passages = append(r.Passages, passageRecord(p))
		}
		records = append(records, r)
		vectors = append(vectors, e.vectors...)
		rows += len(e.passages)
	}
	list, err := json.Marshal(records)
	if err != nil {
		return err
	}
	if x.moveAside {
		if err := os.Rename(x.file, aside(x.file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", x.file, cause(err))
		}
		x.moveAside = false
	}
	err = loader.WriteFile(x.file, map[string]tensor.Tensor{
		"files":      {DType: tensor.U8, Shape: []int{len(list)}, Raw: list},
		"embeddings": tensor.FromFloat32(vectors, rows, x.dims),
	}, map[string]string{"format": formatName, "model": x.model, "sha256": checksum(list, vectors)})
	if err != nil {
		return fmt.Errorf("%s: %w", x.file, cause(err))
	}
	x.dirty = false
	return nil
}

func checksum(list []byte, vectors []float32) string {
	h := sha256.New()
	h.Write(list)
	buf := make([]byte, 0, 1<<16)
	for len(vectors) > 0 {
		n := min(len(vectors), cap(buf)/4)
		buf = buf[:0]
		for _, v := range vectors[:n] {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		h.Write(buf)
		vectors = vectors[n:]
	}
	return hex.EncodeToString(h.Sum(nil))
}
