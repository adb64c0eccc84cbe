package generate_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/godwit-ml/godwit/generate"
)

// TestParseConfig reads files as models have them.
func TestParseConfig(t *testing.T) {
	for _, c := range []struct {
		text string
		want func(c *generate.Config)
	}{
		{`{}`, func(*generate.Config) {}},
		{`{"_from_model_config": true, "bos_token_id": 1, "eos_token_id": 2, "transformers_version": "4.42.0"}`,
			func(c *generate.Config) { c.EOS = []int32{2} }},
		{`{"do_sample": true, "temperature": 0.6, "top_p": 0.9, "top_k": null, "eos_token_id": [128001, 128008], "max_length": 4096}`,
			func(c *generate.Config) {
				c.Sample, c.Temperature, c.TopP, c.EOS, c.MaxLength = true, 0.6, 0.9, []int32{128001, 128008}, 4096
			}},
		{`{"do_sample": false, "temperature": 0, "repetition_penalty": 1.05, "no_repeat_ngram_size": 3, "num_beams": 1}`,
			func(c *generate.Config) { c.RepetitionPenalty, c.NoRepeatNGram = 1.05, 3 }},
		{`{"bad_words_ids": [[1], [2, 3]], "sequence_bias": [[[4, 5], -1.5]], "suppress_tokens": [6], "begin_suppress_tokens": [7],
			"forced_bos_token_id": 8, "forced_eos_token_id": 9, "exponential_decay_length_penalty": [10, 1.5], "stop_strings": "x",
			"min_length": 1, "min_new_tokens": null, "max_new_tokens": 3, "min_p": 0.1, "typical_p": 0.2, "epsilon_cutoff": 0.3, "eta_cutoff": 0.4,
			"top_h": 0.5, "remove_invalid_values": true, "num_return_sequences": 2}`,
			func(c *generate.Config) {
				*c = generate.Config{Temperature: 1, TopH: 0.5, TopK: 50, TopP: 1, MinP: 0.1, TypicalP: 0.2, Epsilon: 0.3, Eta: 0.4,
					RepetitionPenalty: 1, BadWords: [][]int32{{1}, {2, 3}}, Bias: []generate.Bias{{[]int32{4, 5}, -1.5}},
					SuppressTokens: []int32{6}, BeginSuppress: []int32{7}, ForcedBOS: 8, ForcedEOS: []int32{9},
					Decay: &generate.LengthPenalty{Start: 10, Factor: 1.5}, RemoveInvalid: true, MinLength: 1,
					MaxNewTokens: 3, Stop: []string{"x"}, Samples: 2}
			}},
		{`{"min_length": 10, "min_new_tokens": 2}`, func(c *generate.Config) { c.MinNewTokens = 2 }},
		{`{"penalty_alpha": 0.6, "do_sample": true}`, func(c *generate.Config) { c.Sample = true }},
		{`{"encoder_repetition_penalty": 1, "encoder_no_repeat_ngram_size": 0, "token_healing": false, "max_time": 3}`,
			func(*generate.Config) {}},
		{`{"num_beams": 4, "guidance_scale": 1.5, "watermarking_config": {}, "force_words_ids": [[1]], "dola_layers": "low"}`,
			func(c *generate.Config) {
				c.Unsupported = []string{"num_beams", "guidance_scale", "watermarking_config", "force_words_ids", "dola_layers"}
			}},
		{`{"encoder_repetition_penalty": 1.1, "encoder_no_repeat_ngram_size": 3, "token_healing": true, "penalty_alpha": 0.6, "top_k": 4}`,
			func(c *generate.Config) {
				c.TopK = 4
				c.Unsupported = []string{"penalty_alpha", "encoder_repetition_penalty", "encoder_no_repeat_ngram_size", "token_healing"}
			}},
		{`{"do_sample": true, "temperature": 0, "top_p": 2, "stop_strings": [""]}`,
			func(c *generate.Config) { c.Sample, c.Temperature, c.TopP, c.Stop = true, 0, 2, []string{""} }},
		{`{"stop_strings": ["a", "b"], "forced_eos_token_id": [1, 2]}`,
			func(c *generate.Config) { c.Stop, c.ForcedEOS = []string{"a", "b"}, []int32{1, 2} }},
	} {
		want := generate.DefaultConfig()
		c.want(want)
		got, err := generate.ReadConfig(fstest.MapFS{"generation_config.json": {Data: []byte(c.text)}})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.text, got, want)
		}
	}
	if _, err := generate.ReadConfig(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestFromModelConfig: without generation_config.json, config.json counts.
func TestFromModelConfig(t *testing.T) {
	for _, c := range []struct {
		text, err string
		want      func(c *generate.Config)
	}{
		{`{"model_type": "gpt2", "eos_token_id": -1, "max_length": 20}`, "", func(*generate.Config) {}},
		{`{"repetition_penalty": 1.5, "max_length": 50, "do_sample": true, "eos_token_id": 3}`, "",
			func(c *generate.Config) { c.RepetitionPenalty, c.MaxLength, c.Sample = 1.5, 50, true }},
		{`{"num_beams": 2}`, "", func(c *generate.Config) { c.Unsupported = []string{"num_beams"} }},
		{`{"suppress_tokens": ["a"]}`, `config.json: "suppress_tokens": "a" is no token id`, nil},
		{`{"temperature": "hot"}`, `config.json: "temperature" is a string, not a number`, nil},
		{`{"top_p": 7}`, "", func(c *generate.Config) { c.TopP = 7 }},
	} {
		got, err := generate.FromModelConfig(func(v any) error { return json.Unmarshal([]byte(c.text), v) })
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s: %v", c.text, err)
			}
			continue
		}
		want := generate.DefaultConfig()
		if c.want(want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", c.text, got, err, want)
		}
	}
}

