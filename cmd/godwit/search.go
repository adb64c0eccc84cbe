package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/godwit-ml/godwit"
	"github.com/godwit-ml/godwit/search"
)

func searchCommand(io *console) *cobra.Command {
	s := &searching{console: io}
	c := &cobra.Command{
		Use:   "search QUERY PATH...",
		Short: "Find passages or images by meaning in files and folders",
		Long: `search prints the passages of text files whose meaning is closest to the query, with their score (1 is the
same, around 0 is unrelated), file and lines.

A file that is named is searched if it is text. In a folder the files with a text's extension, and those
without one, are searched; hidden files and folders (.git), node_modules, vendor and symbolic links are not.
Files that are binary, not UTF-8 or larger than 16 MiB are left out with a note.

With --images the files are images, and the query says what they show: the model must be one of images and
texts (CLIP, SigLIP). In a folder the files with an image's extension are searched. How an image ranks counts,
not how high its score is: these models give what fits well 0.3 or less, even less than 0.

With --index the vectors are kept in a file, so that the next search is instant. Every search brings it up to
date first: changed files, another model and a damaged index are noticed and made again. The file is a cache;
it can be deleted.`,
		Example: `  godwit search "how do I cancel a request?" README.md docs/
  godwit search "where are retries configured" . --index .godwit-index --top 10
  godwit search --images --model openai/clip-vit-base-patch32 "a dog on a beach" photos/ --index photos.index
  godwit search --json "licence terms" docs/ | jq -r '.hits[].path'`,
		Args: arguments(2, -1),
		RunE: s.run,
	}
	s.modelFlags.add(c, true)
	c.Flags().IntVarP(&s.top, "top", "k", 5, "how many passages or images to print, 0 for all")
	c.Flags().Float32Var(&s.threshold, "threshold", 0, "leave out what has a lower score (default 0; with --images none)")
	c.Flags().StringVar(&s.index, "index", "", "keep vectors in this file")
	c.Flags().BoolVar(&s.images, "images", false, "search images, not texts")
	c.Flags().BoolVar(&s.full, "full", false, "print whole passages, not their first lines")
	c.Flags().IntVar(&s.batch, "batch-size", 32, "passages computed together: a matter of speed and memory, not of results")
	return c
}

type searching struct {
	*console
	modelFlags
	top, batch int
	threshold  float32
	index      string
	full       bool
	images     bool
}

func (s *searching) run(c *cobra.Command, args []string) (err error) {
	ctx, query := c.Context(), args[0]
	switch {
	case s.top < 0:
		return usagef("--top is %d, less than 0", s.top)
	case s.threshold != s.threshold:
		return usagef("--threshold is not a number")
	case s.batch < 1:
		return usagef("--batch-size is %d, less than 1", s.batch)
	case strings.TrimSpace(query) == "":
		return usagef("the query is empty")
	case s.images && s.model == "":
		return usagef("--images needs --model with a model of images and texts (CLIP, SigLIP)")
	}
	if s.images && !c.Flags().Changed("threshold") {
		s.threshold = float32(math.Inf(-1)) // the best match of SigLIP may have a negative cosine
	}
	if _, err := s.input(args[:1], nil, false); err != nil {
		return err
	}
	files, err := s.files(args[1:])
	if err != nil {
		return err
	}
	m, err := s.open()
	if err != nil {
		return err
	}
	defer m.Close()
	x, err := s.openIndex(ctx, m)
	if err != nil {
		return err
	}
	change, err := x.Update(ctx, files, func(done, known, file, all int) {
		s.progress("reading: %d of %d files, %d of %d %ss embedded", file, all, done, known, s.what())
	})
	saveErr := x.Save() // also what was embedded before an interruption
	if err != nil {
		return err
	}
	defer func() {
		if saveErr != nil && err == nil {
			err = fmt.Errorf("the index is not kept: %w", saveErr)
		}
	}()
	for _, f := range change.Skipped {
		s.note("%s: %s, left out", f.Path, f.Why)
	}
	if change.Passages == 0 {
		what := "text"
		if s.images {
			what = "image"
		}
		return fmt.Errorf("there is no %s to search in %s", what, strings.Join(args[1:], ", "))
	}
	hits, err := x.Query(ctx, query, search.Options{Top: s.top, MinScore: s.threshold})
	if err != nil {
		return err
	}
	if s.json {
		return s.writeHits(query, change, hits)
	}
	if len(hits) == 0 {
		s.note("no %s has a score of %v or more (%d searched)", s.what(), s.threshold, change.Passages)
	}
	for i, h := range hits {
		if s.images {
			fmt.Fprintln(s.out, s.style("32", fmt.Sprintf("%.3f", h.Score))+"  "+s.style("1", printable(h.Path)))
			continue
		}
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		s.printHit(h)
	}
	return nil
}

// what returns what is searched, one of it.
func (s *searching) what() string {
	if s.images {
		return "image"
	}
	return "passage"
}

// files returns the files to search.
func (s *searching) files(paths []string) ([]string, error) {
	if s.images {
		return godwit.ImageFiles(paths, func(path string, err error) {
			if len(paths) == 1 && errors.Is(err, godwit.ErrNoImages) {
				return // it is the error of the command
			}
			s.note("%s: %v, left out", path, err)
		})
	}
	return search.Files(paths, func(path, why string) { s.note("%s: %s, left out", path, why) })
}

