"""Asks the Rust library, code point by code point, for two tables that no version of Unicode has as it has them.

    pip install 'tokenizers==0.23.*'
    python tokenizer/internal/gentables/probe.py probe.json.gz

"scripts" are the classes of the UnicodeScripts pre-tokenizer, as [first, last, class]: two characters share a piece if
their classes are equal or one of them is 0. "graphemes" are the classes of characters inside the Precompiled
normalizer's grapheme clusters, as [first, last, class], the class being a sum of the bits below.

A charsmap in which every character is a key for "Y", but U+0001, shows the clusters: one of fewer than six
bytes becomes a single Y, a longer one becomes a Y for each of its characters.
"""

import base64
import gzip
import json
import struct
import sys

from tokenizers import normalizers, pre_tokenizers

CONTROL, EXTEND, JOINED, PREPEND, PICTURE, L, V, T, LV, LVT, CONSONANT, LINKER, INCB = (1 << i for i in range(13))
POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def charsmap():
    """A double array of a few states: the position of a unit is its state's base xor the byte."""
    units = [0] * 2048
    leaf, one, two, three = 1024, 256, 512, 768  # leaf holds the value, the others wait for so many bytes

    def unit(at, label, base, ends):
        units[at] = label | ends << 8 | (at ^ base) << 10

    units[0] = 1280 << 10
    for byte in range(1, 0xF5):
        if byte == 1 or 0x80 <= byte < 0xC2:
            continue
        to, ends = (leaf, 1) if byte < 0x80 else (one, 0) if byte < 0xE0 else (two, 0) if byte < 0xF0 else (three, 0)
        unit(1280 ^ byte, byte, to, ends)
    for byte in range(0x80, 0xC0):
        unit(one ^ byte, byte, leaf, 1)
        unit(two ^ byte, byte, one, 0)
        unit(three ^ byte, byte, two, 0)
    units[leaf] = 1 << 31
    blob = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(blob)) + blob + b"Y\0"


NORMALIZER = normalizers.Precompiled(charsmap())


def counts(probe):
    """How many Y each code point's probe becomes."""
    out = []
    for i in range(0, len(POINTS), 4096):
        text = "\1".join(probe(chr(c)) if c != 1 else "" for c in POINTS[i:i + 4096])
        out += [len(s) for s in NORMALIZER.normalize_str(text).split("\1")]
    assert len(out) == len(POINTS)
    return out


def graphemes():
    probes = {
        "after": lambda c: "a" + c,
        "before": lambda c: c + "a",
        "marks": lambda c: c + "\u0301\u0300",
        "extend": lambda c: "\u00a9" + c + "\u200d\u3299\u0301",
        "picture": lambda c: c + "\u200d\u3299\u0301",
        "l": lambda c: c + "\u1100\u0301", "v": lambda c: c + "\u1161\u0301", "t": lambda c: c + "\u11a8\u0301",
        "isv": lambda c: "\u1161" + c + "\u0301", "ist": lambda c: "\u11a8" + c + "\u0301",
        "consonant": lambda c: c + "\u094d\u0915\u0301",
        "linker": lambda c: "\u0915" + c + "\u0915\u0301",
        "incb": lambda c: "\u0915\u094d" + c + "\u0915\u0301",
    }
    found = {name: counts(probe) for name, probe in probes.items()}
    for i, c in enumerate(POINTS):
        if c == 1:
            yield CONTROL
            continue
        n = {name: found[name][i] for name in found}
        wide = len(chr(c).encode())
        k = 0
        if n["after"] == 1:
            k |= JOINED
            k |= EXTEND if n["extend"] == 5 else 0
        elif n["marks"] == 2 and (wide > 1 or not 32 <= c < 127):
            k |= CONTROL
        if n["before"] == 1 and not k & JOINED:
            k |= PREPEND
        if n["picture"] == 4:
            k |= PICTURE
        if n["l"] == 3 and n["v"] == 3 and n["t"] == 2:
            k |= L
        elif n["v"] == 3 and n["t"] == 3 and n["l"] == 2:
            k |= V if wide == 4 or n["isv"] == 3 else LV
        elif n["t"] == 3 and n["v"] == 2 and n["l"] == 2:
            k |= T if n["ist"] == 3 else LVT
        if n["consonant"] == 4:
            k |= CONSONANT
        if n["linker"] == 4:
            k |= LINKER
        if n["incb"] == 5:
            k |= INCB
        if k & PREPEND:
            k = PREPEND  # it joins whatever follows
        if k & (LV | LVT):
            k = 0  # Hangul syllables are found by arithmetic
        yield k


def scripts():
    split = pre_tokenizers.UnicodeScripts().pre_tokenize_str

    def one(a, b):
        return len(split(a + b)) == 1

    known = []
    for c in map(chr, POINTS):
        if one("A", c) and one("\u0391", c):
            yield 0
            continue
        for i, k in enumerate(known):
            if one(k, c):
                yield i + 1
                break
        else:
            known.append(c)
            yield len(known)


def ranges(classes):
    out = []
    for c, k in zip(POINTS, classes):
        if out and out[-1][1] + 1 == c and out[-1][2] == k:
            out[-1][1] = c
        else:
            out.append([c, c, k])
    return [r for r in out if r[2]]


with gzip.open(sys.argv[1], "wt") as f:
    json.dump({"graphemes": ranges(graphemes()), "scripts": ranges(scripts())}, f)
