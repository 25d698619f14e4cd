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
import functools
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
from timm.layers import HybridEmbed, StdConv2dSame, resize_rel_pos_bias_table  # noqa: E402
from timm.models import (_efficientnet_blocks, _efficientnet_builder, byobnet, convnext, densenet,  # noqa: E402
                         edgenext, efficientformer, efficientformer_v2, efficientnet, fastvit, levit, maxxvit,
                         metaformer, mobilenetv3, mobilevit, nextvit, pvt_v2, regnet, repvit, resnet, resnetv2,
                         swin_transformer, vgg, vision_transformer, vovnet)

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


def tiny_vit(name, **fields):
    fields = {"patch_size": 6, "embed_dim": 16, "depth": 2, "num_heads": 2, "img_size": 24,
              **fields, **COMMON}
    return timm.create_model(name, **fields), fields


def tiny_vit_hybrid():
    backbone = {"layers": [1, 1], "channels": [128, 128], "stem_chs": 32}
    body = {"embed_dim": 8, "depth": 1, "num_heads": 2, "img_size": 27, **COMMON}
    conv = functools.partial(StdConv2dSame, eps=1e-8)
    cnn = resnetv2.ResNetV2(num_classes=0, global_pool="", in_chans=COMMON["in_chans"],
                            preact=False, stem_type="same", conv_layer=conv, **backbone)
    model = vision_transformer.VisionTransformer(
        patch_size=1, embed_layer=functools.partial(HybridEmbed, backbone=cnn), **body)
    return model, {**backbone, **body}


def tiny_pvt_v2():
    fields = {"depths": [1, 2, 1], "embed_dims": [8, 8, 12], "num_heads": [1, 2, 3],
              "sr_ratios": [3, 2, 1], "mlp_ratios": [4, 4, 2], **COMMON}
    return pvt_v2.PyramidVisionTransformerV2(**fields), {"img_size": 45, **fields}


def tiny_cvt():
    stages = {"embed_dim": [8, 12, 16], "num_heads": [1, 3, 2]}
    model = parity.cvt(**COMMON, depth=[1, 2, 3], mlp_ratio=[2.0] * 3, **stages)
    return model, {"depths": [1, 2, 3], "mlp_ratio": 2.0, "img_size": 37, **stages, **COMMON}


def tiny_levit():
    stages = {"embed_dim": [16, 24, 16], "key_dim": 8, "num_heads": [2, 3, 2]}
    fields = {"img_size": 80, **stages, **COMMON}
    model = levit.LevitDistilled(depth=[1, 2, 1], **fields)
    return model, {"depths": [1, 2, 1], **fields}
def tiny_fastvit(token_mixers, inference_mode):
    """Two stages; the second one at the end of the image has 3 x 3 pixels."""
    shape = {"embed_dims": [8, 32], "mlp_ratios": [2, 1], "inference_mode": inference_mode, **COMMON}
    attends = token_mixers[1] == "attention"
    model = fastvit.FastVit(
        layers=(1, 1), token_mixers=token_mixers, downsamples=(False, True),
        pos_embs=(None, fastvit.RepConditionalPosEnc if attends else None), **shape)
    return model, {"depths": [1, 1], "token_mixers": token_mixers, "pos_embs": [0, 7 if attends else 0],
                   "img_size": 22, **shape}


def tiny_edgenext():
    fields = {"dims": [8, 12, 16, 20], "depths": [1, 2, 1, 1], "heads": [2, 2, 4, 2],
              "kernel_sizes": [3, 5, 3, 3], "expand_ratio": 2, **COMMON}
    return edgenext.EdgeNeXt(**fields), {**fields, "img_size": 70}


def tiny_nextvit():
    """timm fixes the channels, so the stages are replaced by narrow ones of its own blocks."""
    conv, transformer = nextvit.NextConvBlock, nextvit.NextTransformerBlock
    model = nextvit.NextViT(**COMMON, stem_chs=(8, 8, 8), depths=(1, 1, 5, 1))
    stages, chans = [], 8
    for widths, types, stride, ratio in (
            ([16], [conv], 1, 8), ([16, 40], [conv, transformer], 2, 4),
            ([16, 40], [conv, transformer], 2, 2), ([40], [transformer], 2, 1)):
        stages.append(nextvit.NextStage(chans, widths, types, stride=stride, sr_ratio=ratio,
                                        mix_block_ratio=0.75, head_dim=8))
        chans = widths[-1]
    model.stages = torch.nn.Sequential(*stages)
    model.norm = torch.nn.BatchNorm2d(chans)
    model.head = nextvit.ClassifierHead(chans, COMMON["num_classes"])
    return model, {"stem_chs": [8, 8, 8], "depths": [1, 2, 2, 1], "conv_chs": [16, 16, 16, 16],
                   "transformer_chs": [0, 40, 40, 40], "head_dim": 8, "img_size": 48, **COMMON}