// openIndex opens the index, of texts or images.
func (s *searching) openIndex(ctx context.Context, m *godwit.Model) (x *search.Index, err error) {
	note := ""
	if s.images {
		e, err := search.ForImages(m, godwit.WithImageBatch(s.batch))
		if err != nil {
			return nil, err
		}
		if s.index == "" {
			return search.NewImages(ctx, e)
		}
		x, note, err = search.OpenImages(ctx, s.index, e)
		if note != "" {
			s.note("%s", note)
		}
		return x, err
	}
	e, err := search.ForModel(m, godwit.WithBatchSize(s.batch))
	if err != nil {
		return nil, err
	}
	if s.index == "" {
		return search.New(ctx, e)
	}
	x, note, err = search.Open(ctx, s.index, e)
	if note != "" {
		s.note("%s", note)
	}
	return x, err
}

func (s *searching) writeHits(query string, change search.Change, hits []search.Hit) error {
	type hit struct {
		Score   float32 `json:"score"`
		Path    string  `json:"path"`
		Line    int     `json:"line"`
		EndLine int     `json:"end_line"`
		Heading string  `json:"heading,omitempty"`
		Text    string  `json:"text"`
	}
	out := struct {
		Query    string `json:"query"`
		Files    int    `json:"files"`
		Passages int    `json:"passages"`
		Embedded int    `json:"embedded"`
		Hits     []hit  `json:"hits"`
	}{query, change.Files, change.Passages, change.Embedded, []hit{}}
	if s.images {
		return s.writeImageHits(query, change, hits)
	}
	for _, h := range hits {
		out.Hits = append(out.Hits, hit{h.Score, h.Path, h.Line, h.EndLine, h.Heading, h.Text})
	}
	return s.writeJSON(out)
}

// writeImageHits is writeHits for images, which have no lines.
func (s *searching) writeImageHits(query string, change search.Change, hits []search.Hit) error {
	type hit struct {
		Score float32 `json:"score"`
		Path  string  `json:"path"`
	}
	out := struct {
		Query    string `json:"query"`
		Images   int    `json:"images"`
		Embedded int    `json:"embedded"`
		Hits     []hit  `json:"hits"`
	}{query, change.Files, change.Embedded, []hit{}}
	for _, h := range hits {
		out.Hits = append(out.Hits, hit{h.Score, h.Path})
	}
	return s.writeJSON(out)
}

// snippetLines is how many lines of a passage are shown without --full.
const snippetLines = 6

// printHit writes a hit: score, place and headings on one line, the passage indented below, wrapped on a terminal.
func (s *searching) printHit(h search.Hit) {
	place := fmt.Sprintf("%s:%d", printable(h.Path), h.Line)
	if h.EndLine > h.Line {
		place += fmt.Sprintf("-%d", h.EndLine)
	}
	head := s.style("32", fmt.Sprintf("%.3f", h.Score)) + "  " + s.style("1", place)
	if h.Heading != "" {
		head += "  " + s.style("2", printable(h.Heading))
	}
	fmt.Fprintln(s.out, head)
	text := h.Text
	if text == "" {
		text = "(the file changed while it was searched)"
	}
	var lines []string
	width := max(s.width-7, 20)
	for _, l := range strings.Split(text, "\n") {
		lines = append(lines, strings.TrimRight(printable(l), " "))
	}
	if s.outTerm {
		if search.KindOf(h.Path) == search.Markdown {
			lines = reflow(lines, width)
		}
		var wrapped []string
		for _, l := range lines {
			wrapped = append(wrapped, wrap(l, width)...)
		}
		lines = wrapped
	}
	more := 0
	if !s.full && len(lines) > snippetLines {
		more = len(lines) - snippetLines
		lines = lines[:snippetLines]
	}
	for _, l := range lines {
		fmt.Fprintln(s.out, strings.TrimRight("       "+l, " "))
	}
	if more > 0 {
		fmt.Fprintln(s.out, s.style("2", "       ..."))
	}
}

// printable makes a line of a file safe for a terminal: tabs become spaces, and control characters, which could move the
// cursor or worse, a question mark.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return -1
		case r < ' ' && r != '\t', r >= 0x7f && r < 0xa0:
			return '?'
		}
		return r
	}, strings.ReplaceAll(s, "\t", "    "))
}

// reflow joins the lines of paragraphs that are wider than the terminal, so that wrapping does not leave ragged ends. Lines
// that begin with white space or a mark (lists, tables, quotations, code) stay apart.
func reflow(lines []string, width int) []string {
	if !slices.ContainsFunc(lines, func(l string) bool { return utf8.RuneCountInString(l) > width }) {
		return lines
	}
	var out []string
	fenced, joins := false, false // joins: the last line may be continued
	for _, l := range lines {
		fence := strings.HasPrefix(l, "```") || strings.HasPrefix(l, "~~~")
		prose := !fenced && !fence && l != "" && strings.IndexByte(" -*+>|#=0123456789", l[0]) < 0
		if prose && joins {
			out[len(out)-1] += " " + l
		} else {
			out = append(out, l)
		}
		joins = prose
		if fence {
			fenced = !fenced
		}
	}
	return out
}

// wrap cuts a line into lines of at most width characters, at spaces where it can, and indents what follows as the first.
func wrap(s string, width int) []string {
	r := []rune(s)
	indent := 0
	for indent < len(r) && r[indent] == ' ' {
		indent++
	}
	indent = min(indent, width/2)
	var out []string
	for len(r) > width {
		cut := width
		for cut > indent+1 && r[cut] != ' ' {
			cut--
		}
		if r[cut] != ' ' {
			cut = width
		}
		out = append(out, strings.TrimRight(string(r[:cut]), " "))
		rest := strings.TrimLeft(string(r[cut:]), " ")
		r = []rune(strings.Repeat(" ", indent) + rest)
		if rest == "" {
			return out
		}
	}
	return append(out, string(r))
}
