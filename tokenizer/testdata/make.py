"""Makes the reference data of the package's tests with the Rust library: pip install 'tokenizers==0.23.*'.

    python tokenizer/testdata/make.py

Writes files/<name>/tokenizer.json.gz and cases/*.jsonl.gz beside this script. The vocabularies are made of the words and
letters of the texts below, so that every string here exercises whole words, pieces and unknown words. The library's
trainers do not break ties the same way each time: what they make differs from run to run.
"""

import gzip
import json
import os
import random
import re
import struct

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE, Unigram, WordLevel, WordPiece
from tokenizers.trainers import BpeTrainer, UnigramTrainer

HERE = os.path.dirname(os.path.abspath(__file__))
random.seed(7)

TEXTS = """The quick brown fox jumps over the lazy dog.
She didn't say that we'd all been there before, did she?
Die Straße ist naß, aber schön; el pingüino hizo kilómetros.
Voici un café, s'il vous plaît : où est la gare ?
Привет, мир! Йога и ёлка.
ΣΊΣΥΦΟΣ και Οδυσσεύς
中文分词 和 日本語テスト。한국어 문장
İstanbul DŽungla ﬁne ½ ① ㎏ Å
e\u0301a\u0323\u0302 o\u0308\u0304 \u1100\u1161\u11a8 q\u0307\u0323 \u0344\u0345
tab\there\nline\r\nnbsp\u00a0zwsp\u200bbom\ufeffnul\x00del\x7f\u0085\u3000wide
x = {'a': [1, 2.5, -3]}; if (y != 0) { return x/y; } // 100%
user@example.com https://example.org/a_b?c=d&e=f #tag
[CLS] hello [SEP] [MASK]there <ent>  <lstrip> word rstrip>   next single singles
A  B   C    D
1234567 12,345.67 ٣٤٥ ²³ \u202d²\u202d ¼x
🙂👍🏽 👨‍👩‍👧 🇩🇪
\ue000 private \U000f0000\U0010fffd \ufffd
antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis""".split("\n")
TEXTS += ["", " ", "\n\n", "a" * 30, "." * 12, " x ", "\u0301start", "Ünïcödé" * 3]
for _ in range(40):
    TEXTS.append("".join(chr(random.choice([random.randrange(32, 127), random.randrange(0xA0, 0x600),
        random.randrange(0x300, 0x370), random.randrange(0x900, 0xE00), random.randrange(0x1E00, 0x2100),
        random.randrange(0x3040, 0xD700), random.randrange(0x10000, 0x1F700)])) for _ in range(random.randrange(1, 25))))
TEXTS += [" ".join(random.sample(" ".join(TEXTS[:10]).split(), 8)) for _ in range(20)]

WORDS = sorted({w for t in TEXTS[:18] for s in (t, t.lower()) for w in re.findall(r"\w+|[^\w\s]", s)})
CHARS = sorted({c for w in WORDS for c in w})
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = SPECIAL + CHARS + ["##" + c for c in CHARS] + ["##ing", "##er", "un", "qui", "##ck", "##ism", "straß", "##e\u0301"]
VOCAB = {w: i for i, w in enumerate(dict.fromkeys(PIECES + [w for w in WORDS if len(w) < 8]))}


def bert(lower, strip, chinese, clean, post):
    t = Tokenizer(WordPiece(VOCAB, unk_token="[UNK]", max_input_chars_per_word=20 if lower else 100))
    t.normalizer = normalizers.BertNormalizer(clean, chinese, strip, lower)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.post_processor = post
    t.decoder = decoders.WordPiece()
    t.add_special_tokens(SPECIAL)
    return t


def level():
    t = Tokenizer(WordLevel({w: i for i, w in enumerate(SPECIAL + WORDS)}, unk_token="[UNK]"))
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(),
        normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(),
        pre_tokenizers.Split(Regex(r"(?<=\p{L})(?=\p{N})|\p{P}"), "isolated"), pre_tokenizers.Digits(True)])
    t.post_processor = processors.RobertaProcessing(("[SEP]", 3), ("[CLS]", 2), trim_offsets=True)
    t.add_special_tokens(SPECIAL)
    t.add_tokens([AddedToken("<ent>", normalized=False), AddedToken("<lstrip>", lstrip=True),
        AddedToken("rstrip>", rstrip=True, normalized=False), AddedToken("single", single_word=True),
        AddedToken("Hello There", normalized=True), AddedToken("Straße")])
    return t


