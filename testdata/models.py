#!/usr/bin/env python3
"""Makes testdata/models: tiny random models as transformers and sentence-transformers save them, with inputs and outputs.

    python3 testdata/models.py [head_sizes | token_classes | hidden_eos | vision]

Needs transformers 5.23, torch 2.8, sentence-transformers 6.2, tokenizers, safetensors. Outputs are computed in float64 and
stored as float32; case.json holds, for each output, the largest error that PyTorch itself makes in float32. A run's tensors
carry its name and a dot, those of the main run do not. With an argument only what the function of that name makes.
"""
import json
import pathlib
import shutil
import sys

import numpy as np
import tokenizers
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).parent / "models"
VOCAB, HIDDEN = 60, 18
BASE = dict(vocab_size=VOCAB, hidden_size=HIDDEN, num_hidden_layers=2, num_attention_heads=3, intermediate_size=28,
            max_position_embeddings=24)
DISTIL = dict(vocab_size=VOCAB, dim=HIDDEN, n_layers=2, n_heads=3, hidden_dim=28, max_position_embeddings=24)


def randomize(model):
    """Gives each parameter a size at which no part of the model is idle."""
    for name, p in model.named_parameters():
        with torch.no_grad():
            if p.ndim > 1:
                p.copy_(torch.randn(p.shape) * (0.8 / p.shape[-1] ** 0.5 if "embedding" not in name else 0.5))
            elif name.endswith("weight"):
                p.copy_(1 + 0.2 * torch.randn(p.shape))
            else:
                p.copy_(0.2 * torch.randn(p.shape))


def outputs(model, inputs, prefix, hidden):
    with torch.no_grad():
        out = model(**inputs, output_hidden_states=True)
        base = getattr(model, model.base_model_prefix, model)
        last = base(**{k: v for k, v in inputs.items()}).last_hidden_state
    named = {k: v for k, v in out.items() if isinstance(v, torch.Tensor)}
    named["last_hidden_state"] = last
    if hidden:
        for i, h in enumerate(out.hidden_states[:-1]):
            named[f"hidden_states.{i}"] = h
    mask = inputs.get("attention_mask")
    if mask is not None and (mask[:, 0] == 0).any():  # a hidden first token is not pooled by godwit
        named = {k: v for k, v in named.items() if v.ndim >= 2 and v.shape[:2] == mask.shape}
    return {prefix + k: v for k, v in named.items()}, mask


