"""make_vit.py DIR [small]: writes a ViT-B/16, or a ViT-S/16, with random weights, always the same ones."""

import sys

import torch
import transformers

torch.manual_seed(2)
size = dict(hidden_size=384, num_attention_heads=6, intermediate_size=1536) if sys.argv[2:] == ["small"] else {}
transformers.ViTModel(transformers.ViTConfig(**size), add_pooling_layer=False).save_pretrained(sys.argv[1])
