package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/chat"
	"github.com/godwit-ml/godwit/generate"
)

func chatCommand(io *console) *cobra.Command {
	t := &talk{console: io}
	c := &cobra.Command{
		Use:   "chat MODEL",
		Short: "Talk with a chat model",
		Long: `chat answers what you write, in view of what was said before. A line that ends with \ goes on with the next,
and what is pasted may have many lines. Ctrl-C stops the answer, and only that; Ctrl-D on an empty line ends.
Lines can be edited, and the arrow keys bring former ones back. Input from a file or a pipe works too.

With --json an answer is a line with a JSON object: its text, the number of its tokens, and the reason for
which it ended, as in generate --jsonl, or interrupted.

In the conversation:
  /clear        forget what was said
  /system TEXT  tell the model how to answer, from the beginning; without TEXT, tell it nothing
  /help         show these
  /exit         end`,
		Example: `  godwit chat HuggingFaceTB/SmolLM2-135M-Instruct
  godwit chat ./model --system "Answer in one sentence." --temperature 0.7
  godwit chat ./SmolLM3-3B --set enable_thinking=false
  godwit chat ./Qwen3-4B --tools tools.json --context-length 8192 --bf16-cache
  echo "Who wrote Faust?" | godwit chat ./model --greedy`,
		Args: arguments(1, 1),
		RunE: t.run,
	}
	t.modelFlags.add(c, false)
	t.samplingFlags.add(c, "0")
	c.Flags().StringArrayVar(&t.set, "set", nil, "variable of the chat template, name=JSON (may be repeated)")
	c.Flags().StringVar(&t.tools, "tools", "", "JSON file with the list of tools that the model may call")
	c.Flags().StringVar(&t.documents, "documents", "", "JSON file with a list of documents, objects with a title and a text")
	c.Flags().StringVar(&t.name, "template", "", "name of the chat template, if the model has several")
	c.Flags().StringVar(&t.system, "system", "", "message before the conversation that tells the model how to answer")
	return c
}

type talk struct {
	*console
	modelFlags
	samplingFlags
	system                 string
	tools, documents, name string
	set                    []string
	messages               []chat.Message // without the system's
}

