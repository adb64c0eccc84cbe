package gpt

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/tensor"
)

// ropeParameters is a rope_parameters of config.json, or the rope_scaling of an older one.
type ropeParameters struct {
	RopeType        string    `json:"rope_type"`
	Type            string    `json:"type"`
	Theta           *float64  `json:"rope_theta"`
	Partial         *float64  `json:"partial_rotary_factor"`
	Factor          *float64  `json:"factor"`
	OriginalMax     *float64  `json:"original_max_position_embeddings"`
	AttentionFactor *float64  `json:"attention_factor"`
	BetaFast        *float64  `json:"beta_fast"`
	BetaSlow        *float64  `json:"beta_slow"`
	MScale          *float64  `json:"mscale"`
	MScaleAllDim    *float64  `json:"mscale_all_dim"`
	Truncate        *bool     `json:"truncate"`
	LowFreqFactor   *float64  `json:"low_freq_factor"`
	HighFreqFactor  *float64  `json:"high_freq_factor"`
	Short           []float64 `json:"short_factor"`
	Long            []float64 `json:"long_factor"`

	Full    json.RawMessage `json:"full_attention"`
	Sliding json.RawMessage `json:"sliding_attention"`
}

// A rope gives the angles of rotary positions: position times a frequency for each pair of elements. Everything is rounded to
// float32 where Transformers rounds it, since an angle's last place is seen in the result.
type rope struct {
	dim         int
	interleaved bool
	scale       float32   // of sine and cosine
	freq        []float32 // [dim/2]
	long        []float32 // longrope: in place of freq for spans above original
	original    int       // positions that the model was trained with: longrope, dynamic
	anew        bool      // keys are computed anew where a sequence grows beyond original

	dynamic bool // the base grows with the span
	theta   float64
	factor  float64
}

// orElse returns *p, or v if there is none.
func orElse[T any](p *T, v T) T {
	if p == nil {
		return v
	}
	return *p
}

// newRope makes a rope that rotates the first dim elements of a head. maxPositions is config.json's
// max_position_embeddings, original its own original_max_position_embeddings, or nil.
func newRope(p *ropeParameters, theta float64, dim, maxPositions int, original *float64) (*rope, error) {
	kind := p.RopeType
	if kind == "" {
		kind = p.Type
	}
	if !(theta > 0) || theta > math.MaxFloat32 {
		return nil, fmt.Errorf("rope_theta is %g; want a number above 0", theta)
	}
	r := &rope{dim: dim, theta: theta, scale: 1, freq: make([]float32, dim/2)}
	power := make([]float32, dim/2)
	powers(power, theta, dim)
	for i, p := range power {
		r.freq[i] = 1 / p
	}
	if kind == "" || kind == "default" {
		return r, nil
	}
	if original == nil {
		original = p.OriginalMax
	}
	r.original = int(max(1, min(orElse(original, float64(maxPositions)), 1<<30)))
	trained := float64(r.original)
	r.factor = orElse(p.Factor, 0)
	if kind == "longrope" || kind == "su" {
		r.factor = orElse(p.Factor, float64(maxPositions)/trained)
	}
	if !(r.factor > 0) || r.factor > math.MaxFloat32 {
		return nil, fmt.Errorf("rope type %q has factor %g; want a number above 0", kind, r.factor)
	}
	switch kind {
	case "linear":
		for i := range r.freq {
			r.freq[i] /= float32(r.factor)
		}
	case "dynamic":
		if dim <= 2 {
			return nil, fmt.Errorf("rope type %q needs more than %d elements of a head", kind, dim)
		}
		r.dynamic, r.original = true, maxPositions
	case "llama3":
		low, high := orElse(p.LowFreqFactor, 0), orElse(p.HighFreqFactor, 0)
		if !(low > 0) || !(high > low) {
			return nil, fmt.Errorf("rope type %q has low_freq_factor %g and high_freq_factor %g; want 0 < low < high", kind, low, high)
		}
		r.llama3(low, high, trained)
	case "yarn":
		if theta == 1 {
			return nil, fmt.Errorf("rope type %q has rope_theta 1", kind)
		}
		r.yarn(p, power, trained)
	case "longrope", "su":
		if len(p.Short) != dim/2 || len(p.Long) != dim/2 {
			return nil, fmt.Errorf("rope type %q has %d short and %d long factors; want %d", kind, len(p.Short), len(p.Long), dim/2)
		}
		r.long = make([]float32, dim/2)
		for i := range r.freq {
			r.freq[i] = 1 / float32(float32(p.Short[i])*power[i])
			r.long[i] = 1 / float32(float32(p.Long[i])*power[i])
		}
		switch {
		case p.AttentionFactor != nil:
			r.scale = float32(*p.AttentionFactor)
		case r.factor > 1 && trained > 1:
			r.scale = float32(math.Sqrt(1 + kernels.Log(r.factor)/kernels.Log(trained)))
		}
	default:
		return nil, fmt.Errorf("rope type %q is not supported; supported are default, linear, dynamic, llama3, yarn, longrope", kind)
	}
	return r, nil
}

