"""Writes what Transformers makes of the model of the folder above: reference.json.

    python models/tiny/testdata/make.py        # what it needs: see train.py

Of each prompt: the ids, the logits after it in float64 and how far those of float32 are off, and the ids that follow, the
likeliest each time. And the loss of a passage that training has not seen.
"""

import json
import pathlib
import sys

import torch
import transformers

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
from train import fetch, split, tales  # noqa: E402

PROMPTS = ["Once upon a time", "The old king stood at the window, and the"]
NEW, PASSAGE = 64, 700


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    tok = transformers.AutoTokenizer.from_pretrained(here.parent)
    model = transformers.AutoModelForCausalLM.from_pretrained(here.parent, dtype=torch.float32).eval()
    exact = transformers.AutoModelForCausalLM.from_pretrained(here.parent, dtype=torch.float64).eval()
    out = {"prompts": []}
    for text in PROMPTS:
        ids = tok(text, return_tensors="pt").input_ids
        logits = exact(ids).logits[0, -1]
        new = model.generate(ids, do_sample=False, max_new_tokens=NEW)[0, ids.shape[1]:]
        out["prompts"].append({
            "text": text, "ids": ids[0].tolist(), "logits": logits.tolist(),
            "noise": (model(ids).logits[0, -1] - logits).abs().max().item(),
            "new": new.tolist(), "continued": tok.decode(new)})
    _, held = split(tales(fetch()))
    passage = held[0][:PASSAGE].rsplit(" ", 1)[0]
    ids = tok(passage, return_tensors="pt").input_ids
    out["passage"] = {
        "text": passage, "tokens": ids.shape[1],
        "loss": torch.nn.functional.cross_entropy(exact(ids).logits[0, :-1], ids[0, 1:]).item()}
    (here / "reference.json").write_text(json.dumps(out, ensure_ascii=False) + "\n")
    for p in out["prompts"]:
        print(p["noise"], p["text"] + p["continued"])
    print(out["passage"])


main()