def trained(model, trainer, normalizer=None, pre=None):
    t = Tokenizer(model)
    t.normalizer, t.pre_tokenizer = normalizer, pre
    t.train_from_iterator(TEXTS[:20] * 2, trainer)
    return json.loads(t.to_str())


def with_parts(config, normalizer=None, pre=None, post=None, decoder=None, special=(), **model):
    """The vocabulary of a trained tokenizer with other components and other settings of its model."""
    config["model"].update(model)
    t = Tokenizer.from_str(json.dumps(config))
    t.normalizer, t.pre_tokenizer = normalizer, pre
    if post:
        t.post_processor = post
    if decoder:
        t.decoder = decoder
    t.add_special_tokens(list(special))
    return t


LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+")


def bpe_tokenizers():
    level, special = pre_tokenizers.ByteLevel(add_prefix_space=False), ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    config = trained(BPE(), BpeTrainer(vocab_size=520, initial_alphabet=alphabet, special_tokens=special,
        show_progress=False), pre=level)
    config["added_tokens"] = []
    yield "bpe-gpt2", with_parts(config, pre=level, post=processors.ByteLevel(trim_offsets=False),
        decoder=decoders.ByteLevel(), special=["<|endoftext|>"])
    yield "bpe-roberta", with_parts(config, pre=pre_tokenizers.ByteLevel(add_prefix_space=True),
        post=processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True),
        decoder=decoders.ByteLevel(), special=special + ["<mask>"])
    yield "bpe-llama3", with_parts(config, ignore_merges=True, pre=pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
        post=processors.Sequence([processors.ByteLevel(trim_offsets=True), processors.TemplateProcessing("<s> $A",
            "<s> $A <s>:1 $B:1", [("<s>", 0)])]), decoder=decoders.ByteLevel(), special=special)
    # Bytes that no token has are dropped, and then offsets follow the lengths of what is left.
    few = json.loads(json.dumps(config))
    for c in "Ã©ĠÐ":
        few["model"]["vocab"].pop(c)
    few["model"]["merges"] = [m for m in few["model"]["merges"] if set("".join(m)).isdisjoint("Ã©ĠÐ")]
    yield "bpe-fewbytes", with_parts(few, pre=level, decoder=decoders.ByteLevel())
    ends = trained(BPE(unk_token="<unk>", end_of_word_suffix="</w>"), BpeTrainer(vocab_size=500, initial_alphabet=alphabet,
        special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False), pre=level)
    yield "bpe-clip", with_parts(ends, pre=pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(
        r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True), level]),
        normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Lowercase()]), decoder=decoders.ByteLevel())
    yield "bpe-suffix", with_parts(ends, pre=pre_tokenizers.Whitespace(), decoder=decoders.BPEDecoder("</w>"), fuse_unk=True)
    prefix = trained(BPE(unk_token="<unk>", continuing_subword_prefix="##"), BpeTrainer(vocab_size=400,
        special_tokens=["<unk>"], continuing_subword_prefix="##", limit_alphabet=60, show_progress=False),
        pre=pre_tokenizers.WhitespaceSplit())
    yield "bpe-prefix", with_parts(prefix, pre=pre_tokenizers.WhitespaceSplit(), decoder=decoders.WordPiece("##", False))
    names = [f"<0x{b:02X}>" for b in range(256)]
    spm = trained(BPE(unk_token="<unk>"), BpeTrainer(vocab_size=640, special_tokens=special[:1] + ["<unk>"] + names,
        limit_alphabet=70, show_progress=False), normalizer=normalizers.Replace(" ", "▁"),
        pre=pre_tokenizers.Split("▁", "merged_with_next"))
    spm["added_tokens"] = []
    llama = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
        decoders.Strip(" ", 1, 0)])
    yield "bpe-llama2", with_parts(spm, normalizer=normalizers.Sequence([normalizers.Prepend("▁"),
        normalizers.Replace(" ", "▁")]), decoder=llama, special=["<s>"], byte_fallback=True, fuse_unk=True)
    yield "bpe-metaspace-first", with_parts(spm, pre=pre_tokenizers.Metaspace(prepend_scheme="first", split=False),
        normalizer=normalizers.Strip(), decoder=decoders.Metaspace(prepend_scheme="first"), special=["<s>", "<unk>"])
    # Some bytes have no token, and a token goes over a mark.
    part = json.loads(json.dumps(spm))
    for b in range(0xC3, 0xCE):
        part["model"]["vocab"].pop(f"<0x{b:02X}>")
    part["model"]["vocab"].update({">▁": 9000, ".▁": 9001, "e▁": 9002, "e▁▁": 9003})
    part["model"]["merges"] += [[".", "▁"], ["e", "▁"], ["e▁", "▁"]]
    yield "bpe-fallback-part", with_parts(part, pre=pre_tokenizers.Metaspace(split=False), decoder=decoders.Metaspace(),
        byte_fallback=True, fuse_unk=False)


