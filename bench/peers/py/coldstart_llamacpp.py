"""coldstart_llamacpp.py GGUF MODEL TEXT: the first token after a text by llama.cpp, as lean as Python can be.

The file has no tokenizer: the ids are made by tokenizers.
"""

import time

begun = time.perf_counter()

import ctypes
import sys

import llama_cpp as lc
import numpy as np
from tokenizers import Tokenizer

phases = []


def phase(name):
    """Ends a phase."""
    global begun
    now = time.perf_counter()
    phases.append(f"phase {name}={1e3 * (now - begun):.3f}")
    begun = now


gguf, model_dir, text = sys.argv[1:]
phase("imports")
ids = np.array(Tokenizer.from_file(model_dir + "/tokenizer.json").encode(text).ids, np.int32)
phase("tokenizer")
silent = lc.llama_log_callback(lambda *_: None)
lc.llama_log_set(silent, ctypes.c_void_p(0))
lc.llama_backend_init()
params = lc.llama_model_default_params()
params.n_gpu_layers = 0
model = lc.llama_model_load_from_file(gguf.encode(), params)
options = lc.llama_context_default_params()
options.n_ctx = 512
context = lc.llama_init_from_model(model, options)
phase("open: weights and context")
if lc.llama_decode(context, lc.llama_batch_get_one(ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)), len(ids))):
    raise SystemExit("llama_decode failed")
vocab = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(model))
token = np.ctypeslib.as_array(lc.llama_get_logits_ith(context, -1), (vocab,)).argmax()
phase("prompt and choice")
print(token, flush=True)
print("\n".join(phases))
