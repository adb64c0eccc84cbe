package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit"
)

func embedImageCommand(io *console) *cobra.Command {
	e := &embedImage{console: io}
	c := &cobra.Command{
		Use:   "embed-image IMAGE...",
		Short: "Turn images into vectors",
		Long: `embed-image writes a vector for each image, in the order of the arguments; the images of a folder are sorted
by name. With a model of images and texts (CLIP, SigLIP) it can be compared with what embed makes of a text;
of other models it is the pooled output, the first token's, or the mean of the patches. Without --model, the
one that reads handwritten digits is used.

The output is one JSON object a line, {"image": "a.png", "embedding": [...]}, or an array for NumPy or a
safetensors file, which hold the vectors alone. The same image gets the same bits whatever else is in the
input and however many threads are used.

An IMAGE may be - for standard input. With several images, those that cannot be read are named on standard
error, and the exit code is 1; an array has no row for them, and is not written if it would have none.`,
		Example: `  godwit embed-image digit.png
  godwit embed-image --model openai/clip-vit-base-patch32 photos/ > vectors.jsonl
  godwit embed-image --model facebook/dinov2-small --normalize --format npy --out vectors.npy a.jpg b.jpg`,
		Args: arguments(1, -1),
		RunE: e.run,
	}
	e.imageFlags.add(c)
	c.Flags().StringVar(&e.format, "format", "jsonl", "what to write: jsonl, npy or safetensors")
	c.Flags().StringVarP(&e.out, "out", "o", "", "write to this file (default: standard output)")
	c.Flags().BoolVar(&e.normalize, "normalize", false, "scale vectors to length 1")
	return c
}

type embedImage struct {
	*console
	imageFlags
	format, out string
	normalize   bool
}

func (e *embedImage) run(c *cobra.Command, args []string) error {
	switch err := e.check(); {
	case err != nil:
		return err
	case e.format != "jsonl" && e.format != "npy" && e.format != "safetensors":
		return usagef("--format is %q, must be jsonl, npy or safetensors", e.format)
	case e.format != "jsonl" && e.out == "" && e.outTerm:
		return usagef("a binary format is not written to a terminal: give --out")
	}
	files, err := e.expand(args)
	if err != nil {
		return err
	}
	m, err := e.openFor(e.console)
	if err != nil {
		return err
	}
	defer m.Close()
	if e.out == "" {
		return e.write(c, e.console.out, m, files)
	}
	var bad error // the file is kept though some images are not in it
	err = writeFile(e.out, func(w io.Writer) error {
		bad = e.write(c, w, m, files)
		if _, some := bad.(unread); some {
			return nil
		}
		return bad
	})
	if err != nil {
		return err
	}
	return bad
}

// write writes the vectors in the chosen format.
func (e *embedImage) write(c *cobra.Command, w io.Writer, m *godwit.Model, files []string) error {
	var vecs, all [][]float32
	run := func(images []godwit.Image, opts ...godwit.ImageOption) (err error) {
		if e.normalize {
			opts = append(opts, godwit.WithUnitVectors())
		}
		vecs, err = m.EmbedImages(c.Context(), images, opts...)
		return err
	}
	var line []byte
	each := func(at, i int) error {
		if e.format != "jsonl" {
			all = append(all, vecs[at])
			return nil
		}
		name, err := json.Marshal(files[i])
		if err != nil {
			return err
		}
		line = append(append(append(line[:0], `{"image":`...), name...), `,"embedding":`...)
		if line, err = appendVector(line, vecs[at]); err != nil {
			return fmt.Errorf("%s: %w", files[i], err)
		}
		_, err = w.Write(append(line, "}\n"...))
		return err
	}
	bad := func(i int, err *godwit.ImageError) error {
		if e.format != "jsonl" {
			return nil
		}
		return writeLine(w, badLine{files[i], reason(err)})
	}
	failed := e.each(e.console, files, run, each, bad)
	if _, some := failed.(unread); e.format == "jsonl" || failed != nil && !some {
		return failed
	}
	if len(all) == 0 && failed != nil {
		return fmt.Errorf("%w: nothing is written", failed)
	}
	if err := writeVectors(w, e.format, all, m.Info().Dimensions); err != nil {
		return err
	}
	return failed
}
