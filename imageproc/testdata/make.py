"""Makes the reference data of this folder with Pillow 13, transformers 5.23, and for its other backend torch 2.8 with torchvision
0.23 on a processor with AVX2:

    python make.py OUT [--seed N] [--count N]

OUT gets cases/src/* (images of every kind), cases/decoded.safetensors (what Pillow decodes: NAME as load_image has it, NAME|white
as do_convert_rgb has it), cases/pil_resize.safetensors, processors/*/, cases/processors.safetensors and cases/cases.json.
"""

import argparse
import io
import json
import pathlib
import random
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file
from transformers.image_transforms import convert_to_rgb
import transformers


def picture(rng, w, h):
    """Smooth colours, edges and noise."""
    y, x = np.mgrid[0:h, 0:w]
    a, b = rng.random(2) * 6 + 1
    base = np.stack([np.sin(x / a) + np.cos(y / b), x / max(w, 1) * 2 - 1 + np.sin(y / 3), np.cos((x + y) / a)], -1)
    img = base * 70 + 128 + rng.normal(0, 12, (h, w, 3))
    img[h // 3: h // 2, w // 4: w // 2] = rng.integers(0, 256, 3)
    return Image.fromarray(np.clip(img, 0, 255).astype(np.uint8))


def patched_sof(data, factors):
    """Changes width, height and sampling factors in a JPEG's frame header."""
    data = bytearray(data)
    i = data.index(b"\xff\xc0") if b"\xff\xc0" in data else data.index(b"\xff\xc2")
    (w, h), samplings = factors
    data[i + 5: i + 9] = struct.pack(">HH", h, w)
    for c, s in enumerate(samplings):
        data[i + 11 + 3 * c] = s
    return bytes(data)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(png, kind, body):
    """Puts a chunk behind the header of a PNG."""
    return png[:33] + chunk(kind, body) + png[33:]


def orientation(n, order="II"):
    e = "<" if order == "II" else ">"
    return b"Exif\0\0" + order.encode() + struct.pack(e + "HIHHHIHHI", 42, 8, 1, 274, 3, 1, n, 0, 0)


def saved(img, kind, **kw):
    b = io.BytesIO()
    img.save(b, kind, **kw)
    return b.getvalue()


def jpegs(rng, out):
    def size():
        return int(rng.integers(1, 44)), int(rng.integers(1, 34))

    for sub in range(3):
        for progressive in (False, True):
            for quality in (30, 75, 96):
                p = picture(rng, *size())
                out[f"s{sub}q{quality}{'p' if progressive else 'b'}.jpg"] = saved(
                    p, "JPEG", quality=quality, subsampling=sub, progressive=progressive)
    for w in (1, 2, 3, 4, 5, 16, 17):
        out[f"w{w}.jpg"] = saved(picture(rng, w, 9), "JPEG", subsampling=2)
        out[f"h{w}.jpg"] = saved(picture(rng, 11, w), "JPEG", subsampling=1)
    out["gray.jpg"] = saved(picture(rng, 33, 21).convert("L"), "JPEG")
    out["gray_progressive.jpg"] = saved(picture(rng, 33, 21).convert("L"), "JPEG", progressive=True)
    out["gray_2x2.jpg"] = patched_sof(out["gray.jpg"], ((33, 21), [0x22]))
    out["restart.jpg"] = saved(picture(rng, 41, 34), "JPEG", restart_marker_blocks=2)
    out["restart_progressive.jpg"] = saved(picture(rng, 36, 41), "JPEG", restart_marker_rows=1, progressive=True)
    out["optimized.jpg"] = saved(picture(rng, 40, 30), "JPEG", optimize=True, quality=99)
    out["rgb.jpg"] = saved(picture(rng, 40, 30), "JPEG", keep_rgb=True)
    cmyk = picture(rng, 37, 29).convert("CMYK")
    out["cmyk.jpg"] = saved(cmyk, "JPEG", quality=90)
    ycck = bytearray(saved(cmyk, "JPEG", quality=90))
    ycck[ycck.index(b"Adobe") + 11] = 2
    out["ycck.jpg"] = bytes(ycck)
    i = ycck.index(b"\xff\xee")
    out["cmyk_plain.jpg"] = bytes(ycck[:i] + ycck[i + 16:])
    # 4:2:2 data read as 4:4:0, and 4:2:0 as 4:1:1: other pixels, but files that are right.
    out["440.jpg"] = patched_sof(saved(picture(rng, 64, 32), "JPEG", subsampling=1), ((31, 63), [0x12, 0x11, 0x11]))
    out["440_progressive.jpg"] = patched_sof(
        saved(picture(rng, 64, 32), "JPEG", subsampling=1, progressive=True), ((32, 64), [0x12, 0x11, 0x11]))
    out["411.jpg"] = patched_sof(saved(picture(rng, 64, 32), "JPEG", subsampling=2), ((127, 16), [0x41, 0x11, 0x11]))
    out["422_of_both.jpg"] = patched_sof(saved(picture(rng, 64, 32), "JPEG", subsampling=1), ((63, 16 * 2), [0x21, 0x11, 0x11]))
    for n in range(1, 10):
        out[f"exif{n}.jpg"] = saved(picture(rng, 19, 13), "JPEG", exif=orientation(n, "MM" if n % 2 else "II"))
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="8"/></x:xmpmeta>'
    out["xmp.jpg"] = saved(picture(rng, 19, 13), "JPEG", xmp=xmp)


def pngs(rng, out):
    p = picture(rng, 31, 23)
    alpha = Image.fromarray(rng.integers(0, 256, (23, 31), dtype=np.uint8))
    alpha.paste(0, (3, 3, 9, 9))
    alpha.paste(255, (12, 3, 20, 9))
    rgba = p.copy()
    rgba.putalpha(alpha)
    la = p.convert("L")
    la.putalpha(alpha)
    out["rgb.png"] = saved(p, "PNG")
    out["rgba.png"] = saved(rgba, "PNG")
    out["la.png"] = saved(la, "PNG")
    out["l.png"] = saved(p.convert("L"), "PNG")
    out["one.png"] = saved(p.convert("1"), "PNG")
    out["palette.png"] = saved(p.quantize(40), "PNG")
    for bits in (1, 2, 4):
        out[f"palette{bits}.png"] = saved(p.quantize(2 ** bits), "PNG", bits=bits)
    out["palette_alpha.png"] = saved(p.quantize(20), "PNG", transparency=bytes(range(0, 200, 10)))
    out["palette_index.png"] = saved(p.quantize(20), "PNG", transparency=3)
    out["l_transparent.png"] = saved(p.convert("L"), "PNG", transparency=p.convert("L").getpixel((4, 4)))
    out["rgb_transparent.png"] = saved(p, "PNG", transparency=p.getpixel((4, 4)))
    out["one_transparent.png"] = saved(p.convert("1"), "PNG", transparency=0)
    g16 = (np.asarray(p.convert("L")).astype(np.uint16) * 3)
    out["gray16.png"] = saved(Image.fromarray(g16), "PNG")
    raw = rng.integers(0, 256, (23, 31 * 6), dtype=np.uint8)
    for name, colour, n in (("rgb16", 2, 6), ("rgba16", 6, 8), ("la16", 4, 4)):
        raw = rng.integers(0, 256, (23, 31 * n), dtype=np.uint8)
        lines = b"".join(b"\0" + r.tobytes() for r in raw)
        out[name + ".png"] = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 31, 23, 16, colour, 0, 0, 0)) + chunk(
            b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    for bits in (2, 4):
        row = (31 * bits + 7) // 8
        lines = b"".join(b"\0" + rng.integers(0, 256, row, dtype=np.uint8).tobytes() for _ in range(23))
        out[f"l{bits}.png"] = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 31, 23, bits, 0, 0, 0, 0)) + chunk(
            b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    out["exif.png"] = saved(p, "PNG", exif=orientation(6))
    e = orientation(5)
    profile = b"\nexif\n%8d\n" % len(e) + e.hex().encode() + b"\n"
    out["raw_exif.png"] = with_chunk(out["rgb.png"], b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile))
    xmp = b"<x><tiff:Orientation>3</tiff:Orientation></x>"
    out["xmp.png"] = with_chunk(out["rgb.png"], b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)


