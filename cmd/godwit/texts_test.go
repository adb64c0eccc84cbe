package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTexts(t *testing.T) {
	tests := []struct {
		name, in string
		jsonl    bool
		want     string // texts joined by |, and the error
	}{
		{"lines", "a\nb c\r\n\nd", false, "a|b c||d"},
		{"byte order mark", "\ufeffa\n\ufeffb\n", false, "a|\ufeffb"},
		{"nothing", "", false, ""},
		{"invalid UTF-8", "a\n\xff\n", false, "a|ERR in: line 2: not valid UTF-8"},
		{"too long", "a\n" + strings.Repeat("x", maxLine), false, "a|" + strings.Repeat("x", maxLine)},
		{"longer", "a\n" + strings.Repeat("x", maxLine+1), false, "a|ERR in: line 2: longer than 64 MiB"},
		{"json lines", "{\"text\": \"a\", \"id\": 1}\n\n  \n{\"text\":\"b\\u00e9\"}", true, "a|b\u00e9"},
		{"json invalid UTF-8", "{\"text\": \"\xc3\"}\n", true, "ERR in: line 1: not valid UTF-8"},
		{"json truncated", "{\"text\": \"a\"}\n{\"text\": ", true, "a|ERR in: line 2: not a JSON object with a \"text\": unexpected end of JSON input"},
		{"json string", "\n\"a\"\n", true, "ERR in: line 2: not a JSON object with a \"text\": it is a JSON string"},
		{"json number", "{\"text\": 7}\n", true, "ERR in: line 1: not a JSON object with a \"text\": \"text\" is a number, not a string"},
		{"json without text", "{\"pair\": \"x\"}\n", true, "ERR in: line 1: the object has no \"text\""},
		{"json null", "null\n", true, "ERR in: line 1: the object has no \"text\""},
		{"json garbage behind", "{\"text\": \"a\"} x\n", true,
			"ERR in: line 1: not a JSON object with a \"text\": invalid character 'x' after top-level value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			r := newTexts("in", strings.NewReader(tt.in), tt.jsonl)
			for {
				rec, err := r.next()
				if err == io.EOF {
					break
				}
				if err != nil {
					got = append(got, "ERR "+err.Error())
					break
				}
				got = append(got, *rec.Text)
			}
			if g := strings.Join(got, "|"); g != tt.want {
				t.Errorf("got %.200q want %.200q", g, tt.want)
			}
		})
	}
}

// TestInterruptible interrupts a Read that waits for a line nobody writes.
func TestInterruptible(t *testing.T) {
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	in := &interruptible{ctx: ctx, r: r}
	go io.WriteString(w, "text\n")
	b := make([]byte, 16)
	if n, err := in.Read(b); string(b[:n]) != "text\n" || err != nil {
		t.Errorf("got %q, %v", b[:n], err)
	}
	go cancel()
	if n, err := in.Read(b); n != 0 || err != context.Canceled {
		t.Errorf("interrupted: %d bytes, %v", n, err)
	}
	w.Close()
	if n, err := in.Read(b); n != 0 || err != context.Canceled {
		t.Errorf("after that: %d bytes, %v", n, err)
	}
	in = &interruptible{ctx: context.Background(), r: strings.NewReader("")}
	if n, err := in.Read(b); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
}

// FuzzTexts checks that any input ends, in texts that are valid UTF-8 or in an error that names the line.
func FuzzTexts(f *testing.F) {
	f.Add([]byte("a\nb"), false)
	f.Add([]byte("{\"text\":\"a\",\"pair\":\"b\"}\n{}"), true)
	f.Add([]byte("\xef\xbb\xbf{\"text\":\"\\ud800\"}\r\n"), true)
	f.Fuzz(func(t *testing.T, in []byte, jsonl bool) {
		r := newTexts("in", strings.NewReader(string(in)), jsonl)
		n := 0
		for {
			rec, err := r.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				if !strings.HasPrefix(err.Error(), "in: line ") {
					t.Fatalf("error %q names no line", err)
				}
				return
			}
			if n++; n > len(in)+1 {
				t.Fatal("more texts than bytes")
			}
			if !utf8.ValidString(*rec.Text) {
				t.Fatalf("text %q is not valid UTF-8", *rec.Text)
			}
		}
		if want := strings.Count(string(in), "\n"); !jsonl && n < want {
			t.Fatalf("%d texts from %d lines", n, want)
		}
	})
}
