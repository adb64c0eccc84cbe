package search

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxFileSize is the size in bytes above which a file is left out of a search.
const MaxFileSize = 16 << 20

// textTypes are the file name extensions that are taken for text when a folder is searched.
var textTypes = map[string]bool{}

func init() {
	for _, ext := range strings.Fields(`
		adoc asciidoc bib creole log markdown md mdx mkd org pod rst rtxt srt tex texi text textile txt vtt wiki
		htm html xhtml xml csv tsv json jsonl toml yaml yml ini cfg conf properties proto graphql sql
		asm awk bash bat bzl c cc clj cmake cpp cs css cu cxx d dart el elm erl ex exs f90 fish fs go gradle groovy h hh
		hpp hs java jl js jsx kt less lisp lua m mk ml mod nim nix pas php pl ps1 py pyi r rb rs s sass scala scm scss sh
		svelte swift tcl tf ts tsx v vb vim vue zig zsh`) {
		textTypes["."+ext] = true
	}
}

// skippedDirs are folders whose content others wrote or a program made. Folders whose name begins with a dot are left out
// as well.
var skippedDirs = map[string]bool{"node_modules": true, "vendor": true, "__pycache__": true}

// Files returns the text files among the paths and in the folders among them, sorted and without duplicates.
//
// A path that is named is taken whatever its name. In a folder, files are chosen by extension; those without one, README
// or Makefile, are taken too, hidden files and folders (.git), node_modules and vendor are not, and symbolic links are
// not followed. Whether a file is text at all shows when [Index.Update] reads it.
//
// A path that does not exist is an error. What cannot be read further down is reported to note, which may be nil.
func Files(paths []string, note func(path, why string)) ([]string, error) {
	var out []string
	for _, root := range paths {
		info, err := os.Stat(root)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", root, cause(err))
		}
		if !info.IsDir() {
			if !info.Mode().IsRegular() {
				return nil, fmt.Errorf("%s: not a file or folder", root)
			}
			out = append(out, filepath.Clean(root))
			continue
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			name := filepath.Base(path)
			switch {
			case err != nil:
				if note != nil {
					note(path, cause(err).Error())
				}
				return nil
			case path == root:
			case d.IsDir():
				if skippedDirs[name] || strings.HasPrefix(name, ".") {
					return fs.SkipDir
				}
			case d.Type().IsRegular() && !strings.HasPrefix(name, "."):
				if ext := filepath.Ext(name); ext == "" || textTypes[strings.ToLower(ext)] {
					out = append(out, filepath.Clean(path))
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// notText says why a file is left out of a search.
type notText string

func (e notText) Error() string { return string(e) }

// readText returns the content of a text file, and a notText error if it is none.
func readText(path string, size int64) (string, error) {
	if size > MaxFileSize {
		return "", notText(fmt.Sprintf("larger than %d MiB", MaxFileSize>>20))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", cause(err)
	}
	switch {
	case len(b) > MaxFileSize:
		return "", notText(fmt.Sprintf("larger than %d MiB", MaxFileSize>>20))
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		return "", notText("UTF-16, not UTF-8 text")
	case bytes.IndexByte(b[:min(len(b), 8192)], 0) >= 0:
		return "", notText("binary")
	case !utf8.Valid(b):
		return "", notText("not UTF-8 text")
	}
	return string(b), nil
}

// cause returns the error without the operation and path that the file functions of Go put before it.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
