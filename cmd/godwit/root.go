package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit/generate"
	"github.com/godwit-ml/godwit/hub"
	"github.com/godwit-ml/godwit/loader"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// usageError is an error in how a command was called that shows only when it runs.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run executes one command line and returns the exit code.
func run(ctx context.Context, io *console, args []string) int {
	root := newRoot(io)
	root.SetArgs(args)
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	addDefaults(root)
	running := false // errors before this are the caller's
	root.PersistentPreRun = func(*cobra.Command, []string) { running = true }
	command, err := root.ExecuteContextC(ctx)
	io.progressDone()
	if err == nil {
		err = io.out.Flush()
	} else {
		io.out.Flush() // what was finished is shown; the first error counts
	}
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, syscall.EPIPE):
		return exitOK // whoever read the output has had enough
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(io.err, "godwit: interrupted")
		return exitError
	case !running || errors.As(err, &usage):
		fmt.Fprintf(io.err, "godwit: %s%s (see %s --help)\n", message(err), suggestion(root, args), strings.TrimSuffix(command.CommandPath(), " help"))
		return exitUsage
	}
	fmt.Fprintf(io.err, "godwit: %s\n", message(err))
	return exitError
}

// message returns the text of an error, on one line unless it is a list by nature: tensors that do not fit, files to fetch.
func message(err error) string {
	text := strings.TrimPrefix(strings.TrimSpace(err.Error()), "godwit: ")
	text = strings.TrimPrefix(text, "hub: ")
	var missing *hub.NotFoundError
	var bind *loader.BindError
	if errors.As(err, &missing) && slices.Contains([]string{"minilm", "digits", "tiny"}, missing.Name) && embeddedModel() == nil {
		return fmt.Sprintf("this godwit was built without the model %s (-tags nomodel): name the folder of a model", missing.Name)
	}
	if errors.As(err, &missing) || errors.As(err, &bind) {
		return text
	}
	var unsupported *generate.UnsupportedError
	if errors.As(err, &unsupported) {
		text += ", by --ignore-setting " + unsupported.Setting
	}
	text, _, _ = strings.Cut(text, ": strconv.") // what Go calls the parser of a flag
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return shortened(strings.Join(lines, "; "))
}

// shortened leaves out the middle of a message that no one would read to its end, most often one that shows a value of a damaged file.
func shortened(text string) string {
	const most, ends = 4000, 1000
	if len(text) <= most {
		return text
	}
	first, last := text[:ends], text[len(text)-ends:]
	return strings.ToValidUTF8(first, "") + fmt.Sprintf(" [%d bytes more] ", len(text)-2*ends) + strings.ToValidUTF8(last, "")
}

// suggestion names the command that a misspelt one may have meant.
func suggestion(root *cobra.Command, args []string) string {
	if len(args) == 0 {
		return ""
	}
	if c, _, err := root.Find(args); err == nil && c != root {
		return ""
	}
	if s := root.SuggestionsFor(args[0]); len(s) > 0 {
		return fmt.Sprintf("; did you mean %q?", s[0])
	}
	return ""
}

func newRoot(io *console) *cobra.Command {
	root := &cobra.Command{
		Use:   "godwit",
		Short: "Run transformer models on the CPU",
		Long: `godwit runs transformer models from Hugging Face files on the CPU, in pure Go: one binary, nothing to install.

A MODEL is a folder, a name like sentence-transformers/all-MiniLM-L6-v2 that is in the local Hugging Face
cache, or one inside the binary: "minilm" turns sentences into vectors, and embed, search and similarity use it
when no model is named; "digits" reads handwritten digits, and classify-image and embed-image use it; "tiny"
tells fairy tales that mean nothing, and generate and perplexity use it.

Exit codes: 0 success, 1 failure, 2 wrong usage.`,
		Example: `  godwit search "how do I cancel a request?" README.md docs/
  godwit embed "some text"
  godwit similarity "a cat sat" "a feline rested" "stock prices fell"
  godwit classify-image digit.png
  godwit generate "Once upon a time"`,
		SilenceErrors:              true,
		SilenceUsage:               true,
		DisableSuggestions:         true,
		SuggestionsMinimumDistance: 2,
		Args:                       cobra.NoArgs,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
		Version:                    readVersion().Version,
	}
	root.PersistentFlags().BoolVar(&io.json, "json", false, "write JSON for machines")
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(
		embedCommand(io), searchCommand(io), similarityCommand(io), generateCommand(io), chatCommand(io), perplexityCommand(io),
		classifyImageCommand(io), embedImageCommand(io), tokenizeCommand(io), templateCommand(io), preprocessCommand(io),
		inspectCommand(io), forwardCommand(io), verifyCommand(io), doctorCommand(io), versionCommand(io),
	)
	root.SetVersionTemplate("godwit {{.Version}}\n")
	return root
}

// addDefaults adds cobra's own commands, and makes wrong arguments of them errors. The outputs of root are set before.
func addDefaults(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help": // it shows the help of godwit for a command that there is not
			c.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, _ := root.Find(args); len(args) > 0 && (found == root || len(rest) > 0) {
					return fmt.Errorf("unknown command %q", strings.Join(args, " "))
				}
				return nil
			}
		case "completion": // likewise
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}

// arguments checks the number of a command's arguments, which are those of its usage line; most is -1 if there is no limit.
func arguments(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		_, names, _ := strings.Cut(strings.TrimSuffix(c.UseLine(), " [flags]"), c.Name()+" ")
		switch {
		case len(args) < least:
			return fmt.Errorf("%s needs %s", c.Name(), names)
		case most >= 0 && len(args) > most:
			return fmt.Errorf("%s takes %s, and %q is too much", c.Name(), names, args[most])
		}
		return nil
	}
}
