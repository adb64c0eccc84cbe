package search

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// An Embedder turns texts into vectors: what an [Index] needs of a model. All vectors have the same length, and the same
// text always gets the same bits.
type Embedder interface {
	// EmbedPassages returns a vector for each text that is searched.
	EmbedPassages(ctx context.Context, texts []string) ([][]float32, error)
	// EmbedQuery returns the vector of a query. Some models put another instruction before a query than before a passage.
	EmbedQuery(ctx context.Context, query string) ([]float32, error)
	// CountTokens returns the number of tokens of a text, without special tokens.
	CountTokens(text string) int
	// MaxTokens returns how many tokens of a passage the model reads, special tokens and instructions not counted.
	MaxTokens() int
}

// targetTokens is the size of the passages that short paragraphs are joined to. Longer ones say where something is less
// exactly, and their vector is an average of more subjects.
const targetTokens = 128

// An Index holds the passages of files and their vectors. It is not safe for concurrent use; any number of Indexes, also of
// several processes, may use one index file.
type Index struct {
	embedder Embedder      // of texts, nil if images are searched
	images   ImageEmbedder // of images, nil if texts are searched
	splitter Splitter
	file     string // where it is kept, empty if it is not
	dims     int    // of the vectors
	model    string // fingerprint of the model and of the way texts are cut
	entries  map[string]*entry
	byHash   map[string]*entry
	active   []*entry // the entries of the last Update, in the order of its paths
	dirty    bool     // whether entries differ from the file

	moveAside bool // whether the file is somebody else's, to be renamed and not overwritten
}

// entry is one file of an Index.
type entry struct {
	path     string // as given to Update
	key      string // as kept in the index file
	size     int64
	mtime    int64  // in nanoseconds, 0 if it says nothing (see racy)
	hash     string // SHA-256 of the content, in hexadecimal
	kind     Kind
	passages []Passage
	vectors  []float32 // [len(passages), dims], each of length 1
}

// New returns an empty Index that is kept in memory only.
func New(ctx context.Context, e Embedder) (*Index, error) {
	model, dims, err := fingerprint(ctx, e)
	if err != nil {
		return nil, err
	}
	limit := e.MaxTokens()
	return &Index{
		embedder: e,
		splitter: Splitter{Count: e.CountTokens, Target: min(targetTokens, limit), Max: limit},
		model:    model,
		dims:     dims,
		entries:  map[string]*entry{},
		byHash:   map[string]*entry{},
	}, nil
}

// NewImages returns an empty Index of images that is kept in memory only. Its passages are whole images.
func NewImages(ctx context.Context, e ImageEmbedder) (*Index, error) {
	model, dims, err := imageFingerprint(ctx, e)
	if err != nil {
		return nil, err
	}
	return &Index{images: e, model: model, dims: dims, entries: map[string]*entry{}, byHash: map[string]*entry{}}, nil
}

