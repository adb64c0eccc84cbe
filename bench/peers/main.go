// Command peers times godwit beside other engines, in one run and taking turns:
//
//	pip install onnxruntime torch transformers onnx        (and openvino, if wanted)
//	go run ./bench/peers -model DIR -python python3
//	pip install llama-cpp-python gguf                      (for decoders)
//	pip install torch numpy mkl
//	go run ./bench/peers -kernels -python python3
//
// The first times models: DIR is a folder with config.json and model.safetensors, such as all-MiniLM-L6-v2, or one of random
// weights that a script like py/make_bert.py makes. A repetition is
//
//   - of an encoder, token ids to last_hidden_state, without padding;
//   - of a model of images, pixels to last_hidden_state;
//   - of a decoder, a prompt to the logits after it, or some tokens one by one, each with its logits and their greatest, after a
//     prompt that is in the cache already. The weights are of the type that the files have, but llamacpp:f16 (:bf16, :f32) has
//     them converted, and PyTorch and ONNX Runtime widen them. llama.cpp's cache is of float16, godwit's of float32.
//
// With -kernels it times products beside the fastest calls of MKL, oneDNN and OpenBLAS, and attention beside PyTorch's
// scaled_dot_product_attention. What is not installed is left out with a warning.
//
// Each engine is a process that speaks a line protocol (see py/peer.py), godwit being this very program with -serve. One of
// them computes nothing: it measures the limit, which is the peak of fused multiply-adds or, for products of few rows and for
// decoding, the bandwidth of the cache or memory that holds the weights. Before anything is timed, the engines' outputs are
// compared.
//
// In a cell (a batch and a length, or the sizes of a kernel; a number of threads) the engines take turns for -rounds rounds, in
// an order that is reversed each time; the first repetition of a turn is dropped, because the engine before has evicted the
// caches. One thread means one CPU as well: the processes are pinned to it by taskset where there is one.
//
// It writes table.md, results.jsonl (a line an engine and cell) and plot.svg to the folder -out. The ratio is the median time
// of the fastest other engine over the first engine's, with a 95 % bootstrap interval over whole rounds. With -add the results
// that are in the folder already stay: the cells may then be measured one by one, or again for more rounds.
//
// With -text FILE it compares tokenizers instead: the ids of the paragraphs of a text, one thread, without offsets, by godwit
// and by the Python package tokenizers, whose work is done in Rust.
//
// With -coldstart it measures instead the time from the start of a fresh process to its first embedding, or of a decoder to its
// first token, and the peak of its resident memory.
//
// With -memory it measures, of a decoder, the resident memory of fresh processes that compute a prompt and some tokens after it,
// beside the bytes of the weights and of the keys and values. Besides the engines, -peers can then name the command godwit
// generate: generate, and generate:bf16 with its flag --bf16-cache; llama.cpp keeps keys and values in float16, and as
// llamacpp/f32 in float32.
package main

