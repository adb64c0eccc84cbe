package tokenizer

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"
)

// minimal is a whole small tokenizer.json.
const minimal = `{"version":"1.0","truncation":{"max_length":8,"strategy":"LongestFirst","stride":0},` +
	`"padding":{"strategy":{"Fixed":4},"direction":"Left","pad_id":0,"pad_type_id":0,"pad_token":"[PAD]"},` +
	`"added_tokens":[{"id":1,"content":"<e>","lstrip":true,"rstrip":true,"single_word":true,"normalized":true}],` +
	`"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"BertNormalizer"},` +
	`{"type":"Replace","pattern":{"Regex":"\\s+(?!\\S)"},"content":"_"}]},` +
	`"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\p{L}++|[^\\w\\d]?"},"behavior":"MergedWithNext","invert":true},` +
	`"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"c","type_id":0}},` +
	`{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],` +
	`"special_tokens":{"c":{"id":"c","ids":[2],"tokens":["c"]}}},` +
	`"decoder":{"type":"Sequence","decoders":[{"type":"WordPiece"},{"type":"Strip","content":"x","start":1,"stop":1}]},` +
	`"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":9,` +
	`"vocab":{"[UNK]":0,"a":1,"##b":2,"\u00e9\ud83d\ude00":3}}}`

// kindSeeds are small tokenizers with the kinds that minimal lacks.
var kindSeeds = []string{
	`{"model":{"type":"BPE","unk_token":"u","byte_fallback":true,"fuse_unk":true,"vocab":{"u":0,"a":1,"b":2,"ab":3,"▁":4,` +
		`"▁ab":5,"<0xC3>":6,"<0xA9>":7},"merges":["a b",["▁","ab"]]},"normalizer":{"type":"Sequence","normalizers":[` +
		`{"type":"Nmt"},{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},` +
		`"decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Metaspace"},{"type":"CTC"},{"type":"BPEDecoder"}]}}`,
	`{"model":{"type":"BPE","ignore_merges":true,"continuing_subword_prefix":"#","end_of_word_suffix":"$","dropout":0.5,` +
		`"vocab":{"Ġ":0,"#a":1,"#a$":2,"Ġa":3,"Ġa$":4},"merges":["Ġ #a","Ġ #a$"]},"normalizer":{"type":"ByteLevel"},` +
		`"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"UnicodeScripts"},{"type":"FixedLength","length":3},` +
		`{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}]},"post_processor":{"type":"ByteLevel","trim_offsets":true},` +
		`"decoder":{"type":"ByteLevel"}}`,
	`{"model":{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],["▁",-1.5],["a",-2],["▁a",-2e0],["a",-3],` +
		`["ab",-4],["<0x01>",-9]]},"normalizer":{"type":"Precompiled","precompiled_charsmap":"` + seedCharsmap() + `"},` +
		`"pre_tokenizer":{"type":"Metaspace","prepend_scheme":"first","split":false},"post_processor":{"type":"RobertaProcessing",` +
		`"sep":["a",2],"cls":["▁",1],"trim_offsets":true},"decoder":{"type":"Metaspace","prepend_scheme":"never"}}`,
}

// seedCharsmap is a charsmap whose only key, "a", becomes "bc".
func seedCharsmap() string {
	units := make([]uint32, 128)
	units[0] = 1 << 10                        // the root: its children are at 1 xor their byte
	units[1^'a'] = 'a' | 1<<8 | (1^'a'^2)<<10 // a key ends here: its value is at 2
	units[2] = 1 << 31
	b := binary.LittleEndian.AppendUint32(nil, uint32(4*len(units)))
	for _, u := range units {
		b = binary.LittleEndian.AppendUint32(b, u)
	}
	return base64.StdEncoding.EncodeToString(append(b, "bc\x00"...))
}

