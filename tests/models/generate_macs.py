#!/usr/bin/env python3
"""Prints fvcore's multiply-accumulate counts of timm's and the CCT authors' models, for tests/models/test_macs.cpp.

    .venv/bin/python tests/models/generate_macs.py COMPACT_TRANSFORMERS    (fvcore 0.1.5, timm 1.0, torch 2.13.0)

Attention runs unfused, since fvcore does not know the fused operator.
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import parity  # noqa: E402  (defines torchvision's operators before timm is imported)
import timm.layers  # noqa: E402
from fvcore.nn import FlopCountAnalysis  # noqa: E402

timm.layers.set_fused_attn(False)
COUNTED = {"conv", "linear", "matmul", "einsum", "bmm", "addmm"}
compact = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None  # a checkout of the CCT authors' repository
SIZES = {224: ("resnet18", "resnet50", "vit_tiny_patch16_224", "deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224",
               "coatnet_nano_rw_224", "coatnet_0_rw_224"),
         32: ("coatnet_pico_32", "vit_lite_2_4_32", "vit_lite_7_4_32", "cct_2_3x2_32",
              "cct_7_3x1_32")}
for size, names in SIZES.items():
    for name in names:
        model, missing = parity.reference_model(name, 1000, 3, size, compact)
        if model is None:
            print(f"# {name} {missing}")
            continue
        count = FlopCountAnalysis(model.eval(), torch.zeros(1, 3, size, size)).unsupported_ops_warnings(False)
        print(f'{{"{name}", {sum(v for k, v in count.by_operator().items() if k in COUNTED)}}},')
