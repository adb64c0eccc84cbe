package gpt

import (
	"fmt"
	"slices"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/tensor"
)

// generate continues each sequence of the batch by the likeliest tokens, at most opts.Generate, until it ends with an eos, as
// Transformers' greedy search does: the frequencies of rotary embeddings follow the longest of the batch, padding included, and
// old keys keep the rotation that they got; but in phi3, where the frequencies of longrope change, all is computed anew.
func (m *CausalLM) generate(b *arch.Batch, opts arch.ForwardOptions, given bool, out *arch.Sink) error {
	if !m.c.Causal {
		return fmt.Errorf("the model cannot generate: its tokens see those after them")
	}
	n := opts.Generate
	rows := make([][]int32, b.Len())
	positions := make([][]int32, b.Len())
	span := 0
	for s := range rows {
		i, j := b.Starts[s], b.Starts[s+1]
		if i == j {
			return fmt.Errorf("sequence %d has no tokens to continue", s)
		}
		rows[s] = slices.Clone(b.IDs[i:j])
		positions[s] = slices.Clone(b.Positions[i:j])
		for p := range positions[s] {
			if !given {
				positions[s][p] = int32(p)
			}
		}
		span = max(span, int(positions[s][len(positions[s])-1])+1, len(rows[s]))
	}
	if most := min(m.limits.MaxTokens, m.limits.Positions); span > most-n {
		return fmt.Errorf("%d tokens and %d new ones are more than the model's %d positions", span, n, most)
	}
	caches := make([]*cache, len(rows))
	for s := range caches {
		caches[s] = m.newCache(arch.CacheOptions{Chunk: span + n})
	}
	ws := new(tensor.Workspace)
	added := make([][]int32, len(rows))
	done := make([]bool, len(rows))
	for step := 0; step < n && slices.Contains(done, false); step++ {
		if opts.Err != nil {
			if err := opts.Err(); err != nil {
				return err
			}
		}
		ws.Reset()
		p := m.begin()
		p.last, p.starts = true, []int32{0}
		for s, c := range caches {
			if done[s] {
				continue
			}
			if !c.grows(span+step-1, span+step) {
				c.Truncate(0)
			}
			c.follow(span + step)
			p.ids = append(p.ids, rows[s][c.Len():]...)
			p.positions = append(p.positions, positions[s][c.Len():]...)
			p.starts, p.spans = append(p.starts, int32(len(p.ids))), append(p.spans, int32(c.span))
			p.caches = append(p.caches, c)
		}
		logits := m.logits(ws, m.run(ws, p, nil))
		m.end(p)
		next := 0
		for s := range rows {
			id := m.c.Pad
			if id < 0 && len(m.c.EOS) > 0 {
				id = m.c.EOS[0]
			}
			if !done[s] {
				id = int32(m.x.Argmax(logits.Row(next)))
				next++
				rows[s] = append(rows[s], id)
				positions[s] = append(positions[s], positions[s][len(positions[s])-1]+1)
				done[s] = slices.Contains(m.c.EOS, id)
			}
			added[s] = append(added[s], id)
		}
	}
	out.Continued("generated_ids", added)
	return nil
}
