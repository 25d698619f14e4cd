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
from timm.models import maxxvit, metaformer, resnet, swin_transformer  # noqa: E402

COMMON = {"num_classes": 5, "in_chans": 2}


def coatnet(name, img_size, **transformer):
    """transformer: fields of timm's transformer_cfg, called the same in braid's config."""
    sizes = {"embed_dim": (8, 8, 16, 16), "depths": (2, 1, 2, 1), "stem_width": (8, 8)}
    transformer = {"dim_head": 8, **transformer}
    cfg = maxxvit._overlay_kwargs(maxxvit.model_cfgs[name], **sizes,
                                  **{f"transformer_{k}": v for k, v in transformer.items()})
    fields = {"img_size": img_size, **COMMON, **sizes, **transformer}
    return maxxvit.MaxxVit(cfg, img_size=img_size, **COMMON), fields


def maxvit(name, img_size, sizes={}, **transformer):
    sizes = {"embed_dim": (8, 8, 16), "depths": (1, 2, 1), "stem_width": (4, 8), **sizes}
    transformer = {"dim_head": 4, **transformer}
    cfg = maxxvit._overlay_kwargs(maxxvit.model_cfgs[name], block_type=("M",) * 3, **sizes,
                                  **{f"transformer_{k}": v for k, v in transformer.items()})
    fields = {"img_size": img_size, **COMMON, **sizes, **transformer}
    return maxxvit.MaxxVit(cfg, img_size=img_size, **COMMON), fields


def swin():
    """Maps of 9, 5 and 3 pixels: padded and shifted windows, and one that covers the map."""
    fields = {"img_size": 36, "embed_dim": 8, "depths": (2, 2, 1), "num_heads": (2, 2, 4),
              "window_size": 4, **COMMON}
    return swin_transformer.SwinTransformer(**fields), fields


def caformer():
    fields = {"depths": (1, 1, 1), "dims": (4, 8, 8), "res_scale_init_values": (0, 1, 1),
              "head_dim": 4, **COMMON}
    mixers = {"sep_conv": metaformer.SepConv, "attention": metaformer.Attention}
    norms = {"sep_conv": metaformer.LayerNorm2dNoBias, "attention": metaformer.LayerNormNoBias}
    names = ("sep_conv", "sep_conv", "attention")
    model = metaformer.MetaFormer(**{
        **fields, "token_mixers": [mixers[name] for name in names],
        "norm_layers": [norms[name] for name in names], "res_scale_init_values": (None, 1.0, 1.0)})
    return model, {"img_size": 37, "token_mixers": names, **fields}


def tiny_resnet(block, layers):
    model = resnet.ResNet(block, layers, channels=(4, 8, 8, 4), **COMMON)
    return model, {"layers": layers, "widths": [4, 8, 8, 4], "img_size": 40, **COMMON}


def small_resnet():
    model = parity.SmallResNet(1, widths=(4, 6, 8), **COMMON)
    return model, {"layers": [1, 1, 1], "widths": [4, 6, 8], "img_size": 15, **COMMON}


CASES = {  # registered name, or NAME@VARIANT: (model, config fields)
    "resnet18": tiny_resnet(resnet.BasicBlock, [1, 2, 1, 1]),
    "resnet50": tiny_resnet(resnet.Bottleneck, [1, 2, 1, 1]),
    "resnet20": small_resnet(),
    "coatnet_nano_rw_224": coatnet("coatnet_nano_rw", 64),
    "coatnet_0_rw_224": coatnet("coatnet_0_rw", 64),
    "coatnet_rmlp_1_rw2_224": coatnet("coatnet_rmlp_1_rw2", 64, rel_pos_dim=8),
    "maxvit_rmlp_pico_rw_256": maxvit("maxvit_rmlp_pico_rw", 32, partition_ratio=16,
                                      rel_pos_dim=8),
    "maxvit_tiny_tf_224": maxvit("maxvit_tiny_tf", 31, {"head_hidden_size": 6},
                                 partition_ratio=15),
    "swin_tiny_patch4_window7_224": swin(),
    "caformer_s18": caformer(),
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
    for module in model.modules():  # constants that half() has rounded
        if hasattr(module, "init_non_persistent_buffers"):
            module.init_non_persistent_buffers()
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
