package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A line is what all engines did in one cell: a line of the table, a group of the plot. The first engine is godwit.
type line struct {
	cell    string
	threads int
	limit   float64 // GFLOP/s: the most that the machine allows, measured in the same turns
	results []result
}

// report reads results, writes table.md and plot.svg, and prints the table.
func (o *options) report(log io.Reader) error {
	lines, err := readLines(log)
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Milliseconds, minimum / median, and the minimum's share of the limit. Ratios: the fastest other over %s,\n"+
		"by median with its 95 %% interval, and by minimum. Machine: %s.\n", lines[0].results[0].Peer, lines[0].results[0].Machine)
	for _, kind := range kinds(lines) {
		text.WriteByte('\n')
		text.WriteString(table(kind))
	}
	fmt.Print(text.String())
	return cmp.Or(
		os.WriteFile(filepath.Join(o.out, "table.md"), []byte(text.String()), 0o644),
		os.WriteFile(filepath.Join(o.out, "plot.svg"), []byte(plot(shown(lines))), 0o644),
	)
}

// readLines reads results.jsonl. What was measured several times is put together: more rounds of the same cell.
func readLines(log io.Reader) (lines []line, err error) {
	for d := json.NewDecoder(log); ; {
		var r result
		if err := d.Decode(&r); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("results.jsonl: %w", err)
		}
		i := slices.IndexFunc(lines, func(l line) bool { return l.cell == r.Cell && l.threads == r.Threads })
		if i < 0 {
			i = len(lines)
			lines = append(lines, line{cell: r.Cell, threads: r.Threads})
		}
		l := &lines[i]
		if r.Peer == limit {
			l.limit = max(l.limit, r.Flops/slices.Min(flatten(r.Turns)))
			continue
		}
		if j := slices.IndexFunc(l.results, func(other result) bool { return other.Peer == r.Peer }); j >= 0 {
			l.results[j].Turns = append(l.results[j].Turns, r.Turns...)
		} else {
			l.results = append(l.results, r)
		}
	}
	if len(lines) == 0 {
		return nil, errors.New("no results")
	}
	return lines, nil
}

// kinds divides lines by the first word of their cells.
func kinds(lines []line) (all [][]line) {
	for _, l := range lines {
		kind := func(l line) string { kind, _, _ := strings.Cut(l.cell, " "); return kind }
		if i := slices.IndexFunc(all, func(k []line) bool { return kind(k[0]) == kind(l) }); i >= 0 {
			all[i] = append(all[i], l)
		} else {
			all = append(all, []line{l})
		}
	}
	return all
}

// table returns lines of one kind in Markdown.
func table(lines []line) string {
	var b strings.Builder
	kind, _, _ := strings.Cut(lines[0].cell, " ")
	fmt.Fprintf(&b, "| %s | threads | limit, GFLOP/s |", kind)
	var peers []string // of all lines: one may lack some
	for _, l := range lines {
		for _, r := range l.results {
			if !slices.Contains(peers, r.Peer) {
				peers = append(peers, r.Peer)
				fmt.Fprintf(&b, " %s |", r.Peer)
			}
		}
	}
	b.WriteString(" ratio of medians | of minima |\n|" + strings.Repeat("---|", 5+len(peers)) + "\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "| %s | %d | %.1f |", strings.TrimPrefix(l.cell, kind+" "), l.threads, l.limit)
		for _, peer := range peers {
			i := slices.IndexFunc(l.results, func(r result) bool { return r.Peer == peer })
			if i < 0 {
				b.WriteString(" |")
				continue
			}
			all := flatten(l.results[i].Turns)
			best := slices.Min(all)
			fmt.Fprintf(&b, " %.4g / %.4g, %.0f %% |", best/1e6, median(all)/1e6, 100*l.results[i].Flops/best/l.limit)
		}
		if len(l.results) > 1 {
			ours, best, least := l.results[0], l.fastestOther(median), l.fastestOther(slices.Min[[]float64])
			low, high := interval(best.Turns, ours.Turns)
			byMedian := median(flatten(best.Turns)) / median(flatten(ours.Turns))
			byMinimum := slices.Min(flatten(least.Turns)) / slices.Min(flatten(ours.Turns))
			fmt.Fprintf(&b, " %s %.2f [%.2f, %.2f] | %s %.2f", best.Peer, byMedian, low, high, least.Peer, byMinimum)
		} else {
			b.WriteString(" |")
		}
		b.WriteString(" |\n")
	}
	return b.String()
}

// fastestOther returns the fastest result, by a statistic of its times, that is not the first engine's.
func (l line) fastestOther(of func([]float64) float64) result {
	return slices.MinFunc(l.results[1:], func(a, b result) int { return cmp.Compare(of(flatten(a.Turns)), of(flatten(b.Turns))) })
}

// shown returns the lines that the plot shows: those of models, or all if there are none.
func shown(lines []line) []line {
	models := slices.DeleteFunc(slices.Clone(lines), func(l line) bool {
		return strings.HasPrefix(l.cell, "gemm ") || strings.HasPrefix(l.cell, "attention ")
	})
	if len(models) == 0 {
		return lines
	}
	return models
}

// plot returns a bar chart in SVG: for each cell and engine the median rate as a share of the limit.
func plot(lines []line) string {
	const bar, gap, height, left, top = 14, 14, 200, 110, 34
	colours := []string{"#1b6ca8", "#d1783c", "#6a9a3a", "#8a5aa8", "#777777"}
	var peers []string
	width := left + gap
	for _, l := range lines {
		width += bar*len(l.results) + gap
		for _, r := range l.results {
			if !slices.Contains(peers, r.Peer) {
				peers = append(peers, r.Peer)
			}
		}
	}
	colour := func(peer string) string { return colours[slices.Index(peers, peer)%len(colours)] }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n",
		max(width, 130*len(peers)+left), top+height+150)
	for i, p := range peers {
		x := left + 130*i
		fmt.Fprintf(&b, `<rect x="%d" y="8" width="10" height="10" fill="%s"/><text x="%d" y="17">%s</text>`+"\n",
			x, colour(p), x+14, p)
	}
	for _, percent := range []int{0, 25, 50, 75, 100} {
		y := top + height - height*percent/100
		fmt.Fprintf(&b, `<path d="M%d %dH%d" stroke="#ccc"/><text x="%d" y="%d" text-anchor="end">%d %%</text>`+"\n",
			left, y, width, left-4, y+4, percent)
	}
	x := left + gap
	for _, l := range lines {
		for i, r := range l.results {
			ms := median(flatten(r.Turns)) / 1e6
			share := r.Flops / (ms * 1e6) / l.limit
			h := height * share
			fmt.Fprintf(&b, `<rect x="%d" y="%.1f" width="%d" height="%.1f" fill="%s"><title>%s: %.4g ms, %.0f %%</title></rect>`+"\n",
				x+bar*i, top+height-h, bar-2, h, colour(r.Peer), r.Peer, ms, 100*share)
		}
		fmt.Fprintf(&b, `<text transform="translate(%d,%d) rotate(-40)" text-anchor="end">%s, %d thr.</text>`+"\n",
			x+bar*len(l.results)/2+4, top+height+14, l.cell, l.threads)
		x += bar*len(l.results) + gap
	}
	b.WriteString("</svg>\n")
	return b.String()
}
