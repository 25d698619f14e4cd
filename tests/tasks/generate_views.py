#!/usr/bin/env python3
"""Writes fixtures/views.safetensors: crops by torchvision.transforms and airbench's test-time augmentation. Seed 3.

    .venv/bin/python tests/tasks/generate_views.py     (torch 2.13.0, torchvision 0.28)

`image` [H,W,C] uint8, `five_crop` and `ten_crop` [V,C,8,8] uint8; `pixels` [B,1,8,8], `weight` [1*8*8,3] and, of the
network tanh(pixels @ weight), `mirror` and `mirror_translate` [B,3] float64.
"""
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))
import parity  # noqa: E402, F401  (defines torchvision's operators before it is imported)
from safetensors.torch import save_file  # noqa: E402
from torchvision.transforms import FiveCrop, TenCrop  # noqa: E402

torch.manual_seed(3)
image = torch.randint(256, (3, 11, 14), dtype=torch.uint8)  # odd and even rests around 8 pixels
tall = torch.randint(256, (1, 15, 11), dtype=torch.uint8)
tensors = {}
for name, picture in (("", image), ("tall_", tall)):
    tensors[f"{name}image"] = picture.permute(1, 2, 0)
    tensors[f"{name}five_crop"] = torch.stack(FiveCrop(8)(picture))
    tensors[f"{name}ten_crop"] = torch.stack(TenCrop(8)(picture))

pixels, weight = torch.randn(2, 1, 8, 8, dtype=torch.float64), torch.randn(64, 3, dtype=torch.float64) / 8


def net(x):
    return torch.tanh(x.flatten(1) @ weight)


# cifar10-airbench (MIT), airbench94.py: infer_mirror and infer_mirror_translate, at another size.
def infer_mirror(inputs):
    return 0.5 * net(inputs) + 0.5 * net(inputs.flip(-1))


def infer_mirror_translate(inputs):
    side, pad = inputs.shape[-1], 1
    padded_inputs = torch.nn.functional.pad(inputs, (pad,) * 4, "reflect")
    inputs_translate_list = [padded_inputs[:, :, 0:side, 0:side], padded_inputs[:, :, 2:side + 2, 2:side + 2]]
    logits_translate = torch.stack([infer_mirror(inputs_translate) for inputs_translate in inputs_translate_list]).mean(0)
    return 0.5 * infer_mirror(inputs) + 0.5 * logits_translate


tensors |= {"pixels": pixels, "weight": weight, "mirror": infer_mirror(pixels),
            "mirror_translate": infer_mirror_translate(pixels)}
save_file({k: v.contiguous() for k, v in tensors.items()}, HERE / "fixtures" / "views.safetensors")
