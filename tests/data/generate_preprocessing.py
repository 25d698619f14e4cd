#!/usr/bin/env python3
"""Writes fixtures/preprocessing.safetensors: images and what timm's evaluation transform makes of them, in bytes, for
tests/data/test_preprocessing.cpp. Seed 9; timm's version is in the metadata.

    .venv/bin/python tests/data/generate_preprocessing.py
"""
import json
import pathlib

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

for operator in ("nms", "qnms"):
    torch.library.define(f"torchvision::{operator}", "(Tensor a, Tensor b, float c) -> Tensor")
import timm
from timm.data import create_transform

rng = np.random.default_rng(9)
tensors, cases = {}, []


def image(height, width, channels):
    smooth = np.add.outer(np.arange(height) * 5, np.arange(width) * 3)[..., None]
    return ((rng.integers(0, 60, (height, width, channels)) + smooth) % 256).astype(np.uint8)


def add(shape, size, crop_pct, crop_mode, interpolation, mean=(0.485, 0.456, 0.406)):
    key = str(len(cases))
    pixels = image(*shape)
    transform = create_transform((shape[2], size, size), interpolation=interpolation, crop_pct=crop_pct,
                                 crop_mode=crop_mode, mean=mean, std=(0.2,) * shape[2], normalize=False)
    out = transform(Image.fromarray(pixels[..., 0] if shape[2] == 1 else pixels))
    tensors[f"{key}/image"] = torch.from_numpy(pixels)
    tensors[f"{key}/output"] = out.permute(1, 2, 0).contiguous()
    cases.append({"size": size, "crop_pct": crop_pct, "crop_mode": crop_mode, "interpolation": interpolation,
                  "mean": list(mean)})


for crop_mode in ("center", "squash", "border"):
    for crop_pct in (1.0, 0.875):
        add((37, 50, 3), 24, crop_pct, crop_mode, "bicubic")
        add((41, 19, 3), 24, crop_pct, crop_mode, "bilinear")
add((24, 24, 3), 24, 0.9, "center", "bicubic")  # of the size already, yet resized and cropped
add((30, 45, 3), 24, 1.15, "center", "bicubic")  # smaller than the crop: black around it
add((33, 20, 1), 16, 0.8, "border", "bilinear", mean=(0.3,))
save_file(tensors, pathlib.Path(__file__).parent / "fixtures" / "preprocessing.safetensors",
          {"timm": timm.__version__, "cases": json.dumps(cases)})