def tiny_convnext(conv_mlp):
    sizes = {"depths": [1, 2, 1, 1], "dims": [4, 8, 8, 12]}
    model = convnext.ConvNeXt(**sizes, conv_mlp=conv_mlp, **COMMON)
    return model, {**sizes, "img_size": 37, **COMMON}


def block_args(arch_def, depths):
    """braid's arch_def as timm's: a stage's last block is repeated, and its repeats are written out."""
    stages = []
    for stage, depth in zip(arch_def, depths):
        blocks = stage.split()
        blocks = (blocks + [blocks[-1]] * depth)[:depth]
        stages.append([block.replace("_", "_r1_", 1) for block in blocks])
    return _efficientnet_builder.decode_arch_def(stages)


def tiny_efficientnet(arch_def=("ds_k3_s1_c8_se0.25", "ir_k5_s2_e3_c16_se0.25", "er_k3_s1_e2_c16_se0.25"),
                      img_size=29, act_layer=torch.nn.SiLU, bn_eps=1e-5, **fields):
    fields = {"arch_def": list(arch_def), "depths": [1, 2, 2], "stem_size": 8, "num_features": 16,
              "img_size": img_size, **({"bn_eps": bn_eps} if bn_eps != 1e-5 else {}), **fields, **COMMON}
    model = efficientnet.EfficientNet(
        block_args(fields["arch_def"], fields["depths"]), stem_size=8, num_features=16, act_layer=act_layer,
        pad_type=fields.get("pad_type", ""), norm_layer=functools.partial(torch.nn.BatchNorm2d, eps=bn_eps), **COMMON)
    return model, fields


def tiny_mobilenet(arch_def, depths, img_size, act_layer, head_norm=False, **kwargs):
    fields = {"arch_def": arch_def, "depths": depths, "stem_size": 8, "num_features": 16,
              "head_norm": head_norm, "img_size": img_size, **kwargs, **COMMON}
    squeeze = functools.partial(_efficientnet_blocks.SqueezeExcite, gate_layer="hard_sigmoid",
                                force_act_layer=torch.nn.ReLU,
                                rd_round_fn=_efficientnet_builder.round_channels)
    model = mobilenetv3.MobileNetV3(
        block_args(arch_def, depths), stem_size=8, num_features=16, act_layer=act_layer,
        se_layer=squeeze, head_norm=head_norm, **kwargs, **COMMON)
    return model, fields


def tiny_regnet():
    # The slope and multiplier that quantize to these widths and depths.
    cfg = regnet.RegNetCfg(w0=8, wa=6, wm=1.7, group_size=4, depth=6, se_ratio=0.25, stem_width=8)
    model = regnet.RegNet(cfg, **COMMON)
    stages = [getattr(model, f"s{i}") for i in range(1, 5)]
    return model, {"depths": [len(list(stage.children())) for stage in stages],
                   "widths": [stage.b1.conv3.conv.out_channels for stage in stages],
                   "group_size": 4, "stem_width": 8, "img_size": 40, **COMMON}


def tiny_densenet():
    model = densenet.DenseNet(growth_rate=4, block_config=(2, 1, 3), bn_size=2, **COMMON)
    return model, {"growth_rate": 4, "depths": [2, 1, 3], "bn_size": 2, "img_size": 37, **COMMON}


def tiny_vgg():
    fields = {"mlp_ratio": 1 / 1024, "in_chans": 2, "num_classes": 2}
    model = vgg.VGG([4, 4, "M", 6, "M", 8, "M"], norm_layer=torch.nn.BatchNorm2d, **fields)
    return model, {"depths": [2, 1, 1], "widths": [4, 6, 8], "img_size": 37, **fields}


def tiny_vovnet(depthwise):
    fields = {"stem_chs": [4, 4, 8], "stage_conv_chs": [4, 4, 6, 6], "stage_out_chs": [8, 8, 12, 12],
              "layer_per_block": 2, "depthwise": depthwise}
    depths = [1, 1, 1, 1] if depthwise else [1, 2, 1, 1]
    model = vovnet.VovNet({**fields, "block_per_stage": depths, "residual": True, "attn": "ese"}, **COMMON)
    return model, {"depths": depths, "img_size": 45, **fields, **COMMON}


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


def tiny_compact(name, img_size, **config):
    """Of the compact networks, with braid's names of the fields."""
    return (parity.compact_variant(name, img_size=img_size, **COMMON, **config),
            {"img_size": img_size, **COMMON, **config})


