package vit

import (
	"bytes"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit/arch"
	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// BenchmarkEncodeImages runs networks of the shapes of ViT, CLIP's tower, DINOv2 and Swin, of zeros, on images of 224 pixels a
// side. The share of the peak is that of the multiply-adds in products and attention.
func BenchmarkEncodeImages(b *testing.B) {
	for _, c := range []struct{ name, config string }{
		{"ViT-B16", `{"model_type": "vit"}`},
		{"ViT-S16", `{"model_type": "vit", "hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536}`},
		{"DINOv2-S14", `{"model_type": "dinov2", "hidden_size": 384, "num_attention_heads": 6, "image_size": 518}`},
		{"BEiT-B16", `{"model_type": "beit", "use_relative_position_bias": true}`},
		{"SigLIP-B16", `{"model_type": "siglip_vision_model"}`},
		{"Swin-T", `{"model_type": "swin"}`},
	} {
		for _, images := range []int{1, 8} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("model=%s/b=%d/threads=%d", c.name, images, threads), func(b *testing.B) {
					x := kernels.New(nil, threads)
					defer x.Close()
					m, flops := benchModel(b, c.config, x)
					pixels := tensor.New(images, 3, 224, 224)
					var ws tensor.Workspace
					for range 2 { // until the Workspace is one piece
						m.EncodeImages(&ws, pixels)
						ws.Reset()
					}
					m.EncodeImages(&ws, pixels)
					b.ReportAllocs()
					for b.Loop() {
						ws.Reset()
						m.EncodeImages(&ws, pixels)
					}
					speed := flops * float64(images) * float64(b.N) / b.Elapsed().Seconds()
					b.ReportMetric(speed/1e9, "GFLOP/s")
					if peak := x.PeakFMA(); peak > 0 {
						b.ReportMetric(100*speed/peak, "%peak")
					}
				})
			}
		}
	}
}

// benchModel returns a model of zeros, and how many flops it takes for an image of 224 pixels a side.
func benchModel(b *testing.B, text string, x *kernels.Exec) (arch.ImageEncoder, float64) {
	c, err := arch.ParseConfig([]byte(text))
	if err != nil {
		b.Fatal(err)
	}
	tensors := make(map[string]tensor.Tensor)
	open := func() *loader.Weights {
		var file bytes.Buffer
		if err := loader.Write(&file, tensors, nil); err != nil {
			b.Fatal(err)
		}
		w, err := loader.Open(fstest.MapFS{"model.safetensors": {Data: file.Bytes()}})
		if err != nil {
			b.Fatal(err)
		}
		return w
	}
	_, err = arch.New(c, open(), x)
	missing, ok := err.(*loader.BindError)
	if !ok {
		b.Fatal(err)
	}
	for _, t := range missing.Missing {
		tensors[t.Name] = tensor.New(t.Shape...)
	}
	m, err := arch.New(c, open(), x)
	if err != nil {
		b.Fatal(err)
	}
	return m.(arch.ImageEncoder), flops(m)
}

// flops returns two for each multiply-add of the products and of attention.
func flops(m arch.Model) float64 {
	block := func(b *block, tokens, keys int) float64 {
		h, i := float64(b.Output.In), float64(b.Down.In)
		return float64(tokens) * (8*h*h + 4*h*i + 4*h*float64(keys))
	}
	var sum float64
	switch m := m.(type) {
	case *Vision:
		g := m.Patches.grid(pair{224, 224})
		tokens := g.H*g.W + m.Special.count()
		sum = 2 * float64(g.H*g.W*m.Patches.size()*m.c.HiddenSize)
		for i := range m.Layers {
			sum += block(&m.Layers[i].block, tokens, tokens)
		}
	case *Swin:
		g, window := m.Patches.grid(pair{224, 224}), m.c.Window*m.c.Window
		sum = 2 * float64(g.H*g.W*m.Patches.size()*m.c.EmbedDim)
		for i := range m.Stages {
			for j := range m.Stages[i].Blocks {
				sum += block(&m.Stages[i].Blocks[j].block, g.H*g.W, window)
			}
			g = pair{g.H / 2, g.W / 2}
			if merge := m.Stages[i].Merge; merge != nil {
				sum += 2 * float64(g.H*g.W*merge.Reduction.In*merge.Reduction.Out)
			}
		}
	}
	return sum
}
