#!/usr/bin/env python3
"""Writes fixtures/fine_tuning.safetensors: PyTorch's trajectory of a network of two layers whose classifier has a
learning rate of its own (a group of parameters per setting), with and without layer decay, for
tests/train/test_fine_tuning.cpp. Seed 13; PyTorch's version is in the metadata.

    .venv/bin/python tests/train/generate_fine_tuning.py
"""
import pathlib

import torch
from safetensors.torch import save_file

STEPS, LR, HEAD_LR, DECAY = 12, 0.02, 0.1, 0.1
torch.manual_seed(13)
start = {"body.weight": torch.randn(4, 3), "body.bias": torch.randn(4), "head.weight": torch.randn(2, 4),
         "head.bias": torch.randn(2)}
images, labels = torch.randn(6, 3), torch.randint(2, (6,))
tensors = {f"start.{name}": value for name, value in start.items()} | {"images": images, "labels": labels}

OPTIMIZERS = {"adamw": lambda groups: torch.optim.AdamW(groups, fused=False),
              "nesterov": lambda groups: torch.optim.SGD(groups, lr=LR, momentum=0.9, nesterov=True)}
for opt, make in OPTIMIZERS.items():
    for layer_decay in (1.0, 0.5):
        p = {name: value.clone().requires_grad_() for name, value in start.items()}
        scale = {"body": layer_decay, "head": HEAD_LR / LR}  # the head is the last layer: decayed by no factor
        groups = [{"params": [value], "weight_decay": DECAY if value.dim() > 1 else 0.0,
                   "scale": scale[name.split(".")[0]]} for name, value in p.items()]
        optimizer = make(groups)
        path = {name: [] for name in p}
        for step in range(STEPS):
            for group in optimizer.param_groups:
                group["lr"] = LR / (1 + step) * group["scale"]
            hidden = torch.tanh(images @ p["body.weight"].T + p["body.bias"])
            loss = torch.nn.functional.cross_entropy(hidden @ p["head.weight"].T + p["head.bias"], labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for name, value in p.items():
                path[name].append(value.detach().clone())
        for name, values in path.items():
            tensors[f"{opt}.{layer_decay}.{name}"] = torch.stack(values)
save_file(tensors, pathlib.Path(__file__).parent / "fixtures" / "fine_tuning.safetensors", {"torch": torch.__version__})
