package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// An engine is a running process that speaks the line protocol.
type engine struct {
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	stderr bytes.Buffer
}

// start starts an engine and waits until it is ready.
func start(name string, cmd *exec.Cmd) (*engine, error) {
	e := &engine{name: name, cmd: cmd}
	cmd.Stderr = &e.stderr
	var err error
	if e.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	e.out = bufio.NewScanner(stdout)
	e.out.Buffer(nil, 64<<20)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := e.answer("ready"); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// answer reads up to the line that begins with the given word and returns the numbers after it.
func (e *engine) answer(word string) ([]float64, error) {
	for e.out.Scan() {
		words := strings.Fields(e.out.Text())
		if len(words) == 0 || words[0] != word {
			continue
		}
		numbers := make([]float64, len(words)-1)
		for i, s := range words[1:] {
			var err error
			if numbers[i], err = strconv.ParseFloat(s, 64); err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
		}
		return numbers, nil
	}
	err := e.out.Err()
	if err == nil {
		err = errors.New("it ended early")
	}
	return nil, fmt.Errorf("%s: no %q: %w\n%s", e.name, word, err, e.stderr.String())
}

// set lets the engine make ready for a cell: make the operands, run once.
func (e *engine) set(c cell) error {
	fmt.Fprintln(e.in, "cell", c.kind, strings.Trim(fmt.Sprint(c.dims), "[]"))
	_, err := e.answer("ready")
	return err
}

// check returns the last row of what the engine computed last.
func (e *engine) check() ([]float64, error) {
	fmt.Fprintln(e.in, "check")
	return e.answer("out")
}

// run lets the engine do n repetitions and returns their times.
func (e *engine) run(n int) ([]float64, error) {
	fmt.Fprintln(e.in, "run", n)
	return e.answer("ns")
}

// close ends the process. How it ends no longer matters.
func (e *engine) close() {
	_ = e.in.Close()
	timer := time.AfterFunc(10*time.Second, func() { _ = e.cmd.Process.Kill() })
	defer timer.Stop()
	_ = e.cmd.Wait()
}
