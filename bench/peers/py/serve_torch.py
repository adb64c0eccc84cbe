"""PyTorch, float32, eager: a model with scaled_dot_product_attention, or that function alone.

No mask is passed, so that it takes its fastest path.
"""

import peer

a = peer.arguments()

import torch

torch.set_num_threads(a.threads)
torch.set_grad_enabled(False)
if a.model:
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    model = transformers.AutoModel.from_pretrained(a.model, attn_implementation="sdpa", dtype=torch.float32).eval()


def prepare(kind, *sizes):
    if kind == "encoder":
        ids = torch.from_numpy(peer.token_ids(a.model, *sizes))
        return lambda: model(ids).last_hidden_state[-1, -1]
    seq, head_dim = sizes
    # [batch, heads, seq, head dim], as a model has it after its projections: the heads are columns of a row.
    q, k, v = (torch.from_numpy(peer.numbers(i, 1, seq, 12, head_dim)).transpose(1, 2) for i in range(3))
    return lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, scale=0.125)[0, :, -1]


peer.serve(prepare, lambda row: row.flatten())