def save_case(model, folder, runs, edit=None):
    """Writes a case. edit changes (config, tensors) after they are saved, to the form that old files have."""
    path = ROOT / folder
    model.save_pretrained(path)
    (path / "generation_config.json").unlink(missing_ok=True)
    tensors, noise = {}, {}
    for run, inputs in runs.items():
        prefix = "" if run == "main" else run + "."
        single, mask = outputs(model.float(), inputs, prefix, run == "main")
        double, _ = outputs(model.double(), inputs, prefix, run == "main")
        for name, v in double.items():
            diff = (v - single[name]).abs()
            if mask is not None and v.ndim >= 2 and v.shape[:2] == mask.shape:
                diff = diff[mask != 0]
            noise[name] = diff.max().item()
            tensors[name] = v.float().contiguous()
        for name, v in inputs.items():
            tensors[prefix + name] = v
    save_file(tensors, path / "expected.safetensors")
    (path / "case.json").write_text(json.dumps({"class": type(model).__name__, "noise_fp32": noise}, indent=1) + "\n")
    if edit:
        config = json.loads((path / "config.json").read_text())
        weights = load_file(path / "model.safetensors")
        weights = edit(config, weights) or weights
        (path / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        save_file(weights, path / "model.safetensors", {"format": "pt"})


def text_runs(types, pad, skip_pad):
    g = torch.Generator().manual_seed(types * 7 + pad)

    def ids(*shape):
        return torch.randint(4, VOCAB, shape, generator=g)

    right = torch.ones(3, 12, dtype=torch.long)
    right[1, 7:] = 0
    right[2, 3:] = 0
    left = right.flip(1)
    holes = torch.ones(2, 12, dtype=torch.long)
    holes[0, 3:5] = 0
    holes[0, 9] = 0
    holes[1, 1] = 0
    main = ids(3, 12)
    main[right == 0] = pad
    runs = {"main": {"input_ids": main, "attention_mask": right}, "one": {"input_ids": ids(1, 1)},
            "left": {"input_ids": ids(3, 12), "attention_mask": left}, "holes": {"input_ids": ids(2, 12), "attention_mask": holes},
            "positions": {"input_ids": ids(2, 6), "position_ids": torch.tensor([[5, 4, 9, 2, 3, 17]])}}
    if types > 1:
        runs["main"]["token_type_ids"] = torch.randint(0, types, (3, 12), generator=g)
    if skip_pad:
        mid = ids(2, 9)
        mid[0, 4] = pad
        runs["padmid"] = {"input_ids": mid}
    return runs


def without_position_ids(runs):  # DistilBERT's heads take none
    return {k: v for k, v in runs.items() if k != "positions"}


def old_bert(config, weights):
    """The form of the first BERT files: TensorFlow's names for the norms, a buffer, and a config without what came later."""
    for key in ("dtype", "architectures", "tie_word_embeddings", "use_cache", "is_decoder", "add_cross_attention", "id2label",
                "label2id", "transformers_version"):
        config.pop(key, None)
    config["torch_dtype"] = "float32"
    weights["embeddings.position_ids"] = torch.arange(24)[None]
    return {("bert." + k).replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v
            for k, v in weights.items()}


def both_biases(config, weights):
    """An untied decoder has a bias of its own, and the file another one beside it, which is not used."""
    assert not torch.equal(weights["cls.predictions.decoder.bias"], weights["cls.predictions.bias"])


def without_labels(config, weights):
    config["num_labels"] = len(config.pop("id2label"))
    config.pop("label2id")


def models():
    bert = text_runs(2, 0, False)
    rob = text_runs(1, 1, True)
    labels = lambda n: dict(id2label={i: f"L{i}" for i in range(n)}, label2id={f"L{i}": i for i in range(n)})
    bc = lambda **kw: tf.BertConfig(**BASE, **kw)
    rc = lambda cls=tf.RobertaConfig, pad=1, **kw: cls(**BASE, type_vocab_size=1, pad_token_id=pad, **kw)
    dc = lambda **kw: tf.DistilBertConfig(**DISTIL, **kw)
    cases = [
        ("bert/old_names", tf.BertModel(bc(hidden_act="gelu_new")), bert, old_bert),
        ("bert/pretraining", tf.BertForPreTraining(bc()), bert, None),
        ("bert/next_sentence", tf.BertForNextSentencePrediction(bc(hidden_act="relu")), bert, None),
        ("bert/mlm_untied", tf.BertForMaskedLM(bc(tie_word_embeddings=False)), bert, both_biases),
        ("bert/regression", tf.BertForSequenceClassification(bc(problem_type="regression", **labels(1))), bert, without_labels),
        ("roberta/mlm", tf.RobertaForMaskedLM(rc()), rob, None),
        ("roberta/multi_label", tf.RobertaForSequenceClassification(rc(problem_type="multi_label_classification", **labels(4))), rob, None),
        ("xlm-roberta/base", tf.XLMRobertaModel(rc(tf.XLMRobertaConfig, add_pooling_layer=False)), rob, None),
        ("camembert/qa", tf.CamembertForQuestionAnswering(rc(tf.CamembertConfig)), rob, None),
        ("distilbert/mlm", tf.DistilBertForMaskedLM(dc()), without_position_ids(text_runs(1, 0, False)), None),
        ("distilbert/tokcls", tf.DistilBertForTokenClassification(dc(activation="relu", **labels(5))),
         without_position_ids(text_runs(1, 0, False)), None),
        ("mpnet/base", tf.MPNetModel(tf.MPNetConfig(**BASE)), rob, None),
        ("mpnet/qa", tf.MPNetForQuestionAnswering(tf.MPNetConfig(**BASE)), rob, None),
    ]
    for folder, model, runs, edit in cases:
        randomize(model)
        save_case(model.eval(), folder, runs, edit)


WORDS = "the quick brown fox jumps over lazy dog how do i bake bread at home cat query : search".split()
SENTENCES = ["The quick brown fox.", "How do I bake bread at home?", "", "cat cat " * 20, "dog", "search: the LAZY fox"]


def sentence_tokenizer():
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?"] + WORDS + ["##s", "##e"]
    tok = tokenizers.Tokenizer(tokenizers.models.WordPiece({t: i for i, t in enumerate(vocab)}, unk_token="[UNK]"))
    tok.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tok.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tok.post_processor = tokenizers.processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1",
                                                                  [("[CLS]", 2), ("[SEP]", 3)])
    return tf.PreTrainedTokenizerFast(tokenizer_object=tok, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]",
                                      sep_token="[SEP]", mask_token="[MASK]", model_max_length=20)


