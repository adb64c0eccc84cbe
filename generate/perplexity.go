package generate

import (
	"context"
	"errors"
	"fmt"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/tensor"
)

// ScoreOptions say how Score works.
type ScoreOptions struct {
	// Window is how many tokens are seen at most, the one that is predicted included; 0: the longest sequence of the model. A
	// longer text is read in windows.
	Window int
	// Stride is how many tokens a window is moved at once; 0: half of it. The tokens of a window but for the last Stride were
	// predicted in the window before, and are only seen again.
	Stride int
	// Progress, if it is not nil, is called now and then with the number of tokens that are done.
	Progress func(done, total int)
}

// scoreBytes bounds the logits that are held at once.
const scoreBytes = 32 << 20

// Score returns, for each of the ids but the first, minus the natural logarithm of its probability after those before it.
func Score(ctx context.Context, m *Model, ids []int32, o ScoreOptions) ([]float64, error) {
	if len(ids) < 2 {
		return nil, errors.New("the text has fewer than two tokens: there is nothing to predict")
	}
	if err := m.checkIDs(ids); err != nil {
		return nil, err
	}
	window := m.MaxTokens()
	if o.Window > 0 {
		window = min(window, o.Window)
	}
	stride := o.Stride
	if stride == 0 {
		stride = max(1, window/2)
	}
	if o.Window < 0 || window < 2 || stride < 1 || stride >= window {
		return nil, fmt.Errorf("the window is %d and the stride %d, in tokens; want 1 ≤ stride < window", window, stride)
	}
	p := scorer{m: m, ids: ids, nll: make([]float64, 0, len(ids)-1), progress: o.Progress}
	vocab := m.Decoder.Limits().Vocab
	p.probs = make([]float32, vocab)
	p.chunk = max(1, min(defaultChunk, window, scoreBytes/4/vocab))
	p.cache = m.Decoder.NewCache(arch.CacheOptions{Chunk: p.chunk})
	for start := 0; len(p.nll) < len(ids)-1; start += stride {
		if err := p.window(ctx, start, min(start+window, len(ids))); err != nil {
			return nil, err
		}
	}
	return p.nll, nil
}

// A scorer is a call of Score.
type scorer struct {
	m        *Model
	ids      []int32
	nll      []float64
	chunk    int
	cache    arch.Cache
	probs    []float32
	progress func(done, total int)

	ws     tensor.Workspace
	caches [1]arch.Cache
	batch  [1][]int32
}

// window scores the tokens from start to end that have no score yet, in view of those from start on.
func (p *scorer) window(ctx context.Context, start, end int) error {
	p.cache.Truncate(0)
	p.cache.Expect(end - start)
	p.cache.Reserve(end - start)
	for at := start; at < end-1; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(p.chunk, end-1-at)
		p.ws.Reset()
		p.caches[0], p.batch[0] = p.cache, p.ids[at:at+n]
		logits := p.m.Decoder.Continue(&p.ws, p.caches[:], p.batch[:], true)
		for i := range n {
			if j := at + i; j == len(p.nll) { // the others were predicted in the window before
				row := logits.Row(i)
				p.m.Exec.Softmax(p.probs, row, 1, len(row))
				p.nll = append(p.nll, logTotal(p.m.Exec, p.probs, row)-float64(row[p.ids[j+1]]))
			}
		}
		at += n
		if p.progress != nil {
			p.progress(len(p.nll)+1, len(p.ids))
		}
	}
	return nil
}

// logTotal returns the logarithm of the sum of the exponentials of the logits, of which probs are the softmax. The sum in float32
// by which softmax divides is some 1e-5 off for a large vocabulary; here the quotients are added in float64, in four chains.
func logTotal(x *kernels.Exec, probs, logits []float32) float64 {
	var sum [4]float64
	for i, p := range probs {
		sum[i%4] += float64(p)
	}
	best := x.Argmax(logits)
	total := (sum[0] + sum[1]) + (sum[2] + sum[3])
	return float64(logits[best]) + kernels.Log(total/float64(probs[best]))
}