func (t *talk) run(c *cobra.Command, args []string) error {
	opts, err := t.options(c)
	switch {
	case err != nil:
		return err
	case !utf8.ValidString(t.system):
		return usagef("--system is not valid UTF-8")
	}
	more, err := t.templateOptions()
	if err != nil {
		return err
	}
	opts = append(opts, more...)
	opts = append(opts, godwit.WithSamples(1)) // whatever generation_config.json says
	t.model = args[0]
	m, err := t.open()
	if err != nil {
		return err
	}
	defer m.Close()
	s := m.NewSession(opts...)
	if err := canChat(m, s, opts); err != nil {
		return err
	}
	lines := t.lines()
	for {
		text, err := t.message(lines)
		if err == io.EOF {
			if t.raw != nil {
				fmt.Fprintln(t.err) // after the prompt
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch word, rest, _ := strings.Cut(strings.TrimSpace(text), " "); {
		case word == "":
		case !strings.HasPrefix(word, "/"):
			if err := t.answer(c.Context(), s, text); err != nil {
				return err
			}
		case word == "/exit":
			return nil
		case word == "/clear":
			t.messages = nil
			s.Reset()
		case word == "/system":
			t.system = strings.TrimSpace(rest)
		case word == "/help":
			t.note("/clear, /system TEXT, /help, /exit; \\ at the end of a line goes on with the next; Ctrl-C stops an answer")
		default:
			t.note("there is no %s; see /help", word)
		}
	}
}

// templateOptions returns what the flags say of the chat template.
func (t *talk) templateOptions() ([]godwit.GenerateOption, error) {
	variables, err := parseVariables(t.set)
	if err != nil {
		return nil, err
	}
	opts := []godwit.GenerateOption{godwit.WithTemplate(t.name)}
	for _, v := range variables {
		opts = append(opts, godwit.WithTemplateVariable(v.Name, v.Value))
	}
	for _, f := range []struct {
		file, what string
		option     func(...any) godwit.GenerateOption
	}{{t.tools, "a list of tools", godwit.WithTools}, {t.documents, "a list of documents", godwit.WithDocuments}} {
		switch f.file {
		case "":
			continue
		case "-":
			return nil, usagef("%s is to be in a file: standard input is the conversation", f.what)
		}
		list, err := t.readList(f.file, f.what)
		if err != nil {
			return nil, err
		}
		opts = append(opts, f.option(list...))
	}
	return opts, nil
}

// canChat returns what keeps the model from any conversation.
func canChat(m *godwit.Model, s *godwit.Session, opts []godwit.GenerateOption) error {
	if err := s.Err(); err != nil {
		return err
	}
	_, err := m.ChatPrompt([]chat.Message{chat.User("")}, opts...)
	var refused *chat.Error
	switch {
	case errors.Is(err, chat.ErrNoTemplate):
		return fmt.Errorf("%s: the model has no chat template: it was not trained on conversations; generate continues texts with it",
			m.Info().Name)
	case errors.As(err, &refused):
		return nil // this message, but perhaps not others
	}
	return err
}

// answered is the line of an answer with --json.
type answered struct {
	Text   string `json:"text"`
	Tokens int    `json:"tokens"`
	Finish string `json:"finish"`
	Stop   string `json:"stop,omitempty"`
}

// answer writes the answer to a message. One that is stopped counts as far as it came; one that fails leaves no trace.
func (t *talk) answer(ctx context.Context, s *godwit.Session, question string) error {
	one, stop := context.WithCancel(ctx)
	defer stop()
	defer t.catch(stop)()
	before := t.messages
	t.messages = append(t.messages, chat.User(question))
	all := t.messages
	if t.system != "" {
		all = append([]chat.Message{chat.System(t.system)}, all...)
	}
	var a answered
	var text strings.Builder
	speed := speedometer{start: time.Now()}
	for tok, err := range speed.count(s.Chat(one, all)) {
		switch {
		case err == nil:
		case ctx.Err() == nil && one.Err() != nil: // the answer alone is stopped
			a.Finish = interrupted
		case ctx.Err() != nil || !t.inTerm:
			return err
		default: // too long, or a template that refuses: the conversation can go on otherwise
			t.messages = before
			if len(before) > 0 {
				err = fmt.Errorf("%w (/clear forgets what was said)", err)
			}
			t.note("%s", message(err))
			return nil
		}
		if err != nil {
			break
		}
		text.WriteString(tok.Text)
		a.Tokens, a.Finish, a.Stop = a.Tokens+1, string(tok.Finish), tok.Stop
		if err := t.show(tok.Text); err != nil {
			return err
		}
	}
	a.Text = text.String()
	t.messages = append(t.messages, chat.Assistant(a.Text))
	if err := t.end(&a); err != nil {
		return err
	}
	switch a.Finish {
	case interrupted:
		t.note("stopped")
		return nil
	case string(generate.FinishContext):
		t.note("the conversation fills the model's context of %d tokens: /clear forgets what was said", s.Tokens()+1)
	}
	speed.show(t.console)
	return nil
}

// interrupted is the reason for which a text ended that Ctrl-C stopped, or an error.
const interrupted = "interrupted"

// end writes what stands at the end of an answer: with --json, the answer itself.
func (t *talk) end(a *answered) error {
	if !t.json {
		return t.show("\n")
	}
	return errors.Join(writeLine(t.out, a), t.out.Flush())
}

// show writes a piece of an answer at once, unless it is collected for --json.
func (t *talk) show(text string) error {
	if t.json {
		return nil
	}
	if t.outTerm {
		text = strings.Map(visible, text)
	}
	if _, err := t.out.WriteString(text); err != nil {
		return err
	}
	return t.out.Flush()
}

// visible replaces what would steer a terminal.
func visible(r rune) rune {
	if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
		return '?'
	}
	return r
}

// A lineReader returns lines without their end; more says that a line goes on what came before, pasted that it is a part of what
// was pasted.
type lineReader func(more bool) (line string, pasted bool, err error)

// message reads a message: a line, or several.
func (t *talk) message(lines lineReader) (string, error) {
	var text strings.Builder
	for more := false; ; more = true {
		line, pasted, err := lines(more)
		if err == io.EOF && more {
			return text.String(), nil
		}
		if err != nil {
			return "", err
		}
		if !utf8.ValidString(line) {
			return "", errors.New("standard input: not valid UTF-8")
		}
		line, goesOn := strings.CutSuffix(line, `\`)
		text.WriteString(line)
		if !goesOn && !pasted {
			return text.String(), nil
		}
		text.WriteByte('\n')
		if text.Len() > maxLine {
			return "", fmt.Errorf("standard input: a message is longer than %d MiB", maxLine>>20)
		}
	}
}

// lines returns the reader of the input: a line editor at a terminal.
func (t *talk) lines() lineReader {
	if t.raw == nil {
		in := newTexts("standard input", bufio.NewReader(t.in), false)
		return func(bool) (string, bool, error) {
			b, err := in.readLine()
			return string(b), false, err
		}
	}
	editor := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{keys{t.in}, t.err}, "")
	return func(more bool) (string, bool, error) {
		restore, err := t.raw()
		if err != nil {
			return "", false, fmt.Errorf("the terminal: %w", err)
		}
		defer restore()
		editor.SetBracketedPasteMode(true)
		defer editor.SetBracketedPasteMode(false)
		if err := editor.SetSize(t.width, 24); err != nil {
			return "", false, err
		}
		editor.SetPrompt(map[bool]string{false: "> ", true: ". "}[more])
		line, err := editor.ReadLine()
		if errors.Is(err, term.ErrPasteIndicator) {
			return line, true, nil
		}
		return line, false, err
	}
}

// keys makes Ctrl-C at the editor empty the line: it becomes Ctrl-E, to the end, and Ctrl-U, delete all before.
type keys struct{ r io.Reader }

func (k keys) Read(b []byte) (int, error) {
	if len(b) < 2 {
		return k.r.Read(b)
	}
	n, err := k.r.Read(b[:len(b)/2])
	s := strings.ReplaceAll(string(b[:n]), "\x03", "\x05\x15")
	return copy(b, s), err
}
