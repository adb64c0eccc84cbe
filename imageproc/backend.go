package imageproc

import "fmt"

// A Backend is the library whose arithmetic a [Processor] follows. Transformers has most processors twice, and the same
// configuration serves both: their pixel_values differ by a few hundredths where an image is resized.
type Backend int

const (
	// Pillow is the backend "pil": that of the models' authors mostly, and of Transformers where torchvision is not installed.
	Pillow Backend = iota
	// Torchvision is the backend "torchvision", with PyTorch's kernels for processors with AVX2: bilinear and bicubic weights
	// have 16 bits, rows are always filtered first, a crop beyond the image puts the odd row of zeros below, and rescaling and
	// normalising is one step in float32. In place of the Lanczos filter it has the bicubic one, as before torchvision 0.27.
	Torchvision
)

// String returns the name that Transformers has for it: pil or torchvision.
func (b Backend) String() string {
	switch b {
	case Pillow:
		return "pil"
	case Torchvision:
		return "torchvision"
	}
	return fmt.Sprintf("Backend(%d)", int(b))
}

// ParseBackend returns the backend of a name.
func ParseBackend(name string) (Backend, error) {
	for _, b := range []Backend{Pillow, Torchvision} {
		if b.String() == name {
			return b, nil
		}
	}
	return 0, fmt.Errorf("imageproc: backend %q is not known; known are pil and torchvision", name)
}

// Backend returns the backend of the processor. It is Torchvision for classes that have no other, and for configurations that
// name a class ...ImageProcessorFast; else it is Pillow.
func (p *Processor) Backend() Backend { return p.backend }

// WithBackend returns the processor with another backend. The error is that of a class or a filter that the backend lacks.
func (p *Processor) WithBackend(b Backend) (*Processor, error) {
	q := *p
	q.backend = b
	if err := q.checkBackend(); err != nil {
		return nil, fmt.Errorf("imageproc: %w", err)
	}
	q.fillValues()
	return &q, nil
}

func (p *Processor) checkBackend() error {
	switch {
	case p.backend == Pillow && p.floats:
		return fmt.Errorf("%sImageProcessor has no backend pil", p.class)
	case p.backend == Torchvision && p.resize:
		switch p.filter {
		case Nearest, Lanczos, Bilinear, Bicubic:
		default:
			return fmt.Errorf("the backend torchvision has no filter %v", p.filter)
		}
	}
	return nil
}

// torchFilter returns the filter that the backend Torchvision uses.
func torchFilter(f Filter) Filter {
	if f == Lanczos {
		return Bicubic
	}
	return f
}

// torchBits returns how many bits after the point PyTorch's weights have: so many that the largest weight of all outputs keeps
// within 16 bits. Moved up to the place of Pillow's, they give the same sums and roundings.
func (r *row) torchBits() int {
	largest := 0.0
	for i := range r.out {
		_, weights := r.weights(i)
		for _, w := range weights {
			largest = max(largest, w)
		}
	}
	bits := 0
	for bits < precision && int(0.5+float64(largest*float64(int(1)<<(bits+1)))) < 1<<15 {
		bits++
	}
	return bits
}
