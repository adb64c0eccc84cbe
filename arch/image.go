package arch

import "github.com/godwit-ml/godwit/tensor"

// An ImageEncoder is a model that turns an image into vectors.
type ImageEncoder interface {
	Model
	// ImageLimits returns what the model can take.
	ImageLimits() ImageLimits
	// CheckImage returns an error if the model does not take images of that size in pixels, without resizing a table of
	// positions that is meant for one size. It may be called from several goroutines.
	CheckImage(height, width int) error
	// EncodeImages runs the model on pixels [images, channels, height, width] of a size that CheckImage allows. The result is
	// valid until the Workspace is reset. It allocates nothing else.
	EncodeImages(ws *tensor.Workspace, pixels tensor.Tensor) ImageOutput
}

// ImageLimits are the sizes of a model of images.
type ImageLimits struct {
	Channels      int
	Height, Width int  // that the model was made for
	Patch         int  // the sides of a patch: height and width are its multiples, or what does not fill one is cut off
	AnySize       bool // images of other sizes are taken, as far as CheckImage allows
	HiddenSize    int
	Dimensions    int // of the vector of an image: the projection's, or the hidden size
	Labels        []string
}

// An ImageOutput is what a model says of a batch of images.
type ImageOutput struct {
	// Tokens are the last hidden states, [images·tokens, hidden size].
	Tokens tensor.Tensor
	// Vector is what stands for the whole image, [images, dimensions]: the projection that is compared with a text's, the
	// pooled output, the first token, or where there is none of them the mean of the patches.
	Vector tensor.Tensor
	// Logits are the scores of the labels, [images, labels]; empty if the model does not classify.
	Logits tensor.Tensor
}

// An ImageTextEncoder puts images and texts into one space, in which what belongs together is near: CLIP, SigLIP.
type ImageTextEncoder interface {
	ImageEncoder
	// TextLimits returns what the text tower can take.
	TextLimits() Limits
	// PadTexts returns the length to which texts have to be padded before they are encoded: the padding takes part, as it did
	// when the model was trained. 0: they are not.
	PadTexts() int
	// EncodeTexts returns a vector for each sequence of a batch within the limits, [sequences, dimensions], valid until the
	// Workspace is reset.
	EncodeTexts(ws *tensor.Workspace, b *Batch) tensor.Tensor
	// Match tells how a cosine becomes a logit, cosine·scale + bias, and whether the logits of an image are independent of each
	// other (a sigmoid each), or compete (a softmax over the texts).
	Match() (scale, bias float32, independent bool)
}
