package imageproc

import "fmt"

// A Filter is a resampling filter. The numbers are Pillow's, as "resample" of a processor's configuration has them.
type Filter int

// The filters of Pillow 13.
const (
	Nearest Filter = iota
	Lanczos
	Bilinear
	Bicubic
	Box
	Hamming
	MagicKernel2013 // Magic Kernel Sharp 2013
	MagicKernel2021 // Magic Kernel Sharp 2021
)

var filters = [...]struct {
	name    string
	support float64 // half of the kernel's width
	kernel  func(x float64) float64
}{
	Nearest:         {"nearest", 0, nil},
	Lanczos:         {"lanczos", 3, lanczos},
	Bilinear:        {"bilinear", 1, triangle},
	Bicubic:         {"bicubic", 2, cubic},
	Box:             {"box", 0.5, box},
	Hamming:         {"hamming", 1, hamming},
	MagicKernel2013: {"mks2013", 2.5, magic2013},
	MagicKernel2021: {"mks2021", 4.5, magic2021},
}

// String returns the filter's name: nearest, lanczos, bilinear, bicubic, box, hamming, mks2013 or mks2021.
func (f Filter) String() string {
	if !f.valid() {
		return fmt.Sprintf("Filter(%d)", int(f))
	}
	return filters[f].name
}

func (f Filter) valid() bool { return f >= 0 && int(f) < len(filters) }

func box(x float64) float64 {
	if x > -0.5 && x <= 0.5 {
		return 1
	}
	return 0
}

func triangle(x float64) float64 {
	if x < 0 {
		x = -x
	}
	if x < 1 {
		return 1 - x
	}
	return 0
}

// cubic is Keys' cubic convolution with a = -1/2.
func cubic(x float64) float64 {
	const a = -0.5
	if x < 0 {
		x = -x
	}
	switch {
	case x < 1:
		return float64(float64((float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64((float64((float64((x-5)*x)+8)*x) - 4) * a)
	}
	return 0
}

// The constants of the Hamming window, of single precision in Pillow.
var hamming54, hamming46 = float64(float32(0.54)), float64(float32(0.46))

func hamming(x float64) float64 {
	if x < 0 {
		x = -x
	}
	switch {
	case x == 0:
		return 1
	case x >= 1:
		return 0
	}
	x = float64(x * pi)
	return float64(sin(x) / x * (hamming54 + float64(hamming46*cos(x))))
}

func lanczos(x float64) float64 {
	if -3 <= x && x < 3 {
		return float64(sinc(x) * sinc(x/3))
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x = float64(x * pi)
	return sin(x) / x
}

func magic2013(x float64) float64 {
	if x < 0 {
		x = -x
	}
	switch {
	case x <= 0.5:
		return 17.0/16 - float64(7.0/4*float64(x*x))
	case x <= 1.5:
		return float64((1 - x) * (7.0/4 - x))
	case x <= 2.5:
		return -float64(float64((x-2.5)*(x-2.5)) / 8)
	}
	return 0
}

func magic2021(x float64) float64 {
	if x < 0 {
		x = -x
	}
	switch xx := float64(x * x); {
	case x <= 0.5:
		return 577.0/576 - float64(239.0/144*xx)
	case x <= 1.5:
		return (float64(140*xx) - float64(379*x) + 239) / 144
	case x <= 2.5:
		return -(float64(24*xx) - float64(113*x) + 130) / 144
	case x <= 3.5:
		return (float64(4*xx) - float64(27*x) + 45) / 144
	case x <= 4.5:
		return -(float64(4*xx) - float64(36*x) + 81) / 1152
	}
	return 0
}

const (
	pi = 3.14159265358979323846
	// pi in two parts; a small multiple of the first is exact.
	piHigh = 2 * 1.57079632673412561417e+00
	piLow  = 2 * 6.07710050650619224932e-11
)

// sin returns the sine of a small multiple of pi, |x| < 100, to about one unit in the last place. math.Sin has not the same
// bits on every architecture.
func sin(x float64) float64 {
	n := 0
	for ; x > pi/2; n++ {
		x = reduce(x, 1)
	}
	for ; x < -pi/2; n++ {
		x = reduce(x, -1)
	}
	s := sinPoly(x)
	if n&1 == 1 {
		return -s
	}
	return s
}

func reduce(x, n float64) float64 { return (x - float64(n*piHigh)) - float64(n*piLow) }

func cos(x float64) float64 {
	s := sin(x / 2)
	return 1 - float64(2*float64(s*s))
}

// sinPoly is the Taylor series of the sine, to the term whose share is below the last bit for |x| <= pi/2.
func sinPoly(x float64) float64 {
	xx := float64(x * x)
	s := 0.0
	for i := len(sinTerms) - 1; i >= 0; i-- {
		s = float64(s*xx) + sinTerms[i]
	}
	return x + float64(float64(s*xx)*x)
}

// sinTerms are -1/3!, 1/5!, ...
var sinTerms = [...]float64{-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800,
	-1.0 / 1307674368000, 1.0 / 355687428096000, -1.0 / 121645100408832000, 1.0 / 51090942171709440000}
