"""The PyTorch side of bench/time_to_target.py: one of braid's small networks by its short recipe, with timm's Muon.

    bench/recipe_torch.py MODEL WEIGHTS.safetensors SETTINGS   prints {"top1": percent, "seconds": of training}

SETTINGS is JSON with braid's names of the flags, and `steps`.
"""
import json
import pathlib
import sys
import time

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from torch_baselines import load, test_accuracy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))
import parity  # noqa: E402, defines the operators of torchvision that timm asks for
import timm.layers  # noqa: E402
import timm.optim  # noqa: E402


def augmented(images: torch.Tensor, padding: int) -> torch.Tensor:
    """Every image flipped or not, and moved by up to `padding` pixels either way, its border reflected."""
    size = images.shape[-1]
    images = torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(3), images)
    padded = F.pad(images, [padding] * 4, mode="reflect")
    moves = torch.randint(2 * padding + 1, (2, len(images)))
    out = torch.empty_like(images)
    for down in range(2 * padding + 1):
        for right in range(2 * padding + 1):
            rows = (moves[0] == down) & (moves[1] == right)
            out[rows] = padded[rows, :, down:down + size, right:right + size]
    return out


def rate(settings: dict, step: int) -> float:
    """One cycle with linear sides, as torch.optim.lr_scheduler.OneCycleLR has it."""
    top = settings["pct_start"] * settings["steps"] - 1
    last = settings["steps"] - 1
    share = step / top if step <= top else (last - step) / (last - top)
    return settings["lr"] * max(share, 1e-6)


def main() -> None:
    name, weights, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    torch.manual_seed(settings["seed"])
    images, labels = load("train")
    mean, std = images.mean(), images.std()
    rows = torch.randperm(len(images))[int(settings["val_fraction"] * len(images)):]  # as many as braid learns from
    images, labels = (images[rows] - mean) / std, labels[rows]
    timm.layers.set_fused_attn(False)  # composed attention, faster in bfloat16
    model = parity.compact_variant(name, num_classes=10, in_chans=1, img_size=28)
    model.load_state_dict(load_file(weights))
    model = model.to(memory_format=torch.channels_last).train()
    optimizer = timm.optim.create_optimizer_v2(model, opt="nmuon", lr=settings["lr"], weight_decay=settings["weight_decay"],
                                               momentum=settings["momentum"])
    bf16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    start, step = time.perf_counter(), 0
    while step < settings["steps"]:
        for batch in torch.randperm(len(images)).split(settings["batch_size"])[:settings["steps"] - step]:
            for group in optimizer.param_groups:
                group["lr"] = rate(settings, step)
            x = augmented(images[batch], settings["crop_padding"]).to(memory_format=torch.channels_last)
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                logits = model(x)
            F.cross_entropy(logits.float(), labels[batch], label_smoothing=settings["smoothing"]).backward()
            if settings["clip_grad"]:
                torch.nn.utils.clip_grad_norm_(model.parameters(), settings["clip_grad"])
            optimizer.step()
            step += 1
    seconds = time.perf_counter() - start
    print(json.dumps({"top1": test_accuracy(model, mean, std), "seconds": seconds}))


if __name__ == "__main__":
    main()
