"""export_gguf.py MODEL OUT TYPE: writes a llama or gpt2 as OUT/TYPE.gguf, for llama.cpp.

TYPE is that of the matrices: f32, f16, bf16, or own for that of MODEL's files. Vectors are float32, as llama.cpp wants them.
There is no tokenizer in the file.
"""

import json
import os
import sys

import gguf
import torch
from safetensors.torch import load_file

model, out, kind = sys.argv[1:]
with open(os.path.join(model, "config.json"), encoding="utf-8") as f:
    config = json.load(f)
weights = {k.removeprefix("model.").removeprefix("transformer."): v
           for k, v in load_file(os.path.join(model, "model.safetensors")).items()}
TYPES = {"f32": (torch.float32, gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
         "f16": (torch.float16, gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
         "bf16": (torch.bfloat16, gguf.GGMLQuantizationType.BF16, gguf.LlamaFileType.MOSTLY_BF16)}


def put(name, t):
    if t.ndim == 1:
        g.add_tensor(name, t.float().contiguous().numpy())
        return
    dtype, gtype, _ = TYPES[kind] if kind != "own" else next(v for v in TYPES.values() if v[0] == t.dtype)
    g.add_tensor(name, gguf.quants.quantize(t.float().contiguous().numpy(), gtype), raw_dtype=gtype)


def interleave(t, heads):
    """Queries and keys: Transformers rotates the halves of a head, llama.cpp neighbours."""
    return t.reshape(heads, 2, -1, *t.shape[1:]).transpose(1, 2).reshape(t.shape)


os.makedirs(out, exist_ok=True)
path = os.path.join(out, kind + ".gguf")
g = gguf.GGUFWriter(path + ".part", config["model_type"])
g.add_tokenizer_model("none")
g.add_vocab_size(config["vocab_size"])
if config["model_type"] == "gpt2":
    layers, hidden = config["n_layer"], config["n_embd"]
    g.add_block_count(layers)
    g.add_context_length(config["n_positions"])
    g.add_embedding_length(hidden)
    g.add_feed_forward_length(config.get("n_inner") or 4 * hidden)
    g.add_head_count(config["n_head"])
    g.add_layer_norm_eps(config["layer_norm_epsilon"])
    top = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}
    inner = {"ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
             "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}
    blocks, parts = "h", ("weight", "bias")
elif config["model_type"] == "llama":
    layers, hidden, heads = config["num_hidden_layers"], config["hidden_size"], config["num_attention_heads"]
    rope = config.get("rope_parameters") or {}
    g.add_block_count(layers)
    g.add_context_length(config["max_position_embeddings"])
    g.add_embedding_length(hidden)
    g.add_feed_forward_length(config["intermediate_size"])
    g.add_head_count(heads)
    g.add_head_count_kv(config["num_key_value_heads"])
    g.add_layer_norm_rms_eps(config["rms_norm_eps"])
    g.add_rope_dimension_count(hidden // heads)
    g.add_rope_freq_base(rope.get("rope_theta") or config.get("rope_theta") or 10000.0)
    top = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}
    inner = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
             "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
             "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
    blocks, parts = "layers", ("weight",)
    for i in range(layers):
        for name, n in (("q", heads), ("k", config["num_key_value_heads"])):
            key = f"layers.{i}.self_attn.{name}_proj.weight"
            weights[key] = interleave(weights[key], n)
else:
    sys.exit(f"{config['model_type']} is not one of gpt2, llama")
g.add_file_type(next(v[2] for k, v in TYPES.items() if k == kind or kind == "own" and v[0] == weights[
    "wte.weight" if blocks == "h" else "embed_tokens.weight"].dtype))
for part in parts:
    for ours, theirs in top.items():
        if f"{ours}.{part}" in weights:
            put(f"{theirs}.{part}", weights[f"{ours}.{part}"])
    for i in range(layers):
        for ours, theirs in inner.items():
            t = weights[f"{blocks}.{i}.{ours}.{part}"]
            put(f"blk.{i}.{theirs}.{part}", t.T if blocks == "h" and t.ndim == 2 else t)
g.write_header_to_file()
g.write_kv_data_to_file()
g.write_tensors_to_file()
g.close()
os.rename(path + ".part", path)
