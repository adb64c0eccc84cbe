"""photos.py ONNX THREADS: what people write in Python. For each line with the paths of photos on standard input it reads them with
Pillow, preprocesses them as ViTImageProcessor does, runs the model in ONNX Runtime as one batch, and writes the first number
of each class token on a line.

photos.py --make PHOTO: writes a photo of 12 megapixels, always the same one, as JPEG, 4:2:0, of quality 90.
"""

import sys

import numpy as np
from PIL import Image, ImageOps


def make(path):
    rng = np.random.default_rng(1)
    height, width = 3000, 4000
    picture = np.zeros((height, width, 3), np.float32)
    for size, weight in ((3, 80), (12, 50), (60, 26), (300, 12), (1000, 5)):  # as in photos: the finer, the weaker
        layer = Image.fromarray(rng.integers(0, 256, (size * 3 // 4 + 1, size, 3), np.uint8)).resize((width, height), Image.BICUBIC)
        picture += (np.asarray(layer, np.float32) / 255 - 0.5) * weight * 2
    picture += rng.normal(0, 1.5, (height, width, 1))
    Image.fromarray((picture + 128).clip(0, 255).astype(np.uint8)).save(path, quality=90, subsampling="4:2:0")


def main():
    if sys.argv[1] == "--make":
        return make(sys.argv[2])
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(sys.argv[2])
    session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    for line in sys.stdin:
        pixels = []
        for path in line.rstrip("\n").split("\t"):
            image = ImageOps.exif_transpose(Image.open(path)).convert("RGB").resize((224, 224), Image.BILINEAR)
            pixels.append(((np.asarray(image, np.float32) / 255 - 0.5) / 0.5).transpose(2, 0, 1))
        out = session.run(None, {"pixel_values": np.ascontiguousarray(np.stack(pixels))})[0]
        print(*out[:, 0, 0], flush=True)


if __name__ == "__main__":
    main()
