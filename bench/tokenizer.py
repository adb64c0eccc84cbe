"""Times the Rust tokenizers library and godwit's tokenizer in turns on the same lines, one thread each.

    pip install 'tokenizers==0.23.*'
    go test -c -o tok.test ./tokenizer
    python bench/tokenizer.py tok.test FOLDER text.txt [rounds]

FOLDER holds tokenizer.json. Each round runs each side once; the best time of each side counts, because other work on the
machine can only make a round slower. The Go side is the test binary's TestCompare.
"""

import os
import subprocess
import sys
import time

os.environ.update(TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1")
from tokenizers import Tokenizer  # noqa: E402

binary, folder, text = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 20
t = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
t.no_truncation()
t.no_padding()
lines = open(text, encoding="utf-8", newline="").read().split("\n")
size = sum(len(s.encode()) for s in lines)
env = dict(os.environ, GODWIT_COMPARE=folder, GODWIT_TEXT=text, GOMAXPROCS="1")
go = subprocess.Popen([binary, "-test.run=^TestCompare$", "-test.v"], env=env, stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE, text=True)
best = {}


def note(name, seconds):
    best[name] = min(best.get(name, seconds), seconds)


def timed(name, f):
    start = time.perf_counter()
    f()
    note(name, time.perf_counter() - start)


for _ in range(rounds):
    timed("rust encode", lambda: [t.encode(s) for s in lines])
    timed("rust encode_batch", lambda: t.encode_batch(lines))
    timed("rust encode_batch_fast", lambda: t.encode_batch_fast(lines))
    go.stdin.write("go\n")
    go.stdin.flush()
    for line in go.stdout:
        if line.startswith("compare "):
            _, a, b = line.split()
            note("godwit Encode", float(a))
            note("godwit AppendIDs", float(b))
            break
go.stdin.close()
go.wait()
for name, s in best.items():
    print(f"{name:24} {size / s / 1e6:8.2f} MB/s")
print(f"Encode / encode          {best['rust encode'] / best['godwit Encode']:8.2f}")
print(f"AppendIDs / batch_fast   {best['rust encode_batch_fast'] / best['godwit AppendIDs']:8.2f}")
