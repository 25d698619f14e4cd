#!/usr/bin/env python3
"""Writes fixtures/optimizers.safetensors, fixtures/muon.safetensors, fixtures/lookahead.safetensors and
fixtures/schedules.json: trajectories of PyTorch 2.13.0's and timm 1.0's optimizers, schedules and average of weights, for
tests/train/test_craft.cpp; and ../tasks/fixtures/losses.safetensors: losses, for tests/tasks/test_loss.cpp. Seed 11.

Run with the oracle's Python: .venv/bin/python tests/train/generate_trajectories.py
"""
import json
import math
import pathlib

import torch

for operator in ("nms", "qnms"):
    torch.library.define(f"torchvision::{operator}", "(Tensor a, Tensor b, float c) -> Tensor")
import timm.loss
import timm.optim
import timm.scheduler
import timm.utils
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).parent / "fixtures"
STEPS = 20
torch.manual_seed(11)

tensors = {}
start = {"weight": torch.randn(4, 3), "bias": torch.randn(4)}
gradients = {name: torch.randn(STEPS, *value.shape) for name, value in start.items()}
for name in start:
    tensors[f"start.{name}"] = start[name]
    tensors[f"gradients.{name}"] = gradients[name]

OPTIMIZERS = {
    "plain_sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.05, fused=False),
    "lamb": lambda p: timm.optim.Lamb(p, lr=0.05, max_grad_norm=None),
    "lion": lambda p: timm.optim.Lion(p, lr=0.05),
}
for key, make in OPTIMIZERS.items():
    parameters = {name: value.clone().requires_grad_() for name, value in start.items()}
    optimizer = make([{"params": [parameters["weight"]], "weight_decay": 0.1},
                      {"params": [parameters["bias"]], "weight_decay": 0.0}])
    path = {name: [] for name in start}
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 0.05 / (1 + step)
        for name, parameter in parameters.items():
            parameter.grad = gradients[name][step].clone()
        optimizer.step()
        for name, parameter in parameters.items():
            path[name].append(parameter.detach().clone())
    for name in start:
        tensors[f"{key}.{name}"] = torch.stack(path[name])

# The average of weights: timm's ModelEmaV3 without warm-up, over the AdamW path.
module = torch.nn.Linear(3, 4)
with torch.no_grad():
    module.weight.copy_(start["weight"])
    module.bias.copy_(start["bias"])
ema = timm.utils.ModelEmaV3(module, decay=0.9)
for step in range(STEPS):
    with torch.no_grad():
        module.weight.copy_(tensors["adamw.weight"][step])
        module.bias.copy_(tensors["adamw.bias"][step])
    ema.update(module)
tensors["ema.weight"] = ema.module.weight.detach().clone()
tensors["ema.bias"] = ema.module.bias.detach().clone()
save_file({k: v.contiguous() for k, v in tensors.items()}, OUT / "optimizers.safetensors")

# Losses.
logits, teacher = torch.randn(6, 5), torch.randn(6, 5)
labels = torch.randint(5, (6,))
targets = torch.rand(6, 5).softmax(-1)
losses = {"logits": logits, "teacher": teacher, "labels": labels, "targets": targets}
losses["loss.smooth"] = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
losses["loss.plain"] = torch.nn.functional.cross_entropy(logits, labels)
losses["loss.soft"] = timm.loss.SoftTargetCrossEntropy()(logits, targets)
losses["loss.hard_distillation"] = torch.nn.functional.cross_entropy(logits, teacher.argmax(1))
T = 3.0  # as in DeiT's losses.py: sum over all logits, over their number
losses["loss.soft_distillation"] = torch.nn.functional.kl_div(
    torch.log_softmax(logits / T, 1), torch.log_softmax(teacher / T, 1), reduction="sum",
    log_target=True) * (T * T) / logits.numel()
save_file({k: v.contiguous() for k, v in losses.items()}, OUT / "../../tasks/fixtures/losses.safetensors")


def timm_path(make, epochs=20, metrics=None):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    scheduler = make(optimizer)
    rates = []
    for epoch in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step(epoch + 1, metrics[epoch] if metrics else None)
    return rates


METRICS = [50, 60, 61, 61, 61, 61, 62, 62.001, 61, 60, 59, 58, 57, 70, 70, 70, 70, 70, 70, 70]
WARM = {"warmup_t": 3, "warmup_lr_init": 0.01}