def sentence_models():
    from sentence_transformers import SentenceTransformer
    from sentence_transformers import models as st

    def legacy(path):  # the keys of Pooling's config before version 6, and of the length before that
        p = path / "1_Pooling/config.json"
        c = json.loads(p.read_text())
        modes = c.pop("pooling_mode")
        modes = [modes] if isinstance(modes, str) else modes
        names = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens", "mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
                 "weightedmean": "weightedmean_tokens", "lasttoken": "lasttoken"}
        c = {"word_embedding_dimension": c["embedding_dimension"]}
        c.update({"pooling_mode_" + v: k in modes for k, v in names.items()})
        p.write_text(json.dumps(c, indent=2) + "\n")
        (path / "sentence_bert_config.json").write_text('{"max_seq_length": 16, "do_lower_case": false}\n')
        config = json.loads((path / "tokenizer_config.json").read_text())
        config["model_max_length"] = 512
        (path / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")

    def no_modules(path):
        for name in ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
            (path / name).unlink()
        shutil.rmtree(path / "1_Pooling")

    cases = [
        ("all_modes", ["cls", "max", "mean", "mean_sqrt_len_tokens"], True, [], {}, "dot", 20, None),
        ("more_modes_no_prompt", ["weightedmean", "lasttoken", "mean"], False, [],
         dict(prompts={"query": "query: ", "long": "search the fox: "}, default_prompt_name="query"), "euclidean", 20, None),
        ("dense_residual", ["mean"], True,
         [lambda: st.Dense(HIDDEN, 10, activation_function=torch.nn.GELU(), use_residual=True),
          lambda: st.Dense(10, 10, bias=False, activation_function=torch.nn.Identity(), use_residual=True),
          lambda: st.Normalize()], {}, "manhattan", 20, None),
        ("legacy", ["cls", "mean"], True, [], {}, "cosine", 16, legacy),
        ("no_modules", ["mean"], True, [], {}, "cosine", 20, no_modules),
    ]
    for name, modes, include, extra, prompts, similarity, length, edit in cases:
        path = ROOT / "sentence-transformers" / name
        config = tf.BertConfig(**BASE, pad_token_id=0)
        model = tf.BertModel(config)
        randomize(model)
        tmp = ROOT / "tmp"
        model.save_pretrained(tmp)
        sentence_tokenizer().save_pretrained(tmp)
        modules = [st.Transformer(str(tmp)), st.Pooling(HIDDEN, pooling_mode=modes, include_prompt=include)]
        modules += [f() for f in extra]
        for m in modules[2:]:
            randomize(m)
        s = SentenceTransformer(modules=modules, device="cpu", similarity_fn_name=similarity, **prompts)
        s.max_seq_length = length
        s.save_pretrained(str(path), create_model_card=False)
        shutil.rmtree(tmp)
        tensors, noise = {}, {}
        for key in [None, *(prompts.get("prompts") or {})]:
            out = "embeddings" if key is None else "embeddings." + key
            single = s.float().encode(SENTENCES, prompt_name=key, convert_to_tensor=True)
            double = s.double().encode(SENTENCES, prompt_name=key, convert_to_tensor=True)
            tensors[out] = double.float().contiguous()
            noise[out] = (double - single).abs().max().item()
        s.double()
        double = s.encode(SENTENCES, convert_to_tensor=True)
        tensors["similarity"] = s.similarity(double, double).float().contiguous()
        noise["similarity"] = (s.similarity(double.float(), double.float()) - s.similarity(double, double)).abs().max().item()
        save_file(tensors, path / "expected.safetensors")
        (path / "case.json").write_text(json.dumps(
            {"class": "SentenceTransformer", "noise_fp32": noise, "prompts": prompts.get("prompts", {}), "sentences": SENTENCES},
            indent=1) + "\n")
        if edit:
            edit(path)


def save_decoder(folder, model, full, ids, mask):
    """Writes a decoder with its logits for full, and a greedy continuation of the padded batch ids."""
    randomize(model.eval())
    folder = ROOT / folder
    model.save_pretrained(folder)
    tensors, noise = {}, {}
    inputs = {"input_ids": full}
    tensors.update(inputs)
    single = model(**inputs)
    generated = model.generate(ids, attention_mask=mask, max_new_tokens=5, do_sample=False)
    double = model.double()(**inputs)
    tensors["logits"] = double.logits.float()
    noise["logits"] = (double.logits - single.logits).abs().max().item()
    tensors.update({"gen.input_ids": ids, "gen.attention_mask": mask, "gen.generated_ids": generated})
    noise["gen.generated_ids"] = 0.0
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, folder / "expected.safetensors")
    (folder / "case.json").write_text(json.dumps({"class": type(model).__name__, "noise_fp32": noise}, indent=1) + "\n")


