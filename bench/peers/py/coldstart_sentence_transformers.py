"""coldstart_sentence_transformers.py MODEL ONNX TEXT: one embedding with sentence-transformers. ONNX is not read."""

import sys

from sentence_transformers import SentenceTransformer

model, _, text = sys.argv[1:]
print(*SentenceTransformer(model, device="cpu").encode(text, normalize_embeddings=True))
