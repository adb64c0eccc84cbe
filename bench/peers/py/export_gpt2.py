"""export_gpt2.py MODEL OUT: writes a GPT-2 as OUT/fused.onnx for ONNX Runtime: logits of the last token only, attention as one
operator that writes keys and values into a buffer in place, layer norm with its residual and GELU fused."""

import json
import os
import sys

import numpy as np
from onnx import TensorProto, helper
from safetensors.numpy import load_file

from graph import MICROSOFT, Graph

model_dir, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)
with open(os.path.join(model_dir, "config.json"), encoding="utf-8") as f:
    c = json.load(f)
layers, heads, hidden = c["n_layer"], c["n_head"], c["n_embd"]
w = {k.removeprefix("transformer."): v.astype(np.float32)
     for k, v in load_file(os.path.join(model_dir, "model.safetensors")).items()}
g = Graph(c["layer_norm_epsilon"])
info = helper.make_tensor_value_info
inputs = [info("input_ids", TensorProto.INT64, [1, "tokens"]), info("position_ids", TensorProto.INT64, [1, "tokens"]),
          info("last", TensorProto.INT32, [1]), info("total", TensorProto.INT32, [])]
outputs = [info("logits", TensorProto.FLOAT, [1, c["vocab_size"]])]
x = g.op("Add", [g.op("Gather", [g.const("wte", w["wte.weight"]), "input_ids"], "words"),
                 g.op("Gather", [g.const("wpe", w["wpe.weight"]), "position_ids"], "places")], "embedded")
y = g.norm(x, w["h.0.ln_1.weight"], w["h.0.ln_1.bias"], "first.0")
for i in range(layers):
    p = f"h.{i}."

    def dense(y, name, bias=True):
        y = g.op("MatMul", [y, g.const(p + name + ".w", w[p + name + ".weight"])], p + name)
        return g.op("Add", [y, g.const(p + name + ".b", w[p + name + ".bias"])], p + name + ".sum") if bias else y

    names = [f"{kind}.{i}" for kind in ("past_k", "past_v", "present_k", "present_v")]
    values = [info(n, TensorProto.FLOAT, [1, heads, "room", hidden // heads]) for n in names]
    inputs += values[:2]
    outputs += values[2:]
    a = g.op("GroupQueryAttention", [dense(y, "attn.c_attn"), "", "", *names[:2], "last", "total"],
             [p + "attention", *names[2:]], MICROSOFT, num_heads=heads, kv_num_heads=heads)
    x, y = g.add_norm(x, dense(a, "attn.c_proj", False), w[p + "attn.c_proj.bias"], w[p + "ln_2.weight"], w[p + "ln_2.bias"],
                      p + "second")
    f = g.op("MatMul", [y, g.const(p + "fc.w", w[p + "mlp.c_fc.weight"])], p + "fc")
    f = g.op("FastGelu", [f, g.const(p + "fc.b", w[p + "mlp.c_fc.bias"])], p + "gelu", MICROSOFT)
    norm = f"h.{i + 1}.ln_1" if i + 1 < layers else "ln_f"
    x, y = g.add_norm(x, dense(f, "mlp.c_proj", False), w[p + "mlp.c_proj.bias"], w[norm + ".weight"], w[norm + ".bias"],
                      f"first.{i + 1}")
final = g.op("Gather", [y, g.const("end", np.array(-1, np.int64))], "final", axis=1)
g.op("MatMul", [final, g.const("head", w["wte.weight"].T)], "logits")
g.save(os.path.join(out, "fused.onnx"), inputs, outputs)