// powers sets p to theta^(2i/dim) for each pair.
func powers(p []float32, theta float64, dim int) {
	for i := range p {
		p[i] = float32(kernels.Pow(theta, float64(float32(2*i)/float32(dim))))
	}
}

// llama3 slows the low frequencies down, those whose wave is longer than what the model was trained with.
func (r *rope) llama3(low, high, trained float64) {
	factor := float32(r.factor)
	for i, f := range r.freq {
		wave := float32(2*math.Pi) / f
		switch {
		case wave < float32(trained/high):
		case wave > float32(trained/low):
			r.freq[i] = f / factor
		default:
			smooth := (float32(trained)/wave - float32(low)) / float32(high-low)
			r.freq[i] = float32(float32((1-smooth)*f)/factor) + float32(smooth*f)
		}
	}
}

// yarn is Peng et al., YaRN (arXiv:2309.00071): the high frequencies stay, the low ones are interpolated, with a ramp between.
func (r *rope) yarn(p *ropeParameters, power []float32, trained float64) {
	orDefault := func(p *float64, v float64) float64 {
		if p == nil || *p == 0 {
			return v
		}
		return *p
	}
	dim := float64(r.dim)
	pair := func(rotations float64) float64 {
		return float64(dim*kernels.Log(trained/float64(rotations*2*math.Pi))) / float64(2*kernels.Log(r.theta))
	}
	low, high := pair(orDefault(p.BetaFast, 32)), pair(orDefault(p.BetaSlow, 1))
	if orElse(p.Truncate, true) {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, dim-1)
	if low == high {
		high += 0.001
	}
	for i := range r.freq {
		ramp := (float32(i) - float32(low)) / float32(high-low)
		ramp = min(max(ramp, 0), 1)
		keep := 1 - ramp
		between := 1 / float32(float32(r.factor)*power[i])
		r.freq[i] = float32(between*(1-keep)) + float32(r.freq[i]*keep)
	}
	scale := func(m float64) float64 {
		if r.factor <= 1 {
			return 1
		}
		return float64(float64(0.1*m)*kernels.Log(r.factor)) + 1
	}
	switch a, b := orElse(p.MScale, 0), orElse(p.MScaleAllDim, 0); {
	case p.AttentionFactor != nil:
		r.scale = float32(*p.AttentionFactor)
	case a != 0 && b != 0:
		r.scale = float32(scale(a) / scale(b))
	default:
		r.scale = float32(scale(1))
	}
}

// frequencies returns the frequencies for a sequence of that length. buf is memory for them.
func (r *rope) frequencies(span int, buf []float32) []float32 {
	switch {
	case r.long != nil && span > r.original:
		return r.long
	case r.dynamic && span > r.original:
		grow := float64(r.factor*float64(span))/float64(r.original) - (r.factor - 1)
		theta := float32(r.theta * kernels.Pow(grow, float64(r.dim)/float64(r.dim-2)))
		powers(buf, float64(theta), r.dim)
		for i, p := range buf {
			buf[i] = 1 / p
		}
		return buf
	}
	return r.freq
}

// grows tells whether a sequence can grow from length n to length to, if the frequencies of its first keys are those of the
// length start, and of its last those of span. Those of dynamic change with every token, those of longrope once. Old keys keep
// theirs while tokens come one by one, but for anew.
func (r *rope) grows(start, span, n, to int) bool {
	switch {
	case r.long != nil && start > r.original: // a longer sequence, which may have been cut
		return to > r.original
	case r.long != nil:
		return to <= r.original || !r.anew && to == n+1
	case r.dynamic:
		return max(span, to) <= r.original || to == n+1
	}
	return true
}

// table returns the rotations of the tokens of a pass, one row each, in the Workspace.
func (r *rope) table(ws *tensor.Workspace, p *pass) kernels.RoPE {
	half := r.dim / 2
	t := kernels.RoPE{Cos: ws.Float32(len(p.ids) * half), Sin: ws.Float32(len(p.ids) * half), Dim: r.dim, Interleaved: r.interleaved}
	buf := ws.Float32(half)
	for s, span := range p.spans {
		freq := r.frequencies(int(span), buf)
		for i := int(p.starts[s]); i < int(p.starts[s+1]); i++ {
			for j, f := range freq {
				sin, cos := kernels.SinCos(float64(float32(p.positions[i]) * f))
				t.Cos[i*half+j], t.Sin[i*half+j] = float32(float32(cos)*r.scale), float32(float32(sin)*r.scale)
			}
		}
	}
	return t
}
