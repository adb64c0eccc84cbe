package tokenizer

import (
	"maps"
	"slices"
	"strings"
)

// The kinds of components, by their "type" in tokenizer.json. A constructor reads its own fields.
var (
	normalizers    map[string]func(*builder, node) (normalizer, error)
	preTokenizers  map[string]func(*builder, node) (preTokenizer, error)
	models         map[string]func(*builder, node) (model, error)
	postProcessors map[string]func(*builder, node) (postProcessor, error)
	decoders       map[string]func(*builder, node) (decoder, error)
)

func init() { // Sequences build their parts from these tables, so a plain initialiser would be a cycle.
	normalizers = map[string]func(*builder, node) (normalizer, error){
		"BertNormalizer": newBertNormalizer,
		"NFC":            newUnicodeForm(false, true),
		"NFD":            newUnicodeForm(false, false),
		"NFKC":           newUnicodeForm(true, true),
		"NFKD":           newUnicodeForm(true, false),
		"Lowercase":      newLowercase,
		"StripAccents":   newStripAccents,
		"Strip":          newStrip,
		"Replace":        newReplace,
		"Nmt":            newNmt,
		"Prepend":        newPrepend,
		"Precompiled":    newPrecompiled,
		"ByteLevel":      newByteLevelNormalizer,
		"Sequence":       newNormalizerSequence,
	}
	preTokenizers = map[string]func(*builder, node) (preTokenizer, error){
		"BertPreTokenizer":   newBertPreTokenizer,
		"Whitespace":         newWhitespace,
		"WhitespaceSplit":    newWhitespaceSplit,
		"Punctuation":        newPunctuation,
		"Split":              newSplit,
		"Digits":             newDigits,
		"CharDelimiterSplit": newCharDelimiterSplit,
		"ByteLevel":          newByteLevel,
		"Metaspace":          newMetaspace,
		"UnicodeScripts":     newUnicodeScripts,
		"FixedLength":        newFixedLength,
		"Sequence":           newPreTokenizerSequence,
	}
	models = map[string]func(*builder, node) (model, error){
		"WordPiece": newWordPiece,
		"WordLevel": newWordLevel,
		"BPE":       newBPE,
		"Unigram":   newUnigram,
	}
	postProcessors = map[string]func(*builder, node) (postProcessor, error){
		"BertProcessing":     newBertProcessing,
		"RobertaProcessing":  newRobertaProcessing,
		"ByteLevel":          newByteLevelProcessing,
		"TemplateProcessing": newTemplateProcessing,
		"Sequence":           newPostProcessorSequence,
	}
	decoders = map[string]func(*builder, node) (decoder, error){
		"WordPiece":    newWordPieceDecoder,
		"Replace":      newReplaceDecoder,
		"Strip":        newStripDecoder,
		"Fuse":         newFuseDecoder,
		"ByteLevel":    newByteLevelDecoder,
		"ByteFallback": newByteFallback,
		"Metaspace":    newMetaspaceDecoder,
		"BPEDecoder":   newBPEDecoder,
		"CTC":          newCTC,
		"Sequence":     newDecoderSequence,
	}
}

// builder is what constructors share.
type builder struct {
	depth int // of Sequences
}

const (
	maxDepth      = 16   // of Sequences inside Sequences
	maxComponents = 1024 // in one Sequence
)

// A normalizer rewrites a segment of text.
type normalizer interface {
	normalize(t *text) error
}

// A preTokenizer cuts pieces into smaller ones.
type preTokenizer interface {
	preTokenize(ps *pieces) error
}

// A model turns a piece into tokens.
type model interface {
	// tokenize appends the tokens of word to s.toks.
	tokenize(s *state, word []byte) error
	tokenToID(token string) (int32, bool)
	idToToken(id int32) (string, bool)
	vocabSize() int
}

// A postProcessor puts special tokens around one encoding or two. It returns encodings that are then joined.
type postProcessor interface {
	added(pair bool) int
	process(list []*Encoding, special bool) ([]*Encoding, error)
}

