#!/usr/bin/env python3
"""Makes logits.json.gz: what transformers makes of logits, for random settings.

    python3 generate/testdata/logits.py

Needs transformers 5.23 and torch 2.8. The processors and their order are those that GenerationMixin._get_logits_processor returns for
a generation config; the penalties of frequency and presence, which transformers has not, follow OpenAI's definition and are passed
as a processor of the caller's. Each case has the config, the ids so far and how many of them are the prompt, logits in units of
1/256, and the probabilities that are left: softmax in float64, by id, those of 0 left out. The logits of a case are different from one
another, since which of several equal ones is kept is not the same in both.
"""
import gzip
import json
import pathlib
import random

import torch
import transformers as tf
from transformers.generation.logits_process import LogitsProcessor, LogitsProcessorList

OUT = pathlib.Path(__file__).parent / "logits.json.gz"
MODEL = tf.GPT2LMHeadModel(tf.GPT2Config(vocab_size=8, n_embd=4, n_layer=1, n_head=1, n_positions=8))


class Penalties(LogitsProcessor):
    def __init__(self, prompt, frequency, presence):
        self.prompt, self.frequency, self.presence = prompt, frequency, presence

    def __call__(self, ids, scores):
        n = torch.bincount(ids[0, self.prompt:], minlength=scores.shape[-1])
        return scores - (n * self.frequency + (n > 0) * self.presence)


def settings(r, vocab, prompt, total):
    """A random value for each field, made by the name of the step."""
    token = lambda: r.randrange(vocab)
    word = lambda ids: (ids[len(ids) - k:] if (k := r.randrange(0, 3)) and r.random() < 0.7 else [token() for _ in range(k)]) + [token()]
    return {
        "bias": lambda ids: {"sequence_bias": [[list(w), round(r.uniform(-6, 6), 2)] for w in {tuple(word(ids)) for _ in range(6)}]},
        "repetition": lambda ids: {"repetition_penalty": round(r.uniform(0.5, 2), 3)},
        "ngram": lambda ids: {"no_repeat_ngram_size": r.choice([1, 2, 2, 3])},
        "bad": lambda ids: {"bad_words_ids": [word(ids) for _ in range(6)]},
        "min_length": lambda ids: {"min_length": r.randrange(1, total + 4)},
        "min_new": lambda ids: {"min_new_tokens": r.randrange(1, total - prompt + 4)},
        "forced_bos": lambda ids: {"forced_bos_token_id": token()},
        "forced_eos": lambda ids: {"forced_eos_token_id": [token(), token()], "max_length": total + r.randrange(1, 3)},
        "decay": lambda ids: {"exponential_decay_length_penalty": [r.randrange(0, total - prompt + 2), round(r.uniform(1.01, 1.5), 3)]},
        "suppress": lambda ids: {"suppress_tokens": [token() for _ in range(5)]},
        "begin_suppress": lambda ids: {"begin_suppress_tokens": [token() for _ in range(5)]},
        "penalties": lambda ids: {"frequency_penalty": round(r.uniform(-2, 2), 2), "presence_penalty": round(r.uniform(-2, 2), 2)},
        "remove_invalid": lambda ids: {"remove_invalid_values": True},
        "temperature": lambda ids: {"temperature": round(r.uniform(0.3, 3), 3)},
        "top_h": lambda ids: {"top_h": round(r.uniform(0.1, 0.95), 3)},
        "top_k": lambda ids: {"top_k": r.randrange(1, vocab + 5)},
        "top_p": lambda ids: {"top_p": round(r.uniform(0.05, 0.995), 3)},
        "min_p": lambda ids: {"min_p": round(r.uniform(0.001, 0.5), 3)},
        "typical": lambda ids: {"typical_p": round(r.uniform(0.05, 0.995), 3)},
        "epsilon": lambda ids: {"epsilon_cutoff": round(10 ** r.uniform(-4, -0.5), 5)},
        "eta": lambda ids: {"eta_cutoff": round(10 ** r.uniform(-4, -0.5), 5)},
        "renormalize": lambda ids: {"renormalize_logits": True},
    }


ALL = list(settings(random.Random(), 9, 1, 2))
WARPERS = ALL[ALL.index("temperature"):]


def make(r, steps):
    vocab = r.choice([17, 40, 64, 150])
    prompt = 1 if "forced_bos" in steps and r.random() < 0.7 else r.randrange(1, 9)
    total = prompt + (0 if r.random() < 0.3 else r.randrange(0, 12))
    few = [r.randrange(vocab) for _ in range(6)]
    ids = [r.choice(few) for _ in range(total)]
    config = {"do_sample": r.random() < 0.8 or any(s in WARPERS[:-1] for s in steps), "eos_token_id": r.choice([few[0], few[:2]])}
    config["top_k"] = 0
    make_field = settings(r, vocab, prompt, total)
    for s in steps:
        config.update(make_field[s](ids))
    spread = r.choice([256, 700, 2000])
    if len(steps) > 1 and "forced_eos" in steps:
        config["forced_eos_token_id"].pop()  # two would be equal
    units = set()
    while len(units) < vocab:
        units.add(int(r.gauss(0, spread)))
    units = list(units)
    r.shuffle(units)
    own = LogitsProcessorList()
    if "penalties" in steps:
        own.append(Penalties(prompt, config["frequency_penalty"], config["presence_penalty"]))
    try:
        gc = tf.GenerationConfig(**{k: v for k, v in config.items() if k not in ("frequency_penalty", "presence_penalty")})
        gc, _ = MODEL._prepare_generation_config(gc)
        MODEL._prepare_special_tokens(gc, device="cpu")
        if gc.min_new_tokens is not None:  # as _prepare_generated_length does
            gc.min_length = gc.min_new_tokens + prompt
        processors = MODEL._get_logits_processor(gc, input_ids_seq_length=prompt, logits_processor=own, device="cpu", model_kwargs={})
        scores = processors(torch.tensor([ids]), torch.tensor([units], dtype=torch.float32) / 256)
    except ValueError:  # nothing is left: a token is forced and forbidden
        return None
    p = scores[0].double().softmax(-1)
    kept = p[p > 0]
    if torch.isnan(p).any() or len(steps) > 1 and len(kept.unique()) < len(kept):
        return None  # nothing is left, or equal logits
    return {"steps": steps, "config": config, "vocab": vocab, "prompt": prompt, "ids": ids, "units": units,
            "probs": [[i, float(f"{v:.9g}")] for i, v in enumerate(p.tolist()) if v > 0]}


def main():
    torch.set_num_threads(1)
    r = random.Random(20)
    cases = []
    for s in ALL:
        have = 0
        while have < 9:
            if c := make(r, [s]):
                cases.append(c)
                have += 1
    while len(cases) < 360:
        steps = [s for s in ALL if r.random() < 0.25]
        if len(steps) > 1 and (c := make(r, steps)):
            cases.append(c)
    text = "[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n"
    with gzip.GzipFile(OUT, "wb", mtime=0) as f:
        f.write(text.encode())
    print(len(cases), "cases,", OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
