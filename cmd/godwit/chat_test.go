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
