#!/usr/bin/env python3
"""Writes fixtures/*.safetensors: tiny models with the maps that reference implementations make of them.

    python tests/explain/generate_explanations.py     (torch 2.13.0, timm 1.0.31, grad-cam 1.5.7; seed 1)

Class activation maps are those of the Python package grad-cam; attention rollout is
https://github.com/jacobgil/vit-explain's (mean over heads, discard ratio 0). Each file: `weights/NAME` and `input`
float16, `map/METHOD/LAYER` [H,W], `rollout` [h,w]; the metadata `kwargs` are braid's config fields, `target` the class.
"""
import json
import pathlib
import sys
import types

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))
import parity  # noqa: E402,F401  (defines torchvision's operators before timm is imported)


def stand_in(name):
    """grad-cam imports what only its pictures and other methods need."""
    try:
        __import__(name)
    except ImportError:
        module = types.ModuleType(name)
        module.__path__ = []
        module.__getattr__ = lambda attribute: type(attribute, (), {})
        sys.modules[name] = module


for missing in ("sklearn", "sklearn.decomposition", "sklearn.cluster", "sklearn.preprocessing", "scipy", "scipy.ndimage",
                "matplotlib", "matplotlib.lines", "matplotlib.pyplot", "tqdm"):
    stand_in(missing)

from pytorch_grad_cam import GradCAM, GradCAMPlusPlus  # noqa: E402
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from timm.models import resnet, swin_transformer, vision_transformer  # noqa: E402

COMMON = {"num_classes": 5, "in_chans": 2}
METHODS = {"grad-cam": GradCAM, "grad-cam++": GradCAMPlusPlus}


def tiny_resnet():
    model = resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1], channels=(4, 8, 8, 8), **COMMON)
    return model, {"layers": [1, 1, 1, 1], "widths": [4, 8, 8, 8], "img_size": 68, **COMMON}


def tiny_swin():
    """Maps of 18, 9 and 5 pixels: padded and shifted windows."""
    fields = {"img_size": 72, "embed_dim": 8, "depths": (2, 2, 1), "num_heads": (2, 2, 4), "window_size": 4, **COMMON}
    return swin_transformer.SwinTransformer(**fields), fields


def tiny_vit():
    fields = {"patch_size": 6, "embed_dim": 16, "depth": 3, "num_heads": 2, "img_size": 30, **COMMON}
    return vision_transformer.VisionTransformer(**fields), fields


def randomize(model):
    """Away from initialization, and exactly what float16 holds."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                if name.endswith("running_var"):
                    tensor.uniform_(0.5, 1.5)
                else:
                    tensor.add_(0.3 * torch.randn_like(tensor))
                tensor.copy_(tensor.half().float())


def rollout(model, x):
    weights = []
    for block in model.blocks:
        block.attn.fused_attn = False
        block.attn.attn_drop.register_forward_hook(lambda m, i, output: weights.append(output.detach()))
    model(x)
    result = torch.eye(weights[0].size(-1))
    for attention in weights:
        fused = attention.mean(1)
        a = (fused + torch.eye(fused.size(-1))) / 2
        a = a / a.sum(dim=-1, keepdim=True)
        result = torch.matmul(a, result)
    mask = result[0, 0, 1:]
    side = int(mask.numel() ** 0.5)
    return mask.reshape(side, side)


def tokens(x):
    side = int((x.size(1) - 1) ** 0.5)
    return x[:, 1:].transpose(1, 2).reshape(x.size(0), x.size(2), side, side)


def square(x):
    side = int(x.size(1) ** 0.5)
    return x.transpose(1, 2).reshape(x.size(0), x.size(2), side, side)


CASES = {
    "resnet18": (tiny_resnet, {"layer4": None, "layer3": None}),
    "swin_tiny_patch4_window7_224": (tiny_swin, {"layers.2.blocks.0.norm1": lambda x: x.permute(0, 3, 1, 2),
                                                 "layers.1.blocks.1.norm2": square}),
    "vit_tiny_patch16_224": (tiny_vit, {"blocks.2.norm1": tokens}),
}


def main():
    for name, (build, layers) in CASES.items():
        torch.manual_seed(1)
        model, kwargs = build()
        model.eval()
        randomize(model)
        x = torch.randn(1, 2, kwargs["img_size"], kwargs["img_size"]).half().float()
        target = int(model(x).argmax())
        tensors = {"input": x.half(), **{f"weights/{k}": v.half() for k, v in model.state_dict().items()
                                         if v.is_floating_point()}}
        for layer, transform in layers.items():
            for method, cam in METHODS.items():
                with cam(model=model, target_layers=[model.get_submodule(layer)], reshape_transform=transform) as run:
                    tensors[f"map/{method}/{layer}"] = torch.from_numpy(run(x, [ClassifierOutputTarget(target)])[0])
                print(name, method, layer, tensors[f"map/{method}/{layer}"].mean().item())
        if name.startswith("vit"):
            tensors["rollout"] = rollout(model, x)
        save_file({k: v.contiguous() for k, v in tensors.items()}, HERE / "fixtures" / f"{name}.safetensors",
                  metadata={"kwargs": json.dumps(kwargs), "target": str(target)})


main()
