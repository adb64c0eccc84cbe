// Photos times a model of images from JPEG files of 12 megapixels to vectors, beside a script with Pillow and ONNX Runtime, in
// turns:
//
//	python bench/photos/photos.py --make photo.jpg
//	go run ./bench/photos -model DIR -onnx FILE -photo photo.jpg [-threads N] [-rounds N] [-python PYTHON]
//
// DIR is the folder of a ViT, FILE the same as ONNX (bench/peers makes both). It prints the medians and the least of each, for one
// photo and for eight, and says whether both give the same.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"
	"time"

	"github.com/godwit-ml/godwit"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "photos:", err)
		os.Exit(1)
	}
}

// processor is used where the model's folder has none.
const processor = `{"image_processor_type": "ViTImageProcessor", "size": {"height": 224, "width": 224}}`

// withProcessor is a folder that has a processor.
type withProcessor struct{ fs.FS }

func (w withProcessor) Open(name string) (fs.File, error) {
	f, err := w.FS.Open(name)
	if name == "preprocessor_config.json" && errors.Is(err, fs.ErrNotExist) {
		return fstest.MapFS{name: {Data: []byte(processor)}}.Open(name)
	}
	return f, err
}

func run() error {
	model := flag.String("model", "", "the folder of a ViT")
	onnx := flag.String("onnx", "", "the same as ONNX")
	photo := flag.String("photo", "", "a JPEG")
	threads := flag.Int("threads", 0, "threads of each, 0: one for each core")
	rounds := flag.Int("rounds", 7, "repetitions")
	python := flag.String("python", "python3", "the interpreter")
	script := flag.String("script", filepath.Join("bench", "photos", "photos.py"), "the script")
	flag.Parse()
	if *threads == 0 {
		*threads = runtime.NumCPU()
	}
	runtime.GOMAXPROCS(*threads)
	m, err := godwit.OpenFS(withProcessor{os.DirFS(*model)}, godwit.WithThreads(*threads))
	if err != nil {
		return err
	}
	defer m.Close()
	peer, err := start(*python, *script, *onnx, strconv.Itoa(*threads))
	if err != nil {
		return err
	}
	defer peer.close()
	st, err := os.Stat(*photo)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %.1f MB, threads: %d\n", filepath.Base(*photo), float64(st.Size())/1e6, *threads)
	for _, n := range []int{1, 8} {
		if err := compare(m, peer, *photo, n, *rounds); err != nil {
			return err
		}
	}
	return nil
}

// compare times both on n photos.
func compare(m *godwit.Model, peer *peer, photo string, n, rounds int) error {
	images := slices.Repeat([]godwit.Image{godwit.ImageFile(photo)}, n)
	var ours, theirs []float64
	for round := range rounds + 1 {
		begin := time.Now()
		vecs, err := m.EmbedImages(context.Background(), images)
		if err != nil {
			return err
		}
		us := time.Since(begin)
		begin = time.Now()
		values, err := peer.run(slices.Repeat([]string{photo}, n))
		if err != nil {
			return err
		}
		them := time.Since(begin)
		if round == 0 { // warms up
			d := float64(vecs[0][0]) - values[0]
			if !(d < 1e-3 && d > -1e-3) {
				return fmt.Errorf("godwit gives %v, the script %v", vecs[0][0], values[0])
			}
			continue
		}
		ours, theirs = append(ours, us.Seconds()*1000), append(theirs, them.Seconds()*1000)
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	fmt.Printf("photos: %d  godwit %.0f ms (least %.0f)  Pillow and ONNX Runtime %.0f ms (least %.0f)  ratio %.2f (of the least %.2f)\n", n,
		ours[rounds/2], ours[0], theirs[rounds/2], theirs[0], theirs[rounds/2]/ours[rounds/2], theirs[0]/ours[0])
	return nil
}

// A peer is the script as a process.
type peer struct {
	cmd *exec.Cmd
	in  *bufio.Writer
	out *bufio.Scanner
	end func() error
}

func start(name string, args ...string) (*peer, error) {
	p := &peer{cmd: exec.Command(name, args...)}
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out, p.end = bufio.NewWriter(in), bufio.NewScanner(out), in.Close
	return p, p.cmd.Start()
}

// run gives the script photos, and returns what it says.
func (p *peer) run(paths []string) ([]float64, error) {
	fmt.Fprintln(p.in, strings.Join(paths, "\t"))
	if err := p.in.Flush(); err != nil {
		return nil, err
	}
	if !p.out.Scan() {
		return nil, errors.New("the script has ended")
	}
	var values []float64
	for _, s := range strings.Fields(p.out.Text()) {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// close ends the script.
func (p *peer) close() {
	if err := errors.Join(p.end(), p.cmd.Wait()); err != nil {
		fmt.Fprintln(os.Stderr, "photos: the script:", err)
	}
}
