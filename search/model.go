package search

import (
	"context"
	"fmt"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/tokenizer"
)

// ForModel returns an Embedder that uses a model of texts. As sentence-transformers does for retrieval, it puts the
// model's prompt named "query" before queries and the one named "document", "passage" or "corpus" before passages, if there
// are such prompts. The options apply to passages and queries alike.
func ForModel(m *godwit.Model, opts ...godwit.EmbedOption) (Embedder, error) {
	t, err := m.Tokenizer()
	if err != nil {
		return nil, err
	}
	e := &modelEmbedder{model: m, tokenizer: t, limit: m.Info().MaxTokens - t.SpecialCount(false)}
	if e.limit <= 0 {
		e.limit = 512 // a model without a limit of its own
	}
	prompts := m.Info().Prompts
	e.query = append(e.query, opts...)
	e.passage = append(e.passage, opts...)
	if _, ok := prompts["query"]; ok {
		e.query = append(e.query, godwit.WithPromptName("query"))
	}
	for _, name := range []string{"document", "passage", "corpus"} {
		if prompt, ok := prompts[name]; ok {
			e.passage = append(e.passage, godwit.WithPromptName(name))
			e.limit -= e.CountTokens(prompt)
			break
		}
	}
	return e, nil
}

type modelEmbedder struct {
	model          *godwit.Model
	tokenizer      *tokenizer.Tokenizer
	query, passage []godwit.EmbedOption
	limit          int
}

func (e *modelEmbedder) EmbedPassages(ctx context.Context, texts []string) ([][]float32, error) {
	return e.model.Embed(ctx, texts, e.passage...)
}

func (e *modelEmbedder) EmbedQuery(ctx context.Context, query string) ([]float32, error) {
	vecs, err := e.model.Embed(ctx, []string{query}, e.query...)
	if err != nil {
		return nil, err
	}
	if len(vecs) != 1 {
		return nil, fmt.Errorf("search: %d vectors of one query", len(vecs))
	}
	return vecs[0], nil
}

func (e *modelEmbedder) CountTokens(text string) int {
	ids, err := e.tokenizer.AppendPlainIDs(nil, text, -1)
	if err != nil {
		return len(text) // cannot be tokenized: taken for as many as there can be
	}
	return len(ids)
}

func (e *modelEmbedder) MaxTokens() int { return e.limit }
