package godwit

import (
	"context"
	"fmt"

	"github.com/godwit-ml/godwit/generate"
	"github.com/godwit-ml/godwit/kernels"
)

// A Perplexity says how well a model predicts a text.
type Perplexity struct {
	IDs []int32 // the tokens of the text, with the special ones that the tokenizer puts around it
	// NLL holds for each token but the first minus the natural logarithm of the probability that the model gives it, in view of
	// those before: NLL[i] is that of IDs[i+1].
	NLL   []float64
	Mean  float64 // of NLL
	Value float64 // e to the power of Mean: as if each token were one of that many equally likely ones
}

// Perplexity returns how well the model predicts the text. A text that is longer than the model's context is read in windows that
// overlap, as the options say; each token counts once.
func (m *Model) Perplexity(ctx context.Context, text string, o generate.ScoreOptions) (*Perplexity, error) {
	p, err := m.perplexity(ctx, text, o)
	if err != nil {
		return nil, fmt.Errorf("godwit: %w", err)
	}
	return p, nil
}

func (m *Model) perplexity(ctx context.Context, text string, o generate.ScoreOptions) (*Perplexity, error) {
	if m.gen == nil {
		return nil, m.errNotGenerating()
	}
	if m.text.tokErr != nil {
		return nil, m.named(m.text.tokErr)
	}
	ids, err := m.text.tok.AppendIDs(nil, text, 0)
	if err != nil {
		return nil, err
	}
	p := &Perplexity{IDs: ids}
	if p.NLL, err = generate.Score(ctx, m.gen.model(m, m.gen.context), ids, o); err != nil {
		return nil, err
	}
	for _, v := range p.NLL {
		p.Mean += v
	}
	p.Mean /= float64(len(p.NLL))
	p.Value = kernels.Exp(p.Mean)
	return p, nil
}
