package search

import (
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// A Kind says how a text is laid out, and with it where it may be cut.
type Kind uint8

const (
	// Plain text is cut at blank lines. Source code is plain text.
	Plain Kind = iota
	// Markdown is cut at headings, # and underlined, as well; fenced code stays together. reStructuredText, whose
	// headings are underlined, is close enough to be read as Markdown.
	Markdown
	// Picture is an image, which is one passage.
	Picture
)

// KindOf returns the kind of text that a file of the given name holds.
func KindOf(path string) Kind {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".md", ".markdown", ".mdx", ".rst":
		return Markdown
	}
	return Plain
}

// A Passage is a piece of a text: what is embedded, ranked and shown. It does not hold the text but says where it is.
type Passage struct {
	// Start and End are the passage's bytes in the text, [Start, End). They lie on character boundaries.
	Start, End int
	// Line and EndLine are its first and last line, counted from 1.
	Line, EndLine int
	// Heading is the path of headings above the passage, "Guide > Cancelling", empty if there are none.
	Heading string
}

// In returns what is embedded for the passage of text: its bytes, below the headings that say what they are about.
func (p Passage) In(text string) string {
	if p.Heading == "" {
		return text[p.Start:p.End]
	}
	return p.Heading + "\n" + text[p.Start:p.End]
}

// A Splitter cuts texts into passages that fit a model.
//
// Paragraphs are joined as long as they stay within Target tokens and under the same heading. One that is longer is left
// whole up to Max tokens, since it was written as one thought; beyond that it is cut at the ends of lines, and a line at
// the ends of sentences, then words. No byte but white space and headings is left out, and none is in two passages.
type Splitter struct {
	// Count returns the number of tokens of a text, without special tokens.
	Count func(text string) int
	// Target is the size in tokens that short paragraphs are joined up to.
	Target int
	// Max is the size in tokens that no passage exceeds together with its heading, so that the model reads all of it. The
	// size of a passage is taken as the sum over its lines, which is exact for WordPiece.
	Max int
}

// Split returns the passages of text in order.
func (s Splitter) Split(text string, kind Kind) []Passage {
	sp := splitting{Splitter: s, text: text, limit: max(s.Max, 8)}
	fence := ""
	for start, n := 0, 1; start < len(text); n++ {
		end := len(text)
		if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
			end = start + i + 1
		}
		l := line{start: start, end: end, number: n}
		start = end
		body := strings.TrimSpace(text[l.start:l.end])
		switch {
		case kind == Markdown && fence != "":
			sp.add(l)
			if strings.HasPrefix(body, fence) && strings.Trim(body, fence[:1]) == "" {
				fence = ""
			}
		case kind == Markdown && fenceOf(body) != "":
			fence = fenceOf(body)
			sp.add(l)
		case body == "":
			sp.endBlock()
		case kind == Markdown && atxLevel(body) > 0:
			sp.endBlock()
			sp.setHeading(atxLevel(body), strings.TrimSpace(strings.Trim(body, "#")), l)
		case kind == Markdown && len(sp.block) == 1 && underline(body) > 0 && !isList(sp.bodyOf(sp.block[0])):
			title := sp.block[0]
			sp.block = sp.block[:0]
			sp.setHeading(underline(body), sp.bodyOf(title), line{start: title.start, end: l.end, number: title.number})
		default:
			sp.add(l)
		}
	}
	sp.endBlock()
	sp.flush()
	sp.flushHeading(0)
	return sp.out
}

// splitting is the state of one Split.
type splitting struct {
	Splitter
	text string

	heads   []heading // the headings above the present line, outermost first
	heading string    // heads as one string
	limit   int       // tokens for the body of a passage below heading

	block   []line // the lines of the present paragraph
	section []line // the lines of the finished paragraphs that are not a passage yet
	tokens  int    // the size of section
	out     []Passage
}

type line struct {
	start, end int // bytes, the newline included
	number     int // of the first line
	tokens     int
}

type heading struct {
	level int
	title string
	line  line
	used  bool // whether a passage or a lower heading stands below it
}

func (sp *splitting) bodyOf(l line) string { return strings.TrimSpace(sp.text[l.start:l.end]) }

func (sp *splitting) add(l line) {
	l.tokens = sp.Count(sp.bodyOf(l))
	sp.block = append(sp.block, l)
}

// endBlock ends a paragraph: it joins the section if there is room, and begins a new passage otherwise.
func (sp *splitting) endBlock() {
	if len(sp.block) == 0 {
		return
	}
	size := 0
	for _, l := range sp.block {
		size += l.tokens
	}
	if sp.tokens > 0 && sp.tokens+size > min(sp.Target, sp.limit) {
		sp.flush()
	}
	if size <= sp.limit {
		sp.section = append(sp.section, sp.block...)
		sp.tokens += size
	} else {
		sp.cut()
	}
	sp.block = sp.block[:0]
}

// cut turns a paragraph that is too long into passages at the ends of lines, and cuts lines that are too long themselves.
func (sp *splitting) cut() {
	sp.flush()
	for _, l := range sp.block {
		if l.tokens <= sp.limit {
			sp.fit(l)
			continue
		}
		for _, piece := range sp.cutLine(l) {
			sp.fit(piece)
		}
	}
}

// fit adds a line to the section, in a new passage if it has no room in this one.
func (sp *splitting) fit(l line) {
	if sp.tokens > 0 && sp.tokens+l.tokens > sp.limit {
		sp.flush()
	}
	sp.section = append(sp.section, l)
	sp.tokens += l.tokens
}

