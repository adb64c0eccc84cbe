package godwit

import (
	"context"
	"fmt"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/imageproc"
	"github.com/godwit-ml/godwit/tensor"
)

// An imageFeed makes pixel_values of images ahead of the model: while a batch is computed, the next ones are read, decoded and
// preprocessed by a few workers. Not more than two batches are ahead.
type imageFeed struct {
	images  []Image
	p       *imageproc.Processor
	encoder arch.ImageEncoder
	decode  imageproc.Options
	slots   []imageSlot // a ring: image i is in slot i mod their number
	tickets chan int    // images whose slot is free
	issued  int         // tickets so far
	waited  int         // images that wait has returned
}

// An imageSlot holds the pixel_values of one image, or what was wrong with it.
type imageSlot struct {
	values        []float32
	height, width int
	err           error
	done          chan struct{} // gets a value when the image is ready
}

// maxImageWorkers bounds the images that are decoded at a time, whose pixels take three bytes each.
const maxImageWorkers = 4

// newImageFeed starts the workers. stop ends them.
func newImageFeed(images []Image, p *imageproc.Processor, encoder arch.ImageEncoder, o *imageOptions, threads int) *imageFeed {
	ahead := min(2*o.batch, len(images))
	f := &imageFeed{images: images, p: p, encoder: encoder, decode: imageproc.Options{MaxPixels: o.maxPixels},
		slots: make([]imageSlot, ahead), tickets: make(chan int, ahead)}
	for i := range f.slots {
		f.slots[i].done = make(chan struct{}, 1)
		f.issue()
	}
	for range min(threads, maxImageWorkers, ahead) {
		go f.work()
	}
	return f
}

// issue lets the workers go on to the next image, whose slot is free.
func (f *imageFeed) issue() {
	if f.issued < len(f.images) {
		f.tickets <- f.issued // there is room for as many as there are slots
		f.issued++
	}
}

// stop ends the workers, and takes back the images that none of them has begun. One that is reading a file or a stream, which
// may block, ends when it has read it: it holds nothing but its slot. Pixels, which are the caller's, are not read any more.
func (f *imageFeed) stop() {
	close(f.tickets)
	for i := range f.tickets {
		f.slots[i%len(f.slots)].done <- struct{}{}
	}
	for i := f.waited; i < f.issued; i++ {
		if f.images[i].pixels != nil {
			<-f.slots[i%len(f.slots)].done
		}
	}
}

func (f *imageFeed) work() {
	var r imageReader
	for i := range f.tickets {
		s := &f.slots[i%len(f.slots)]
		s.err = f.prepare(s, &f.images[i], &r)
		s.done <- struct{}{}
	}
}

// prepare fills a slot.
func (f *imageFeed) prepare(s *imageSlot, i *Image, r *imageReader) error {
	return r.process(i, f.decode, f.p, func(height, width int) ([]float32, error) {
		s.height, s.width = height, width
		if err := checkImageSize(f.encoder, height, width); err != nil {
			return nil, err
		}
		if n := 3 * height * width; cap(s.values) < n {
			s.values = make([]float32, n)
		} else {
			s.values = s.values[:n]
		}
		return s.values, nil
	})
}

// checkImageSize returns an error if the model does not take what the processor makes of an image.
func checkImageSize(enc arch.ImageEncoder, height, width int) error {
	switch lim := enc.ImageLimits(); {
	case !lim.AnySize && (height != lim.Height || width != lim.Width):
		return fmt.Errorf("the processor makes %d x %d pixels of it, and the model takes %d x %d", height, width, lim.Height, lim.Width)
	case height < lim.Patch || width < lim.Patch:
		return fmt.Errorf("the processor makes %d x %d pixels of it, less than one patch of %d x %d", height, width, lim.Patch, lim.Patch)
	case height > maxImageSide || width > maxImageSide:
		return fmt.Errorf("the processor makes %d x %d pixels of it, more than %d in a side", height, width, maxImageSide)
	}
	return enc.CheckImage(height, width)
}

// maxImageSide bounds what a processor that keeps the aspect ratio may make of a long and narrow image: the memory of attention
// and of hidden states grows with it.
const maxImageSide = 4096

// wait returns the slot of an image when it is ready. Each image is waited for once, in ascending order.
func (f *imageFeed) wait(ctx context.Context, i int) (*imageSlot, error) {
	s := &f.slots[i%len(f.slots)]
	select {
	case <-s.done:
		f.waited = i + 1
		return s, ctx.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// eachImages runs the model on images in batches, and calls use with the indices of a batch's images and what the model says of
// them, which is valid during the call. A bad image ends it with an ImageError, unless the options want to hear of them.
func (m *Model) eachImages(ctx context.Context, images []Image, o *imageOptions, use func(index []int, out *arch.ImageOutput)) error {
	switch t := m.image; {
	case t.processorErr != nil:
		return m.named(t.processorErr)
	case o.batch < 1:
		return fmt.Errorf("the batch size is %d; want at least 1", o.batch)
	case o.maxPixels < 0:
		return fmt.Errorf("the most pixels are %d; want at least 1", o.maxPixels)
	case len(images) == 0:
		return ctx.Err()
	}
	feed := newImageFeed(images, m.image.processor, m.image.encoder, o, m.exec.Threads())
	defer feed.stop()
	ws := m.pool.Get()
	defer m.pool.Put(ws)
	index := make([]int, 0, min(o.batch, len(images)))
	shape := make([]int, 4)
	var height, width int // of the images of the batch
	flush := func() {
		if len(index) == 0 {
			return
		}
		ws.Reset()
		size := 3 * height * width
		pixels := ws.Float32(len(index) * size)
		for k, i := range index {
			copy(pixels[k*size:][:size], feed.slots[i%len(feed.slots)].values)
		}
		for range index {
			feed.issue()
		}
		shape[0], shape[1], shape[2], shape[3] = len(index), 3, height, width
		out := m.image.encoder.EncodeImages(ws, tensor.Tensor{DType: tensor.F32, Shape: shape, Data: pixels})
		use(index, &out)
		index = index[:0]
	}
	for i := range images {
		s, err := feed.wait(ctx, i)
		if err != nil {
			return err
		}
		if s.err != nil {
			bad := &ImageError{Index: i, Name: images[i].name, Err: s.err}
			if o.bad == nil {
				return bad
			}
			flush() // before the slot is given to an image behind it
			feed.issue()
			o.bad(bad)
		} else {
			if len(index) > 0 && (s.height != height || s.width != width) {
				flush()
			}
			height, width = s.height, s.width
			if index = append(index, i); len(index) == o.batch {
				flush()
			}
		}
		if o.progress != nil && len(index) == 0 {
			o.progress(i + 1)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if len(index) > 0 {
		flush()
		if o.progress != nil {
			o.progress(len(images))
		}
	}
	return nil
}
