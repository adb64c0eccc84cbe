package godwit_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/godwit-ml/godwit"

// listPackages returns the import path of each package of the module, with those of the module that it imports.
func listPackages(t *testing.T) map[string][]string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command: ", err)
	}
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := make(map[string][]string)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return imports
		} else if err != nil {
			t.Fatal(err)
		}
		name := room(p.ImportPath)
		for _, i := range p.Imports {
			if i == module || strings.HasPrefix(i, module+"/") {
				imports[name] = append(imports[name], room(i))
			}
		}
	}
}

// room returns an import path without the module's; the root package is "godwit".
func room(path string) string {
	if path == module {
		return "godwit"
	}
	return strings.TrimPrefix(path, module+"/")
}

// floors are the rooms of the house from the ground up. A package may import what stands on a lower floor, and what is in
// its own room (arch/bert imports arch, not the other way round: they are told apart).
var floors = [][]string{
	{"internal/cpu", "internal/fence", "internal/files", "internal/parallel", "internal/jinja"},
	{"tensor", "kernels", "tokenizer", "hub", "imageproc", "audioproc"},
	{"loader"},
	{"arch", "arch/nn", "internal/sentence"},
	{"arch/bert", "arch/gpt", "arch/vit"},
	{"generate", "chat"},
	{"godwit"},
	{"server", "models", "bench"},
	{"cmd", "internal/cli"},
}

// floor returns the floor of a package, by the longest room that it is in, and that room; -1 if it is in none.
func floor(pkg string) (n int, in string) {
	n = -1
	for i, rooms := range floors {
		for _, r := range rooms {
			if (pkg == r || strings.HasPrefix(pkg, r+"/")) && len(r) > len(in) {
				n, in = i, r
			}
		}
	}
	return n, in
}

// TestImportsPointDown holds the house together: what is below knows nothing of what is above.
func TestImportsPointDown(t *testing.T) {
	imports := listPackages(t)
	if len(imports) < 8 {
		t.Fatalf("only %d packages found", len(imports))
	}
	for pkg, list := range imports {
		n, in := floor(pkg)
		if n < 0 {
			continue // packages beside the house: it must not import them
		}
		for _, i := range list {
			switch m, other := floor(i); {
			case m < 0 && n < floorOf("godwit"):
				if !beside[i] {
					t.Errorf("%s imports %s, which has no place in the house (floors in this test)", pkg, i)
				}
			case m > n:
				t.Errorf("%s (floor %d) imports %s (floor %d)", pkg, n, i, m)
			case m == n && in != other && pkg != i && !(in == "arch/nn" || other == "arch/nn"):
				t.Errorf("%s and %s are on one floor: neither may import the other", pkg, i)
			}
		}
	}
}

// beside are packages that any room may import.
var beside = map[string]bool{"modelcard": true}

func floorOf(pkg string) int {
	n, _ := floor(pkg)
	return n
}

// TestLightDependencies lists all that a program gets with the root package: anything more is decided, not slipped in.
func TestLightDependencies(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command: ", err)
	}
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{if .Module}}{{.Module.Path}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := strings.Fields(string(out))
	slices.Sort(modules)
	modules = slices.Compact(modules)
	allowed := []string{module, "github.com/dlclark/regexp2", "github.com/dlclark/regexp2/v2", "github.com/klauspost/cpuid/v2",
		"golang.org/x/image", // for the tasks on images: WebP, BMP and TIFF
		"golang.org/x/sys", "golang.org/x/text"}
	for _, m := range modules {
		if !slices.Contains(allowed, m) {
			t.Errorf("the root package depends on %s", m)
		}
	}
}
