"""make_tinyllama.py DIR: writes a model of the shape of TinyLlama-1.1B with random weights in bfloat16, always the same ones:
config.json and model.safetensors."""

import sys

import torch
import transformers

torch.manual_seed(1)
torch.set_default_dtype(torch.bfloat16)
config = transformers.LlamaConfig(
    vocab_size=32000,
    hidden_size=2048,
    intermediate_size=5632,
    num_hidden_layers=22,
    num_attention_heads=32,
    num_key_value_heads=4,
    max_position_embeddings=2048,
    rms_norm_eps=1e-5,
)
transformers.LlamaForCausalLM(config).save_pretrained(sys.argv[1])
