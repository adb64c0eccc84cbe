package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
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

	raw       func() (restore func(), err error) // makes the terminal give each key; nil: in is none
	interrupt atomic.Pointer[func()]             // takes Ctrl-C in place of the end of the command

	drawn time.Time // when progress was last shown, zero if it is not on the screen
}

// terminalIO returns the console of the process.
func terminalIO() *console {
	c := &console{in: os.Stdin, out: bufio.NewWriterSize(os.Stdout, 1<<16), err: os.Stderr, width: 80}
	c.inTerm = term.IsTerminal(int(os.Stdin.Fd()))
	if fd := int(os.Stdin.Fd()); c.inTerm {
		c.raw = func() (func(), error) {
			state, err := term.MakeRaw(fd)
			return func() { _ = term.Restore(fd, state) }, err
		}
	}
	c.outTerm = term.IsTerminal(int(os.Stdout.Fd()))
	c.errTerm = term.IsTerminal(int(os.Stderr.Fd()))
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 0 {
		c.width = w
	}
	return c
}

// catch makes Ctrl-C call f, and no longer end the command, until the function that it returns is called.
func (c *console) catch(f func()) (release func()) {
	c.interrupt.Store(&f)
	return func() { c.interrupt.Store(nil) }
}

// interrupted calls who has caught Ctrl-C, and reports whether there is one.
func (c *console) interrupted() bool {
	f := c.interrupt.Load()
	if f != nil {
		(*f)()
	}
	return f != nil
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

// writeLine writes v as one line of JSON.
func writeLine(w io.Writer, v any) error {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(buf.Bytes())
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
// A device or a pipe (/dev/null) is written to as it is, and of a link, what it points to is replaced.
func writeFile(path string, write func(w io.Writer) error) (err error) {
	shown, mode := path, fs.FileMode(0o644)
	var f *os.File
	defer func() {
		switch err.(type) {
		case *os.PathError, *os.LinkError: // not those of what write reads
			err = fmt.Errorf("%s: %w", shown, unpath(err))
		}
	}()
	switch st, statErr := os.Stat(path); {
	case statErr != nil: // a new file
	case st.IsDir():
		return fmt.Errorf("%s: is a folder, not a file", shown)
	case !st.Mode().IsRegular():
		if f, err = os.OpenFile(path, os.O_WRONLY, 0); err != nil {
			return err
		}
		return errors.Join(writeBuffered(f, write), f.Close())
	default:
		mode = st.Mode().Perm()
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	if f, err = os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := writeBuffered(f, write); err != nil {
		return err
	}
	// CreateTemp makes a private file; the result gets what the old one or a new file would have.
	if err := f.Chmod(mode); err != nil && !os.IsPermission(err) {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// writeBuffered calls write with a buffer before f.
func writeBuffered(f *os.File, write func(w io.Writer) error) error {
	w := bufio.NewWriterSize(f, 1<<16)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
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