// A decoder turns tokens into pieces of text that are then joined.
type decoder interface {
	decode(d *decoding) error
}

// build makes the component in n from its table; kind is what to call it in errors.
func build[T any](b *builder, n node, kind string, table map[string]func(*builder, node) (T, error)) (T, error) {
	var none T
	fields, err := n.fields()
	if err != nil {
		return none, err
	}
	typ, ok := fields["type"]
	if !ok {
		return none, n.errorf(`a %s without "type"`, kind)
	}
	var name string
	if err := typ.decode(&name); err != nil {
		return none, err
	}
	f := table[name]
	if f == nil {
		return none, typ.errorf("%s %q is not supported; supported are %s", kind, name,
			strings.Join(slices.Sorted(maps.Keys(table)), ", "))
	}
	return f(b, n)
}

// sequence builds the list in field name of n.
func sequence[T any](b *builder, n node, name string, f func(*builder, node) (T, error)) ([]T, error) {
	if b.depth == maxDepth {
		return nil, n.errorf("Sequences nested deeper than %d", maxDepth)
	}
	b.depth++
	defer func() { b.depth-- }()
	fields, err := n.fields()
	if err != nil {
		return nil, err
	}
	list, ok := fields[name]
	if !ok {
		return nil, n.errorf("a Sequence without %q", name)
	}
	items, err := list.items()
	if err != nil {
		return nil, err
	}
	if len(items) > maxComponents {
		return nil, list.errorf("%d components are more than the limit of %d", len(items), maxComponents)
	}
	var out []T
	for _, item := range items {
		c, err := f(b, item)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func buildNormalizer(b *builder, n node) (normalizer, error) {
	return build(b, n, "normalizer", normalizers)
}

func buildPreTokenizer(b *builder, n node) (preTokenizer, error) {
	return build(b, n, "pre-tokenizer", preTokenizers)
}

func buildPostProcessor(b *builder, n node) (postProcessor, error) {
	return build(b, n, "post-processor", postProcessors)
}

func buildDecoder(b *builder, n node) (decoder, error) { return build(b, n, "decoder", decoders) }

type normalizerSequence []normalizer

func newNormalizerSequence(b *builder, n node) (normalizer, error) {
	list, err := sequence(b, n, "normalizers", buildNormalizer)
	return normalizerSequence(list), err
}

func (s normalizerSequence) normalize(t *text) error {
	for _, c := range s {
		if err := c.normalize(t); err != nil {
			return err
		}
	}
	return nil
}

type preTokenizerSequence []preTokenizer

func newPreTokenizerSequence(b *builder, n node) (preTokenizer, error) {
	list, err := sequence(b, n, "pretokenizers", buildPreTokenizer)
	return preTokenizerSequence(list), err
}

func (s preTokenizerSequence) preTokenize(ps *pieces) error {
	for _, c := range s {
		if err := c.preTokenize(ps); err != nil {
			return err
		}
	}
	return nil
}

type postProcessorSequence []postProcessor

func newPostProcessorSequence(b *builder, n node) (postProcessor, error) {
	list, err := sequence(b, n, "processors", buildPostProcessor)
	return postProcessorSequence(list), err
}

func (s postProcessorSequence) added(pair bool) int {
	n := 0
	for _, c := range s {
		n += c.added(pair)
	}
	return n
}

func (s postProcessorSequence) process(list []*Encoding, special bool) ([]*Encoding, error) {
	for _, c := range s {
		var err error
		if list, err = c.process(list, special); err != nil {
			return nil, err
		}
	}
	return list, nil
}

type decoderSequence []decoder

func newDecoderSequence(b *builder, n node) (decoder, error) {
	list, err := sequence(b, n, "decoders", buildDecoder)
	return decoderSequence(list), err
}

func (s decoderSequence) decode(d *decoding) error {
	for _, c := range s {
		if err := c.decode(d); err != nil {
			return err
		}
	}
	return nil
}
