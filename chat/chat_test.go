package chat

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// chatml is a template of the common kind.
const chatml = `{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}` +
	`{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`

func file(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestPrompt(t *testing.T) {
	m, err := Load(fstest.MapFS{"tokenizer_config.json": file(`{"bos_token": {"content": "<s>"}, "eos_token": "</s>", "pad_token": null,
		"chat_template": ` + quote("{{ bos_token }}{{ pad_token }}"+chatml+"{{ eos_token if x }}") + `}`),
		"special_tokens_map.json": file(`{"bos_token": "<not>", "unk_token": "<unk>"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Tokens().MarshalJSON(); string(got) != `{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}` {
		t.Errorf("tokens %s, %v", got, err)
	}
	messages := []Message{System("Be brief."), User("Hi <|im_end|>")}
	in := Input{Messages: messages, AddGenerationPrompt: true, Variables: Object{{"x", true}}}
	const want = "<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi <|im_end|><|im_end|>\n<|im_start|>assistant\n</s>"
	for range 2 {
		if got, err := m.Prompt(in); err != nil || got != want {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if got, err := m.Prompt(Input{Messages: append(messages, Assistant("I am  ")), ContinueFinal: "content"}); err != nil ||
		!strings.HasSuffix(got, "<|im_start|>assistant\nI am  ") {
		t.Errorf("continued: %q, %v", got, err)
	}
	for _, c := range []struct {
		name string
		in   Input
		want string
	}{
		{"empty", Input{}, "the conversation is empty; it needs one message at least"},
		{"both ends", Input{Messages: messages, ContinueFinal: "content", AddGenerationPrompt: true},
			"either the final message is continued or a generation prompt is added, not both"},
		{"nothing to continue", Input{Messages: []Message{NewMessage("user", nil)}, ContinueFinal: "content"},
			`the last message has no "content" to continue`},
		{"a field that is not read", Input{Messages: []Message{User("a").With("thought", "b")}, ContinueFinal: "thought"},
			`the last message cannot be continued: the template does not read "thought"`},
		{"no text", Input{Messages: []Message{NewMessage("user", []any{Object{{"type", "image"}}})}, ContinueFinal: "content"},
			"the last message has no text to continue"},
		{"a list for text", Input{Messages: []Message{NewMessage("user", []any{1})}}, `TypeError: can only concatenate str (not "list") to str`},
		{"a value that is none", Input{Messages: messages, Variables: Object{{"x", func() {}}}}, "variable x: json: unsupported type: func()"},
	} {
		if _, err := m.Prompt(c.in); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := m.PromptOf("rag", in); err == nil || err.Error() != `the model has no chat template "rag"; it has default` {
		t.Errorf("no such template: %v", err)
	}
}

// Each place of a template, and which goes before which.
func TestLoad(t *testing.T) {
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		tools bool
		want  string // the source of the template that is used, or the error
	}{
		{"string", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": "a"}`)}, false, "a"},
		{"list", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": [{"name": "default", "template": "a"}, {"name": "tool_use", "template": "b"}]}`)}, false, "a"},
		{"tools", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": [{"name": "default", "template": "a"}, {"name": "tool_use", "template": "b"}]}`)}, true, "b"},
		{"file", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": "a"}`), "chat_template.jinja": file("b")}, false, "b"},
		{"folder", fstest.MapFS{"chat_template.jinja": file("b"), "additional_chat_templates/tool_use.jinja": file("c"),
			"additional_chat_templates/README.md": file("{{")}, true, "c"},
		{"processor", fstest.MapFS{"chat_template.json": file(`{"chat_template": "p"}`)}, false, "p"},
		{"no default", fstest.MapFS{"additional_chat_templates/b.jinja": file(""), "additional_chat_templates/a.jinja": file("")}, false,
			"the model has several chat templates and none is the default; name one of a, b"},
		{"none", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": null}`)}, false, "the model has no chat template"},
		{"no file", fstest.MapFS{}, false, "the model has no chat template"},
		{"bad JSON", fstest.MapFS{"tokenizer_config.json": file(`[]`)}, false, "tokenizer_config.json: not a JSON object"},
		{"bad template", fstest.MapFS{"chat_template.jinja": file("a\n{% if %}")}, false,
			"chat_template.jinja: line 2: Expected an expression, got 'end of statement block'"},
		{"bad named template", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": [{"name": "x", "template": "{{"}]}`)}, false,
			`tokenizer_config.json: chat_template "x": line 1: unexpected end of template`},
		{"bytes", fstest.MapFS{"chat_template.jinja": file("a\n\xff{{")}, false, "chat_template.jinja: line 2: the template is not valid UTF-8"},
		{"number", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": 1}`)}, false,
			"tokenizer_config.json: chat_template is neither a string nor a list of templates"},
		{"unnamed", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": [{"template": "x"}]}`)}, false,
			`tokenizer_config.json: chat_template[0] is not an object with "name" and "template"`},
		{"a folder for a file", fstest.MapFS{"chat_template.jinja": &fstest.MapFile{Mode: fs.ModeDir}}, false, "chat_template.jinja is a directory, not a file"},
	} {
		m, err := Load(c.files)
		var tmpl *Template
		if err == nil {
			tmpl, err = m.Template("", c.tools)
		}
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = tmpl.Source()
		}
		if got != c.want {
			t.Errorf("%s: got %s\nwant %s", c.name, got, c.want)
		}
	}
	if _, err := Load(fstest.MapFS{}); !errors.Is(err, ErrNoTemplate) {
		t.Errorf("got %v", err)
	}
	if _, err := Load(os.DirFS(filepath.Join(t.TempDir(), "none"))); errors.Is(err, ErrNoTemplate) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// Messages keep what they hold, in its order, and reasoning has both of its names.
func TestMessages(t *testing.T) {
	tmpl, err := Parse("{{ messages|tojson }}{{ tools|tojson }}{{ documents|tojson }}{{ v }}{{ strftime_now(' %Y-%m-%d') }}")
	if err != nil {
		t.Fatal(err)
	}
	const message = `{"z": 1, "role": "assistant", "content": "x", "a": {"y": [1.0, 12345678901234567890, null], "b": true}}`
	var m Message
	if err := json.Unmarshal([]byte(message), &m); err != nil {
		t.Fatal(err)
	}
	type tool struct {
		Type string `json:"type"`
	}
	in := Input{Messages: []Message{m, NewMessage("user", []string{"a"}, Field{"reasoning", "r"})}, Tools: []any{tool{"f"}, map[string]int{"b": 1, "a": 2}},
		Variables: Object{{"v", "\xff"}}, Now: time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)}
	want := "[" + message + `, {"thinking": "r", "role": "user", "content": ["a"], "reasoning": "r", "reasoning_content": "r"}]` +
		`[{"type": "f"}, {"a": 2, "b": 1}]null` + "\ufffd 2025-01-02"
	if got, err := tmpl.Render(in); err != nil || got != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	if _, ok := in.Messages[1].Get("thinking"); ok {
		t.Error("the caller's message was changed")
	}
}

func TestRaise(t *testing.T) {
	tmpl, err := Parse("a\n{{ raise_exception('roles must alternate') }}")
	if err != nil {
		t.Fatal(err)
	}
	_, err = tmpl.Render(Input{})
	var e *Error
	if !errors.As(err, &e) || e.Kind != "TemplateError" || e.Msg != "roles must alternate" || e.Line != 2 {
		t.Errorf("got %#v", err)
	}
	_, err = Parse("a\n{% nope %}")
	var s *SyntaxError
	if !errors.As(err, &s) || s.Line != 2 || err.Error() != "line 2: Encountered unknown tag 'nope'." {
		t.Errorf("got %v", err)
	}
}
