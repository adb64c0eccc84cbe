// Command peers times godwit beside other engines on the same model files, in one run and taking turns:
//
//	pip install onnxruntime torch transformers onnx        (and openvino, if wanted)
//	go run ./bench/peers -model DIR -python python3
//
// DIR is a folder with config.json and model.safetensors of an encoder, such as all-MiniLM-L6-v2. Each engine is a process
// that speaks a line protocol (see py/peer.py), godwit being this very program with -serve. A repetition is token ids to
// last_hidden_state, without padding. Before anything is timed, the engines' outputs are compared.
//
// In a cell (a batch, a length, a number of threads) the engines take turns for -rounds rounds, in an order that is
// reversed each time; the first repetition of a turn is dropped, because the engine before has evicted the caches. One
// thread means one CPU as well: the processes are pinned to it by taskset where there is one.
//
// It writes table.md, results.jsonl (one line an engine and cell) and plot.svg to the folder -out. The ratio of an engine is
// its median time over the first engine's, with a 95 % bootstrap interval over whole rounds.
//
// With -text FILE it compares tokenizers instead: the ids of the paragraphs of a text, one thread, without offsets, by godwit
// and by the Python package tokenizers, whose work is done in Rust.
//
// With -coldstart it measures instead the time from the start of a fresh process to its first embedding, and the peak of
// its resident memory.
package main

import (
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
	peers              []string
	cells              [][2]int // batch and sequence length
	threads            []int
	rounds             int
	turn               time.Duration
	pin                int
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
		o        options
		serve    = flag.Bool("serve", false, "be the godwit engine: speak the line protocol (-cells and -threads with one entry each)")
		text     = flag.String("text", "", "compare tokenizers on the paragraphs of this file")
		cold     = flag.Bool("coldstart", false, "measure fresh processes up to their first embedding")
		peers    = flag.String("peers", "", "engines: godwit, godwit:avx2 (or another instruction set), onnxruntime, torch, openvino;\nempty: godwit and what the Python has")
		cells    = flag.String("cells", "1x16,1x128,1x512,32x128", "batch x sequence length, separated by commas")
		threads  = flag.String("threads", "1,2", "numbers of threads, separated by commas")
		pinUsage = "CPU for runs of one thread; -1: do not pin"
	)
	flag.StringVar(&o.model, "model", "", "folder with config.json and model.safetensors")
	flag.StringVar(&o.python, "python", "python3", "the Python that has the other engines")
	flag.StringVar(&o.out, "out", "peers.out", "folder for the exported graphs and the results")
	flag.IntVar(&o.rounds, "rounds", 12, "turns of each engine in a cell")
	flag.DurationVar(&o.turn, "turn", 300*time.Millisecond, "length of a turn, at least two repetitions")
	flag.IntVar(&o.pin, "pin", runtime.NumCPU()-1, pinUsage)
	flag.Parse()
	if o.model == "" {
		return errors.New("-model DIR is needed")
	}
	for s := range strings.SplitSeq(*cells, ",") {
		var c [2]int
		if n, err := fmt.Sscanf(s, "%dx%d", &c[0], &c[1]); n != 2 || err != nil || c[0] < 1 || c[1] < 1 {
			return fmt.Errorf("-cells: %q is not like 1x128", s)
		}
		o.cells = append(o.cells, c)
	}
	for s := range strings.SplitSeq(*threads, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("-threads: %q is not a number of threads", s)
		}
		o.threads = append(o.threads, n)
	}
	if *serve && *text != "" {
		return serveTokenizer(o.model, *text)
	}
	if *serve {
		return serveGodwit(o.model, o.cells[0][0], o.cells[0][1], o.threads[0])
	}

	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, scripts); err != nil {
		return err
	}
	o.scripts = filepath.Join(dir, "py")
	if *text != "" {
		return o.tokenizers(*text)
	}
	if o.peers, err = o.choose(*peers); err != nil {
		return err
	}
	if err := o.export(); err != nil {
		return err
	}
	if *cold {
		return o.coldstart()
	}
	return o.compare()
}

// choose returns the engines named, or all that are installed.
func (o *options) choose(names string) ([]string, error) {
	if names != "" {
		return strings.Split(names, ","), nil
	}
	peers := []string{"godwit"}
	for _, p := range []string{"onnxruntime", "torch", "openvino"} {
		if exec.Command(o.python, "-c", "import "+p).Run() == nil {
			peers = append(peers, p)
		}
	}
	if len(peers) == 1 {
		return nil, fmt.Errorf("%s has neither onnxruntime nor torch nor openvino: pip install onnxruntime torch transformers onnx", o.python)
	}
	return peers, nil
}

// export writes the ONNX graphs if an engine needs them and they are not there from an earlier run.
func (o *options) export() error {
	o.onnx = filepath.Join(o.out, "onnx")
	if !slices.Contains(o.peers, "onnxruntime") && !slices.Contains(o.peers, "openvino") {
		return nil
	}
	if _, err := os.Stat(filepath.Join(o.onnx, "fused.onnx")); err == nil {
		return nil
	}
	cmd := exec.Command(o.python, filepath.Join(o.scripts, "export_onnx.py"), o.model, o.onnx)
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("export to ONNX: %w\n%s", err, said)
	}
	for line := range strings.Lines(string(said)) {
		if strings.HasPrefix(line, "onnxruntime fused:") {
			fmt.Fprint(os.Stderr, line)
		}
	}
	return nil
}

// command returns the process of an engine for one cell.
func (o *options) command(peer string, batch, seq, threads int) (*exec.Cmd, error) {
	name, isa, _ := strings.Cut(peer, ":")
	var args []string
	if threads == 1 {
		args = o.pinned()
	}
	if name == "godwit" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		args = append(args, self, "-serve", "-model", o.model, "-cells", fmt.Sprintf("%dx%d", batch, seq), "-threads", strconv.Itoa(threads))
	} else {
		args = append(args, o.python, filepath.Join(o.scripts, "serve_"+name+".py"), "--model", o.model, "--onnx", o.onnx,
			"--batch", strconv.Itoa(batch), "--seq", strconv.Itoa(seq), "--threads", strconv.Itoa(threads))
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = os.Environ()
	if isa != "" {
		cmd.Env = append(cmd.Env, "GODWIT_ISA="+isa)
	}
	return cmd, nil
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
