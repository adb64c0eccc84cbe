"""make_bert.py DIR: writes a BERT-base with random weights, always the same ones: config.json and model.safetensors."""

import sys

import torch
import transformers

torch.manual_seed(1)
transformers.BertModel(transformers.BertConfig(), add_pooling_layer=False).save_pretrained(sys.argv[1])
