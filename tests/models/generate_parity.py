#!/usr/bin/env python3
"""Writes fixtures/parity_*.safetensors: tiny variants of the models, computed by their reference implementation
in float64.

    .venv/bin/python tests/models/generate_parity.py [NAME...]     (torch 2.13.0, timm 1.0.31; seed 1)

Each file: `weights/NAME` and `input` float16, `logits`, `features` float64 and `grads` float64,
per parameter in the order of their sorted names the inner product of d(mean(logits^2))/d(parameter)
with cos(0), cos(1), ...; the metadata `kwargs` are braid's config fields, which the
test reads back: a new case is an entry of CASES. rel_pos_bias.safetensors:
timm's resize_rel_pos_bias_table.
"""
import json
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))
import parity  # noqa: E402  (defines torchvision's operators before timm is imported)
import timm  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from timm.layers import resize_rel_pos_bias_table  # noqa: E402
from timm.models import (byobnet, efficientformer, efficientformer_v2, maxxvit, mobilevit,  # noqa: E402
                         repvit, resnet)

COMMON = {"num_classes": 5, "in_chans": 2}


def coatnet(name, img_size, **kwargs):
    cfg = maxxvit._overlay_kwargs(
        maxxvit.model_cfgs[name], embed_dim=(8, 8, 16, 16), depths=(2, 1, 2, 1), stem_width=(8, 8),
        transformer_dim_head=8)
    fields = {"embed_dim": [8, 8, 16, 16], "depths": [2, 1, 2, 1], "stem_width": [8, 8],
              "dim_head": 8, "img_size": img_size, **COMMON}
    return maxxvit.MaxxVit(cfg, img_size=img_size, **COMMON), fields


def tiny_resnet(block, layers):
    model = resnet.ResNet(block, layers, channels=(4, 8, 8, 4), **COMMON)
    return model, {"layers": layers, "widths": [4, 8, 8, 4], "img_size": 40, **COMMON}


def small_resnet():
    model = parity.SmallResNet(1, widths=(4, 6, 8), **COMMON)
    return model, {"layers": [1, 1, 1], "widths": [4, 6, 8], "img_size": 15, **COMMON}


def tiny_mobilevit(linear_attention):
    """Maps of 20, 10 and 5 pixels; the patches do not divide the last one."""
    residual = dict(d=1, c=8, br=2.0)
    if linear_attention:
        attention = [mobilevit._mobilevitv2_block(s=2, transformer_depth=1, **residual),
                     mobilevit._mobilevitv2_block(s=2, transformer_depth=2, **residual)]
    else:
        attention = [mobilevit._mobilevit_block(s=2, transformer_dim=8, transformer_depth=1, patch_size=2,
                                                **residual),
                     mobilevit._mobilevit_block(s=2, transformer_dim=16, transformer_depth=2, patch_size=2,
                                                **residual)]
    cfg = byobnet.ByoModelCfg(
        blocks=(mobilevit._inverted_residual_block(s=1, **residual), *attention), stem_chs=4, stem_type="3x3",
        stem_pool="", downsample="", act_layer="silu", num_features=0 if linear_attention else 8)
    return byobnet.ByobNet(cfg, **COMMON), {
        "stem_chs": 4, "depths": [1, 1, 1], "embed_dims": [8, 8, 8], "bottle_ratio": 2.0,
        "transformer_depths": [0, 1, 2], "transformer_dims": [0, 8, 8] if linear_attention else [0, 8, 16],
        "num_features": cfg.num_features, "img_size": 40, **COMMON}


def tiny_efficientformer():
    """A grid of 2 x 2 tokens: timm's is 7 x 7 always."""
    fields = {"depths": [1, 1, 1, 2], "embed_dims": [4, 8, 8, 8], "mlp_ratios": 2.0, **COMMON}
    model = efficientformer.EfficientFormer(num_vit=1, **fields)
    model.stages[-1].blocks[-1].token_mixer = efficientformer.Attention(8, resolution=2)
    return model, {**fields, "img_size": 40}


def tiny_efficientformer_v2(depths, embed_dims, num_vit):
    model = efficientformer_v2.EfficientFormerV2(
        depths=depths, embed_dims=embed_dims, num_vit=num_vit, img_size=56,
        mlp_ratios=(1,) * (len(depths) - 1) + ((2,) + (1,) * (depths[-1] - 1),), **COMMON)
    last = len(depths) - 1
    return model, {"depths": depths, "embed_dims": embed_dims, "num_vit": num_vit, "img_size": 56,
                   "mlp_ratios": [1.0] * len(depths), "wide_mlp_ratio": 2.0, "wide_first": [0] * last + [1],
                   "wide_last": [0] * len(depths), **COMMON}


def tiny_repvit(legacy):
    model = repvit.RepVit(embed_dim=(4, 8), depth=(2, 3), legacy=legacy, **COMMON)
    return model, {"embed_dim": [4, 8], "depths": [2, 3], "legacy": legacy, "img_size": 40, **COMMON}


CASES = {  # registered name, or NAME@VARIANT: (model, config fields)
    "resnet18": tiny_resnet(resnet.BasicBlock, [1, 2, 1, 1]),
    "resnet50": tiny_resnet(resnet.Bottleneck, [1, 2, 1, 1]),
    "resnet20": small_resnet(),
    "coatnet_nano_rw_224": coatnet("coatnet_nano_rw", 64),
    "coatnet_0_rw_224": coatnet("coatnet_0_rw", 64),
    "mobilevit_xxs": tiny_mobilevit(linear_attention=False),
    "mobilevitv2_100": tiny_mobilevit(linear_attention=True),
    "efficientformer_l1": tiny_efficientformer(),
    "efficientformerv2_s0": tiny_efficientformer_v2([1, 1, 2], [4, 4, 4], num_vit=1),
    "efficientformerv2_s0@downsample": tiny_efficientformer_v2([1, 1, 1, 2], [4, 4, 4, 4], num_vit=0),
    "repvit_m1": tiny_repvit(legacy=True),
    "repvit_m1@plain": tiny_repvit(legacy=False),
}


def write(name, model, fields):
    generator = torch.Generator().manual_seed(1)
    torch.manual_seed(1)
    parity.randomize(model, generator)
    model.half()  # halves the files; the rounded weights are the model's
    weights = {f"weights/{k}": v.contiguous().clone() for k, v in model.state_dict().items()}
    x = torch.randn(2, fields["in_chans"], fields["img_size"], fields["img_size"],
                    generator=generator).half()
    model.double().eval()
    features, logits = parity.run_reference(model, x.double())
    logits.square().mean().backward()
    grads = [(p.grad.flatten() * torch.arange(p.numel()).double().cos()).sum()
             for _, p in sorted(model.named_parameters())]
    save_file({**weights, "input": x, "logits": logits.detach(),
               "features": features.detach().contiguous(), "grads": torch.stack(grads)},
              HERE / "fixtures" / f"parity_{name}.safetensors", {"kwargs": json.dumps(fields)})


def main():
    (HERE / "fixtures").mkdir(exist_ok=True)
    torch.manual_seed(1)
    for name, (model, fields) in CASES.items():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            write(name, model, fields)
    table = torch.randn(13 * 13, 2)
    save_file({"table": table,
               "side_4": resize_rel_pos_bias_table(table, (4, 4), (49, 2)),
               "side_10": resize_rel_pos_bias_table(table, (10, 10), (361, 2))},
              HERE / "fixtures" / "rel_pos_bias.safetensors")


if __name__ == "__main__":
    main()
