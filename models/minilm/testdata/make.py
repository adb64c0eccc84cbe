"""Makes reference.safetensors: the embeddings of texts.json by sentence-transformers in float64, from the original float32 weights.

    ../fetch.sh DIR
    pip install torch==2.8.0 transformers==5.23.0 sentence-transformers==6.2.0
    python make.py DIR
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer

here = pathlib.Path(__file__).parent
texts = json.loads((here / "texts.json").read_text())
model = SentenceTransformer(sys.argv[1], device="cpu").double()
out = {}
for name in ("passages", "queries"):
    # One text at a time: no padding, nothing to mask.
    rows = [model.encode([t], convert_to_tensor=True)[0] for t in texts[name]]
    out[name] = torch.stack(rows).float().contiguous()
save_file(out, here / "reference.safetensors")
best = (out["queries"] @ out["passages"].T).argmax(1).tolist()
for q, p in zip(texts["queries"], best):
    print(f"{q}\n    -> {texts['passages'][p]}")
