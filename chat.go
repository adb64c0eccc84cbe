package godwit

import (
	"context"
	"fmt"
	"iter"

	"github.com/godwit-ml/godwit/chat"
)

// WithTools names the functions that the model may call, as JSON schemas for the template. It is for Chat.
func WithTools(tools ...any) GenerateOption {
	return func(o *generateOptions) { o.chat.Tools = append(o.chat.Tools, tools...) }
}

// WithDocuments gives the template documents with title and text. It is for Chat.
func WithDocuments(documents ...any) GenerateOption {
	return func(o *generateOptions) { o.chat.Documents = append(o.chat.Documents, documents...) }
}

// WithTemplate chooses one of the model's chat templates by name. It is for Chat.
func WithTemplate(name string) GenerateOption { return func(o *generateOptions) { o.name = name } }

// WithTemplateVariable sets a variable of the template, like enable_thinking. It is for Chat.
func WithTemplateVariable(name string, value any) GenerateOption {
	return func(o *generateOptions) { o.chat.Variables = o.chat.Variables.With(name, value) }
}

// WithContinueFinal goes on with the last message, which is the model's, in place of answering it. It is for Chat.
func WithContinueFinal() GenerateOption {
	return func(o *generateOptions) { o.chat.ContinueFinal = "content" }
}

// Chat answers a conversation: it gives one token of the answer after the other, as Generate does.
//
//	for tok, err := range m.Chat(ctx, []chat.Message{chat.User("Who wrote Faust?")}) {
//		...
//	}
//
// The prompt is what the model's own chat template makes of the messages. A program that goes on with a conversation appends the
// answer, as [chat.Assistant], and the next question, and calls again; a [Session] then computes only what is new.
func (m *Model) Chat(ctx context.Context, messages []chat.Message, opts ...GenerateOption) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) { m.NewSession(opts...).Chat(ctx, messages)(yield) }
}

// Chat is [Model.Chat] with what the session knows.
func (s *Session) Chat(ctx context.Context, messages []chat.Message, opts ...GenerateOption) iter.Seq2[Token, error] {
	return s.tokens(ctx, opts, func(o *generateOptions) ([]int32, error) {
		prompt, err := s.m.render(o, messages)
		if err != nil {
			return nil, err
		}
		return s.m.text.tok.AppendPlainIDs(nil, prompt, 0)
	})
}

// ChatPrompt returns the prompt that Chat makes of the messages: what the model's chat template gives.
func (m *Model) ChatPrompt(messages []chat.Message, opts ...GenerateOption) (string, error) {
	if m.gen == nil {
		return "", fmt.Errorf("godwit: %w", m.errNotGenerating())
	}
	prompt, err := m.render(m.gen.options(opts), messages)
	if err != nil {
		return "", fmt.Errorf("godwit: %w", err)
	}
	return prompt, nil
}

// render returns the prompt for the messages.
func (m *Model) render(o *generateOptions, messages []chat.Message) (string, error) {
	if m.gen.chatErr != nil {
		return "", m.named(fmt.Errorf("the model cannot chat: %w", m.gen.chatErr))
	}
	in := o.chat
	in.Messages, in.AddGenerationPrompt = messages, in.ContinueFinal == ""
	return m.gen.chat.PromptOf(o.name, in)
}
