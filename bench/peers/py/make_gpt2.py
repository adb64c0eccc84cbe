"""make_gpt2.py DIR: writes GPT-2 (124M) with random weights in float32, always the same ones: config.json and model.safetensors."""

import sys

import torch
import transformers

torch.manual_seed(1)
transformers.GPT2LMHeadModel(transformers.GPT2Config()).save_pretrained(sys.argv[1])
