// Package hub finds the files of a model by its name: a folder, a model inside the binary, or a repository in the local
// cache of the Hugging Face Hub, which it shares with the Python libraries. It never goes to the network.
package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Open returns the files of the model with the given name, which is looked for in this order:
//
//  1. a folder of that path;
//  2. a repository of the Hub, "org/name" or "org/name@revision", in the local cache;
//  3. a name given to [Register].
//
// So a user's own copy of a model goes before one inside the binary, unless the place cannot be read. If there is nothing, the
// error is a [NotFoundError], which says which files to fetch from where, and where to put them.
func Open(name string) (fs.FS, error) {
	if name == "" {
		return nil, errors.New("hub: the name of the model is empty; give a folder or a name like org/name")
	}
	unreadable := func(err error) (fs.FS, error) { // what cannot be looked into does not hide a model inside the binary
		var path *fs.PathError
		if fsys := registered(name); fsys != nil && errors.As(err, &path) {
			return fsys, nil
		}
		return nil, err
	}
	switch st, err := os.Stat(name); {
	case err == nil && st.IsDir():
		return os.DirFS(name), nil
	case err == nil:
		return nil, fmt.Errorf("hub: %s is a file; a model is the folder with its config.json", name)
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid):
		return unreadable(fmt.Errorf("hub: %w", err))
	}
	repo, revision, _ := strings.Cut(name, "@")
	if isRepo(repo) {
		dir, err := snapshot(repo, revision)
		if err != nil {
			return unreadable(err)
		}
		if dir != "" {
			return os.DirFS(dir), nil
		}
	}
	if fsys := registered(name); fsys != nil {
		return fsys, nil
	}
	if !isRepo(repo) || strings.HasPrefix(name, ".") {
		return nil, fmt.Errorf("hub: there is no folder %s", name)
	}
	return nil, &NotFoundError{Name: repo, Revision: revision, Registered: Registered()}
}

var registry struct {
	sync.Mutex
	models map[string]fs.FS
}

func registered(name string) fs.FS {
	registry.Lock()
	defer registry.Unlock()
	return registry.models[name]
}

// Register makes the files of a model inside the binary known under the names. A package that embeds a model calls it when
// it is initialised; a name that is taken already panics.
func Register(fsys fs.FS, names ...string) {
	registry.Lock()
	defer registry.Unlock()
	if registry.models == nil {
		registry.models = make(map[string]fs.FS)
	}
	for _, n := range names {
		if registry.models[n] != nil {
			panic(fmt.Sprintf("hub: the name %q is registered twice", n))
		}
		registry.models[n] = fsys
	}
}

// Registered returns the names given to [Register], sorted.
func Registered() []string {
	registry.Lock()
	defer registry.Unlock()
	names := make([]string, 0, len(registry.models))
	for n := range registry.models {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// A NotFoundError says that a repository is not in the local cache. Its text says how to get it.
type NotFoundError struct {
	Name       string   // org/name
	Revision   string   // a branch, tag or commit; empty: main
	Registered []string // the names of the models inside the binary
}

var (
	// What every model needs.
	neededFiles = []string{"config.json", "model.safetensors"}
	// What some models have: their tokenizer, how they generate and chat, their image processor, sentence-transformers' modules.
	otherFiles = []string{"tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja",
		"preprocessor_config.json", "processor_config.json", "modules.json", "sentence_bert_config.json",
		"config_sentence_transformers.json", "1_Pooling/config.json"}
)

func (e *NotFoundError) Error() string {
	revision := e.Revision
	if revision == "" {
		revision = "main"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "hub: the model %s is neither a folder nor in the local cache (%s)", e.Name, CacheDir())
	if len(e.Registered) > 0 {
		fmt.Fprintf(&b, "; inside this binary: %s", strings.Join(e.Registered, ", "))
	}
	fmt.Fprintf(&b, ".\nTo get it, fetch\n")
	url := func(f string) { fmt.Fprintf(&b, "    %s/%s/resolve/%s/%s\n", endpoint(), e.Name, revision, f) }
	for _, f := range neededFiles {
		url(f)
	}
	fmt.Fprintf(&b, "and, as far as they exist,\n")
	for _, f := range otherFiles {
		url(f)
	}
	fmt.Fprintf(&b, "into a folder, under the same names, and give the path of that folder instead of the name; "+
		"or into the folder %s below the working directory, and give the name again.", filepath.FromSlash(e.Name))
	return b.String()
}

// Is makes errors.Is(err, fs.ErrNotExist) true.
func (e *NotFoundError) Is(target error) bool { return target == fs.ErrNotExist }

// A repository's name: one or two parts of letters, digits, '-', '_' and '.', as huggingface_hub's validate_repo_id has it.
var repoName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,95})?$`)

func isRepo(name string) bool {
	return repoName.MatchString(name) && !strings.Contains(name, "..") && !strings.Contains(name, "--")
}
