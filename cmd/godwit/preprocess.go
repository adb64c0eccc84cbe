package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit/hub"
	"github.com/godwit-ml/godwit/imageproc"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

func preprocessCommand(con *console) *cobra.Command {
	var out, backend string
	var o imageproc.Options
	c := &cobra.Command{
		Use:   "preprocess MODEL IMAGE... --out FILE",
		Short: "Turn images into the pixel_values of a model",
		Long: `preprocess reads images as Transformers does, resizes, crops and normalises them as the model's
preprocessor_config.json or processor_config.json says, and writes pixel_values [images, 3, height,
width] to a safetensors file: to see what a model sees, and to compare it with Python.

MODEL may also be the folder of a processor alone, or a preprocessor_config.json itself. IMAGE is a
JPEG, PNG, GIF, WebP, BMP or TIFF file, or - for standard input; those of one call must become the
same size.

Transformers has most processors twice, with Pillow and with torchvision, and their pixels differ a little.
--backend chooses; without it, it is torchvision for classes named ...Fast or without another, else pil.`,
		Example: `  godwit preprocess ./vit-base-patch16-224 cat.jpg --out cat.safetensors
  godwit preprocess openai/clip-vit-base-patch32 a.jpg b.png --out batch.safetensors
  curl -s https://example.com/cat.png | godwit preprocess ./model - --out cat.safetensors`,
		Args: arguments(2, -1),
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case out == "":
				return usagef("preprocess needs --out")
			case o.MaxPixels < 1:
				return usagef("--max-pixels is %d, less than 1", o.MaxPixels)
			}
			if err := onceStdin(args[1:]); err != nil {
				return err
			}
			p, err := openProcessor(args[0])
			if err != nil {
				return err
			}
			if backend != "" {
				b, err := imageproc.ParseBackend(backend)
				if err != nil {
					return usagef("--backend is %q, must be pil or torchvision", backend)
				}
				if p, err = p.WithBackend(b); err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
			}
			var values []float32
			var height, width int
			for i, path := range args[1:] {
				img, err := con.readImage(path, o)
				if err != nil {
					return err
				}
				h, w, err := p.Shape(img.Width, img.Height)
				switch {
				case err != nil:
					return fmt.Errorf("%s: %w", path, err)
				case i == 0:
					height, width = h, w
				case h != height || w != width:
					return fmt.Errorf("%s gives %d x %d values, and %s %d x %d: one tensor cannot hold both", args[1], height, width, path, h, w)
				}
				v := make([]float32, 3*h*w)
				if err := p.Process(v, img); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				values = append(values, v...)
			}
			t := tensor.FromFloat32(values, len(args)-1, 3, height, width)
			err = writeFile(out, func(w io.Writer) error {
				return loader.Write(w, map[string]tensor.Tensor{"pixel_values": t}, nil)
			})
			if err != nil {
				return err
			}
			shapes := map[string][]int{"pixel_values": t.Shape}
			if con.json {
				return con.writeJSON(map[string]any{"outputs": shapes, "processor": p.Class()})
			}
			con.printShapes(shapes)
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", "safetensors file to write pixel_values to")
	c.Flags().StringVar(&backend, "backend", "", "whose arithmetic: pil or torchvision")
	c.Flags().BoolVar(&o.White, "over-white", false, "lay what is transparent over white, and leave EXIF's orientation alone")
	c.Flags().IntVar(&o.MaxPixels, "max-pixels", imageproc.MaxPixels, "refuse images with more pixels")
	return c
}

// openProcessor opens the image processor of a model, or a configuration that is named itself.
func openProcessor(name string) (*imageproc.Processor, error) {
	if strings.EqualFold(filepath.Ext(name), ".json") {
		if st, err := os.Stat(name); err == nil && st.Mode().IsRegular() {
			b, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, unpath(err))
			}
			p, err := imageproc.Parse(b)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return p, nil
		}
	}
	fsys, err := hub.Open(name)
	if err != nil {
		return nil, err
	}
	p, err := imageproc.Open(fsys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// readImage decodes a file, or standard input if its name is "-".
func (c *console) readImage(path string, o imageproc.Options) (*imageproc.Image, error) {
	name, in := "standard input", c.in
	if path != "-" {
		if st, err := os.Stat(path); err == nil && st.IsDir() {
			return nil, fmt.Errorf("%s: is a folder, not a file", path)
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, unpath(err))
		}
		defer f.Close()
		name, in = path, f
	}
	img, err := imageproc.Load(in, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, unpath(err))
	}
	return img, nil
}
