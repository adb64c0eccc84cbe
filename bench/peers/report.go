package main

import (
	"fmt"
	"slices"
	"strings"
)

// table returns the results in Markdown, a line a cell.
func table(rows []row, peers []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Milliseconds, minimum / median; ratio: median over that of %s, with its 95 %% interval.\nMachine: %s.\n\n",
		peers[0], rows[0].Machine)
	b.WriteString("| batch × length | threads |")
	line := "|---|---|"
	for i, p := range peers {
		fmt.Fprintf(&b, " %s |", p)
		line += "---|"
		if i > 0 {
			b.WriteString(" ratio |")
			line += "---|"
		}
	}
	fmt.Fprintf(&b, " %s GFLOP/s |\n%s---|\n", peers[0], line)
	for cell := range slices.Chunk(rows, len(peers)) {
		fmt.Fprintf(&b, "| %d × %d | %d |", cell[0].Batch, cell[0].Seq, cell[0].Threads)
		for i, r := range cell {
			fmt.Fprintf(&b, " %.2f / %.2f |", r.Min/1e6, r.Median/1e6)
			if i > 0 {
				fmt.Fprintf(&b, " %.2f [%.2f, %.2f] |", r.Ratio, r.RatioLow, r.RatioHigh)
			}
		}
		fmt.Fprintf(&b, " %.0f |\n", cell[0].GFLOPS)
	}
	return b.String()
}

// plot returns a bar chart in SVG: for each cell and engine the tokens a second, relative to the fastest of the cell.
func plot(rows []row, peers []string) string {
	const (
		bar, gap, height, left, top = 16, 14, 200, 46, 34
	)
	colours := []string{"#1b6ca8", "#d1783c", "#6a9a3a", "#8a5aa8", "#777777"}
	group := bar*len(peers) + gap
	cells := len(rows) / len(peers)
	width := left + group*cells + gap
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n",
		max(width, 130*len(peers)+left), top+height+44)
	for i, p := range peers {
		x := left + 130*i
		fmt.Fprintf(&b, `<rect x="%d" y="8" width="10" height="10" fill="%s"/><text x="%d" y="17">%s</text>`+"\n",
			x, colours[i%len(colours)], x+14, p)
	}
	for _, percent := range []int{0, 50, 100} {
		y := top + height - height*percent/100
		fmt.Fprintf(&b, `<path d="M%d %dH%d" stroke="#ccc"/><text x="%d" y="%d" text-anchor="end">%d %%</text>`+"\n",
			left, y, width, left-4, y+4, percent)
	}
	for c := range cells {
		cell := rows[c*len(peers) : (c+1)*len(peers)]
		best := slices.MinFunc(cell, func(a, b row) int {
			if a.Median < b.Median {
				return -1
			}
			return 1
		}).Median
		x := left + gap + c*group
		for i, r := range cell {
			h := float64(height) * best / r.Median
			fmt.Fprintf(&b, `<rect x="%d" y="%.1f" width="%d" height="%.1f" fill="%s"><title>%s: %.2f ms</title></rect>`+"\n",
				x+bar*i, float64(top+height)-h, bar-2, h, colours[i%len(colours)], r.Peer, r.Median/1e6)
		}
		middle := x + bar*len(peers)/2
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%d×%d</text><text x="%d" y="%d" text-anchor="middle" fill="#666">%d thr.</text>`+"\n",
			middle, top+height+16, cell[0].Batch, cell[0].Seq, middle, top+height+31, cell[0].Threads)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