func TestKindSeeds(t *testing.T) {
	for _, s := range kindSeeds {
		tok, err := Parse([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"", "a", "ab é a", " a  b\x01\u200b▁a", "Привет中\r\n"} {
			checkEncoding(t, tok, s)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte(`{"model":{"type":"WordLevel","unk_token":"u","vocab":{"u":4000000}},"pre_tokenizer":{"type":"Digits"}}`))
	for _, s := range kindSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		tok, err := Parse(data)
		if err != nil {
			return
		}
		for _, s := range []string{"", "a ab<e>  \u00e9\U0001F600 1\xff.", "\u0301\u1100\u1161"} {
			checkEncoding(t, tok, s)
		}
	})
}

// checkEncoding holds what is true of every tokenizer and every text.
func checkEncoding(t *testing.T, tok *Tokenizer, s string) {
	t.Helper()
	e, err := tok.Encode(s, Options{})
	ids, idsErr := tok.AppendIDs(nil, s, 0)
	if (err != nil) != (idsErr != nil) {
		t.Fatalf("%q: Encode: %v, AppendIDs: %v", s, err, idsErr)
	}
	if err != nil {
		return
	}
	if !slices.Equal(ids, e.IDs) {
		t.Fatalf("%q: AppendIDs has %v, Encode %v", s, ids, e.IDs)
	}
	n := e.Len()
	if len(e.Tokens) != n || len(e.Offsets) != n || len(e.CharOffsets) != n || len(e.TypeIDs) != n ||
		len(e.WordIDs) != n || len(e.SequenceIDs) != n || len(e.AttentionMask) != n || len(e.SpecialTokensMask) != n {
		t.Fatalf("%q: slices of different lengths", s)
	}
	chars := utf8.RuneCountInString(s)
	for i, o := range e.Offsets {
		c := e.CharOffsets[i]
		if o.Start < 0 || o.Start > o.End || o.End > len(s) || c.Start < 0 || c.Start > c.End || c.End > chars {
			t.Fatalf("%q: token %d has offsets %v and %v", s, i, o, c)
		}
		if o != (Span{}) && utf8.RuneCountInString(s[:o.Start]) != c.Start {
			t.Fatalf("%q: token %d: %v bytes are not %v characters", s, i, o, c)
		}
	}
	if _, err := tok.Decode(e.IDs, false); err != nil {
		t.Fatal(err)
	}
	s = s[:min(len(s), 24)] // there are as many overflowing pairs as parts of the one times parts of the other
	for _, dir := range []Direction{Left, Right} {
		o := Options{Truncation: &Truncation{MaxLength: 6, Stride: 1, Direction: dir},
			Padding: &Padding{MultipleOf: 4, Direction: dir}}
		if e, err := tok.EncodePair(s, s, o); err == nil && e.Len()%4 != 0 {
			t.Fatalf("%q: %d tokens after padding", s, e.Len())
		}
	}
}

func FuzzEncode(f *testing.F) {
	var toks []*Tokenizer
	paths, err := filepath.Glob("testdata/files/*/tokenizer.json.gz")
	if err != nil || len(paths) == 0 {
		f.Fatal("no tokenizers in testdata")
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			f.Fatal(err)
		}
		if data, err = io.ReadAll(z); err != nil {
			f.Fatal(err)
		}
		tok, err := Parse(data)
		if err != nil {
			f.Fatal(err)
		}
		toks = append(toks, tok)
	}
	tok, err := Parse([]byte(minimal))
	if err != nil {
		f.Fatal(err)
	}
	toks = append(toks, tok)
	for _, s := range kindSeeds {
		tok, err := Parse([]byte(s))
		if err != nil {
			f.Fatal(err)
		}
		toks = append(toks, tok)
	}
	f.Add("Hello, [CLS] wörld! \xff\xed\xa0\x80 \u0344\u1100\u1161\u11a8 <ent> 中文 \U0001F600")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 512 {
			return
		}
		for _, tok := range toks {
			checkEncoding(t, tok, s)
		}
	})
}
