"""ONNX Runtime, float32, on the graph that its transformer optimiser fused, or that is built of its fused operators."""

import os

import peer

a = peer.arguments()

import onnxruntime as ort

options = ort.SessionOptions()
options.intra_op_num_threads = a.threads
options.inter_op_num_threads = 1
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
options.log_severity_level = 3
session = ort.InferenceSession(os.path.join(a.onnx, "fused.onnx"), options, providers=["CPUExecutionProvider"])


def decoder(prompt, more):
    """GPT-2: see export_gpt2.py. Keys and values stay in buffers that input and output share."""
    import numpy as np

    ids = peer.token_ids(a.model, 1, prompt + more)
    positions = np.arange(prompt + more, dtype=np.int64)[None]
    binding = session.io_binding()
    room = None
    for i in session.get_inputs():
        if i.name.startswith("past"):
            room = ort.OrtValue.ortvalue_from_numpy(np.zeros((1, i.shape[1], prompt + more, i.shape[3]), np.float32))
            binding.bind_ortvalue_input(i.name, room)
            binding.bind_ortvalue_output(i.name.replace("past", "present"), room)
    logits = ort.OrtValue.ortvalue_from_numpy(np.empty((1, session.get_outputs()[0].shape[1]), np.float32))
    binding.bind_ortvalue_output("logits", logits)

    def step(begin, end):
        binding.bind_cpu_input("input_ids", np.ascontiguousarray(ids[:, begin:end]))
        binding.bind_cpu_input("position_ids", np.ascontiguousarray(positions[:, begin:end]))
        binding.bind_cpu_input("last", np.array([end - 1], np.int32))
        binding.bind_cpu_input("total", np.array(end, np.int32))
        session.run_with_iobinding(binding)
        return logits.numpy()

    if not more:
        return lambda: step(0, prompt)
    if prompt:
        step(0, prompt)

    def run():
        for i in range(prompt, prompt + more):
            out = step(i, i + 1)
            out.argmax()
        return out

    return run


def prepare(kind, *sizes):
    if kind in ("prefill", "decode"):
        return decoder(sizes[0], sizes[1] if kind == "decode" else 0)
    if kind == "image":
        inputs = {"pixel_values": peer.pixels(a.model, *sizes)}
    else:
        ids = peer.token_ids(a.model, *sizes)
        inputs = {"input_ids": ids, "attention_mask": ids * 0 + 1, "token_type_ids": ids * 0}
    feed = {i.name: inputs[i.name] for i in session.get_inputs()}
    return lambda: session.run(None, feed)[0]


peer.serve(prepare, lambda out: out[-1, -1] if out.ndim == 3 else out[-1])