def others(rng, out):
    p = picture(rng, 29, 21)
    alpha = Image.fromarray(rng.integers(0, 256, (21, 29), dtype=np.uint8))
    rgba = p.copy()
    rgba.putalpha(alpha)
    q = p.quantize(30)
    out["a.gif"] = saved(q, "GIF")
    out["interlaced.gif"] = saved(q, "GIF", interlace=1)
    out["transparent.gif"] = saved(q, "GIF", transparency=4)
    out["gray.gif"] = saved(p.convert("L"), "GIF")
    out["two.gif"] = saved(p.quantize(5), "GIF", save_all=True, append_images=[picture(rng, 29, 21).quantize(6)])
    g = bytearray(out["a.gif"])
    g[6:10] = struct.pack("<HH", 60, 40)
    out["larger_screen.gif"] = bytes(g)
    g = bytearray(out["transparent.gif"])
    i = g.index(b",", 13 + 3 * 32)
    g[i + 1: i + 5] = struct.pack("<HH", 7, 5)
    out["offset.gif"] = bytes(g)
    out["lossless.webp"] = saved(p, "WEBP", lossless=True)
    out["lossless_alpha.webp"] = saved(rgba, "WEBP", lossless=True, exact=True)
    for quality in (20, 80):
        out[f"lossy{quality}.webp"] = saved(p, "WEBP", quality=quality)
        out[f"lossy_alpha{quality}.webp"] = saved(rgba, "WEBP", quality=quality, alpha_quality=quality)
    for w, h in ((1, 1), (2, 3), (17, 16), (16, 17)):
        out[f"lossy_{w}x{h}.webp"] = saved(picture(rng, w, h), "WEBP")
    out["exif.webp"] = saved(p, "WEBP", exif=orientation(7))
    out["animated.webp"] = saved(p, "WEBP", save_all=True, append_images=[picture(rng, 29, 21)])
    out["animated_alpha.webp"] = saved(rgba, "WEBP", save_all=True, append_images=[rgba.transpose(0)])
    out["rgb.bmp"] = saved(p, "BMP")
    out["rgba.bmp"] = saved(rgba, "BMP")
    out["l.bmp"] = saved(p.convert("L"), "BMP")
    out["palette.bmp"] = saved(q, "BMP")
    out["one.bmp"] = saved(p.convert("1"), "BMP")
    for c in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        out[f"rgb_{c}.tiff"] = saved(p, "TIFF", compression=c)
    out["rgba.tiff"] = saved(rgba, "TIFF")
    out["l.tiff"] = saved(p.convert("L"), "TIFF")
    out["one.tiff"] = saved(p.convert("1"), "TIFF")
    out["palette.tiff"] = saved(q, "TIFF")
    out["gray16.tiff"] = saved(Image.fromarray(np.asarray(p.convert("L")).astype(np.uint16) * 3), "TIFF")
    out["turned.tiff"] = saved(p, "TIFF", tiffinfo={274: 6})


