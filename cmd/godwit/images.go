package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/imageproc"
)

// images returns the images of files; "-" is standard input.
func (c *console) images(paths []string) []godwit.Image {
	list := make([]godwit.Image, len(paths))
	for i, p := range paths {
		if p == "-" {
			list[i] = godwit.ImageReader("standard input", c.in)
		} else {
			list[i] = godwit.ImageFile(p)
		}
	}
	return list
}

// imageFlags are the flags of commands on images, and what they have in common.
type imageFlags struct {
	modelFlags
	batch, maxPixels int
}

func (f *imageFlags) add(c *cobra.Command) {
	f.inside = embeddedImageModel
	f.modelFlags.add(c, true)
	c.Flags().IntVar(&f.batch, "batch-size", 8, "images computed together: a matter of speed and memory, not of results")
	c.Flags().IntVar(&f.maxPixels, "max-pixels", imageproc.MaxPixels, "refuse images with more pixels")
}

func (f *imageFlags) check() error {
	switch {
	case f.batch < 1 || f.batch > 1<<12:
		return usagef("--batch-size is %d, must be from 1 to %d", f.batch, 1<<12)
	case f.maxPixels < 1:
		return usagef("--max-pixels is %d, less than 1", f.maxPixels)
	}
	return nil
}

// openFor opens the model, and tells who watches what the one inside the binary takes every image for.
func (f *imageFlags) openFor(con *console) (*godwit.Model, error) {
	m, err := f.open()
	if err == nil && f.model == "" && con.errTerm {
		con.note("without --model, images are taken for handwritten digits")
	}
	return m, err
}

// onceStdin returns an error if standard input is named twice.
func onceStdin(paths []string) error {
	if i := slices.Index(paths, "-"); i >= 0 && slices.Contains(paths[i+1:], "-") {
		return usagef("standard input is named twice")
	}
	return nil
}

// expand puts the images of folders in their place.
func (c *console) expand(paths []string) ([]string, error) {
	if err := onceStdin(paths); err != nil {
		return nil, err
	}
	var files []string
	for _, p := range paths {
		if st, err := os.Stat(p); p == "-" || err != nil || !st.IsDir() {
			files = append(files, p) // what is wrong with it shows when it is read
			continue
		}
		var none error
		inside, err := godwit.ImageFiles([]string{p}, func(path string, err error) {
			if errors.Is(err, godwit.ErrNoImages) {
				none = fmt.Errorf("%s: %w", path, err)
				return
			}
			c.note("%s: %v, left out", path, err)
		})
		if err = cmp.Or(err, none); err != nil {
			return nil, err
		}
		files = append(files, inside...)
	}
	return files, nil
}

// imageChunk is how many batches of images are computed before their results are written.
const imageChunk = 8

// each gives the images of the files, some batches at a time, to run, and then their indices to write, or to bad what was wrong
// with one. The error says how many were bad; the only one there is is the error itself.
func (f *imageFlags) each(con *console, files []string, run func([]godwit.Image, ...godwit.ImageOption) error, write func(chunk, i int) error,
	bad func(i int, err *godwit.ImageError) error) error {
	failed := 0
	size := imageChunk * f.batch
	for first := 0; first < len(files); first += size {
		part := files[first:min(first+size, len(files))]
		errs := make([]*godwit.ImageError, len(part))
		opts := []godwit.ImageOption{
			godwit.WithImageBatch(f.batch), godwit.WithMaxPixels(f.maxPixels),
			godwit.WithImageProgress(func(done int) { con.progress("images: %d of %d", first+done, len(files)) }),
		}
		if len(files) > 1 {
			opts = append(opts, godwit.WithBadImages(func(e *godwit.ImageError) { errs[e.Index] = e }))
		}
		if err := run(con.images(part), opts...); err != nil {
			return err
		}
		con.progressDone()
		for i, e := range errs {
			if e == nil {
				if err := write(i, first+i); err != nil {
					return err
				}
				continue
			}
			failed++
			con.note("%v", e)
			if err := bad(first+i, e); err != nil {
				return err
			}
		}
		if err := con.out.Flush(); err != nil {
			return err
		}
	}
	if failed > 0 {
		return unread{failed, len(files)}
	}
	return nil
}

// unread is the error that some of several images were bad, and the others are done.
type unread struct{ bad, all int }

func (u unread) Error() string { return fmt.Sprintf("%d of %d images could not be read", u.bad, u.all) }

// badLine is what stands for an image that cannot be used in the output for machines.
type badLine struct {
	Image string `json:"image"`
	Error string `json:"error"`
}

// reason returns what was wrong with an image, without its name.
func reason(e *godwit.ImageError) string { return message(errors.Unwrap(e)) }
