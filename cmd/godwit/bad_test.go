package main

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/godwit-ml/godwit/loader"
	"github.com/godwit-ml/godwit/tensor"
)

// writeTensors writes a safetensors file in dir and returns its path.
func writeTensors(t *testing.T, dir string, tensors map[string]tensor.Tensor) string {
	t.Helper()
	path := filepath.Join(dir, "tensors.safetensors")
	if err := loader.WriteFile(path, tensors, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

// safetensors returns a file with the given header and as many bytes of data.
func safetensors(header string, data int) string {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return string(b) + header + strings.Repeat("\x00", data)
}

// A badCase changes one thing about tiny, gives something wrong to a command, and knows the one line that it answers.
type badCase struct {
	name   string
	files  map[string]string // replaced in a copy of tiny, at DIR/model; "-" removes, others are written
	stdin  string
	args   string // separated by |
	code   int
	want   string // on stderr
	inside bool   // whether it is about the model inside the binary
}

var badCases = []badCase{
	// Usage: exit code 2.
	{name: "no such command",
		args: "serch|x", code: 2,
		want: `unknown command "serch" for "godwit"; did you mean "search"? (see godwit --help)`},
	{name: "no such flag", args: "embed|--mode|x", code: 2, want: `unknown flag: --mode (see godwit embed --help)`},
	{name: "a flag without value",
		args: "embed|--model", code: 2,
		want: `flag needs an argument: --model (see godwit embed --help)`},
	{name: "a value that is no number", args: "embed|--threads|two", code: 2,
		want: `invalid argument "two" for "--threads" flag (see godwit embed --help)`},
	{name: "too few arguments",
		args: "search|query", code: 2,
		want: `search needs QUERY PATH... (see godwit search --help)`},
	{name: "too many arguments", args: "inspect|a|b", code: 2, want: `inspect takes MODEL, and "b" is too much (see godwit inspect --help)`},
	{name: "help for no command", args: "help|nope", code: 2, want: `unknown command "nope" (see godwit --help)`},
	{name: "completion for no shell",
		args: "completion|csh", code: 2,
		want: `unknown command "csh" for "godwit completion" (see godwit completion --help)`},
	{name: "unknown format",
		args: "embed|--format|csv|x", code: 2,
		want: `--format is "csv", must be jsonl, npy or safetensors (see godwit embed --help)`},
	{name: "unknown input",
		args: "embed|--input|csv|x", code: 2,
		want: `--input is "csv", must be text or jsonl (see godwit embed --help)`},
	{name: "batch of none",
		args: "embed|--batch-size|0|x", code: 2,
		want: `--batch-size is 0, must be from 1 to 65536 (see godwit embed --help)`},
	{name: "threads below zero",
		args: "embed|--model|DIR/model|--threads|-1|x", code: 2,
		want: `--threads is -1, must be from 0 to 1024 (see godwit embed --help)`},
	{name: "threads beyond reason",
		args: "embed|--model|DIR/model|--threads|100000|x", code: 2,
		want: `--threads is 100000, must be from 0 to 1024 (see godwit embed --help)`},
	{name: "arguments and a file",
		args: "embed|--file|-|x", code: 2,
		want: `texts are given both as arguments and by --file (see godwit embed --help)`},
	{name: "argument not UTF-8",
		args: "similarity|a|\xff", code: 2,
		want: `text 2 is not valid UTF-8 (see godwit similarity --help)`},
	{name: "empty query", args: "search| |DIR", code: 2, want: `the query is empty (see godwit search --help)`},
	{name: "no output named",
		args: "forward|DIR/model|--in|x", code: 2,
		want: `forward needs both --in and --out (see godwit forward --help)`},
	{name: "an argument that is no JSON",
		args: "forward|DIR/model|--in|x|--out|y|--set|interpolate_pos_encoding=yes", code: 2,
		want: `--set is "interpolate_pos_encoding=yes", must be NAME=true, NAME=false or NAME=NUMBER (see godwit forward --help)`},
	{name: "tolerance",
		args: "verify|DIR/model|x|--tolerance|NaN", code: 2,
		want: `--tolerance is NaN, must be above 0 (see godwit verify --help)`},
	{name: "max length",
		args: "tokenize|DIR/model|x|--max-length|0", code: 2,
		want: `--max-length is 0, less than 1 (see godwit tokenize --help)`},

	{name: "template without model", args: "template", code: 2, want: `template needs MODEL, or --jsonl (see godwit template --help)`},
	{name: "template with model and lines", args: "template|m|--jsonl", code: 2,
		want: `with --jsonl the templates are in the input, and "m" is too much (see godwit template --help)`},
	{name: "template with two sources of messages", args: "template|m|--user|a|--file|-", code: 2,
		want: `messages are given both by --user or --system and by --file (see godwit template --help)`},
	{name: "template with a system message alone", args: "template|m|--system|a", code: 2, want: `--system needs --user (see godwit template --help)`},
	{name: "template with a variable that is no JSON", args: "template|DIR/t.jinja|--user|a|--set|x=yes", code: 2,
		files: map[string]string{"../t.jinja": "x"},
		want:  `--set x: yes is not JSON: invalid character 'y' looking for beginning of value (a string needs quotes) (see godwit template --help)`},
	{name: "template with a nameless variable", args: "template|DIR/t.jinja|--user|a|--set|x", code: 2,
		files: map[string]string{"../t.jinja": "x"}, want: `--set is "x", must be name=JSON (see godwit template --help)`},

	{name: "a context of less than nothing", args: "generate|--context-length|-1|x", code: 2,
		want: "--context-length is -1, must be from 0 to 2147483647 (see godwit generate --help)"},
	{name: "pieces of less than nothing", args: "chat|DIR/model|--prefill-chunk|-1", code: 2,
		want: "--prefill-chunk is -1, must be from 0 to 2147483647 (see godwit chat --help)"},
	{name: "chat without model", args: "chat", code: 2, want: "chat needs MODEL (see godwit chat --help)"},
	{name: "chat with an encoder", args: "chat|DIR/model", code: 1,
		want: "DIR/model: BertModel does not generate text; models of a class ...ForCausalLM or ...LMHeadModel do"},

	// Chat templates.
	{name: "no chat template", args: "template|DIR/model|--user|a", code: 1, want: "DIR/model: the model has no chat template"},
	{name: "a template that is none", args: "template|DIR/t.jinja|--user|a", code: 1,
		files: map[string]string{"../t.jinja": "a\n{% if x %}"},
		want:  "DIR/t.jinja: line 2: Unexpected end of template. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'."},
	{name: "messages that a template refuses", args: "template|DIR/t.jinja|--user|a", code: 1,
		files: map[string]string{"../t.jinja": "\n{{ raise_exception('no ' ~ messages[0].role) }}"},
		want:  "DIR/t.jinja: the template refuses these messages (line 2): no user"},
	{name: "messages that a template does not know", args: "template|DIR/t.jinja|--user|a", code: 1,
		files: map[string]string{"../t.jinja": "{{ messages[0].x.y }}"},
		want:  "DIR/t.jinja: the template fails on these messages (line 1): UndefinedError: 'dict object' has no attribute 'x'"},
	{name: "no template of that name", args: "template|DIR/t.jinja|--user|a|--name|rag", code: 1,
		files: map[string]string{"../t.jinja": "x"}, want: `DIR/t.jinja: the model has no chat template "rag"; it has default`},
	{name: "messages not JSON", stdin: "[", args: "template|DIR/t.jinja", code: 1,
		files: map[string]string{"../t.jinja": "x"}, want: "standard input: not JSON: unexpected end of JSON input"},
	{name: "messages not a list", stdin: "1", args: "template|DIR/t.jinja", code: 1,
		files: map[string]string{"../t.jinja": "x"}, want: "standard input: not a list of messages"},
	{name: "a message that is none", stdin: `[{"role": "user"}, "a"]`, args: "template|DIR/t.jinja", code: 1,
		files: map[string]string{"../t.jinja": "x"}, want: "standard input: message 2 is not a JSON object"},
	{name: "an object without messages", stdin: `{}`, args: "template|DIR/t.jinja", code: 1,
		files: map[string]string{"../t.jinja": "x"}, want: `standard input: the object has no "messages"`},
	{name: "no message", stdin: `[]`, args: "template|DIR/t.jinja", code: 1,
		files: map[string]string{"../t.jinja": "x"}, want: "DIR/t.jinja: the conversation is empty; it needs one message at least"},
	{name: "no file of tools", args: "template|DIR/t.jinja|--user|a|--tools|DIR/none", code: 1,
		files: map[string]string{"../t.jinja": "x"}, want: "DIR/none: no such file or directory"},
	{name: "a line without template", stdin: "{\"template\": \"\", \"messages\": []}\n{}\n", args: "template|--jsonl", code: 1,
		want: `standard input: line 2: the object has no "template"`},
	{name: "a line of another shape", stdin: "[]\n", args: "template|--jsonl", code: 1,
		want: `standard input: line 1: not a JSON object with template and messages: it is a JSON array`},

	// Texts.
	{name: "line not UTF-8", stdin: "a\nb\xff\n",
		args: "embed|--model|DIR/model", code: 1,
		want: "standard input: line 2: not valid UTF-8"},
	{name: "malformed JSON line", stdin: "{\"text\":\"a\"}\n\n{\"text\":\"b\"\n",
		args: "tokenize|DIR/model|--jsonl", code: 1,
		want: `standard input: line 3: not a JSON object with a "text": unexpected end of JSON input`},
	{name: "JSON of another shape", stdin: "[1]\n", args: "tokenize|DIR/model|--jsonl", code: 1,
		want: `standard input: line 1: not a JSON object with a "text": it is a JSON array`},
	{name: "JSON without a text", stdin: "{\"text\":\"a\"}\n{\"txt\":\"b\"}\n",
		args: "embed|--model|DIR/model|--input|jsonl", code: 1,
		want: `standard input: line 2: the object has no "text"`},
	{name: "no such text file",
		args: "embed|--model|DIR/model|--file|DIR/none", code: 1,
		want: "DIR/none: no such file or directory"},
	{name: "a folder of texts", args: "embed|--model|DIR/model|--file|DIR", code: 1, want: "DIR: is a directory"},
	{name: "unknown prompt", args: "embed|--model|DIR/model|--prompt-name|x|a", code: 1,
		want: `the model has no prompt "x"; it has document, query`},
	{name: "output into nowhere",
		args: "embed|--model|DIR/model|--out|DIR/none/x|a", code: 1,
		want: "DIR/none/x: no such file or directory"},
	{name: "no room for special tokens", args: "tokenize|DIR/model|a|--max-length|1", code: 1,
		want: "text 1: tokenizer: 2 special tokens do not fit into the limit of 1"},

	// Models.
	{name: "no such folder", args: "inspect|DIR/none", code: 1, want: "there is no folder DIR/none"},
	{name: "a file for a model", args: "inspect|DIR/model/config.json", code: 1,
		want: "DIR/model/config.json is a file; a model is the folder with its config.json"},
	{name: "no config", files: map[string]string{"config.json": "-"}, args: "embed|--model|DIR/model|a", code: 1,
		want: "DIR/model: config.json is not there (file does not exist): is this the folder of a model?"},
	{name: "config not JSON",
		files: map[string]string{"config.json": "{\"model_type\": \"bert\",\n oops}"},
		args:  "embed|--model|DIR/model|a", code: 1,
		want: "DIR/model: config.json: invalid character 'o' looking for beginning of object key string"},
	{name: "config without type",
		files: map[string]string{"config.json": "{}"},
		args:  "embed|--model|DIR/model|a", code: 1,
		want: "DIR/model: config.json has no model_type"},
	{name: "unknown model_type",
		files: map[string]string{"config.json": `{"model_type": "mamba"}`},
		args:  "embed|--model|DIR/model|a", code: 1,
		want: `DIR/model: config.json: model_type "mamba" is not supported; supported are beit, bert, bloom, camembert, clip, clip_text_model, clip_vision_model, cohere, deit, dinov2, dinov2_with_registers, dinov3_vit, distilbert, falcon, gemma, gemma2, gemma3_text, gpt2, gpt_neo, gpt_neox, gptj, granite, llama, mistral, mixtral, mpnet, olmo2, opt, phi, phi3, qwen2, qwen2_moe, qwen3, qwen3_moe, roberta, siglip, siglip_text_model, siglip_vision_model, smollm3, stablelm, starcoder2, swin, vit, xlm-roberta`},
	{name: "siglip2 of any aspect",
		files: map[string]string{"config.json": `{"model_type": "siglip2"}`},
		args:  "embed|--model|DIR/model|a", code: 1,
		want: `DIR/model: config.json: model_type "siglip2" is SigLIP 2 for images of any aspect (NaFlex), which is not supported; its ` +
			`models for one size of images, whose model_type is siglip, are`},
	{name: "config with a wrong type",
		files: map[string]string{"config.json": `{"model_type": "bert", "hidden_size": "16"}`},
		args:  "embed|--model|DIR/model|a", code: 1,
		want: `DIR/model: config.json: "hidden_size" is a string, not a whole number`},
	{name: "heads that do not divide",
		files: map[string]string{"config.json": `{"model_type": "bert", "vocab_size": 79, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 32, "max_position_embeddings": 32}`},
		args:  "embed|--model|DIR/model|a", code: 1,
		want: "DIR/model: config.json: hidden_size 16 is not a multiple of num_attention_heads 3"},
	{name: "no weights", files: map[string]string{"model.safetensors": "-"}, args: "embed|--model|DIR/model|a", code: 1,
		want: "DIR/model: loader: neither model.safetensors nor model.safetensors.index.json is there (file does not exist): is this the folder of a model?"},
	{name: "weights empty", files: map[string]string{"model.safetensors": ""}, args: "inspect|DIR/model", code: 1,
		want: "DIR/model: loader: model.safetensors: the file has 0 bytes; a safetensors file begins with the 8-byte length of its header"},
	{name: "header beyond the file",
		files: map[string]string{"model.safetensors": "\xff\x00\x00\x00\x00\x00\x00\x00{}"},
		args:  "inspect|DIR/model", code: 1,
		want: "DIR/model: loader: model.safetensors: the file is cut short: its header takes 255 bytes, but only 2 follow its length"},
	{name: "huge header",
		files: map[string]string{"model.safetensors": "\xff\xff\xff\xff\xff\xff\xff\xff{}"},
		args:  "inspect|DIR/model", code: 1,
		want: "DIR/model: loader: model.safetensors: the header's length is given as 18446744073709551615, the limit is 100000000; this is not a safetensors file"},
	{name: "header not JSON",
		files: map[string]string{"model.safetensors": safetensors("{oops", 0)},
		args:  "inspect|DIR/model", code: 1,
		want: "DIR/model: loader: model.safetensors: header: not valid JSON at byte 1: invalid character 'o'"},
	{name: "shape not a number",
		files: map[string]string{"model.safetensors": safetensors(`{"w":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}`, 4)},
		args:  "inspect|DIR/model", code: 1,
		want: `DIR/model: loader: model.safetensors: header: tensor "w": shape: not valid JSON at byte 29: invalid character 'N' looking for beginning of value`},
	{name: "shape below zero",
		files: map[string]string{"model.safetensors": safetensors(`{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4)},
		args:  "inspect|DIR/model", code: 1,
		want: `DIR/model: loader: model.safetensors: header: tensor "w": shape: -1 is not an integer from 0 to 9223372036854775807`},
	{name: "shape beyond all memory",
		files: map[string]string{"model.safetensors": safetensors(`{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}`, 4)},
		args:  "inspect|DIR/model", code: 1,
		want: `DIR/model: loader: model.safetensors: header: tensor "w": shape [4294967296 4294967296] is too large`},
	{name: "shape and data differ",
		files: map[string]string{"model.safetensors": safetensors(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4)},
		args:  "inspect|DIR/model", code: 1,
		want: `DIR/model: loader: model.safetensors: header: tensor "w": F32 of shape [2] takes 8 bytes, but its data_offsets span 4`},
	{name: "unknown dtype",
		files: map[string]string{"model.safetensors": safetensors(`{"w":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}`, 4)},
		args:  "inspect|DIR/model", code: 1,
		want: `DIR/model: loader: model.safetensors: header: tensor "w": dtype: "F31" is not a type of safetensors`},
	{name: "data cut short",
		files: map[string]string{"model.safetensors": safetensors(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 7)},
		args:  "inspect|DIR/model", code: 1,
		want: "DIR/model: loader: model.safetensors: the file is cut short: its tensors take 8 bytes, but only 7 are there"},
	{name: "overlap",
		files: map[string]string{"model.safetensors": safetensors(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12)},
		args:  "inspect|DIR/model", code: 1,
		want: `DIR/model: loader: model.safetensors: tensors "a" and "b" overlap: bytes 0 to 8 and 4 to 12`},
	{name: "a name twice",
		files: map[string]string{"model.safetensors": safetensors(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8)},
		args:  "inspect|DIR/model", code: 1,
		want: `DIR/model: loader: model.safetensors: header: the name "a" stands there twice`},
	{name: "shards missing",
		files: map[string]string{"model.safetensors": "-", "model.safetensors.index.json": `{"weight_map": {"w": "none.safetensors"}}`},
		args:  "inspect|DIR/model", code: 1,
		want: "DIR/model: loader: none.safetensors: no such file or directory: it is file 1 of the 1 that model.safetensors.index.json lists"},
	{name: "shards outside the folder",
		files: map[string]string{"model.safetensors": "-", "model.safetensors.index.json": `{"weight_map": {"w": "../x.safetensors"}}`},
		args:  "inspect|DIR/model", code: 1,
		want: `DIR/model: loader: model.safetensors.index.json: tensor "w": "../x.safetensors" is not a file in the model's folder`},
	{name: "tokenizer not JSON", files: map[string]string{"tokenizer.json": "{"}, args: "tokenize|DIR/model|a", code: 1,
		want: "DIR/model: tokenizer: tokenizer.json: the file (byte 0): the file ends in the middle of a value: want a string"},
	{name: "tokenizer of an embedding model", files: map[string]string{"tokenizer.json": "{"}, args: "embed|--model|DIR/model|a", code: 1,
		want: "DIR/model: tokenizer: tokenizer.json: the file (byte 0): the file ends in the middle of a value: want a string"},
	{name: "tokenizer of an unknown kind",
		files: map[string]string{"tokenizer.json": `{"model": {"type": "Magic", "vocab": {}}}`},
		args:  "tokenize|DIR/model|a", code: 1,
		want: `DIR/model: tokenizer: tokenizer.json: model.type (byte 19): model "Magic" is not supported; supported are BPE, Unigram, WordLevel, WordPiece`},
	{name: "no tokenizer", files: map[string]string{"tokenizer.json": "-"}, args: "tokenize|DIR/model|a", code: 1,
		want: "DIR/model: tokenizer: the folder has no tokenizer.json, no vocab.txt, and no vocab.json with merges.txt; download what the model's page has of them"},
	{name: "pooling unknown",
		files: map[string]string{"1_Pooling/config.json": `{"word_embedding_dimension": 16, "pooling_mode": "median"}`},
		args:  "embed|--model|DIR/model|a", code: 1,
		want: `it is no model of sentence embeddings: 1_Pooling/config.json: the pooling mode "median" is not known; known are cls, lasttoken, max, mean, mean_sqrt_len_tokens, weightedmean`},
	{name: "modules not JSON", files: map[string]string{"modules.json": `[`}, args: "embed|--model|DIR/model|a", code: 1,
		want: "DIR/model: modules.json: unexpected end of JSON input"},

	// Tensors.
	{name: "no such input",
		args: "forward|DIR/model|--in|DIR/none|--out|DIR/y", code: 1,
		want: "DIR/none: no such file or directory"},
	{name: "a folder for an input",
		args: "forward|DIR/model|--in|DIR|--out|DIR/y", code: 1,
		want: "DIR: is not a regular file"},
	{name: "no input_ids",
		files: map[string]string{"../x": tensorFile("input_id", 0, 1)},
		args:  "forward|DIR/model|--in|DIR/x|--out|DIR/y", code: 1,
		want: `input "input_id" is not known; a text model takes input_ids, attention_mask, token_type_ids, position_ids`},
	{name: "an id outside the vocabulary",
		files: map[string]string{"../x": tensorFile("input_ids", 79, 1)},
		args:  "forward|DIR/model|--in|DIR/x|--out|DIR/y", code: 1,
		want: "input_ids holds 79; the vocabulary has 79 tokens"},
	{name: "an id below zero",
		files: map[string]string{"../x": tensorFile("input_ids", -1, 1)},
		args:  "forward|DIR/model|--in|DIR/x|--out|DIR/y", code: 1,
		want: "input_ids holds -1; the vocabulary has 79 tokens"},
	{name: "an argument that nobody knows",
		files: map[string]string{"../x": tensorFile("input_ids", 5, 1)},
		args:  "forward|DIR/model|--in|DIR/x|--out|DIR/y|--set|interpolate_pos_encoding=true", code: 1,
		want: `argument "interpolate_pos_encoding" is not known; the model takes none`},
	{name: "a sequence too long",
		files: map[string]string{"../x": tensorFile("input_ids", 5, 33)},
		args:  "forward|DIR/model|--in|DIR/x|--out|DIR/y", code: 1,
		want: "sequence 0 has 33 tokens; the model takes at most 32"},
	{name: "verify of a run that fails",
		files: map[string]string{"../x": safetensors(`{"long.input_ids":{"dtype":"I64","shape":[1,33],"data_offsets":[0,264]},`+
			`"long.logits":{"dtype":"F32","shape":[1],"data_offsets":[264,268]}}`, 268)},
		args: "verify|DIR/model|DIR/x", code: 1,
		want: `run "long": sequence 0 has 33 tokens; the model takes at most 32`},
	{name: "verify without inputs",
		files: map[string]string{"../x": tensorFile("logits", 5, 1)},
		args:  "verify|DIR/model|DIR/x", code: 1,
		want: "there is no input_ids and no pixel_values among the 1 tensors: nothing to run"},
	{name: "a case.json that is none",
		files: map[string]string{"../x": tensorFile("input_ids", 5, 1), "../case.json": "{"},
		args:  "verify|DIR/model|DIR/x", code: 1,
		want: "DIR/case.json: unexpected end of JSON input"},

	// Search.
	{name: "no such folder to search",
		args: "search|--model|DIR/model|q|DIR/none", code: 1,
		want: "DIR/none: no such file or directory"},
	{name: "nothing to search",
		files: map[string]string{"../e/x.txt": " \n"},
		args:  "search|--model|DIR/model|q|DIR/e", code: 1,
		want: "there is no text to search in DIR/e"},
	{name: "an index in no folder", args: "search|--model|DIR/model|q|DIR/model|--index|DIR/none/x", code: 1, want: "DIR/none/x: no such file or directory"},
	{name: "a folder for an index",
		args: "search|--model|DIR/model|q|DIR/model|--index|DIR", code: 1,
		want: "DIR: is a folder, not an index file"},

	// Images.
	{name: "no image",
		args: "preprocess|DIR/model|--out|DIR/y", code: 2,
		want: `preprocess needs MODEL IMAGE... --out FILE (see godwit preprocess --help)`},
	{name: "no output for pixels",
		args: "preprocess|DIR/model|x.png", code: 2,
		want: `preprocess needs --out (see godwit preprocess --help)`},
	{name: "pixels below zero",
		args: "preprocess|DIR/model|x.png|--out|DIR/y|--max-pixels|0", code: 2,
		want: `--max-pixels is 0, less than 1 (see godwit preprocess --help)`},
	{name: "a model without a processor",
		args: "preprocess|DIR/model|x.png|--out|DIR/y", code: 1,
		want: "DIR/model: imageproc: preprocessor_config.json is not there: is this the folder of a model for images?"},
	{name: "processor not JSON",
		files: map[string]string{"preprocessor_config.json": "{"},
		args:  "preprocess|DIR/model|x.png|--out|DIR/y", code: 1,
		want: "DIR/model: imageproc: preprocessor_config.json: unexpected end of JSON input"},
	{name: "processor not known",
		files: map[string]string{"preprocessor_config.json": `{"image_processor_type": "SamImageProcessor"}`},
		args:  "preprocess|DIR/model|x.png|--out|DIR/y", code: 1,
		want: `DIR/model: imageproc: preprocessor_config.json: image_processor_type "SamImageProcessor" is not supported; supported are ` +
			`BeitImageProcessor, BitImageProcessor, BlipImageProcessor, CLIPImageProcessor, ChineseCLIPImageProcessor, ConvNextImageProcessor, ` +
			`DINOv3ViTImageProcessor, DeiTImageProcessor, MobileNetV1ImageProcessor, PvtImageProcessor, SiglipImageProcessor, ViTImageProcessor`},
	{name: "processor of any aspect",
		files: map[string]string{"preprocessor_config.json": `{"image_processor_type": "Siglip2ImageProcessorFast"}`},
		args:  "preprocess|DIR/model|x.png|--out|DIR/y", code: 1,
		want: `DIR/model: imageproc: preprocessor_config.json: image_processor_type "Siglip2ImageProcessorFast" keeps the aspect of ` +
			`images (NaFlex), which is not supported`},
	{name: "size below zero",
		files: map[string]string{"preprocessor_config.json": `{"image_processor_type": "ViTImageProcessor", "size": {"height": -1, "width": 3}}`},
		args:  "preprocess|DIR/model|x.png|--out|DIR/y", code: 1,
		want: `DIR/model: imageproc: preprocessor_config.json: size is {"height":-1,"width":3}, must be from 1 to 32768`},
	{name: "backend that is none",
		files: map[string]string{"preprocessor_config.json": vitProcessor},
		args:  "preprocess|DIR/model|x.png|--out|DIR/y|--backend|fast", code: 2,
		want: `--backend is "fast", must be pil or torchvision (see godwit preprocess --help)`},
	{name: "no such image",
		files: map[string]string{"preprocessor_config.json": vitProcessor},
		args:  "preprocess|DIR/model|DIR/none.png|--out|DIR/y", code: 1,
		want: "DIR/none.png: no such file or directory"},
	{name: "a folder for an image",
		files: map[string]string{"preprocessor_config.json": vitProcessor},
		args:  "preprocess|DIR/model|DIR|--out|DIR/y", code: 1,
		want: "DIR: is a folder, not a file"},
	{name: "a cold below zero", args: "generate|--temperature|-1|x", code: 2,
		want: "--temperature is -1, less than 0 (see godwit generate --help)"},
	{name: "greedy and drawn", args: "generate|--greedy|--temperature|2|x", code: 2,
		want: "--greedy and --temperature 2: one of them (see godwit generate --help)"},
	{name: "more at least than at most", args: "generate|-n|5|--min-new-tokens|6|x", code: 2,
		want: "--min-new-tokens is 6, more than --max-new-tokens, 5 (see godwit generate --help)"},
	{name: "a bias without number", args: "generate|--logit-bias|12|x", code: 2,
		want: `--logit-bias is "12", must be ID=NUMBER (see godwit generate --help)`},
	{name: "a bias that is not a number", args: "generate|--logit-bias|12=nan|x", code: 2,
		want: `--logit-bias is "12=nan", must be ID=NUMBER (see godwit generate --help)`},
	{name: "a bias of no token", inside: true, args: "generate|--logit-bias|99999=1|x", code: 1,
		want: "sequence_bias holds the id 99999; the vocabulary has 1280 tokens"},
	{name: "chat with a variable that is no JSON", args: "chat|DIR/model|--set|x=yes", code: 2,
		want: `--set x: yes is not JSON: invalid character 'y' looking for beginning of value (a string needs quotes) (see godwit chat --help)`},
	{name: "no texts to generate", args: "generate|--samples|0|x", code: 2,
		want: "--samples is 0, less than 1 (see godwit generate --help)"},
	{name: "equal texts", inside: true, args: "generate|--greedy|--samples|2|x", code: 1,
		want: "2 samples are asked for, but the likeliest token is taken each time: they would be equal; draw tokens, as with a " +
			"temperature above 0, or ask for one"},
	{name: "logprobs as text", args: "generate|--logprobs|1|x", code: 2,
		want: "--logprobs needs --jsonl (see godwit generate --help)"},
	{name: "a probability above 1", inside: true, args: "generate|--top-p|2|x", code: 1,
		want: "top_p is 2; want a number from 0 to 1"},
	{name: "an empty prompt", inside: true, args: "generate", code: 1,
		want: "the prompt has no tokens; a model that puts none before a text needs a text to go on with"},
	{name: "generating by an encoder", args: "generate|--model|DIR/model|x", code: 1,
		want: "DIR/model: BertModel does not generate text; models of a class ...ForCausalLM or ...LMHeadModel do"},
	{name: "perplexity by an encoder", args: "perplexity|--model|DIR/model|x", code: 1,
		want: "DIR/model: BertModel does not generate text; models of a class ...ForCausalLM or ...LMHeadModel do"},
	{name: "a window of one", inside: true, args: "perplexity|--window|1|some text", code: 1,
		want: "the window is 1 and the stride 1, in tokens; want 1 ≤ stride < window"},
	{name: "an empty image",
		files: map[string]string{"preprocessor_config.json": vitProcessor},
		args:  "preprocess|DIR/model|-|--out|DIR/y", code: 1,
		want: "standard input: imageproc: the image is empty: 0 bytes"},
	{name: "no image format", stdin: "%PDF-1.7",
		files: map[string]string{"preprocessor_config.json": vitProcessor},
		args:  "preprocess|DIR/model|-|--out|DIR/y", code: 1,
		want: "standard input: imageproc: the format is not known: it begins with 25 50 44 46 2d 31 2e 37; known are JPEG, PNG, GIF, WebP, BMP and TIFF"},
	{name: "an image cut short", stdin: pixelPNG[:40],
		files: map[string]string{"preprocessor_config.json": vitProcessor},
		args:  "preprocess|DIR/model|-|--out|DIR/y", code: 1,
		want: "standard input: imageproc: PNG: the file is cut short"},
	{name: "images of two sizes", stdin: pixelPNG,
		files: map[string]string{"preprocessor_config.json": `{"image_processor_type": "ViTImageProcessor", "do_resize": false}`, "../x.gif": rowGIF},
		args:  "preprocess|DIR/model|-|DIR/x.gif|--out|DIR/y", code: 1,
		want: "- gives 1 x 1 values, and DIR/x.gif 1 x 2: one tensor cannot hold both"},
}

// vitProcessor is a processor's configuration; pixelPNG is an image of one red pixel, rowGIF one of two.
const (
	vitProcessor = `{"image_processor_type": "ViTImageProcessor", "size": 4}`
	pixelPNG     = "\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde" +
		"\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82"
	rowGIF = "GIF87a\x02\x00\x01\x00\x81\x00\x00\x01\x02\x03\xff\x00\x00\x00\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x02\x00\x01\x00\x00\x08\x05\x00\x01\x04\x08\x08\x00;"
)

// tensorFile returns a safetensors file with one I64 tensor [1, n] that holds v everywhere.
func tensorFile(name string, v int64, n int) string {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = v
	}
	var b bytes.Buffer
	if err := loader.Write(&b, map[string]tensor.Tensor{name: tensor.FromInt64(ids, 1, n)}, nil); err != nil {
		panic(err)
	}
	return b.String()
}

// copyModel copies tiny to dir/model.
func copyModel(t *testing.T, dir string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(dir, "model"), os.DirFS(tiny)); err != nil {
		t.Fatal(err)
	}
}

func TestBadInput(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system's error texts differ")
	}
	for _, tt := range slices.Concat(badCases, badImageCases) {
		t.Run(tt.name, func(t *testing.T) {
			if tt.inside && embeddedTextModel() == nil {
				t.Skip("built without the model tiny")
			}
			dir := t.TempDir()
			copyModel(t, dir)
			for name, text := range tt.files {
				path := filepath.Join(dir, "model", filepath.FromSlash(name))
				if text == "-" {
					if err := os.Remove(path); err != nil {
						t.Fatal(err)
					}
					continue
				}
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			args := strings.Split(strings.ReplaceAll(tt.args, "DIR", dir), "|")
			out, errs, code := command(t, dir, tt.stdin, args...)
			if want := "godwit: " + tt.want + "\n"; code != tt.code || errs != want {
				t.Errorf("exit code %d want %d\ngot  %swant %s", code, tt.code, errs, want)
			}
			if strings.Contains(out, "Usage:") {
				t.Errorf("the output is a usage text: %s", out)
			}
			if _, err := os.Stat(filepath.Join(dir, "y")); err == nil {
				t.Error("an output was written")
			}
		})
	}
}

// TestMissingTensors checks the error that is a list: every tensor that does not fit, at once.
func TestMissingTensors(t *testing.T) {
	dir := t.TempDir()
	copyModel(t, dir)
	weights, err := readTensors(tiny + "/model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	w := maps.Clone(weights)
	delete(w, "encoder.layer.1.output.dense.bias")
	w["pooler.dense.weight"] = tensor.New(16, 8)
	w["extra"] = tensor.New(1)
	if err := loader.WriteFile(filepath.Join(dir, "model", "model.safetensors"), w, nil); err != nil {
		t.Fatal(err)
	}
	_, errs, code := command(t, dir, "", "embed", "--model", filepath.Join(dir, "model"), "a")
	want := `godwit: DIR/model: loader: model.safetensors does not fit the model (1 missing, 1 misshapen, 1 unused); do config.json and the weights belong together?
  missing: encoder.layer.1.output.dense.bias [16]
  misshapen: pooler.dense.weight: want [16 16], got [16 8]
  unused: extra [1]
`
	if code != 1 || errs != want {
		t.Errorf("exit code %d\ngot  %swant %s", code, errs, want)
	}
}

func TestNoPermission(t *testing.T) {
	dir := t.TempDir()
	copyModel(t, dir)
	path := filepath.Join(dir, "model", "model.safetensors")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err == nil {
		f.Close()
		t.Skip("this user may read everything")
	}
	_, errs, code := command(t, dir, "", "inspect", filepath.Join(dir, "model"))
	if code != 1 || !strings.HasSuffix(errs, fs.ErrPermission.Error()+"\n") || strings.Count(errs, "\n") != 1 {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestLongMessage: an error that shows a long value of a file is shortened.
func TestLongMessage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config.json": `{"model_type": "` + strings.Repeat("é", 10_000) + `"}`,
		"model.safetensors": safetensors(`{}`, 0)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, errs, code := command(t, filepath.Dir(dir), "", "generate", "--model", dir, "a")
	if begin, end := `godwit: DIR/model: config.json: model_type "éé`, ", xlm-roberta\n"; code != 1 || len(errs) > 3000 ||
		!strings.HasPrefix(errs, begin) || !strings.HasSuffix(errs, end) || !strings.Contains(errs, "é [") || !utf8.ValidString(errs) {
		t.Errorf("exit code %d\ngot  %s", code, errs)
	}
}
