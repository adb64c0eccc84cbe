"""PyTorch, float32, eager: a model with scaled_dot_product_attention, or that function alone.

No mask is passed, so that it takes its fastest path.
"""

import peer

a = peer.arguments()

import torch

torch.set_num_threads(a.threads)
torch.set_grad_enabled(False)


def load(auto):
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return auto(transformers).from_pretrained(a.model, attn_implementation="sdpa", dtype=torch.float32).eval()


loaded = []


def model(auto):
    """The model, loaded when it is needed first."""
    if not loaded:
        loaded.append(load(auto))
    return loaded[0]


def decoder(prompt, more):
    from transformers import DynamicCache

    m = model(lambda t: t.AutoModelForCausalLM)
    ids = torch.from_numpy(peer.token_ids(a.model, 1, prompt + more))

    def fill():
        cache = DynamicCache(config=m.config)
        if not prompt:
            return cache, None
        return cache, m(ids[:, :prompt], past_key_values=cache, use_cache=True, logits_to_keep=1).logits[0, -1]

    if not more:
        return lambda: fill()[1]
    cache, _ = fill()

    def run():
        if cache.get_seq_length() > prompt:
            cache.crop(prompt - cache.get_seq_length())
        for i in range(prompt, prompt + more):
            logits = m(ids[:, i : i + 1], past_key_values=cache, use_cache=True, logits_to_keep=1).logits[0, -1]
            logits.argmax()
        return logits

    return run


def prepare(kind, *sizes):
    if kind == "encoder":
        ids = torch.from_numpy(peer.token_ids(a.model, *sizes))
        return lambda: model(lambda t: t.AutoModel)(ids).last_hidden_state[-1, -1]
    if kind == "image":
        pixels = torch.from_numpy(peer.pixels(a.model, *sizes))
        return lambda: model(lambda t: t.AutoModel)(pixels).last_hidden_state[-1, -1]
    if kind in ("prefill", "decode"):
        return decoder(sizes[0], sizes[1] if kind == "decode" else 0)
    seq, head_dim = sizes
    # [batch, heads, seq, head dim], as a model has it after its projections: the heads are columns of a row.
    q, k, v = (torch.from_numpy(peer.numbers(i, 1, seq, 12, head_dim)).transpose(1, 2) for i in range(3))
    return lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, scale=0.125)[0, :, -1]


peer.serve(prepare, lambda row: row.flatten())
