package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/internal/files"
)

// maxConfig is the largest configuration file in bytes.
const maxConfig = 64 << 20

// ErrNoTemplate means that a model has no chat template: it was not trained on conversations, or its files do not tell how.
var ErrNoTemplate = errors.New("the model has no chat template")

// A Model has the chat templates and the special tokens of a model's folder. It is immutable and safe for concurrent use.
type Model struct {
	templates map[string]*Template
	tokens    Object
}

// tokenNames are the special tokens that templates see as variables.
var tokenNames = []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

// Load reads the chat templates of a model's folder:
//
//   - chat_template.jinja, and further ones in additional_chat_templates, which are named like their files; if there are none
//   - chat_template in tokenizer_config.json, a string or a list of {"name": ..., "template": ...};
//   - chat_template in chat_template.json, where older processors keep it.
//
// Special tokens come from tokenizer_config.json, those that it does not name from special_tokens_map.json. The error is
// [ErrNoTemplate] if there is no template, but fs.ErrNotExist if there is no folder.
func Load(fsys fs.FS) (*Model, error) {
	m := &Model{templates: map[string]*Template{}}
	config, err := readObject(fsys, "tokenizer_config.json")
	if err != nil {
		return nil, err
	}
	special, err := readObject(fsys, "special_tokens_map.json")
	if err != nil {
		return nil, err
	}
	for _, name := range tokenNames {
		for _, o := range []Object{config, special} {
			if s, ok := tokenText(o, name); ok {
				m.tokens = append(m.tokens, Field{name, s})
				break
			}
		}
	}
	if err := m.loadFiles(fsys); err != nil {
		return nil, err
	}
	if len(m.templates) > 0 {
		return m, nil
	}
	if v, ok := config.Get("chat_template"); ok && v != nil {
		if err := m.addConfig("tokenizer_config.json", v); err != nil {
			return nil, err
		}
		return m, nil
	}
	processor, err := readObject(fsys, "chat_template.json")
	if err != nil {
		return nil, err
	}
	if v, ok := processor.Get("chat_template"); ok && v != nil {
		if err := m.addConfig("chat_template.json", v); err != nil {
			return nil, err
		}
		return m, nil
	}
	if err := files.Folder(fsys); err != nil {
		return nil, err
	}
	return nil, ErrNoTemplate
}

// readObject reads a JSON file; it is empty if the file is not there.
func readObject(fsys fs.FS, name string) (Object, error) {
	b, err := files.Read(fsys, name, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var o Object
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return o, nil
}

// tokenText returns a special token: a string, or an object with its content.
func tokenText(o Object, name string) (string, bool) {
	v, _ := o.Get(name)
	if t, ok := v.(Object); ok {
		v, _ = t.Get("content")
	}
	s, ok := v.(string)
	return s, ok
}

// add parses a template; where says what it is in errors.
func (m *Model) add(where, name, source string) error {
	t, err := Parse(source)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	m.templates[name] = t
	return nil
}

func (m *Model) loadFiles(fsys fs.FS) error {
	const main, dir = "chat_template.jinja", "additional_chat_templates"
	names := map[string]string{main: "default"}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", dir, err)
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".jinja"); ok {
			names[path.Join(dir, e.Name())] = name
		}
	}
	for file, name := range names {
		b, err := files.Read(fsys, file, maxConfig)
		if errors.Is(err, fs.ErrNotExist) && file == main {
			continue
		}
		if err != nil {
			return err
		}
		if err := m.add(file, name, string(b)); err != nil {
			return err
		}
	}
	return nil
}

// addConfig adds the templates of a JSON file.
func (m *Model) addConfig(file string, v any) error {
	switch v := v.(type) {
	case string:
		return m.add(file+": chat_template", "default", v)
	case []any:
		for i, x := range v {
			o, _ := x.(Object)
			name, _ := o.Get("name")
			template, _ := o.Get("template")
			n, ok1 := name.(string)
			t, ok2 := template.(string)
			if !ok1 || !ok2 {
				return fmt.Errorf(`%s: chat_template[%d] is not an object with "name" and "template"`, file, i)
			}
			if err := m.add(fmt.Sprintf("%s: chat_template %q", file, n), n, t); err != nil {
				return err
			}
		}
		if len(v) > 0 {
			return nil
		}
	}
	return fmt.Errorf("%s: chat_template is neither a string nor a list of templates", file)
}

// Names returns the names of the templates, sorted. The usual one is "default".
func (m *Model) Names() []string {
	names := make([]string, 0, len(m.templates))
	for n := range m.templates {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Tokens returns the special tokens that templates see: bos_token, eos_token and others, as far as the model has them.
func (m *Model) Tokens() Object { return slices.Clone(m.tokens) }

// Template returns the template of that name. If the name is empty it is the one for prompts with or without tools: "tool_use"
// if there are tools and such a template, else "default".
func (m *Model) Template(name string, tools bool) (*Template, error) {
	if name == "" {
		name = "default"
		if tools && m.templates["tool_use"] != nil {
			name = "tool_use"
		}
	}
	if t := m.templates[name]; t != nil {
		return t, nil
	}
	if name == "default" {
		return nil, fmt.Errorf("the model has several chat templates and none is the default; name one of %s",
			strings.Join(m.Names(), ", "))
	}
	return nil, fmt.Errorf("the model has no chat template %q; it has %s", name, strings.Join(m.Names(), ", "))
}

// Prompt renders the model's template as transformers' apply_chat_template does: special tokens are variables, and fields of
// messages that are null are left out.
func (m *Model) Prompt(in Input) (string, error) { return m.PromptOf("", in) }

// PromptOf is Prompt with the template of a name.
func (m *Model) PromptOf(name string, in Input) (string, error) {
	t, err := m.Template(name, in.Tools != nil)
	if err != nil {
		return "", err
	}
	if len(in.Messages) == 0 {
		return "", errors.New("the conversation is empty; it needs one message at least")
	}
	if in.ContinueFinal != "" && in.AddGenerationPrompt {
		return "", errors.New("either the final message is continued or a generation prompt is added, not both")
	}
	messages := make([]Message, len(in.Messages))
	for i, msg := range in.Messages {
		messages[i] = slices.DeleteFunc(slices.Clone(msg), func(f Field) bool { return f.Value == nil })
	}
	in.Messages = messages
	vars := m.Tokens()
	for _, f := range in.Variables {
		vars = vars.With(f.Name, f.Value)
	}
	in.Variables = vars
	return t.Render(in)
}

// NewModel returns a model with one template, and special tokens that the template sees as variables.
func NewModel(t *Template, tokens Object) *Model {
	return &Model{templates: map[string]*Template{"default": t}, tokens: slices.Clone(tokens)}
}
