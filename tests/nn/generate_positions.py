#!/usr/bin/env python3
"""Writes fixtures/sequence_positions.safetensors: Marian's sines, RoFormer's rotation, T5's buckets and Bloom's slopes
by Hugging Face transformers (5.24). See test_sequence_positions.cpp."""
import pathlib

import torch

for op in ("nms", "qnms"):
    torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
from safetensors.torch import save_file  # noqa: E402
from transformers.models.bloom.modeling_bloom import build_alibi_tensor  # noqa: E402
from transformers.models.marian.modeling_marian import MarianSinusoidalPositionalEmbedding  # noqa: E402
from transformers.models.roformer import modeling_roformer as roformer  # noqa: E402
from transformers.models.t5.modeling_t5 import T5Attention  # noqa: E402

torch.manual_seed(1)
tensors = {}
for dim in (8, 7):
    tensors[f"sines_{dim}"] = MarianSinusoidalPositionalEmbedding(19, dim).create_weight()
x = torch.randn(2, 3, 11, 8)
rotary = roformer.RoFormerSinusoidalPositionalEmbedding(11, 8).create_weight()
tensors["x"] = x
tensors["turned"] = roformer.RoFormerSelfAttention.apply_rotary_position_embeddings(rotary, x, x)[0]
distance = torch.arange(300)[None] - torch.arange(300)[:, None]
for name, both, buckets, most in (("both", True, 32, 128), ("past", False, 32, 128), ("few", True, 12, 40)):
    bucket = T5Attention._relative_position_bucket(distance, both, buckets, most)
    # One row and one column say all of it.
    tensors[f"buckets_{name}"] = torch.cat([bucket[299], bucket[0]])
for heads in (8, 12, 3):
    tensors[f"slopes_{heads}"] = build_alibi_tensor(torch.ones(1, 2), heads, torch.float32)[:, 0, 1]
save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()},
          pathlib.Path(__file__).resolve().parent / "fixtures" / "sequence_positions.safetensors")