def interlaced(samples, depth, colour, level=9, palette=b""):
    """A PNG of seven passes (Adam7) of samples [height, width, channels]."""
    lines = b""
    for x, y, right, down in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for row in samples[y::down, x::right]:
            if row.size:
                bits = "".join(format(v, f"0{depth}b") for v in row.ravel())
                lines += b"\0" + bytes(int(bits[i:i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))
    h, w = samples.shape[:2]
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, 1)) + (
        chunk(b"PLTE", palette) if palette else b"") + chunk(b"IDAT", zlib.compress(lines, level)) + chunk(b"IEND", b"")


def tiff(tags, blocks, offsets, counts):
    """A TIFF of tags {number: 16-bit values} and blocks of pixels, with the tags of where they are and how long."""
    tags = {k: ("H", v) for k, v in tags.items()}
    tags[counts] = "I", [len(b) for b in blocks]
    tags[offsets] = "I", [0] * len(blocks)
    for _ in range(2):  # the second time it is known where the blocks begin
        entries, values, at = b"", b"", 8 + 2 + 12 * len(tags) + 4
        for number, (kind, v) in sorted(tags.items()):
            raw = struct.pack(f"<{len(v)}{kind}", *v)
            if len(raw) > 4:
                raw, values = struct.pack("<I", at + len(values)), values + raw
            entries += struct.pack("<HHI", number, {"H": 3, "I": 4}[kind], len(v)) + raw.ljust(4, b"\0")
        first = at + len(values)
        tags[offsets] = "I", [first + sum(len(b) for b in blocks[:i]) for i in range(len(blocks))]
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + values + b"".join(blocks)