def decoders():
    """Decoders whose options change the structure of a layer, with a greedy continuation of a padded batch."""
    ids = torch.randint(3, VOCAB, (2, 9))
    mask = torch.ones_like(ids)
    mask[0, :3] = 0
    full = ids.clone()
    ids[0, :3] = 0
    base = dict(BASE, hidden_size=24, num_key_value_heads=1, pad_token_id=0, bos_token_id=1, eos_token_id=5, attn_implementation="eager")
    base["max_position_embeddings"] = 16
    yarn = {"rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "original_max_position_embeddings": 8, "mscale": 0.8,
            "mscale_all_dim": 0.5, "beta_fast": 2.0}
    dynamic = {"rope_type": "dynamic", "rope_theta": 100.0, "factor": 2.0}
    for name, cls, options in [
        ("falcon/new", tf.FalconForCausalLM, dict(new_decoder_architecture=True, num_kv_heads=1, ffn_hidden_size=28, bias=True)),
        ("opt/post_norm", tf.OPTForCausalLM, dict(do_layer_norm_before=False, word_embed_proj_dim=12, ffn_dim=28)),
        ("stablelm/parallel", tf.StableLmForCausalLM, dict(qk_layernorm=True, use_parallel_residual=True, use_qkv_bias=True,
                                                           rope_parameters={"rope_type": "default", "rope_theta": 100.0,
                                                                            "partial_rotary_factor": 0.5})),
        ("cohere/qk_norm", tf.CohereForCausalLM, dict(use_qk_norm=True)),
        ("phi/qk_norm", tf.PhiForCausalLM, dict(qk_layernorm=True)),
        ("gpt_neox/serial", tf.GPTNeoXForCausalLM, dict(use_parallel_residual=False, rope_parameters={
            "rope_type": "default", "rope_theta": 100.0, "partial_rotary_factor": 0.5})),
        ("bloom/post_norm", tf.BloomForCausalLM, dict(apply_residual_connection_post_layernorm=True, n_head=3, n_layer=2)),
        ("llama/yarn", tf.LlamaForCausalLM, dict(rope_parameters=yarn)),
        ("llama/dynamic", tf.LlamaForCausalLM, dict(rope_parameters=dynamic, max_position_embeddings=6)),
        ("qwen2/late_window", tf.Qwen2ForCausalLM, dict(use_sliding_window=True, sliding_window=4, max_window_layers=1)),
        ("qwen2_moe/dense_layer", tf.Qwen2MoeForCausalLM, dict(num_experts=3, num_experts_per_tok=2, moe_intermediate_size=12,
                                                               shared_expert_intermediate_size=12, mlp_only_layers=[0])),
    ]:
        save_decoder(name, cls(cls.config_class(**{**base, **options})), full, ids, mask)


