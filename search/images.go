package search

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"

	"github.com/godwit-ml/godwit"
)

// An ImageEmbedder turns images and texts into vectors that can be compared: what an [Index] of images needs of a model. All
// vectors have the same length, and the same image or text always gets the same bits.
type ImageEmbedder interface {
	// EmbedImages returns a vector for each image, which is given as it stands in its file. One that cannot be decoded has nil
	// for a vector, and its error.
	EmbedImages(ctx context.Context, files []string) (vecs [][]float32, bad []error, err error)
	// EmbedQuery returns the vector of a text.
	EmbedQuery(ctx context.Context, query string) ([]float32, error)
}

// MaxImageSize is the size in bytes above which an image is left out of a search.
const MaxImageSize = 128 << 20

// maxSize returns the size above which a file of the kind is left out.
func (k Kind) maxSize() int64 {
	if k == Picture {
		return MaxImageSize
	}
	return MaxFileSize
}

// ForImages returns an ImageEmbedder that uses a model of images and texts (CLIP, SigLIP). The options apply to images.
func ForImages(m *godwit.Model, opts ...godwit.ImageOption) (ImageEmbedder, error) {
	switch info := m.Info(); {
	case info.ImageHeight == 0:
		return nil, fmt.Errorf("search: a model of type %s does not take images; one of images and texts is needed (CLIP, SigLIP)", info.ModelType)
	case info.VocabSize == 0:
		return nil, fmt.Errorf("search: a model of type %s does not take texts; one of images and texts is needed (CLIP, SigLIP)", info.ModelType)
	}
	if _, err := m.Tokenizer(); err != nil {
		return nil, err
	}
	return &imageEmbedder{m, opts}, nil
}

type imageEmbedder struct {
	model *godwit.Model
	opts  []godwit.ImageOption
}

func (e *imageEmbedder) EmbedImages(ctx context.Context, files []string) (vecs [][]float32, bad []error, err error) {
	images := make([]godwit.Image, len(files))
	for i, f := range files {
		images[i] = godwit.ImageBytes("", []byte(f))
	}
	bad = make([]error, len(files))
	opts := append(e.opts[:len(e.opts):len(e.opts)], godwit.WithBadImages(func(e *godwit.ImageError) { bad[e.Index] = e.Err }))
	vecs, err = e.model.EmbedImages(ctx, images, opts...)
	return vecs, bad, err
}

func (e *imageEmbedder) EmbedQuery(ctx context.Context, query string) ([]float32, error) {
	vecs, err := e.model.Embed(ctx, []string{query})
	if err != nil {
		return nil, err
	}
	return vecs[0], nil
}

// imageFingerprint identifies everything that the vectors of images and queries depend on, as fingerprint does for texts.
func imageFingerprint(ctx context.Context, e ImageEmbedder) (model string, dims int, err error) {
	probeImage := image.NewNRGBA(image.Rect(0, 0, 61, 47)) // neither square nor a model's size: it is resized and cropped
	for y := range 47 {
		for x := range 61 {
			probeImage.SetNRGBA(x, y, color.NRGBA{uint8(4 * x), uint8(5 * y), uint8(x * y), 255})
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, probeImage); err != nil {
		return "", 0, err
	}
	vecs, bad, err := e.EmbedImages(ctx, []string{file.String()})
	if err == nil && vecs[0] == nil {
		err = bad[0]
	}
	if err != nil {
		return "", 0, err
	}
	query, err := e.EmbedQuery(ctx, probe)
	if err != nil {
		return "", 0, err
	}
	if len(query) != len(vecs[0]) {
		return "", 0, fmt.Errorf("search: the model's vectors of images have %d elements, those of texts %d", len(vecs[0]), len(query))
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d images\n", formatVersion)
	writeVector(h, vecs[0])
	writeVector(h, query)
	return hex.EncodeToString(h.Sum(nil)), len(query), nil
}

// readImage returns the content of a file.
func readImage(path string, size int64) (string, error) {
	if size > MaxImageSize {
		return "", notText(fmt.Sprintf("larger than %d MiB", MaxImageSize>>20))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", cause(err)
	}
	return string(b), nil
}
