package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/hub"
	"github.com/godwit-ml/godwit/internal/sentence"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
	"github.com/godwit-ml/godwit/tokenizer"
)

// maxThreads is a number that only a slip of the keyboard exceeds.
const maxThreads = 1024

// modelFlags are the flags of commands that run a model.
type modelFlags struct {
	model    string
	argument bool // whether the model is an argument
	threads  int
	inside   func() fs.FS // returns the model to use if none is named, nil if there is none; nil: embeddedModel
}

// embedded returns the model inside the binary that is used if none is named.
func (f *modelFlags) embedded() fs.FS {
	if f.inside == nil {
		return embeddedModel()
	}
	return f.inside()
}

// add adds --threads, and --model unless the model is an argument.
func (f *modelFlags) add(c *cobra.Command, withModel bool) {
	f.argument = !withModel
	if withModel {
		usage := "model: a folder, or a name in the local Hugging Face cache"
		if f.embedded() != nil {
			usage += " (default: the one inside the binary)"
		}
		c.Flags().StringVarP(&f.model, "model", "m", "", usage)
	}
	c.Flags().IntVar(&f.threads, "threads", 0, "threads to use, 0 for one for each core")
}

func checkThreads(n int) error {
	if n < 0 || n > maxThreads {
		return usagef("--threads is %d, must be from 0 to %d", n, maxThreads)
	}
	return nil
}

// open opens the model.
func (f *modelFlags) open() (*godwit.Model, error) {
	inside := f.model == "" && !f.argument
	if inside && f.embedded() == nil {
		return nil, usagef("this godwit was built without a model (-tags nomodel): name one with --model")
	}
	if err := checkThreads(f.threads); err != nil {
		return nil, err
	}
	if inside {
		return godwit.OpenFS(f.embedded(), godwit.WithThreads(f.threads))
	}
	return godwit.Open(f.model, godwit.WithThreads(f.threads))
}

// openTokenizer opens the tokenizer of a model, or of a tokenizer.json that is named itself.
func openTokenizer(name string) (*tokenizer.Tokenizer, error) {
	if strings.EqualFold(filepath.Ext(name), ".json") {
		if st, err := os.Stat(name); err == nil && !st.IsDir() {
			b, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, unpath(err))
			}
			t, err := tokenizer.Parse(b)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return t, nil
		}
	}
	fsys, err := hub.Open(name)
	if err != nil {
		return nil, err
	}
	dir, err := sentence.Base(fsys)
	if err == nil {
		fsys, err = fs.Sub(fsys, dir)
	}
	var t *tokenizer.Tokenizer
	if err == nil {
		t, err = tokenizer.Load(fsys)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// readTensors reads all tensors of a safetensors file.
func readTensors(path string) (map[string]tensor.Tensor, error) {
	if st, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%s: %w", path, unpath(err))
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a regular file", path)
	}
	dir, base := filepath.Split(path)
	w, err := loader.OpenFile(os.DirFS(filepath.Clean(dir)), base)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	out := map[string]tensor.Tensor{}
	for _, name := range w.Names() {
		if v, ok := w.View(name); ok {
			out[name] = v.Tensor()
		}
	}
	return out, w.Err()
}
