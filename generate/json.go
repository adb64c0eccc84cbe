package generate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/godwit-ml/godwit/internal/files"
)

const (
	configName = "generation_config.json"
	// maxConfig is the largest generation_config.json that is read, in bytes.
	maxConfig = 4 << 20
	// maxIDs bounds each list of ids in it.
	maxIDs = 1 << 18
)

// ReadConfig reads generation_config.json. The error is fs.ErrNotExist if there is none.
func ReadConfig(fsys fs.FS) (*Config, error) {
	text, err := files.Read(fsys, configName, maxConfig)
	if err != nil {
		return nil, err
	}
	return ParseConfig(text)
}

// ParseConfig reads the text of a generation_config.json. What it does not say, or says by null, is as in DefaultConfig. Fields
// that ask for another way of generating (beams, contrastive search, guidance, watermarks, penalties for an encoder's text, which
// is the prompt, and the like) are listed in Unsupported. Other fields are ignored: they change how transformers computes, not
// what comes out. So is max_time: a caller has a context.
//
// A field of another kind than it should be is an error. What Check does not like is not: a caller may replace it before a text
// is generated.
func ParseConfig(text []byte) (*Config, error) {
	var f fileConfig
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%s: %s", configName, cause(err, text))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%s: there is something after the object", configName)
	}
	c, err := f.config()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", configName, err)
	}
	return c, nil
}

// FromModelConfig returns the settings of a model that has no generation_config.json: as transformers does, they are taken from
// its config.json, which decode reads into a value as encoding/json does. There, a max_length of 20 is what old versions wrote
// into every file, and means nothing; and the ids that end a sequence are left to the decoder.
func FromModelConfig(decode func(v any) error) (*Config, error) {
	fields := make(map[string]json.RawMessage)
	if err := decode(&fields); err != nil {
		return nil, err
	}
	delete(fields, "eos_token_id")
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	var f fileConfig
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("config.json: %s", cause(err, text))
	}
	if f.MaxLength != nil && *f.MaxLength == 20 {
		f.MaxLength = nil
	}
	c, err := f.config()
	if err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	return c, nil
}

// fileConfig is a generation_config.json; absent and null are nil.
type fileConfig struct {
	DoSample          *bool    `json:"do_sample"`
	Temperature       *float64 `json:"temperature"`
	TopH              *float64 `json:"top_h"`
	TopK              *int     `json:"top_k"`
	TopP              *float64 `json:"top_p"`
	MinP              *float64 `json:"min_p"`
	TypicalP          *float64 `json:"typical_p"`
	Epsilon           *float64 `json:"epsilon_cutoff"`
	Eta               *float64 `json:"eta_cutoff"`
	RepetitionPenalty *float64 `json:"repetition_penalty"`
	NoRepeatNGram     *int     `json:"no_repeat_ngram_size"`
	BadWords          [][]id   `json:"bad_words_ids"`
	Bias              []bias   `json:"sequence_bias"`
	SuppressTokens    []id     `json:"suppress_tokens"`
	BeginSuppress     []id     `json:"begin_suppress_tokens"`
	ForcedBOS         *id      `json:"forced_bos_token_id"`
	ForcedEOS         idList   `json:"forced_eos_token_id"`
	Decay             *decay   `json:"exponential_decay_length_penalty"`
	RemoveInvalid     *bool    `json:"remove_invalid_values"`
	EOS               idList   `json:"eos_token_id"`
	MinLength         *int     `json:"min_length"`
	MinNewTokens      *int     `json:"min_new_tokens"`
	MaxLength         *int     `json:"max_length"`
	MaxNewTokens      *int     `json:"max_new_tokens"`
	StopStrings       texts    `json:"stop_strings"`
	Samples           *int     `json:"num_return_sequences"`

	// What asks for something else.
	Beams        *int            `json:"num_beams"`
	PenaltyAlpha *float64        `json:"penalty_alpha"`
	Guidance     *float64        `json:"guidance_scale"`
	Watermark    json.RawMessage `json:"watermarking_config"`
	Constraints  json.RawMessage `json:"constraints"`
	ForceWords   json.RawMessage `json:"force_words_ids"`
	DoLa         json.RawMessage `json:"dola_layers"`
	EncoderRep   *float64        `json:"encoder_repetition_penalty"`
	EncoderNGram *int            `json:"encoder_no_repeat_ngram_size"`
	Healing      *bool           `json:"token_healing"`
}

