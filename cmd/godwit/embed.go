package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/internal/npy"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

func embedCommand(io *console) *cobra.Command {
	e := &embed{console: io}
	c := &cobra.Command{
		Use:   "embed [TEXT...]",
		Short: "Turn texts into vectors",
		Long: `embed writes a vector for each text, in the order of the texts. Texts are the arguments, or the lines of the
files given by --file, or the lines of standard input.

The output is one JSON object a line, {"embedding": [...]}, written as the vectors are made, at the latest
when standard input pauses, with the shortest numbers that read back to the same float32 bits; or, once all
texts are read, an array for NumPy or a safetensors file. The same text gets the same bits whatever else is in
the input and however many threads are used.

With --input jsonl a line is an object with a "text"; other fields are ignored, and empty lines are passed
over.`,
		Example: `  godwit embed "some text" "another"
  godwit embed < lines.txt > vectors.jsonl
  godwit embed --input jsonl --file texts.jsonl --format npy --out vectors.npy
  godwit embed --model intfloat/e5-small-v2 --prompt "query: " "how do I cancel?"`,
		RunE: e.run,
	}
	e.modelFlags.add(c, true)
	c.Flags().StringArrayVarP(&e.files, "file", "f", nil, "read texts from this file, - is standard input (may be repeated)")
	c.Flags().StringVar(&e.input, "input", "text", "what a line of the input is: text or jsonl")
	c.Flags().StringVar(&e.format, "format", "jsonl", "what to write: jsonl, npy or safetensors")
	c.Flags().StringVarP(&e.out, "out", "o", "", "write to this file (default: standard output)")
	c.Flags().IntVar(&e.batch, "batch-size", 32, "texts computed together: a matter of speed and memory, not of results")
	c.Flags().StringVar(&e.prompt, "prompt", "", "put this before each text instead of the model's default prompt")
	c.Flags().StringVar(&e.promptName, "prompt-name", "", "use the model's prompt of this name")
	c.Flags().IntVar(&e.dims, "dimensions", 0, "cut vectors to this length, for models that were trained for it")
	c.Flags().BoolVar(&e.normalize, "normalize", false, "scale vectors to length 1")
	return c
}

type embed struct {
	*console
	modelFlags
	files              []string
	input, format, out string
	batch, dims        int
	prompt, promptName string
	normalize          bool
}

// embedChunk is how many texts are held at a time: some batches of them, so that texts of like length can be computed
// together.
const embedChunk = 16

func (e *embed) run(c *cobra.Command, args []string) error {
	if e.input != "text" && e.input != "jsonl" {
		return usagef("--input is %q, must be text or jsonl", e.input)
	}
	if e.format != "jsonl" && e.format != "npy" && e.format != "safetensors" {
		return usagef("--format is %q, must be jsonl, npy or safetensors", e.format)
	}
	if e.batch < 1 || e.batch > 1<<16 {
		return usagef("--batch-size is %d, must be from 1 to %d", e.batch, 1<<16)
	}
	if e.dims < 0 {
		return usagef("--dimensions is %d, less than 1", e.dims)
	}
	if e.format != "jsonl" && e.out == "" && e.outTerm {
		return usagef("a binary format is not written to a terminal: give --out")
	}
	texts, err := e.console.input(args, e.files, e.input == "jsonl")
	if err != nil {
		return err
	}
	m, err := e.open()
	if err != nil {
		return err
	}
	defer m.Close()
	opts := []godwit.EmbedOption{godwit.WithBatchSize(e.batch)}
	if c.Flags().Changed("prompt") {
		opts = append(opts, godwit.WithPrompt(e.prompt))
	}
	if e.promptName != "" {
		opts = append(opts, godwit.WithPromptName(e.promptName))
	}
	if e.dims > 0 {
		opts = append(opts, godwit.WithDimensions(e.dims))
	}
	if e.normalize {
		opts = append(opts, godwit.WithNormalize())
	}
	done := 0
	each := func(use func([][]float32) error) error {
		var chunk []string
		flush := func() error {
			if len(chunk) == 0 {
				return nil
			}
			vecs, err := m.Embed(c.Context(), chunk, opts...)
			if err != nil {
				return err
			}
			done += len(chunk)
			chunk = chunk[:0]
			if err := use(vecs); err != nil {
				return err
			}
			e.progress("texts embedded: %d", done)
			return nil
		}
		for rec, err := range texts {
			if err != nil {
				return errors.Join(flush(), err)
			}
			if rec.Text != nil {
				chunk = append(chunk, *rec.Text)
			}
			// At a pause whoever writes to this program may be waiting for the answer.
			if len(chunk) == embedChunk*e.batch || rec.Text == nil && e.format == "jsonl" {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		return flush()
	}
	if e.out == "" {
		return e.write(e.console.out, m, each)
	}
	return writeFile(e.out, func(w io.Writer) error { return e.write(w, m, each) })
}

// write writes all vectors, which each gives in pieces, in the chosen format.
func (e *embed) write(w io.Writer, m *godwit.Model, each func(use func([][]float32) error) error) error {
	if e.format == "jsonl" {
		var line []byte
		return each(func(vecs [][]float32) error {
			e.progressDone()
			for _, v := range vecs {
				var err error
				if line, err = appendEmbedding(line[:0], v); err != nil {
					return err
				}
				if _, err := w.Write(line); err != nil {
					return err
				}
			}
			return e.console.out.Flush()
		})
	}
	var all [][]float32
	if err := each(func(vecs [][]float32) error { all = append(all, vecs...); return nil }); err != nil {
		return err
	}
	return writeVectors(w, e.format, all, m.Info().Dimensions)
}

// writeVectors writes vectors as an array for NumPy or a safetensors file; cols is their length if there are none.
func writeVectors(w io.Writer, format string, all [][]float32, cols int) error {
	if len(all) > 0 {
		cols = len(all[0])
	}
	if format == "npy" {
		return npy.WriteFloat32(w, all, cols)
	}
	flat := tensor.New(len(all), cols)
	for i, v := range all {
		copy(flat.Row(i), v)
	}
	return loader.Write(w, map[string]tensor.Tensor{"embeddings": flat}, nil)
}

// appendEmbedding appends {"embedding":[...]} and a newline, each number as the shortest that reads back to the same bits.
func appendEmbedding(b []byte, v []float32) ([]byte, error) {
	b, err := appendVector(append(b, `{"embedding":`...), v)
	if err != nil {
		return nil, fmt.Errorf("%w on this text", err)
	}
	return append(b, "}\n"...), nil
}

// appendVector appends a JSON list.
func appendVector(b []byte, v []float32) ([]byte, error) {
	b = append(b, '[')
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return nil, fmt.Errorf("element %d of an embedding is %v: the model overflows", i, x)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(x), 'g', -1, 32)
	}
	return append(b, ']'), nil
}
