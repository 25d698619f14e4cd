#!/usr/bin/env python3
"""Compares braid's models with timm's (CCT: with its authors' code) on the same random weights.

    scripts/parity.py [NAME...] [--braid build/bin/braid] [--compact-transformers DIR]
        [--conformer DIR] [--mobile-former DIR]

Per model: random weights (non-trivial norm statistics and gains, so that zero-initialized branches
take part), one random batch; compared are logits, features and the gradient of mean(logits^2) for
every parameter, all in float64, and the logits in float32 too (the column `logits32`). Gradients of
float32 would not do: in timm itself those of resnet50 differ by 2e-3 to 5e-3 between float32 and
float64, since rounding decides the sign of a few of its ReLUs. Errors are the largest absolute
difference over the largest absolute reference value; gradients: the worst parameter, each against
its own largest value but at least 1e-3 of the model's largest gradient. Needs `scripts/oracle.sh`. Exits with 1 when a model is off by more than
1e-4 or its parameters are named or shaped differently.

--compact-transformers: a checkout of https://github.com/SHI-Labs/Compact-Transformers.
--conformer: a checkout of https://github.com/pengzhiliang/Conformer.
--mobile-former: a checkout of https://github.com/AAboys/MobileFormer.
"""
import argparse
import contextlib
import functools
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import types
import warnings

import torch

for op in ("nms", "qnms"):  # timm imports torchvision, whose operators a mere CPU wheel may lack
    try:
        torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
    except RuntimeError:
        pass
import timm  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

TOLERANCE = 1e-4
COLUMNS = ["name", "params", "logits32", "logits", "features", "gradients", "verdict"]


class OptionA(torch.nn.Module):
    """He et al.'s shortcut without weights: every second pixel, missing channels zero."""

    def __init__(self, missing):
        super().__init__()
        self.missing = missing

    def forward(self, x):
        half = self.missing // 2
        return torch.nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, self.missing - half))


