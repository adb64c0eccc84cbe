package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/godwit-ml/godwit/internal/jinja"
)

// Input is what a prompt is made of. Only Messages is needed.
type Input struct {
	Messages  []Message
	Tools     []any // JSON schemas of the functions that the model may call; nil is none
	Documents []any // objects with title and text; nil is none
	// AddGenerationPrompt ends the prompt with the beginning of the model's next turn.
	AddGenerationPrompt bool
	// ContinueFinal leaves the last message open, so that the model goes on with it. It names the field to go on with, which is
	// "content" as a rule; empty is off.
	ContinueFinal string
	// Variables are further variables of the template. Those named like special tokens replace the model's own.
	Variables Object
	// Now is the time that a template may show; zero is time.Now().
	Now time.Time
}

// Limits bounds what a template may take; a field that is 0 has its default. Steps count expressions, items and text.
type Limits = jinja.Limits

// A SyntaxError says why a source is no template, and in which line.
type SyntaxError = jinja.SyntaxError

// An Error says why a template could not be rendered. Kind is the name of the exception that Python raises: "TemplateError" has
// the message that the template itself gave to raise_exception, "UndefinedError" and "TypeError" are mistakes of the template, or
// messages of a shape that it does not know; "LimitError" means that it took more than [Limits] allow.
type Error = jinja.Error

// A Template is one parsed chat template. It is immutable and safe for concurrent use.
type Template struct {
	source string
	t      *jinja.Template
}

// Parse parses a template. An error is a [*SyntaxError].
func Parse(source string) (*Template, error) { return ParseLimits(source, Limits{}) }

// ParseLimits parses a template with limits of its own.
func ParseLimits(source string, limits Limits) (*Template, error) {
	t, err := jinja.Parse(source, limits)
	if err != nil {
		return nil, err
	}
	return &Template{source, t}, nil
}

// Source returns the text of the template.
func (t *Template) Source() string { return t.source }

// continueMark stands at the end of a message that is to be continued while it is rendered.
const continueMark = "CONTINUE_FINAL_MESSAGE_TAG "

// Render renders the template. It sees the messages as they are, and as variables messages, tools, documents,
// add_generation_prompt and those of in.Variables. An error of the template is an [*Error].
func (t *Template) Render(in Input) (string, error) {
	vars := jinja.NewDict()
	for _, f := range in.Variables {
		v, err := toValue(f.Value, 0)
		if err != nil {
			return "", fmt.Errorf("variable %s: %w", f.Name, err)
		}
		vars.Set(f.Name, v)
	}
	messages := make([]Message, len(in.Messages))
	for i, m := range in.Messages {
		messages[i] = aliasReasoning(m)
	}
	final := ""
	if in.ContinueFinal != "" {
		var err error
		if final, err = t.markFinal(messages, in.ContinueFinal); err != nil {
			return "", err
		}
	}
	list, err := toValue(messages, 0)
	if err != nil {
		return "", fmt.Errorf("messages: %w", err)
	}
	vars.Set("messages", list)
	for _, l := range []struct {
		name string
		list []any
	}{{"tools", in.Tools}, {"documents", in.Documents}} {
		var v jinja.Value
		if l.list != nil {
			if v, err = toValue(l.list, 0); err != nil {
				return "", fmt.Errorf("%s: %w", l.name, err)
			}
		}
		vars.Set(l.name, v)
	}
	vars.Set("add_generation_prompt", in.AddGenerationPrompt)
	opt := jinja.Options{}
	if !in.Now.IsZero() {
		opt.Now = func() time.Time { return in.Now }
	}
	out, err := t.t.Render(vars, opt)
	if err != nil || in.ContinueFinal == "" {
		return out, err
	}
	return cutFinal(out, final)
}

// reasoningNames are the names of a message's reasoning; the first is the standard one.
var reasoningNames = []string{"reasoning_content", "thinking", "reasoning"}

// aliasReasoning gives a message's reasoning the two names that templates read. As in transformers, thinking then comes first.
func aliasReasoning(m Message) Message {
	for _, name := range reasoningNames {
		v, _ := m.Get(name)
		if v == nil {
			continue
		}
		thinking, ok := m.Get("thinking")
		if !ok {
			thinking = v
		}
		out := Message{{"thinking", thinking}}
		for _, f := range m {
			if f.Name != "thinking" {
				out = append(out, f)
			}
		}
		return out.With("reasoning_content", v)
	}
	return m
}

// markFinal puts the mark behind the text of the last message that is to be continued, and returns that text.
func (t *Template) markFinal(messages []Message, field string) (string, error) {
	if len(messages) == 0 {
		return "", errors.New("there is no message to continue")
	}
	last := messages[len(messages)-1]
	v, _ := last.Get(field)
	if v == nil {
		return "", fmt.Errorf("the last message has no %q to continue", field)
	}
	fields := []string{field}
	for _, n := range reasoningNames {
		if n == field {
			fields = reasoningNames
		}
	}
	read := false
	for _, f := range fields {
		read = read || strings.Contains(t.source, f)
	}
	if !read {
		return "", fmt.Errorf("the last message cannot be continued: the template does not read %q", field)
	}
	switch v := v.(type) {
	case string:
		for _, f := range fields {
			if x, ok := last.Get(f); ok && x == any(v) {
				last = last.With(f, v+continueMark)
			}
		}
		messages[len(messages)-1] = last
		return v, nil
	case []any:
		for i := len(v) - 1; i >= 0; i-- {
			part, _ := v[i].(Object)
			text, ok := part.Get("text")
			if !ok {
				continue
			}
			s, ok := text.(string)
			if !ok {
				return "", errors.New("the text of the last message's last part is no string")
			}
			parts := append([]any{}, v...)
			parts[i] = part.With("text", s+continueMark)
			messages[len(messages)-1] = last.With(field, parts)
			return s, nil
		}
		return "", errors.New("the last message has no text to continue")
	}
	return "", fmt.Errorf("the last message's %q is no text to continue", field)
}

// cutFinal ends the prompt where the mark stands.
func cutFinal(out, final string) (string, error) {
	at := strings.LastIndex(out, strings.TrimSpace(continueMark))
	if at < 0 || !strings.Contains(out, strings.TrimSpace(final)) {
		return "", errors.New("the last message cannot be continued: the template does not show it as it is")
	}
	if strings.HasPrefix(out[at:], continueMark) {
		return out[:at], nil
	}
	return strings.TrimRightFunc(out[:at], unicode.IsSpace), nil // the template cut the space at the end of the message
}