def charsmap(keys):
    """A SentencePiece charsmap: a double array, whose states are placed first fit, and the replacements."""
    tree, to, at = {}, b"", {}
    for key, value in keys.items():
        node = tree
        for byte in key.encode():
            node = node.setdefault(byte, {})
        if value not in at:
            at[value] = len(to)
            to += value.encode() + b"\0"
        node[-1] = at[value]
    units, used = {0: 0}, {0}

    def place(node, pos):
        base = 1
        while any(base ^ max(b, 0) in used for b in node) or base in used:
            base += 1
        used.update([base] + [base ^ max(b, 0) for b in node])
        units[pos] = units.get(pos, 0) | (base ^ pos) << 10 | (1 << 8 if -1 in node else 0)
        if -1 in node:
            units[base] = 1 << 31 | node[-1]
        for byte, child in node.items():
            if byte >= 0:
                units[base ^ byte] = byte
        for byte, child in node.items():
            if byte >= 0:
                place(child, base ^ byte)

    place(tree, 0)
    blob = b"".join(struct.pack("<I", units.get(i, 0)) for i in range(max(units) + 256))
    return struct.pack("<I", len(blob)) + blob + to


MARKS = ["\u0301", "\u0302", "\u0323", "\u0903", "\u200d", "\u0085", "\r", "\n", "\u0600", "\u094d", "\u1160", "\u11a8"]
CHARSMAP = charsmap({"\t": " ", "\n": " ", "\r": " ", "\u3000": " ", "\u200b": " ", "\u0000": "", "\u007f": "", "½": "1/2",
    "①": "1", "ﬁ": "fi", "e\u0301": "é", "\u0344": "\u0308\u0301", "q": "", "㎏": "kg", "Å": "Å", "©": "(c)", "क": "ka",
    "가": "ga", "😀": ":)", "\u0301": "", "a\u0323\u0302": "ậ", "한": "h", "\u0600": "#"})


def unigram_tokenizers():
    trainer = UnigramTrainer(vocab_size=500, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>",
        show_progress=False)
    config = trained(Unigram(), trainer, normalizers.NFKC(), pre_tokenizers.Metaspace())
    vocab = config["model"]["vocab"]
    config["model"]["vocab"] = vocab[:4] + sorted(([t, round(s, 4)] for t, s in vocab[4:]), key=lambda x: (-x[1], x[0]))
    config["added_tokens"] = []
    post = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", [("<s>", 0), ("</s>", 2)])
    yield "unigram-xlmr", with_parts(config, normalizer=normalizers.Sequence([normalizers.Precompiled(CHARSMAP),
        normalizers.Replace(Regex(" {2,}"), " ")]), pre=pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(),
        pre_tokenizers.Metaspace()]), post=post, decoder=decoders.Metaspace(), special=["<s>", "</s>", "<unk>"])
    # Equal scores, bytes, and a token that is listed twice and one that is two unknown characters.
    tied = json.loads(json.dumps(config))
    vocab = tied["model"]["vocab"]
    vocab[4:] = [[t, float(round(s))] for t, s in vocab[4:] if t not in "äöü"]
    vocab += [[f"<0x{b:02X}>", -20.0] for b in range(256) if b != 0xD0] + [["the", -3.0], ["äö", -900.0], ["", -1.0]]
    yield "unigram-bytes", with_parts(tied, normalizer=normalizers.Nmt(), pre=pre_tokenizers.Metaspace(split=False),
        decoder=decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()]), byte_fallback=True)


SEP, CLS = ("[SEP]", VOCAB["[SEP]"]), ("[CLS]", VOCAB["[CLS]"])
TEMPLATE = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $B:1 [SEP]:1 $A [SEP]",
    [("[CLS]", VOCAB["[CLS]"]), ("[SEP]", VOCAB["[SEP]"])])
