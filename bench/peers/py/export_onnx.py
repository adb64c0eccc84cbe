"""export_onnx.py MODEL OUT: writes the encoder as ONNX, for the peers that read it.

OUT/plain.onnx   the exporter's graph (OpenVINO fuses for itself)
OUT/fused.onnx   after ONNX Runtime's transformer optimiser: attention, GELU, and layer norm with its residual are one
                 operator each. It is an error if an attention was not fused.
"""

import os
import sys
import warnings

warnings.filterwarnings("ignore")

import torch
import transformers
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions

model_dir, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)
model = transformers.AutoModel.from_pretrained(model_dir, attn_implementation="eager", dtype=torch.float32).eval()
config = model.config
names = ["input_ids", "attention_mask"]
if getattr(config, "type_vocab_size", 0) and config.model_type == "bert":
    names.append("token_type_ids")


class Encoder(torch.nn.Module):
    """The model with positional inputs and one output."""

    def __init__(self):
        super().__init__()
        self.model = model

    def forward(self, *inputs):
        return self.model(**dict(zip(names, inputs)), return_dict=True).last_hidden_state


ones = torch.ones(2, 16, dtype=torch.long)
example = tuple(ones * 0 if n == "token_type_ids" else ones for n in names)
plain = os.path.join(out, "plain.onnx")
with torch.no_grad():
    torch.onnx.export(
        Encoder(), example, plain, input_names=names, output_names=["last_hidden_state"], opset_version=17, dynamo=False,
        dynamic_axes={n: {0: "batch", 1: "seq"} for n in names + ["last_hidden_state"]},
    )
fused = optimizer.optimize_model(
    plain, "bert", num_heads=config.num_attention_heads, hidden_size=config.hidden_size,
    optimization_options=FusionOptions("bert"), opt_level=0,
)
count = {k: v for k, v in fused.get_fused_operator_statistics().items() if v}
print("onnxruntime fused:", count)
attentions = count.get("Attention", 0) + count.get("MultiHeadAttention", 0)
if attentions != config.num_hidden_layers:
    sys.exit(f"fused {attentions} attentions of {config.num_hidden_layers}: this would not be a fair peer")
fused.save_model_to_file(os.path.join(out, "fused.onnx"))
