"""What the peers share: arguments, operands, and the line protocol.

    the peer says      when
    ready              it is loaded; or it was asked `cell KIND SIZES...` and is ready to compute that, and warm
    ns a b c           asked `run 3`: nanoseconds of three repetitions
    out x y z ...      asked `check`: the last row of what it computed last, to compare the peers' outputs
    (exits)            standard input ends

Cells and their repetitions:

    encoder 8 128           token ids to last_hidden_state [batch, seq, hidden], nothing padded
    image 8                 pixels [batch, channels, height, width] to last_hidden_state
    prefill 512             that many tokens into an empty cache, and the logits after the last
    decode 128 64           64 tokens one by one after 128 in the cache, each with its logits and their greatest
    gemm 128 384 1536       [m, k] times [k, n]
    attention 512 32        12 heads: sequence length, head dim
"""

import argparse
import json
import os
import sys
import time


def arguments(**more):
    """Reads the command line; more are arguments of this peer alone, by name, with their help."""
    p = argparse.ArgumentParser()
    p.add_argument("--model", help="folder with config.json and model.safetensors")
    p.add_argument("--onnx", help="folder with the files that export_onnx.py wrote")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--kv", default="f16", help="type of the keys and values that are kept, of llama.cpp: f16 or f32")
    for name, text in more.items():
        p.add_argument("--" + name, required=True, help=text)
    a = p.parse_args()
    # Read by the numerical libraries when they are imported, which is therefore done after this.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(a.threads)
    # Threads that spin after a call would disturb the next peer's turn: those of Intel's OpenMP do for 200 ms, those of OpenBLAS
    # for 2^26 cycles. They still spin from one call of a turn to the next.
    os.environ.setdefault("KMP_BLOCKTIME", "1")
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "21")
    return a


def token_ids(model, batch, seq):
    """The ids that every peer runs on, [batch, seq]: the same formula as ids in serve.go."""
    import numpy as np

    with open(os.path.join(model, "config.json"), encoding="utf-8") as f:
        vocab = json.load(f)["vocab_size"]
    low = vocab // 10
    i = np.arange(batch * seq, dtype=np.int64)
    return (low + i * 7919 % (vocab - low)).reshape(batch, seq)


def pixels(model, batch):
    """The images that every peer runs on."""
    with open(os.path.join(model, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    return numbers(0, batch, config.get("num_channels", 3), config["image_size"], config["image_size"])


def numbers(i, *shape):
    """Operand number i of a kernel: the same formula as numbers in serve.go."""
    import numpy as np

    j = np.arange(np.prod(shape), dtype=np.int64) + i
    return ((j * 7919 % 2003 - 1001) / 1001).astype(np.float32).reshape(shape)


def serve(prepare, last_row):
    """Speaks the protocol. prepare(kind, *sizes) returns a function that does one repetition, last_row takes what it returned."""
    run, result = None, None
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["cell"]:
            run = prepare(words[1], *map(int, words[2:]))
            result = run()
            print("ready", flush=True)
        elif words[:1] == ["check"]:
            print("out", *(repr(float(x)) for x in last_row(result)), flush=True)
        elif words[:1] == ["run"]:
            times = []
            for _ in range(int(words[1])):
                start = time.perf_counter_ns()
                result = run()
                times.append(time.perf_counter_ns() - start)
            print("ns", *times, flush=True)
