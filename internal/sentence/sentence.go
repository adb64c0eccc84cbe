// Package sentence turns the hidden states of a transformer into sentence embeddings, as a sentence-transformers repository
// describes it: modules.json lists what follows the transformer (pooling, dense layers, normalisation), and beside it stand
// the prompts, the largest length and the similarity function.
//
// Reference: https://github.com/huggingface/sentence-transformers, sentence_transformers/{base,sentence_transformer}/modules.
package sentence

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/godwit-ml/godwit/kernels"
	"github.com/godwit-ml/godwit/tensor"
)

// A Pipeline is what a sentence-transformers repository adds to its transformer. It is immutable and safe for concurrent use.
type Pipeline struct {
	// Base is the folder of the transformer's own files in the repository: "." or a folder like 0_Transformer.
	Base string
	// MaxLength is max_seq_length: the most tokens of a text that are read, special ones included. 0: not given.
	MaxLength int
	// Lowercase tells to lower-case the text before it is tokenised.
	Lowercase bool
	// Prompts are the texts to put before an input, by name, and DefaultPrompt is the name of the one that applies when none
	// is chosen, or empty.
	Prompts       map[string]string
	DefaultPrompt string
	// IncludePrompt is false if the tokens of a prompt take no part in the pooling.
	IncludePrompt bool
	// Similarity is similarity_fn_name: cosine, dot, euclidean or manhattan.
	Similarity string
	// Dim is the length of an embedding.
	Dim int

	exec    *kernels.Exec
	pooling []pooling
	stages  []stage
}

// A stage is a module after the pooling: it maps embeddings [texts, n] to embeddings [texts, m].
type stage interface {
	apply(x *kernels.Exec, ws *tensor.Workspace, in tensor.Tensor) tensor.Tensor
}

// Load reads the Pipeline of a repository whose transformer has the given hidden size. A repository without modules.json
// gets defaultPooling ("mean" for an encoder, "lasttoken" for a decoder) and no normalisation, as in sentence-transformers.
func Load(fsys fs.FS, x *kernels.Exec, hidden int, defaultPooling string) (*Pipeline, error) {
	p := &Pipeline{exec: x, Base: ".", Dim: hidden, IncludePrompt: true}
	var modules []struct{ Path, Type string }
	found, err := readJSON(fsys, "modules.json", &modules)
	if err != nil {
		return nil, err
	}
	if !found {
		p.pooling = []pooling{poolings[defaultPooling]}
	}
	for i, m := range modules {
		class := m.Type[strings.LastIndexByte(m.Type, '.')+1:]
		if m.Path != "" && !fs.ValidPath(m.Path) {
			return nil, fmt.Errorf("modules.json: module %d: %q is not a path inside the repository", i, m.Path)
		}
		switch {
		case (i == 0) != (class == "Transformer"):
			err = fmt.Errorf("modules.json: module %d is a %q; a Transformer comes first, and only there", i, class)
		case class == "Transformer":
			p.Base = path.Clean(m.Path)
		case (i == 1) != (class == "Pooling"):
			err = fmt.Errorf("modules.json: module %d is a %q; Pooling comes second, and only there", i, class)
		case class == "Pooling":
			err = p.loadPooling(fsys, path.Join(m.Path, "config.json"), hidden)
		case class == "Dense":
			err = p.loadDense(fsys, m.Path)
		case class == "Normalize":
			p.stages = append(p.stages, normalize{})
		default:
			err = fmt.Errorf("modules.json: module %d: %q is not supported; known are Transformer, Pooling, Dense and Normalize", i, class)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(p.pooling) == 0 {
		return nil, fmt.Errorf("modules.json: there is no Pooling module, so the model has no sentence embedding")
	}
	return p, p.loadSettings(fsys)
}

// Embed returns the embeddings [texts, Dim], in memory of ws, of texts whose hidden states [tokens, hidden] stand one after the
// other: those of text i are the rows starts[i] up to starts[i+1], at least one. The first prompt tokens of each text belong
// to a prompt; they take no part in the pooling unless IncludePrompt is set.
func (p *Pipeline) Embed(ws *tensor.Workspace, hidden tensor.Tensor, starts []int32, prompt int) tensor.Tensor {
	if p.IncludePrompt {
		prompt = 0
	}
	n := hidden.Cols()
	out := ws.Tensor(len(starts)-1, n*len(p.pooling))
	for i := range len(starts) - 1 {
		text := hidden.Data[int(starts[i])*n : int(starts[i+1])*n]
		for j, pool := range p.pooling {
			pool(p.exec, out.Row(i)[j*n:][:n], text, prompt)
		}
	}
	for _, s := range p.stages {
		out = s.apply(p.exec, ws, out)
	}
	return out
}

type normalize struct{}

func (normalize) apply(x *kernels.Exec, _ *tensor.Workspace, in tensor.Tensor) tensor.Tensor {
	x.L2Normalize(in.Data, in.Data, in.NumRows(), in.Cols(), 1e-12) // the eps of torch.nn.functional.normalize
	return in
}