// cause puts an error of reading a fileConfig into words. It names the field: encoding/json leaves that to the types that read
// themselves, which do not know it.
func cause(err error, text []byte) string {
	var value *valueError
	if !errors.As(err, &value) {
		return files.JSONCause(err)
	}
	fields := make(map[string]json.RawMessage)
	if json.Unmarshal(text, &fields) != nil {
		return value.Error()
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		key, _ := json.Marshal(name) // of a string it cannot fail
		one := slices.Concat([]byte("{"), key, []byte(":"), fields[name], []byte("}"))
		if errors.As(json.Unmarshal(one, new(fileConfig)), &value) {
			return fmt.Sprintf("%q: %s", name, value)
		}
	}
	return value.Error()
}

// A valueError says what a value is not.
type valueError struct {
	value, what string
}

// notA returns the error of a value, which it shows as far as it is short.
func notA(value []byte, what string) error {
	const most = 60
	text := string(value)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "\u2026"
	}
	return &valueError{text, what}
}

// Error implements error.
func (e *valueError) Error() string { return e.value + " is " + e.what }

// An id is a token id.
type id int32

// UnmarshalJSON reads an integer.
func (i *id) UnmarshalJSON(b []byte) error {
	var v float64
	if err := json.Unmarshal(b, &v); err != nil || string(b) == "null" || !(v >= 0 && v <= math.MaxInt32) || v != math.Trunc(v) {
		return notA(b, "no token id")
	}
	*i = id(v)
	return nil
}

// An idList is one id or a list of them.
type idList []int32

// UnmarshalJSON reads an integer or a list of integers.
func (l *idList) UnmarshalJSON(b []byte) error {
	var one id
	var many []id
	switch {
	case string(b) == "null":
		return nil
	case b[0] != '[':
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		many = []id{one}
	default:
		if err := json.Unmarshal(b, &many); err != nil {
			return err
		}
	}
	*l = toIDs(many)
	return nil
}

func toIDs(list []id) []int32 {
	if list == nil {
		return nil
	}
	ids := make([]int32, len(list))
	for i, v := range list {
		ids[i] = int32(v)
	}
	return ids
}

// texts is one text or a list of them.
type texts []string

// UnmarshalJSON reads a string or a list of strings.
func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		if one != "" {
			*t = texts{one}
		}
		return nil
	}
	if json.Unmarshal(b, (*[]string)(t)) != nil {
		return notA(b, "neither a string nor an array of strings")
	}
	return nil
}

// A bias is a pair [[ids], bias].
type bias Bias

// UnmarshalJSON reads the pair.
func (v *bias) UnmarshalJSON(b []byte) error {
	var pair []json.RawMessage
	var ids []id
	err := json.Unmarshal(b, &pair)
	if err == nil && len(pair) == 2 {
		if err = json.Unmarshal(pair[0], &ids); err == nil {
			if err = json.Unmarshal(pair[1], &v.Bias); err == nil {
				v.IDs = toIDs(ids)
				return nil
			}
		}
	}
	return notA(b, "no pair of a list of ids and a number")
}

// A decay is a pair [start, factor].
type decay LengthPenalty

