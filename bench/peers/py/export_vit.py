"""export_vit.py MODEL OUT: writes a ViT as ONNX, for the peers that read it.

OUT/plain.onnx   the exporter's graph (OpenVINO fuses for itself)
OUT/fused.onnx   built by hand, for ONNX Runtime, whose optimiser does not know the exported attention: attention, GELU with its
                 bias, and layer norm with its residual are one operator each
"""

import os
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import torch
import transformers
from onnx import TensorProto, helper
from safetensors.numpy import load_file

from graph import MICROSOFT, Graph

model_dir, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)
model = transformers.AutoModel.from_pretrained(model_dir, attn_implementation="eager", dtype=torch.float32).eval()
c = model.config
if c.model_type != "vit":
    sys.exit(f"{c.model_type} is not vit")


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values, return_dict=True).last_hidden_state


with torch.no_grad():
    torch.onnx.export(Encoder(), (torch.zeros(2, c.num_channels, c.image_size, c.image_size),), os.path.join(out, "plain.onnx"),
                      input_names=["pixel_values"], output_names=["last_hidden_state"], opset_version=17, dynamo=False,
                      dynamic_axes={"pixel_values": {0: "batch"}, "last_hidden_state": {0: "batch"}})

w = {k.removeprefix("vit."): v for k, v in load_file(os.path.join(model_dir, "model.safetensors")).items()}
first = next(k for k in w if k.endswith("layernorm_before.weight")).removesuffix("layernorm_before.weight")
old = first + "attention.attention.query.weight" in w
Q, K, V, O, UP, DOWN = (
    ("attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense",
     "intermediate.dense", "output.dense") if old else
    ("attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj", "mlp.fc1", "mlp.fc2"))
g = Graph(c.layer_norm_eps)
side = c.image_size // c.patch_size
x = g.op("Conv", ["pixel_values", g.const("patch.w", w["embeddings.patch_embeddings.projection.weight"]),
                  g.const("patch.b", w["embeddings.patch_embeddings.projection.bias"])], "patches",
         kernel_shape=[c.patch_size] * 2, strides=[c.patch_size] * 2)
x = g.op("Reshape", [x, g.const("rows", np.array([0, c.hidden_size, -1], np.int64))], "rows.out")
x = g.op("Transpose", [x], "tokens", perm=[0, 2, 1])
batch = g.op("Gather", [g.op("Shape", [x], "shape"), g.const("zero", np.array([0], np.int64))], "batch")
shape = g.op("Concat", [batch, g.const("one", np.array([1, c.hidden_size], np.int64))], "class.shape", axis=0)
cls = g.op("Expand", [g.const("class", w["embeddings.cls_token"]), shape], "class.out")
x = g.op("Add", [g.op("Concat", [cls, x], "all", axis=1), g.const("positions", w["embeddings.position_embeddings"])], "embedded")
prefix = [first.replace(".0.", f".{i}.") for i in range(c.num_hidden_layers)]
y = g.norm(x, w[first + "layernorm_before.weight"], w[first + "layernorm_before.bias"], "before.0")
for i, p in enumerate(prefix):
    qkv = g.const(f"qkv.w.{i}", np.concatenate([w[p + n + ".weight"] for n in (Q, K, V)]).T)
    bias = g.const(f"qkv.b.{i}", np.concatenate([w[p + n + ".bias"] for n in (Q, K, V)]))
    a = g.op("Attention", [y, qkv, bias], f"attention.{i}", MICROSOFT, num_heads=c.num_attention_heads)
    a = g.op("MatMul", [a, g.const(f"o.w.{i}", w[p + O + ".weight"].T)], f"o.{i}")
    x, y = g.add_norm(x, a, w[p + O + ".bias"], w[p + "layernorm_after.weight"], w[p + "layernorm_after.bias"], f"after.{i}")
    f = g.op("MatMul", [y, g.const(f"up.w.{i}", w[p + UP + ".weight"].T)], f"up.{i}")
    f = g.op("BiasGelu", [f, g.const(f"up.b.{i}", w[p + UP + ".bias"])], f"gelu.{i}", MICROSOFT)
    f = g.op("MatMul", [f, g.const(f"down.w.{i}", w[p + DOWN + ".weight"].T)], f"down.{i}")
    last = i + 1 == len(prefix)
    norm = "layernorm" if last else prefix[i + 1] + "layernorm_before"
    x, y = g.add_norm(x, f, w[p + DOWN + ".bias"], w[norm + ".weight"], w[norm + ".bias"],
                      "last_hidden_state" if last else f"before.{i + 1}")
g.save(os.path.join(out, "fused.onnx"),
       [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", c.num_channels, c.image_size, c.image_size])],
       [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", side * side + 1, c.hidden_size])])
