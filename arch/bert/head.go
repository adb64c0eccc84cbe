package bert

import (
	"fmt"
	"strings"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/arch/nn"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// A head makes a class's outputs from the last hidden states h [tokens, H].
type head interface {
	loader.Module
	forward(ws *tensor.Workspace, b *arch.Batch, h tensor.Tensor, out *arch.Sink)
}

// newHead returns the head of a Hugging Face class: what follows "For" in its name. Many files of sentence-transformers
// name a class whose head was left out when they were saved: without any of the head's tensors, the model is the base model.
func newHead(class string, cfg *config, w *loader.Weights, x *kernels.Exec) (head, error) {
	f := cfg.family
	_, task, _ := strings.Cut(class, "For")
	var h head
	var sign string // a tensor that is there if the head is
	switch {
	case task == "" && (class == "" || strings.HasSuffix(class, "Model") && !strings.Contains(class, "LMHead")):
		h, sign = newPooler(cfg, x), "pooler.dense.weight"
	case task == "MaskedLM":
		h, sign = newMLM(cfg, "logits", x), f.mlm.dense+".weight"
	case task == "PreTraining" && f.types && !f.rule.SkipPad:
		h, sign = &preTraining{newMLM(cfg, "prediction_logits", x), newNextSentence(cfg, "seq_relationship_logits", x)}, f.mlm.dense+".weight"
	case task == "NextSentencePrediction" && f.types && !f.rule.SkipPad:
		h, sign = newNextSentence(cfg, "logits", x), "cls.seq_relationship.weight"
	case task == "SequenceClassification":
		h, sign = newClassifier(cfg, f.classify, cfg.Labels, "logits", x), f.classify.out+".weight"
	case task == "TokenClassification":
		h, sign = &perToken{name: "classifier", linear: nn.NewLinear(x, cfg.HiddenSize, cfg.Labels)}, "classifier.weight"
	case task == "QuestionAnswering":
		h, sign = &spans{perToken{name: "qa_outputs", linear: nn.NewLinear(x, cfg.HiddenSize, 2)}}, "qa_outputs.weight"
	default:
		return nil, fmt.Errorf("config.json: the class %s is not supported; of its kind, the base model and those for MaskedLM, "+
			"SequenceClassification, TokenClassification and QuestionAnswering are, and for BERT PreTraining and NextSentencePrediction", class)
	}
	if !w.Has(sign) {
		return newPoolerIf(w.Has("pooler.dense.weight"), cfg, x), nil
	}
	return h, nil
}

func newPoolerIf(present bool, cfg *config, x *kernels.Exec) head {
	if present {
		return newPooler(cfg, x)
	}
	return none{}
}

// none is the head of a base model without a pooler.
type none struct{}

func (none) Params(*loader.Scope)                                              {}
func (none) forward(*tensor.Workspace, *arch.Batch, tensor.Tensor, *arch.Sink) {}

// pooler is a layer on the first token, trained to tell whether one sentence follows another.
type pooler struct{ dense nn.Linear }

func newPooler(cfg *config, x *kernels.Exec) *pooler {
	p := &pooler{nn.NewLinear(x, cfg.HiddenSize, cfg.HiddenSize)}
	p.dense.Act, p.dense.Precise = kernels.Tanh, true
	return p
}

func (p *pooler) Params(s *loader.Scope) { s.Bind("pooler.dense", &p.dense) }

func (p *pooler) forward(ws *tensor.Workspace, b *arch.Batch, h tensor.Tensor, out *arch.Sink) {
	out.Sequences("pooler_output", p.dense.Forward(ws, firstTokens(ws, b, h)))
}

// firstTokens returns the first row of each sequence, [sequences, H], and zeros for an empty one.
func firstTokens(ws *tensor.Workspace, b *arch.Batch, h tensor.Tensor) tensor.Tensor {
	first := ws.Tensor(b.Len(), h.Cols())
	for s := range b.Len() {
		if b.Starts[s] < b.Starts[s+1] {
			copy(first.Row(s), h.Row(int(b.Starts[s])))
		} else {
			clear(first.Row(s))
		}
	}
	return first
}

// mlm is a masked LM head: scores of all tokens of the vocabulary, for each token.
type mlm struct {
	names   mlmNames
	output  string
	dense   nn.Linear // [H, H]
	norm    nn.LayerNorm
	decoder nn.Linear // [vocabulary, H]: its own, or the table of words
}

func newMLM(cfg *config, output string, x *kernels.Exec) *mlm {
	m := &mlm{names: cfg.family.mlm, output: output,
		dense:   nn.NewLinear(x, cfg.HiddenSize, cfg.HiddenSize),
		norm:    nn.NewLayerNorm(x, cfg.HiddenSize, cfg.Eps),
		decoder: nn.NewLinear(x, cfg.HiddenSize, cfg.VocabSize)}
	m.dense.Act = cfg.Act
	if m.names.gelu {
		m.dense.Act = kernels.GELU
	}
	return m
}

// vocabulary returns the output matrix, which may be the table of words.
func (m *mlm) vocabulary() *nn.Linear { return &m.decoder }

func (m *mlm) Params(s *loader.Scope) {
	s.Bind(m.names.dense, &m.dense)
	s.Bind(m.names.norm, &m.norm)
	s.Bind(m.names.decoder, &m.decoder)
}

func (m *mlm) forward(ws *tensor.Workspace, _ *arch.Batch, h tensor.Tensor, out *arch.Sink) {
	t := m.dense.Forward(ws, h)
	m.norm.InPlace(t)
	out.Tokens(m.output, m.decoder.Forward(ws, t))
}

// classifier is two layers on the first token, with an activation between them. An empty sequence gets zeros.
type classifier struct {
	names      classifyNames
	output     string
	dense, out nn.Linear // [H, H], [labels, H]
}

func newClassifier(cfg *config, names classifyNames, labels int, output string, x *kernels.Exec) *classifier {
	c := &classifier{names, output, nn.NewLinear(x, cfg.HiddenSize, cfg.HiddenSize), nn.NewLinear(x, cfg.HiddenSize, labels)}
	c.dense.Act, c.dense.Precise, c.out.Precise = names.act, true, true
	return c
}

// newNextSentence returns BERT's head that tells whether the second text follows the first.
func newNextSentence(cfg *config, output string, x *kernels.Exec) *classifier {
	return newClassifier(cfg, classifyNames{"pooler.dense", "cls.seq_relationship", kernels.Tanh}, 2, output, x)
}

func (c *classifier) Params(s *loader.Scope) {
	s.Bind(c.names.dense, &c.dense)
	s.Bind(c.names.out, &c.out)
}

func (c *classifier) forward(ws *tensor.Workspace, b *arch.Batch, h tensor.Tensor, out *arch.Sink) {
	out.Sequences(c.output, c.out.Forward(ws, c.dense.Forward(ws, firstTokens(ws, b, h))))
}

// preTraining is the pair of heads that BERT was trained with.
type preTraining struct {
	mlm          *mlm
	nextSentence *classifier
}

func (p *preTraining) vocabulary() *nn.Linear { return p.mlm.vocabulary() }

func (p *preTraining) Params(s *loader.Scope) {
	p.mlm.Params(s)
	p.nextSentence.Params(s)
}

func (p *preTraining) forward(ws *tensor.Workspace, b *arch.Batch, h tensor.Tensor, out *arch.Sink) {
	p.mlm.forward(ws, b, h, out)
	p.nextSentence.forward(ws, b, h, out)
}

// perToken is a layer on each token: tags.
type perToken struct {
	name   string
	linear nn.Linear // [labels, H]
}

func (p *perToken) Params(s *loader.Scope) { s.Bind(p.name, &p.linear) }

func (p *perToken) forward(ws *tensor.Workspace, _ *arch.Batch, h tensor.Tensor, out *arch.Sink) {
	out.Tokens("logits", p.linear.Forward(ws, h))
}

// spans scores each token as the start and as the end of an answer.
type spans struct{ perToken }

func (p *spans) forward(ws *tensor.Workspace, _ *arch.Batch, h tensor.Tensor, out *arch.Sink) {
	logits := p.linear.Forward(ws, h) // [tokens, 2]
	out.TokenColumn("start_logits", logits, 0)
	out.TokenColumn("end_logits", logits, 1)
}
