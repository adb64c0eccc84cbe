// Package chat turns messages into the text that a model was trained to continue. Each chat model has its own way to mark who
// speaks, and brings it along as a template in the Jinja language; this package finds the template in the model's folder and
// renders it, byte for byte as Python's transformers library does.
//
//	fsys, err := hub.Open("HuggingFaceTB/SmolLM2-135M-Instruct")
//	m, err := chat.Load(fsys)
//	prompt, err := m.Prompt(chat.Input{
//		Messages:            []chat.Message{chat.System("Be brief."), chat.User("Who wrote Faust?")},
//		AddGenerationPrompt: true,
//	})
//
// gives
//
//	<|im_start|>system
//	Be brief.<|im_end|>
//	<|im_start|>user
//	Who wrote Faust?<|im_end|>
//	<|im_start|>assistant
//
// A [Message] is a JSON object whose keys keep their order, since templates print messages, tools and the arguments of calls as
// JSON. [Template] renders one template with exactly the variables it is given; [Model] adds what transformers adds when it
// applies the template of a tokenizer: the choice of the template, special tokens, and checks.
//
// Templates are input from outside. They see nothing but the values of an [Input], and their time, memory and output are bounded
// by [Limits]. The text of a message is not made harmless: one that contains the marks of a template looks like a turn of the
// conversation, as it does in transformers. A tokenizer that must not read special tokens in it has to be told so.
package chat