// cutLine cuts a line into sentences, those into words, and those into equal pieces, as far as needed to fit the limit.
func (sp *splitting) cutLine(l line) []line {
	var out []line
	for _, s := range pieces(sp.text, l, sentenceEnd) {
		if s.tokens = sp.Count(sp.bodyOf(s)); s.tokens <= sp.limit {
			out = append(out, s)
			continue
		}
		for _, w := range pieces(sp.text, s, wordEnd) {
			if w.tokens = sp.Count(sp.bodyOf(w)); w.tokens <= sp.limit {
				out = append(out, w)
				continue
			}
			// A word that exceeds the limit has that many bytes at least: a token covers one byte or more.
			for w.start < w.end {
				c := w
				c.end = min(w.start+sp.limit, w.end)
				for c.end < w.end && c.end > w.start+1 && !utf8.RuneStart(sp.text[c.end]) {
					c.end--
				}
				c.tokens = sp.Count(sp.text[c.start:c.end])
				out = append(out, c)
				w.start = c.end
			}
		}
	}
	return out
}

// pieces cuts a line after each place for which ends is true.
func pieces(text string, l line, ends func(text string, i int) bool) []line {
	var out []line
	start := l.start
	for i := l.start; i < l.end; i++ {
		if i == l.end-1 || ends(text[:l.end], i) {
			p := l
			p.start, p.end = start, i+1
			out = append(out, p)
			start = i + 1
		}
	}
	return out
}

// sentenceEnd reports whether a sentence ends with byte i: white space after . ! or ?, or the last byte of an ideographic
// full stop (U+3002), exclamation mark (U+FF01) or question mark (U+FF1F).
func sentenceEnd(text string, i int) bool {
	if i < 1 {
		return false
	}
	if isSpace(text[i]) {
		return strings.IndexByte(".!?", text[i-1]) >= 0
	}
	if i < 2 || text[i] < 0x80 {
		return false
	}
	last := text[i-2 : i+1]
	return last == "\u3002" || last == "\uff01" || last == "\uff1f"
}

func wordEnd(text string, i int) bool { return isSpace(text[i]) }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// flush makes a passage of the section.
func (sp *splitting) flush() {
	if len(sp.section) == 0 {
		return
	}
	first, last := sp.section[0], sp.section[len(sp.section)-1]
	body := strings.TrimLeft(sp.text[first.start:last.end], " \t\r\n")
	p := Passage{Start: last.end - len(body), Heading: sp.heading}
	body = strings.TrimRight(body, " \t\r\n")
	p.End = p.Start + len(body)
	p.Line = first.number + strings.Count(sp.text[first.start:p.Start], "\n")
	p.EndLine = p.Line + strings.Count(body, "\n")
	if p.End > p.Start {
		sp.out = append(sp.out, p)
		if n := len(sp.heads); n > 0 {
			sp.heads[n-1].used = true
		}
	}
	sp.section, sp.tokens = sp.section[:0], 0
}

// flushHeading drops the headings of the given level and below. One with nothing under it becomes a passage itself.
func (sp *splitting) flushHeading(level int) {
	for n := len(sp.heads); n > 0 && sp.heads[n-1].level >= level; n = len(sp.heads) {
		h := sp.heads[n-1]
		sp.heads = sp.heads[:n-1]
		sp.setPath()
		if !h.used {
			h.line.tokens = sp.Count(sp.bodyOf(h.line))
			sp.block = append(sp.block[:0], h.line)
			sp.endBlock()
			sp.flush()
		} else if n > 1 {
			sp.heads[n-2].used = true
		}
	}
}

func (sp *splitting) setHeading(level int, title string, l line) {
	sp.flush()
	sp.flushHeading(level)
	if n := len(sp.heads); n > 0 {
		sp.heads[n-1].used = true
	}
	sp.heads = append(sp.heads, heading{level: level, title: title, line: l})
	sp.setPath()
}

// setPath joins the headings, as many of the innermost as take at most a third of the tokens.
func (sp *splitting) setPath() {
	sp.heading, sp.limit = "", max(sp.Max, 8)
	for i := len(sp.heads) - 1; i >= 0; i-- {
		path := sp.heads[i].title
		if sp.heading != "" {
			path += " > " + sp.heading
		}
		n := sp.Count(path)
		if n > sp.Max/3 {
			break
		}
		sp.heading, sp.limit = path, max(sp.Max-n, 8)
	}
}

// atxLevel returns the level of a # heading, 0 if the line is none.
func atxLevel(body string) int {
	n := len(body) - len(strings.TrimLeft(body, "#"))
	if n < 1 || n > 6 || n == len(body) || !isSpace(body[n]) {
		return 0
	}
	return n
}

// underline returns the level of the heading that a line of = or - below it makes, 0 if the line is none.
func underline(body string) int {
	switch {
	case len(body) >= 3 && strings.Trim(body, "=") == "":
		return 1
	case len(body) >= 3 && strings.Trim(body, "-") == "":
		return 2
	}
	return 0
}

// isList reports whether a line begins a list item, a quotation or a table row, which a line of dashes ends but does not
// make a heading.
func isList(body string) bool { return strings.IndexByte("-*+>|", body[0]) >= 0 }

// fenceOf returns the fence that opens a code block, empty if the line opens none.
func fenceOf(body string) string {
	for _, c := range []string{"`", "~"} {
		if n := len(body) - len(strings.TrimLeft(body, c)); n >= 3 && !strings.Contains(body[n:], c) {
			return body[:n]
		}
	}
	return ""
}
