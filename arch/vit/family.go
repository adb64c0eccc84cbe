package vit

import (
	"maps"
	"slices"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
)

// A family is one model type as data: what it calls its tensors, and in what it differs from ViT.
type family struct {
	prefix  string          // of the base model's tensors in files of a class with a head
	aliases []loader.Alias  // from its names to those of this package
	change  func(c *config) // the defaults of its config

	ratio bool // the intermediate size is mlp_ratio times the hidden size

	special     []string // tokens before those of the patches
	registers   bool     // then come registers, which have no position
	positions   positionRule
	flat        bool // the tables have no axis of length 1 before theirs, and CLIP's name
	noPatchBias bool
	relative    bool // the scores may have a bias by relative position, the keys have none
	apartBiases bool // query_bias and the like, in place of qkv_bias
	scaled      bool // the outputs of attention and MLP are multiplied by learned factors
	rope        bool
	preNorm     bool // the embeddings are normalised
	pool        poolRule
	classify    poolRule
	resample    resample
}

// positionRule says when a learned table of positions is interpolated.
type positionRule int

const (
	noPositions   positionRule = iota
	alwaysResized              // whenever the image has another size
	exactSize                  // on request; otherwise the image must have the model's size
	sameCount                  // on request; otherwise the image must have as many patches as the model
)

// poolRule says what becomes the vector of an image, or what is classified.
type poolRule int

const (
	noPool        poolRule = iota
	firstToken             // the first token of the last hidden states
	firstPooler            // a layer with an activation on it
	firstNorm              // the first token, normalised; the last hidden states themselves are not
	meanNorm               // BEiT: the mean of the patches, normalised; the last hidden states themselves are not
	patchMean              // the mean of the patches
	firstAndMean           // the first token, and beside it the mean of the patches
	attentionPool          // SigLIP's: attention of a learned query
	pooled                 // what the base model pools
)

// vitAliases are those of the names that ViT and its kin had before Transformers 5, and that files have until today.
var vitAliases = []loader.Alias{
	{Old: "encoder.layer.", New: "layers."},
	{Old: ".attention.attention.", New: ".attention."},
	{Old: ".attention.query.", New: ".attention.q_proj."},
	{Old: ".attention.key.", New: ".attention.k_proj."},
	{Old: ".attention.value.", New: ".attention.v_proj."},
	{Old: ".attention.output.dense.", New: ".attention.o_proj."},
	{Old: ".intermediate.dense.", New: ".mlp.fc1."},
	{Old: ".output.dense.", New: ".mlp.fc2."},
	{Old: ".layernorm_before.", New: ".norm1."},
	{Old: ".layernorm_after.", New: ".norm2."},
	{Old: ".lambda_1", New: ".attention.o_proj.scale"},
	{Old: ".lambda_2", New: ".mlp.fc2.scale"},
	{Old: "encoder.relative_position_bias.", New: "shared_position_bias."},
	{Old: ".attention.relative_position_bias.", New: ".relative_position_bias."},
}

// dinoAliases are those of DINO's second version.
var dinoAliases = append([]loader.Alias{
	{Old: ".layer_scale1.lambda1", New: ".attention.o_proj.scale"},
	{Old: ".layer_scale2.lambda1", New: ".mlp.fc2.scale"},
	{Old: ".mlp.weights_out.", New: ".mlp.fc2."},
	{Old: ".mlp.down_proj.", New: ".mlp.fc2."},
	{Old: ".mlp.up_proj.", New: ".mlp.fc1."},
}, vitAliases...)

// clipAliases are those of CLIP and SigLIP.
var clipAliases = []loader.Alias{
	{Old: "encoder.layers.", New: "layers."},
	{Old: ".layer_norm1.", New: ".norm1."},
	{Old: ".layer_norm2.", New: ".norm2."},
	{Old: ".self_attn.out_proj.", New: ".attention.o_proj."},
	{Old: ".self_attn.", New: ".attention."},
	{Old: "embeddings.class_embedding", New: "embeddings.cls_token"},
	{Old: "embeddings.patch_embedding.", New: "embeddings.patch_embeddings.projection."},
	{Old: "post_layernorm.", New: "layernorm."},
	{Old: "final_layer_norm.", New: "layernorm."},
}

var clipVision = &family{
	prefix: "vision_model.", aliases: clipAliases, special: []string{"cls_token"}, positions: exactSize, flat: true,
	noPatchBias: true, preNorm: true, pool: firstNorm, classify: patchMean, resample: bicubic,
	change: func(c *config) { c.Patch, c.ActName, c.Eps = pair{32, 32}, "quick_gelu", 1e-5 },
}

var siglipVision = &family{
	prefix: "vision_model.", aliases: clipAliases, positions: sameCount, flat: true, pool: attentionPool, classify: patchMean,
	resample: bicubic,
	change:   func(c *config) { c.ActName, c.Eps = "gelu_pytorch_tanh", 1e-6 },
}

