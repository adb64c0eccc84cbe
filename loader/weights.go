package loader

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"
)

// maxIndex limits the size of an index file: 100 bytes for each of a million tensors.
const maxIndex = 100_000_000

// Weights are the tensors of one or several open safetensors files. They are immutable and safe for concurrent use;
// no View may be used after Close.
type Weights struct {
	name  string // the file that stands for all in messages
	files []*source
	views map[string]*View
	meta  map[string]string
	rules Rules
}

// Open opens the weights of a model: model.safetensors, or else the shards that model.safetensors.index.json lists.
// The caller closes the Weights.
func Open(fsys fs.FS) (*Weights, error) {
	if exists(fsys, singleFile) {
		return OpenFile(fsys, singleFile)
	}
	if exists(fsys, indexFile) {
		return openShards(fsys, indexFile)
	}
	for _, other := range []string{"pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "flax_model.msgpack"} {
		if exists(fsys, other) {
			return nil, fmt.Errorf("loader: %s is not there: %s cannot be read, save the model again with "+
				"save_pretrained(folder, safe_serialization=True): %w", singleFile, other, fs.ErrNotExist)
		}
	}
	return nil, fmt.Errorf("loader: neither %s nor %s is there (%w): is this the folder of a model?",
		singleFile, indexFile, fs.ErrNotExist)
}

// OpenFile opens one safetensors file. The caller closes the Weights.
func OpenFile(fsys fs.FS, name string) (*Weights, error) {
	w := &Weights{name: name, views: make(map[string]*View)}
	if err := w.add(fsys, name); err != nil {
		w.Close()
		return nil, err
	}
	w.attachScales()
	return w, nil
}

// add opens a file and adds its tensors.
func (w *Weights) add(fsys fs.FS, name string) error {
	src, err := open(fsys, name)
	if err != nil {
		return fmt.Errorf("loader: %s: %w", name, err)
	}
	w.files = append(w.files, src)
	header, err := src.header()
	if err != nil {
		return fmt.Errorf("loader: %s: %w", name, err)
	}
	dataBegin := int64(8 + len(header))
	infos, meta, err := parseHeader(header, src.size-dataBegin)
	if err != nil {
		return fmt.Errorf("loader: %s: %w", name, err)
	}
	for _, t := range infos {
		if other, ok := w.views[t.name]; ok {
			return fmt.Errorf("loader: %s: tensor %s is in %s too", name, quote(t.name), other.src.name)
		}
		w.views[t.name] = &View{Name: t.name, DType: t.dtype, Shape: t.shape, key: t.name, src: src, begin: dataBegin + t.begin}
	}
	if w.meta == nil {
		w.meta = meta
	}
	return nil
}

// openShards opens the files that an index names: {"metadata": {...}, "weight_map": {"tensor": "file", ...}}.
func openShards(fsys fs.FS, name string) (*Weights, error) {
	text, err := readSmall(fsys, name, maxIndex)
	if err != nil {
		return nil, fmt.Errorf("loader: %s: %w", name, err)
	}
	shardOf, err := parseIndex(text)
	if err != nil {
		return nil, fmt.Errorf("loader: %s: %w", name, err)
	}
	w := &Weights{name: name, views: make(map[string]*View)}
	if err := w.addShards(fsys, shardOf); err != nil {
		w.Close()
		return nil, err
	}
	w.attachScales()
	return w, nil
}

// addShards adds the files of an index. Index and files must agree about every tensor.
func (w *Weights) addShards(fsys fs.FS, shardOf map[string]string) error {
	shards := slices.Compact(slices.Sorted(maps.Values(shardOf)))
	for i, shard := range shards {
		if err := w.add(fsys, shard); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%w: it is file %d of the %d that %s lists", err, i+1, len(shards), w.name)
			}
			return err
		}
	}
	for _, tensor := range slices.Sorted(maps.Keys(shardOf)) {
		if v, ok := w.views[tensor]; !ok || v.src.name != shardOf[tensor] {
			return fmt.Errorf("loader: %s: tensor %s is listed in %s but is not there", w.name, quote(tensor), shardOf[tensor])
		}
	}
	for _, tensor := range w.Names() {
		if _, ok := shardOf[tensor]; !ok {
			return fmt.Errorf("loader: %s: tensor %s of %s is not listed", w.name, quote(tensor), w.views[tensor].src.name)
		}
	}
	return nil
}

// parseIndex reads an index file: the name of each tensor's file.
func parseIndex(text []byte) (map[string]string, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("the file is not UTF-8")
	}
	d := &decoder{json.NewDecoder(bytes.NewReader(text))}
	d.UseNumber()
	var shardOf map[string]string
	err := d.object(func(field string) error {
		if field != "weight_map" {
			return wrap(d.skip(), "%s", quote(field))
		}
		shardOf = make(map[string]string)
		return d.object(func(tensor string) error {
			shard, err := d.string()
			if err == nil && !isLocal(shard) {
				err = fmt.Errorf("%s is not a file in the model's folder", quote(shard))
			}
			shardOf[tensor] = shard
			return wrap(err, "tensor %s", quote(tensor))
		})
	})
	switch {
	case err != nil:
		return nil, err
	case len(shardOf) == 0:
		return nil, errors.New("weight_map is missing or empty")
	}
	return shardOf, d.end()
}

// isLocal reports whether the name of a shard is a plain path inside the folder, on every system, fit for a message.
func isLocal(name string) bool {
	return fs.ValidPath(name) && name != "." && len(name) <= 1000 &&
		!strings.ContainsAny(name, `\:`) && !strings.ContainsFunc(name, unicode.IsControl)
}

// readSmall reads a whole file of at most limit bytes.
func readSmall(fsys fs.FS, name string, limit int64) ([]byte, error) {
	src, err := open(fsys, name)
	if err != nil {
		return nil, err
	}
	defer src.close()
	if src.size > limit {
		return nil, fmt.Errorf("the file has %d bytes, the limit is %d", src.size, limit)
	}
	text := make([]byte, src.size)
	src.read(0, len(text), func(b []byte) { copy(text, b) })
	return text, src.err()
}

// attachScales joins I8 tensors with their scales: "x" with "x_scale".
func (w *Weights) attachScales() {
	for name, v := range w.views {
		if s, ok := w.views[name+scaleSuffix]; ok {
			v.attachScale(s)
		}
	}
}

// scaleSuffix makes the name of a scale from that of its I8 tensor.
const scaleSuffix = "_scale"

// Names returns the names of all tensors, sorted.
func (w *Weights) Names() []string { return slices.Sorted(maps.Keys(w.views)) }

// Has reports whether there is a tensor of this name.
func (w *Weights) Has(name string) bool { return w.views[name] != nil }

// View returns the tensor of this name, and whether there is one.
func (w *Weights) View(name string) (*View, bool) {
	v, ok := w.views[name]
	return v, ok
}

// Metadata returns the strings of __metadata__, of the first file that has any. They must not be changed.
func (w *Weights) Metadata() map[string]string { return w.meta }

// Err returns the first failure to read a tensor, or nil: an error of the disk, or a mapped file that was cut short.
func (w *Weights) Err() error {
	for _, f := range w.files {
		if err := f.err(); err != nil {
			return fmt.Errorf("loader: %s: %w", f.name, err)
		}
	}
	return nil
}

// Close unmaps and closes the files. It is for the caller of Open or OpenFile; a renamed copy shares the files.
func (w *Weights) Close() error {
	var err error
	for _, f := range w.files {
		err = errors.Join(err, f.close())
	}
	w.files = nil
	return err
}