// TestParseConfigErrors: what is wrong with a file.
func TestParseConfigErrors(t *testing.T) {
	for _, c := range [][2]string{
		{`[]`, "it is a JSON array"},
		{``, "it is empty"},
		{`{"temperature": "hot"}`, `"temperature" is a string, not a number`},
		{`{"stop_strings": [1]}`, `"stop_strings": [1] is neither a string nor an array of strings`},
		{`{} {}`, "there is something after the object"},
		{`{"top_k": 1.5}`, `"top_k" is 1.5, not a whole number`},
		{`{"eos_token_id": "x"}`, `"eos_token_id": "x" is no token id`},
		{`{"forced_eos_token_id": [1, -1]}`, `"forced_eos_token_id": -1 is no token id`},
		{`{"eos_token_id": 1.5}`, `"eos_token_id": 1.5 is no token id`},
		{`{"eos_token_id": [null]}`, `"eos_token_id": null is no token id`},
		{`{"eos_token_id": 1, "suppress_tokens": [5000000000]}`, `"suppress_tokens": 5000000000 is no token id`},
		{`{"bad_words_ids": [[1], [true]]}`, `"bad_words_ids": true is no token id`},
		{`{"sequence_bias": [[4, 5]]}`, `"sequence_bias": [4, 5] is no pair of a list of ids and a number`},
		{`{"exponential_decay_length_penalty": [1.5, 2]}`,
			`"exponential_decay_length_penalty": [1.5, 2] is no pair of a number of tokens and a factor`},
		{`{"eos_token_id": "` + strings.Repeat("\u00e9", 40) + `"}`,
			`"eos_token_id": "` + strings.Repeat("\u00e9", 29) + "\u2026 is no token id"},
		{`{"suppress_tokens": [` + strings.Repeat("1,", 1<<18) + `1]}`, "a list has 262145 ids; the limit is 262144"},
	} {
		_, err := generate.ParseConfig([]byte(c[0]))
		if want := "generation_config.json: " + c[1]; err == nil || err.Error() != want {
			t.Errorf("%.60s:\ngot  %v\nwant %s", c[0], err, want)
		}
	}
	big := fstest.MapFS{"generation_config.json": {Data: make([]byte, 5<<20)}}
	if _, err := generate.ReadConfig(big); err == nil || err.Error() != "generation_config.json has 5242880 bytes, more than the limit of 4194304" {
		t.Errorf("a large file: %v", err)
	}
}

