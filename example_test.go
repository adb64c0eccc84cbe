package godwit_test

import (
	"context"
	"fmt"
	"log"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/chat"
	_ "github.com/godwit-ml/godwit/models/tiny" // puts "tiny" into the binary
	"github.com/godwit-ml/godwit/tensor"
)

func ExampleModel_Embed() {
	m, err := godwit.Open("testdata/models/sentence-transformers/legacy") // or sentence-transformers/all-MiniLM-L6-v2
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	vecs, err := m.Embed(context.Background(), []string{"the quick brown fox", "the lazy dog"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(vecs), "vectors of", len(vecs[0]), "dimensions")
	fmt.Printf("a text is like itself: %.3f\n", m.Similarity(vecs, vecs)[0][0])
	// Output:
	// 2 vectors of 36 dimensions
	// a text is like itself: 1.000
}

func ExampleModel_Forward() {
	m, err := godwit.Open("testdata/models/bert/regression")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	outputs, err := m.Forward(context.Background(), map[string]tensor.Tensor{
		"input_ids":      tensor.FromInt64([]int64{5, 6, 7, 5, 6, 0}, 2, 3),
		"attention_mask": tensor.FromInt64([]int64{1, 1, 1, 1, 1, 0}, 2, 3),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(outputs["last_hidden_state"].Shape, outputs["logits"].Shape)
	// Output: [2 3 18] [2 1]
}

func ExampleModel_Generate() {
	m, err := godwit.Open("tiny") // a teller of fairy tales that is inside the binary; or any decoder
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	for tok, err := range m.Generate(context.Background(), "Once upon a time", godwit.WithSeed(1), godwit.WithMaxTokens(12)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(tok.Text)
	}
	// Output: it would be, for he was in his own way.
}

func ExampleModel_Chat() {
	m, err := godwit.Open("HuggingFaceTB/SmolLM2-135M-Instruct")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	for tok, err := range m.Chat(context.Background(), []chat.Message{chat.User("Who wrote Faust?")}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(tok.Text)
	}
}

func ExampleModel_ClassifyImages() {
	m, err := godwit.Open("digits") // import _ "github.com/godwit-ml/godwit/models/digits"
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	labels, err := m.ClassifyImages(context.Background(), []godwit.Image{godwit.ImageFile("models/digits/testdata/digit-7.png")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, with probability %.2f\n", labels[0][0].Label, labels[0][0].Score)
	// Output: 7, with probability 0.96
}