// UnmarshalJSON reads the pair.
func (d *decay) UnmarshalJSON(b []byte) error {
	var pair []float64
	if err := json.Unmarshal(b, &pair); err != nil || len(pair) != 2 || !(pair[0] >= 0 && pair[0] <= math.MaxInt32) ||
		pair[0] != math.Trunc(pair[0]) {
		return notA(b, "no pair of a number of tokens and a factor")
	}
	d.Start, d.Factor = int(pair[0]), pair[1]
	return nil
}

// set sets *to if the file says something.
func set[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

func (f *fileConfig) config() (*Config, error) {
	c := DefaultConfig()
	for _, other := range []struct {
		field string
		asked bool
	}{
		{"num_beams", f.Beams != nil && *f.Beams > 1},
		{"penalty_alpha", f.PenaltyAlpha != nil && *f.PenaltyAlpha > 0 && (f.TopK == nil || *f.TopK > 1) &&
			(f.DoSample == nil || !*f.DoSample)},
		{"guidance_scale", f.Guidance != nil && *f.Guidance != 1},
		{"watermarking_config", isSet(f.Watermark)},
		{"constraints", isSet(f.Constraints)},
		{"force_words_ids", isSet(f.ForceWords)},
		{"dola_layers", isSet(f.DoLa)},
		{"encoder_repetition_penalty", f.EncoderRep != nil && *f.EncoderRep != 1},
		{"encoder_no_repeat_ngram_size", f.EncoderNGram != nil && *f.EncoderNGram > 0},
		{"token_healing", f.Healing != nil && *f.Healing},
	} {
		if other.asked {
			c.Unsupported = append(c.Unsupported, other.field)
		}
	}
	n := 0
	for _, w := range f.BadWords {
		n += len(w) + 1
	}
	for _, b := range f.Bias {
		n += len(b.IDs) + 1
	}
	n = max(n, len(f.SuppressTokens), len(f.BeginSuppress), len(f.EOS), len(f.ForcedEOS), len(f.StopStrings))
	if n > maxIDs {
		return nil, fmt.Errorf("a list has %d ids; the limit is %d", n, maxIDs)
	}
	set(&c.Sample, f.DoSample)
	set(&c.Temperature, f.Temperature)
	set(&c.TopH, f.TopH)
	set(&c.TopK, f.TopK)
	set(&c.TopP, f.TopP)
	set(&c.MinP, f.MinP)
	set(&c.TypicalP, f.TypicalP)
	set(&c.Epsilon, f.Epsilon)
	set(&c.Eta, f.Eta)
	set(&c.RepetitionPenalty, f.RepetitionPenalty)
	set(&c.NoRepeatNGram, f.NoRepeatNGram)
	set(&c.RemoveInvalid, f.RemoveInvalid)
	set(&c.MinLength, f.MinLength)
	if set(&c.MinNewTokens, f.MinNewTokens); f.MinNewTokens != nil {
		c.MinLength = 0 // it has no effect then
	}
	set(&c.MaxLength, f.MaxLength)
	set(&c.MaxNewTokens, f.MaxNewTokens)
	set(&c.Samples, f.Samples)
	set(&c.ForcedBOS, (*int32)(f.ForcedBOS))
	c.ForcedEOS, c.EOS, c.Stop = f.ForcedEOS, f.EOS, f.StopStrings
	c.SuppressTokens, c.BeginSuppress = toIDs(f.SuppressTokens), toIDs(f.BeginSuppress)
	for _, w := range f.BadWords {
		c.BadWords = append(c.BadWords, toIDs(w))
	}
	for _, b := range f.Bias {
		c.Bias = append(c.Bias, Bias(b))
	}
	c.Decay = (*LengthPenalty)(f.Decay)
	if !c.Sample && c.Temperature == 0 {
		c.Temperature = 1 // some files say so; it has no effect
	}
	return c, nil
}

// isSet tells whether a value is there, and neither null nor an empty list.
func isSet(v json.RawMessage) bool {
	return len(v) > 0 && string(v) != "null" && string(v) != "[]"
}
