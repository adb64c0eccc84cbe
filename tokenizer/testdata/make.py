"""Makes the reference data of the package's tests with the Rust library: pip install 'tokenizers==0.23.*'.

    python tokenizer/testdata/make.py

Writes files/<name>/tokenizer.json.gz and cases/*.jsonl.gz beside this script. The vocabularies are made of the words and
letters of the texts below, so that every string here exercises whole words, pieces and unknown words.
"""

import gzip
import json
import os
import random
import re

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordLevel, WordPiece

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


SEP, CLS = ("[SEP]", VOCAB["[SEP]"]), ("[CLS]", VOCAB["[CLS]"])
TEMPLATE = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $B:1 [SEP]:1 $A [SEP]",
    [("[CLS]", VOCAB["[CLS]"]), ("[SEP]", VOCAB["[SEP]"])])
TOKENIZERS = {
    "bert-lower": bert(True, None, True, True, TEMPLATE),
    "bert-cased": bert(False, None, True, True, processors.BertProcessing(SEP, CLS)),
    "bert-odd": bert(False, True, False, False, processors.Sequence([processors.BertProcessing(SEP, CLS)])),
    "wordlevel": level(),
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


def lines(t):
    for s in TEXTS:
        e = t.encode(s)
        yield {"kind": "strings", "text": s, **fields(e, s), "decoded": t.decode(e.ids),
               "ids_plain": t.encode(s, add_special_tokens=False).ids}
    for _ in range(20):
        a, b = random.sample(TEXTS, 2)
        yield {"kind": "pair", "text": a, "pair": b, **fields(t.encode(a, b), a, b)}
    for _ in range(60):
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
    for n in range(12):
        texts = random.sample(TEXTS, 4)
        pad = {"direction": random.choice(["left", "right"]), "pad_id": 0, "pad_type_id": n % 2, "pad_token": "[PAD]",
               "length": random.choice([None, None, 12]), "pad_to_multiple_of": random.choice([None, 8])}
        t.enable_padding(**pad)
        yield {"kind": "batch", "texts": texts, "padding": pad, "truncation": None,
               "results": [fields(e, s) for e, s in zip(t.encode_batch(texts), texts)]}
        t.no_padding()
    for _ in range(20):
        ids = [random.randrange(t.get_vocab_size() + 3) for _ in range(random.randrange(12))]
        yield {"kind": "decode", "ids": ids, "decoded": t.decode(ids),
               "decoded_with_special": t.decode(ids, skip_special_tokens=False)}


def write(path, rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", mtime=0, filename="") as z:
        for row in rows:
            z.write((row if isinstance(row, str) else json.dumps(row, separators=(",", ":")) + "\n").encode())


def component(kind, c, run):
    with_it = Tokenizer(WordLevel({}, unk_token="x"))
    setattr(with_it, kind, c)
    config = json.loads(with_it.to_str())[kind]
    return {"name": re.sub(r"\W+", "_", json.dumps(config))[:80], "component": config, "cases": [run(s) for s in TEXTS]}


NORMALIZERS = [normalizers.NFC(), normalizers.NFD(), normalizers.NFKC(), normalizers.NFKD(), normalizers.Lowercase(),
    normalizers.StripAccents(), normalizers.Strip(), normalizers.Strip(True, False), normalizers.Strip(False, True),
    normalizers.Replace("e", "ee"), normalizers.Replace(Regex(r"\w(?=\p{Mn})|[^\S\n]+"), "_"), normalizers.BertNormalizer()]
SPLITS = [pre_tokenizers.Split(p, b, i) for p in (" ", Regex(r"\w+|[^\w\s]+"), Regex(r"(?i:s|k)+|\p{N}{1,3}|\s++"))
    for b in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous") for i in (False, True)]
PRE = SPLITS + [pre_tokenizers.Punctuation(b) for b in
    ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")] + [pre_tokenizers.Whitespace(),
    pre_tokenizers.WhitespaceSplit(), pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Digits(), pre_tokenizers.Digits(True),
    pre_tokenizers.CharDelimiterSplit("e")]


def pieces(c):
    def run(s):
        return [s, [[p, o, offsets(s, [o])[0]] for p, o in c.pre_tokenize_str(s)]]
    return run


for name, t in TOKENIZERS.items():
    write(f"{HERE}/files/{name}/tokenizer.json.gz", [t.to_str()])
    write(f"{HERE}/cases/{name}.jsonl.gz", lines(t))
write(f"{HERE}/cases/components-normalizers.jsonl.gz",
    [component("normalizer", c, lambda s, c=c: [s, c.normalize_str(s)]) for c in NORMALIZERS])
write(f"{HERE}/cases/components-pretokenizers.jsonl.gz", [component("pre_tokenizer", c, pieces(c)) for c in PRE])
