package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit/tokenizer"
)

func tokenizeCommand(io *console) *cobra.Command {
	var jsonl, noSpecial bool
	var maxLength int
	var files []string
	c := &cobra.Command{
		Use:   "tokenize MODEL [TEXT...]",
		Short: "Show how texts become tokens",
		Long: `tokenize shows the tokens of texts: the arguments, or the lines of --file or standard input. MODEL is a model,
or a tokenizer.json. Offsets count bytes of the text. The text is not truncated unless --max-length asks for
it, whatever the tokenizer's file says.

With --jsonl a line of the input is an object {"text": ..., "pair": ...}, "pair" being optional, and a line of
the output is an object with
  ids           token ids with the special tokens
  ids_plain     without them
  tokens        the text of each token
  offsets_byte  [start, end] of each token in bytes of the text it is from
  offsets_char  the same in characters
  decoded       ids as text again, without the special tokens`,
		Example: `  godwit tokenize minilm "how do I cancel a request?"
  echo '{"text": "a question", "pair": "a passage"}' | godwit tokenize ./model --jsonl`,
		Args: arguments(1, -1),
		RunE: func(c *cobra.Command, args []string) error {
			texts, err := io.input(args[1:], files, jsonl)
			if err != nil {
				return err
			}
			t, err := openTokenizer(args[0])
			if err != nil {
				return err
			}
			opt := tokenizer.Options{NoSpecialTokens: noSpecial}
			if c.Flags().Changed("max-length") {
				if maxLength < 1 {
					return usagef("--max-length is %d, less than 1", maxLength)
				}
				opt.Truncation = &tokenizer.Truncation{MaxLength: maxLength}
			}
			n := 0
			for rec, err := range texts {
				if err != nil {
					return err
				}
				if err := c.Context().Err(); err != nil {
					return err
				}
				if rec.Text == nil {
					if err := io.out.Flush(); err != nil {
						return err
					}
					continue
				}
				n++
				tok, err := tokenizeRecord(t, rec, opt)
				if err != nil {
					return fmt.Errorf("text %d: %w", n, err)
				}
				if jsonl || io.json {
					err = writeLine(io.out, tok)
				} else {
					tok.print(io)
				}
				if err != nil {
					return err
				}
				if n%1000 == 0 {
					io.progress("texts tokenized: %d", n)
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&jsonl, "jsonl", false, "read and write one JSON object a line")
	c.Flags().StringArrayVarP(&files, "file", "f", nil, "read texts from this file, - is standard input (may be repeated)")
	c.Flags().IntVar(&maxLength, "max-length", 0, "truncate to this many tokens, special ones included")
	c.Flags().BoolVar(&noSpecial, "no-special-tokens", false, "leave out the special tokens around the text")
	return c
}

// tokenized is a line of the output.
type tokenized struct {
	IDs         []int32  `json:"ids"`
	Plain       []int32  `json:"ids_plain"`
	Tokens      []string `json:"tokens"`
	OffsetsByte [][2]int `json:"offsets_byte"`
	OffsetsChar [][2]int `json:"offsets_char"`
	Decoded     string   `json:"decoded"`
}

func tokenizeRecord(t *tokenizer.Tokenizer, rec record, opt tokenizer.Options) (*tokenized, error) {
	encode := func(opt tokenizer.Options) (*tokenizer.Encoding, error) {
		if rec.Pair != nil {
			return t.EncodePair(*rec.Text, *rec.Pair, opt)
		}
		return t.Encode(*rec.Text, opt)
	}
	e, err := encode(opt)
	if err != nil {
		return nil, err
	}
	opt.NoSpecialTokens = true
	plain, err := encode(opt)
	if err != nil {
		return nil, err
	}
	decoded, err := t.Decode(e.IDs, true)
	if err != nil {
		return nil, err
	}
	out := &tokenized{IDs: list(e.IDs), Plain: list(plain.IDs), Tokens: list(e.Tokens), Decoded: decoded,
		OffsetsByte: make([][2]int, e.Len()), OffsetsChar: make([][2]int, e.Len())}
	for i := range e.Len() {
		out.OffsetsByte[i] = [2]int{e.Offsets[i].Start, e.Offsets[i].End}
		out.OffsetsChar[i] = [2]int{e.CharOffsets[i].Start, e.CharOffsets[i].End}
	}
	return out, nil
}

// list returns s, empty rather than nil, which JSON shows as null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// print writes the tokens as a table.
func (t *tokenized) print(io *console) {
	rows := make([][]string, len(t.IDs))
	for i, id := range t.IDs {
		rows[i] = []string{strconv.Itoa(int(id)), fmt.Sprintf("%d-%d", t.OffsetsByte[i][0], t.OffsetsByte[i][1]), strconv.Quote(t.Tokens[i])}
	}
	io.table("rrl", rows)
	fmt.Fprintln(io.out, tokens(len(t.IDs)))
}

// tokens returns a number of tokens in words.
func tokens(n int) string {
	if n == 1 {
		return "1 token"
	}
	return fmt.Sprintf("%d tokens", n)
}
