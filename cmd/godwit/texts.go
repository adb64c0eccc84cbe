package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"unicode/utf8"

	"github.com/godwit-ml/godwit/internal/files"
)

// maxLine is the longest line of input in bytes.
const maxLine = 64 << 20

// record is one text of the input, and the text it is paired with if there is one. A record without a text is a pause: what
// comes next may take its time, so whatever is finished should be shown.
type record struct {
	Text *string `json:"text"`
	Pair *string `json:"pair"`
}

// texts reads records one by one: one text a line, or one JSON object a line.
type texts struct {
	name  string // of the input, for errors
	r     *bufio.Reader
	jsonl bool
	line  int
	buf   []byte
}

// interruptible is a reader whose Read returns when ctx ends, though the one below it waits on: a terminal's or a pipe's.
type interruptible struct {
	ctx context.Context
	r   io.Reader
	buf []byte
}

func (i *interruptible) Read(b []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	if len(i.buf) < len(b) {
		i.buf = make([]byte, len(b))
	}
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func(own []byte) { // the caller may be gone before this ends
		n, err := i.r.Read(own)
		done <- result{n, err}
	}(i.buf[:len(b)])
	select {
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	case got := <-done:
		return copy(b, i.buf[:got.n]), got.err
	}
}

func newTexts(name string, r io.Reader, jsonl bool) *texts {
	return &texts{name: name, r: bufio.NewReaderSize(r, 1<<16), jsonl: jsonl}
}

// next returns the next record, whose Text is not nil, or io.EOF. Lines end with \n or \r\n; a byte order mark at the
// beginning is dropped. An empty line is an empty text, but in JSON lines it is passed over.
func (t *texts) next() (record, error) {
	for {
		b, err := t.readLine()
		if err != nil {
			return record{}, err
		}
		if !utf8.Valid(b) {
			return record{}, t.errorf("not valid UTF-8")
		}
		if !t.jsonl {
			s := string(b)
			return record{Text: &s}, nil
		}
		if len(bytes.TrimSpace(b)) == 0 {
			continue
		}
		var rec record
		if err := json.Unmarshal(b, &rec); err != nil {
			return record{}, t.errorf("not a JSON object with a \"text\": %s", files.JSONCause(err))
		}
		if rec.Text == nil {
			return record{}, t.errorf(`the object has no "text"`)
		}
		return rec, nil
	}
}

// waits reports whether there is no whole line to read yet.
func (t *texts) waits() bool {
	b, _ := t.r.Peek(t.r.Buffered())
	return bytes.IndexByte(b, '\n') < 0
}

func (t *texts) readLine() ([]byte, error) {
	t.buf = t.buf[:0]
	for {
		part, err := t.r.ReadSlice('\n')
		t.buf = append(t.buf, part...)
		if len(t.buf) > maxLine {
			t.line++
			return nil, t.errorf("longer than %d MiB", maxLine>>20)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == io.EOF && len(t.buf) > 0 {
			err = nil
		}
		if err == io.EOF {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, unpath(err))
		}
		break
	}
	t.line++
	b := bytes.TrimSuffix(t.buf, []byte("\n"))
	b = bytes.TrimSuffix(b, []byte("\r"))
	if t.line == 1 {
		b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	}
	return b, nil
}

func (t *texts) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: line %d: %s", t.name, t.line, fmt.Sprintf(format, args...))
}

// input returns the texts that a command is to work on: its arguments, or the lines of files ("-" is standard input), or
// those of standard input if there are neither. An error ends the sequence; standard input may pause.
func (c *console) input(args, files []string, jsonl bool) (iter.Seq2[record, error], error) {
	if len(args) > 0 && len(files) > 0 {
		return nil, usagef("texts are given both as arguments and by --file")
	}
	for i, a := range args {
		if !utf8.ValidString(a) {
			return nil, usagef("text %d is not valid UTF-8", i+1)
		}
	}
	if len(args) > 0 {
		return func(yield func(record, error) bool) {
			for _, a := range args {
				if !yield(record{Text: &a}, nil) {
					return
				}
			}
		}, nil
	}
	if len(files) == 0 {
		files = []string{"-"}
	}
	return func(yield func(record, error) bool) {
		for _, name := range files {
			if !c.readTexts(name, jsonl, yield) {
				return
			}
		}
	}, nil
}

// readTexts yields the texts of one file, and returns whether to go on.
func (c *console) readTexts(name string, jsonl bool, yield func(record, error) bool) bool {
	r, shown := c.in, "standard input"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			yield(record{}, fmt.Errorf("%s: %w", name, unpath(err)))
			return false
		}
		defer f.Close()
		r, shown = f, name
	} else if c.inTerm {
		c.note("reading texts from the terminal, one a line; Ctrl-D on an empty line ends them")
	}
	t := newTexts(shown, r, jsonl)
	for {
		if name == "-" && t.line > 0 && t.waits() && !yield(record{}, nil) {
			return false
		}
		rec, err := t.next()
		if err == io.EOF {
			return true
		}
		if !yield(rec, err) || err != nil {
			return false
		}
	}
}
