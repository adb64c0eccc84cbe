"""Writes the images of this folder, and what the model of the folder above makes of them in Python: reference.json.

    python testdata/make.py package/src/digits        # see train.py

digit-N.png are the second held-out image of each digit; the other files are four of these as people have them: dark on white
and large, in colour, as a JPEG, with alpha. held-out.png is a sheet of all 997 held-out images, 40 in a row, by digit.
"""

import json
import os
import sys

import numpy as np
import torch
from PIL import Image
from transformers import ViTForImageClassification, ViTImageProcessorPil
from transformers.image_utils import load_image

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(here))
from train import accuracy, read, tensors  # noqa: E402

COLUMNS = 40


def main():
    torch.set_num_threads(1)
    _, held = read(sys.argv[1])
    second = {d: [image for image, digit in held if digit == d][1] for d in range(10)}
    names = []

    def save(name, image, **options):
        image.save(os.path.join(here, name), **options)
        names.append(name)

    for digit, image in second.items():
        save(f"digit-{digit}.png", Image.fromarray(image), optimize=True)
    save("paper-2.png", Image.fromarray(255 - second[2]).resize((140, 140), Image.BICUBIC), optimize=True)
    blue = np.stack([30 + second[3] // 4, 40 + second[3] // 3, 60 + second[3] // 2], axis=2).astype(np.uint8)
    save("blue-3.png", Image.fromarray(blue).resize((84, 100), Image.BICUBIC), optimize=True)
    save("photo-5.jpg", Image.fromarray(second[5]).convert("RGB").resize((320, 300), Image.BICUBIC), quality=85)
    clear = np.dstack([second[8]] * 3 + [np.maximum(second[8], 40)])
    save("clear-8.png", Image.fromarray(clear, "RGBA").resize((56, 56), Image.BICUBIC), optimize=True)

    sheet = np.zeros(((len(held) + COLUMNS - 1) // COLUMNS * 28, COLUMNS * 28), np.uint8)
    for i, (image, _) in enumerate(held):
        y, x = i // COLUMNS * 28, i % COLUMNS * 28
        sheet[y:y + 28, x:x + 28] = image
    Image.fromarray(sheet).save(os.path.join(here, "held-out.png"), optimize=True)

    folder = os.path.dirname(here)
    processor = ViTImageProcessorPil.from_pretrained(folder)
    model = ViTForImageClassification.from_pretrained(folder).float().eval()
    exact = ViTForImageClassification.from_pretrained(folder).double().eval()
    reference = {"images": [], "held_out": [digit for _, digit in held], "accuracy": accuracy(model, *tensors(held))}
    with torch.no_grad():
        for name in names:
            pixels = processor(load_image(os.path.join(here, name)), return_tensors="pt")["pixel_values"]
            reference["images"].append({
                "file": name, "logits": exact(pixel_values=pixels.double()).logits[0].tolist(),
                "noise": (model(pixel_values=pixels).logits - exact(pixel_values=pixels.double()).logits).abs().max().item()})
        x, _ = tensors(held)
        logits = model(pixel_values=((x - 0.5) / 0.5).expand(-1, 3, -1, -1)).logits
        reference["predicted"] = logits.argmax(1).tolist()
    with open(os.path.join(here, "reference.json"), "w") as f:
        json.dump(reference, f)
        f.write("\n")
    print(reference["accuracy"], [(r["file"], int(np.argmax(r["logits"])), r["noise"]) for r in reference["images"]])


if __name__ == "__main__":
    main()