def tiled(a, w, h, pack=bytes, compression=1):
    """A TIFF of pixels [height, width, channels] in tiles, those at the border filled up with zeros."""
    height, width, c = a.shape
    blocks = []
    for y in range(0, height, h):
        for x in range(0, width, w):
            tile = np.zeros((h, w, c), np.uint8)
            part = a[y:y + h, x:x + w]
            tile[:part.shape[0], :part.shape[1]] = part
            blocks.append(pack(tile.tobytes()))
    return tiff({256: [width], 257: [height], 258: [8] * c, 259: [compression], 262: [2 if c == 3 else 1], 277: [c], 322: [w],
                 323: [h]}, blocks, 324, 325)


def rare(out):
    """What Pillow reads and hardly writes."""
    rng = np.random.default_rng(2)
    p = picture(rng, 29, 21)
    a = np.asarray(p)
    out["passes.png"] = interlaced(a, 8, 2)
    out["passes_stored.png"] = interlaced(a[:7, :9], 8, 2, level=0)
    out["passes_small.png"] = interlaced(a[:2, :3], 8, 2)
    out["passes_one.png"] = interlaced(rng.integers(0, 2, (21, 29, 1)), 1, 0)
    out["passes_palette2.png"] = interlaced(rng.integers(0, 4, (21, 29, 1)), 2, 3, palette=bytes(range(0, 240, 20)))
    out["passes_rgba16.png"] = interlaced(rng.integers(0, 65536, (9, 7, 4)), 16, 6)
    one = p.convert("1")
    for n in (3, 4):
        out[f"group{n}.tiff"] = saved(one, "TIFF", compression=f"group{n}")
    out["group4_white0.tiff"] = saved(one, "TIFF", compression="group4", tiffinfo={262: 0, 266: 2, 278: 5})
    out["big_endian.tiff"] = saved(p, "TIFF", big_endian=True)
    out["predictor.tiff"] = saved(p.convert("RGBA"), "TIFF", compression="tiff_adobe_deflate", tiffinfo={317: 2})
    out["strips.tiff"] = saved(p, "TIFF", compression="tiff_lzw", tiffinfo={278: 4, 317: 2})
    out["tiled.tiff"] = tiled(a, 16, 16, zlib.compress, 8)
    gray = np.asarray(p.convert("L"))[..., None]
    out["tiled_gray.tiff"] = tiled(np.concatenate([gray, gray], 1)[:, :48], 16, 16)
    out["rgb16.tiff"] = tiff({256: [29], 257: [21], 258: [16] * 3, 259: [1], 262: [2], 277: [3], 278: [21]},
                             [(a.astype("<u2") * 257).tobytes()], 273, 279)
    top = bytearray(saved(p, "BMP"))
    top[22:26] = struct.pack("<i", -21)
    out["top_down.bmp"] = bytes(top)


def bmp(size, colours, bits, pixels, compression=0, palette=b"", masks=b"", header=40, height=None):
    """A BMP; header is the number of bytes of its kind of header: 12 is that of OS/2 1."""
    w, h = size
    if header == 12:
        body = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        body = struct.pack("<IiiHHIIiiII", header, w, height or h, 1, bits, compression, len(pixels), 0, 0, colours, 0)
    body = (body + masks).ljust(header, b"\0") + palette
    return b"BM" + struct.pack("<IHHI", 14 + len(body) + len(pixels), 0, 0, 14 + len(body)) + body + pixels


