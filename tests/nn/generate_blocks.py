#!/usr/bin/env python3
"""Writes fixtures/{leff,rotary,conv_position}.safetensors: blocks computed by their reference
implementation in float64.

    .venv/bin/python tests/nn/generate_blocks.py --ceit DIR     (torch 2.13.0, timm 1.0.31; seed 1)

--ceit: a checkout of https://github.com/coeusguo/ceit; without it leff is left as it is. Keys:
CASE/weights/NAME, CASE/input, CASE/output and CASE/grad, the gradient of sum(output * cos(0, 1, ...))
with respect to the input.
"""
import argparse
import functools
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))
import parity  # noqa: E402  (defines torchvision's operators before timm is imported)
from safetensors.torch import save_file  # noqa: E402
from timm.layers import RotaryEmbeddingCat, apply_rot_embed_cat  # noqa: E402
from timm.models.eva import EvaBlock  # noqa: E402
from timm.models.twins import PosConv  # noqa: E402


def case(name, module, x, call):
    """The entries of one case; call(module, x) gives its output."""
    generator = torch.Generator().manual_seed(1)
    parity.randomize(module, generator)
    module.double().eval()
    x = x.double().requires_grad_()
    y = call(module, x)
    (y.flatten() * torch.arange(y.numel()).double().cos()).sum().backward()
    entries = {f"weights/{k}": v for k, v in module.state_dict().items()}
    entries.update({"input": x.detach(), "output": y.detach(), "grad": x.grad})
    return {f"{name}/{k}": v.contiguous() for k, v in entries.items()}


def rotary():
    embedding = RotaryEmbeddingCat(8).get_embed([3, 5])
    x = torch.randn(2, 15, 8).double()
    block = EvaBlock(16, 2, mlp_ratio=2., attn_type="rope", num_prefix_tokens=0,
                     norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-6))

    def call(module, maps):
        tokens = maps.flatten(2).transpose(1, 2)
        return module(tokens, rope=embedding.double()).transpose(1, 2).reshape(maps.shape)
    return {"embedding": embedding, "input": x, "output": apply_rot_embed_cat(x, embedding.double()),
            **case("block", block, torch.randn(2, 16, 3, 5), call)}


def conv_position():
    return case("stride_1", PosConv(6, 6, 1), torch.randn(2, 20, 6), lambda module, x: module(x, [5, 4]))


def leff(checkout):
    parity.use_old_timm_paths()
    sys.path.insert(0, str(checkout))
    from ceit_model import LocallyEnhancedFeedForward
    return case("norms", LocallyEnhancedFeedForward(4, 10), torch.randn(2, 10, 4), lambda module, x: module(x))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ceit", type=pathlib.Path, help="checkout of coeusguo/ceit")
    args = parser.parse_args()
    (HERE / "fixtures").mkdir(exist_ok=True)
    makers = {"rotary": rotary, "conv_position": conv_position}
    if args.ceit:
        makers["leff"] = functools.partial(leff, args.ceit)
    for name, make in makers.items():
        torch.manual_seed(1)
        save_file(make(), HERE / "fixtures" / f"{name}.safetensors")


if __name__ == "__main__":
    main()
