#!/usr/bin/env python3
"""Writes fixtures/reference_counts.json: parameters and multiply-accumulates of the reference of each architecture.

    .venv/bin/python tests/models/generate_macs.py [NAME...] [--compact-transformers DIR] [--conformer DIR]
        [--mobile-former DIR]

1000 classes, one image of the architecture's own size; counted by fvcore 0.1.5 on timm 1.0.31, transformers and the
authors' code (the options of scripts/parity.py). Attention runs unfused, since fvcore does not know the fused operator.
Names whose reference is not at hand keep the line they have.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))
import parity  # noqa: E402  (defines torchvision's operators before timm is imported)
import timm.layers  # noqa: E402
from fvcore.nn import FlopCountAnalysis  # noqa: E402

COUNTED = {"conv", "linear", "matmul", "einsum", "bmm", "addmm"}
FIXTURE = HERE / "fixtures" / "reference_counts.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="architectures; all registered ones by default")
    parser.add_argument("--braid", default="build/bin/braid", help="the program [%(default)s]")
    for option in ("compact-transformers", "conformer", "mobile-former"):
        parser.add_argument(f"--{option}", type=pathlib.Path)
    args = parser.parse_args()
    timm.layers.set_fused_attn(False)
    listing = json.loads(subprocess.run([args.braid, "models", "--format", "json"], capture_output=True, text=True,
                                        check=True).stdout)
    counts = json.loads(FIXTURE.read_text()) if FIXTURE.exists() else {}
    for entry in listing:
        name, size = entry["name"], entry["input_size"]
        if (args.names and name not in args.names) or len(size) != 3:  # [tokens]: of texts
            continue
        chans, side, _ = size
        model, missing = parity.reference_model(name, 1000, chans, side, args)
        if model is None:
            print(f"{name}: {missing}")
            continue
        analysis = FlopCountAnalysis(model.eval(), torch.zeros(1, chans, side, side))
        operators = analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).by_operator()
        counts[name] = {"params": sum(p.numel() for p in model.parameters() if p.requires_grad),
                        "macs": int(sum(v for k, v in operators.items() if k in COUNTED))}
        print(f"{name}: {counts[name]}", flush=True)
        FIXTURE.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
