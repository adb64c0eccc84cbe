package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit"
)

func classifyImageCommand(io *console) *cobra.Command {
	k := &classifyImage{console: io}
	c := &cobra.Command{
		Use:   "classify-image IMAGE...",
		Short: "Say what images show",
		Long: `classify-image prints the likeliest labels of each image with their scores. An IMAGE is a JPEG, PNG, GIF,
WebP, BMP or TIFF file, a folder, whose images are taken, or - for standard input.

Without --model, handwritten digits are read. With --labels a model of images and texts (CLIP, SigLIP)
chooses between labels of your own: each is put into the sentence of --hypothesis, and that is compared with
the image. The scores of CLIP add up to 1 over the labels; SigLIP gives each its own probability.

With several images, those that cannot be read are named on standard error, and the exit code is 1.`,
		Example: `  godwit classify-image digit.png
  godwit classify-image --model google/vit-base-patch16-224 --top-k 3 photos/
  godwit classify-image --model openai/clip-vit-base-patch32 --labels "cat,dog,a red car" photo.jpg
  curl -s https://example.com/digit.png | godwit classify-image --jsonl -`,
		Args: arguments(1, -1),
		RunE: k.run,
	}
	k.imageFlags.add(c)
	c.Flags().IntVarP(&k.top, "top-k", "k", 5, "how many labels to print for an image, 0 for all")
	c.Flags().StringVar(&k.labels, "labels", "", "labels to choose from, separated by commas (zero-shot)")
	c.Flags().StringVar(&k.hypothesis, "hypothesis", "This is a photo of {}.", "the sentence that a label is put into")
	c.Flags().BoolVar(&k.jsonl, "jsonl", false, "write a JSON object a line for each image, as they are done")
	return c
}

type classifyImage struct {
	*console
	imageFlags
	top                int
	labels, hypothesis string
	jsonl              bool
}

// imageLabels is the result for one image.
type imageLabels struct {
	Image  string              `json:"image"`
	Labels []godwit.LabelScore `json:"labels"`
}

func (k *classifyImage) run(c *cobra.Command, args []string) error {
	if err := k.check(); err != nil {
		return err
	}
	labels, err := k.ownLabels(c)
	if err != nil {
		return err
	}
	files, err := k.expand(args)
	if err != nil {
		return err
	}
	m, err := k.openFor(k.console)
	if err != nil {
		return err
	}
	defer m.Close()
	if info := m.Info(); labels == nil && len(info.Labels) == 0 && info.ImageHeight > 0 && info.VocabSize > 0 {
		return fmt.Errorf(`%s has no labels of its own: give yours, like --labels "cat,dog,a red car"`, k.model)
	}
	var results [][]godwit.LabelScore
	run := func(images []godwit.Image, opts ...godwit.ImageOption) (err error) {
		opts = append(opts, godwit.WithTopLabels(k.top))
		if labels == nil {
			results, err = m.ClassifyImages(c.Context(), images, opts...)
		} else {
			results, err = m.ClassifyImagesZeroShot(c.Context(), images, labels, append(opts, godwit.WithHypothesis(k.hypothesis))...)
		}
		return err
	}
	list := []any{} // of --json
	write := func(at, i int) error {
		switch line := (imageLabels{files[i], results[at]}); {
		case k.jsonl:
			return writeLine(k.out, line)
		case k.json:
			list = append(list, line)
		default:
			if len(files) > 1 {
				fmt.Fprintln(k.out, k.style("1", printable(files[i])))
			}
			for _, l := range line.Labels {
				fmt.Fprintf(k.out, "%7.4f  %s\n", l.Score, printable(l.Label))
			}
		}
		return nil
	}
	bad := func(i int, e *godwit.ImageError) error {
		switch line := (badLine{files[i], reason(e)}); {
		case k.jsonl:
			return writeLine(k.out, line)
		case k.json:
			list = append(list, line)
		}
		return nil
	}
	err = k.each(k.console, files, run, write, bad)
	if k.json && !k.jsonl && len(list) > 0 {
		if err := k.writeJSON(list); err != nil {
			return err
		}
	}
	return err
}

// ownLabels returns the labels of --labels, nil if there are none.
func (k *classifyImage) ownLabels(c *cobra.Command) ([]string, error) {
	switch {
	case k.top < 0:
		return nil, usagef("--top-k is %d, less than 0", k.top)
	case !c.Flags().Changed("labels"):
		if c.Flags().Changed("hypothesis") {
			return nil, usagef("--hypothesis needs --labels")
		}
		return nil, nil
	case !strings.Contains(k.hypothesis, "{}"):
		return nil, usagef("--hypothesis is %q, must have {} for the label", k.hypothesis)
	case k.model == "":
		return nil, usagef("--labels needs --model with a model of images and texts (CLIP, SigLIP)")
	}
	var labels []string
	for l := range strings.SplitSeq(k.labels, ",") {
		if l = strings.TrimSpace(l); l == "" {
			return nil, usagef("--labels has an empty label")
		}
		labels = append(labels, l)
	}
	return labels, nil
}
