package chat

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGolden compares with the renderings of transformers in GODWIT_GOLDEN/chat: every prompt, and every message of
// raise_exception; of other errors, that there is one.
func TestGolden(t *testing.T) {
	dir := os.Getenv("GODWIT_GOLDEN")
	if dir == "" {
		t.Skip("GODWIT_GOLDEN is not set")
	}
	f, err := os.Open(filepath.Join(dir, "chat", "public.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<24)
	n, exact := 0, 0
	for s.Scan() {
		var c struct {
			Name                string `json:"template_name"`
			Template            string
			Messages            []Message
			Tools               List
			AddGenerationPrompt bool `json:"add_generation_prompt"`
			Kwargs              Object
			Rendered            *string
			Error               string
			Conversation        string
		}
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		n++
		tmpl, err := Parse(c.Template)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		in := Input{Messages: c.Messages, Tools: c.Tools, AddGenerationPrompt: c.AddGenerationPrompt, Variables: c.Kwargs}
		if v, ok := c.Kwargs.Get("continue_final_message"); ok && v == true {
			in.ContinueFinal = "content"
		}
		got, err := tmpl.Render(in)
		var e *Error
		switch {
		case c.Rendered != nil && (err != nil || got != *c.Rendered):
			t.Errorf("%s, %s:\n got %q, %v\nwant %q", c.Name, c.Conversation, got, err, *c.Rendered)
		case c.Rendered == nil && !errors.As(err, &e):
			t.Errorf("%s, %s: got %q, %v, want the error %s", c.Name, c.Conversation, got, err, c.Error)
		case c.Rendered == nil && strings.HasPrefix(c.Error, "TemplateError: ") && err.Error() != c.Error:
			t.Errorf("%s, %s: got the error %q, want %q", c.Name, c.Conversation, err, c.Error)
		case c.Rendered == nil && err.Error() != c.Error:
			t.Logf("%s, %s: the error is %q, of transformers %q", c.Name, c.Conversation, err, c.Error)
		case c.Rendered == nil:
			exact++
		}
	}
	t.Logf("%d renderings; %d errors with the same words", n, exact)
	if n == 0 {
		t.Error("no cases")
	}
}
