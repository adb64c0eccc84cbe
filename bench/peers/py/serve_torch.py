"""PyTorch, float32, eager, with scaled_dot_product_attention. No mask is passed, so that it takes its fastest path."""

import peer

a = peer.arguments()

import torch
import transformers

transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(a.threads)
torch.set_grad_enabled(False)
model = transformers.AutoModel.from_pretrained(a.model, attn_implementation="sdpa", dtype=torch.float32).eval()
ids = torch.from_numpy(peer.token_ids(a))
peer.serve(lambda: model(ids), lambda: model(ids).last_hidden_state[-1, -1].numpy())
