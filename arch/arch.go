// Package arch makes models from config.json and weights. Its registry maps config.json's model_type to the code of a
// family, which lives in a folder of its own (arch/bert, ...) and registers itself when it is imported.
//
// A batch of texts is packed: the tokens of its sequences stand one after the other, and padding does not exist ([Batch]).
// [ForwardText] is the way in for padded tensors as Python has them: it packs them, and spreads the outputs again.
package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/godwit-ml/godwit/internal/files"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A Model is a neural network with its weights. It is immutable and safe for concurrent use: what a call needs beside it
// is in the Workspace, which serves one call at a time.
type Model interface {
	// Forward runs the network on named tensors (input_ids, attention_mask, ...) and returns, by name, every output that the
	// Hugging Face class of config.json's architectures returns, and always last_hidden_state. The outputs are the
	// caller's. Inputs that do not fit the model are an error.
	Forward(ws *tensor.Workspace, inputs map[string]tensor.Tensor, opts ForwardOptions) (map[string]tensor.Tensor, error)
}

// ForwardOptions ask for more outputs.
type ForwardOptions struct {
	// HiddenStates adds hidden_states.N, the input of layer N, for each layer; models of images add the output of the last one.
	HiddenStates bool
	// Generate, if it is not 0, adds generated_ids, [rows, columns and at most this many more]: input_ids, continued by the
	// likeliest tokens. A row that has ended is filled with padding. It is for decoders.
	Generate int
	// Err, if it is not nil, is asked between those tokens: an error ends the run, and is returned.
	Err func() error
	// Args are the keyword arguments of the run by their names in Python (interpolate_pos_encoding): a bool or a float64 each.
	// One that the model does not know is an error.
	Args map[string]any
}

// CheckArgs returns an error if there are keyword arguments other than the known ones, which are true or false.
func (o ForwardOptions) CheckArgs(known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(o.Args)) {
		_, isBool := o.Args[name].(bool)
		switch {
		case slices.Contains(known, name) && isBool:
		case slices.Contains(known, name):
			return fmt.Errorf("argument %s is %v; want true or false", name, o.Args[name])
		case len(known) == 0:
			return fmt.Errorf("argument %q is not known; the model takes none", name)
		default:
			return fmt.Errorf("argument %q is not known; the model takes %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// Flag returns the keyword argument of that name, false if there is none.
func (o ForwardOptions) Flag(name string) bool {
	v, _ := o.Args[name].(bool)
	return v
}

// A Config is a config.json: the fields that all models have, and the text for the family to read its own from.
type Config struct {
	ModelType     string            `json:"model_type"`
	Architectures []string          `json:"architectures"`
	ID2Label      map[string]string `json:"id2label"`

	text []byte
}

// maxConfig is the largest config.json that is read, in bytes. Those of models with many thousand labels have some hundred
// thousand.
const maxConfig = 16 << 20

// ReadConfig reads config.json.
func ReadConfig(fsys fs.FS) (*Config, error) {
	text, err := files.Read(fsys, "config.json", maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("config.json is not there (%w): is this the folder of a model?", fs.ErrNotExist)
	} else if err != nil {
		return nil, err
	}
	return ParseConfig(text)
}

// ParseConfig reads the text of a config.json.
func ParseConfig(text []byte) (*Config, error) {
	c := &Config{text: text}
	if err := c.Decode(c); err != nil {
		return nil, err
	}
	if c.ModelType == "" {
		return nil, errors.New("config.json has no model_type")
	}
	return c, nil
}

// Decode reads the fields of v from the config, as encoding/json does. Fields that are absent or null stay as they are.
func (c *Config) Decode(v any) error {
	d := json.NewDecoder(bytes.NewReader(c.text))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("config.json: %s", files.JSONCause(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("config.json: there is something after the object")
	}
	return nil
}

// Class returns the first of the architectures: the Hugging Face class that the weights were saved from, or "".
func (c *Config) Class() string {
	if len(c.Architectures) == 0 {
		return ""
	}
	return c.Architectures[0]
}

// A Constructor makes a model from its config and binds its weights, which it does not keep open.
type Constructor func(c *Config, w *loader.Weights, x *kernels.Exec) (Model, error)

var registry struct {
	sync.Mutex
	constructors map[string]Constructor
}

// Register makes a family known: the constructor for a model_type. A family calls it when it is initialised; a model_type
// that is taken already panics.
func Register(modelType string, c Constructor) {
	registry.Lock()
	defer registry.Unlock()
	if registry.constructors == nil {
		registry.constructors = make(map[string]Constructor)
	}
	if registry.constructors[modelType] != nil {
		panic(fmt.Sprintf("arch: model_type %q is registered twice", modelType))
	}
	registry.constructors[modelType] = c
}

// ModelTypes returns the model_types that can be loaded, sorted.
func ModelTypes() []string {
	registry.Lock()
	defer registry.Unlock()
	return slices.Sorted(maps.Keys(registry.constructors))
}

// New makes the model that the config describes from the weights, which the caller may close afterwards.
func New(c *Config, w *loader.Weights, x *kernels.Exec) (Model, error) {
	registry.Lock()
	construct := registry.constructors[c.ModelType]
	registry.Unlock()
	switch {
	case construct != nil:
		return construct(c, w, x)
	case strings.HasPrefix(c.ModelType, "siglip2"):
		return nil, fmt.Errorf("config.json: model_type %q is SigLIP 2 for images of any aspect (NaFlex), which is not supported; its "+
			"models for one size of images, whose model_type is siglip, are", c.ModelType)
	}
	return nil, fmt.Errorf("config.json: model_type %q is not supported; supported are %s",
		c.ModelType, strings.Join(ModelTypes(), ", "))
}
