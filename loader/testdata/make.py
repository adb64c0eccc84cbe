#!/usr/bin/env python3
"""Makes the files of this folder with the safetensors library itself (safetensors 0.8, torch 2.8, numpy 2).

types.safetensors   a tensor of every element type that torch can store
types.json          the same tensors converted to float32 by torch: their bits, as unsigned integers
plain.safetensors   no metadata; names that need escapes, scalars, empty tensors
int8.safetensors    I8 tensors with their scales; int8.json: scale times value, in float32, by numpy
sharded/            three shards and their index, as huggingface_hub splits a model
"""
import json
import pathlib

import numpy as np
import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent
torch.manual_seed(3)


def bits(t):
    return t.contiguous().view(-1).numpy().view(np.uint32).tolist()


# Every pattern of the 8-bit types, and of the wider ones the edges and a random sample.
patterns = {}
for name in ["float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2fnuz", "int8", "uint8"]:
    patterns[name] = torch.arange(256, dtype=torch.int16).to(torch.uint8).view(getattr(torch, name)).reshape(16, 16)
edges = [0, 1, 2, 0x3FF, 0x400, 0x401, 0x7BFF, 0x7C00, 0x7C01, 0x7E00, 0x7FFF, 0x3C00, 0x3555, 0x7F7F, 0x7F80, 0x7FC0, 0x80, 0x7F]
half = torch.tensor([e | s for e in edges for s in (0, 0x8000)] + torch.randint(0, 1 << 16, (92,)).tolist(), dtype=torch.int32)
half = half.to(torch.uint16)
patterns["float16"] = half.view(torch.float16).reshape(8, 16)
patterns["bfloat16"] = half.view(torch.bfloat16).reshape(8, 16)
patterns["int16"] = half.view(torch.int16).reshape(8, 16)
patterns["uint16"] = half.reshape(8, 16)
f64 = [0.0, -0.0, 1 / 3, -1e-300, 1e300, float("inf"), float("-inf"), float("nan"), 1 + 2**-24, 1 + 3 * 2**-24,
       1 + 2**-24 + 2**-50, 3.4028235677973366e38, 3.4028235677973362e38, 2**-149, 2**-150, 2**-150 * 1.0000001, 1e-40, np.pi]
patterns["float64"] = torch.tensor(f64, dtype=torch.float64).reshape(3, 6)
patterns["float32"] = torch.tensor(f64, dtype=torch.float64).to(torch.float32).reshape(2, 9)
i64 = [0, 1, -1, 1 << 24, (1 << 24) + 1, (1 << 24) + 3, -(1 << 24) - 1, (1 << 31) - 1, -(1 << 31), 1 << 53, (1 << 53) + 1,
       (1 << 62) + (1 << 38), (1 << 62) + (1 << 38) + 1, (1 << 63) - 1, -(1 << 63), 33554434 + 1, 123456789, -987654321]
patterns["int64"] = torch.tensor(i64, dtype=torch.int64).reshape(2, 9)
patterns["uint64"] = patterns["int64"].view(torch.uint64)
patterns["int32"] = torch.tensor([i for i in i64 if -(1 << 31) <= i < 1 << 31], dtype=torch.int32)
patterns["uint32"] = patterns["int32"].view(torch.uint32)
patterns["bool"] = torch.tensor([[True, False, True], [False, False, True]])

expected = {}
for name, t in patterns.items():
    if name == "uint64":  # numpy rounds to nearest even, as torch does for the types that it converts
        f = torch.from_numpy(t.numpy().astype(np.float32))
    elif name in ("uint16", "uint32"):
        f = torch.from_numpy(t.numpy().astype(np.float32))
    else:
        f = t.to(torch.float32)
    expected[name] = {"shape": list(t.shape), "bits": bits(f)}
others = {
    "float8_e8m0fnu": torch.arange(256, dtype=torch.int16).to(torch.uint8).view(torch.float8_e8m0fnu),
    "complex64": torch.tensor([1 + 2j, 3 - 4j]),
    "float4_e2m1fn_x2": torch.arange(6, dtype=torch.uint8).reshape(2, 3).view(torch.float4_e2m1fn_x2),
}
tensors = {k: v.clone() for k, v in patterns.items()} | others  # save_file refuses shared storage
save_file(tensors, here / "types.safetensors", metadata={"format": "pt"})
(here / "types.json").write_text(json.dumps(expected))

plain = {
    "scalar": torch.tensor(1.5),
    "empty": torch.zeros(0),
    "empty.rows": torch.zeros(3, 0, 2),
    'quote " back \\ tab \t line \n bell \a del \x7f': torch.ones(1),
    "Größe 大小 \u2028 <&>": torch.ones(2),
    "b": torch.tensor([1, 2, 3], dtype=torch.uint8),
    "a": torch.tensor([True]),
    "odd": torch.tensor([1.0], dtype=torch.float16),
    "half": torch.tensor([2.0, -2.0], dtype=torch.bfloat16),
}
save_file(plain, here / "plain.safetensors")

rng = np.random.default_rng(3)
q = rng.integers(-127, 128, (5, 7)).astype(np.int8)
conv = rng.integers(-127, 128, (3, 2, 4)).astype(np.int8)
s = rng.random(5, dtype=np.float32)
sc = rng.random((3, 1), dtype=np.float32)
tensors = {"linear.weight": q, "linear.weight_scale": s, "conv.weight": conv, "conv.weight_scale": sc}
save_file({k: torch.from_numpy(v) for k, v in tensors.items()}, here / "int8.safetensors")
products = {"linear.weight": q.astype(np.float32) * s[:, None], "conv.weight": conv.astype(np.float32) * sc[:, :, None]}
(here / "int8.json").write_text(json.dumps({k: v.view(np.uint32).ravel().tolist() for k, v in products.items()}))

(here / "sharded").mkdir(exist_ok=True)
state = {f"layer.{i}.weight": torch.full((4, 4), float(i)) for i in range(6)}
save_torch_state_dict(state, here / "sharded", max_shard_size=130, metadata={"format": "pt"})
