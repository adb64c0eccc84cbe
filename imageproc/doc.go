// Package imageproc turns image files into the pixel_values of vision models, as the processors of Transformers do it with
// Pillow, or with torchvision ([Processor.WithBackend]), to the bit. It is the place where ports go quietly wrong: a model sees a picture that is a little sharper or a
// pixel to the left, and its answers get a little worse, without an error anywhere.
//
//	p, err := imageproc.Open(os.DirFS("vit-base-patch16-224")) // reads preprocessor_config.json
//	img, err := imageproc.Load(file, imageproc.Options{})      // JPEG, PNG, GIF, WebP, BMP, TIFF
//	h, w, err := p.Shape(img.Width, img.Height)
//	values := make([]float32, 3*h*w)
//	err = p.Process(values, img)
//
// An image goes through these steps, each of which a configuration can leave out, and each of which has a definition that is
// not the obvious one:
//
//   - Decoding ([Decode]): 8 bits a colour, turned as EXIF says, alpha left out. JPEG is not defined to the bit, so the decoder
//     computes what libjpeg-turbo computes; so is lossy WebP, where it is libwebp.
//   - Resizing ([Resize]): Pillow's filters, which widen when an image shrinks, in fixed point, rounded to bytes after each of
//     two passes, whose order depends on the sizes.
//   - Cropping: the middle, with zeros around where the image is smaller, before the colours are normalised.
//   - Rescaling and normalising: a byte has 256 values, so this is a table of 256 numbers for each colour, computed with the
//     roundings of NumPy: byte x factor in float64, then (x - mean) / std in float32.
//
// The functions are safe for concurrent use and take their memory from the caller; what they need beside it is kept for the
// next call. Decoding has limits on bytes and pixels that are checked before memory is taken.
package imageproc