// TestCheck: what a file says and Check refuses, alone and with what a caller says in its place.
func TestCheck(t *testing.T) {
	unsupported := func(name string) string {
		return name + " asks for a way of generating that is not supported; without it, the tokens are others: have it ignored if they may be"
	}
	for _, c := range []struct {
		text, want string
		change     func(c *generate.Config)
	}{
		{`{"do_sample": true, "temperature": 0}`, "the temperature is 0; want a number above 0, or no tokens that are drawn",
			func(c *generate.Config) { c.Temperature = 0.5 }},
		{`{"do_sample": true, "temperature": 0}`, "the temperature is 0; want a number above 0, or no tokens that are drawn",
			func(c *generate.Config) { c.Sample = false }},
		{`{"do_sample": true, "temperature": -1}`, "the temperature is -1; want a number above 0",
			func(c *generate.Config) { c.Temperature = 1 }},
		{`{"do_sample": true, "temperature": 1e-320}`, "the temperature is 1e-320; want a number from 1e-45 to 3e38",
			func(c *generate.Config) { c.Temperature = 1e-45 }},
		{`{"repetition_penalty": 1e39}`, "the repetition penalty is 1e+39; want a number from 1e-45 to 3e38",
			func(c *generate.Config) { c.RepetitionPenalty = 3e38 }},
		{`{"do_sample": true, "top_p": 2}`, "top_p is 2; want a number from 0 to 1", func(c *generate.Config) { c.TopP = 1 }},
		{`{"do_sample": true, "typical_p": 0}`, "typical_p is 0; want a number from 5e-324 to 1",
			func(c *generate.Config) { c.TypicalP = 1 }},
		{`{"do_sample": true, "top_k": -3}`, "top_k is -3; want a number from 0 to 2147483647", func(c *generate.Config) { c.TopK = 0 }},
		{`{"bad_words_ids": [[]]}`, "bad_words_ids holds an empty sequence", func(c *generate.Config) { c.BadWords = nil }},
		{`{"stop_strings": [""]}`, "a stop string is empty", func(c *generate.Config) { c.Stop = nil }},
		{`{"num_beams": 4}`, unsupported("num_beams"), func(c *generate.Config) { c.Unsupported = nil }},
		{`{"penalty_alpha": 0.6}`, unsupported("penalty_alpha"), func(c *generate.Config) { c.Sample = true }},
		{`{"guidance_scale": 2}`, unsupported("guidance_scale"), func(c *generate.Config) { c.Unsupported = nil }},
	} {
		got, err := generate.ParseConfig([]byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Check(math.MaxInt32); err == nil || err.Error() != c.want {
			t.Errorf("%s:\ngot  %v\nwant %s", c.text, err, c.want)
		}
		if c.change(got); got.Check(math.MaxInt32) != nil {
			t.Errorf("%s, changed: %v", c.text, got.Check(math.MaxInt32))
		}
	}
	// What has no effect is not looked at.
	if c, err := generate.ParseConfig([]byte(`{"temperature": -1, "top_p": 2, "top_k": -3}`)); err != nil || c.Check(10) != nil {
		t.Errorf("%v, %v", err, c.Check(10))
	}
}

// FuzzParseConfig: every text is an error, or a config that Check has a word on.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"do_sample": true, "temperature": 0.6, "top_p": 0.9, "eos_token_id": [1, 2], "sequence_bias": [[[4, 5], -1.5]]}`))
	f.Add([]byte(`{"bad_words_ids": [[1], [2, 3]], "exponential_decay_length_penalty": [10, 1.5], "stop_strings": ["x"]}`))
	f.Add([]byte(`{"forced_eos_token_id": null, "forced_bos_token_id": 3, "num_beams": 1, "watermarking_config": null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := generate.ParseConfig(text)
		if err != nil {
			return
		}
		if err := c.Clone().Check(math.MaxInt32); err != nil && err.Error() == "" {
			t.Errorf("%#v", err)
		}
	})
}
