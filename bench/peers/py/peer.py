"""What the peers share: arguments, token ids, and the line protocol.

    the peer says      when
    ready              it is loaded and warm
    ns a b c           asked `run 3`: nanoseconds of three repetitions
    out x y z ...      asked `check`: the last row of last_hidden_state, to compare the peers' outputs
    (exits)            standard input ends

One repetition is token ids to last_hidden_state [batch, seq, hidden]; all sequences are of full length, nothing is padded.
"""

import argparse
import json
import os
import sys
import time


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--model", required=True, help="folder with config.json and model.safetensors")
    p.add_argument("--onnx", help="folder with the files that export_onnx.py wrote")
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--seq", type=int, default=128)
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    # Read by the numerical libraries when they are imported, which is therefore done after this.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(a.threads)
    return a


def token_ids(a):
    """The ids that every peer runs on, [batch, seq]: the same formula as ids in serve.go."""
    import numpy as np

    with open(os.path.join(a.model, "config.json"), encoding="utf-8") as f:
        vocab = json.load(f)["vocab_size"]
    low = vocab // 10
    i = np.arange(a.batch * a.seq, dtype=np.int64)
    return (low + i * 7919 % (vocab - low)).reshape(a.batch, a.seq)


def serve(run, output, warm=3):
    """Speaks the protocol. run() is one repetition; output() returns the last row of its result."""
    for _ in range(warm):
        run()
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["check"]:
            print("out", *(repr(float(x)) for x in output()), flush=True)
        elif words[:1] == ["run"]:
            times = []
            for _ in range(int(words[1])):
                start = time.perf_counter_ns()
                run()
                times.append(time.perf_counter_ns() - start)
            print("ns", *times, flush=True)