TOKENIZERS = {
    "bert-lower": bert(True, None, True, True, TEMPLATE),
    "bert-cased": bert(False, None, True, True, processors.BertProcessing(SEP, CLS)),
    "bert-odd": bert(False, True, False, False, processors.Sequence([processors.BertProcessing(SEP, CLS)])),
    "wordlevel": level(),
    **dict(bpe_tokenizers()),
    **dict(unigram_tokenizers()),
}


def offsets(text, spans):
    at = [len(text[:i].encode()) for i in range(len(text) + 1)]
    return [[at[a], at[b]] for a, b in spans]


def fields(e, text, pair=None):
    spans = [list(o) for o in e.offsets]
    both = [text, pair]
    return {
        "ids": e.ids, "type_ids": e.type_ids, "tokens": e.tokens, "offsets_char": spans,
        "offsets_byte": [offsets(both[q], [s])[0] if q is not None else s for q, s in zip(e.sequence_ids, spans)],
        "attention_mask": e.attention_mask, "special_tokens_mask": e.special_tokens_mask, "word_ids": e.word_ids,
        "sequence_ids": e.sequence_ids, "overflowing_ids": [o.ids for o in e.overflowing],
    }


def lines(t, share=1):
    """The lines of a tokenizer, or one in so many of them."""
    for s in TEXTS[:26:(share + 1) // 2] + TEXTS[26::share]:
        e = t.encode(s)
        yield {"kind": "strings", "text": s, **fields(e, s), "decoded": t.decode(e.ids),
               "ids_plain": t.encode(s, add_special_tokens=False).ids}
    for _ in range(20 // share):
        a, b = random.sample(TEXTS, 2)
        yield {"kind": "pair", "text": a, "pair": b, **fields(t.encode(a, b), a, b)}
    for _ in range(60 // share):
        a, b = random.choice(TEXTS), random.choice([None, random.choice(TEXTS)])
        tr = {"max_length": random.randrange(5, 20), "stride": random.choice([0, 0, 1, 2]),
              "strategy": random.choice(["longest_first", "only_first", "only_second"]),
              "direction": random.choice(["left", "right"])}
        line = {"kind": "truncation", "text": a, "pair": b, "truncation": tr}
        try:
            t.enable_truncation(**tr)
            line.update(fields(t.encode(a, b), a, b))
        except BaseException as error:  # some refusals are panics of the library
            line["error"] = str(error)
        t.no_truncation()
        yield line
    for n in range(12 // share):
        texts = random.sample(TEXTS, 4)
        pad = {"direction": random.choice(["left", "right"]), "pad_id": 0, "pad_type_id": n % 2, "pad_token": "[PAD]",
               "length": random.choice([None, None, 12]), "pad_to_multiple_of": random.choice([None, 8])}
        t.enable_padding(**pad)
        yield {"kind": "batch", "texts": texts, "padding": pad, "truncation": None,
               "results": [fields(e, s) for e, s in zip(t.encode_batch(texts), texts)]}
        t.no_padding()
    for _ in range(20 // share):
        ids = t.encode("".join(random.sample(TEXTS, 2)), add_special_tokens=False).ids[:16]
        ids += [random.randrange(t.get_vocab_size()) for _ in range(random.randrange(3))]
        stream, chunks = decoders.DecodeStream(skip_special_tokens=True), []
        try:
            for i in ids:
                chunks.append(stream.step(t, i))
        except Exception:  # the text that was given out changed
            continue
        yield {"kind": "stream", "ids": ids, "chunks": chunks}
    for _ in range(20 // share):
        ids = [random.randrange(t.get_vocab_size() + 3) for _ in range(random.randrange(12))]
        yield decoded(t, ids)
    yield from cut(t)


def decoded(t, ids):
    return {"kind": "decode", "ids": ids, "decoded": t.decode(ids), "decoded_with_special": t.decode(ids, skip_special_tokens=False)}


def cut(t):
    """Texts that end within a character, or have one that is not complete before others, as far as a token is a byte."""
    for s in ["a\u0142", "x 🙂", "中文 🙃", "é\u0939"]:
        ids = t.encode(s, add_special_tokens=False).ids
        for n in range(1, len(ids)):
            if "\ufffd" in t.decode(ids[:n]):
                yield decoded(t, ids[:n])
                yield decoded(t, ids[:n] + ids)


def write(path, rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", mtime=0, filename="") as z:
        for row in rows:
            z.write((row if isinstance(row, str) else json.dumps(row, separators=(",", ":")) + "\n").encode())


def component(kind, c, run):
    with_it = Tokenizer(WordLevel({}, unk_token="x"))
    setattr(with_it, kind, c)
    config = json.loads(with_it.to_str())[kind]
    inputs = {"decoder": LISTS, "normalizer": TEXTS + GRAPHEMES * (config["type"] == "Precompiled")}.get(kind, TEXTS)
    cases = []
    for s in inputs:
        try:
            cases.append(run(s))
        except BaseException:  # the decoder Strip panics where a token is shorter than what it takes off
            continue
    return {"name": re.sub(r"\W+", "_", json.dumps(config))[:80], "component": config, "cases": cases}


NORMALIZERS = [normalizers.NFC(), normalizers.NFD(), normalizers.NFKC(), normalizers.NFKD(), normalizers.Lowercase(),
    normalizers.StripAccents(), normalizers.Strip(), normalizers.Strip(True, False), normalizers.Strip(False, True),
    normalizers.Replace("e", "ee"), normalizers.Replace(Regex(r"\w(?=\p{Mn})|[^\S\n]+"), "_"), normalizers.BertNormalizer(), normalizers.Nmt(),
    normalizers.Prepend("▁x"), normalizers.ByteLevel(), normalizers.Precompiled(CHARSMAP)]
SPLITS = [pre_tokenizers.Split(p, b, i) for p in (" ", Regex(r"\w+|[^\w\s]+"), Regex(r"(?i:s|k)+|\p{N}{1,3}|\s++"))
    for b in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous") for i in (False, True)]
PRE = SPLITS + [pre_tokenizers.Punctuation(b) for b in
    ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")] + [pre_tokenizers.Whitespace(),
    pre_tokenizers.WhitespaceSplit(), pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Digits(), pre_tokenizers.Digits(True),
    pre_tokenizers.CharDelimiterSplit("e"), pre_tokenizers.UnicodeScripts(), pre_tokenizers.FixedLength(3)]
PRE += [pre_tokenizers.ByteLevel(p, t, r) for p, t, r in ((True, True, True), (False, False, True), (True, True, False))]
PRE += [pre_tokenizers.Metaspace(m, s, p) for m in "▁e" for s in ("always", "first", "never") for p in (True, False)]
PRE += [pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.Metaspace("▁", "first"), pre_tokenizers.ByteLevel(True)])]
DECODERS = [decoders.ByteLevel(), decoders.ByteFallback(), decoders.BPEDecoder(), decoders.CTC(), decoders.CTC("e", "|", False),
    decoders.Metaspace(), decoders.Metaspace("e", "never"), decoders.WordPiece(), decoders.Fuse(), decoders.Strip("e", 2, 1),
    decoders.Replace(Regex("[aeiou]+"), "*"), decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
    decoders.Fuse(), decoders.Strip(" ", 1, 0)])]


TOKENS = ["<0xE2>", "<0x96>", "<0x81>", "<0xe4>", "<0x+a>", "<0xZZ>", "<0x41>", "<0xFF>", "▁", "▁the", "the</w>", "</w>", "a",
    "e", "ee", "<pad>", "|", "do", "n't", " do not", "##ing", "Ġ", "Ã", "©", "Ã©", "ä¸", "Ń", "ð", "Ł", "ĺ", " ", "é", "中", "", "."]
LISTS = [[random.choice(TOKENS) for _ in range(random.randrange(12))] for _ in range(60)]
GRAPHEMES = ["".join(random.choice(MARKS + list("ae©क가한ᄀ½😀🇩ﬁq ☺㊙")) for _ in range(random.randrange(1, 9))) for _ in range(400)]


def pieces(c):
    def run(s):
        return [s, [[p, o, offsets(s, [o])[0]] for p, o in c.pre_tokenize_str(s)]]
    return run


for name, t in TOKENIZERS.items():
    write(f"{HERE}/files/{name}/tokenizer.json.gz", [t.to_str()])
    write(f"{HERE}/cases/{name}.jsonl.gz", lines(t, 1 if name.startswith(("bert", "word")) else 3))
write(f"{HERE}/cases/components-normalizers.jsonl.gz",
    [component("normalizer", c, lambda s, c=c: [s, c.normalize_str(s)]) for c in NORMALIZERS])
write(f"{HERE}/cases/components-pretokenizers.jsonl.gz", [component("pre_tokenizer", c, pieces(c)) for c in PRE])
write(f"{HERE}/cases/components-decoders.jsonl.gz", [component("decoder", c, lambda s, c=c: [s, c.decode(s)]) for c in DECODERS])
