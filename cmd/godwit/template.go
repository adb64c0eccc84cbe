package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit/chat"
	"github.com/godwit-ml/godwit/hub"
	"github.com/godwit-ml/godwit/internal/files"
)

func templateCommand(c *console) *cobra.Command {
	var f templateFlags
	cmd := &cobra.Command{
		Use:   "template [MODEL]",
		Short: "Show the prompt that a chat model gets",
		Long: `template renders a model's chat template and shows the prompt, exactly as the model gets it. MODEL is a model,
or a file *.jinja. The messages are those of --system and --user, or of the JSON of --file or standard input:
a list of {"role": ..., "content": ...}, or an object with messages and, if wanted, tools and documents. The
prompt ends with the beginning of the model's answer unless --no-generation-prompt is given.

With --jsonl a line of the input is an object with
  template               the template itself
  messages               list of messages
  tools                  list of JSON schemas, or null
  add_generation_prompt  whether the prompt ends with the beginning of an answer
  kwargs                 further variables of the template; continue_final_message is no variable, but leaves
                         the last message open
and a line of the output is {"rendered": ...} or {"error": ...}.`,
		Example: `  godwit template HuggingFaceTB/SmolLM2-135M-Instruct --user "Who wrote Faust?"
  godwit template ./model --file messages.json --tools tools.json --set enable_thinking=false
  echo '[{"role": "user", "content": "Hi"}]' | godwit template chat_template.jinja
  godwit template --jsonl < cases.jsonl`,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.system, f.user = cmd.Flags().Changed("system"), cmd.Flags().Changed("user")
			switch {
			case f.jsonl && len(args) > 0:
				return usagef("with --jsonl the templates are in the input, and %q is too much", args[0])
			case f.jsonl:
				return c.templateLines(cmd, f.file)
			case len(args) == 0:
				return usagef("template needs MODEL, or --jsonl")
			case (f.user || f.system) && f.file != "":
				return usagef("messages are given both by --user or --system and by --file")
			case f.system && !f.user:
				return usagef("--system needs --user")
			case f.continueFinal && cmd.Flags().Changed("no-generation-prompt"):
				return usagef("--continue adds no generation prompt anyway")
			}
			return c.template(&f, args[0])
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.userText, "user", "", "what the user says")
	fl.StringVar(&f.systemText, "system", "", "system message before it: how the model is to answer")
	fl.StringVarP(&f.file, "file", "f", "", "read messages from this JSON file, - is standard input")
	fl.StringVar(&f.tools, "tools", "", "JSON file with the list of tools")
	fl.StringVar(&f.documents, "documents", "", "JSON file with the list of documents")
	fl.StringVar(&f.name, "name", "", "name of the template, if the model has several")
	fl.StringArrayVar(&f.set, "set", nil, "variable of the template, name=JSON (may be repeated)")
	fl.BoolVar(&f.noPrompt, "no-generation-prompt", false, "end with the last message")
	fl.BoolVar(&f.continueFinal, "continue", false, "leave the last message open, so that the model goes on with it")
	fl.BoolVar(&f.source, "source", false, "show the template itself")
	fl.BoolVar(&f.jsonl, "jsonl", false, "render a template a line")
	return cmd
}

// templateFlags are the flags of template.
type templateFlags struct {
	userText, systemText    string
	user, system            bool // whether they are given
	file, tools, documents  string
	name                    string
	set                     []string
	noPrompt, continueFinal bool
	source, jsonl           bool
}

func (c *console) template(f *templateFlags, name string) error {
	m, err := openChat(name)
	if err != nil {
		return err
	}
	in := chat.Input{AddGenerationPrompt: !f.noPrompt && !f.continueFinal}
	if f.continueFinal {
		in.ContinueFinal = "content"
	}
	if in.Variables, err = parseVariables(f.set); err != nil {
		return err
	}
	if f.tools != "" {
		if in.Tools, err = c.readList(f.tools, "a list of tools"); err != nil {
			return err
		}
	}
	if f.documents != "" {
		if in.Documents, err = c.readList(f.documents, "a list of documents"); err != nil {
			return err
		}
	}
	if f.source {
		t, err := m.Template(f.name, in.Tools != nil)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return c.writeText("template", t.Source())
	}
	if err := c.messages(f, &in); err != nil {
		return err
	}
	prompt, err := m.PromptOf(f.name, in)
	if err != nil {
		return fmt.Errorf("%s: %w", name, templateError(err))
	}
	return c.writeText("prompt", prompt)
}

// parseVariables reads the values of --set.
func parseVariables(set []string) (chat.Object, error) {
	var variables chat.Object
	for _, s := range set {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, usagef("--set is %q, must be name=JSON", s)
		}
		v, err := chat.Decode([]byte(value))
		if err != nil {
			return nil, usagef("--set %s: %s is not JSON: %s (a string needs quotes)", key, value, files.JSONCause(err))
		}
		variables = variables.With(key, v)
	}
	return variables, nil
}

// templateError says that an exception is one of the template's own.
func templateError(err error) error {
	var e *chat.Error
	if !errors.As(err, &e) {
		return err
	}
	at := ""
	if e.Line > 0 {
		at = fmt.Sprintf(" (line %d)", e.Line)
	}
	if e.Kind == "TemplateError" {
		return fmt.Errorf("the template refuses these messages%s: %s", at, e.Msg)
	}
	return fmt.Errorf("the template fails on these messages%s: %s", at, e.Error())
}

// writeText writes text as it is, or as JSON under a name. On a terminal it ends its line.
func (c *console) writeText(name, text string) error {
	if c.json {
		return writeLine(c.out, map[string]string{name: text})
	}
	if c.outTerm && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err := c.out.WriteString(text)
	return err
}

