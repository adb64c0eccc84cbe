package hub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// write makes a file with its folders.
func write(t *testing.T, text string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// content opens a model and returns its config.json.
func content(t *testing.T, name string) string {
	t.Helper()
	fsys, err := Open(name)
	if err != nil {
		t.Fatalf("Open(%q): %v", name, err)
	}
	b, err := fs.ReadFile(fsys, "config.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOpen(t *testing.T) {
	cache, work := t.TempDir(), t.TempDir()
	t.Setenv("HF_HUB_CACHE", cache)
	t.Chdir(work)
	repo := filepath.Join(cache, "models--org--name")
	write(t, "c0ffee\n", repo, "refs", "main")
	write(t, "bead", repo, "refs", "pr", "7")
	write(t, "main", repo, "snapshots", "c0ffee", "config.json")
	write(t, "pr", repo, "snapshots", "bead", "config.json")
	write(t, "gpt2", cache, "models--gpt2", "snapshots", "abc", "config.json")
	write(t, "folder", work, "own", "config.json")
	Register(fstest.MapFS{"config.json": {Data: []byte("embedded")}}, "inside", "org/name", "org/inside")
	t.Cleanup(func() { registry.models = nil })

	for name, want := range map[string]string{
		"org/name":                 "main", // the cache goes before what is registered
		"org/name@main":            "main",
		"org/name@pr/7":            "pr",
		"org/name@bead":            "pr",
		"gpt2@abc":                 "gpt2",
		"own":                      "folder",
		"./own":                    "folder",
		filepath.Join(work, "own"): "folder",
		"inside":                   "embedded",
		"org/inside":               "embedded",
	} {
		if got := content(t, name); got != want {
			t.Errorf("Open(%q) found the model %q, want %q", name, got, want)
		}
	}
}

func TestFolderGoesFirst(t *testing.T) {
	cache, work := t.TempDir(), t.TempDir()
	t.Setenv("HF_HUB_CACHE", cache)
	t.Chdir(work)
	write(t, "cached", cache, "models--org--name", "snapshots", "main", "config.json")
	if got := content(t, "org/name"); got != "cached" {
		t.Errorf("found %q, want the cached one", got)
	}
	write(t, "folder", work, "org", "name", "config.json")
	if got := content(t, "org/name"); got != "folder" {
		t.Errorf("found %q, want the folder", got)
	}
}

// A home folder that may not be read, as programs in containers have, does not keep a model in the binary from opening.
func TestUnreadableCache(t *testing.T) {
	work := t.TempDir()
	t.Chdir(work)
	write(t, "", work, "file")
	t.Setenv("HF_HUB_CACHE", filepath.Join(work, "file", "hub"))
	Register(fstest.MapFS{"config.json": {Data: []byte("embedded")}}, "inside")
	t.Cleanup(func() { registry.models = nil })
	if got := content(t, "inside"); got != "embedded" {
		t.Errorf("found %q, want the embedded one", got)
	}
}

func TestErrors(t *testing.T) {
	cache, work := t.TempDir(), t.TempDir()
	t.Setenv("HF_HUB_CACHE", cache)
	t.Setenv("HF_ENDPOINT", "")
	t.Chdir(work)
	write(t, "", work, "file.txt")
	write(t, "../../../etc", cache, "models--org--bad", "refs", "main")
	for name, want := range map[string]string{
		"":              "hub: the name of the model is empty; give a folder or a name like org/name",
		"file.txt":      "hub: file.txt is a file; a model is the folder with its config.json",
		"./none":        "hub: there is no folder ./none",
		"a/b/c":         "hub: there is no folder a/b/c",
		"org/x@../../y": `hub: org/x: the revision "../../y" is not the name of a branch, a tag or a commit`,
		"org/bad": "hub: the cached reference main of org/bad does not hold a commit; delete " +
			filepath.Join(cache, "models--org--bad") + " and fetch the model again",
	} {
		if _, err := Open(name); err == nil || err.Error() != want {
			t.Errorf("Open(%q):\n got %v\nwant %s", name, err, want)
		}
	}

	_, err := Open("org/none@v2")
	var missing *NotFoundError
	if !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Open of an unknown name: %v", err)
	}
	for _, want := range []string{
		"the model org/none is neither a folder nor in the local cache (" + cache + ")",
		"https://huggingface.co/org/none/resolve/v2/config.json\n",
		"https://huggingface.co/org/none/resolve/v2/model.safetensors\n",
		"and, as far as they exist,\n    https://huggingface.co/org/none/resolve/v2/tokenizer.json\n",
		"https://huggingface.co/org/none/resolve/v2/generation_config.json\n",
		"https://huggingface.co/org/none/resolve/v2/chat_template.jinja\n",
		"https://huggingface.co/org/none/resolve/v2/preprocessor_config.json\n",
		"https://huggingface.co/org/none/resolve/v2/processor_config.json\n",
		"https://huggingface.co/org/none/resolve/v2/1_Pooling/config.json\n",
		"into the folder " + filepath.Join("org", "none") + " below the working directory",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestCacheDir(t *testing.T) {
	all := []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip("no home folder here: ", err)
	}
	for _, c := range []struct{ env, value, want string }{
		{"HF_HUB_CACHE", "/a", "/a"},
		{"HUGGINGFACE_HUB_CACHE", "/b", "/b"},
		{"HF_HOME", "~/c", filepath.Join(home, "c", "hub")},
		{"XDG_CACHE_HOME", "/d", "/d/huggingface/hub"},
		{"", "", filepath.Join(home, ".cache", "huggingface", "hub")},
	} {
		for _, e := range all {
			t.Setenv(e, "")
		}
		if c.env != "" {
			t.Setenv(c.env, c.value)
		}
		if got := CacheDir(); got != filepath.FromSlash(c.want) {
			t.Errorf("%s=%s: %s, want %s", c.env, c.value, got, c.want)
		}
	}
}