def runs(rng, w, h, bits):
    """Run lengths of all kinds: runs, pixels, skips, lines that end early."""
    out = bytearray()
    y = x = 0
    while y < h:
        kind, room = rng.integers(0, 6), w - x
        if room == 0:
            out += b"\0\0"
            x, y = 0, y + 1
        elif kind == 0 and y < h - 3:
            right, up = int(rng.integers(0, room)), int(rng.integers(0, 3))
            out += bytes([0, 2, right, up])
            x, y = x + right, y + up
        elif kind == 1 and x:
            out += b"\0\0"
            x, y = 0, y + 1
        elif kind < 4 and room > 3:
            n = int(rng.integers(3, room + 1))
            body = rng.integers(0, 256, n if bits == 8 else (n + 1) // 2).astype(np.uint8).tobytes()
            out += bytes([0, n]) + body + bytes(len(body) % 2)
            x += n
        else:
            n = int(rng.integers(1, room + 1))
            out += bytes([n, int(rng.integers(0, 256))])
            x += n
    return bytes(out) + b"\0\1"


def hostile(data, rng):
    """A JPEG with other quantisation tables, of 16 bits, so that coefficients overflow."""
    out, at = data[:2], 2
    while data[at + 1] != 0xda:
        n = 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        segment = data[at:at + n]
        if data[at + 1] == 0xdb:
            tables = b"".join(bytes([16 | segment[i] & 15]) + rng.integers(1, 65536, 64).astype(">u2").tobytes() for i in range(4, n, 65))
            segment = b"\xff\xdb" + struct.pack(">H", 2 + len(tables)) + tables
        out, at = out + segment, at + n
    return out + data[at:]


def rarer(out):
    """More of what Pillow reads, and hardly writes."""
    rng = np.random.default_rng(3)
    p = picture(rng, 29, 21)
    a = np.asarray(p)
    for i in range(4):
        data = saved(picture(rng, 37, 26), "JPEG", quality=(40, 90)[i % 2], subsampling=i % 3, progressive=i == 3)
        out[f"hostile{i}.jpg"] = hostile(data, rng)
    data = bytearray(saved(picture(rng, 40, 30), "JPEG", quality=95))
    at = data.index(b"\xff\x00", data.index(b"\xff\xda"))
    out["filled.jpg"] = bytes(data[:at]) + b"\xff" + bytes(data[at:])  # ff ff 00 is ff, too
    palette = rng.integers(0, 256, (256, 4)).astype(np.uint8).tobytes()
    for bits in (4, 8):
        n = 1 << bits
        out[f"rle{bits}.bmp"] = bmp((31, 17), n, bits, runs(rng, 31, 17, bits), {8: 1, 4: 2}[bits], palette[:4 * n])
        row = (29 * bits + 31) // 32 * 4
        pixels = rng.integers(0, 256, (21, row)).astype(np.uint8).tobytes()
        out[f"os2_{bits}.bmp"] = bmp((29, 21), 0, bits, pixels, palette=palette[:3 * n], header=12)
    out["palette4.bmp"] = bmp((29, 21), 9, 4, rng.integers(0, 9, (21, 16)).astype(np.uint8).tobytes(), palette=palette[:36])
    out["os2_rgb.bmp"] = bmp((29, 21), 0, 24, rng.integers(0, 256, (21, 88)).astype(np.uint8).tobytes(), header=12)
    out["os2_2.bmp"] = bmp((29, 21), 0, 24, rng.integers(0, 256, (21, 88)).astype(np.uint8).tobytes(), header=64)
    words = rng.integers(0, 256, (21, 60)).astype(np.uint8).tobytes()
    out["rgb15.bmp"] = bmp((29, 21), 0, 16, words)
    out["rgb16.bmp"] = bmp((29, 21), 0, 16, words, 3, masks=struct.pack("<III", 0xf800, 0x7e0, 0x1f))
    out["rgb15_fields.bmp"] = bmp((29, 21), 0, 16, words, 3, masks=struct.pack("<III", 0x7c00, 0x3e0, 0x1f), height=-21)
    wide = rng.integers(0, 256, (21, 29 * 4)).astype(np.uint8).tobytes()
    for name, masks in (("bgrx", (0xff0000, 0xff00, 0xff, 0)), ("xbgr", (0xff000000, 0xff0000, 0xff00, 0)), ("bgxr", (0xff000000, 0xff00, 0xff, 0)),
                        ("abgr", (0xff000000, 0xff0000, 0xff00, 0xff)), ("rgba", (0xff, 0xff00, 0xff0000, 0xff000000)),
                        ("bgra", (0xff0000, 0xff00, 0xff, 0xff000000)), ("bgar", (0xff000000, 0xff00, 0xff, 0xff0000)), ("none", (0, 0, 0, 0))):
        out[f"fields_{name}.bmp"] = bmp((29, 21), 0, 32, wide, 3, masks=struct.pack("<IIII", *masks), header=108)
    cmyk = np.asarray(p.convert("CMYK")).copy()
    cmyk[..., 3] = rng.integers(0, 256, cmyk.shape[:2])
    cmyk = Image.fromarray(cmyk, "CMYK")
    out["cmyk.tiff"] = saved(cmyk, "TIFF")
    out["cmyk_lzw.tiff"] = saved(cmyk, "TIFF", compression="tiff_lzw", tiffinfo={317: 2, 278: 6})
    out["border_gray.tiff"] = tiled(np.asarray(p.convert("L"))[..., None], 16, 16, zlib.compress, 8)
    tags = {256: [29], 257: [21], 259: [1], 278: [8], 284: [2]}
    four = np.asarray(cmyk)
    for name, b, colours in (("rgb", a, 2), ("cmyk", four, 5), ("rgba", four, 2)):
        n = b.shape[2]
        strips = [b[y:y + 8, :, c].tobytes() for c in range(n) for y in range(0, 21, 8)]
        more = {338: [2]} if name == "rgba" else {}
        out[f"planes_{name}.tiff"] = tiff({**tags, 258: [8] * n, 262: [colours], 277: [n], **more}, strips, 273, 279)
    strips = [zlib.compress(a[y:y + 8, :, c].tobytes()) for c in range(3) for y in range(0, 21, 8)]
    out["planes_deflate.tiff"] = tiff({**tags, 258: [8] * 3, 259: [8], 262: [2], 277: [3]}, strips, 273, 279)
    rgbx = {256: [29], 257: [21], 258: [8] * 4, 259: [1], 262: [2], 277: [4], 278: [21]}
    out["rgbx.tiff"] = tiff({**rgbx, 338: [0]}, [four.tobytes()], 273, 279)
    out["rgba_unsaid.tiff"] = tiff(rgbx, [four.tobytes()], 273, 279)


# Configurations, with keys as older versions spelt them too.
PROCESSORS = {
    "old_vit": {"feature_extractor_type": "ViTFeatureExtractor", "size": 40, "resample": 2},
    "old_clip": {"feature_extractor_type": "CLIPFeatureExtractor", "size": 36, "crop_size": 32},
    "fast_clip": {"image_processor_type": "CLIPImageProcessorFast", "size": {"shortest_edge": 30}, "crop_size": {"height": 24, "width": 36}},
    "crop_odd": {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 23}, "crop_size": {"height": 31, "width": 26}},
    "defaults_deit": {"image_processor_type": "DeiTImageProcessor", "crop_size": 50, "size": 57},
    "list_size": {"image_processor_type": "ViTImageProcessor", "size": [30, 44], "resample": 4},
    "hamming": {"image_processor_type": "SiglipImageProcessor", "size": {"height": 33, "width": 21}, "resample": 5},
    "nearest": {"image_processor_type": "ViTImageProcessor", "size": {"height": 29, "width": 41}, "resample": 0},
    "magic": {"image_processor_type": "ViTImageProcessor", "size": {"height": 29, "width": 41}, "resample": 7},
    "siglip_int": {"image_processor_type": "SiglipImageProcessor", "size": 33, "image_mean": 0.4, "image_std": 0.3},
    "no_rescale": {"image_processor_type": "ViTImageProcessor", "size": 20, "do_rescale": False, "image_mean": [120.5, 110, 99],
                   "image_std": [58.3, 57, 57.4]},
    "raw": {"image_processor_type": "ViTImageProcessor", "size": 20, "do_rescale": False, "do_normalize": False},
    "factor": {"image_processor_type": "ViTImageProcessor", "size": 20, "rescale_factor": 0.0078, "do_normalize": False},
    "crop_only": {"image_processor_type": "CLIPImageProcessor", "do_resize": False, "crop_size": {"height": 21, "width": 40}},
    "longest": {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 30, "longest_edge": 45}, "do_center_crop": False},
    "fit": {"image_processor_type": "ViTImageProcessor", "size": {"max_height": 30, "max_width": 40}},
    "convnext_old": {"feature_extractor_type": "ConvNextFeatureExtractor", "size": 30},
    "convnext_pct": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 27}, "crop_pct": 0.95, "resample": 2},
    "convnext_crop": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 27}, "do_center_crop": True,
                      "crop_size": {"height": 33, "width": 22}},
    "not_square": {"image_processor_type": "ViTImageProcessor", "size": 22, "default_to_square": False},
    "beit": {"image_processor_type": "BeitImageProcessor", "size": 31, "crop_size": 25, "do_center_crop": True},
    "blip": {"image_processor_type": "BlipImageProcessor", "size": {"height": 24, "width": 24}},
    "mobilenet": {"image_processor_type": "MobileNetV1ImageProcessor", "size": {"shortest_edge": 32}, "crop_size": {"height": 28, "width": 28}},
    "nulls": {"image_processor_type": "CLIPImageProcessor", "do_center_crop": None, "crop_size": None, "do_normalize": None,
              "image_std": None, "size": {"height": 20, "width": 30}},
    "pad": {"image_processor_type": "ViTImageProcessor", "size": [18, 26], "do_pad": True, "pad_size": {"height": 21, "width": 30}},
    "vit_torchvision": {"image_processor_type": "ViTImageProcessor", "size": [30, 9]},
    "crop_odd_torchvision": {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 23}, "crop_size": {"height": 31, "width": 26}},
    "convnext_torchvision": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 27}, "crop_pct": 0.95, "resample": 2},
    "nearest_torchvision": {"image_processor_type": "ViTImageProcessor", "size": [29, 41], "resample": 0},
    "lanczos_torchvision": {"image_processor_type": "SiglipImageProcessor", "size": [33, 21], "resample": 1, "image_mean": 0.4},
    "factor_torchvision": {"image_processor_type": "ViTImageProcessor", "size": 20, "rescale_factor": 0.0078, "do_normalize": False},
    "no_rescale_torchvision": {"image_processor_type": "ViTImageProcessor", "size": 20, "do_rescale": False,
                               "image_mean": [120.5, 110, 99], "image_std": [58.3, 57, 57.4]},
    "pad_torchvision": {"image_processor_type": "ViTImageProcessor", "size": [18, 26], "do_pad": True, "pad_size": 30},
    "dinov3": {"image_processor_type": "DINOv3ViTImageProcessorFast", "size": {"height": 24, "width": 32}},
    "dinov3_bicubic": {"image_processor_type": "DINOv3ViTImageProcessorFast", "size": {"shortest_edge": 11}, "resample": 3,
                       "do_center_crop": True, "crop_size": {"height": 14, "width": 8}},
    "dinov3_raw": {"image_processor_type": "DINOv3ViTImageProcessor", "size": {"height": 30, "width": 5}, "resample": 0, "do_normalize": False},
    "dinov3_smaller": {"image_processor_type": "DINOv3ViTImageProcessor", "size": {"height": 3, "width": 4}, "resample": 3,
                       "do_pad": True, "pad_size": 6},
    "dinov3_linear": {"image_processor_type": "DINOv3ViTImageProcessor", "size": {"height": 5, "width": 3}},
    "beit_pad": {"image_processor_type": "BeitImageProcessor", "size": 9, "do_pad": True, "pad_size": 12},
    "convnext_pad_torchvision": {"image_processor_type": "ConvNextImageProcessor", "size": 9, "do_pad": True, "pad_size": 7},
    "square_size": {"image_processor_type": "CLIPImageProcessor", "use_square_size": True, "size": {"shortest_edge": 50},
                    "crop_size": {"height": 20, "width": 24}},
    "nested": {"image_processor_type": "ViTImageProcessor", "size": {"height": 18, "width": 26}},
}


