#!/usr/bin/env python3
"""Accuracy for the same seconds: braid's own choice of each family, plain PyTorch and timm's defaults, one run, one machine.

    bench/time_to_accuracy.py [--seconds 45] [--output FILE.json]

On Fashion-MNIST, 10,000 test images. `braid compare` chooses a model of each family and trains them in turns; PyTorch trains
a short network of the same family, and a model of timm, in processes with the same allocator. Leave the machine alone while
it runs.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import peers

ROOT = peers.ROOT
TIMM = {"cnn": "timm:resnet18", "hybrid": "timm:mobilevit_xxs", "transformer": "timm:vit_tiny_patch16_224"}


def run(command: list, **env: str) -> str:
    result = subprocess.run(command, env=dict(os.environ, **env), capture_output=True, text=True, cwd=ROOT)
    if result.returncode:
        how = f"was ended by signal {-result.returncode}" if result.returncode < 0 else f"ended with {result.returncode}"
        sys.exit(f"time_to_accuracy: {' '.join(map(str, command))} {how}\n{result.stderr}")
    return result.stdout


def by_torch(name: str, seconds: float) -> dict:
    top1, rate = run([sys.executable, "bench/torch_baselines.py", name, str(seconds)], LD_PRELOAD=peers.jemalloc(),
                     MALLOC_CONF=peers.JEMALLOC_OPTIONS).split()
    return {"top1": float(top1), "images_per_s": float(rate)}


def by_braid(seconds: float) -> list[dict]:
    """The models that it chooses, one of each family."""
    with tempfile.TemporaryDirectory() as folder:
        run(["build/bin/braid", "compare", "--data", "fashion-mnist", "--budget", f"time={seconds:g}s", "--skip",
             "efficiency,robustness,looks", "--output", folder])
        models = json.loads((pathlib.Path(folder) / "results.json").read_text())["models"]
    return [{"family": model["family"], "who": f"braid, {model['name']}", "top1": model["score"]["value"],
             "images_per_s": model["train_items_per_s"]} for model in models]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--output", type=pathlib.Path)
    args = parser.parse_args()
    print(f"{peers.cpu()}, {args.seconds:g} s each\n{'family':12} {'who':34} {'top-1 %':>8} {'images/s':>9}")
    rows = []

    def add(row: dict) -> None:
        rows.append(row)
        print(f"{row['family']:12} {row['who']:34} {row['top1']:8.2f} {row['images_per_s']:9.0f}", flush=True)

    for row in by_braid(args.seconds):
        add(row)
    for family, timm in TIMM.items():
        for who, name in (("PyTorch, thirty lines", family), ("PyTorch, " + timm, timm)):
            add({"family": family, "who": who, **by_torch(name, args.seconds)})
    if args.output:
        args.output.write_text(json.dumps({"cpu": peers.cpu(), "seconds": args.seconds, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