// openChat opens the chat templates of a model, or a file *.jinja.
func openChat(name string) (*chat.Model, error) {
	if strings.EqualFold(filepath.Ext(name), ".jinja") {
		if st, err := os.Stat(name); err == nil && !st.IsDir() {
			b, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, unpath(err))
			}
			t, err := chat.Parse(string(b))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return chat.NewModel(t, nil), nil
		}
	}
	fsys, err := hub.Open(name)
	if err != nil {
		return nil, err
	}
	m, err := chat.Load(fsys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// messages reads the messages that a command line names, and tools and documents if they stand beside them.
func (c *console) messages(f *templateFlags, in *chat.Input) error {
	if f.user {
		for _, t := range []string{f.systemText, f.userText} {
			if !utf8.ValidString(t) {
				return usagef("a message is not valid UTF-8")
			}
		}
		if f.system {
			in.Messages = append(in.Messages, chat.System(f.systemText))
		}
		in.Messages = append(in.Messages, chat.User(f.userText))
		return nil
	}
	name := f.file
	if name == "" {
		name = "-"
	}
	v, err := c.readJSON(name)
	if err != nil {
		return err
	}
	name = shownName(name)
	if o, ok := v.(chat.Object); ok {
		if v, ok = o.Get("messages"); !ok {
			return fmt.Errorf(`%s: the object has no "messages"`, name)
		}
		for _, l := range []struct {
			name string
			list *[]any
		}{{"tools", &in.Tools}, {"documents", &in.Documents}} {
			if x, _ := o.Get(l.name); x != nil && *l.list == nil {
				if *l.list, err = asList(x, name, "a list of "+l.name); err != nil {
					return err
				}
			}
		}
	}
	list, err := asList(v, name, "a list of messages")
	if err != nil {
		return err
	}
	for i, x := range list {
		m, ok := x.(chat.Message)
		if !ok {
			return fmt.Errorf("%s: message %d is not a JSON object", name, i+1)
		}
		in.Messages = append(in.Messages, m)
	}
	return nil
}

// readList reads a JSON file that is one list.
func (c *console) readList(name, what string) ([]any, error) {
	v, err := c.readJSON(name)
	if err != nil {
		return nil, err
	}
	return asList(v, shownName(name), what)
}

func asList(v any, name, what string) ([]any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: not %s", name, what)
	}
	return list, nil
}

// shownName is how a file is called in messages.
func shownName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// openInput opens a file, or standard input for "-".
func (c *console) openInput(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(c.in), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, unpath(err))
	}
	return f, nil
}

// readJSON reads a file that is one JSON value.
func (c *console) readJSON(name string) (any, error) {
	if name == "-" && c.inTerm {
		c.note("reading messages from the terminal as JSON; Ctrl-D on an empty line ends them")
	}
	r, err := c.openInput(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxLine+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", shownName(name), unpath(err))
	case len(b) > maxLine:
		return nil, fmt.Errorf("%s: longer than %d MiB", shownName(name), maxLine>>20)
	case !utf8.Valid(b):
		return nil, fmt.Errorf("%s: not valid UTF-8", shownName(name))
	}
	v, err := chat.Decode(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	if err != nil {
		return nil, fmt.Errorf("%s: not JSON: %s", shownName(name), files.JSONCause(err))
	}
	return v, nil
}

// templateLine is a line of the input with --jsonl.
type templateLine struct {
	Template            *string        `json:"template"`
	Messages            []chat.Message `json:"messages"`
	Tools               chat.List      `json:"tools"`
	AddGenerationPrompt bool           `json:"add_generation_prompt"`
	Kwargs              chat.Object    `json:"kwargs"`
}

// templateLines renders a template a line.
func (c *console) templateLines(cmd *cobra.Command, name string) error {
	if name == "" {
		name = "-"
	}
	r, err := c.openInput(name)
	if err != nil {
		return err
	}
	defer r.Close()
	t := newTexts(shownName(name), r, true)
	for n := 1; ; n++ {
		if name == "-" && t.line > 0 && t.waits() {
			if err := c.out.Flush(); err != nil {
				return err
			}
		}
		b, err := t.readLine()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = cmd.Context().Err()
		}
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(b)) == 0 {
			continue
		}
		if !utf8.Valid(b) {
			return t.errorf("not valid UTF-8")
		}
		var line templateLine
		if err := json.Unmarshal(b, &line); err != nil {
			return t.errorf("not a JSON object with template and messages: %s", files.JSONCause(err))
		}
		if line.Template == nil {
			return t.errorf(`the object has no "template"`)
		}
		out, err := line.render()
		if err != nil {
			err = writeLine(c.out, struct {
				Error string `json:"error"`
			}{err.Error()})
		} else {
			err = writeLine(c.out, struct {
				Rendered string `json:"rendered"`
			}{out})
		}
		if err != nil {
			return err
		}
		if n%1000 == 0 {
			c.progress("templates rendered: %d", n)
		}
	}
}

func (l *templateLine) render() (string, error) {
	t, err := chat.Parse(*l.Template)
	if err != nil {
		return "", fmt.Errorf("TemplateSyntaxError: %w", err)
	}
	in := chat.Input{Messages: l.Messages, Tools: l.Tools, AddGenerationPrompt: l.AddGenerationPrompt}
	for _, f := range l.Kwargs {
		switch f.Name {
		case "continue_final_message":
			switch v := f.Value.(type) {
			case bool:
				if v {
					in.ContinueFinal = "content"
				}
			case string:
				in.ContinueFinal = v
			}
		case "documents":
			in.Documents, _ = f.Value.([]any)
		default:
			in.Variables = append(in.Variables, f)
		}
	}
	return t.Render(in)
}
