package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The layout of the cache is that of the Python package huggingface_hub:
//
//	models--org--name/refs/<revision>          the commit that a branch or tag points to
//	models--org--name/snapshots/<commit>/...   the files of a commit, links to blobs/<etag>

// CacheDir returns the folder of the local cache: $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub,
// $XDG_CACHE_HOME/huggingface/hub or ~/.cache/huggingface/hub, the first that is set.
func CacheDir() string {
	for _, v := range []struct{ env, below string }{
		{"HF_HUB_CACHE", ""},
		{"HUGGINGFACE_HUB_CACHE", ""},
		{"HF_HOME", "hub"},
		{"XDG_CACHE_HOME", "huggingface/hub"},
	} {
		if dir := os.Getenv(v.env); dir != "" {
			return filepath.Join(expandHome(dir), filepath.FromSlash(v.below))
		}
	}
	return expandHome(filepath.Join("~", ".cache", "huggingface", "hub"))
}

// expandHome replaces a leading ~ by the home folder, as Python's expanduser does.
func expandHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}

// endpoint returns the address of the Hub: $HF_ENDPOINT or https://huggingface.co.
func endpoint() string {
	if e := os.Getenv("HF_ENDPOINT"); e != "" {
		return strings.TrimRight(e, "/")
	}
	return "https://huggingface.co"
}

// snapshot returns the folder of a repository's revision ("" means main) in the cache, or "" if it is not there.
func snapshot(repo, revision string) (string, error) {
	if revision == "" {
		revision = "main"
	}
	if !filepath.IsLocal(filepath.FromSlash(revision)) {
		return "", fmt.Errorf("hub: %s: the revision %q is not the name of a branch, a tag or a commit", repo, revision)
	}
	dir := filepath.Join(CacheDir(), "models--"+strings.ReplaceAll(repo, "/", "--"))
	commit := revision
	ref, err := os.ReadFile(filepath.Join(dir, "refs", filepath.FromSlash(revision)))
	switch {
	case err == nil:
		commit = strings.TrimSpace(string(ref))
		if len(commit) > 200 || !filepath.IsLocal(commit) || strings.ContainsAny(commit, `/\`) {
			return "", fmt.Errorf("hub: the cached reference %s of %s does not hold a commit; delete %s and fetch the model again",
				revision, repo, dir)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("hub: %w", err)
	}
	path := filepath.Join(dir, "snapshots", commit)
	if st, err := os.Stat(path); err != nil || !st.IsDir() {
		return "", nil
	}
	return path, nil
}