def head_sizes():
    """Decoders whose heads have a size that config.json names, and Gemma 2 with the exact GELU."""
    torch.manual_seed(3)
    ids = torch.randint(3, VOCAB, (2, 9))
    mask = torch.ones_like(ids)
    mask[0, :3] = 0
    full = ids.clone()
    ids[0, :3] = 0
    base = dict(BASE, hidden_size=24, num_key_value_heads=1, head_dim=12, pad_token_id=0, bos_token_id=1, eos_token_id=5)
    for name, cls, options in [
        ("qwen2/head_dim", tf.Qwen2ForCausalLM, {}),
        ("phi3/head_dim", tf.Phi3ForCausalLM, dict(sliding_window=4)),
        ("olmo2/head_dim", tf.Olmo2ForCausalLM, {}),
        ("smollm3/head_dim", tf.SmolLM3ForCausalLM, dict(no_rope_layers=[1, 0])),
        ("cohere/head_dim", tf.CohereForCausalLM, {}),
        ("gemma2/gelu", tf.Gemma2ForCausalLM, dict(hidden_activation="gelu", hidden_act="relu", sliding_window=4,
                                                   attn_implementation="eager")),
    ]:
        save_decoder(name, cls(cls.config_class(**{**base, **options})), full, ids, mask)


def token_classes():
    """Decoders whose head for each token is called classifier, and Gemma with the exact GELU, which only the name gelu does not mean."""
    torch.manual_seed(4)
    ids = torch.randint(3, VOCAB, (3, 9))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    small = dict(vocab_size=VOCAB, num_labels=3, max_position_embeddings=16)
    for name, model in [
        ("gpt2/tokcls", tf.GPT2ForTokenClassification(tf.GPT2Config(n_embd=12, n_layer=1, n_head=2, n_positions=16, **small))),
        ("gpt_neo/tokcls", tf.GPTNeoForTokenClassification(tf.GPTNeoConfig(
            hidden_size=12, num_layers=2, num_heads=2, attention_types=[[["global", "local"], 1]], window_size=3, **small))),
        ("gpt_neox/tokcls", tf.GPTNeoXForTokenClassification(tf.GPTNeoXConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=20, **small))),
        ("bloom/tokcls", tf.BloomForTokenClassification(tf.BloomConfig(hidden_size=12, n_layer=1, n_head=2, **small))),
        ("falcon/tokcls", tf.FalconForTokenClassification(tf.FalconConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, **small))),
        ("gemma/gelu_python", tf.GemmaModel(tf.GemmaConfig(
            hidden_size=12, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, head_dim=6, intermediate_size=20,
            hidden_act="gelu_python", **small))),
    ]:
        model.set_attn_implementation("eager")
        randomize(model.eval())
        save_case(model, name, {"main": {"input_ids": ids, "attention_mask": mask}})


def hidden_eos():
    """CLIP's text where the mask hides the token that ends it: it stands for the text even so."""
    torch.manual_seed(5)
    ids = torch.randint(8, VOCAB, (3, 9))
    ids[0, 8], ids[1, 3], ids[1, 8] = 7, 7, 7  # the last has none: its first token stands for it
    mask = torch.ones_like(ids)
    mask[:, 6:] = 0
    model = tf.CLIPTextModel(tf.CLIPTextConfig(vocab_size=VOCAB, hidden_size=12, intermediate_size=20, num_hidden_layers=1,
                                               num_attention_heads=2, max_position_embeddings=12, eos_token_id=7))
    model.set_attn_implementation("eager")
    randomize(model.eval())
    save_case(model, "clip/hidden_eos", {"main": {"input_ids": ids, "attention_mask": mask}})


