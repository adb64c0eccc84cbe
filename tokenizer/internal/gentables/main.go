// Command gentables writes tokenizer/unicode.bin, the character classes and maps of the tokenizer package.
//
//	go run ./tokenizer/internal/gentables unicode.json.gz probe.json.gz tokenizer/unicode.bin
//
// Its first input is a dump, code point by code point, of what the Rust tokenizers library does: that library draws on
// several crates built against different versions of Unicode, so no single version of the standard gives its answers.
// The dump has "classes" (name -> inclusive ranges) and "maps" (name -> code point in hexadecimal -> output); a code
// point that a map leaves alone is absent. Canonical combining classes are not in the dump and never change once
// assigned, so they come from golang.org/x/text for the code points that the library's table knows as marks.
//
// Its second input is what probe.py beside it writes: the classes of scripts and of grapheme clusters.
//
// Output: records of name, 0x00, uvarint length, payload. Payloads, all numbers uvarint:
//
//	class  (gap, length-1)*           gap counts from the end of the previous range
//	map    (gap, n, zigzag(r-cp)*n)*  gap counts from the previous code point
//	ccc, script, grapheme  (gap, length-1, class)*
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"

	"golang.org/x/text/unicode/norm"
)

type dump struct {
	Classes map[string][][2]rune         `json:"classes"`
	Maps    map[string]map[string]string `json:"maps"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: gentables unicode.json.gz probe.json.gz unicode.bin")
	}
	var d dump
	read(os.Args[1], &d)
	var p struct{ Scripts, Graphemes [][3]rune }
	read(os.Args[2], &p)

	var out bytes.Buffer
	put := func(name string, payload []byte) {
		out.WriteString(name)
		out.WriteByte(0)
		out.Write(binary.AppendUvarint(nil, uint64(len(payload))))
		out.Write(payload)
		fmt.Printf("%-8s %6d bytes\n", name, len(payload))
	}
	// The classes of regular expressions (Oniguruma, Unicode 16).
	for _, name := range []string{"L", "N", "M", "P", "S", "Z", "Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Mn", "Cc", "Cf",
		"Han", "Hiragana", "Katakana", "Hangul", "Thai", "Arabic"} {
		put(name, class(d.Classes[`\p{`+name+`}`]))
	}
	put(`\w`, class(d.Classes[`\w`]))
	// The classes of pre-tokenizers and of added tokens' single_word.
	put("punct", class(d.Classes["pre:Punctuation isolates"]))
	put("numeric", class(d.Classes["pre:Digits isolates"]))
	// The dump leaves out plane 3.
	put("word", class(append(d.Classes["pre:Whitespace word characters"], [2]rune{0x30000, 0x3134A}, [2]rune{0x31350, 0x323AF})))
	if !slices.Equal(d.Classes["pre:Punctuation isolates"], d.Classes["pre:BertPreTokenizer isolates"]) {
		log.Fatal("Punctuation and BertPreTokenizer disagree: give each its own class")
	}
	// What BERT's normalizer drops as control characters, and as accents after NFD.
	// The dump leaves out the private-use planes 15 and 16.
	put("control", class(append(mappedTo(d.Maps["Bert(clean_text)"], ""),
		[2]rune{0xF0000, 0xFFFFD}, [2]rune{0x100000, 0x10FFFD})))
	put("bertmark", class(mappedTo(d.Maps["Bert(strip_accents)"], "")))
	marks := mappedTo(d.Maps["StripAccents"], "")
	put("mark", class(marks))
	put("lower", mapping(runeMap(d.Maps["Lowercase"])))

	nfd, nfkd, nfc := runeMap(d.Maps["NFD"]), runeMap(d.Maps["NFKD"]), runeMap(d.Maps["NFC"])
	for cp, s := range nfkd {
		if nfd[cp] == s || (cp >= 0xAC00 && cp < 0xAC00+11172) {
			delete(nfkd, cp)
		}
	}
	for cp := rune(0xAC00); cp < 0xAC00+11172; cp++ {
		delete(nfd, cp) // Hangul syllables decompose by arithmetic
	}
	put("nfd", mapping(nfd))
	put("nfkd", mapping(nfkd))
	// A character that NFC itself changes is never composed to.
	var excluded [][2]rune
	for cp := range nfc {
		excluded = append(excluded, [2]rune{cp, cp})
	}
	put("nocomp", class(join(excluded)))
	put("ccc", combining(marks))
	put("script", classified(p.Scripts))
	put("grapheme", classified(p.Graphemes))
	check(os.WriteFile(os.Args[3], out.Bytes(), 0o644))
	fmt.Printf("total    %6d bytes\n", out.Len())
}

func read(path string, v any) {
	f, err := os.Open(path)
	check(err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	check(err)
	check(json.NewDecoder(z).Decode(v))
}

// classified writes ranges with their classes.
func classified(ranges [][3]rune) []byte {
	var b []byte
	next := rune(0)
	for _, x := range ranges {
		b = binary.AppendUvarint(b, uint64(x[0]-next))
		b = binary.AppendUvarint(b, uint64(x[1]-x[0]))
		b = binary.AppendUvarint(b, uint64(x[2]))
		next = x[1] + 1
	}
	return b
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func runeMap(m map[string]string) map[rune]string {
	r := make(map[rune]string, len(m))
	for k, v := range m {
		cp, err := strconv.ParseUint(k, 16, 32)
		check(err)
		r[rune(cp)] = v
	}
	return r
}

func mappedTo(m map[string]string, want string) [][2]rune {
	var r [][2]rune
	for cp, v := range runeMap(m) {
		if v == want {
			r = append(r, [2]rune{cp, cp})
		}
	}
	return join(r)
}

func join(r [][2]rune) [][2]rune {
	slices.SortFunc(r, func(a, b [2]rune) int { return int(a[0] - b[0]) })
	var out [][2]rune
	for _, x := range r {
		if n := len(out); n > 0 && out[n-1][1]+1 == x[0] {
			out[n-1][1] = x[1]
		} else {
			out = append(out, x)
		}
	}
	return out
}

func class(r [][2]rune) []byte {
	if len(r) == 0 {
		log.Fatal("empty class")
	}
	slices.SortFunc(r, func(a, b [2]rune) int { return int(a[0] - b[0]) })
	var b []byte
	next := rune(0)
	for _, x := range r {
		b = binary.AppendUvarint(b, uint64(x[0]-next))
		b = binary.AppendUvarint(b, uint64(x[1]-x[0]))
		next = x[1] + 1
	}
	return b
}

func mapping(m map[rune]string) []byte {
	cps := make([]rune, 0, len(m))
	for cp := range m {
		cps = append(cps, cp)
	}
	slices.Sort(cps)
	var b []byte
	prev := rune(0)
	for _, cp := range cps {
		to := []rune(m[cp])
		b = binary.AppendUvarint(b, uint64(cp-prev))
		b = binary.AppendUvarint(b, uint64(len(to)))
		for _, r := range to {
			b = binary.AppendVarint(b, int64(r-cp))
		}
		prev = cp
	}
	return b
}

func combining(marks [][2]rune) []byte {
	var b []byte
	next := rune(0)
	for _, x := range marks {
		for cp := x[0]; cp <= x[1]; {
			class := norm.NFD.PropertiesString(string(cp)).CCC()
			end := cp
			for end < x[1] && norm.NFD.PropertiesString(string(end+1)).CCC() == class {
				end++
			}
			if class != 0 {
				b = binary.AppendUvarint(b, uint64(cp-next))
				b = binary.AppendUvarint(b, uint64(end-cp))
				b = binary.AppendUvarint(b, uint64(class))
				next = end + 1
			}
			cp = end + 1
		}
	}
	return b
}