// families are the model types whose layers are those of one stack over the patches of an image.
var families = map[string]*family{
	// ViT (Dosovitskiy et al., arXiv:2010.11929).
	"vit": {prefix: "vit.", aliases: vitAliases, special: []string{"cls_token"}, positions: exactSize, pool: firstPooler,
		classify: firstToken, resample: bicubic},
	// DeiT (Touvron et al., arXiv:2012.12877) has a second special token, for what a teacher says.
	"deit": {prefix: "deit.", aliases: vitAliases, special: []string{"cls_token", "distillation_token"}, positions: exactSize,
		pool: firstPooler, classify: firstToken, resample: bicubic},
	// DINOv2 (Oquab et al., arXiv:2304.07193) has layer scale, large ones a gated MLP, and takes images of any size.
	"dinov2": {prefix: "dinov2.", aliases: dinoAliases, special: []string{"cls_token"}, positions: alwaysResized, scaled: true,
		ratio: true, pool: firstToken, classify: firstAndMean, resample: bicubic,
		change: func(c *config) { c.Patch, c.Eps, c.MLPRatio = pair{14, 14}, 1e-6, 4 }},
	// Registers (Darcet et al., arXiv:2309.16588) are tokens that belong to no patch and have no position.
	"dinov2_with_registers": {prefix: "dinov2_with_registers.", aliases: dinoAliases, special: []string{"cls_token"},
		registers: true, positions: alwaysResized, scaled: true, ratio: true, pool: firstToken, classify: firstAndMean, resample: bicubicAntialias,
		change: func(c *config) { c.Eps, c.MLPRatio, c.Registers = 1e-6, 4, 4 }},
	// DINOv3 (Siméoni et al., arXiv:2508.10104) rotates queries and keys by where a patch is, in place of adding positions.
	"dinov3_vit": {prefix: "model.", aliases: append([]loader.Alias{
		{Old: "layer.", New: "layers."},
		{Old: "norm.", New: "layernorm."},
		{Old: "embeddings.patch_embeddings.", New: "embeddings.patch_embeddings.projection."},
	}, dinoAliases...), special: []string{"cls_token"}, registers: true, apartBiases: true, scaled: true, rope: true,
		pool: firstToken,
		change: func(c *config) {
			c.HiddenSize, c.Intermediate, c.Heads, c.Eps, c.KeyBias = 384, 1536, 6, 1e-5, false
		}},
	// BEiT (Bao et al., arXiv:2106.08254) has a bias on the attention scores by where a key is from the query.
	"beit": {prefix: "beit.", aliases: vitAliases, special: []string{"cls_token"}, positions: alwaysResized, relative: true,
		scaled: true, pool: meanNorm, classify: pooled, resample: bicubic},
	// The towers of CLIP (Radford et al., arXiv:2103.00020) and SigLIP (Zhai et al., arXiv:2303.15343) for images.
	"clip_vision_model":   clipVision,
	"siglip_vision_model": siglipVision,
}

// ModelTypes returns the model_types of this package that take images, sorted.
func ModelTypes() []string {
	types := append(slices.Collect(maps.Keys(families)), "swin")
	types = slices.AppendSeq(types, maps.Keys(pairs))
	slices.Sort(types)
	return types
}

func (f *family) defaults() config {
	c := defaults()
	if f.change != nil {
		f.change(&c)
	}
	return c
}

// A textFamily is a text tower as data.
type textFamily struct {
	family
	causal   bool
	lastHead bool // the vector of a text is a layer on its last token, padding or not; otherwise the token that ends it
}

var clipText = &textFamily{causal: true, family: family{prefix: "text_model.", aliases: clipAliases,
	change: func(c *config) {
		c.HiddenSize, c.Intermediate, c.Heads, c.VocabSize, c.MaxPositions = 512, 2048, 8, 49408, 77
		c.ActName, c.Eps = "quick_gelu", 1e-5
	}}}

var siglipText = &textFamily{lastHead: true, family: family{prefix: "text_model.", aliases: clipAliases,
	change: func(c *config) { c.ActName, c.Eps = "gelu_pytorch_tanh", 1e-6 }}}

// A pairFamily is a model of images and texts.
type pairFamily struct {
	vision    *family
	text      *textFamily
	projected bool // both vectors by a matrix each
	sigmoid   bool // the logits of an image are independent of each other, and have a bias
}

var pairs = map[string]*pairFamily{
	"clip":   {vision: clipVision, text: clipText, projected: true},
	"siglip": {vision: siglipVision, text: siglipText, sigmoid: true},
}

func init() {
	for modelType, f := range families {
		arch.Register(modelType, func(c *arch.Config, w *loader.Weights, x *kernels.Exec) (arch.Model, error) {
			return newVision(c, f, w, x)
		})
	}
	for modelType, f := range map[string]*textFamily{"clip_text_model": clipText, "siglip_text_model": siglipText} {
		arch.Register(modelType, func(c *arch.Config, w *loader.Weights, x *kernels.Exec) (arch.Model, error) {
			return newText(c, f, w, x)
		})
	}
	for modelType, f := range pairs {
		arch.Register(modelType, func(c *arch.Config, w *loader.Weights, x *kernels.Exec) (arch.Model, error) {
			return newPair(c, f, w, x)
		})
	}
	arch.Register("swin", func(c *arch.Config, w *loader.Weights, x *kernels.Exec) (arch.Model, error) { return newSwin(c, w, x) })
}
