package bert

import (
	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
)

// A family is one model type as data: what it calls its tensors, and in what it differs from BERT.
type family struct {
	prefix  string         // of the base model's tensors in files of a class with a head
	aliases []loader.Alias // from its names to BERT's
	vocab   int            // default vocab_size

	distil        bool // config.json has DistilBERT's names
	types         bool // there are token types
	relative      bool // attention scores have a bias by relative position
	rule          arch.Positions
	padFromConfig bool // rule.Pad is config.json's pad_token_id

	mlm      mlmNames
	classify classifyNames
}

// mlmNames are the names of the parts of a masked LM head.
type mlmNames struct {
	dense, norm, decoder string
	bias                 string // takes the place of the decoder's own
	gelu                 bool   // the activation is GELU, whatever config.json says
}

// classifyNames are the names of the two layers of a sequence classification head, and the activation between them.
type classifyNames struct {
	dense, out string
	act        kernels.Activation
}

// families are the model types of this package.
var families = map[string]*family{
	"bert": {
		prefix: "bert.", vocab: 30522, types: true,
		mlm: mlmNames{dense: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm",
			decoder: "cls.predictions.decoder", bias: "cls.predictions.bias"},
		classify: classifyNames{"pooler.dense", "classifier", kernels.Tanh},
	},
	// RoBERTa (arXiv:1907.11692) is BERT with positions that skip padding, and heads of its own.
	"roberta": roberta, "xlm-roberta": roberta, "camembert": roberta,
	// DistilBERT (arXiv:1910.01108) has half of BERT's layers, no token types and no pooler.
	"distilbert": {
		prefix: "distilbert.", vocab: 30522, distil: true,
		aliases: []loader.Alias{
			{Old: "transformer.layer.", New: "encoder.layer."},
			{Old: ".attention.q_lin.", New: ".attention.self.query."},
			{Old: ".attention.k_lin.", New: ".attention.self.key."},
			{Old: ".attention.v_lin.", New: ".attention.self.value."},
			{Old: ".attention.out_lin.", New: ".attention.output.dense."},
			{Old: ".sa_layer_norm.", New: ".attention.output.LayerNorm."},
			{Old: ".ffn.lin1.", New: ".intermediate.dense."},
			{Old: ".ffn.lin2.", New: ".output.dense."},
			{Old: ".output_layer_norm.", New: ".output.LayerNorm."},
		},
		mlm:      mlmNames{dense: "vocab_transform", norm: "vocab_layer_norm", decoder: "vocab_projector"},
		classify: classifyNames{"pre_classifier", "classifier", kernels.ReLU},
	},
	// MPNet (arXiv:2004.09297) is RoBERTa without token types, and with a bias by relative position that all layers share.
	"mpnet": {
		prefix: "mpnet.", vocab: 30527, relative: true, rule: arch.Positions{SkipPad: true, Pad: 1},
		aliases: []loader.Alias{
			{Old: ".attention.attn.q.", New: ".attention.self.query."},
			{Old: ".attention.attn.k.", New: ".attention.self.key."},
			{Old: ".attention.attn.v.", New: ".attention.self.value."},
			{Old: ".attention.attn.o.", New: ".attention.output.dense."},
			{Old: ".attention.LayerNorm.", New: ".attention.output.LayerNorm."},
		},
		mlm:      roberta.mlm,
		classify: roberta.classify,
	},
}

var roberta = &family{
	prefix: "roberta.", vocab: 50265, types: true, rule: arch.Positions{SkipPad: true, Pad: 1}, padFromConfig: true,
	mlm: mlmNames{dense: "lm_head.dense", norm: "lm_head.layer_norm", decoder: "lm_head.decoder", bias: "lm_head.bias",
		gelu: true},
	classify: classifyNames{"classifier.dense", "classifier.out_proj", kernels.Tanh},
}

func init() {
	for modelType, f := range families {
		arch.Register(modelType, func(c *arch.Config, w *loader.Weights, x *kernels.Exec) (arch.Model, error) {
			return newModel(c, f, w, x)
		})
	}
}