// fingerprint identifies everything that vectors depend on: a model is known by what it makes of a text, so weights, pooling,
// prompts and arithmetic are covered, whatever the model is called.
func fingerprint(ctx context.Context, e Embedder) (model string, dims int, err error) {
	vecs, err := e.EmbedPassages(ctx, []string{probe})
	if err != nil {
		return "", 0, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d %d %d\n", formatVersion, e.MaxTokens(), e.CountTokens(probe))
	writeVector(h, vecs[0])
	return hex.EncodeToString(h.Sum(nil)), len(vecs[0]), nil
}

// probe is a text that a model is known by.
const probe = "A godwit flies eleven days without landing; 1,234 miles a day, it says - in cafe\u0301s & books."

// writeVector writes the bits of a vector.
func writeVector(h hash.Hash, vec []float32) {
	var b [4]byte
	for _, v := range vec {
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
		h.Write(b[:])
	}
}

// Progress is told how far an Update is: passages embedded, of those known to need it so far, and files looked at, of all.
type Progress func(passages, passagesKnown, files, filesAll int)

// A Change says what an Update found.
type Change struct {
	Files    int       // files that are searched
	Passages int       // their passages
	Embedded int       // passages that had to be embedded
	Skipped  []Skipped // files that are not searched
}

// Skipped is a file that was left out, and why.
type Skipped struct{ Path, Why string }

// flushAt is how many passages are embedded in one call: enough to sort into batches of like length, few enough to report
// progress and to be held as text.
const flushAt = 32

// flushBytes is how many bytes of image files are held before they are embedded.
const flushBytes = 64 << 20

// Update makes the Index hold exactly the present content of the files for the next Query. A file whose size and time are
// those of the index file is not read; one whose content is known, under whatever name, is not embedded.
//
// A file that cannot be read, or is no text, is reported in Change.Skipped. If ctx ends, Update returns its error; what was
// embedded by then is kept for Save.
func (x *Index) Update(ctx context.Context, paths []string, progress Progress) (change Change, err error) {
	defer func() {
		if err != nil {
			x.active = nil
		}
	}()
	if progress == nil {
		progress = func(int, int, int, int) {}
	}
	x.active = nil
	var pending []*entry
	var texts []string // the passages of pending, or its images as they are in their files
	done, known, size := 0, 0, 0
	flush := func() error {
		for start := 0; start < len(texts); start += flushAt {
			part := texts[start:min(start+flushAt, len(texts))]
			vecs, bad, err := x.embed(ctx, part)
			if err != nil {
				return err
			}
			for i, v := range vecs {
				for pending[0].complete(x.dims) {
					pending = pending[1:]
				}
				if v == nil {
					change.drop(pending[0], bad[i])
					x.active = slices.DeleteFunc(x.active, func(e *entry) bool { return e == pending[0] })
					pending = pending[1:]
					continue
				}
				pending[0].vectors = append(pending[0].vectors, unit(v)...)
				if pending[0].complete(x.dims) {
					x.put(pending[0])
				}
			}
			done += len(part)
			progress(done, known, len(x.active), len(paths))
		}
		pending, texts, size = pending[:0], texts[:0], 0
		return nil
	}
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return change, err
		}
		if abs, err := filepath.Abs(path); err == nil && abs == x.file {
			continue // the index itself
		}
		e, text, err := x.look(path)
		if err != nil {
			change.Skipped = append(change.Skipped, Skipped{path, err.Error()})
			continue
		}
		x.active = append(x.active, e)
		if e.passages == nil {
			e.passages = x.split(text, e.kind)
			size += len(text)
			for _, p := range e.passages {
				texts = append(texts, p.In(text))
			}
			known += len(e.passages)
			change.Embedded += len(e.passages)
			if len(e.passages) == 0 {
				e.passages = []Passage{}
				x.put(e)
			} else {
				pending = append(pending, e)
			}
		}
		change.Files++
		change.Passages += len(e.passages)
		if len(texts) >= flushAt || x.images != nil && size >= flushBytes {
			if err := flush(); err != nil {
				return change, err
			}
		}
		progress(done, known, len(x.active), len(paths))
	}
	return change, flush()
}

// split returns the passages of a file. An image is one.
func (x *Index) split(content string, kind Kind) []Passage {
	if x.images != nil {
		return []Passage{{Start: 0, End: len(content), Line: 1, EndLine: 1}}
	}
	return x.splitter.Split(content, kind)
}

// embed returns the vectors of passages. An image that cannot be used has none, and an error.
func (x *Index) embed(ctx context.Context, content []string) (vecs [][]float32, bad []error, err error) {
	if x.images != nil {
		return x.images.EmbedImages(ctx, content)
	}
	vecs, err = x.embedder.EmbedPassages(ctx, content)
	return vecs, nil, err
}

// drop takes a file out that turns out to be no image.
func (c *Change) drop(e *entry, err error) {
	c.Files--
	c.Passages--
	c.Embedded--
	c.Skipped = append(c.Skipped, Skipped{e.path, err.Error()})
}

// kindOf returns what the file of a name is read as.
func (x *Index) kindOf(path string) Kind {
	if x.images != nil {
		return Picture
	}
	return KindOf(path)
}

// look returns the entry of a file. If its content is not known the entry has no passages, and its text is returned too.
func (x *Index) look(path string) (*entry, string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", cause(err)
	}
	e := &entry{path: path, key: x.key(path), size: info.Size(), mtime: info.ModTime().UnixNano(), kind: x.kindOf(path)}
	if racy(info.ModTime()) {
		e.mtime = 0
	}
	old := x.entries[e.key]
	if old != nil && old.mtime == e.mtime && old.mtime != 0 && old.size == e.size {
		old.path = path
		return old, "", nil
	}
	read := readText
	if x.images != nil {
		read = readImage
	}
	text, err := read(path, info.Size())
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256([]byte(text))
	e.size, e.hash = int64(len(text)), hex.EncodeToString(sum[:])
	if known := x.byHash[e.hash]; known != nil && known.kind == e.kind {
		e.passages, e.vectors = known.passages, known.vectors
		if old == nil || old.hash != e.hash || old.mtime != e.mtime {
			x.put(e)
		}
		return e, "", nil
	}
	return e, text, nil
}

// racy reports whether a file was changed so recently that it may change again without its time changing, clocks of file
// systems being as coarse as two seconds. Such a time is not kept, so that the content is compared next time.
func racy(mtime time.Time) bool { return time.Since(mtime) < 3*time.Second }

