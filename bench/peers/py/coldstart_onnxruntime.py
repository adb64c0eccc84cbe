"""coldstart_onnxruntime.py MODEL ONNX TEXT: one embedding with tokenizers and ONNX Runtime, as lean as Python can be."""

import sys

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

model, onnx, text = sys.argv[1:]
tokenizer = Tokenizer.from_file(model + "/tokenizer.json")
tokenizer.no_padding()
ids = np.array([tokenizer.encode(text).ids], np.int64)
session = ort.InferenceSession(onnx + "/fused.onnx", providers=["CPUExecutionProvider"])
inputs = {"input_ids": ids, "attention_mask": ids * 0 + 1, "token_type_ids": ids * 0}
hidden = session.run(None, {i.name: inputs[i.name] for i in session.get_inputs()})[0]
vector = hidden[0].mean(0)
print(*(vector / np.linalg.norm(vector)))