def processor_class(folder, config):
    name = config.get("image_processor_type") or config["feature_extractor_type"].replace("FeatureExtractor", "ImageProcessor")
    base = name.removesuffix("Fast").removesuffix("ImageProcessor")
    torchvision = name.endswith("Fast") or folder.endswith("_torchvision") or base == "DINOv3ViT"
    return getattr(transformers, base + "ImageProcessor" + ("" if torchvision else "Pil"))


def main():
    args = argparse.ArgumentParser()
    args.add_argument("out", type=pathlib.Path)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--count", type=int, default=60)
    args = args.parse_args()
    rng = np.random.default_rng(args.seed)
    random.seed(args.seed)
    src = args.out / "cases" / "src"
    src.mkdir(parents=True, exist_ok=True)

    files = {}
    jpegs(rng, files)
    pngs(rng, files)
    others(rng, files)
    rare(files)
    rarer(files)
    decoded = {}
    for name, data in files.items():
        (src / name).write_bytes(data)
        decoded[name] = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
        if not name.endswith(".jpg"):
            decoded[name + "|white"] = convert_to_rgb(Image.open(io.BytesIO(data)), return_numpy=True)
    # Most |white are what is there without it.
    decoded = {k: v for k, v in decoded.items() if not k.endswith("|white") or not np.array_equal(v, decoded[k[:-6]])}
    save_file({k: np.ascontiguousarray(v) for k, v in decoded.items()}, args.out / "cases" / "decoded.safetensors")

    resizes = {}
    names = {r.name.lower(): r for r in Image.Resampling}
    for i in range(args.count):
        most = random.choice([4, 20, 45] if args.count < 1000 else [4, 60, 700])
        w, h, new_w, new_h = (random.randint(1, most) for _ in range(4))
        mode = random.choice(["RGB", "RGB", "L", "RGBA"])
        a = rng.integers(0, 256, (h, w, 4), dtype=np.uint8)
        a[..., 3] = np.where(a[..., 3] < 60, 0, np.where(a[..., 3] > 200, 255, a[..., 3]))
        if random.random() < 0.5:
            a = np.where(a > 127, 255, 0).astype(np.uint8)  # the largest swings
        a = {"RGB": a[..., :3], "L": a[..., 0], "RGBA": a}[mode]
        name = random.choice(sorted(names))
        resizes[f"r{i}|source"] = np.ascontiguousarray(a)
        resizes[f"r{i}|{name}|{new_w}x{new_h}"] = np.array(Image.fromarray(resizes[f"r{i}|source"]).resize((new_w, new_h), names[name]))
    save_file(resizes, args.out / "cases" / "pil_resize.safetensors")

    cases, tensors = [], {}
    for i, (name, config) in enumerate(PROCESSORS.items()):
        folder = args.out / "processors" / name
        folder.mkdir(parents=True, exist_ok=True)
        if name == "nested":
            (folder / "processor_config.json").write_text(json.dumps({"processor_class": "X", "image_processor": config}))
            (folder / "preprocessor_config.json").write_text("{}")
        else:
            (folder / "preprocessor_config.json").write_text(json.dumps(config))
        processor = processor_class(name, config)(**{k: v for k, v in config.items() if not k.endswith("_type")})
        for image in (("w17.jpg",), ("exif6.jpg",))[i % 2] if args.count < 1000 else decoded:
            values = np.asarray(processor(Image.fromarray(decoded[image]))["pixel_values"][0])
            key = f"{name}|{image}"
            tensors[key] = np.ascontiguousarray(values.astype(np.float32))
            cases.append({"processor": name, "image": image, "input": "decoded", "key": key, "shape": list(values.shape)})
    # What load_image makes of an image with one transparent colour.
    for name in ("old_clip", "fast_clip", "siglip_int", "old_vit"):
        processor = processor_class(name, PROCESSORS[name])(**{k: v for k, v in PROCESSORS[name].items() if not k.endswith("_type")})
        for image in ("transparent.gif", "palette_index.png", "palette_alpha.png", "l_transparent.png", "rgb_transparent.png",
                      "one_transparent.png"):
            loaded = ImageOps.exif_transpose(Image.open(src / image)).convert("RGB")
            values = np.asarray(processor(loaded)["pixel_values"][0])
            key = f"{name}|{image}|loaded"
            tensors[key] = np.ascontiguousarray(values.astype(np.float32))
            cases.append({"processor": name, "image": image, "input": "loaded", "key": key, "shape": list(values.shape)})
    save_file(tensors, args.out / "cases" / "processors.safetensors")
    (args.out / "cases" / "cases.json").write_text(json.dumps({"cases": cases}, indent=1))


if __name__ == "__main__":
    main()
