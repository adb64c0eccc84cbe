"""Makes clip and siglip, tiny random models of images and texts with everything a repository has, and expected.json: what
Transformers makes of the images in this folder with them.

    python testdata/images/make.py

It needs torch, transformers (made with 2.8 and 5.23), tokenizers and Pillow. The seed is fixed.
"""

import json
import os

import numpy as np
import torch
from PIL import Image
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (CLIPConfig, CLIPImageProcessorPil, CLIPModel, PreTrainedTokenizerFast, SiglipConfig, SiglipImageProcessorPil,
                          SiglipModel, pipeline)
from transformers.image_utils import load_image

here = os.path.dirname(os.path.abspath(__file__))
LABELS = ["cat", "a red car", "dogs on a beach", "Ünïcode & 42", "x"]
IMAGES = ["wide.jpg", "tall.png", "small.png"]


def write_images():
    y, x = np.mgrid[0:60, 0:97]
    wide = np.stack([x * 2 % 256, y * 4 % 256, (x * y) // 8 % 256], axis=2).astype(np.uint8)
    Image.fromarray(wide).save(os.path.join(here, "wide.jpg"), quality=90)
    y, x = np.mgrid[0:90, 0:41]
    tall = np.stack([(x // 8 + y // 8) % 2 * 255, x * 6 % 256, 255 - y * 2], axis=2).astype(np.uint8)
    Image.fromarray(tall).save(os.path.join(here, "tall.png"), optimize=True)
    Image.fromarray((np.mgrid[0:9, 0:11].sum(axis=0) * 13).astype(np.uint8)).save(os.path.join(here, "small.png"), optimize=True)


def clip_tokenizer():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("a", "t</w>"), ("c", "at</w>"), ("d", "o"), ("do", "g"), ("dog", "s</w>"), ("p", "h"), ("ph", "o"), ("o", "f</w>")]
    vocab = {}
    for t in alphabet + [c + "</w>" for c in alphabet] + [a + b for a, b in merges] + ["<|startoftext|>", "<|endoftext|>"]:
        vocab.setdefault(t, len(vocab))
    t = Tokenizer(models.BPE(vocab, merges, unk_token="<|endoftext|>", end_of_word_suffix="</w>", continuing_subword_prefix=""))
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "),
                                         normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(
            r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", vocab["<|endoftext|>"]), ("<|startoftext|>", vocab["<|startoftext|>"]), trim_offsets=False, add_prefix_space=False)
    return PreTrainedTokenizerFast(tokenizer_object=t, bos_token="<|startoftext|>", eos_token="<|endoftext|>",
                                   pad_token="<|endoftext|>", unk_token="<|endoftext|>", model_max_length=48)


def siglip_tokenizer():
    pieces = ["<unk>", "</s>", "\u2581"] + list("abcdefghijklmnopqrstuvwxyz0123456789.&") + ["\u2581photo", "\u2581of", "\u2581a", "\u2581is",
                                                                                            "cat", "dog", "\u2581this"]
    t = Tokenizer(models.Unigram([(p, -float(i + 2) / (1 + len(p))) for i, p in enumerate(pieces)], unk_id=0))
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.decoder = decoders.Metaspace()
    t.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=t, eos_token="</s>", pad_token="</s>", unk_token="<unk>", model_max_length=64,
                                   model_input_names=["input_ids"])


def make(name, model, tokenizer, processor):
    folder = os.path.join(here, name)
    model = model.eval()
    with torch.no_grad():  # a random model hardly tells one thing from another
        for p in model.parameters():
            if p.dim() > 1:
                p.normal_(0, 0.15)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    processor.save_pretrained(folder)
    paths = [os.path.join(here, i) for i in IMAGES]
    images = [load_image(p) for p in paths]
    padding = {"padding": True}
    if name == "siglip":
        padding = {"padding": "max_length", "max_length": 64, "truncation": True}
    expected = {"labels": LABELS, "images": IMAGES}

    def run(m, dtype):
        pixels = torch.cat([processor(i, return_tensors="pt")["pixel_values"] for i in images]).to(dtype)
        texts = tokenizer(LABELS, return_tensors="pt", **padding)
        texts.pop("token_type_ids", None)
        if name == "siglip":
            texts.pop("attention_mask", None)
        with torch.no_grad():
            out = m(pixel_values=pixels, **texts)
        return {"logits": out.logits_per_image, "images": m.get_image_features(pixels).pooler_output,
                "texts": m.get_text_features(**texts).pooler_output}

    single = run(model, torch.float32)
    zero_shot = pipeline("zero-shot-image-classification", model=model, tokenizer=tokenizer, image_processor=processor)
    expected["zero_shot"] = [zero_shot(p, candidate_labels=LABELS) for p in paths]
    expected["hypothesis"] = zero_shot(paths[0], candidate_labels=LABELS[:2], hypothesis_template="{}, seen from above")
    exact = run(model.double(), torch.float64)
    for key, value in exact.items():
        expected[key + "_vectors" if key != "logits" else key] = value.tolist()
        expected["noise_" + key] = (value - single[key]).abs().max().item()
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(expected, f)
        f.write("\n")
    print(name, [[(round(s["score"], 3), s["label"]) for s in z] for z in expected["zero_shot"]], expected["noise_logits"])


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    write_images()
    tokenizer = clip_tokenizer()
    small = dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3)
    config = CLIPConfig(
        text_config=dict(small, vocab_size=len(tokenizer), max_position_embeddings=48, eos_token_id=tokenizer.eos_token_id,
                         bos_token_id=tokenizer.bos_token_id, pad_token_id=tokenizer.pad_token_id),
        vision_config=dict(small, image_size=32, patch_size=8), projection_dim=20)
    make("clip", CLIPModel(config), tokenizer, CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}))
    tokenizer = siglip_tokenizer()
    config = SiglipConfig(
        text_config=dict(small, vocab_size=len(tokenizer), max_position_embeddings=64, projection_size=24, eos_token_id=1, bos_token_id=1,
                         pad_token_id=1),
        vision_config=dict(small, image_size=32, patch_size=8))
    model = SiglipModel(config)
    with torch.no_grad():
        model.logit_scale.fill_(2.0)
        model.logit_bias.fill_(-3.0)
    make("siglip", model, tokenizer, SiglipImageProcessorPil(size={"height": 32, "width": 32}))


if __name__ == "__main__":
    main()