class SmallResNet(torch.nn.Module):
    """Section 4.2 of He et al., from timm's blocks."""

    def __init__(self, blocks, num_classes, in_chans, widths=(16, 32, 64)):
        super().__init__()
        from timm.models.resnet import BasicBlock
        self.conv1 = torch.nn.Conv2d(in_chans, widths[0], 3, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(widths[0])
        chans = widths[0]
        for stage, width in enumerate(widths):
            layer = []
            for i in range(blocks):
                strided = stage > 0 and i == 0
                layer.append(BasicBlock(chans, width, stride=2 if strided else 1,
                                        downsample=OptionA(width - chans) if strided else None))
                chans = width
            self.add_module(f"layer{stage + 1}", torch.nn.Sequential(*layer))
        self.fc = torch.nn.Linear(chans, num_classes)

    def forward_features(self, x):
        x = self.bn1(self.conv1(x)).relu()
        return self.layer3(self.layer2(self.layer1(x)))

    def forward_head(self, features):
        return self.fc(features.mean((2, 3)))

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


def coatnet_pico(num_classes, in_chans, img_size):
    """braid's small-image CoAtNet from timm's parts: its stem has no stride."""
    from timm.models.maxxvit import MaxxVit, MaxxVitCfg, _rw_max_cfg
    cfg = MaxxVitCfg(embed_dim=(64, 128, 256), depths=(2, 4, 2), block_type=("C", "T", "T"),
                     stem_width=(32, 48),
                     **_rw_max_cfg(stride_mode="pool", conv_output_bias=True, conv_attn_ratio=0.25))
    # timm derives the tables of relative positions from a stem of stride 2.
    model = MaxxVit(cfg, img_size=2 * img_size, in_chans=in_chans, num_classes=num_classes)
    model.stem.conv1.stride = (1, 1)
    return model


class ConvGroup(torch.nn.Module):
    """Of cifar10-airbench (MIT), with trained gains and PyTorch's epsilon."""

    def __init__(self, in_chs, out_chs, depth=2):
        super().__init__()
        self.depth = depth
        for i in range(1, depth + 1):
            self.add_module(f"conv{i}", torch.nn.Conv2d(in_chs, out_chs, 3, padding=1, bias=False))
            self.add_module(f"norm{i}", torch.nn.BatchNorm2d(out_chs))
            in_chs = out_chs

    def forward(self, x):
        for i in range(1, self.depth + 1):
            x = getattr(self, f"conv{i}")(x)
            if i == 1:
                x = torch.nn.functional.max_pool2d(x, 2)
            x = torch.nn.functional.gelu(getattr(self, f"norm{i}")(x))
        return x


class ConvGroups(torch.nn.Module):
    def __init__(self, in_chans, stem_chs=24, stem_stride=1, widths=(64, 256, 256)):
        super().__init__()
        kernel = 2 if stem_stride == 1 else 2 * stem_stride - 1
        self.whiten = torch.nn.Conv2d(in_chans, stem_chs, kernel, stride=stem_stride, padding=stem_stride - 1)
        chans = (stem_chs, *widths)
        self.layers = torch.nn.Sequential(torch.nn.GELU(), *map(ConvGroup, chans, widths))

    def forward(self, x):
        return self.layers(self.whiten(x))


class Airbench(ConvGroups):
    def __init__(self, num_classes, in_chans, **config):
        super().__init__(in_chans, **config)
        self.head = torch.nn.Linear(config.get("widths", (64, 256, 256))[-1], num_classes)

    def forward_features(self, x):
        return ConvGroups.forward(self, x)

    def forward_head(self, features):
        return self.head(features.amax((2, 3)))

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


class ResNet9(torch.nn.Module):
    """Of davidcpage/cifar10-fast (MIT), dawn.py: its graph, written out, with the names that its Network gives."""

    def __init__(self, num_classes, in_chans, prep_chs=64, widths=(128, 256, 512), res_layers=(1, 3)):
        super().__init__()
        self.res_layers, self.depth = res_layers, len(widths)
        self.conv_bn("prep", in_chans, prep_chs)
        for i, (before, chans) in enumerate(zip((prep_chs, *widths), widths), 1):
            self.conv_bn(f"layer{i}", before, chans)
            if i in res_layers:
                self.conv_bn(f"layer{i}_residual_res1", chans, chans)
                self.conv_bn(f"layer{i}_residual_res2", chans, chans)
        self.linear = torch.nn.Linear(widths[-1], num_classes, bias=False)

    def conv_bn(self, name, in_chs, out_chs):
        self.add_module(f"{name}_conv", torch.nn.Conv2d(in_chs, out_chs, 3, padding=1, bias=False))
        self.add_module(f"{name}_bn", torch.nn.BatchNorm2d(out_chs))

    def step(self, name, x):
        return torch.relu(getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x)))

    def forward_features(self, x):
        x = self.step("prep", x)
        for i in range(1, self.depth + 1):
            x = torch.nn.functional.max_pool2d(self.step(f"layer{i}", x), 2)
            if i in self.res_layers:
                x = x + self.step(f"layer{i}_residual_res2", self.step(f"layer{i}_residual_res1", x))
        return x

    def forward_head(self, features):
        return self.linear(features.amax((2, 3))) * 0.125

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


class ConvGroupsEmbed(torch.nn.Module):
    """What timm's VisionTransformer takes as embed_layer."""

    def __init__(self, config, pool, img_size, in_chans, **_):
        super().__init__()
        self.backbone = ConvGroups(in_chans, **config)
        self.pool = pool
        self.num_patches = self(torch.zeros(1, in_chans, img_size, img_size)).shape[1]

    def forward(self, x):
        x = self.backbone(x)
        if self.pool:
            x = torch.nn.functional.max_pool2d(x, 2)
        return x.flatten(2).transpose(1, 2)


def vit_gap(num_classes, in_chans, img_size, **config):
    """timm's VisionTransformer without a class token."""
    from timm.models.vision_transformer import VisionTransformer
    return VisionTransformer(img_size=img_size, in_chans=in_chans, num_classes=num_classes, class_token=False,
                             global_pool="avg", mlp_ratio=2.0, **config)


def airvit(num_classes, in_chans, img_size, depth=1, num_heads=3, pool=True, **config):
    config = {"stem_chs": 16, "widths": (32, 96), **config}
    return vit_gap(num_classes, in_chans, img_size, embed_dim=config["widths"][-1], depth=depth, num_heads=num_heads,
                   embed_layer=functools.partial(ConvGroupsEmbed, config, pool))


