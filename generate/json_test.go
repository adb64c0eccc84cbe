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
		{`{"num_beams": 2}`, "config.json: num_beams asks for a way of generating that is not supported; without it, the tokens are others: take it out of the file if they may be", nil},
		{`{"temperature": "hot"}`, `config.json: "temperature" is a string, not a number`, nil},
		{`{"top_p": 7}`, "config.json: top_p is 7; want a number from 0 to 1", nil},
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
		{`{"stop_strings": [1]}`, "stop_strings is [1], neither a string nor an array of strings"},
		{`{} {}`, "there is something after the object"},
		{`{"top_k": 1.5}`, `"top_k" is 1.5, not a whole number`},
		{`{"eos_token_id": "x"}`, `"x" is no token id`},
		{`{"eos_token_id": [1, -1]}`, `-1 is no token id`},
		{`{"eos_token_id": 1.5}`, `1.5 is no token id`},
		{`{"suppress_tokens": [5000000000]}`, `5000000000 is no token id`},
		{`{"sequence_bias": [[4, 5]]}`, `[4, 5] is no pair of a list of ids and a number`},
		{`{"exponential_decay_length_penalty": [1.5, 2]}`, `[1.5, 2] is no pair of a number of tokens and a factor`},
		{`{"temperature": -1}`, "the temperature is -1; want a number above 0"},
		{`{"do_sample": true, "temperature": 0}`, "the temperature is 0; want a number above 0"},
		{`{"top_p": 2}`, "top_p is 2; want a number from 0 to 1"},
		{`{"typical_p": 0}`, "typical_p is 0; want a number from 5e-324 to 1"},
		{`{"top_k": -3}`, "top_k is -3; want a number from 0 to 2147483647"},
		{`{"bad_words_ids": [[]]}`, "bad_words_ids holds an empty sequence"},
		{`{"stop_strings": [""]}`, "stop_strings holds an empty text"},
		{`{"num_beams": 4}`, "num_beams asks for a way of generating that is not supported; without it, the tokens are others: take it out of the file if they may be"},
		{`{"penalty_alpha": 0.6}`, "penalty_alpha asks for a way of generating that is not supported; without it, the tokens are others: take it out of the file if they may be"},
		{`{"encoder_repetition_penalty": 1.1}`, "encoder_repetition_penalty asks for a way of generating that is not supported; without it, the tokens are others: take it out of the file if they may be"},
		{`{"encoder_no_repeat_ngram_size": 3}`, "encoder_no_repeat_ngram_size asks for a way of generating that is not supported; without it, the tokens are others: take it out of the file if they may be"},
		{`{"token_healing": true}`, "token_healing asks for a way of generating that is not supported; without it, the tokens are others: take it out of the file if they may be"},
		{`{"penalty_alpha": 0.6, "top_k": 4}`, "penalty_alpha asks for a way of generating that is not supported; without it, the tokens are others: take it out of the file if they may be"},
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

// FuzzParseConfig: every text is an error or a config that Check finds right.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"do_sample": true, "temperature": 0.6, "top_p": 0.9, "eos_token_id": [1, 2], "sequence_bias": [[[4, 5], -1.5]]}`))
	f.Add([]byte(`{"bad_words_ids": [[1], [2, 3]], "exponential_decay_length_penalty": [10, 1.5], "stop_strings": ["x"]}`))
	f.Add([]byte(`{"forced_eos_token_id": null, "forced_bos_token_id": 3, "num_beams": 1, "watermarking_config": null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := generate.ParseConfig(text)
		if err != nil {
			return
		}
		if err := c.Check(math.MaxInt32); err != nil {
			t.Error(err)
		}
	})
}