import (
	"cmp"
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed py/*.py
var scripts embed.FS

// options are the command line.
type options struct {
	model, python, out string
	family             string // of the cells
	add                bool
	peers              []string // the first is godwit
	cells              []cell
	threads            []int
	rounds             int
	turn               time.Duration
	pin                int
	self               string // this program
	scripts            string // folder of the Python files
	onnx               string // folder of the exported graphs
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run() error {
	var (
		o     options
		serve = flag.String("serve", "", "be an engine, godwit or limit: speak the line protocol (-threads with one entry);\n"+
			"or phases: time yourself")
		text   = flag.String("text", "", "compare tokenizers on the paragraphs of this file")
		cold   = flag.Bool("coldstart", false, "measure fresh processes up to their first embedding")
		memory = flag.Bool("memory", false, "measure the resident memory of fresh processes of a decoder")
		peers  = flag.String("peers", "", "engines, godwit first: godwit, godwit:avx2 (or another instruction set),\n"+
			"onnxruntime, torch, openvino, llamacpp:f16 (bf16, f32); with -kernels mkl, onednn, openblas, torch;\n"+
			"empty: godwit and what the Python has")
		cells = flag.String("cells", "", "sizes, separated by commas: batch x length; of images a batch; of a decoder the length of a\n"+
			"prompt, or cached x new tokens; with -kernels m x k x n, or length x head dim")
		threads = flag.String("threads", "1,2", "numbers of threads, separated by commas")
	)
	withKernels := flag.Bool("kernels", false, "compare products and attention, without a model")
	flag.BoolVar(&o.add, "add", false, "keep the results that are in -out already")
	flag.StringVar(&o.model, "model", "", "folder with config.json and model.safetensors")
	flag.StringVar(&o.python, "python", "python3", "the Python that has the other engines")
	flag.StringVar(&o.out, "out", "peers.out", "folder for the exported graphs and the results")
	flag.IntVar(&o.rounds, "rounds", 12, "turns of each engine in a cell")
	flag.DurationVar(&o.turn, "turn", 300*time.Millisecond, "length of a turn, at least one repetition")
	flag.IntVar(&o.pin, "pin", runtime.NumCPU()-1, "CPU for runs of one thread; -1: do not pin")
	flag.Parse()
	if o.model == "" && !*withKernels && *serve == "" {
		return errors.New("-model DIR or -kernels is needed")
	}
	var err error
	o.family = kernelCells
	if o.model != "" {
		c, err := readModelConfig(o.model)
		if err != nil {
			return err
		}
		o.family = c.family()
	}
	usual := defaultCells(o.family)
	if *memory {
		usual = memoryCells
	}
	if o.cells, err = parseCells(cmp.Or(*cells, usual), o.family); err != nil {
		return err
	}
	for s := range strings.SplitSeq(*threads, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("-threads: %q is not a number of threads", s)
		}
		o.threads = append(o.threads, n)
	}
	switch {
	case *serve == limit:
		return o.serveLimit()
	case *serve == phases:
		return servePhases(o.model)
	case *serve != "" && *text != "":
		return serveTokenizer(o.model, *text)
	case *serve != "":
		return serveGodwit(o.model, o.threads[0])
	}

	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, scripts); err != nil {
		return err
	}
	o.scripts, o.onnx = filepath.Join(dir, "py"), filepath.Join(o.out, "onnx", filepath.Base(o.model))
	if o.self, err = os.Executable(); err != nil {
		return err
	}
	if *text != "" {
		return o.tokenizers(*text)
	}
	if o.peers, err = o.choose(*peers); err != nil {
		return err
	}
	if err := o.export(); err != nil {
		return err
	}
	if *memory && *peers == "" {
		if _, err := os.Stat(filepath.Join(o.model, "tokenizer.json")); err == nil {
			o.peers = append([]string{command, command16}, o.peers...)
		}
		if i := slices.Index(o.peers, "llamacpp"); i >= 0 {
			o.peers = slices.Insert(o.peers, i+1, llama32)
		}
	}
	switch {
	case *cold:
		return o.coldstart()
	case *memory:
		return o.memory()
	}
	return o.compare()
}

// choose returns the engines named, or all that are installed.
func (o *options) choose(names string) ([]string, error) {
	if names != "" {
		return strings.Split(names, ","), nil
	}
	peers := []string{"godwit"}
	candidates := []string{"onnxruntime", "torch", "openvino"}
	switch o.family {
	case kernelCells:
		candidates = []string{"mkl", "onednn", "openblas", "torch"}
	case decoderCells:
		candidates = []string{"llamacpp", "llamacpp:f16", "llamacpp:f32", "torch"}
		if c, err := readModelConfig(o.model); err == nil && c.ModelType == "gpt2" {
			candidates = append(candidates, "onnxruntime")
		}
	}
	for _, p := range candidates {
		module, _, _ := strings.Cut(p, ":")
		if module == "llamacpp" {
			module = "llama_cpp, gguf"
		}
		probe := exec.Command(o.python, "-c", "import "+module)
		if o.family == kernelCells {
			probe = o.command(p, 1) // ends with its input, which is empty
		}
		if said, err := probe.CombinedOutput(); err != nil {
			lines := strings.Split(strings.TrimSpace(string(said)), "\n")
			fmt.Fprintf(os.Stderr, "peers: without %s: %s\n", p, lines[len(lines)-1])
			continue
		}
		peers = append(peers, p)
	}
	if len(peers) == 1 {
		return nil, fmt.Errorf("%s has none of %s", o.python, strings.Join(candidates, ", "))
	}
	return peers, nil
}

// export writes the files of other formats that engines need, if they are not there from an earlier run.
func (o *options) export() error {
	for _, p := range o.peers {
		file := "fused.onnx"
		var args []string
		p, _, _ = strings.Cut(p, "/") // the type of a cache
		switch p, dtype, _ := strings.Cut(p, ":"); {
		case p == "llamacpp":
			file, args = cmp.Or(dtype, "own")+".gguf", []string{"export_gguf.py", cmp.Or(dtype, "own")}
		case p != "onnxruntime" && p != "openvino":
			continue
		case o.family == decoderCells:
			args = []string{"export_gpt2.py"}
		case o.family == imageCells:
			args = []string{"export_vit.py"}
		default:
			args = []string{"export_onnx.py"}
		}
		if _, err := os.Stat(filepath.Join(o.onnx, file)); err == nil {
			continue
		}
		if err := o.exportBy(args[0], append([]string{o.model, o.onnx}, args[1:]...)); err != nil {
			return err
		}
	}
	return nil
}

// exportBy runs a script.
func (o *options) exportBy(script string, args []string) error {
	cmd := exec.Command(o.python, append([]string{filepath.Join(o.scripts, script)}, args...)...)
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", script, err, said)
	}
	for line := range strings.Lines(string(said)) {
		if strings.HasPrefix(line, "onnxruntime fused:") {
			fmt.Fprint(os.Stderr, line)
		}
	}
	return nil
}

// command returns the process of an engine.
func (o *options) command(peer string, threads int) *exec.Cmd {
	name, variant, _ := strings.Cut(peer, ":")
	isa := variant
	if name == limit {
		_, isa, _ = strings.Cut(o.peers[0], ":") // that of the first engine's instruction set
	}
	var args []string
	if threads == 1 {
		args = o.pinned()
	}
	switch name {
	case "godwit", limit:
		args = append(args, o.self, "-serve", name)
	case "llamacpp":
		isa = ""
		args = append(args, o.python, filepath.Join(o.scripts, "serve_llamacpp.py"), "--gguf",
			filepath.Join(o.onnx, cmp.Or(variant, "own")+".gguf"))
	case "mkl", "onednn", "openblas":
		args = append(args, o.python, filepath.Join(o.scripts, "serve_sgemm.py"), "--library", name)
	default:
		args = append(args, o.python, filepath.Join(o.scripts, "serve_"+name+".py"), "--onnx", o.onnx)
	}
	args = append(args, "--threads", strconv.Itoa(threads))
	if o.model != "" {
		args = append(args, "--model", o.model)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = os.Environ()
	if isa != "" {
		cmd.Env = append(cmd.Env, "GODWIT_ISA="+isa)
	}
	return cmd
}

// pinned returns the beginning of a command line that keeps a process on one CPU, if there is taskset.
func (o *options) pinned() []string {
	if o.pin >= 0 {
		if taskset, err := exec.LookPath("taskset"); err == nil {
			return []string{taskset, "-c", strconv.Itoa(o.pin)}
		}
	}
	return nil
}
