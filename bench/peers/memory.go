package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/gpt"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tokenizer"
)

// memoryCells are the texts of -cells for -memory when it is not given.
const memoryCells = "120x8,2040x8,8000x8"

const mib = 1 << 20

// A footprint is what a process that generates takes: a line of the table, in bytes.
type footprint struct {
	name               string
	peak, mapped, kept float64 // the most that was resident; pages of files in it, -1: not known; keys and values
}

// memory measures the resident memory of fresh processes that compute a prompt and some tokens after it: the engines, and the
// command godwit generate if the model has a tokenizer. Beside it stand the bytes of the weights in the file and of the keys and
// values; the rest is what remains. The kernel counts the pages of a file that is mapped as resident: llama.cpp's weights are
// such pages, and those of godwit while it loads.
func (o *options) memory() error {
	if o.family != decoderCells {
		return errors.New("-memory is for decoders")
	}
	fsys := os.DirFS(o.model)
	config, err := arch.ReadConfig(fsys)
	if err != nil {
		return err
	}
	size, err := gpt.ReadCacheSize(config, arch.CacheOptions{Chunk: prefillChunk})
	if err != nil {
		return err
	}
	w, err := loader.Open(fsys)
	if err != nil {
		return err
	}
	weights := 0.0
	for _, name := range w.Names() {
		if v, ok := w.View(name); ok {
			weights += float64(v.Bytes())
		}
	}
	w.Close()
	binary, remove, err := buildGodwit()
	if err != nil {
		return err
	}
	defer remove()
	threads := o.threads[len(o.threads)-1]
	fmt.Printf("Peak resident memory of %s, MiB, %d threads. Machine: %s.\n\n", filepath.Base(o.model), threads, machine())
	fmt.Print("| tokens | process | peak | of it mapped files | weights | keys and values | rest |\n|---|---|---|---|---|---|---|\n")
	for _, c := range o.cells {
		if c.kind != "decode" || c.dims[0]+c.dims[1] > size.Context {
			continue
		}
		list, err := o.footprints(c, threads, binary, size)
		if err != nil {
			return fmt.Errorf("%s: %w", o.name(c), err)
		}
		for _, f := range list {
			mapped := ""
			if f.mapped >= 0 {
				mapped = fmt.Sprintf("%.0f", f.mapped/mib)
			}
			fmt.Printf("| %d | %s | %.0f | %s | %.0f | %.0f | %.0f |\n", c.dims[0]+c.dims[1], f.name, f.peak/mib, mapped, weights/mib,
				f.kept/mib, (f.peak-weights-f.kept)/mib)
		}
	}
	for _, p := range o.peers { // what an engine in Python takes without a model
		if module := map[string]string{"llamacpp": "llama_cpp", "torch": "torch", "onnxruntime": "onnxruntime"}[p]; module != "" {
			_, alone, _, err := fresh([]string{o.python, "-c", "import numpy, " + module + "; print(0)"})
			if err != nil {
				return err
			}
			fmt.Printf("| | Python with %s alone | %.0f | | | | |\n", p, alone)
		}
	}
	return nil
}

// What -peers can name for -memory besides engines: godwit generate, the same with its cache in bfloat16, and llama.cpp with a
// cache of float32.
const (
	command   = "generate"
	command16 = "generate:bf16"
	llama32   = "llamacpp/f32"
)

// footprints measures the processes of a cell.
func (o *options) footprints(c cell, threads int, binary string, size gpt.CacheSize) (list []footprint, err error) {
	tokens := c.dims[0] + c.dims[1]
	for _, p := range o.peers {
		var f footprint
		switch {
		case p == command || p == command16:
			f, err = o.commandFootprint(c, threads, binary, size, p == command16)
		case strings.HasPrefix(p, "llamacpp"):
			name, kv, wide := strings.Cut(p, "/")
			f, err = o.footprint(c, name, threads, "--kv", cmp.Or(kv, "f16"))
			f.name += ", cache of " + cmp.Or(kv, "f16")
			if f.kept = float64(size.Token) * float64(tokens); !wide {
				f.kept /= 2
			}
		case strings.HasPrefix(p, "godwit"):
			f, err = o.footprint(c, p, threads)
			f.kept = float64(size.Bytes(tokens))
		default:
			f, err = o.footprint(c, p, threads)
			f.kept = float64(size.Token) * float64(tokens)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

// commandFootprint measures godwit generate with a prompt of about as many tokens as the cell has.
func (o *options) commandFootprint(c cell, threads int, binary string, size gpt.CacheSize, narrow bool) (footprint, error) {
	text, n, err := o.promptOf(c.dims[0])
	if err != nil {
		return footprint{}, err
	}
	file := filepath.Join(filepath.Dir(binary), "prompt")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return footprint{}, err
	}
	f := footprint{name: "godwit generate", mapped: -1, kept: float64(size.Bytes(n + c.dims[1]))}
	argv := []string{binary, "generate", "--model", o.model, "--threads", strconv.Itoa(threads), "--greedy", "--ignore-eos",
		"-n", strconv.Itoa(c.dims[1]), "--file", file}
	if narrow {
		argv, f.name, f.kept = append(argv, "--bf16-cache"), f.name+" --bf16-cache", f.kept/2
	}
	_, peak, _, err := fresh(argv)
	f.peak = peak * mib
	return f, err
}

// footprint measures an engine.
func (o *options) footprint(c cell, peer string, threads int, args ...string) (footprint, error) {
	cmd := o.command(peer, threads)
	cmd.Args = append(cmd.Args, args...)
	e, err := start(peer, cmd)
	if err != nil {
		return footprint{}, err
	}
	defer e.close()
	if err := e.set(c); err != nil {
		return footprint{}, err
	}
	f := footprint{name: peer}
	f.peak, f.mapped, err = resident(e.cmd.Process.Pid)
	return f, err
}

// promptOf returns a text of at most n tokens, nearly, and how many they are.
func (o *options) promptOf(n int) (text string, tokens int, err error) {
	t, err := tokenizer.Load(os.DirFS(o.model))
	if err != nil {
		return "", 0, err
	}
	var ids []int32
	for next := sentence; ; next += " " + sentence {
		if ids, err = t.AppendIDs(ids[:0], next, 0); err != nil || len(ids) > n {
			return text, tokens, err
		}
		text, tokens = next, len(ids)
	}
}

// resident returns the most memory that a running process has had resident, and how much of what it has now are pages of files.
func resident(pid int) (peak, mapped float64, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("the memory of another process is only known on Linux: %w", err)
	}
	defer f.Close()
	fields := map[string]float64{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		if kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64); err == nil {
			fields[name] = kib * 1024
		}
	}
	return fields["VmHWM"], fields["RssFile"], cmp.Or(lines.Err(), missing(fields, "VmHWM", "RssFile"))
}

// missing returns an error if one of the fields is not there.
func missing(fields map[string]float64, names ...string) error {
	for _, name := range names {
		if _, ok := fields[name]; !ok {
			return fmt.Errorf("the system does not tell %s of a process", name)
		}
	}
	return nil
}

// buildGodwit builds the command in a folder of its own, which remove removes.
func buildGodwit() (binary string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return "", nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	binary = filepath.Join(dir, "godwit")
	build := exec.Command("go", "build", "-o", binary, "github.com/godwit-ml/godwit/cmd/godwit")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("go build cmd/godwit: %w\n%s", err, said)
	}
	return binary, remove, nil
}
