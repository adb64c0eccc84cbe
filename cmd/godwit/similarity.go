package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

func similarityCommand(io *console) *cobra.Command {
	var flags modelFlags
	c := &cobra.Command{
		Use:   "similarity TEXT TEXT...",
		Short: "Compare the meaning of texts",
		Long: `similarity compares the first text with each of the others, the most alike first. What is computed is the
model's own choice, mostly the cosine of the angle between the vectors: 1 is the same, around 0 is unrelated.

With --json it writes the scores of all pairs of texts.`,
		Example: `  godwit similarity "a cat sat on the mat" "a feline rested on the rug" "stock prices fell"
  godwit similarity --json "one" "two" "three"`,
		Args: arguments(2, -1),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := io.input(args, nil, false); err != nil {
				return err
			}
			m, err := flags.open()
			if err != nil {
				return err
			}
			defer m.Close()
			vecs, err := m.Embed(c.Context(), args)
			if err != nil {
				return err
			}
			if io.json {
				return io.writeJSON(struct {
					Similarity string      `json:"similarity"`
					Texts      []string    `json:"texts"`
					Scores     [][]float32 `json:"scores"`
				}{m.Info().Similarity, args, m.Similarity(vecs, vecs)})
			}
			scores := m.Similarity(vecs[:1], vecs[1:])[0]
			for _, i := range descending(scores) {
				fmt.Fprintf(io.out, "%7.4f  %s\n", scores[i], printable(args[1+i]))
			}
			return nil
		},
	}
	flags.add(c, true)
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
