package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"
)

// console is what a command sees of the world.
type console struct {
	in      io.Reader
	out     *bufio.Writer
	err     io.Writer
	inTerm  bool // whether in, out and err are terminals
	outTerm bool
	errTerm bool
	width   int  // columns of the terminal
	json    bool // the flag --json

	drawn time.Time // when progress was last shown, zero if it is not on the screen
}

// terminalIO returns the console of the process.
func terminalIO() *console {
	c := &console{in: os.Stdin, out: bufio.NewWriterSize(os.Stdout, 1<<16), err: os.Stderr, width: 80}
	c.inTerm = term.IsTerminal(int(os.Stdin.Fd()))
	c.outTerm = term.IsTerminal(int(os.Stdout.Fd()))
	c.errTerm = term.IsTerminal(int(os.Stderr.Fd()))
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 0 {
		c.width = w
	}
	return c
}

// note tells the user something beside the result.
func (c *console) note(format string, args ...any) {
	c.progressDone()
	fmt.Fprintln(c.err, printable("godwit: "+fmt.Sprintf(format, args...)))
}

// progress shows how far long work is, on one line of a terminal and not more than ten times a second.
func (c *console) progress(format string, args ...any) {
	if !c.errTerm || time.Since(c.drawn) < 100*time.Millisecond {
		return
	}
	c.drawn = time.Now()
	fmt.Fprintf(c.err, "\r\x1b[K"+format, args...)
}

// progressDone takes the progress line away.
func (c *console) progressDone() {
	if c.errTerm && !c.drawn.IsZero() {
		fmt.Fprint(c.err, "\r\x1b[K")
		c.drawn = time.Time{}
	}
}

// style wraps s in an ANSI style if the output is a terminal whose user has not asked for none (https://no-color.org).
func (c *console) style(code, s string) string {
	if !c.outTerm || os.Getenv("NO_COLOR") != "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// writeJSON writes v as indented JSON.
func (c *console) writeJSON(v any) error {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := c.out.Write(buf.Bytes())
	return err
}

// table writes rows in columns, the first row a heading if there is one, numbers to the right as marked by align: one byte a
// column, 'l' or 'r'.
func (c *console) table(align string, rows [][]string) {
	widths := make([]int, len(align))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if align[i] == 'r' {
				cell = pad + cell
			} else {
				cell += pad
			}
			line.WriteString(cell + "  ")
		}
		fmt.Fprintln(c.out, strings.TrimRight(line.String(), " "))
	}
}

// writeFile writes a file through a temporary one beside it, so that path holds either what it held or all of the new content.
func writeFile(path string, write func(w io.Writer) error) (err error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+base+".*")
	if err != nil {
		return fmt.Errorf("%s: %w", path, unpath(err))
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("%s: %w", path, unpath(err))
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	// CreateTemp makes a private file; the result gets what a new file would have, less what is unusual.
	if err := f.Chmod(0o644); err != nil && !os.IsPermission(err) {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// unpath returns the error without the operation and path that the file functions of Go put before it.
func unpath(err error) error {
	switch e := err.(type) {
	case *os.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	}
	return err
}
