#!/usr/bin/env python3
"""Writes fixtures/parity_*.safetensors: tiny variants of the models, computed by their reference implementation
in float64.

    .venv/bin/python tests/models/generate_parity.py [NAME...]     (torch 2.13.0, timm 1.0.31; seed 1)
        [--conformer DIR] [--mobile-former DIR]

Each file: `weights/NAME` and `input` float16, `logits`, `features` float64 and `grads` float64,
per parameter in the order of their sorted names the inner product of d(mean(logits^2))/d(parameter)
with cos(0), cos(1), ...; the metadata `kwargs` are braid's config fields, which the
test reads back: a new case is an entry of CASES. rel_pos_bias.safetensors:
timm's resize_rel_pos_bias_table.

--conformer, --mobile-former: checkouts as for scripts/parity.py; without them these models' files
are left as they are.
"""
import argparse
import contextlib
import io
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
from timm.models import maxxvit, resnet  # noqa: E402

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


CASES = {  # registered name, or NAME@VARIANT: (model, config fields)
    "resnet18": tiny_resnet(resnet.BasicBlock, [1, 2, 1, 1]),
    "resnet50": tiny_resnet(resnet.Bottleneck, [1, 2, 1, 1]),
    "resnet20": small_resnet(),
    "coatnet_nano_rw_224": coatnet("coatnet_nano_rw", 64),
    "coatnet_0_rw_224": coatnet("coatnet_0_rw", 64),
}


def conformer(checkout, patch_size, depth, num_med_block, img_size):
    kwargs = {"patch_size": patch_size, "channel_ratio": 1 / 16, "num_med_block": num_med_block,
              "embed_dim": 8, "num_heads": 2, "mlp_ratio": 2.}
    model = parity.conformer_reference(checkout, depth=depth, **kwargs, **COMMON)
    return model, {"depths": [depth // 3] * 3, "img_size": img_size, **kwargs, **COMMON}


def mobile_former(checkout):
    rows = [("DnaBlock3", 2, 4, 1, 1, 0), ("DnaBlock3", 3, 8, 2, 2, 2), ("DnaBlock", 2, 8, 1, 1, 3),
            ("DnaBlock", 3, 4, 1, 2, 3)]
    fields = dict(zip(("block_type", "expand_ratio", "channels", "depths", "strides", "expand_ratio2"),
                      map(list, zip(*rows))))
    kwargs = {"stem_chs": 4, "token_num": 3, "token_dim": 16, "last_exp": 2, "num_features": 12}
    with contextlib.redirect_stdout(io.StringIO()):
        model = parity.mobile_former_package(checkout).MobileFormer(
            block_args=rows, gbr_type="attn", gbr_dynamic=[True, False, False], gbr_ffn=True,
            **kwargs, **COMMON)
    return model, {"img_size": 37, **fields, **kwargs, **COMMON}


CHECKOUT_CASES = {  # the same from authors' code: (option, how to make it from the checkout)
    "conformer_tiny_patch16": ("conformer", lambda checkout: conformer(checkout, 16, 6, 0, 45)),
    "conformer_tiny_patch16@patch32": (
        "conformer", lambda checkout: conformer(checkout, 32, 3, 1, 64)),
    "mobile_former_96m": ("mobile_former", mobile_former),
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
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="cases; all by default")
    parser.add_argument("--conformer", type=pathlib.Path)
    parser.add_argument("--mobile-former", type=pathlib.Path)
    args = parser.parse_args()
    (HERE / "fixtures").mkdir(exist_ok=True)
    torch.manual_seed(1)
    cases = dict(CASES)
    for name, (option, make) in CHECKOUT_CASES.items():
        if getattr(args, option):
            cases[name] = make(getattr(args, option))
    for name, (model, fields) in cases.items():
        if not args.names or name in args.names:
            write(name, model, fields)
    table = torch.randn(13 * 13, 2)
    save_file({"table": table,
               "side_4": resize_rel_pos_bias_table(table, (4, 4), (49, 2)),
               "side_10": resize_rel_pos_bias_table(table, (10, 10), (361, 2))},
              HERE / "fixtures" / "rel_pos_bias.safetensors")


if __name__ == "__main__":
    main()