// complete reports whether all passages have their vector.
func (e *entry) complete(dims int) bool { return len(e.vectors) == len(e.passages)*dims }

func (x *Index) put(e *entry) {
	x.entries[e.key] = e
	x.byHash[e.hash] = e
	x.dirty = true
}

// key returns the name of a file in the index file: relative to its folder, so that both may be moved together.
func (x *Index) key(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	if x.file != "" {
		if rel, err := filepath.Rel(filepath.Dir(x.file), abs); err == nil {
			abs = rel
		}
	}
	return filepath.ToSlash(abs)
}

// Options narrow a Query.
type Options struct {
	// Top is the most hits to return, 0 for all.
	Top int
	// MinScore leaves out passages whose score is lower. Scores lie in [-1, 1]. 0 leaves out texts that have nothing to do with
	// the query, but images that may: a negative score can be the best that a model of images and texts gives.
	MinScore float32
}

// A Hit is a passage found.
type Hit struct {
	Path string
	Passage
	// Score is the cosine between the vectors of the query and the passage.
	Score float32
	// Text is the passage as it stands in the file, without its headings. It is empty if the file has changed since Update, and
	// for an image.
	Text string
}

func (x *Index) embedQuery(ctx context.Context, query string) ([]float32, error) {
	if x.images != nil {
		return x.images.EmbedQuery(ctx, query)
	}
	return x.embedder.EmbedQuery(ctx, query)
}

// Query returns the passages of the files of the last Update whose meaning is closest to the query, the best first; of
// equal ones, the first in the order of the files.
func (x *Index) Query(ctx context.Context, query string, opt Options) ([]Hit, error) {
	q, err := x.embedQuery(ctx, query)
	if err != nil {
		return nil, err
	}
	q = unit(q)
	type scored struct {
		e     *entry
		i     int
		score float32
	}
	var best []scored
	for _, e := range x.active {
		for i := range e.passages {
			s := scored{e, i, dot(q, e.vectors[i*len(q):(i+1)*len(q)])}
			if !(s.score >= opt.MinScore) { // also leaves out NaN
				continue
			}
			if opt.Top > 0 && len(best) == opt.Top && s.score <= best[len(best)-1].score {
				continue
			}
			// Behind those of the same score, which came first.
			at, _ := slices.BinarySearchFunc(best, s.score, func(b scored, v float32) int {
				if b.score >= v {
					return -1
				}
				return 1
			})
			best = slices.Insert(best, at, s)
			if opt.Top > 0 && len(best) > opt.Top {
				best = best[:opt.Top]
			}
		}
	}
	texts := map[*entry]string{}
	hits := make([]Hit, len(best))
	for i, b := range best {
		text, ok := texts[b.e]
		if !ok && b.e.kind != Picture {
			text, _ = readText(b.e.path, b.e.size)
			if sum := sha256.Sum256([]byte(text)); hex.EncodeToString(sum[:]) != b.e.hash {
				text = ""
			}
			texts[b.e] = text
		}
		hits[i] = Hit{Path: b.e.path, Passage: b.e.passages[b.i], Score: b.score}
		if text != "" {
			hits[i].Text = text[hits[i].Start:hits[i].End]
		}
	}
	return hits, nil
}

// prune drops files that are gone, unless they were part of the last Update.
func (x *Index) prune() {
	for key, e := range x.entries {
		if slices.Contains(x.active, e) {
			continue
		}
		path := filepath.FromSlash(key)
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(x.file), path)
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			delete(x.entries, key)
		}
	}
}

// sorted returns the entries in the order of their keys.
func (x *Index) sorted() []*entry {
	var out []*entry
	for _, e := range x.entries {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *entry) int { return cmp.Compare(a.key, b.key) })
	return out
}

// unit returns v scaled to length 1. A vector of zeros stays so.
func unit(v []float32) []float32 {
	sum := dot(v, v)
	if sum == 0 {
		return v
	}
	n := float32(math.Sqrt(float64(sum)))
	out := make([]float32, len(v))
	for i := range v {
		out[i] = v[i] / n
	}
	return out
}

// dot is the dot product in four chains, the same bits on every machine. The vectors of a query's comparison stream from
// memory once; embedding the query costs more than comparing it until there are some hundred thousand passages.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	n := len(a)
	b = b[:n]
	i := 0
	for ; i+4 <= n; i += 4 {
		s0 += float32(a[i] * b[i])
		s1 += float32(a[i+1] * b[i+1])
		s2 += float32(a[i+2] * b[i+2])
		s3 += float32(a[i+3] * b[i+3])
	}
	for ; i < n; i++ {
		s0 += float32(a[i] * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}
