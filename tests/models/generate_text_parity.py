#!/usr/bin/env python3
"""Writes fixtures/text_NAME.safetensors: tiny networks of text of Hugging Face transformers (5.24), their outputs and
gradients in float64. See test_text_parity.cpp.

    tests/models/generate_text_parity.py [NAME...]

Each holds the weights as the reference names them, the inputs, the outputs, and per parameter (sorted by braid's
names) the dot product of its gradient with cos(0), cos(1), ...; config.json is in the metadata. The cases are those of
scripts/parity_text.py.
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))
import parity_text  # noqa: E402


def write(entry):
    torch.manual_seed(1)
    model = entry.model().eval()
    parity_text.randomize(model)
    inputs = entry.inputs(model)
    weights = {f"weights/{name}": tensor.clone() for name, tensor in model.state_dict().items()}
    outputs, grads = parity_text.reference(entry, model, inputs)
    grads = [(g.flatten() * torch.arange(g.numel(), dtype=torch.double).cos()).sum() for _, g in sorted(grads.items())]
    config = {**model.config.to_dict(), "architectures": [type(model).__name__]}
    save_file({**weights, **inputs, "grads": torch.stack(grads),
               **{name: value.detach().contiguous().clone() for name, value in outputs.items()}},
              HERE / "fixtures" / f"text_{entry.name}.safetensors",
              {"config": parity_text.json.dumps(config, default=str)})


for case in parity_text.entries():
    if not sys.argv[1:] or case.name in sys.argv[1:]:
        write(case)
