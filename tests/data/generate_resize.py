#!/usr/bin/env python3
"""Writes fixtures/resize.safetensors: PIL's Image.resize, up and down, gray and colour, and a resize of a box. Seed 5;
Pillow's version is in the metadata.

    .venv/bin/python tests/data/generate_resize.py
"""
import pathlib

import numpy as np
import PIL
from PIL import Image
from safetensors.numpy import save_file

rng = np.random.default_rng(5)
tensors = {}
CASES = [("gray_down", (31, 40, 1), (12, 17), None), ("gray_up", (9, 7, 1), (28, 30), None),
         ("colour_down", (64, 48, 3), (20, 20), None), ("colour_up", (10, 12, 3), (32, 32), None),
         ("box", (40, 40, 3), (16, 16), (3.5, 2.25, 33.0, 30.75))]
for name, shape, size, box in CASES:
    smooth = np.add.outer(np.arange(shape[0]) * 5, np.arange(shape[1]) * 3)[..., None]
    pixels = ((rng.integers(0, 256, shape) + smooth) % 256).astype(np.uint8)
    image = Image.fromarray(pixels[..., 0] if shape[2] == 1 else pixels)
    tensors[f"{name}/input"] = pixels
    for filter_name in ("bilinear", "bicubic"):
        out = image.resize((size[1], size[0]), getattr(Image, filter_name.upper()), box=box)
        tensors[f"{name}/{filter_name}"] = np.asarray(out).reshape(*size, shape[2]).copy()
save_file(tensors, pathlib.Path(__file__).parent / "fixtures" / "resize.safetensors", {"pillow": PIL.__version__})