def vision():
    """Models of images, and of images and texts, with options that change what is computed."""
    torch.manual_seed(2)
    labels = lambda n: dict(id2label={i: f"L{i}" for i in range(n)}, label2id={f"L{i}": i for i in range(n)})
    base = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20, image_size=12, patch_size=4)
    dino = {k: v for k, v in base.items() if k != "intermediate_size"}
    swin = dict(image_size=20, patch_size=4, embed_dim=8, depths=[2, 2], num_heads=[1, 2], window_size=2, mlp_ratio=1.5)
    text = dict(vocab_size=VOCAB, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
                max_position_embeddings=10, pad_token_id=0, bos_token_id=1)
    pixels = lambda n, h, w, c=3: {"pixel_values": torch.randn(n, c, h, w)}
    interp = lambda n, h, w, c=3: pixels(n, h, w, c) | {"interpolate_pos_encoding": True}
    main = {"main": pixels(2, 12, 12)}
    sizes = main | {"wide": pixels(1, 9, 20), "large": pixels(1, 24, 16)}
    asked = main | {"wide": interp(1, 9, 20), "large": interp(1, 24, 16)}
    clip = lambda **kw: tf.CLIPVisionConfig(**base, projection_dim=10, **kw)
    ids = torch.randint(3, VOCAB, (3, 7))
    ids[0, 4], ids[1, 6], ids[2, 2] = 5, 5, 5
    mask = torch.ones_like(ids)
    mask[0, 5:], mask[2, 3:] = 0, 0
    words = {"input_ids": ids, "attention_mask": mask}
    both = {"main": words | pixels(2, 12, 12), "wide": words | interp(1, 9, 20)}

    def without_prefix(config, weights):
        return {k.removeprefix("vision_model."): v for k, v in weights.items()}

    def old_towers(config, weights):
        config["text_config_dict"] = dict(config["text_config"])
        config["vision_config_dict"] = {k: v for k, v in config["vision_config"].items() if k != "num_channels"}
        config["text_config"] = config["vision_config"] = {"hidden_size": 4}
        weights["vision_model.embeddings.position_ids"] = torch.arange(10)[None]

    cases = [
        ("vit/gray", tf.ViTModel, tf.ViTConfig(**base, qkv_bias=False, hidden_act="relu", num_channels=1, pooler_act="relu",
                                               pooler_output_size=10),
         {"main": pixels(2, 12, 12, 1), "wide": interp(1, 9, 20, 1), "large": interp(1, 24, 16, 1)}, None),
        ("vit/imgcls", tf.ViTForImageClassification,
         tf.ViTConfig(**{**base, "image_size": [8, 12], "patch_size": [2, 4]}, hidden_act="gelu_new", **labels(3)),
         {"main": pixels(3, 8, 12)}, None),
        ("deit/teacher", tf.DeiTForImageClassificationWithTeacher, tf.DeiTConfig(**base, **labels(3)), asked, None),
        ("dinov2/swiglu", tf.Dinov2Model, tf.Dinov2Config(**dino, mlp_ratio=2, use_swiglu_ffn=True, qkv_bias=False), sizes, None),
        ("dinov2/imgcls", tf.Dinov2ForImageClassification, tf.Dinov2Config(**dino, mlp_ratio=1, **labels(3)), sizes, None),
        ("dinov2_with_registers/swiglu", tf.Dinov2WithRegistersForImageClassification,
         tf.Dinov2WithRegistersConfig(**dino, mlp_ratio=2, use_swiglu_ffn=True, num_register_tokens=3, **labels(3)),
         sizes | {"small": pixels(1, 8, 4)}, None),
        ("dinov3_vit/gated", tf.DINOv3ViTModel, tf.DINOv3ViTConfig(**base, use_gated_mlp=True, hidden_act="silu", key_bias=True,
                                                                   query_bias=False, mlp_bias=False, proj_bias=False,
                                                                   num_register_tokens=2, rope_theta=10.0), sizes, None),
        ("dinov3_vit/no_registers", tf.DINOv3ViTModel, tf.DINOv3ViTConfig(**base), sizes, None),
        ("beit/shared", tf.BeitModel, tf.BeitConfig(**base, use_shared_relative_position_bias=True, use_relative_position_bias=True,
                                                    use_absolute_position_embeddings=True, use_mean_pooling=False,
                                                    layer_scale_init_value=0.0, use_mask_token=True), sizes, None),
        ("beit/imgcls", tf.BeitForImageClassification, tf.BeitConfig(**base, use_relative_position_bias=True, **labels(3)), sizes, None),
        ("beit/rect", tf.BeitModel, tf.BeitConfig(**{**base, "image_size": [8, 16]}, use_shared_relative_position_bias=True),
         {"main": pixels(2, 8, 16)}, None),
        ("beit/plain", tf.BeitModel, tf.BeitConfig(**base), main, None),
        ("swin/absolute", tf.SwinModel, tf.SwinConfig(**swin, use_absolute_embeddings=True, qkv_bias=False),
         {"main": pixels(2, 20, 20), "wide": interp(1, 16, 36)}, None),
        ("swin/imgcls", tf.SwinForImageClassification, tf.SwinConfig(**{**swin, "window_size": 3}, **labels(3)),
         {"main": pixels(3, 20, 20), "wide": pixels(1, 18, 37)}, None),
        ("clip/full", tf.CLIPModel, tf.CLIPConfig(text_config=dict(text, eos_token_id=5), vision_config=dict(base, num_channels=3),
                                                  projection_dim=10), both, old_towers),
        ("clip/text", tf.CLIPTextModel, tf.CLIPTextConfig(**text, eos_token_id=2), {"main": words, "one": {"input_ids": ids[:, :1]}}, None),
        ("clip/vision", tf.CLIPVisionModel, clip(), asked, without_prefix),
        ("clip/imgcls", tf.CLIPForImageClassification, tf.CLIPConfig(text_config=text, vision_config=base, **labels(3)), main, None),
        ("siglip/full", tf.SiglipModel, tf.SiglipConfig(text_config=dict(text, projection_size=16), vision_config=base), both, None),
        ("siglip/text", tf.SiglipTextModel, tf.SiglipTextConfig(**text), {"main": words, "all": {"input_ids": ids}}, None),
        ("siglip/vision", tf.SiglipVisionModel, tf.SiglipVisionConfig(**base, vision_use_head=False), asked, None),
        ("siglip/imgcls", tf.SiglipForImageClassification, tf.SiglipConfig(text_config=text, vision_config=base, **labels(3)), asked, None),
    ]

    def run(model, inputs, hidden):
        with torch.no_grad():
            out = model(**{k: v.to(model.dtype) if k == "pixel_values" else v for k, v in inputs.items()}, output_hidden_states=True)
            named = {k: v for k, v in out.items() if isinstance(v, torch.Tensor)}
            for part in ("text_model_output", "vision_model_output"):
                named |= {f"{part}.{k}": v for k, v in (out.get(part) or {}).items() if isinstance(v, torch.Tensor)}
        for key in ("hidden_states", "reshaped_hidden_states"):
            if hidden:
                named |= {f"{key}.{i}": v for i, v in enumerate(out.get(key) or ())}
        return named

    for folder, cls, config, runs, edit in cases:
        config._attn_implementation = "eager"
        model = cls(config).eval()
        randomize(model)
        path = ROOT / folder
        model.save_pretrained(path)
        tensors, noise = {}, {}
        for name, inputs in runs.items():
            prefix = "" if name == "main" else name + "."
            single, double = run(model.float(), inputs, name == "main"), run(model.double(), inputs, name == "main")
            for key, v in double.items():
                diff = (v - single[key]).abs()
                if "attention_mask" in inputs and key.startswith(("last_hidden_state", "hidden_states", "text_model_output.last")):
                    diff = diff[inputs["attention_mask"] != 0]
                noise[prefix + key] = diff.max().item()
                tensors[prefix + key] = v.float()
            tensors |= {prefix + k: v for k, v in inputs.items() if isinstance(v, torch.Tensor)}
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path / "expected.safetensors")
        args = {name: {"kwargs": {k: v for k, v in inputs.items() if isinstance(v, bool)}} for name, inputs in runs.items()}
        (path / "case.json").write_text(json.dumps({"class": cls.__name__, "noise_fp32": noise, "runs": args}, indent=1) + "\n")
        if edit:
            config = json.loads((path / "config.json").read_text())
            weights = load_file(path / "model.safetensors")
            weights = edit(config, weights) or weights
            (path / "config.json").write_text(json.dumps(config, indent=2) + "\n")
            save_file(weights, path / "model.safetensors", {"format": "pt"})


if __name__ == "__main__":
    if len(sys.argv) == 2:
        {"head_sizes": head_sizes, "token_classes": token_classes, "hidden_eos": hidden_eos, "vision": vision}[sys.argv[1]]()
        sys.exit()
    torch.manual_seed(1)
    np.random.seed(1)
    shutil.rmtree(ROOT, ignore_errors=True)
    models()
    sentence_models()
    decoders()
    head_sizes()
    token_classes()
    hidden_eos()
    vision()