COMPACT = {  # published networks re-stated, and braid's own variants of them
    "resnet9": (ResNet9, {}),
    "airbench_nano": (Airbench, {"stem_chs": 16, "widths": (16, 32, 64)}),
    "airbench_tiny": (Airbench, {"stem_chs": 16, "widths": (32, 64, 128)}),
    "airbench_small": (Airbench, {"widths": (64, 128, 128)}),
    "airbench94": (Airbench, {}),
    "airbench_nano_64": (Airbench, {"stem_chs": 16, "stem_stride": 2, "widths": (16, 32, 64)}),
    "airbench_tiny_64": (Airbench, {"stem_chs": 16, "stem_stride": 2, "widths": (32, 64, 128)}),
    "airbench_small_128": (Airbench, {"stem_stride": 2, "widths": (32, 64, 128, 256)}),
    "airvit_nano": (airvit, {}),
    "airvit_tiny": (airvit, {"stem_chs": 24, "widths": (64, 128, 192), "num_heads": 6, "pool": False}),
    "airvit_small": (airvit, {"stem_chs": 24, "widths": (64, 256, 256), "depth": 2, "num_heads": 8, "pool": False}),
    "airvit_nano_64": (airvit, {"stem_stride": 2, "widths": (32, 64, 96)}),
    "vit_nano_patch7_gap_28": (vit_gap, {"patch_size": 7, "embed_dim": 128, "depth": 2, "num_heads": 4}),
    "vit_nano_patch4_gap_32": (vit_gap, {"patch_size": 4, "embed_dim": 128, "depth": 2, "num_heads": 4}),
    "vit_micro_patch4_gap_32": (vit_gap, {"patch_size": 4, "embed_dim": 192, "depth": 6, "num_heads": 6}),
    "vit_nano_patch8_gap_64": (vit_gap, {"patch_size": 8, "embed_dim": 128, "depth": 2, "num_heads": 4}),
}


def compact_variant(name, num_classes, in_chans, img_size, **overrides):
    make, config = COMPACT[name]
    size = {} if make in (Airbench, ResNet9) else {"img_size": img_size}
    return make(num_classes=num_classes, in_chans=in_chans, **size, **{**config, **overrides})


def compact_reference(name, num_classes, in_chans, img_size):
    """The authors' CCT or ViT-Lite; their name for vit_lite_7_4_32 is vit_7_4_32."""
    from src import cct, vit
    if name.startswith("cct"):
        factory = getattr(cct, name)
    else:
        factory = getattr(vit, name.replace("vit_lite", "vit"))
    return factory(num_classes=num_classes, n_input_channels=in_chans, img_size=img_size)


def cvt(num_classes, in_chans, **config):
    """Hugging Face's CvT with timm's two halves; all of its tokens normalized."""
    from transformers import CvtConfig, CvtForImageClassification

    class Cvt(CvtForImageClassification):
        def forward_features(self, x):
            output = self.cvt(x, return_dict=True)
            tokens = output.last_hidden_state.flatten(2).transpose(1, 2)
            return self.layernorm(torch.cat((output.cls_token_value, tokens), 1))

        def forward_head(self, features):
            return self.classifier(features[:, 0])

    return Cvt(CvtConfig(num_labels=num_classes, num_channels=in_chans, **config))


def use_old_timm_paths():
    """Authors' code imports timm's modules from where they once were."""
    import timm.layers
    import timm.models
    warnings.simplefilter("ignore", FutureWarning)  # said of the old paths
    for name, module in (("layers", timm.layers), ("registry", timm.models)):
        sys.modules.setdefault(f"timm.models.{name}", module)


def conformer_reference(checkout, **kwargs):
    """The authors' Conformer: Conformer_tiny_patch16 of their models.py."""
    use_old_timm_paths()
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    from conformer import Conformer
    fields = {"patch_size": 16, "channel_ratio": 1, "embed_dim": 384, "depth": 12, "num_heads": 6,
              "mlp_ratio": 4, "qkv_bias": True}
    return Conformer(**{**fields, **kwargs})


def mobile_former_package(checkout):
    """Mobile-Former's module; the files it expects from an old timm stand in as stubs."""
    if "mobile_former_reference" not in sys.modules:
        import timm.layers
        package = types.ModuleType("mobile_former_reference")
        package.__path__ = [str(checkout)]
        helpers = types.ModuleType("mobile_former_reference.helpers")
        helpers.build_model_with_cfg = (
            lambda cls, variant, pretrained, default_cfg, **kwargs: cls(**kwargs))
        helpers.default_cfg_for_features = None
        sys.modules.update({"mobile_former_reference": package,
                            "mobile_former_reference.helpers": helpers,
                            "mobile_former_reference.layers": timm.layers})
    from mobile_former_reference import mobile_former
    return mobile_former


