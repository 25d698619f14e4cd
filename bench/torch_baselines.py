#!/usr/bin/env python3
"""What plain PyTorch makes of Fashion-MNIST within some seconds: one family's short network, or a model of timm.

    bench/torch_baselines.py FAMILY|timm:NAME SECONDS   prints "top1 images_per_s"

cnn, hybrid and transformer are the networks of thirty lines that one would write by hand: pooled convolutions with batch
norm and GELU; two of those and attention over the pooled map; patches of 7 pixels and attention. AdamW, one cycle, batch
256, flips. timm's models get its own defaults: AdamW, cosine, warm-up, at the data's own size.
"""
import gzip
import math
import pathlib
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F

FOLDER = pathlib.Path("/usr/share/datasets/fashion-mnist")


def read(name: str, offset: int) -> numpy.ndarray:
    return numpy.frombuffer(gzip.open(FOLDER / f"{name}.gz").read(), numpy.uint8, offset=offset)


def load(split: str):
    images = read(f"{split}-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28).astype("f4") / 255
    return torch.from_numpy(images), torch.from_numpy(read(f"{split}-labels-idx1-ubyte", 8).astype("i8"))


class ConvBlock(nn.Module):
    def __init__(self, ins: int, outs: int):
        super().__init__()
        self.conv1 = nn.Conv2d(ins, outs, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outs, outs, 3, padding=1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(outs), nn.BatchNorm2d(outs)

    def forward(self, x):
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))


class AttentionBlock(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.fc1, self.fc2 = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)
        self.heads = max(1, dim // 32)

    def forward(self, x):
        batch, tokens, dim = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).softmax(-1)  # faster than the kernel in bf16
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, tokens, dim))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Tokens(nn.Module):
    def __init__(self, stem: nn.Module, tokens: int, dim: int, depth: int):
        super().__init__()
        self.stem, self.position = stem, nn.Parameter(torch.randn(1, tokens, dim) * 0.02)
        self.blocks = nn.Sequential(*[AttentionBlock(dim) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(x + self.position)).mean(1))


def make(name: str):
    """The network and its largest learning rate."""
    if name == "cnn":
        return nn.Sequential(nn.Conv2d(1, 16, 2), nn.GELU(), ConvBlock(16, 16), ConvBlock(16, 32), ConvBlock(32, 64),
                             nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(64, 10)), 0.005
    if name == "hybrid":
        stem = nn.Sequential(nn.Conv2d(1, 16, 2), nn.GELU(), ConvBlock(16, 32), ConvBlock(32, 96), nn.MaxPool2d(2))
        return Tokens(stem, 9, 96, 1), 0.004
    if name == "transformer":
        return Tokens(nn.Conv2d(1, 128, 7, stride=7), 16, 128, 2), 0.003
    for op in ("nms", "qnms"):  # timm imports torchvision, whose operators a mere CPU wheel may lack
        torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
    import timm
    kwargs = {"in_chans": 1, "num_classes": 10}
    if "vit" in name:
        kwargs["img_size"] = 28
    return timm.create_model(name.removeprefix("timm:"), **kwargs), 1e-3


def share_of_rate(name: str, spent: float) -> float:
    """One cycle; timm's models get a warm-up of a twentieth and a cosine."""
    if name.startswith("timm:"):
        return spent / 0.05 if spent < 0.05 else (1 + math.cos(math.pi * (spent - 0.05) / 0.95)) / 2
    return spent / 0.2 if spent < 0.2 else (1 - spent) / 0.8


def test_accuracy(model: nn.Module, mean: torch.Tensor, std: torch.Tensor) -> float:
    """Percent of the test images, normalized as in training."""
    model.eval()
    images, labels = load("t10k")
    with torch.no_grad():
        right = sum((model((x - mean) / std).argmax(1) == y).sum().item()
                    for x, y in zip(images.split(500), labels.split(500)))
    return right / len(labels) * 100


def main() -> None:
    name, budget = sys.argv[1], float(sys.argv[2])
    torch.manual_seed(0)
    images, labels = load("train")
    mean, std = images.mean(), images.std()
    images = (images - mean) / std
    model, peak = make(name)
    model = model.to(memory_format=torch.channels_last)
    batch = 256 if not name.startswith("timm:") else 128
    bf16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    optimizer = torch.optim.AdamW(model.parameters(), peak, weight_decay=0.02)
    start, seen, done = time.time(), 0, False
    while not done:
        for rows in torch.randperm(len(images)).split(batch):
            spent = (time.time() - start) / budget
            if spent >= 1:
                done = True
                break
            for group in optimizer.param_groups:
                group["lr"] = max(peak * share_of_rate(name, spent), 1e-6)
            x = images[rows]
            x = torch.where(torch.rand(len(rows), 1, 1, 1) < 0.5, x.flip(3), x)
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                out = model(x.to(memory_format=torch.channels_last))
            F.cross_entropy(out.float(), labels[rows], label_smoothing=0.1).backward()
            optimizer.step()
            seen += len(rows)
    seconds = time.time() - start
    print(f"{test_accuracy(model, mean, std):.2f} {seen / seconds:.0f}")


if __name__ == "__main__":
    main()