def plateau():
    """PyTorch's own ReduceLROnPlateau: timm's wraps it."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=2, threshold=1e-4,
                                                           min_lr=0.02)
    rates = []
    for metric in METRICS:
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step(metric)
    return rates


def one_cycle():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    # Its last step is the 20th, and the first phase ends one step before pct_start says.
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.4, total_steps=21, pct_start=5 / 21 + 1 / 21,
                                                    anneal_strategy="linear", cycle_momentum=False)
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


schedules = {
    "metrics": METRICS,
    "cosine": timm_path(lambda o: timm.scheduler.CosineLRScheduler(o, t_initial=20, lr_min=0.004, **WARM)),
    "linear": [0.01 + (0.4 - 0.01) * e / 3 if e < 3 else 0.4 + (0.004 - 0.4) * e / 20 for e in range(20)],
    # warmup_prefix as timm's train.py sets it by default.
    "step": timm_path(lambda o: timm.scheduler.StepLRScheduler(o, decay_t=6, decay_rate=0.2, warmup_prefix=False, **WARM)),
    "plateau": plateau(),
    # Vaswani et al.'s, section 5.3, scaled so that its peak after 3 warm-up epochs is 0.4; the warm-up starts at 0.
    "one_cycle": one_cycle(),
    "inverse_sqrt": [0.4 * math.sqrt(3) * min(1 / math.sqrt(e), e * 3 ** -1.5) if e else 0.0 for e in range(20)],
}
(OUT / "schedules.json").write_text(json.dumps(schedules, indent=1) + "\n")

# Muon on what it trains (a wide and a tall matrix, a convolution) and on what it leaves to AdamW (a bias, a depthwise
# convolution, a thin matrix), its iterations in float32.
import timm.optim.muon as timm_muon

newton_schulz = timm_muon.zeropower_via_newtonschulz
timm_muon.zeropower_via_newtonschulz = lambda *a, **k: newton_schulz(*a, **{**k, "dtype": torch.float32})
generator = torch.Generator().manual_seed(12)
SHAPES = {"wide": (6, 8), "tall": (12, 5), "conv": (6, 4, 3, 3), "bias": (6,), "depthwise": (6, 1, 3, 3), "thin": (3, 8)}
start = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
gradients = {name: torch.randn((8, *shape), generator=generator) for name, shape in SHAPES.items()}
tensors = {f"start.{name}": value for name, value in start.items()}
tensors |= {f"gradients.{name}": value for name, value in gradients.items()}
for key, nesterov in (("muon", False), ("nmuon", True)):
    parameters = {name: value.clone().requires_grad_() for name, value in start.items()}
    optimizer = timm_muon.Muon([{"params": [p for n, p in parameters.items() if n != "bias"], "weight_decay": 0.1},
                                {"params": [parameters["bias"]], "weight_decay": 0.0}], momentum=0.9,
                               nesterov=nesterov)
    for step in range(8):
        for group in optimizer.param_groups:
            group["lr"] = 0.05 / (1 + step)
        for name, parameter in parameters.items():
            parameter.grad = gradients[name][step].clone()
        optimizer.step()
    tensors |= {f"{key}.{name}": p.detach().clone() for name, p in parameters.items()}
save_file(tensors, OUT / "muon.safetensors")

# timm's Lookahead around other optimizers, in float64.
generator = torch.Generator().manual_seed(13)
SHAPES = {"weight": (4, 3), "bias": (4,)}
start = {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in SHAPES.items()}
gradients = {name: torch.randn((STEPS, *shape), generator=generator, dtype=torch.float64)
             for name, shape in SHAPES.items()}
tensors = {f"start.{name}": value for name, value in start.items()}
tensors |= {f"gradients.{name}": value for name, value in gradients.items()}
for key, k, alpha in (("sgd", 6, 0.5), ("adamw", 6, 0.5), ("adamw", 5, 0.8), ("lion", 6, 0.5)):
    parameters = {name: value.clone().requires_grad_() for name, value in start.items()}
    inner = OPTIMIZERS[key]([{"params": [parameters["weight"]], "weight_decay": 0.1},
                             {"params": [parameters["bias"]], "weight_decay": 0.0}])
    optimizer = timm.optim.Lookahead(inner, alpha=alpha, k=k)
    path = {name: [] for name in start}
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 0.05 / (1 + step)
        for name, parameter in parameters.items():
            parameter.grad = gradients[name][step].clone()
        optimizer.step()
        for name, parameter in parameters.items():
            path[name].append(parameter.detach().clone())
    tensors |= {f"{key}.{k}.{name}": torch.stack(path[name]) for name in start}
save_file({k: v.contiguous() for k, v in tensors.items()}, OUT / "lookahead.safetensors")