def mobile_former_reference(checkout, factory, **kwargs):
    """A factory of Mobile-Former's module, which prints as it builds."""
    with contextlib.redirect_stdout(io.StringIO()):
        return getattr(mobile_former_package(checkout), factory)(**kwargs)


def reference_model(name, num_classes, in_chans, img_size, checkouts):
    """The reference for a name, or None with the reason. checkouts: the options' directories."""
    if name == "braidnet":
        return None, "has none; tests/models/test_braidnet.cpp holds it against the named models"
    if name in ("resnet20", "resnet56"):
        return SmallResNet((int(name[6:]) - 2) // 6, num_classes, in_chans), ""
    if name in COMPACT:
        return compact_variant(name, num_classes, in_chans, img_size), ""
    if name == "coatnet_pico_32":
        return coatnet_pico(num_classes, in_chans, img_size), ""
    if name.startswith(("cct_", "vit_lite_")):
        compact = checkouts.compact_transformers
        if compact is None:
            return None, "needs --compact-transformers"
        if str(compact) not in sys.path:
            sys.path.insert(0, str(compact))
        return compact_reference(name, num_classes, in_chans, img_size), ""
    if name == "cvt_13":
        return cvt(num_classes, in_chans), ""
    if name == "conformer_tiny_patch16":
        if checkouts.conformer is None:
            return None, "needs --conformer"
        return conformer_reference(checkouts.conformer, num_classes=num_classes,
                                   in_chans=in_chans), ""
    if name.startswith("mobile_former_"):
        if checkouts.mobile_former is None:
            return None, "needs --mobile-former"
        return mobile_former_reference(checkouts.mobile_former, name, num_classes=num_classes,
                                       in_chans=in_chans, img_size=img_size), ""
    common = {"num_classes": num_classes, "in_chans": in_chans}
    try:
        return timm.create_model(name, img_size=img_size, **common), ""
    except TypeError:  # a network of any size
        return timm.create_model(name, **common), ""


def randomize(model, generator):
    """Weights far from their initialization, with every branch open and outputs of order one."""
    with torch.no_grad():
        saved = model.state_dict()  # buffers outside of it are constants, such as coordinates
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if not tensor.is_floating_point() or name not in saved:
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("running_var"):
                tensor.copy_(0.5 + noise.abs())
            elif name.endswith("running_mean"):
                tensor.copy_(0.2 * noise)
            elif tensor.dim() == 1 and name.endswith("weight"):  # gains of norms
                tensor.copy_(1 + 0.2 * noise)
            elif tensor.dim() == 1 or name.endswith("gamma"):  # FastViT's are [C,1,1]
                tensor.copy_(0.1 * noise)
            else:  # perturbed, on the scale of the initialization
                tensor.add_(noise * 0.3 * max(float(tensor.std()), 1e-3))


def relative_error(ours, theirs, floor=0.0):
    scale = max(float(theirs.abs().max()), floor, 1e-30)
    return float((ours - theirs).abs().max()) / scale


def join_branches(maps, token):
    """braid's features of models with two branches: the map, and a token at every pixel."""
    return torch.cat([maps, token[:, :, None, None].expand(-1, -1, *maps.shape[2:])], 1)


def run_two_branches(model, x):
    """(features, logits) of Conformer, whose logits are the mean of two heads', or Mobile-Former."""
    kept = {}
    if hasattr(model, "trans_norm"):
        hooks = [model.pooling.register_forward_pre_hook(
                     lambda _, inputs: kept.update(map=inputs[0])),
                 model.trans_norm.register_forward_hook(
                     lambda _, __, output: kept.update(token=output[:, 0]))]
    else:
        hooks = [model.features.register_forward_hook(
                     lambda _, __, output: kept.update(map=output[0])),
                 model.local_global.register_forward_hook(
                     lambda _, __, output: kept.update(token=output[0][0]))]
    logits = model(x)
    for hook in hooks:
        hook.remove()
    if isinstance(logits, list):
        logits = sum(logits) / len(logits)
    return join_branches(kept["map"], kept["token"]), logits


def run_reference(model, x):
    """(features, logits); the authors' CCT has both in one forward pass."""
    if hasattr(model, "trans_norm") or hasattr(model, "local_global"):
        return run_two_branches(model, x)
    if hasattr(model, "forward_head"):
        features = model.forward_features(x)
        logits = model.forward_head(features)
        if getattr(model, "output_fmt", "NCHW") == "NHWC":
            features = features.permute(0, 3, 1, 2)
        return features, sum(logits) / len(logits) if isinstance(logits, tuple) else logits
    kept = []
    hook = model.classifier.norm.register_forward_hook(lambda _, __, output: kept.append(output))
    logits = model(x)
    hook.remove()
    return kept[-1], logits


def check(name, entry, args, work):
    """Returns a row (name, parameters, errors..., verdict)."""
    chans, side = entry["input_size"][0], args.img_size or entry["input_size"][1]
    if args.in_chans:
        chans = args.in_chans
    torch.manual_seed(0)
    model, reason = reference_model(name, args.num_classes, chans, side, args)
    if model is None:
        return [name, "", "", "", "", "", f"skipped: {reason}"]
    generator = torch.Generator().manual_seed(1)
    randomize(model, generator)
    model.eval()
    files = {key: work / f"{key}.safetensors" for key in ("weights", "input", "output", "grads")}
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, files["weights"])
    x = torch.randn(args.batch_size, chans, side, side, generator=generator)
    save_file({"input": x}, files["input"])
    errors = {}
    for dtype in ("float32", "float64"):
        command = [args.braid, "forward", name, "--dtype", dtype, "--grads", files["grads"]]
        for key in ("weights", "input", "output"):
            command += [f"--{key}", files[key]]
        run = subprocess.run([str(c) for c in command], capture_output=True, text=True)
        if run.returncode != 0:
            return [name, "", "", "", "", "", "failed: " + run.stderr.strip()]
        model.to(getattr(torch, dtype)).zero_grad()
        try:
            features, logits = run_reference(model, x.to(getattr(torch, dtype)))
        except RuntimeError as error:
            verdict = "skipped" if args.img_size else "failed"  # references refuse unusual sizes
            return [name, "", "", "", "", "", f"{verdict}: its reference fails: {error}"]
        ours, grads = load_file(files["output"]), load_file(files["grads"])
        errors[dtype] = relative_error(ours["logits"], logits.detach())
    logits.square().mean().backward()
    feature_error = relative_error(ours["features"], features.detach())
    theirs = {k: p.grad if p.grad is not None else torch.zeros_like(p)
              for k, p in model.named_parameters() if p.requires_grad}
    if set(theirs) != set(grads):
        return [name, "", "", "", "", "", f"parameters differ: {set(theirs) ^ set(grads)}"]
    floor = 1e-3 * max(float(g.abs().max()) for g in theirs.values())
    grad_error = max(relative_error(grads[k], g, floor) for k, g in theirs.items())
    worst = max(*errors.values(), feature_error, grad_error)
    params = sum(p.numel() for p in model.parameters())
    row = [errors["float32"], errors["float64"], feature_error, grad_error]
    return [name, f"{params}"] + [f"{e:.1e}" for e in row] + ["ok" if worst <= TOLERANCE else "OFF"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="architectures; all registered ones by default")
    parser.add_argument("--braid", default="build/bin/braid", help="the program [%(default)s]")
    parser.add_argument("--compact-transformers", type=pathlib.Path,
                        help="checkout of SHI-Labs/Compact-Transformers, for CCT and ViT-Lite")
    parser.add_argument("--conformer", type=pathlib.Path, help="checkout of pengzhiliang/Conformer")
    parser.add_argument("--mobile-former", type=pathlib.Path, help="checkout of AAboys/MobileFormer")
    parser.add_argument("--num-classes", type=int, default=10)
    parser.add_argument("--in-chans", type=int, help="input channels [the model's own]")
    parser.add_argument("--img-size", type=int, help="pixels along one side [the model's own]")
    parser.add_argument("--batch-size", type=int, default=2)
    args = parser.parse_args()
    listing = subprocess.run([args.braid, "models", "--format", "json"], capture_output=True,
                             text=True, check=True)
    entries = {entry["name"]: entry for entry in json.loads(listing.stdout)}
    unknown = [name for name in args.names if name not in entries]
    if unknown:
        parser.error(f"unknown model {unknown[0]}; braid has {', '.join(sorted(entries))}")
    names = args.names or sorted(entries)
    widths = [max(map(len, names)), len("138357544"), *map(len, COLUMNS[2:])]

    def show(row):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip(), flush=True)

    show(COLUMNS)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            row = check(name, entries[name], args, pathlib.Path(folder))
            show(row)
            failed += row[6] != "ok" and not row[6].startswith("skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
