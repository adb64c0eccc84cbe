"""serve_tokenizers.py MODEL TEXT: the ids of a text's paragraphs by the package tokenizers, on one thread.

encode_batch_fast leaves the offsets out, and one call for all paragraphs leaves Python's part small.
"""

import os
import sys

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tokenizers import Tokenizer

import peer

model, file = sys.argv[1:]
tokenizer = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
tokenizer.no_padding()
tokenizer.no_truncation()
with open(file, encoding="utf-8", newline="") as f:
    paragraphs = f.read().strip().split("\n\n")

peer.serve(
    lambda kind: lambda: tokenizer.encode_batch_fast(paragraphs),
    lambda encodings: [i for e in encodings for i in e.ids],
)
