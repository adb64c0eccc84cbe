package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

func similarityCommand(io *console) *cobra.Command {
	var flags modelFlags
	var images []string
	c := &cobra.Command{
		Use:   "similarity TEXT TEXT...",
		Short: "Compare the meaning of texts and images",
		Long: `similarity compares the first text with each of the others, the most alike first. What is computed is the
model's own choice, mostly the cosine of the angle between the vectors: 1 is the same, around 0 is unrelated.

With --image the first of all is that image, then come the other images, then the texts: a model of images and
texts (CLIP, SigLIP) compares them all, and one of images alone compares images.

With --json it writes the scores of all pairs, the images before the texts.`,
		Example: `  godwit similarity "a cat sat on the mat" "a feline rested on the rug" "stock prices fell"
  godwit similarity --json "one" "two" "three"
  godwit similarity --model openai/clip-vit-base-patch32 --image photo.jpg "a dog" "a cat" "a beach"
  godwit similarity --model facebook/dinov2-small --image a.jpg --image b.jpg --image c.jpg`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case len(images) == 0:
				return arguments(2, -1)(c, args)
			case len(images)+len(args) < 2:
				return errors.New("the image needs a TEXT, or another --image, to be compared with")
			}
			return onceStdin(images)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(images) > 0 && flags.model == "" {
				return usagef("--image needs --model with a model of images and texts (CLIP, SigLIP), " +
					"or for images alone of images (DINOv2, ViT)")
			}
			if len(args) > 0 {
				if _, err := io.input(args, nil, false); err != nil {
					return err
				}
			}
			m, err := flags.open()
			if err != nil {
				return err
			}
			defer m.Close()
			var vecs [][]float32
			if len(images) > 0 {
				if vecs, err = m.EmbedImages(c.Context(), io.images(images)); err != nil {
					return err
				}
			}
			if len(args) > 0 {
				texts, err := m.Embed(c.Context(), args)
				if err != nil {
					return err
				}
				vecs = append(vecs, texts...)
			}
			if io.json {
				return io.writeJSON(struct {
					Similarity string      `json:"similarity"`
					Images     []string    `json:"images,omitempty"`
					Texts      []string    `json:"texts"`
					Scores     [][]float32 `json:"scores"`
				}{m.Info().Similarity, images, append([]string{}, args...), m.Similarity(vecs, vecs)})
			}
			names := slices.Concat(images, args)
			scores := m.Similarity(vecs[:1], vecs[1:])[0]
			for _, i := range descending(scores) {
				fmt.Fprintf(io.out, "%7.4f  %s\n", scores[i], printable(names[1+i]))
			}
			return nil
		},
	}
	flags.add(c, true)
	c.Flags().StringArrayVarP(&images, "image", "i", nil, "compare this image, - is standard input (may be repeated)")
	return c
}

// descending returns the indices of scores, the largest first, equal ones in their order.
func descending(scores []float32) []int {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	return order
}
