package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// teller returns a folder with the model tiny, and a chat template if there is one. The test is skipped without the model.
func teller(t *testing.T, template string) string {
	t.Helper()
	if embeddedTextModel() == nil {
		t.Skip("built without the model tiny")
	}
	dir := filepath.Join(t.TempDir(), "model")
	if err := os.CopyFS(dir, embeddedTextModel()); err != nil {
		t.Fatal(err)
	}
	if template != "" {
		if err := os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte(template), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// plain puts all messages one after the other.
const plain = "{% for m in messages %}{{ m.content }}{% endfor %}"

func TestGenerateTeller(t *testing.T) {
	teller(t, "")
	want := " it would be, for he was in his own way. So the boy bowed himself in his room\n"
	if got := must(t, "", "generate", "--model", "tiny", "Once upon a time", "--seed", "1", "--stop", ", and the flowers"); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestPerplexitySettings: generation_config.json does not matter to who generates nothing.
func TestPerplexitySettings(t *testing.T) {
	dir := teller(t, "")
	want := must(t, "", "perplexity", "--model", dir, "Once upon a time")
	if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(`{"num_beams": 3}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := must(t, "", "perplexity", "--model", dir, "Once upon a time"); got != want || got == "" {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChat(t *testing.T) {
	dir := teller(t, plain)
	for _, tt := range []struct{ name, stdin, want string }{
		{"a message", "Once upon a time\n", ", he had\n"},
		{"no newline at the end", "Once upon a time", ", he had\n"},
		{"a message of two lines", "Once upon\\\na time\n", " he had been\n"},
		{"forgotten", "Once upon a time\n/clear\n\nOnce upon a time\n", ", he had\n, he had\n"},
		{"a system message", "/system Once upon\n a time\n", ", he had\n"},
		{"the end", "/exit\nOnce upon a time\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := must(t, tt.stdin, "chat", dir, "--greedy", "--max-new-tokens", "3"); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	if _, errs, code := command(t, "", "/what\n", "chat", dir); code != 0 || errs != "godwit: there is no /what; see /help\n" {
		t.Errorf("exit code %d, %q", code, errs)
	}
}

func TestChatWithoutTemplate(t *testing.T) {
	dir := teller(t, "")
	_, errs, code := command(t, filepath.Dir(dir), "hi\n", "chat", dir)
	want := "godwit: DIR/model: the model has no chat template: it was not trained on conversations; generate continues texts with it\n"
	if code != 1 || errs != want {
		t.Errorf("exit code %d\ngot  %swant %s", code, errs, want)
	}
}

// TestChatCannot: what keeps a model from any conversation is told at once, not at the first message.
func TestChatCannot(t *testing.T) {
	for _, tt := range []struct{ file, text, want string }{
		{"chat_template.jinja", "{% if x %}", "the model cannot chat: chat_template.jinja: line 1: Unexpected end of template. Jinja was looking for the " +
			"following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'."},
		{"generation_config.json", `{"temperature": "hot"}`, `generation_config.json: "temperature" is a string, not a number`},
		{"generation_config.json", `{"num_beams": 3}`, "generation_config.json: num_beams asks for a way of generating that is not supported; " +
			"without it, the tokens are others: have it ignored if they may be, by --ignore-setting num_beams"},
		{"generation_config.json", `{"do_sample": true, "temperature": 0}`,
			"generation_config.json: the temperature is 0; want a number above 0, or no tokens that are drawn"},
		{"tokenizer.json", "{", "tokenizer: tokenizer.json: the file (byte 0): the file ends in the middle of a value: want a string"},
	} {
		dir := teller(t, plain)
		if err := os.WriteFile(filepath.Join(dir, tt.file), []byte(tt.text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, errs, code := command(t, filepath.Dir(dir), "", "chat", dir)
		if want := "godwit: DIR/model: " + tt.want + "\n"; code != 1 || errs != want {
			t.Errorf("%s: exit code %d\ngot  %swant %s", tt.file, code, errs, want)
		}
	}
	// One that refuses a message may take another.
	dir := teller(t, "{{ raise_exception('say more') if messages[0].content == '' else messages[0].content }}")
	if got, want := must(t, "Once upon a time\n", "chat", dir, "--greedy", "-n", "3"), ", he had\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestChatOneAnswer: a message has one answer, even if the model's files ask for several.
func TestChatOneAnswer(t *testing.T) {
	dir := teller(t, plain)
	answer := func(settings, choice string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(settings), 0o644); err != nil {
			t.Fatal(err)
		}
		return must(t, "Once upon a time\n", "chat", dir, choice, "-n", "5")
	}
	for _, choice := range []string{"--seed=1", "--greedy"} {
		want := answer(`{"do_sample": true}`, choice)
		if got := answer(`{"do_sample": true, "num_return_sequences": 2}`, choice); got != want {
			t.Errorf("%s: got %q, want %q", choice, got, want)
		}
	}
}

// TestChatSettings: flags replace what cannot be in generation_config.json.
func TestChatSettings(t *testing.T) {
	dir := teller(t, plain)
	for _, c := range []struct{ settings, flags string }{
		{`{"do_sample": true, "temperature": 0}`, "--greedy"},
		{`{"do_sample": true, "temperature": 0}`, "--temperature=1|--top-k=1"},
		{`{"num_beams": 3, "guidance_scale": 2}`, "--ignore-setting=num_beams|--ignore-setting|guidance_scale"},
		{`{"penalty_alpha": 0.6, "top_k": 1}`, "--greedy"},
		{`{"penalty_alpha": 0.6, "top_k": 4}`, "--temperature=1|--top-k=1"},
	} {
		if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(c.settings), 0o644); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"chat", dir, "-n", "3"}, strings.Split(c.flags, "|")...)
		if got, want := must(t, "Once upon a time\n", args...), ", he had\n"; got != want {
			t.Errorf("%s with %s: got %q, want %q", c.settings, c.flags, got, want)
		}
	}
}

// TestChatVariables: --set is a variable of the template.
func TestChatVariables(t *testing.T) {
	dir := teller(t, "{{ begin|default('') }}{{ messages[-1].content }}")
	got := must(t, "a time\n", "chat", dir, "--greedy", "-n", "3", "--set", `begin="Once upon "`)
	if want := ", he had\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChatJSON(t *testing.T) {
	dir := teller(t, plain)
	got := must(t, "Once upon a time\n/clear\nOnce upon a time\n", "chat", dir, "--json", "--greedy", "-n", "12", "--stop", "great deal")
	want := `{"text":", he had been a ","tokens":8,"finish":"stop","stop":"great deal"}` + "\n"
	if got != want+want {
		t.Errorf("got  %s\nwant %s", got, want+want)
	}
}

// TestChatFull: when the context is full the user learns what to do, and can go on.
func TestChatFull(t *testing.T) {
	dir := teller(t, plain)
	var out, errs bytes.Buffer
	long := strings.Repeat("Once upon a time ", 60)
	keys := "Once upon a time\r" + long + "\r/clear\r" + long[:17*28] + "\r\x04"
	c := &console{in: strings.NewReader(keys), out: bufio.NewWriter(&out), err: &errs, inTerm: true, width: 80}
	c.raw = func() (func(), error) { return func() {}, nil }
	code := run(context.Background(), c, []string{"chat", dir, "--greedy", "--ignore-eos"})
	for _, want := range []string{
		"godwit: the prompt has 495 tokens; the model takes 256 with those that follow (/clear forgets what was said)\n",
		"godwit: the conversation fills the model's context of 256 tokens: /clear forgets what was said\n",
	} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("%q is not in %q", want, errs.String())
		}
	}
	if code != 0 || !strings.HasSuffix(errs.String(), "\n") {
		t.Errorf("exit code %d, the end is %q", code, errs.String())
	}
}

// TestChatEditor types at a terminal: every key is given to the line editor, and what it draws goes to stderr.
func TestChatEditor(t *testing.T) {
	dir := teller(t, plain)
	const enter, up, back, kill, end = "\r", "\x1b[A", "\x7f", "\x03", "\x04"
	for _, tt := range []struct{ name, keys, want string }{
		{"a slip", "Once upon a tine" + back + back + "me" + enter, ", he had\n"},
		{"history", "Once upon a time" + enter + "/clear" + enter + up + up + enter, ", he had\n, he had\n"},
		{"a line given up", "There was" + kill + "Once upon a time" + enter, ", he had\n"},
		{"a line that goes on", `Once upon\` + enter + "a time" + enter, " he had been\n"},
		{"pasted lines", "\x1b[200~Once upon\ra time\x1b[201~" + enter, " he had been\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			raw := 0
			c := &console{in: strings.NewReader(tt.keys + end), out: bufio.NewWriter(&out), err: &errs, inTerm: true, width: 80}
			c.raw = func() (func(), error) {
				raw++
				return func() { raw-- }, nil
			}
			code := run(context.Background(), c, []string{"chat", dir, "--greedy", "--max-new-tokens", "3"})
			if code != 0 || out.String() != tt.want {
				t.Errorf("exit code %d, got %q, want %q; the terminal shows %q", code, out.String(), tt.want, errs.String())
			}
			if raw != 0 {
				t.Error("the terminal is left as the editor needs it")
			}
		})
	}
}

// writerFunc is a writer.
type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestChatInterrupt stops the first answer when its first text is shown; the conversation goes on.
func TestChatInterrupt(t *testing.T) {
	dir := teller(t, plain)
	var out, errs bytes.Buffer
	var c *console
	stopped := false
	c = &console{in: strings.NewReader("Once upon a time\n/clear\nOnce upon a time\n"), err: &errs, width: 80}
	c.out = bufio.NewWriter(writerFunc(func(b []byte) (int, error) {
		if !stopped {
			stopped = c.interrupted()
		}
		return out.Write(b)
	}))
	code := run(context.Background(), c, []string{"chat", dir, "--greedy", "--max-new-tokens", "3"})
	if want := ",\n, he had\n"; code != 0 || out.String() != want || errs.String() != "godwit: stopped\n" {
		t.Errorf("exit code %d, %q; got %q, want %q", code, errs.String(), out.String(), want)
	}
	if c.interrupted() {
		t.Error("Ctrl-C is still caught after the answer")
	}
}

func TestKeys(t *testing.T) {
	b := make([]byte, 64)
	n, err := keys{strings.NewReader("ab\x03c")}.Read(b)
	if got := string(b[:n]); got != "ab\x05\x15c" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestChatTemplateFiles: tools and documents come from files of JSON, and the template by its name.
func TestChatTemplateFiles(t *testing.T) {
	dir := teller(t, "{{ tools[0].begin if tools else '' }}{{ documents[0].text if documents else '' }}{{ messages[-1].content }}")
	for name, text := range map[string]string{
		"additional_chat_templates/old.jinja": "Once {{ messages[-1].content }}",
		"tools.json":                          `[{"begin": "Once upon "}]`,
		"documents.json":                      `[{"title": "tale", "text": "Once "}]`,
		"one.json":                            `{"begin": ""}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ stdin, flags, want string }{
		{"a time\n", "--tools|DIR/tools.json", ", he had\n"},
		{"upon a time\n", "--documents|DIR/documents.json", ", he had\n"},
		{"upon a time\n", "--template|old", ", he had\n"},
	} {
		args := strings.Split("chat|DIR|--greedy|-n|3|"+c.flags, "|")
		for i, a := range args {
			args[i] = strings.Replace(a, "DIR", dir, 1)
		}
		if got := must(t, c.stdin, args...); got != c.want {
			t.Errorf("%s: got %q, want %q", c.flags, got, c.want)
		}
	}
	if got, want := must(t, "", "template", dir, "--user", "upon", "--documents", filepath.Join(dir, "documents.json")), "Once upon"; got != want {
		t.Errorf("template: got %q, want %q", got, want)
	}
	for _, c := range []struct {
		flag, file, want string
		code             int
	}{
		{"--tools", "-", "a list of tools is to be in a file: standard input is the conversation (see godwit chat --help)", 2},
		{"--documents", filepath.Join(dir, "one.json"), "DIR/one.json: not a list of documents", 1},
		{"--template", "rag", `the model has no chat template "rag"; it has default, old`, 1},
	} {
		_, errs, code := command(t, dir, "hi\n", "chat", dir, c.flag, c.file)
		if want := "godwit: " + c.want + "\n"; code != c.code || errs != want {
			t.Errorf("%s: exit code %d\ngot  %swant %s", c.flag, code, errs, want)
		}
	}
}