CASES = {  # registered name, or NAME@VARIANT: (model, config fields)
    "resnet18": tiny_resnet(resnet.BasicBlock, [1, 2, 1, 1]),
    "resnet50": tiny_resnet(resnet.Bottleneck, [1, 2, 1, 1]),
    "resnet20": small_resnet(),
    "resnet9": tiny_compact("resnet9", 21, prep_chs=4, widths=(6, 8, 10), res_layers=(1, 3)),
    "airbench94": tiny_compact("airbench94", 21, stem_chs=6, widths=(8, 12)),
    "airbench_tiny_64": tiny_compact("airbench_tiny_64", 33, stem_chs=6, widths=(8, 12)),
    "airvit_nano": tiny_compact("airvit_nano", 21, stem_chs=6, widths=(8, 12)),
    "vit_nano_patch7_gap_28": tiny_compact("vit_nano_patch7_gap_28", 21, embed_dim=16, num_heads=2),
    "convnext_atto": tiny_convnext(conv_mlp=True),
    "convnext_tiny": tiny_convnext(conv_mlp=False),
    "efficientnet_b0": tiny_efficientnet(),
    "tf_efficientnet_lite0": tiny_efficientnet(("ds_k3_s2_c8", "ir_k5_s2_e3_c16", "er_k3_s2_e2_c16"), 30,
                                               torch.nn.ReLU6, 1e-3, pad_type="same"),
    "mobilenetv3_large_100": tiny_mobilenet(
        ["ds_k3_s2_c8_se0.25_nre", "ir_k3_s2_e4.5_c16_nre ir_k5_s1_e3.67_c16_se0.25", "cn_k1_s1_c24"],
        [1, 3, 1], 33, torch.nn.Hardswish),
    "mobilenetv4_hybrid_medium": tiny_mobilenet(
        ["er_k3_s2_e4_c8", "uir_a3_k5_s2_e4_c16 mqa_k3_h2_s1_v2_d8_c16 uir_a0_k0_s1_e2_c16",
         "uir_a5_k0_s2_e3_c16 mqa_k3_h2_s1_d8_c16 uir_a0_k3_s1_e2_c16", "cn_k1_s1_c24"],
        [1, 3, 3, 1], 45, torch.nn.ReLU, head_norm=True, layer_scale_init_value=1e-5),
    "regnety_008": tiny_regnet(),
    "densenet121": tiny_densenet(),
    "vgg16_bn": tiny_vgg(),
    "ese_vovnet19b_dw": tiny_vovnet(depthwise=True),
    "ese_vovnet39b": tiny_vovnet(depthwise=False),
    "coatnet_nano_rw_224": coatnet("coatnet_nano_rw", 64),
    "coatnet_0_rw_224": coatnet("coatnet_0_rw", 64),
    "vit_tiny_patch16_224": tiny_vit("vit_tiny_patch16_224"),
    "deit_tiny_distilled_patch16_224": tiny_vit("deit_tiny_distilled_patch16_224"),
    "deit3_small_patch16_224": tiny_vit("deit3_small_patch16_224"),
    "vit_small_r26_s32_224": tiny_vit_hybrid(),
    "pvt_v2_b0": tiny_pvt_v2(),
    "cvt_13": tiny_cvt(),
    "levit_128s": tiny_levit(),
    "fastvit_t8": tiny_fastvit(["repmixer", "repmixer"], False),
    "fastvit_sa12": tiny_fastvit(["repmixer", "attention"], False),
    "fastvit_sa12@fused": tiny_fastvit(["repmixer", "attention"], True),
    "edgenext_small": tiny_edgenext(),
    "nextvit_small": tiny_nextvit(),
    "coatnet_rmlp_1_rw2_224": coatnet("coatnet_rmlp_1_rw2", 64, rel_pos_dim=8),
    "maxvit_rmlp_pico_rw_256": maxvit("maxvit_rmlp_pico_rw", 32, partition_ratio=16,
                                      rel_pos_dim=8),
    "maxvit_tiny_tf_224": maxvit("maxvit_tiny_tf", 31, {"head_hidden_size": 6},
                                 partition_ratio=15),
    "swin_tiny_patch4_window7_224": swin(),
    "caformer_s18": caformer(),
    "mobilevit_xxs": tiny_mobilevit(linear_attention=False),
    "mobilevitv2_100": tiny_mobilevit(linear_attention=True),
    "efficientformer_l1": tiny_efficientformer(),
    "efficientformerv2_s0": tiny_efficientformer_v2([1, 1, 2], [4, 4, 4], num_vit=1),
    "efficientformerv2_s0@downsample": tiny_efficientformer_v2([1, 1, 1, 2], [4, 4, 4, 4], num_vit=0),
    "repvit_m1": tiny_repvit(legacy=True),
    "repvit_m1@plain": tiny_repvit(legacy=False),
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
