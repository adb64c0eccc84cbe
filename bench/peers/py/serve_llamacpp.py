"""llama.cpp, by llama-cpp-python's ctypes interface, on a GGUF file that export_gguf.py wrote."""

import peer

a = peer.arguments(gguf="the model's file")

import ctypes

import llama_cpp as lc
import numpy as np

silent = lc.llama_log_callback(lambda *_: None)
lc.llama_log_set(silent, ctypes.c_void_p(0))
lc.llama_backend_init()
model_params = lc.llama_model_default_params()
model_params.n_gpu_layers = 0
model = lc.llama_model_load_from_file(a.gguf.encode(), model_params)
if not model:
    raise SystemExit("cannot load " + a.gguf)
vocab = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(model))
context = None


def decode(ids):
    batch = lc.llama_batch_get_one(ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)), len(ids))
    if lc.llama_decode(context, batch):
        raise SystemExit("llama_decode failed")


def prepare(kind, prompt, more=0):
    global context
    if context:
        lc.llama_free(context)
    p = lc.llama_context_default_params()
    p.n_ctx = prompt + more + 8
    p.n_batch = p.n_ubatch = 512 if kind == "prefill" or prompt else 32
    p.type_k = p.type_v = lc.GGML_TYPE_F32 if a.kv == "f32" else lc.GGML_TYPE_F16
    p.n_threads = p.n_threads_batch = a.threads
    context = lc.llama_init_from_model(model, p)
    memory = lc.llama_get_memory(context)
    ids = peer.token_ids(a.model, 1, prompt + more)[0].astype(np.int32)

    def logits():
        return np.ctypeslib.as_array(lc.llama_get_logits_ith(context, -1), (vocab,))

    def fill():
        lc.llama_memory_clear(memory, False)
        for i in range(0, prompt, 512):
            decode(ids[i : min(i + 512, prompt)])
        return logits() if prompt else None

    if kind == "prefill":
        return fill
    fill()

    def run():
        lc.llama_memory_seq_rm(memory, 0, prompt, -1)
        for i in range(prompt, prompt + more):
            decode(ids[i : i + 1])
            logits().argmax()
        return logits()

    return run


peer.serve(prepare, lambda out: out)
