"""Makes tiny/: a random BERT as a sentence-transformers repository, and what the Python libraries compute with it.

    pip install torch transformers sentence-transformers tokenizers safetensors
    python make.py

tiny/             the model as save_pretrained writes it, with a WordPiece tokenizer and mean pooling
tiny/expected.safetensors   inputs and outputs of two runs, computed in float64, stored as float32
tiny/case.json    how far PyTorch's float32 is from them
tiny/texts.json   texts, their embeddings by SentenceTransformer.encode, their tokens by the tokenizers library
"""

import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

here = pathlib.Path(__file__).parent / "tiny"
shutil.rmtree(here, ignore_errors=True)
here.mkdir()

words = "[PAD] [UNK] [CLS] [SEP] how do i can ##cel a request the context is done stop ##s cat sat on mat wait ##ing for it . , ? ! é".split()
letters = "abcdefghijklmnopqrstuvwxyz"
words = dict.fromkeys(words + list(letters) + ["##" + c for c in letters])
vocab = {w: i for i, w in enumerate(words)}
tok = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
tok.normalizer = normalizers.BertNormalizer(strip_accents=False)
tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tok.decoder = decoders.WordPiece()
tok.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
    special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])])
fast = PreTrainedTokenizerFast(tokenizer_object=tok, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]",
                               sep_token="[SEP]", model_max_length=24)

torch.manual_seed(3)
config = BertConfig(vocab_size=len(vocab), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                    intermediate_size=32, max_position_embeddings=32)
model = BertModel(config).eval()
with torch.no_grad():
    for p in model.parameters():
        p.mul_(8 if p.ndim > 1 else 1).add_(torch.randn_like(p) * 0.05)
model.save_pretrained(here)
fast.save_pretrained(here)

(here / "modules.json").write_text(json.dumps([
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}], indent=1) + "\n")
(here / "1_Pooling").mkdir()
(here / "1_Pooling" / "config.json").write_text(json.dumps(
    {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True}, indent=1) + "\n")
(here / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 24, "do_lower_case": False}) + "\n")
(here / "config_sentence_transformers.json").write_text(json.dumps(
    {"prompts": {"query": "how do i ", "document": ""}, "default_prompt_name": None, "similarity_fn_name": "cosine"},
    indent=1) + "\n")
(here / "README.md").write_text("""---
license: apache-2.0
language: en
pipeline_tag: sentence-similarity
---

# A tiny model for tests

Random weights.

## Limitations

It knows nothing,
and reads 24 tokens.
""")

inputs = {"input_ids": torch.randint(4, len(vocab), (2, 9)), "attention_mask": torch.ones(2, 9, dtype=torch.long)}
inputs["attention_mask"][1, 5:] = 0
runs = {"": inputs, "len3.": {"input_ids": torch.randint(4, len(vocab), (1, 3))}}
tensors, noise = {}, {}
for prefix, run in runs.items():
    with torch.no_grad():
        single = model(**run, output_hidden_states=True)
        double = BertModel.from_pretrained(here, dtype=torch.float64).eval()(**run, output_hidden_states=True)
    mask = run.get("attention_mask", torch.ones_like(run["input_ids"])).bool()
    pairs = {"last_hidden_state": (single.last_hidden_state, double.last_hidden_state),
             "pooler_output": (single.pooler_output, double.pooler_output)}
    if prefix == "":
        for i in range(2):
            pairs[f"hidden_states.{i}"] = (single.hidden_states[i], double.hidden_states[i])
    for name, (s, d) in pairs.items():
        diff = (s.double() - d).abs()
        noise[prefix + name] = (diff[mask] if d.ndim == 3 else diff).max().item()
        tensors[prefix + name] = d.float().contiguous()
    for name, t in run.items():
        tensors[prefix + name] = t.contiguous()
save_file(tensors, here / "expected.safetensors")
(here / "case.json").write_text(json.dumps({"noise_fp32": noise}, indent=1) + "\n")

st = SentenceTransformer(str(here), device="cpu").double()
texts = ["how do I cancel a request?", "The context is done.", "", "cat", "Stops waiting, café!",
         "the cat sat on the mat. " * 6]
tok = Tokenizer.from_file(str(here / "tokenizer.json"))  # with its special tokens
out = []
for text, vec, query in zip(texts, st.encode(texts), st.encode(texts, prompt_name="query")):
    e = tok.encode(text)
    out.append({"text": text, "embedding": [float(x) for x in vec], "embedding_query": [float(x) for x in query],
                "ids": e.ids, "ids_plain": tok.encode(text, add_special_tokens=False).ids, "tokens": e.tokens,
                "offsets_char": e.offsets, "decoded": tok.decode(e.ids)})
(here / "texts.json").write_text(json.dumps(out, indent=None, ensure_ascii=False) + "\n")
